//! Our strings in the clients' own parsers, and in logins to real servers: what is read back must be what went in.
//!
//! `scripts/drivers fetch` once, then `cargo test -p sc-tests --features drivers --test drivers`; the logins need root. See
//! `tests/drivers/README.md`.

mod cases;
mod limits;
mod logins;
mod parsers;
mod programs;
mod rooms;
mod servers;
mod values;
mod verdict;

use std::collections::BTreeMap;
use std::process::Command;

use cases::{Case, Cases};
use logins::Login;
use programs::{Answer, Ecosystem, Question};
use sc_tests::built;
use servers::Servers;
use verdict::Verdict;

#[test]
fn every_parser_reads_what_was_put_in() {
    let Cases { all: cases, unread, refused } = Cases::all();
    let mut verdict = Verdict::of(limits::IN_PARSING);
    std::thread::scope(|scope| {
        let cases = &cases;
        let asked = Ecosystem::ALL.map(|ecosystem| scope.spawn(move || ask(ecosystem, cases)));
        for (versions, answers) in asked.map(|thread| thread.join().unwrap()) {
            verdict.versions.extend(versions);
            judge(&mut verdict, &answers);
        }
    });
    verdict.say(&format!("core refused {refused} values, each as its grammar says"));
    for (why, places) in unread {
        verdict.say(&format!("not read: {} variables, {why}", places.len()));
    }
    verdict.end(parsers::PARSERS.iter().map(|parser| parser.name));
}

#[test]
fn real_servers_let_every_password_in() {
    let users = logins::users();
    let all = logins::all(&users);
    let servers = Servers::start(&users);
    let inside = servers.inside();
    let mut verdict = Verdict::of(limits::IN_LOGINS);
    std::thread::scope(|scope| {
        let (all, inside) = (&all, &inside);
        let asked = Ecosystem::ALL.map(|ecosystem| scope.spawn(move || log_in(ecosystem, all, inside)));
        for (versions, answers) in asked.map(|thread| thread.join().unwrap()) {
            verdict.versions.extend(versions);
            for (login, answer) in &answers {
                judge_login(&mut verdict, login, answer);
            }
        }
    });
    verdict.end(logins::parsers());
}

/// The probe of `sc validate` where the servers are.
#[test]
fn real_servers_greet_the_probe() {
    let servers = Servers::start(&logins::users());
    let probe = |endpoint: &str| {
        let inside = servers.inside();
        let output =
            Command::new(&inside[0]).args(&inside[1..]).arg(built("sc-job", "sc-job")).args(["probe", "--endpoint", endpoint]).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let last = |said: &str| serde_json::from_str::<serde_json::Value>(said.lines().last().unwrap()).unwrap();
    for (endpoint, found) in [
        ("postgresql://orders.postgres.database.azure.com", "it speaks postgresql"),
        ("mysql://orders.mysql.database.azure.com", "mysql "),
        ("redis://orders.redis.cache.windows.net", "it speaks redis"),
    ] {
        let said = probe(endpoint);
        let greeting = last(&said);
        assert_eq!((&greeting["check"], &greeting["result"]), (&"greeting".into(), &"success".into()), "{endpoint}: {said}");
        assert!(greeting["found"].as_str().unwrap().starts_with(found), "{endpoint}: {greeting}");
        assert!(said.contains("{\"certificates\":[\"MII"), "{endpoint}: {said}");
    }
    for (endpoint, check) in [
        ("redis://orders.postgres.database.azure.com:5432", "tls"),
        ("postgresql://orders.redis.cache.windows.net:6380", "tls"),
        ("amqp://orders.redis.cache.windows.net:6380", "greeting"),
        ("redis://orders.redis.cache.windows.net:6381", "tcp"),
        ("redis://nothing.redis.cache.windows.net", "dns"),
    ] {
        let failed = last(&probe(endpoint));
        assert_eq!((&failed["check"], &failed["result"]), (&check.into(), &"failure".into()), "{endpoint}: {failed}");
    }
}

type LoggedIn<'l> = (BTreeMap<String, String>, Vec<(&'l Login, Answer)>);

fn log_in<'l>(ecosystem: Ecosystem, all: &'l [Login], inside: &[String]) -> LoggedIn<'l> {
    let logins: Vec<&Login> = all.iter().filter(|login| login.ecosystem == ecosystem).collect();
    let questions: Vec<_> = logins.iter().map(|login| &login.question).collect();
    let answers = ecosystem.ask(&questions, inside);
    (answers.versions, logins.into_iter().zip(answers.answers).collect())
}

/// A wrong password must be refused, or the others would prove nothing.
fn judge_login(verdict: &mut Verdict, login: &Login, answer: &Answer) {
    let Question { parser, text, .. } = &login.question;
    match &login.put {
        Some((field, value)) => verdict.judge(parser, &login.place, (field, value), text, &login.expected, answer),
        None => verdict.judge_ordinary(parser, &login.place, text, answer.is_ok().then(|| "a wrong password was let in".to_owned())),
    }
}

type Answered<'c> = (BTreeMap<String, String>, Vec<(&'c Case, Answer)>);

fn ask(ecosystem: Ecosystem, cases: &[Case]) -> Answered<'_> {
    let cases: Vec<&Case> = cases.iter().filter(|case| case.parser.ecosystem == ecosystem).collect();
    let questions: Vec<_> = cases.iter().map(|case| &case.question).collect();
    let answers = ecosystem.ask(&questions, &[]);
    (answers.versions, cases.into_iter().zip(answers.answers).collect())
}

/// Compares each answer with the ordinary one of its place, which comes first and is judged by itself.
fn judge(verdict: &mut Verdict, answers: &[(&Case, Answer)]) {
    let mut ordinary: BTreeMap<(&str, &str), BTreeMap<String, String>> = BTreeMap::new();
    for (case, answer) in answers {
        let place = (case.parser.name, case.place.as_str());
        let Some((field, value)) = &case.put else {
            verdict.judge_ordinary(case.parser.name, &case.place, &case.question.text, ordinary_mistake(case, answer));
            ordinary.insert(place, answer.clone().unwrap_or_default());
            continue;
        };
        let mut expected = ordinary[&place].clone();
        expected.extend(case.expected.iter().map(|(field, value)| ((*field).to_owned(), value.clone())));
        verdict.judge(case.parser.name, &case.place, (field, value), &case.question.text, &expected, answer);
    }
}

/// What is wrong with an ordinary answer.
fn ordinary_mistake(case: &Case, answer: &Answer) -> Option<String> {
    let read = match answer {
        Ok(read) => read,
        Err(error) => return Some(error.clone()),
    };
    let is_wrong = |(field, value): &(&&str, &String)| {
        let must = case.parser.fields.contains(*field);
        read.get(**field).map_or(must, |found| found != *value)
    };
    let (field, value) = case.expected.iter().find(is_wrong)?;
    Some(format!("{field} is {:?}, not {value:?}", read.get(*field)))
}
