//! The namespaces of one run: fresh ones for the connections and for the release, and a user with the rights that the chart would grant.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::api::Api;
use crate::documents::{Documents, referenced, set_name};
use crate::program::Programs;

/// Marks all namespaces of this crate.
const LABEL: &str = "sc-bench";
const SETTLES: Duration = Duration::from_mins(2);
/// Deleting many thousand Secrets takes its time.
const DELETES: Duration = Duration::from_mins(30);

/// Whether the user may list, beside what the chart grants anyway.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rights {
    /// As the chart grants by name: create, get, update, delete.
    Get,
    /// Also `list` on Secrets of the connections' namespaces.
    List,
}

/// The namespaces of one run.
#[derive(Debug, Clone)]
pub struct Room {
    /// What is to be made here.
    pub documents: Documents,
    /// The namespace of the release.
    pub system: String,
    /// For programs that ask as the user of this room.
    pub kubeconfig: PathBuf,
    /// For the job.
    pub values: PathBuf,
}

impl Room {
    /// Makes the namespaces and the sets, and waits until the controllers are done with them.
    ///
    /// # Errors
    /// If the API server refuses any of it.
    pub fn bare(api: &mut Api, programs: &Programs, name: &str, count: usize) -> Result<Self> {
        let room = Self::outlined(programs, name, count);
        for namespace in room.all() {
            api.create("/api/v1/namespaces", &json!({"metadata": {"name": namespace, "labels": {LABEL: "yes"}}}))?;
        }
        room.fill(api)?;
        std::fs::write(&room.values, room.documents.values().to_string())?;
        room.settle(api)?;
        Ok(room)
    }

    /// Makes a user with these rights, and its kubeconfig.
    ///
    /// # Errors
    /// If the API server refuses it.
    pub fn admit(&self, api: &mut Api, rights: Rights) -> Result<()> {
        let accounts = format!("/api/v1/namespaces/{}/serviceaccounts", self.system);
        api.create(&accounts, &json!({"metadata": {"name": "sc-job"}}))?;
        self.bind(api)?;
        self.grant(api, rights)?;
        let token = api.token(&self.system, "sc-job")?;
        api.kubeconfig().with_token(&token).write(&self.kubeconfig)
    }

    fn outlined(programs: &Programs, name: &str, count: usize) -> Self {
        Self {
            documents: Documents { prefix: name.to_owned(), count },
            system: format!("{name}-system"),
            kubeconfig: programs.file(&format!("{name}.kubeconfig")),
            values: programs.file(&format!("{name}.values")),
        }
    }

    /// The job as it runs outside of the cluster, as the user of this room.
    #[must_use]
    pub fn job(&self, programs: &Programs) -> Command {
        let mut command = Command::new(&programs.job);
        command.arg("--values").arg(&self.values).args(["--status-namespace", &self.system, "--release-namespace", &self.system]);
        command.env("KUBECONFIG", &self.kubeconfig);
        command
    }

    /// The name of the user, as the API server knows it.
    #[must_use]
    pub fn user(&self) -> String {
        format!("system:serviceaccount:{}:sc-job", self.system)
    }

    /// Grants exactly this, and waits until the API server knows.
    ///
    /// # Errors
    /// If the API server refuses it, or does not know in time.
    pub fn grant(&self, api: &mut Api, rights: Rights) -> Result<()> {
        let mut verbs = vec!["create", "get", "update", "delete"];
        if rights == Rights::List {
            verbs.push("list");
        }
        let own = json!([{"apiGroups": ["", "coordination.k8s.io", "batch"], "resources": ["*"], "verbs": ["*"]}]);
        put_role(api, &self.system, &own)?;
        let rules = json!([
            {"apiGroups": [""], "resources": ["secrets", "serviceaccounts"], "verbs": verbs},
            {"apiGroups": ["secrets-store.csi.x-k8s.io"], "resources": ["secretproviderclasses"], "verbs": verbs},
        ]);
        let namespaces = self.documents.namespaces();
        namespaces.iter().try_for_each(|namespace| put_role(api, namespace, &rules))?;
        let last = namespaces.last().context("there are no connections")?;
        api.wait("the Roles", SETTLES, |api| {
            let may_list = self.may(api, last, "list")?;
            Ok(self.may(api, last, "get")? && may_list == (rights == Rights::List))
        })
    }

    /// Writes one set anew, with another database in the first connection of all.
    ///
    /// # Errors
    /// If the API server refuses it.
    pub fn change_first(&self, api: &mut Api, database: &str) -> Result<()> {
        api.replace(&format!("/api/v1/namespaces/{}/secrets/{}", self.system, set_name(0)), &self.documents.set(0, database))
    }

    /// Hands each Secret of the connections' namespaces to `take`.
    ///
    /// # Errors
    /// If they cannot be read.
    pub fn each_secret(&self, api: &mut Api, mut take: impl FnMut(&Value) -> Result<()>) -> Result<()> {
        self.documents.namespaces().iter().try_for_each(|namespace| api.each(&format!("/api/v1/namespaces/{namespace}/secrets"), "", &mut take))
    }

    /// Makes sure that as many Secrets are there as connections.
    ///
    /// # Errors
    /// If there are more, or fewer.
    pub fn check(&self, api: &mut Api) -> Result<()> {
        let mut found = 0;
        self.each_secret(api, |_| {
            found += 1;
            Ok(())
        })?;
        let wanted = self.documents.count;
        ensure!(found == wanted, "{found} Secrets are there instead of {wanted}: what was measured is not the work that was asked for");
        Ok(())
    }

    fn all(&self) -> Vec<String> {
        let mut all = self.documents.namespaces();
        all.push(self.system.clone());
        all
    }

    fn bind(&self, api: &mut Api) -> Result<()> {
        let role = json!({"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "sc-job"});
        let subject = json!({"kind": "ServiceAccount", "name": "sc-job", "namespace": self.system});
        let binding = json!({"metadata": {"name": "sc-job"}, "roleRef": role, "subjects": [subject]});
        self.all().iter().try_for_each(|namespace| {
            let collection = format!("/apis/rbac.authorization.k8s.io/v1/namespaces/{namespace}/rolebindings");
            api.create(&collection, &binding).map(drop)
        })
    }

    fn fill(&self, api: &mut Api) -> Result<()> {
        let secrets = format!("/api/v1/namespaces/{}/secrets", self.system);
        api.create(&secrets, &referenced())?;
        (0..self.documents.sets()).try_for_each(|number| api.create(&secrets, &self.documents.set(number, "orders000000")).map(drop))
    }

    fn may(&self, api: &mut Api, namespace: &str, verb: &str) -> Result<bool> {
        let asked = json!({"namespace": namespace, "verb": verb, "resource": "secrets"});
        let review = json!({"spec": {"user": self.user(), "resourceAttributes": asked}});
        let answer = api.create("/apis/authorization.k8s.io/v1/subjectaccessreviews", &review)?;
        Ok(answer["status"]["allowed"] == true)
    }

    /// Each namespace gets a ConfigMap and a ServiceAccount by controllers, which should not be at work when the clock runs.
    fn settle(&self, api: &mut Api) -> Result<()> {
        api.wait("the controllers", SETTLES, |api| {
            for namespace in self.all() {
                for path in ["configmaps/kube-root-ca.crt", "serviceaccounts/default"] {
                    if api.get(&format!("/api/v1/namespaces/{namespace}/{path}"))?.is_none() {
                        return Ok(false);
                    }
                }
            }
            Ok(true)
        })
    }
}

/// Deletes all namespaces of this crate, and waits until they are gone.
///
/// # Errors
/// If they are not gone in time.
pub fn delete_all(api: &mut Api) -> Result<()> {
    let selector = format!("labelSelector={LABEL}");
    let mut names = Vec::new();
    api.each("/api/v1/namespaces", &selector, |namespace| {
        names.extend(namespace["metadata"]["name"].as_str().map(str::to_owned));
        Ok(())
    })?;
    names.iter().try_for_each(|name| api.delete(&format!("/api/v1/namespaces/{name}")))?;
    api.wait("the namespaces to be gone", DELETES, |api| {
        let mut left = 0;
        api.each("/api/v1/namespaces", &selector, |_| {
            left += 1;
            Ok(())
        })?;
        Ok(left == 0)
    })
}

fn put_role(api: &mut Api, namespace: &str, rules: &Value) -> Result<()> {
    let path = format!("/apis/rbac.authorization.k8s.io/v1/namespaces/{namespace}/roles/sc-job");
    api.replace(&path, &json!({"metadata": {"name": "sc-job"}, "rules": rules}))
}
