//! Files, standard input and the person at the terminal; nothing else reads any of them.

use std::fs::File;
use std::io::{self, ErrorKind, IsTerminal, Read};
use std::path::Path;

use anyhow::{Context, Error, Result, anyhow};

use crate::args::Pair;
use crate::fault::Fault;

/// The largest file that is read, so that none fills the memory.
const LARGEST: u64 = 16 << 20;

/// The bytes of a file; `-` is standard input.
pub(crate) fn read(file: &Path) -> Result<Vec<u8>> {
    let failed = |fix: &str| Fault::failed(format!("failed to read {}", name(file)), fix);
    let bytes = bytes(file).map_err(|error| {
        let fix = way_out(error.kind());
        Error::new(error).context(failed(fix))
    })?;
    if bytes.len() as u64 > LARGEST {
        return Err(anyhow!("it has more than {LARGEST} bytes").context(failed("see whether it is the file that you mean, or split it")));
    }
    Ok(bytes)
}

/// No more than it takes to see that there is too much.
fn bytes(file: &Path) -> io::Result<Vec<u8>> {
    let source: Box<dyn Read> = if file.as_os_str() == "-" { Box::new(io::stdin().lock()) } else { Box::new(File::open(file)?) };
    let mut bytes = Vec::new();
    source.take(LARGEST + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// What to do about a file that cannot be read.
pub(crate) fn way_out(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::NotFound => "look at the path, which counts from the folder where you are",
        ErrorKind::IsADirectory => "it is a folder: name the files in it",
        ErrorKind::PermissionDenied => "get the right to read it; `ls -l` says who has it",
        _ => "see whether `cat` can read it",
    }
}

/// What to call a file in a message.
pub(crate) fn name(file: &Path) -> String {
    if file.as_os_str() == "-" { "standard input".to_owned() } else { format!("`{}`", file.display()) }
}

/// The `KEY=VALUE` lines of standard input. Blank lines are passed over, and nothing of it is ever quoted.
pub(crate) fn pairs() -> Result<Vec<Pair>> {
    let bytes = read(Path::new("-"))?;
    let text = String::from_utf8(bytes).map_err(|_| anyhow!("standard input is not UTF-8"))?;
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let pairs = lines.map(|(index, line)| match line.split_once('=') {
        Some((key, value)) => Ok(Pair { key: key.trim().to_owned(), value: value.to_owned() }),
        None => Err(Fault::invalid(format!("line {} of standard input has no `=`", index + 1), "write one KEY=VALUE a line").into()),
    });
    pairs.collect()
}

/// Whether a person sits at both ends, who can be asked.
pub(crate) fn is_terminal() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Asks for a credential, without echo.
pub(crate) fn ask_hidden(what: &str) -> Result<String> {
    rpassword::prompt_password(format!("{what} (not shown): ")).context("failed to read from the terminal")
}

/// Asks for a line.
pub(crate) fn ask(what: &str) -> Result<String> {
    eprint_prompt(what);
    let mut line = String::new();
    io::stdin().read_line(&mut line).context("failed to read from the terminal")?;
    Ok(line.trim().to_owned())
}

/// Whether a person agrees.
pub(crate) fn agrees(question: &str) -> Result<bool> {
    Ok(matches!(ask(&format!("{question} (y/N)"))?.as_str(), "y" | "Y" | "yes"))
}

fn eprint_prompt(what: &str) {
    use io::Write as _;
    let mut err = io::stderr().lock();
    let _ = write!(err, "{what}: ");
    let _ = err.flush();
}
