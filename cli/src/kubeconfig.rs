//! What is wrong with a kubeconfig, and how to mend it.
//!
//! Rule: nothing of a kubeconfig is quoted but the names of contexts and clusters, since it holds credentials.

use std::io::ErrorKind;
use std::path::Path;

use anyhow::{Error, anyhow};
use kube::config::KubeconfigError;

use crate::fault::Fault;
use crate::input;

const DEFAULT: &str = "the kubeconfig (KUBECONFIG, ~/.kube/config)";
const ANOTHER: &str = "name another by `--kubeconfig` or KUBECONFIG; of an AKS cluster `az aks get-credentials` writes one";
const CONTEXTS: &str = "name one of its contexts by `--kube-context`; `kubectl config get-contexts` lists them";
const OTHERWISE: &str = "see what `kubectl get namespaces` says";

/// The error that says why the kubeconfig in `file`, or else the one that kubectl finds, is of no use.
pub(crate) fn unusable(error: Option<&KubeconfigError>, file: Option<&Path>) -> Error {
    let which = file.map_or_else(|| DEFAULT.to_owned(), |file| format!("the kubeconfig `{}`", file.display()));
    let fault = |what: String, fix: &str| Fault::failed(format!("{which} {what}"), fix).into();
    match error {
        Some(KubeconfigError::ReadConfig(cause, file)) => {
            let is_other = matches!(cause.kind(), ErrorKind::NotFound | ErrorKind::IsADirectory);
            let fix = if is_other { ANOTHER } else { input::way_out(cause.kind()) };
            anyhow!("{cause}").context(Fault::failed(format!("failed to read the kubeconfig `{}`", file.display()), fix))
        }
        Some(KubeconfigError::Parse(cause)) => {
            let place = cause.location().map_or_else(String::new, |place| format!(" (line {}, column {})", place.line(), place.column()));
            fault(format!("cannot be parsed{place}"), ANOTHER)
        }
        Some(KubeconfigError::CurrentContextNotSet) => fault("has no current context".to_owned(), CONTEXTS),
        Some(KubeconfigError::LoadContext(name)) => fault(format!("has no context `{name}`"), CONTEXTS),
        Some(KubeconfigError::LoadClusterOfContext(name)) => fault(format!("has no cluster `{name}`, which its context names"), CONTEXTS),
        Some(KubeconfigError::FindPath) => fault("is nowhere".to_owned(), ANOTHER),
        Some(_) | None => fault("cannot be used".to_owned(), OTHERWISE),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is said, and what there is to do.
    fn said(error: Option<&KubeconfigError>) -> (String, String) {
        let error = unusable(error, None);
        let fix = error.downcast_ref::<Fault>().map(|fault| fault.fix.clone());
        (format!("{error:#}"), fix.unwrap())
    }

    #[test]
    fn a_file_without_the_right_to_read_it_is_named() {
        let error = KubeconfigError::ReadConfig(ErrorKind::PermissionDenied.into(), "/of/others".into());
        let fix = "get the right to read it; `ls -l` says who has it".to_owned();
        assert_eq!(said(Some(&error)), ("failed to read the kubeconfig `/of/others`: permission denied".to_owned(), fix));
    }

    #[test]
    fn a_context_that_is_not_there_is_named() {
        let error = KubeconfigError::LoadContext("test".to_owned());
        assert_eq!(said(Some(&error)), (format!("{DEFAULT} has no context `test`"), CONTEXTS.to_owned()));
    }
}
