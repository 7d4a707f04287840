//! `sc completion` and `sc man`: what shells and `man` want to know of the commands.

use std::path::Path;

use anyhow::{Context, Result};
use clap::CommandFactory;
use clap_complete::env::Shells;

use crate::args::{Args, CompletionArgs, ManArgs};
use crate::fault::Fault;
use crate::output;

/// The variable by which a shell asks for completions.
const VARIABLE: &str = "COMPLETE";

/// Answers a shell that asks for completions, and ends the process; does nothing otherwise.
pub(crate) fn complete() {
    clap_complete::CompleteEnv::with_factory(Args::command).var(VARIABLE).complete();
}

/// Prints what a shell is to run once.
pub(crate) fn completion(args: &CompletionArgs) -> Result<u8> {
    let (shells, mut script) = (Shells::builtins(), Vec::new());
    let shell = shells.completer(args.shell.name()).ok_or_else(|| Fault::invalid("this shell is not known", "use bash, zsh, fish or powershell"))?;
    shell.write_registration(VARIABLE, "sc", "sc", "sc", &mut script).context("failed to write the script")?;
    output::print(&String::from_utf8_lossy(&script))?;
    Ok(0)
}

/// Writes the manual pages into a folder.
pub(crate) fn man(args: &ManArgs) -> Result<u8> {
    let failed = |file: &Path| format!("failed to write `{}`", file.display());
    std::fs::create_dir_all(&args.folder).with_context(|| failed(&args.folder))?;
    clap_mangen::generate_to(Args::command(), &args.folder).with_context(|| failed(&args.folder))?;
    Ok(0)
}
