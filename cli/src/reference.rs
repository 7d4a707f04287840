//! `docs/cli.md`, from the commands as clap has them: whoever changes an argument changes the page with it. `UPDATE=1` writes it anew.

use std::fmt::Write as _;

use clap::{Arg, Command, CommandFactory as _};
use sc_tests::{golden, tree};

use crate::args::Args;

/// What is said before the commands.
const HEAD: &str = "# Commands of `sc`

Made from the commands themselves by a test; to change it, change `cli/src/args/` and run `UPDATE=1 cargo test -p sc-cli reference`. `sc COMMAND --help` says the same,
and `sc man FOLDER` writes it as manual pages. The flags of `az aks connection` have the same names and the same meaning; what is different is in [moving over](guides/moving-over.md).
";

#[test]
fn the_reference_is_in_step_with_the_commands() {
    golden::compare_one(&tree("docs"), "cli.md", &page());
}

fn page() -> String {
    let sc = Args::command();
    let mut page = HEAD.to_owned();
    page += "\n## All commands\n\n| command | what it does |\n|---|---|\n";
    for command in sc.get_subcommands() {
        let name = command.get_name();
        writeln!(page, "| [`sc {name}`](#sc-{name}) | {} |", first_sentence(&text(command.get_about()))).unwrap();
    }
    page += &after_help(&sc);
    page += "\nThese go with all commands:\n\n";
    page += &table(sc.get_arguments().filter(|argument| !argument.is_hide_set()));
    for command in sc.get_subcommands() {
        page += &section(command);
    }
    page
}

fn section(command: &Command) -> String {
    let name = command.get_name();
    let about = text(command.get_long_about().or(command.get_about()));
    let stop = if about.ends_with('.') { "" } else { "." };
    let mut section = format!("\n## sc {name}\n\n{about}{stop}\n");
    let (hidden, shown): (Vec<_>, Vec<_>) = command.get_arguments().partition(|argument| argument.is_hide_set());
    let mut headings: Vec<Option<&str>> = Vec::new();
    for heading in shown.iter().map(|argument| argument.get_help_heading()) {
        if !headings.contains(&heading) {
            headings.push(heading);
        }
    }
    headings.sort_by_key(Option::is_some);
    for heading in headings {
        if let Some(heading) = heading {
            write!(section, "\n{heading}:\n").unwrap();
        }
        section += "\n";
        section += &table(shown.iter().copied().filter(|argument| argument.get_help_heading() == heading));
    }
    if !hidden.is_empty() {
        section += "\nKnown from az, not in the help:\n\n";
        section += &table(hidden.into_iter());
    }
    section + &after_help(command)
}

/// Examples and exit codes, as they stand in the help.
fn after_help(command: &Command) -> String {
    let text = text(command.get_after_help());
    if text.is_empty() { text } else { format!("\n```text\n{text}\n```\n") }
}

fn table<'a>(arguments: impl Iterator<Item = &'a Arg>) -> String {
    let rows = arguments.map(|argument| format!("| {} | {} |\n", spelled(argument), meaning(argument)));
    "| argument | meaning |\n|---|---|\n".to_owned() + &rows.collect::<String>()
}

/// `--output FORM`, `-o`
fn spelled(argument: &Arg) -> String {
    let takes = argument.get_action().takes_values();
    let names = argument.get_value_names().unwrap_or_default().iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
    let range = argument.get_num_args().unwrap_or_default();
    let several = if range.max_values() > 1 { " …" } else { "" };
    let value = match (takes, range.min_values()) {
        (false, _) => String::new(),
        (true, 0) if argument.get_num_args().is_some() => format!(" [{names}{several}]"),
        (true, _) => format!(" {names}{several}"),
    };
    if argument.is_positional() {
        let name = value.trim();
        return if argument.is_required_set() { format!("`{name}`") } else { format!("`[{name}]`") };
    }
    let longs = argument.get_long_and_visible_aliases().unwrap_or_default().into_iter().map(|long| format!("`--{long}`"));
    let shorts = argument.get_short_and_visible_aliases().unwrap_or_default().into_iter().map(|short| format!("`-{short}`"));
    let names: Vec<String> = longs.chain(shorts).collect();
    // The value stands with the first name.
    let (first, others) = names.split_first().unwrap();
    let others = others.iter().map(String::as_str);
    let first = format!("{}{value}`", first.trim_end_matches('`'));
    [first.as_str()].into_iter().chain(others).collect::<Vec<_>>().join(", ")
}

fn meaning(argument: &Arg) -> String {
    let mut meaning = text(argument.get_long_help().or(argument.get_help())).replace('\n', " ");
    if !meaning.ends_with('.') {
        meaning.push('.');
    }
    let values = if argument.get_action().takes_values() { argument.get_possible_values() } else { Vec::new() };
    if !values.is_empty() {
        let names: Vec<String> = values.iter().map(|value| format!("`{}`", value.get_name())).collect();
        write!(meaning, " One of {}.", names.join(", ")).unwrap();
    }
    let defaults: Vec<String> = argument.get_default_values().iter().map(|value| format!("`{}`", value.to_string_lossy())).collect();
    if !defaults.is_empty() && argument.get_action().takes_values() {
        write!(meaning, " Default: {}.", defaults.join(", ")).unwrap();
    }
    let required = if argument.is_required_set() && !argument.is_positional() { " Required." } else { "" };
    (meaning + required).split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|")
}

fn text(text: Option<&clap::builder::StyledStr>) -> String {
    let text = text.map(ToString::to_string).unwrap_or_default();
    text.trim().to_owned()
}

fn first_sentence(text: &str) -> String {
    let sentence = text.split_inclusive(['.', ':']).next().unwrap_or_default().trim_end_matches(':').trim_end_matches('.');
    format!("{sentence}.")
}
