//! Connections to write into values, and Secrets for them to refer to.

use sc_tests::canary;
use serde_json::{Value, json};

/// A password that every grammar has to escape; no report may contain it.
pub(crate) const PASSWORD: &str = r#"hunter2-it's; "odd" \back $HOME %41 {x} ü=z-hunter2"#;
/// The client id of the identities.
pub(crate) const CLIENT_ID: &str = "11111111-2222-3333-4444-555555555555";
/// Their tenant.
pub(crate) const TENANT_ID: &str = "99999999-8888-7777-6666-555555555555";

/// A reference to the key `password` of the Secret `orders-admin`.
pub(crate) fn referenced_password() -> Value {
    json!({"secretKeyRef": {"name": "orders-admin", "key": "password"}})
}

/// The Secret `orders-admin`.
pub(crate) fn orders_admin(namespace: &str, password: &str) -> Value {
    secret(namespace, "orders-admin", &json!({"password": canary::of(password)}))
}

/// Any Secret.
pub(crate) fn secret(namespace: &str, name: &str, data: &Value) -> Value {
    json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"namespace": namespace, "name": name}, "stringData": data})
}

/// The Secret with a connection set.
pub(crate) fn set(namespace: &str, name: &str, document: &Value) -> Value {
    secret(namespace, name, &json!({"connections.yaml": document.to_string()}))
}

/// A PostgreSQL database, for Python, with [`referenced_password`].
pub(crate) fn postgres(name: &str, namespace: &str, database: &str) -> Value {
    json!({
        "name": name, "namespace": namespace, "targetService": "postgres-flexible", "authType": "secret", "clientType": "python",
        "target": {"server": "orders-db", "database": database},
        "credentials": {"username": "app", "password": referenced_password()},
    })
}

/// The same with a password that stands in the values.
pub(crate) fn postgres_inline(name: &str, namespace: &str, password: &str) -> Value {
    let mut connection = postgres(name, namespace, "orders");
    connection["credentials"]["password"] = json!(canary::of(password));
    connection
}

/// A storage account by workload identity.
pub(crate) fn pictures(namespace: &str) -> Value {
    json!({
        "name": "pictures", "namespace": namespace, "targetService": "storage-blob", "authType": "workload-identity", "clientType": "dotnet",
        "target": {"account": "shoppictures"},
        "credentials": {"clientId": CLIENT_ID, "tenantId": TENANT_ID},
    })
}

/// A key vault by the CSI driver.
pub(crate) fn vault(namespace: &str) -> Value {
    json!({
        "name": "vault", "namespace": namespace, "targetService": "keyvault", "authType": "csi",
        "target": {"vault": "shop-vault"},
        "credentials": {"clientId": CLIENT_ID, "tenantId": TENANT_ID},
        "secrets": [{"name": "db-password"}],
    })
}

/// What Python's connection string is. A password without quotes needs none.
pub(crate) fn connection_string(database: &str, password: &str) -> String {
    let password = if password.starts_with('\'') { password.to_owned() } else { canary::of(password) };
    format!("dbname={database} host=orders-db.postgres.database.azure.com port=5432 sslmode=require user=app password={password}")
}
