//! The documents of the runs: many connections in sets, and the values that name the sets.

use serde_json::{Value, json};

/// So many connections are in one set, which stays far below the limit of a Secret.
pub const OF_A_SET: usize = 1000;
/// The Secret of the release namespace that every connection refers to.
pub const REFERENCED: &str = "bench-admin";
/// Over so many namespaces the connections are spread, each of which has as many of them, one after the other.
pub const NAMESPACES: usize = 50;

/// What a run is to make: `count` connections, spread over the namespaces `<prefix>-<number>`.
#[derive(Debug, Clone)]
pub struct Documents {
    /// How the namespaces begin.
    pub prefix: String,
    /// How many connections there are.
    pub count: usize,
}

impl Documents {
    /// The namespaces, in order.
    #[must_use]
    pub fn namespaces(&self) -> Vec<String> {
        (0..NAMESPACES.min(self.count)).map(|number| self.namespace(number)).collect()
    }

    /// The namespaces of the connections of one set.
    fn namespaces_of(&self, set: usize) -> Vec<String> {
        let last = self.count.min((set + 1) * OF_A_SET) - 1;
        (self.place(set * OF_A_SET)..=self.place(last)).map(|number| self.namespace(number)).collect()
    }

    /// The number of the namespace of a connection.
    fn place(&self, connection: usize) -> usize {
        connection * NAMESPACES.min(self.count) / self.count
    }

    /// How many sets there are.
    #[must_use]
    pub fn sets(&self) -> usize {
        self.count.div_ceil(OF_A_SET)
    }

    /// The connections of one set as a Secret; the first connection of all has the database that is given here.
    #[must_use]
    pub fn set(&self, number: usize, first_database: &str) -> Value {
        let numbers = number * OF_A_SET..self.count.min((number + 1) * OF_A_SET);
        let connections: Vec<Value> = numbers.map(|number| self.connection(number, first_database)).collect();
        secret(&set_name(number), &json!({"connections.yaml": json!(connections).to_string()}))
    }

    /// The values of the chart that name all sets.
    #[must_use]
    pub fn values(&self) -> Value {
        let set = |number| json!({"secretName": set_name(number), "namespaces": self.namespaces_of(number), "referencedSecrets": [REFERENCED]});
        json!({"connectionSets": (0..self.sets()).map(set).collect::<Vec<_>>()})
    }

    /// One connection, as it stands in values.
    #[must_use]
    pub fn connection(&self, number: usize, first_database: &str) -> Value {
        let database = if number == 0 { first_database.to_owned() } else { format!("orders{number:06}") };
        json!({
            "name": format!("c{number:06}"), "namespace": self.namespace(self.place(number)),
            "targetService": "postgres-flexible", "authType": "secret", "clientType": "python",
            "target": {"host": "db.internal.example", "server": "bench", "database": database},
            "credentials": {"username": "app", "password": {"secretKeyRef": {"name": REFERENCED, "key": "password"}}},
        })
    }

    fn namespace(&self, number: usize) -> String {
        format!("{}-{number:02}", self.prefix)
    }
}

/// The name of a set's Secret.
#[must_use]
pub fn set_name(number: usize) -> String {
    format!("set-{number}")
}

/// The Secret that the connections refer to.
#[must_use]
pub fn referenced() -> Value {
    secret(REFERENCED, &json!({"password": "pass-of-the-bench"}))
}

fn secret(name: &str, data: &Value) -> Value {
    json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": data})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_connection_is_in_one_set() {
        let documents = Documents { prefix: "p".into(), count: 2500 };
        let in_set = |number| {
            let set = documents.set(number, "orders");
            serde_json::from_str::<Vec<Value>>(set["stringData"]["connections.yaml"].as_str().unwrap()).unwrap().len()
        };
        assert_eq!((0..documents.sets()).map(in_set).collect::<Vec<_>>(), [1000, 1000, 500]);
    }

    #[test]
    fn a_set_fits_into_a_secret() {
        let documents = Documents { prefix: "a-longer-prefix-than-any".into(), count: 100_000 };
        assert!(documents.set(99, "orders").to_string().len() < 1024 * 1024);
    }

    #[test]
    fn a_set_names_the_namespaces_of_its_connections_and_no_others() {
        let documents = Documents { prefix: "p".into(), count: 10_000 };
        let sets = &documents.values()["connectionSets"];
        assert_eq!(sets[0]["namespaces"], json!(["p-00", "p-01", "p-02", "p-03", "p-04"]));
        assert_eq!(sets[9]["namespaces"], json!(["p-45", "p-46", "p-47", "p-48", "p-49"]));
        assert_eq!(documents.connection(199, "orders")["namespace"], "p-00");
        assert_eq!(documents.connection(200, "orders")["namespace"], "p-01");
        assert_eq!(Documents { prefix: "p".into(), count: 100_000 }.values()["connectionSets"][1]["namespaces"], json!(["p-00"]));
    }

    #[test]
    fn few_connections_have_few_namespaces() {
        assert_eq!(Documents { prefix: "p".into(), count: 1 }.namespaces(), ["p-00"]);
    }
}
