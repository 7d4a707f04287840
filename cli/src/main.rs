//! `sc`: the core at a terminal. Arguments, command, exit code.
//!
//! Rule: core decides, this crate asks and shows. Only `args` reads arguments, only `input` reads files, only `output` prints.

mod args;
mod exit;
mod input;
mod manifest;
mod output;
mod render;
mod secrets;
mod support;

use std::process::ExitCode;

use args::{Args, Command};

fn main() -> ExitCode {
    let args = Args::read();
    let ended = match &args.command {
        Command::Render(args) => render::run(args),
        Command::ListSupportTypes(args) => support::run(args),
    };
    ExitCode::from(ended.unwrap_or_else(|error| {
        output::failure(&error);
        exit::FAILED
    }))
}
