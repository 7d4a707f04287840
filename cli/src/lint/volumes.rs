//! Whether pods get the files of connections: volumes of the Secrets Store CSI driver.

use sc_core::object::ObjectKind;

use super::Findings;
use super::mistake::Mistake;
use super::pods::{Pods, class, login};
use super::tree::Node;
use crate::workload::{CSI_DRIVER, Needs};

/// Looks for mistakes about volumes.
pub(crate) fn check(pods: &Pods<'_>, findings: &mut Findings) {
    for volume in pods.volumes() {
        let class = class(volume);
        pods.around.check(ObjectKind::SecretProviderClass, class, findings);
        logged_in(pods, volume, findings);
        if pods.around.is_of_connection(ObjectKind::SecretProviderClass, class) {
            driver(volume, findings);
            mounted(pods, volume, findings);
        }
    }
}

/// Whether the volume of a connection is the driver's. Others have drivers of their own for theirs, as GKE does.
fn driver(volume: &Node, findings: &mut Findings) {
    let driver = volume.at("/csi/driver");
    if driver.text().is_some_and(|name| name != CSI_DRIVER) {
        findings.add(Mistake::DriverUnknown, driver);
    }
}

/// Whether the Secret by which the driver logs in is there, and the one that the connection has for it.
fn logged_in(pods: &Pods<'_>, volume: &Node, findings: &mut Findings) {
    let before = findings.0.len();
    pods.around.check(ObjectKind::Secret, login(volume), findings);
    let wanted = pods.around.object(ObjectKind::SecretProviderClass, class(volume)).and_then(|object| Needs::of(object.connection).vault_login);
    // A name that is wrong is one mistake, whatever it should have been.
    let is_other = |wanted: String| !login(volume).is_filled_in() && login(volume).text() != Some(&wanted);
    if findings.0.len() == before && wanted.is_some_and(is_other) {
        findings.add(Mistake::LoginMissing, volume.get("csi"));
    }
}

/// Whether a volume of a connection is as the driver wants it, and of use.
fn mounted(pods: &Pods<'_>, volume: &Node, findings: &mut Findings) {
    let (csi, name) = (volume.get("csi"), volume.get("name"));
    if !csi.get("readOnly").is_true() {
        findings.add(Mistake::VolumeWritable, csi);
    }
    let connection = pods.around.object(ObjectKind::SecretProviderClass, class(volume)).map(|object| object.connection);
    let needs = connection.map(Needs::of).unwrap_or_default();
    if let Some((connection, account)) = connection.zip(needs.account).filter(|(_, account)| pods.has_known_account() && !pods.run_as(account)) {
        let what = format!("connection `{}` needs ServiceAccount `{account}`, and the pods run as another", connection.name.as_str());
        let fix = format!("write `serviceAccountName: {account}` into {}", pods.parts.places.account);
        findings.about(Mistake::AccountOther, class(volume), what, fix);
    }
    // A patch may have no containers: who mounts the volume is said elsewhere.
    let is_its = |mount: &&Node| mount.get("name").is_filled_in() || mount.get("name").text() == name.text();
    if name.is_there() && pods.containers().next().is_some() && !pods.parts.mounts.iter().any(is_its) {
        findings.add(Mistake::VolumeUnmounted, name);
    }
}
