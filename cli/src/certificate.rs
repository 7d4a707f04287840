//! Whether the certificates that a target has shown are to be trusted, as a client with the usual certificate authorities would judge.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result, anyhow};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls::RootCertStore;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use sc_core::endpoint::{Endpoint, Protocol};

use crate::fault::Fault;
use crate::validation::{CERTIFICATE, Checks};

/// The certificate authorities that are trusted.
pub(crate) struct Authorities(Arc<WebPkiServerVerifier>);

impl Authorities {
    /// Those of this machine, and those of a file.
    ///
    /// # Errors
    /// If there are none at all, or the file has none.
    pub(crate) fn of(file: Option<&Path>) -> Result<Self> {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if let Some(file) = file {
            let failed = || format!("failed to read certificates from `{}`", file.display());
            let found: Vec<_> =
                CertificateDer::pem_file_iter(file).and_then(Iterator::collect).map_err(|_| anyhow!("it is no PEM")).with_context(failed)?;
            if found.is_empty() {
                return Err(anyhow!("it has none").context(failed()));
            }
            roots.add_parsable_certificates(found);
        }
        if roots.is_empty() {
            let fix = "give some by `--ca-file`, or install your system's `ca-certificates`";
            return Err(Fault::failed("this machine has no certificate authorities to judge by", fix).into());
        }
        let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::new(ring::default_provider())).build();
        verifier.map(Self).context("failed to load the certificate authorities")
    }

    /// Judges what a host has shown. Clients of some protocols encrypt without looking at it, and then it is no more than a warning.
    pub(crate) fn judge(&self, Endpoint { host, protocol, .. }: &Endpoint, certificates: &[String], checks: &mut Checks) {
        let begun = Instant::now();
        let chain: Vec<CertificateDer<'_>> = certificates.iter().filter_map(|text| STANDARD.decode(text).ok().map(CertificateDer::from)).collect();
        let judged = self.verdict(host, &chain);
        match judged {
            Ok(()) => checks.success(CERTIFICATE, format!("it is for `{host}`, and of a known authority"), begun.elapsed()),
            Err((why, fix)) if matches!(protocol, Protocol::Postgresql | Protocol::Mysql) => {
                checks.warning(CERTIFICATE, format!("{why}; by these variables clients do not look at it"), fix, begun.elapsed());
            }
            Err((why, fix)) => checks.failure(CERTIFICATE, why, fix, begun.elapsed()),
        }
    }

    fn verdict(&self, host: &str, chain: &[CertificateDer<'_>]) -> Result<(), (String, &'static str)> {
        let Some((own, others)) = chain.split_first() else { return Err(("none was shown".into(), "see the target's TLS settings")) };
        let name = ServerName::try_from(host)
            .map_err(|_| ("the host is no name that a certificate can be for".to_owned(), "give the host's name, not its address"))?;
        self.0.verify_server_cert(own, others, &name, &[], UnixTime::now()).map(drop).map_err(|error| explained(&error))
    }
}

/// What is wrong with a certificate, and what to do about it.
fn explained(error: &rustls::Error) -> (String, &'static str) {
    use rustls::CertificateError::{
        Expired, ExpiredContext, NotValidForName, NotValidForNameContext, NotValidYet, NotValidYetContext, UnknownIssuer,
    };
    let rustls::Error::InvalidCertificate(why) = error else { return (error.to_string(), "see the target's TLS settings") };
    match why {
        Expired | ExpiredContext { .. } => ("it has expired".into(), "renew it at the target"),
        NotValidYet | NotValidYetContext { .. } => ("it is not valid yet".into(), "see the clocks of this machine and of the target"),
        NotValidForName | NotValidForNameContext { .. } => ("it is for another host".into(), "connect by a name that it is for"),
        UnknownIssuer => {
            ("its authority is not known".into(), "if the target has an authority of its own, give it by `--ca-file`, and to the workload as well")
        }
        other => (format!("it is not valid: {other:?}"), "see the target's TLS settings"),
    }
}
