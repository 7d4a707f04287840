//! The arguments of `az aks connection`, by its reference and by the recordings: each is known to the command of `sc` that stands for it.

use clap::{Command, CommandFactory as _, Parser as _};
use sc_core::catalogue::Catalogue;
use sc_tests::parity::Parity;
use serde_json::{Value, json};

use crate::args::connection::Options;
use crate::args::{self, Args};
use crate::entry::{self, Asked};
use crate::fault::Fault;

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

#[test]
fn what_every_command_of_az_takes_each_of_ours_does_too() {
    let mut sc = Args::command();
    // So that each command has those of all.
    sc.build();
    let parity = Parity::read();
    for name in parity.flags().into_keys() {
        let command = sc.find_subcommand(name).unwrap();
        for flag in parity.globals().into_iter().flatten() {
            assert!(is_known(command, flag), "sc {name} {flag}");
        }
    }
    let talkative = parsed("list --only-show-errors --debug --verbose --subscription x").unwrap();
    assert!(talkative.refused().is_none());
    assert!(parsed("list --query [].name").unwrap().refused().unwrap().fix.contains("jq"), "picking is not passed over");
}

#[test]
fn a_boolean_may_stand_behind_its_flag_and_false_is_as_if_it_were_absent() {
    let options = |words: &str| options(&format!("create appconfig {words}"));
    let meant = |words: &str| {
        let Options { auth, configuration, azure, .. } = options(words);
        let flags = [auth.enable_csi, configuration.use_appconfig_extension].map(|flag| flag == Some(true));
        (flags, azure.meaningless().map(|meaningless| meaningless.flag))
    };
    let absent = meant("");
    for flag in Parity::read().booleans() {
        let alone = meant(flag);
        assert_ne!(alone, absent, "{flag}");
        for (text, same) in [("true", &alone), ("True", &alone), ("YES", &alone), ("1", &alone), ("false", &absent), ("No", &absent), ("f", &absent)]
        {
            assert_eq!(&meant(&format!("{flag} {text}")), same, "{flag} {text}");
        }
    }
    assert!(asked("storage-blob", "--account a --secret secret=x --enable-csi false").is_ok(), "no other way to log in");
    let both = refused("keyvault", "--vault v --secret secret=x --enable-csi");
    assert_eq!(both.to_string(), "`--enable-csi` and a secret are two ways to log in");
}

#[test]
fn a_choice_may_be_in_any_case_and_is_spelled_as_it_should() {
    let meant = |words: &str| format!("{:?}", options(&format!("create storage-blob {words}")));
    for (written, spelled) in Parity::read().choices() {
        assert_eq!(meant(written), meant(spelled));
        assert_ne!(meant(spelled), meant(""));
    }
    let filtered = |words: &str| format!("{:?}", parsed(&format!("list-support-types {words}")).unwrap().command);
    assert_eq!(filtered("-t AppConfig --auth-type Secret --client-type GO"), filtered("-t appconfig --auth-type secret --client-type go"));
}

#[test]
fn a_credential_that_is_given_in_two_ways_is_refused() {
    let twice = [
        "--secret name=app secret=hunter2 --secret-ref password=a/b",
        "--secret name=app --username other",
        "--secret name=app --secret-ref username=a/b password=a/b",
        "--secret --secret-ref username=a/b password=a/b password=a/c",
    ];
    for words in twice {
        let fault = refused("postgres-flexible", words);
        assert!(fault.to_string().ends_with("is given more than once, and not the same"), "{words}: {fault}");
        assert!(!format!("{fault}{}", fault.fix).contains("hunter2"));
    }
    let once = asked("postgres-flexible", "--secret name=app --username app --secret-ref password=a/b").unwrap();
    assert_eq!(once.entry["credentials"]["password"], json!({"secretKeyRef": {"name": "a", "key": "b"}}));
}

#[test]
fn what_az_would_look_up_or_ask_for_is_said_where_it_is_missing() {
    let cases = [
        ("storage-blob", "", "az would fetch the target's key, which `sc` cannot: here give it by `--secret --credentials-stdin`"),
        ("postgres-flexible", "", "az would ask for user and password"),
        ("keyvault", "", "az would take `--enable-csi`"),
        ("storage-blob", "--opt-out Auth ConfigInfo", "leave the connection out, which az would note in Azure alone"),
        ("mongodb-atlas", "--tg g --server s --secret secret=mongodb+srv://app:hunter2@h/", "`--secret name=… secret=…`, and by `--target host=…`"),
    ];
    for (service, words, fix) in cases {
        let fault = refused(service, words);
        assert!(fault.fix.contains(fix), "{service} {words}: {fault}: {}", fault.fix);
        assert!(!format!("{fault}{}", fault.fix).contains("hunter2"));
    }
    assert!(asked("mongodb-atlas", "--tg g --server s --secret name=app secret=x --target host=h").is_ok());
    assert!(asked("postgres-flexible", "--secret name=app secret=a://b").is_ok(), "a password may look like that");
}

/// Whoever moves over is told what az reads in Azure by itself.
#[test]
fn the_guide_names_each_part_that_neither_an_id_nor_a_flag_has() {
    let guide = std::fs::read_to_string(sc_tests::tree("docs/guides/moving-over.md")).unwrap();
    let catalogue = Catalogue::builtin();
    let mut seen = 0;
    for service in catalogue.names().filter_map(|name| catalogue.find(name)) {
        for part in service.parts.iter().filter(|part| !args::words::PARTS.iter().any(|(known, ..)| known == part)) {
            let is_told = |line: &str| line.contains(&format!("`{part}=`")) && line.contains(&service.name);
            assert!(guide.lines().any(is_told), "{}: {part}", service.name);
            seen += 1;
        }
    }
    assert!(seen > 4, "only {seen} parts");
}

#[test]
fn a_key_that_is_none_is_told_by_its_flag_and_not_by_its_name() {
    for (flag, words) in [("`--secret`", "--secret hunter2=x"), ("`--service-principal`", "--service-principal client-id=x hunter2=x")] {
        let fault = refused("storage-blob", words);
        assert_eq!(fault.to_string(), format!("a key of {flag} is none of this auth type's"));
        assert!(!fault.fix.contains("hunter2"));
    }
}

/// The recorded scope where no flag says another.
#[test]
fn a_connection_is_made_in_the_namespace_default_unless_another_is_named() {
    let sc = Args::command();
    let create = sc.find_subcommand("create").unwrap();
    let scope = create.get_arguments().find(|argument| argument.get_long() == Some("kube-namespace")).unwrap();
    assert_eq!(scope.get_default_values(), ["default"]);
}

fn parsed(words: &str) -> Result<Args, clap::Error> {
    Args::try_parse_from(["sc"].into_iter().chain(words.split_whitespace()))
}

fn options(words: &str) -> Options {
    let args = parsed(words).unwrap_or_else(|error| panic!("sc {words}: {error}"));
    let args::Command::Create(create) = args.command else { panic!("{words}") };
    create.options
}

/// The entry of a new connection.
fn asked(service: &str, words: &str) -> anyhow::Result<Asked> {
    let entry = [("name", "one"), ("targetService", service)].map(|(field, text)| (field.to_owned(), Value::from(text)));
    let found = entry::service(&Catalogue::builtin(), service).unwrap();
    entry::asked(entry.into_iter().collect(), &found, &options(&format!("create {service} {words}")))
}

fn refused(service: &str, words: &str) -> Fault {
    let Err(error) = asked(service, words) else { panic!("{service} {words} was taken") };
    error.downcast().unwrap()
}

fn is_known(command: &Command, flag: &str) -> bool {
    command.get_arguments().any(|argument| {
        let longs = argument.get_long_and_visible_aliases().unwrap_or_default();
        let shorts = argument.get_short_and_visible_aliases().unwrap_or_default();
        longs.iter().any(|long| flag.strip_prefix("--") == Some(long)) || shorts.iter().any(|short| flag == format!("-{short}"))
    })
}
