//! A Job as `sc snippet` writes it, and what became of it.
//!
//! Rule: the test adds only what a cluster without images and without names needs: the program's files from this machine, where the hosts are that it
//! talks to, and the authority that has signed for them; and it says that a failed pod is enough.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;
use std::time::Duration;

use sc_tests::canary;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::azurite::PLACES;
use crate::bed::Bed;
use crate::kube;
use crate::session::Session;
use crate::stand_in::{LOGIN, certificate, variable};

/// The variables by which Python and Go are told of an authority.
const TRUST: [&str; 2] = ["REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"];
/// So long a Job may take. Some clients try for long before they give up.
const LONG: Duration = Duration::from_mins(4);

/// A program on this machine, to be run in a pod.
pub(crate) struct Program {
    name: &'static str,
    command: Vec<String>,
    /// Folders of this machine, and where they are in the pod.
    folders: Vec<(String, String)>,
}

/// What became of a Job.
pub(crate) struct Outcome {
    /// Whether it completed.
    pub(crate) is_complete: bool,
    /// What its pod said.
    pub(crate) log: String,
    /// Its pod.
    pub(crate) pod: Value,
}

impl Program {
    /// A program of `tests/azure/python`, which uses `DefaultAzureCredential` of azure-identity.
    pub(crate) fn python(name: &'static str) -> Self {
        let python = &PLACES["PYTHON"];
        let asked = Command::new(python).args(["-c", "import sys; print(sys.prefix, sys.base_prefix, sep='\\n')"]).output().unwrap();
        let program = sc_tests::tree("tests/azure/python");
        let command = vec![python.clone(), "-B".to_owned(), format!("{}/{name}.py", program.display())];
        let own = String::from_utf8(asked.stdout).unwrap();
        let own = own.lines().chain([program.to_str().unwrap()]).map(|folder| (folder.to_owned(), folder.to_owned()));
        Self { name, command, folders: own.chain(Self::system(name, &[]).folders).collect() }
    }

    /// A program that each Debian has.
    pub(crate) fn system(name: &'static str, command: &[&str]) -> Self {
        // The last two, where libraries and their loader are looked for, are links on this machine.
        let folders = [("/usr", "/usr"), ("/usr/lib", "/lib"), ("/usr/lib64", "/lib64")];
        let folders = folders.map(|(here, there)| (here.to_owned(), there.to_owned())).to_vec();
        Self { name, command: command.iter().map(|&word| word.to_owned()).collect(), folders }
    }

    /// The program of `tests/azure/go`, which uses `DefaultAzureCredential` of azidentity.
    pub(crate) fn go() -> Self {
        let program = &PLACES["STORE"];
        let folder = program.rsplit_once('/').unwrap().0.to_owned();
        Self { name: "store-go", command: vec![program.clone()], folders: vec![(folder.clone(), folder)] }
    }

    /// The Job that `sc snippet` writes for a connection, with this program in it. `hosts` are names and where they are.
    pub(crate) fn job(&self, bed: &Bed, session: &Session, (connection, arguments): (&str, &[&str]), hosts: &[(&str, &str)]) -> Value {
        let reconcile = kube::existing(&bed.system, "cronjob", "sc-reconcile");
        let image = reconcile.pointer("/spec/jobTemplate/spec/template/spec/containers/0/image").unwrap().as_str().unwrap();
        let snippet = session.run(&format!("snippet {connection} --kind job --workload {} --image {image}", self.name), "");
        assert!(snippet.is_ok, "{snippet:?}");
        let mut job: Value = serde_yaml::from_str(&snippet.output).unwrap();
        job["spec"]["backoffLimit"] = json!(0);
        let pod = &mut job["spec"]["template"]["spec"];
        pod["hostAliases"] = aliases(hosts);
        pod["containers"][0]["command"] = self.command.iter().map(String::as_str).chain(arguments.iter().copied()).collect();
        self.mount(pod);
        job
    }

    fn mount(&self, pod: &mut Value) {
        let names = (0..).map(|number| format!("folder-{number}"));
        for (name, (here, there)) in names.zip(&self.folders) {
            append(&mut pod["volumes"], json!({"name": name, "hostPath": {"path": here, "type": "Directory"}}));
            append(&mut pod["containers"][0]["volumeMounts"], json!({"name": name, "mountPath": there, "readOnly": true}));
        }
        append(&mut pod["volumes"], json!({"name": "authority", "configMap": {"name": "authority"}}));
        append(&mut pod["containers"][0]["volumeMounts"], json!({"name": "authority", "mountPath": "/authority", "readOnly": true}));
        for variable in TRUST {
            append(&mut pod["containers"][0]["env"], json!({"name": variable, "value": "/authority/ca.crt"}));
        }
    }
}

/// Where these hosts are, and the one that gives tokens. An address may be there only once.
fn aliases(hosts: &[(&str, &str)]) -> Value {
    let bridge = variable("SC_CLUSTER_IP");
    let mut names: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (host, address) in hosts.iter().chain([&(LOGIN, bridge.as_str())]) {
        names.entry(address).or_default().push(host);
    }
    names.into_iter().map(|(address, hosts)| json!({"ip": address, "hostnames": hosts})).collect()
}

/// The ConfigMap with the authority that has signed for names of Azure.
pub(crate) fn authority(namespace: &str) -> Value {
    let certificate = fs::read_to_string(certificate("ca.crt")).unwrap();
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"namespace": namespace, "name": "authority"}, "data": {"ca.crt": certificate}})
}

/// Runs a Job to its end.
pub(crate) fn run(job: Value) -> Outcome {
    let [namespace, name] = names(&job);
    kube::apply(&[job]);
    let condition = || {
        let job = kube::existing(&namespace, "job", &name);
        let conditions = job["status"]["conditions"].as_array()?.clone();
        conditions.iter().find(|one| one["type"] == "Complete" || one["type"] == "Failed").map(|one| one["type"] == "Complete")
    };
    let is_complete = kube::wait_for(&format!("the Job {name}"), LONG, condition);
    let pod = pod(&namespace, &name).unwrap();
    let log = kube::kubectl(&["-n", &namespace, "logs", pod["metadata"]["name"].as_str().unwrap()]);
    canary::keep("azure", &log);
    Outcome { is_complete, log, pod }
}

/// The pod of a Job, if it is there.
pub(crate) fn pod(namespace: &str, job: &str) -> Option<Value> {
    kube::list(namespace, "pods").into_iter().find(|pod| pod["metadata"]["labels"]["batch.kubernetes.io/job-name"] == job)
}

/// Namespace and name of an object.
pub(crate) fn names(object: &Value) -> [String; 2] {
    ["namespace", "name"].map(|field| object["metadata"][field].as_str().unwrap().to_owned())
}

/// The SHA-256 sum of a text, as `sha256sum` prints it.
pub(crate) fn sum(text: &str) -> String {
    Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat()
}

fn append(list: &mut Value, item: Value) {
    match list {
        Value::Array(items) => items.push(item),
        nothing => *nothing = json!([item]),
    }
}
