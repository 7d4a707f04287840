//! The commands of the README and the guides, run in order as they stand there, each document in a cluster's namespaces of its own.
//!
//! What is put in the place of what a reader has: `shop` and `sc-system` are namespaces of the test, `registry.example/sc-job` is the image that
//! the cluster has, `registry.example/web:1.0` one that does nothing, and the variables that hold credentials are set.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::PathBuf;
use std::process::Command;
use std::{env, thread};

use sc_tests::commands::{self, Block, Use};
use sc_tests::{built, canary, tree};
use serde_json::json;

use crate::bed::{self, Bed, Helm};
use crate::connections::secret;
use crate::kube;
use crate::vault::Crd;

/// Images in documents, and those that are in the cluster.
const IMAGES: [(&str, &str); 2] = [("registry.example/sc-job", "ghcr.io/sc-extension/sc-job"), ("registry.example/web:1.0", "localhost/pause:1")];
/// The variables that documents have credentials in.
const CREDENTIALS: [&str; 2] = ["ORDERS_PASSWORD", "MEDIA_SECRET"];

#[test]
fn each_command_of_a_document_does_what_it_says() {
    kube::require();
    thread::scope(|scope| {
        let documents = commands::documents();
        let threads: Vec<_> = documents.into_iter().zip([Helm::Four, Helm::Three].into_iter().cycle()).collect();
        let threads: Vec<_> = threads.into_iter().map(|((name, blocks), helm)| scope.spawn(move || run(&name, &blocks, helm))).collect();
        let failed: Vec<_> = threads.into_iter().filter_map(|thread| thread.join().err()).collect();
        if let Some(panic) = failed.into_iter().next() {
            std::panic::resume_unwind(panic);
        }
    });
}

fn run(name: &str, blocks: &[Block], helm: Helm) {
    bed::without_namespaces(helm, &format!("docs-{name}"), 1, |bed| {
        let _crd = (name == "csi").then(Crd::install);
        if name == "moving-over" {
            make_what_service_connector_has_made(bed);
        }
        let reader = Reader::of(name, bed);
        for block in blocks {
            reader.follows(block);
        }
    });
}

/// Somebody who does what a document says.
struct Reader<'a> {
    document: &'a str,
    bed: &'a Bed,
    folder: PathBuf,
    path: String,
}

impl<'a> Reader<'a> {
    fn of(document: &'a str, bed: &'a Bed) -> Self {
        let (folder, programs) = (bed.folder().join("reader"), bed.folder().join("path"));
        for new in [&folder, &programs] {
            fs::create_dir_all(new).unwrap();
        }
        symlink(tree("chart"), folder.join("chart")).unwrap();
        symlink(bed.helm.program(), programs.join("helm")).unwrap();
        let sc = programs.join("sc");
        fs::write(&sc, format!("#!/bin/sh\nexec {} --release-namespace {} \"$@\"\n", built("sc-cli", "sc").display(), bed.system)).unwrap();
        fs::set_permissions(sc, fs::Permissions::from_mode(0o755)).unwrap();
        let path = format!("{}:{}", programs.display(), env::var("PATH").unwrap_or_default());
        Self { document, bed, folder, path }
    }

    fn follows(&self, block: &Block) {
        let text = self.meant(&block.text);
        match &block.used {
            Use::Run(code) => self.runs(&text, *code, block.line),
            Use::File(name) => fs::write(self.folder.join(name), text).unwrap(),
            Use::NotRun(_) | Use::Shown => {}
        }
    }

    /// One line after the other, as far as each succeeds.
    fn runs(&self, commands: &str, code: i32, line: usize) {
        let mut shell = Command::new("bash");
        shell.args(["-euo", "pipefail", "-c", commands]).current_dir(&self.folder).env("PATH", &self.path);
        shell.envs(CREDENTIALS.map(|name| (name, canary::of(&name.to_lowercase()))));
        let output = shell.output().unwrap();
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said);
        canary::keep("documents", &said);
        assert_eq!(output.status.code(), Some(code), "{}, line {line}:\n{commands}\nsaid:\n{said}", self.document);
    }

    /// The text with what the test has, in the place of what a reader has.
    fn meant(&self, text: &str) -> String {
        let text = IMAGES.iter().fold(text.to_owned(), |text, (document, cluster)| text.replace(document, cluster));
        let is_of_word = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
        let mut meant = String::new();
        for word in text.split_inclusive(|c| !is_of_word(c)) {
            let end = word.find(|c| !is_of_word(c)).unwrap_or(word.len());
            meant += match &word[..end] {
                "shop" => self.bed.shop(),
                "sc-system" => &self.bed.system,
                other => other,
            };
            meant += &word[end..];
        }
        meant
    }
}

/// A Secret that is not ours, and a workload that reads it.
fn make_what_service_connector_has_made(bed: &Bed) {
    let shop = bed.shop();
    let pod = json!({
        "metadata": {"labels": {"app": "web"}},
        "spec": {"containers": [{"name": "web", "image": IMAGES[1].1, "envFrom": [{"secretRef": {"name": "sc-orders-secret"}}]}]},
    });
    kube::apply(&[
        json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": shop, "labels": {"sc-extension.dev/e2e": "true"}}}),
        secret(shop, "sc-orders-secret", &json!({"AZURE_POSTGRESQL_CONNECTIONSTRING": "made by another"})),
        json!({
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"namespace": shop, "name": "web"},
            "spec": {"selector": {"matchLabels": {"app": "web"}}, "template": pod},
        }),
    ]);
}
