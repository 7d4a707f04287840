//! Files and standard input; nothing else reads either.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use anyhow::{Context, Result, anyhow};

/// The largest file that is read, so that none fills the memory.
const LARGEST: u64 = 16 << 20;

/// The bytes of a file; `-` is standard input.
pub(crate) fn read(file: &Path) -> Result<Vec<u8>> {
    let failed = || format!("failed to read {}", name(file));
    let source: Box<dyn Read> =
        if file.as_os_str() == "-" { Box::new(std::io::stdin().lock()) } else { Box::new(File::open(file).with_context(failed)?) };
    let mut bytes = Vec::new();
    source.take(LARGEST + 1).read_to_end(&mut bytes).with_context(failed)?;
    if bytes.len() as u64 > LARGEST {
        return Err(anyhow!("it has more than {LARGEST} bytes").context(failed()));
    }
    Ok(bytes)
}

/// What to call a file in a message.
pub(crate) fn name(file: &Path) -> String {
    if file.as_os_str() == "-" { "standard input".to_owned() } else { format!("`{}`", file.display()) }
}
