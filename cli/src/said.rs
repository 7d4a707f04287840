//! What a run of the job says, kept instead of printed.

use std::io::{Result, Write};
use std::sync::{Arc, Mutex, PoisonError};

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
