//! The arguments of `az aks connection`, by its reference and by the recordings: each is known to the command of `sc` that stands for it.

use clap::{Command, CommandFactory as _, Parser as _};
use sc_tests::parity::Parity;

use crate::args::Args;

#[test]
fn each_flag_of_az_is_known_to_the_same_command() {
    let sc = Args::command();
    let mut seen = 0;
    for (name, flags) in Parity::read().flags() {
        let command = sc.find_subcommand(name).unwrap_or_else(|| panic!("there is no command {name}"));
        for flag in flags.into_iter().flatten() {
            assert!(is_known(command, flag), "sc {name} {flag}");
            seen += 1;
        }
    }
    assert!(seen > 100, "only {seen} flags");
}

#[test]
fn each_recorded_command_has_flags_of_the_reference_and_is_understood() {
    let parity = Parity::read();
    let flags = parity.flags();
    let (mut commands, mut requests) = (0, 0);
    for command in parity.recordings().iter().flat_map(|(_, commands)| commands) {
        let az = command.az();
        let verb = az.split_whitespace().next().unwrap();
        let unknown =
            az.split_whitespace().filter(|word| word.starts_with("--")).find(|flag| !flags[verb].iter().flatten().any(|known| known == flag));
        assert_eq!(unknown, None, "{az}");
        for words in [az.as_str(), &command.sc()] {
            if let Err(error) = Args::try_parse_from(["sc"].into_iter().chain(words.split_whitespace())) {
                panic!("sc {words}: {error}");
            }
        }
        commands += 1;
        requests += command.requests();
    }
    assert_eq!((commands, requests), (20, 73), "as in the recordings");
}

/// The recorded scope where no flag says another.
#[test]
fn a_connection_is_made_in_the_namespace_default_unless_another_is_named() {
    let sc = Args::command();
    let create = sc.find_subcommand("create").unwrap();
    let scope = create.get_arguments().find(|argument| argument.get_long() == Some("kube-namespace")).unwrap();
    assert_eq!(scope.get_default_values(), ["default"]);
}

fn is_known(command: &Command, flag: &str) -> bool {
    command.get_arguments().any(|argument| {
        let longs = argument.get_long_and_visible_aliases().unwrap_or_default();
        let shorts = argument.get_short_and_visible_aliases().unwrap_or_default();
        longs.iter().any(|long| flag.strip_prefix("--") == Some(long)) || shorts.iter().any(|short| flag == format!("-{short}"))
    })
}
