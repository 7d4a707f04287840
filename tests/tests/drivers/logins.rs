//! Who logs in to the servers, as whom, and what the server says of that.

use std::collections::BTreeMap;

use sc_core::catalogue::{AuthType, Catalogue};

use crate::programs::{Ecosystem, Question};
use crate::rooms::{Put, Room};
use crate::servers::User;
use crate::values::{self, ORDINARY};

/// Service, client type, ecosystem and parser.
const CLIENTS: [(&str, &str, Ecosystem, &str); 17] = [
    ("postgres-flexible", "python", Ecosystem::Python, "libpq"),
    ("postgres-flexible", "go", Ecosystem::Go, "pgx"),
    ("postgres-flexible", "java", Ecosystem::Java, "pgjdbc"),
    ("postgres-flexible", "springBoot", Ecosystem::Java, "pgjdbc"),
    ("postgres-flexible", "nodejs", Ecosystem::Node, "pg"),
    ("mysql-flexible", "java", Ecosystem::Java, "connector-j"),
    ("mysql-flexible", "springBoot", Ecosystem::Java, "connector-j"),
    ("mysql-flexible", "go", Ecosystem::Go, "go-sql-driver"),
    ("mysql-flexible", "nodejs", Ecosystem::Node, "mysql2"),
    ("mysql-flexible", "python", Ecosystem::Python, "pymysql"),
    ("mysql-flexible", "python", Ecosystem::Python, "mysql-connector-python"),
    ("redis", "python", Ecosystem::Python, "redis-py"),
    ("redis", "go", Ecosystem::Go, "go-redis"),
    ("redis", "nodejs", Ecosystem::Node, "ioredis"),
    ("redis", "nodejs", Ecosystem::Node, "node-redis"),
    ("redis", "java", Ecosystem::Java, "jedis"),
    ("redis", "java", Ecosystem::Java, "lettuce"),
];
/// The longest name of a user that both servers take, in bytes.
const LONGEST_NAME: usize = 32;

/// A login.
pub(crate) struct Login {
    pub(crate) ecosystem: Ecosystem,
    pub(crate) place: String,
    /// The field that is hostile, and its value; nothing for the password that is wrong.
    pub(crate) put: Option<(&'static str, String)>,
    pub(crate) question: Question,
    /// What the server says.
    pub(crate) expected: BTreeMap<String, String>,
}

/// All parsers that log in.
pub(crate) fn parsers() -> impl Iterator<Item = &'static str> {
    CLIENTS.iter().map(|(_, _, _, parser)| *parser)
}

/// A user for each value, with that password, and one for each value that can be a name, with an ordinary password.
pub(crate) fn users() -> Vec<User> {
    let passwords = values().into_iter().enumerate().map(|(index, password)| User { name: format!("u{index}"), password });
    // MariaDB itself takes quotes away from around a name, and knows none beyond the first plane of Unicode.
    let is_lost = |value: &str| (value.len() > 1 && value.starts_with('\'') && value.ends_with('\'')) || value.contains(|c| c > '\u{ffff}');
    let is_name = |value: &String| value.len() <= LONGEST_NAME && !value.contains(char::is_control) && value.trim_end() == value && !is_lost(value);
    let names = values().into_iter().filter(is_name).map(|name| User { name, password: ORDINARY.to_owned() });
    passwords.chain(names).collect()
}

fn values() -> Vec<String> {
    values::all().into_iter().filter(|value| !value.contains('\0')).collect()
}

/// Every client with every user.
pub(crate) fn all(users: &[User]) -> Vec<Login> {
    let services: Vec<_> = Catalogue::services().collect();
    let mut logins = Vec::new();
    for (service, client_type, ecosystem, parser) in CLIENTS {
        let service = services.iter().find(|found| found.name == service).unwrap();
        let configuration = |room: &Room<'_>| room.client_type.is_some_and(|first| room.configuration(first).client_types.contains_key(client_type));
        let room = Room::of(service).into_iter().find(|room| room.auth_type == AuthType::Secret && configuration(room)).unwrap();
        let wrong = User { name: users[0].name.clone(), password: "not the password".to_owned() };
        let with_wrong: Vec<&User> = users.iter().chain([&wrong]).collect();
        let puts: Vec<Vec<Put>> = with_wrong.iter().map(|user| puts(&room, user)).collect();
        for (user, variables) in with_wrong.iter().zip(room.rendered(&puts, None)) {
            let Some(variables) = variables else { continue };
            // Redis knows one user here, with all passwords: its others would only be repetitions.
            let is_redis = service.name == "redis";
            if is_redis && user.password == ORDINARY && user.name != "u0" {
                continue;
            }
            let name = if is_redis { "default" } else { &user.name };
            let database = (!is_redis).then_some(("database", "orders"));
            let expected = [("user", name), ("tls", "true")].into_iter().chain(database);
            logins.push(Login {
                ecosystem,
                place: format!("{room}, user {:?}", user.name),
                put: (user.password != wrong.password).then(|| hostile(user)),
                question: question(parser, variables),
                expected: expected.map(|(field, value)| (field.to_owned(), value.to_owned())).collect(),
            });
        }
    }
    logins
}

fn puts(room: &Room<'_>, user: &User) -> Vec<Put> {
    let put = |slot, value: &str| Put { slot, value: value.to_owned() };
    if room.service.name == "redis" {
        vec![put("accessKey", &user.password)]
    } else {
        vec![put("username", &user.name), put("password", &user.password)]
    }
}

/// Which of both is hostile.
fn hostile(user: &User) -> (&'static str, String) {
    if user.password == ORDINARY { ("user", user.name.clone()) } else { ("password", user.password.clone()) }
}

/// The string among the variables, if there is one: other clients take their fields one by one.
fn question(parser: &'static str, variables: BTreeMap<String, String>) -> Question {
    let is_string = |name: &&String| name.ends_with("_CONNECTIONSTRING") || name.as_str() == "spring.datasource.url";
    let key = variables.keys().find(is_string).cloned().unwrap_or_default();
    Question { parser, text: variables.get(&key).cloned().unwrap_or_default(), key, variables }
}
