//! A storage account: Azurite at an address of its own, behind the name that the account has in Azure.

use std::collections::BTreeMap;
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sc_tests::{canary, places, tree};

use crate::kube;
use crate::stand_in::{certificate, variable};

/// What `scripts/drivers env azure` says.
pub(crate) static PLACES: LazyLock<BTreeMap<String, String>> = LazyLock::new(|| places::of_drivers(&["azure"]));

/// The service, for as long as this lives.
pub(crate) struct Azurite {
    /// The host name of the account.
    pub(crate) host: String,
    /// Where it is.
    pub(crate) address: String,
    child: Child,
}

impl Azurite {
    /// Starts one with an empty account. There can be only one at a time.
    pub(crate) fn start(account: &str) -> Self {
        let bridge = variable("SC_CLUSTER_IP");
        // The bridge is the first of its subnet, and pods get theirs from far behind.
        let address = format!("{}.2", bridge.rsplit_once('.').unwrap().0);
        let [certificate, key] = ["server.crt", "server.key"].map(certificate);
        let child = Command::new(tree("tests/azure/at-address"))
            .args([&address, "sc0", &PLACES["NODE"], &format!("{}/dist/src/blob/main.js", PLACES["AZURITE"])])
            .args([
                "--blobHost",
                &address,
                "--blobPort",
                "443",
                "--oauth",
                "basic",
                "--inMemoryPersistence",
                "--disableTelemetry",
                "--skipApiVersionCheck",
            ])
            .args(["--silent", "--cert"])
            .args([certificate.as_os_str(), "--key".as_ref(), key.as_os_str()])
            .env("AZURITE_ACCOUNTS", format!("{account}:{}", STANDARD.encode(canary::of("account"))))
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let azurite = Self { host: format!("{account}.blob.core.windows.net"), address, child };
        let answers = || TcpStream::connect((azurite.address.as_str(), 443)).ok().map(drop);
        kube::wait_for("Azurite", Duration::from_secs(30), answers);
        azurite
    }
}

impl Drop for Azurite {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}
