//! Which cluster, and which release in it.

use std::borrow::Cow;
use std::error::Error;
use std::path::PathBuf;

use anyhow::{Result, anyhow};
use clap::Args;
use http::Uri;
use hyper_util::client::proxy::matcher::Matcher;
use kube::config::{InferConfigError, KubeConfigOptions, Kubeconfig};
use sc_core::names::Release;
use sc_job::cluster::Cluster;
use serde_json::Value;

use crate::args::connection::{Selection, SourceArgs};
use crate::args::{namespace, release_name};
use crate::entry;
use crate::kubeconfig::unusable;
use crate::workload::items;

/// The release, and its namespace, unless others are named.
const RELEASE: &str = "sc";
const NAMESPACE: &str = "sc-system";

/// Where the release is. All of it has a default that is right for one release in the cluster of the current context.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Where the release is")]
pub(crate) struct Place {
    /// The kubeconfig, instead of the one that kubectl finds. A proxy is taken as kubectl does: by `proxy-url`, HTTPS_PROXY and NO_PROXY.
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) kubeconfig: Option<PathBuf>,

    /// The context in it, instead of the current one.
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) kube_context: Option<String>,

    /// The release.
    #[arg(long, global = true, default_value = RELEASE, value_name = "NAME", value_parser = release_name)]
    pub(crate) release: String,

    /// The namespace of that release, which also holds the Secrets that credentials refer to.
    #[arg(long, global = true, default_value = NAMESPACE, value_name = "NAMESPACE", value_parser = namespace)]
    pub(crate) release_namespace: String,
}

impl Default for Place {
    fn default() -> Self {
        Self { kubeconfig: None, kube_context: None, release: RELEASE.to_owned(), release_namespace: NAMESPACE.to_owned() }
    }
}

impl Place {
    /// The release.
    pub(crate) fn release(&self) -> Release {
        Release { name: self.release.clone(), namespace: self.release_namespace.clone() }
    }

    /// The cluster.
    ///
    /// # Errors
    /// If there is no usable configuration. The cause is not passed on: a kubeconfig that cannot be parsed would be quoted.
    pub(crate) async fn cluster(&self) -> Result<Cluster> {
        Ok(Cluster::of(self.config().await?)?.for_person())
    }

    /// A proxy of the environment counts only for who is not in NO_PROXY, which kube (5.0.0) holds against the proxy instead of the API server.
    async fn config(&self) -> Result<kube::Config> {
        let mut config = self.configured().await?;
        if !self.read_kubeconfig().is_ok_and(|kubeconfig| names(&kubeconfig, config.proxy_url.as_ref())) {
            let proxy = Matcher::from_env().intercept(&config.cluster_url);
            config.proxy_url = proxy.map(|proxy| config.proxy_url.take().unwrap_or_else(|| proxy.uri().clone()));
        }
        Ok(config)
    }

    async fn configured(&self) -> Result<kube::Config> {
        if self.kubeconfig.is_none() && self.kube_context.is_none() {
            let cause = |error: &InferConfigError| unusable(error.source().and_then(<dyn Error>::downcast_ref), None);
            return kube::Config::infer().await.map_err(|error| cause(&error));
        }
        let kubeconfig = self.read_kubeconfig()?;
        let options = KubeConfigOptions { context: self.kube_context.clone(), ..KubeConfigOptions::default() };
        let read = kube::Config::from_custom_kubeconfig(kubeconfig, &options).await;
        read.map_err(|error| unusable(Some(&error), self.kubeconfig.as_deref()))
    }

    fn read_kubeconfig(&self) -> Result<Kubeconfig> {
        let read = self.kubeconfig.as_ref().map_or_else(Kubeconfig::read, Kubeconfig::read_from);
        read.map_err(|error| unusable(Some(&error), self.kubeconfig.as_deref()))
    }

    /// The same place in the AKS cluster that az would take by these arguments.
    ///
    /// # Errors
    /// As [`Self::context_for`].
    pub(crate) fn for_source(&self, source: &SourceArgs) -> Result<Self> {
        let of_id = source.source_id.as_deref().and_then(|id| id.trim_end_matches('/').rsplit('/').next());
        self.for_cluster(source.name.as_deref().or(of_id))
    }

    /// The same for a connection that is named by its id.
    ///
    /// # Errors
    /// As [`Self::context_for`], or if the id is none.
    pub(crate) fn for_selection(&self, selection: &Selection) -> Result<Self> {
        let of_id = selection.id.as_deref().map(entry::parts_of_id).transpose()?.and_then(|(cluster, ..)| cluster);
        match of_id {
            Some(cluster) => self.for_cluster(Some(cluster)),
            None => self.for_source(&selection.source),
        }
    }

    fn for_cluster(&self, aks: Option<&str>) -> Result<Self> {
        let mut place = self.clone();
        if let Some(aks) = aks.filter(|_| self.kube_context.is_none()) {
            place.kube_context = Some(self.context_for(aks)?);
        }
        Ok(place)
    }

    /// The context for the AKS cluster of this name, as `az aks get-credentials` writes it.
    ///
    /// # Errors
    /// If no context is for such a cluster: it is better to do nothing than to do it in another cluster.
    fn context_for(&self, aks: &str) -> Result<String> {
        let contexts = self.read_kubeconfig()?.contexts;
        let is_for = |context: &kube::config::NamedContext| context.context.as_ref().is_some_and(|inner| inner.cluster == aks);
        let found = contexts.iter().find(|context| context.name == aks || is_for(context));
        found.map(|context| context.name.clone()).ok_or_else(|| {
            anyhow!("no context of the kubeconfig is for the cluster `{aks}`: get it by `az aks get-credentials`, or leave the cluster out to take the current context")
        })
    }

    /// A program with the flags by which it finds the same cluster, and `sc` the same release.
    pub(crate) fn command(&self, program: &str) -> String {
        let mut words = vec![program.to_owned()];
        words.extend(self.kubeconfig.iter().map(|file| format!("--kubeconfig {}", quoted(&file.display().to_string()))));
        let flag = if program == "kubectl" { "--context" } else { "--kube-context" };
        words.extend(self.kube_context.iter().map(|context| format!("{flag} {}", quoted(context))));
        if program == "sc" {
            words.extend((self.release != RELEASE).then(|| format!("--release {}", self.release)));
            words.extend((self.release_namespace != NAMESPACE).then(|| format!("--release-namespace {}", self.release_namespace)));
        }
        words.join(" ")
    }

    /// The command that creates a namespace for connections; nothing if the upgrade makes it, since `namespaces.create` of the values lists it:
    /// Helm would take one that somebody else has made for its own, and delete it.
    pub(crate) fn creation_of(&self, namespace: &str, values: &Value) -> Option<String> {
        let is_charts = items(&values["namespaces"]["create"]).any(|created| created == namespace);
        (!is_charts).then(|| format!("{} create namespace {namespace}", self.command("kubectl")))
    }

    /// The command by which a person changes a connection set in this Secret, and has that applied by this command of `sc`.
    pub(crate) fn change_of_set(&self, secret: &str, again: &str) -> String {
        format!("{} -n {} edit secret {secret} && {} {again}", self.command("kubectl"), self.release_namespace, self.command("sc"))
    }

    /// The flags that tell Helm the same.
    pub(crate) fn helm_flags(&self) -> Vec<String> {
        let mut flags = vec!["--namespace".to_owned(), self.release_namespace.clone()];
        if let Some(file) = &self.kubeconfig {
            flags.extend(["--kubeconfig".to_owned(), file.display().to_string()]);
        }
        if let Some(context) = &self.kube_context {
            flags.extend(["--kube-context".to_owned(), context.clone()]);
        }
        flags
    }
}

/// Whether this is the `proxy-url` of a cluster in there.
fn names(kubeconfig: &Kubeconfig, proxy: Option<&Uri>) -> bool {
    let mut named = kubeconfig.clusters.iter().filter_map(|cluster| cluster.cluster.as_ref()?.proxy_url.as_ref()?.parse().ok());
    proxy.is_some_and(|proxy| named.any(|named: Uri| named == *proxy))
}

/// A word as a shell takes it: the names of contexts and files may have blanks and more. Only a NUL cannot be quoted, and none is kept.
pub(crate) fn quoted(word: &str) -> String {
    let word = word.replace('\0', "");
    shlex::try_quote(&word).map(Cow::into_owned).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_commands_are_quoted_where_a_shell_would_take_them_apart() {
        let place = Place { kubeconfig: Some("/my files/it's".into()), kube_context: Some("arn:aws:eks/a@b".to_owned()), ..Place::default() };
        assert_eq!(place.command("kubectl"), r#"kubectl --kubeconfig "/my files/it's" --context arn:aws:eks/a@b"#);
        assert_eq!(Place::default().command("helm"), "helm");
    }
}
