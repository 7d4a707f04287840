//! `sc`: the core at a terminal. Arguments, command, exit code.
//!
//! Rule: core decides, this crate asks and shows. Only `args` reads arguments, only `input` reads files, only `output` prints.

mod applied;
mod args;
mod broken;
mod certificate;
mod chart;
mod codes;
mod commands;
mod completion;
mod credentials;
mod doctor;
mod dry_run;
mod entry;
mod fault;
mod federation;
mod helm;
mod input;
mod interrupt;
mod kubeconfig;
mod lint;
mod listed;
mod listing;
mod manifest;
mod output;
#[cfg(test)]
mod parity;
mod place;
mod probe;
mod progress;
mod proof;
#[cfg(test)]
mod reference;
mod run;
mod secrets;
mod store;
mod validation;
mod vault_driver;
mod workload;

use std::process::ExitCode;

use anyhow::{Context, Result};
use args::{Args, Command};
use commands::{bind, connection, diagnosis, diff, manual, release, render, runs, show, snippet, support, validate, wait};

fn main() -> ExitCode {
    manual::complete();
    let args = Args::read();
    ExitCode::from(run(&args).unwrap_or_else(|error| output::failure(&error)))
}

/// Does what the arguments say; returns the exit code.
fn run(Args { place, command, .. }: &Args) -> Result<u8> {
    match command {
        Command::Render(args) => render::run(args, place),
        Command::ListSupportTypes(args) => support::run(args),
        Command::Create(args) => block_on(connection::create(args, &place.for_source(&args.source)?)),
        Command::Update(args) => block_on(connection::update(args, &place.for_selection(&args.selection())?)),
        Command::Delete(args) => block_on(connection::delete(args, &place.for_selection(&args.selection)?)),
        Command::Validate(args) => block_on(validate::run(args, &place.for_selection(&args.selection)?)),
        Command::List(args) => block_on(show::list(args, &place.for_source(&args.source)?)),
        Command::Show(args) => block_on(show::show(args, &place.for_selection(&args.selection)?)),
        Command::ListConfiguration(args) => block_on(show::list_configuration(args, &place.for_selection(&args.selection)?)),
        Command::Wait(args) => block_on(wait::run(args, &place.for_selection(&args.selection)?)),
        Command::Snippet(args) => block_on(snippet::run(args, &place.for_selection(&args.selection)?)),
        Command::Bind(args) => block_on(bind::run(args, &place.for_selection(&args.selection)?)),
        Command::Lint(args) => block_on(commands::lint::run(args, &place.for_source(&args.source)?)),
        Command::Install(args) => block_on(release::install(args, place)),
        Command::Upgrade(args) => block_on(release::upgrade(args, place)),
        Command::Uninstall(args) => block_on(release::uninstall(args, place)),
        Command::Status(args) => block_on(release::status(args, place)),
        Command::Rerun(args) => block_on(runs::rerun(args, place)),
        Command::Logs(args) => block_on(runs::logs(args, place)),
        Command::Diff(args) => block_on(diff::run(args, place)),
        Command::Doctor(args) => block_on(diagnosis::doctor(args, place)),
        Command::Explain(args) => diagnosis::explain(args),
        Command::Report(args) => block_on(diagnosis::report(args, place)),
        Command::Completion(args) => manual::completion(args),
        Command::Man(args) => manual::man(args),
    }
}

/// Waits for a command that asks the cluster: the others start without a runtime.
fn block_on(command: impl Future<Output = Result<u8>>) -> Result<u8> {
    tokio::runtime::Builder::new_current_thread().enable_all().build().context("failed to start the runtime")?.block_on(command)
}
