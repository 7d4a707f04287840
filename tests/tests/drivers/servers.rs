//! Real servers, in namespaces of their own that end with the test, however it ends.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdout, Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use crate::programs::place;

/// The names that all point at the servers.
const NAMES: &str = "orders.postgres.database.azure.com\norders.mysql.database.azure.com\norders.redis.cache.windows.net\n";
const AUTHORITY: &str = "/mnt/pki/ca.crt";

/// A user whom the servers know.
pub(crate) struct User {
    pub(crate) name: String,
    pub(crate) password: String,
}

/// PostgreSQL, MariaDB and Redis, TLS only.
pub(crate) struct Servers {
    child: Child,
    /// Kept open: a broken pipe would end the script.
    _output: BufReader<ChildStdout>,
}

impl Servers {
    /// Starts them, with these users. For Redis all passwords are those of the one user `default`.
    pub(crate) fn start(users: &[User]) -> Self {
        let mut child = Command::new("unshare")
            .args(["--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"])
            .arg(sc_tests::tree("tests/drivers/servers"))
            .env("SC_DRIVERS_SERVERS", place("SERVERS"))
            .env("SC_DRIVERS_POSTGRES", place("POSTGRES"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let files = [("names", NAMES.to_owned()), ("postgres.sql", postgres(users)), ("mariadb.sql", mariadb(users)), ("users.acl", redis(users))];
        let lines: Vec<String> = files.iter().map(|(name, text)| format!("{name} {}\n", STANDARD.encode(text))).collect();
        child.stdin.as_mut().unwrap().write_all((lines.concat() + "start\n").as_bytes()).unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        assert_eq!(line, "ready\n", "the servers did not start; they need root, and what they say stands above");
        Self { child, _output: output }
    }

    /// What is put before a command to run it where the servers are, and to trust them.
    pub(crate) fn inside(&self) -> Vec<String> {
        let trust = ["SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS"].map(|name| format!("{name}={AUTHORITY}"));
        let words = ["nsenter", "--target", &self.first(), "--net", "--mount", "--pid", "env"].map(str::to_owned);
        words.into_iter().chain(trust).collect()
    }

    /// The first process of their namespaces.
    fn first(&self) -> String {
        let id = self.child.id();
        std::fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap().trim().to_owned()
    }
}

impl Drop for Servers {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let status = self.child.wait();
        assert!(std::thread::panicking() || status.is_ok_and(|status| status.success()), "the servers did not end well");
    }
}

/// One statement a line, as the single-user mode wants it.
fn postgres(users: &[User]) -> String {
    let user = |User { name, password }: &User| format!("CREATE ROLE \"{}\" LOGIN PASSWORD E'{}';\n", name.replace('"', "\"\""), escaped(password));
    users.iter().map(user).collect::<Vec<_>>().concat() + "CREATE DATABASE orders;\n"
}

fn mariadb(users: &[User]) -> String {
    let user = |User { name, password }: &User| {
        let name = escaped(name);
        format!("CREATE USER '{name}'@'%' IDENTIFIED BY '{}';\nGRANT ALL ON orders.* TO '{name}'@'%';\n", escaped(password))
    };
    "SET NAMES utf8mb4;\nCREATE DATABASE orders;\n".to_owned() + &users.iter().map(user).collect::<Vec<_>>().concat()
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('\'', "\\'").replace('\n', "\\n").replace('\r', "\\r")
}

fn redis(users: &[User]) -> String {
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat();
    let passwords: Vec<String> = users.iter().map(|user| format!("#{} ", hex(&Sha256::digest(&user.password)))).collect();
    format!("user default on {}~* &* +@all\n", passwords.concat())
}
