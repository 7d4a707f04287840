//! The codes of what goes wrong: what is seen, why, and the command that mends it. They are data, in `codes.yaml`.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use crate::lint::mistake::TABLE;

static FILE: &str = include_str!("../codes.yaml");

/// All codes, in order. A test reads the file; one that cannot be read would leave none.
static CODES: LazyLock<Vec<Code>> = LazyLock::new(|| serde_yaml::from_str(FILE).unwrap_or_default());

/// Something that goes wrong.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Code {
    /// Its name: `SC1001`.
    #[serde(rename = "code")]
    pub(crate) name: String,
    /// What it is.
    pub(crate) title: String,
    /// What Helm or Kubernetes says, a part of it.
    #[serde(default)]
    pub(crate) symptom: String,
    /// What else they say, and others of the same; in both, `…` stands for anything.
    #[serde(default, skip_serializing)]
    also: Vec<String>,
    /// Why, with `{name}` for what was found.
    pub(crate) cause: String,
    /// The command that mends it, with `{name}` for what was found.
    pub(crate) fix: String,
}

/// What was found, by the names that causes and commands have for it.
pub(crate) type Found = BTreeMap<&'static str, String>;

/// All codes, in order.
pub(crate) fn all() -> &'static [Code] {
    &CODES
}

/// A code by its name.
pub(crate) fn named(name: &str) -> Option<&'static Code> {
    all().iter().find(|code| code.name == name)
}

/// What stands for what the doctor would find, where nothing was found yet: the usual release, and commands that lead further.
const USUAL: [(&str, &str); 22] = [
    ("sc", "sc"),
    ("job", "sc-job"),
    ("helm", "helm"),
    ("kubectl", "kubectl"),
    ("namespace", "sc-system"),
    ("release", "sc"),
    ("back", "helm rollback sc --namespace sc-system"),
    ("mend", "helm rollback sc --namespace sc-system"),
    ("install", "sc install --create-namespace"),
    ("there", ""),
    ("start", ""),
    ("room", "kubectl -n sc-system patch {limit} -p '{patch}' && "),
    ("list", "sc --release {other} --release-namespace {home}"),
    ("anew", "kubectl create namespace {where} && sc upgrade"),
    ("tolerate", "sc upgrade --set-json 'job.tolerations={tolerations}'"),
    ("restart", "kubectl -n {where} rollout restart {workload}"),
    ("repair", "kubectl -n {where} edit {workload}"),
    ("azure", "sc show {connection} --output yaml"),
    ("need", ""),
    ("assign", "az vmss identity assign --resource-group NODE_RESOURCE_GROUP --name SCALE_SET"),
    ("tenants", "az identity list --query \"[?clientId=='{client}'].tenantId\" --output tsv"),
    ("update", "sc update keyvault --connection {connection} --kube-namespace {where}"),
];

impl Code {
    /// Whether a message, in small letters, has one of the symptoms in it.
    fn is_said_in(&self, message: &str) -> bool {
        self.also.iter().chain([&self.symptom]).any(|symptom| !symptom.is_empty() && has_parts(message, &symptom.to_lowercase()))
    }

    /// The code as it is explained where nothing was found.
    fn explained(mut self) -> Self {
        let usual: Found = USUAL.iter().map(|(name, text)| (*name, (*text).to_owned())).chain([("near", String::new())]).collect();
        (self.cause, self.fix) = (filled(&self.cause, &usual).trim_end().to_owned(), filled(&self.fix, &usual));
        self
    }
}

/// The codes that are meant by a name, whatever its case, or by a message that has their symptom in it; those of `sc lint` have names alone.
pub(crate) fn meant(words: &str) -> Vec<Code> {
    let of_lint = TABLE.iter().map(|entry| Code {
        name: entry.code.to_owned(),
        title: entry.title.to_owned(),
        symptom: String::new(),
        also: Vec::new(),
        cause: entry.cause.to_owned(),
        fix: entry.fix.to_owned(),
    });
    let message = words.to_lowercase();
    let is_meant = |code: &Code| words.is_empty() || code.name.eq_ignore_ascii_case(words) || code.is_said_in(&message);
    all().iter().cloned().chain(of_lint).filter(is_meant).map(Code::explained).collect()
}

/// Whether a message has all parts of a symptom, one behind the other.
fn has_parts(message: &str, symptom: &str) -> bool {
    let behind = |rest: &'_ str, part: &str| rest.find(part).map(|at| at + part.len());
    let mut rest = message;
    symptom.split('…').map(str::trim).all(|part| behind(rest, part).map(|end| rest = &rest[end..]).is_some())
}

/// A text of a code with what was found in the place of each `{name}`. Braces around anything else stay.
pub(crate) fn filled(text: &str, found: &Found) -> String {
    let mut filled = String::new();
    let mut rest = text;
    while let Some(start) = rest.find('{') {
        let (before, from) = rest.split_at(start);
        filled += before;
        let name = from[1..].split('}').next().unwrap_or_default();
        if let Some(value) = found.get(name) {
            filled += value;
            rest = &from[name.len() + 2..];
        } else {
            filled.push('{');
            rest = &from[1..];
        }
    }
    filled + rest
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_file_is_read_and_each_code_is_there_once() {
        let codes: Vec<Code> = serde_yaml::from_str(FILE).unwrap();
        assert!(codes.len() >= 40, "{}", codes.len());
        let names: BTreeSet<&str> = codes.iter().map(|code| code.name.as_str()).collect();
        assert_eq!(names.len(), codes.len());
        assert!(codes.is_sorted_by_key(|code| &code.name), "they are in order");
        assert!(codes.iter().all(|code| code.name.len() == 6 && code.name.starts_with("SC1") && !code.fix.is_empty() && !code.cause.is_empty()));
    }

    #[test]
    fn every_code_that_the_doctor_finds_is_in_the_file_and_every_other_is_known_to_be_told_alone() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/doctor");
        let files = std::fs::read_dir(folder).unwrap().map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap());
        // Without their tests, and without those of which is told beside what stands in the way.
        let parts: Vec<String> = files.map(|file| file.split("#[cfg(test)]").next().unwrap_or_default().to_owned()).collect();
        let text: String = parts.iter().flat_map(|text| text.split_inclusive(';')).filter(|item| !item.contains("const BESIDE")).collect();
        let found: BTreeSet<&str> = text.match_indices("\"SC1").map(|(at, _)| &text[at + 1..at + 7]).collect();
        let known: BTreeSet<&str> = all().iter().map(|code| code.name.as_str()).collect();
        assert_eq!(found.difference(&known).collect::<Vec<_>>(), [&""; 0]);
        // What Helm says without leaving a trace.
        assert_eq!(known.difference(&found).collect::<Vec<_>>(), [&"SC1006", &"SC1007"]);
    }

    #[test]
    fn what_was_found_takes_the_place_of_its_name_and_other_braces_stay() {
        let found = Found::from([("sc", "sc".to_owned()), ("name", "a{sc}".to_owned())]);
        assert_eq!(filled("{sc} x {name} '{\"spec\":{}}' {other} {", &found), "sc x a{sc} '{\"spec\":{}}' {other} {");
    }

    #[test]
    fn a_message_leads_to_its_code() {
        let message = "Error: UPGRADE FAILED: another operation (install/upgrade/rollback) is in progress";
        let names = |words: &str| meant(words).into_iter().map(|code| code.name).collect::<Vec<_>>();
        assert_eq!(names(message), ["SC1001", "SC1005"]);
        assert_eq!((names("sc1001"), names("sc2001")), (vec!["SC1001".to_owned()], vec!["SC2001".to_owned()]));
        assert_eq!(names("").len(), all().len() + TABLE.len());
        assert_eq!(names("nothing that is known"), [""; 0]);
    }

    #[test]
    fn what_the_service_documents_leads_to_its_code() {
        for (message, code) in [
            ("Timed out waiting for resource readiness", "SC1005"),
            ("post-upgrade hooks failed: job failed: BackoffLimitExceeded", "SC1407"),
            ("Timed out waiting for the resource to come to a ready/completed state.", "SC1005"),
            ("Unable to download the Helm chart from the repo URL", "SC1007"),
            ("Failed to setup Helm client during helm chart upgrade : err [a: not found]", "SC1007"),
            ("Helm chart rendering failed with given values", "SC1006"),
            ("Error: execution error at (sc-extension/templates/checks.yaml:3:4): no", "SC1006"),
            ("Resource already exists in your cluster", "SC1004"),
            ("Operation is already in progress for Helm", "SC1001"),
            ("Extension pods can't be scheduled if all the node pools in the cluster are \"CriticalAddonsOnly\" tainted", "SC1104"),
            ("0/2 nodes are available: 2 node(s) had untolerated taint {CriticalAddonsOnly: true}", "SC1104"),
            ("namespaces \"shop\" not found", "SC1304"),
            (
                "Role \"sc-job\" exists and cannot be imported into the current release: invalid ownership metadata; annotation validation error: key \"meta.helm.sh/release-name\" must equal \"b\": current value is \"a\"",
                "SC1009",
            ),
        ] {
            assert!(meant(message).iter().any(|meant| meant.name == code), "`{message}` does not lead to {code}");
        }
        assert!(!meant("namespaces were listed").iter().any(|code| code.name == "SC1304"), "both parts are needed");
    }

    /// Each with the very words that the job has for it.
    #[test]
    fn what_the_job_says_leads_to_its_code() {
        use sc_core::connections::Unread;
        use sc_core::problem::{Kind, Word};
        use sc_job::cluster::Failure;

        let (name, credential) = (|| Word::new("orders-admin"), || "password".to_owned());
        let set = |why| Kind::SetUnread { name: name(), why }.to_string();
        for (said, code) in [
            (Failure::Held.to_string(), "SC1403"),
            (Failure::NoNamespace.to_string(), "SC1304"),
            (Failure::Terminating.to_string(), "SC1305"),
            (Failure::UnknownKind.to_string(), "SC1310"),
            (Failure::Quota.to_string(), "SC1309"),
            (Failure::Denied { webhook: String::new() }.to_string(), "SC1316"),
            (Kind::SecretAbsent { name: name(), credential: credential() }.to_string(), "SC1306"),
            (Kind::SecretKeyAbsent { name: name(), credential: credential() }.to_string(), "SC1307"),
            (set(Unread::Absent), "SC1314"),
            (set(Unread::Keyless), "SC1314"),
        ] {
            assert!(meant(&said).iter().any(|meant| meant.name == code), "`{said}` does not lead to {code}");
        }
    }
}
