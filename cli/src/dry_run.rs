//! A run of the job that writes nothing: what it would do, and what it says.

use std::future::ready;
use std::io::{Result, Write};
use std::sync::{Arc, Mutex, PoisonError};

use sc_job::apply::{First, Mode};
use sc_job::output::Output;
use sc_job::stop::Stop;
use sc_job::work::{Done, Work};

use crate::store::Store;

/// Runs over a document. With the namespace of the inventory it is also told what would be deleted, and what would stay.
pub(crate) async fn dry_run(store: &Store<'_>, document: &[u8], inventory: Option<&str>, output: &Output) -> Done {
    let stop = Stop::new();
    let work = Work {
        cluster: &store.cluster,
        release: store.place.release(),
        mode: Mode { first: First::Read, dry_run: true },
        inventory,
        has_all_rights: inventory.is_some(),
        stop: &stop,
        output,
    };
    work.run(document, ready(Ok(()))).await
}

/// What was said.
#[derive(Clone, Default)]
pub(crate) struct Said(Arc<Mutex<Vec<u8>>>);

impl Said {
    /// Its lines, without blanks that only align them.
    pub(crate) fn lines(&self) -> Vec<String> {
        let bytes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&bytes).lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
    }
}

impl Write for Said {
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> Result<()> {
        Ok(())
    }
}
