//! From arguments to an entry of the values, and the credentials apart from it.

use std::collections::BTreeMap;

use anyhow::{Result, anyhow};
use sc_core::catalogue::{AuthType, Catalogue, Login, TargetService};
use sc_core::credential::Credential;
use sc_core::names::Guid;
use sc_core::problem::{Choice, Kind, Word};
use secrecy::SecretString;
use serde_json::{Map, Value, json};

use crate::args::Pair;
use crate::args::azure::AzureArgs;
use crate::args::connection::{AuthArgs, ConfigurationArgs, Options};
use crate::fault::{Fault, Problematic};
use crate::input;
use crate::output;

/// The target service of Confluent's Kafka, which az makes two connections for.
pub(crate) const CONFLUENT: &str = "confluent-cloud";
/// The second of them.
pub(crate) const SCHEMA_REGISTRY: &str = "confluent-schema-registry";
/// What its name ends with.
pub(crate) const SCHEMA: &str = "_schema";
/// The client type of the App Configuration provider for Kubernetes.
const PROVIDER: &str = "appconfig-provider";

/// An entry that was asked for.
pub(crate) struct Asked {
    /// As it is to stand in the values, but for the credentials that are kept apart.
    pub(crate) entry: Map<String, Value>,
    /// Those credentials.
    pub(crate) credentials: BTreeMap<Credential, SecretString>,
    /// What a person has typed, as arguments would have it.
    pub(crate) typed: Vec<Pair>,
}

/// The target service of this name.
///
/// # Errors
/// If there is none in the catalogue.
pub(crate) fn service(catalogue: &Catalogue, name: &str) -> Result<std::sync::Arc<TargetService>> {
    catalogue.find(name).ok_or_else(|| {
        let choice = Choice::of(name, catalogue.names());
        let kind = Kind::UnknownWord { what: "target service", given: Word::new(name), list: "in the catalogue".into(), choice };
        Problematic::one("TARGET", kind).into()
    })
}

/// A name for a connection that was given none, as az makes it.
pub(crate) fn default_name(target_service: &str) -> String {
    let suffix: String = std::iter::repeat_with(|| fastrand::alphanumeric().to_ascii_lowercase()).take(5).collect();
    format!("{}_{suffix}", target_service.replace('-', ""))
}

/// Puts what the arguments say over an entry, which for a new connection has no more than its name and its target service.
///
/// # Errors
/// If a credential is not to be had, or something that was asked for has no meaning.
pub(crate) fn asked(mut entry: Map<String, Value>, service: &TargetService, options: &Options) -> Result<Asked> {
    refuse_keyless(options)?;
    let name = text(&entry, "name");
    let before = text(&entry, "authType");
    let login = Way::choose(service, options, &before)?;
    set_configuration(&mut entry, &options.configuration);
    set_client_type(&mut entry, options);
    if options.adopt {
        entry.insert("adopt".into(), json!(true));
    }
    set_target(&mut entry, options);
    if login.auth_type.name() != before {
        // What is of one auth type alone is refused beside another.
        for field in ["credentials", "login", "secrets", "syncSecret"] {
            entry.remove(field);
        }
    }
    entry.insert("authType".into(), json!(login.auth_type.name()));
    let (mut credentials, mut typed) = (BTreeMap::new(), Vec::new());
    if login.is_given || before.is_empty() || options.auth.is_given() {
        (credentials, typed) = login.set_credentials(&mut entry, &options.auth, &name)?;
    }
    Ok(Asked { entry, credentials, typed })
}

/// Refuses arguments of az that would not do here what they do there, and says of one that is passed over.
///
/// # Errors
/// If there is one.
pub(crate) fn refuse_meaningless(azure: &AzureArgs) -> Result<()> {
    if azure.vault_id.is_some() {
        output::say("note: `--vault-id` is passed over, as by az for AKS: credentials go to a Secret, or stay in one that `--secret-ref` names");
    }
    azure.meaningless().map_or(Ok(()), |meaningless| Err(Fault::from(meaningless).into()))
}

/// Refuses what should be `KEY=VALUE` and has no key. It is not quoted: it may be a credential.
fn refuse_keyless(options: &Options) -> Result<()> {
    let Options { target, auth, configuration, .. } = options;
    let none = Vec::new();
    let lists = [
        ("--target", &target.parts),
        ("--secret", auth.secret.as_ref().unwrap_or(&none)),
        ("--service-principal", auth.service_principal.as_ref().unwrap_or(&none)),
        ("--secret-ref", &auth.secret_ref),
        ("--customized-keys", &configuration.customized_keys),
        ("--connstr-props", &configuration.connstr_props),
        ("--additional-configurations", &configuration.additional_configurations),
    ];
    match lists.into_iter().find(|(_, pairs)| pairs.iter().any(|pair| pair.key.is_empty())) {
        Some((flag, _)) => Err(Fault::invalid(format!("a value of `{flag}` has no key"), "write KEY=VALUE, in quotes if it has blanks").into()),
        None => Ok(()),
    }
}

/// A connection for the provider stays one, whatever client type is asked for, as in az.
fn set_client_type(entry: &mut Map<String, Value>, options: &Options) {
    let is_for_provider = options.configuration.use_appconfig_extension == Some(true) || text(entry, "clientType") == PROVIDER;
    let client_type = if is_for_provider { Some(PROVIDER) } else { options.client_type.as_deref() };
    if let Some(client_type) = client_type {
        entry.insert("clientType".into(), json!(client_type));
    }
    if options.client_type.as_deref().is_some_and(|given| is_for_provider && given != PROVIDER) {
        output::say(&format!(
            "note: the client type is `{PROVIDER}`, whose variable is for the provider, as with az: to be without it, the connection is to be created anew"
        ));
    }
}

fn set_target(entry: &mut Map<String, Value>, options: &Options) {
    let given = options.target.given();
    if given.is_empty() {
        return;
    }
    let mut target = entry.get("target").and_then(Value::as_object).cloned().unwrap_or_default();
    // An id says all parts anew.
    if options.target.target_id.is_some() {
        target.clear();
    }
    target.extend(given.into_iter().map(|(part, value)| (part.to_owned(), json!(value))));
    entry.insert("target".into(), Value::Object(target));
}

fn set_configuration(entry: &mut Map<String, Value>, given: &ConfigurationArgs) {
    let maps = [
        ("customizedKeys", &given.customized_keys),
        ("additionalConnectionStringProperties", &given.connstr_props),
        ("additionalConfigurations", &given.additional_configurations),
    ];
    for (field, pairs) in maps.into_iter().filter(|(_, pairs)| !pairs.is_empty()) {
        let map: Map<String, Value> = pairs.iter().map(|pair| (pair.key.clone(), json!(pair.value))).collect();
        entry.insert(field.into(), Value::Object(map));
    }
    if given.opt_out.iter().any(|what| what == "configinfo") {
        entry.insert("optOut".into(), json!(["configuration"]));
    }
}

/// How a connection logs in, as it was asked for.
struct Way<'s> {
    service: &'s TargetService,
    auth_type: AuthType,
    login: &'s Login,
    /// Whether an argument asked for it.
    is_given: bool,
}

impl<'s> Way<'s> {
    /// By the arguments; or else as before; or else the one that az would take, as far as it needs nothing that only Azure knows.
    fn choose(service: &'s TargetService, options: &Options, before: &str) -> Result<Self> {
        let offered = |auth_type: AuthType| service.auth_types.get(&auth_type);
        let asked_for = asked_for(&options.auth)?;
        let before = service.auth_types.keys().find(|auth_type| auth_type.name() == before).copied();
        let only = || (service.auth_types.len() == 1).then(|| service.auth_types.keys().next().copied()).flatten();
        let is_given = asked_for.is_some();
        let Some(auth_type) = asked_for.or(before).or_else(only) else {
            return Err(unsaid(service, options).into());
        };
        let login = offered(auth_type).ok_or_else(|| {
            let flags: Vec<&str> = service.auth_types.keys().map(|auth_type| flag(*auth_type)).collect();
            Fault::invalid(format!("`{}` does not offer auth type `{}`", service.name, auth_type.name()), format!("use {}", flags.join(" or ")))
        })?;
        Ok(Self { service, auth_type, login, is_given })
    }

    /// Puts the credentials that may be seen into the entry; returns those that may not, and what was typed.
    fn set_credentials(
        &self,
        entry: &mut Map<String, Value>,
        auth: &AuthArgs,
        name: &str,
    ) -> Result<(BTreeMap<Credential, SecretString>, Vec<Pair>)> {
        let mut known = entry.get("credentials").and_then(Value::as_object).cloned().unwrap_or_default();
        let mut hidden = BTreeMap::new();
        let given = self.given(auth)?;
        let references = auth.secret_ref.iter().map(reference).collect::<Result<Vec<_>>>()?;
        refuse_twice(&given, &references)?;
        self.refuse_whole(&given, &known)?;
        for (credential, value) in given {
            if credential.is_confidential() {
                known.remove(credential.name());
                hidden.insert(credential, SecretString::from(value));
            } else {
                known.insert(credential.name().to_owned(), json!(value));
            }
        }
        known.extend(references.into_iter().map(|(credential, reference)| (credential.name().to_owned(), reference)));
        if self.auth_type == AuthType::Csi {
            set_vault(entry, auth);
            if entry.get("login").is_none_or(|login| login != SERVICE_PRINCIPAL) {
                known.remove(Credential::ClientSecret.name());
            }
        } else if !auth.vault_object.is_empty() {
            return Err(Fault::invalid("`--vault-object` is for `--enable-csi` alone", "add `--enable-csi`, or leave it out").into());
        }
        let mut typed = Vec::new();
        for credential in self.missing(entry, &known, &hidden) {
            let is_of_identity = matches!(self.auth_type, AuthType::WorkloadIdentity | AuthType::ServicePrincipal);
            if is_of_identity && credential == Credential::Username {
                // az's passwordless extension makes a user of this name.
                known.insert(credential.name().to_owned(), json!(format!("aad_{name}")));
                continue;
            }
            let value = self.ask_for(credential)?;
            typed.push(Pair { key: credential.name().to_owned(), value: value.clone() });
            if credential.is_confidential() {
                hidden.insert(credential, SecretString::from(value));
            } else {
                known.insert(credential.name().to_owned(), json!(value));
            }
        }
        if !known.is_empty() {
            entry.insert("credentials".into(), Value::Object(known));
        }
        Ok((hidden, typed))
    }

    fn missing(&self, entry: &Map<String, Value>, known: &Map<String, Value>, hidden: &BTreeMap<Credential, SecretString>) -> Vec<Credential> {
        let of_login = entry.get("login").is_some_and(|login| login == SERVICE_PRINCIPAL).then_some(Credential::ClientSecret);
        let is_missing = |credential: &Credential| !known.contains_key(credential.name()) && !hidden.contains_key(credential);
        self.login.credentials.iter().copied().chain(of_login).filter(is_missing).collect()
    }

    /// Gets a credential that no argument has from the person at the terminal.
    fn ask_for(&self, credential: Credential) -> Result<String> {
        if !input::is_terminal() {
            let what = format!("credential `{}` is missing", credential.name());
            return Err(Fault::invalid(what, self.way(credential)).into());
        }
        if credential.is_confidential() { input::ask_hidden(credential.name()) } else { input::ask(credential.name()) }
    }

    /// How to give a credential.
    fn way(&self, credential: Credential) -> String {
        let key = word(credential);
        match (self.auth_type, credential) {
            (AuthType::WorkloadIdentity, Credential::ClientId) => "give it by `--workload-identity CLIENT-ID`".into(),
            (AuthType::Csi, Credential::ClientId) => "give it by `--client-id`".into(),
            (_, Credential::TenantId) => "give it by `--tenant-id`".into(),
            _ if credential.is_confidential() => format!(
                "{}give it on standard input with `--credentials-stdin`, as `{key}=…`, name a Secret that has it by `--secret-ref {}=SECRET/KEY`, or run `sc` at a terminal, which asks for it",
                if is_fetched(credential) { "az would fetch it from the target, which `sc` cannot; here " } else { "" },
                credential.name()
            ),
            _ => format!("give it by `{} {key}=…`", flag(self.auth_type)),
        }
    }

    /// The credentials that the arguments and standard input have.
    fn given(&self, auth: &AuthArgs) -> Result<Vec<(Credential, String)>> {
        let pairs =
            [("`--secret`", auth.secret.as_ref()), ("`--service-principal`", auth.service_principal.as_ref()), ("standard input", Some(&auth.typed))];
        let mut given = Vec::new();
        for (from, pair) in pairs.into_iter().flat_map(|(from, pairs)| pairs.into_iter().flatten().map(move |pair| (from, pair))) {
            if pair.key != "object-id" {
                let credential = self.named(from, &pair.key)?;
                if pair.value.is_empty() {
                    return Err(Fault::invalid(format!("credential `{}` of {from} is empty", credential.name()), "give its value").into());
                }
                given.push((credential, pair.value.clone()));
            }
        }
        let flags = [
            (Credential::ClientId, &auth.client_id),
            (Credential::TenantId, &auth.tenant_id),
            (Credential::Username, &auth.username),
            (Credential::Username, &auth.kafka_key),
            (Credential::Password, &auth.kafka_secret),
        ];
        given.extend(flags.into_iter().filter_map(|(credential, value)| Some((credential, value.clone()?))));
        // A resource id, which only az can look up, need not be when the client id is given beside it.
        if let Some(id) = auth.identity().filter(|id| auth.client_id.is_none() || Guid::parse(id).is_some()) {
            given.push((Credential::ClientId, client_id(id)?));
        }
        Ok(given)
    }

    /// Refuses a connection string in the place of a password, as az takes it for mongodb-atlas: the catalogue makes one from its parts.
    fn refuse_whole(&self, given: &[(Credential, String)], known: &Map<String, Value>) -> Result<()> {
        let has_user = known.contains_key(Credential::Username.name()) || given.iter().any(|(credential, _)| *credential == Credential::Username);
        let is_whole = given.iter().any(|(credential, value)| *credential == Credential::Password && value.contains("://"));
        if has_user || !is_whole || !self.login.credentials.contains(&Credential::Username) {
            return Ok(());
        }
        let others: Vec<String> = self.service.parts.iter().map(|part| format!(" {part}=…")).collect();
        let others = if others.is_empty() { String::new() } else { format!(", and by `--target{}` what no id has", others.concat()) };
        let what = "credential `username` is missing, and the secret looks like a whole connection string";
        Err(Fault::invalid(what, format!("give its parts: user and password by `--secret name=… secret=…`{others}")).into())
    }

    /// The credential that a key means, as az or the values call it.
    fn named(&self, from: &str, key: &str) -> Result<Credential> {
        let used = || self.login.credentials.iter().chain(&self.login.optional_credentials).copied();
        if ["secret-uri", "secret-name"].contains(&key) {
            return Err(Fault::invalid(format!("`{key}` is not supported, as by az for AKS"), "use `--secret-ref`, or auth type `csi`").into());
        }
        let found = used().find(|credential| credential.name() == key || word(*credential) == key);
        found.ok_or_else(|| {
            let known: Vec<&str> = used().map(word).collect();
            // The key is not shown: it may be a credential that was written without one.
            Fault::invalid(format!("a key of {from} is none of this auth type's"), format!("its keys are {}", known.join(", "))).into()
        })
    }
}

/// What az calls a credential.
fn word(credential: Credential) -> &'static str {
    match credential {
        Credential::Username => "name",
        Credential::ClientId => "client-id",
        Credential::TenantId => "tenant-id",
        Credential::ClientSecret | Credential::Password | Credential::AccessKey | Credential::ConnectionString => "secret",
    }
}

/// The auth type that the arguments ask for.
///
/// # Errors
/// If they ask for two that exclude each other.
fn asked_for(auth: &AuthArgs) -> Result<Option<AuthType>> {
    let is_csi = auth.enable_csi == Some(true);
    let is_secret = auth.secret.is_some() || auth.kafka_secret.is_some();
    if is_csi && is_secret {
        return Err(Fault::invalid("`--enable-csi` and a secret are two ways to log in", "leave one of them out").into());
    }
    // The driver logs in by one of the others, too.
    let flags = [
        (is_csi, AuthType::Csi),
        (is_secret, AuthType::Secret),
        (auth.identity().is_some(), AuthType::WorkloadIdentity),
        (auth.service_principal.is_some(), AuthType::ServicePrincipal),
    ];
    Ok(flags.into_iter().find_map(|(is_given, auth_type)| is_given.then_some(auth_type)))
}

/// Says that no argument asks for an auth type, and what az would do then.
fn unsaid(service: &TargetService, options: &Options) -> Fault {
    let flags: Vec<&str> = service.auth_types.keys().map(|auth_type| flag(*auth_type)).collect();
    let flags = flags.join(", ");
    let is_out = |what: &str| options.configuration.opt_out.iter().any(|out| out == what);
    if is_out("auth") && is_out("configinfo") {
        let what = "without auth and configinfo nothing is left that would be made in the cluster";
        return Fault::invalid(what, format!("leave the connection out, which az would note in Azure alone, or add one of {flags}"));
    }
    let of_secret: Vec<Credential> = service.auth_types.get(&AuthType::Secret).iter().flat_map(|login| login.credentials.iter().copied()).collect();
    let az = if service.auth_types.contains_key(&AuthType::Csi) {
        "; az would take `--enable-csi` and the identity of the cluster's add-on: here give it by `--enable-csi --client-id ID --tenant-id ID`"
    } else if of_secret.iter().copied().any(is_fetched) {
        "; az would fetch the target's key, which `sc` cannot: here give it by `--secret --credentials-stdin`"
    } else if of_secret.contains(&Credential::Username) {
        "; az would ask for user and password: here give them by `--secret name=USER`, which asks for the password"
    } else {
        ""
    };
    Fault::invalid("it is not said how the workload logs in", format!("add one of {flags}{az}"))
}

/// Whether it is a credential that az reads in Azure.
fn is_fetched(credential: Credential) -> bool {
    matches!(credential, Credential::AccessKey | Credential::ConnectionString)
}

/// Refuses a credential that is given in two ways which differ, as value or reference: only one of them could count.
fn refuse_twice(given: &[(Credential, String)], references: &[(Credential, Value)]) -> Result<()> {
    let given = given.iter().map(|(credential, value)| (*credential, json!(value)));
    let all: Vec<(Credential, Value)> = given.chain(references.iter().cloned()).collect();
    let differs = |(credential, value): &&(Credential, Value)| all.iter().any(|(other, one)| other == credential && one != value);
    match all.iter().find(differs) {
        Some((credential, _)) => {
            Err(Fault::invalid(format!("credential `{}` is given more than once, and not the same", credential.name()), "give it once").into())
        }
        None => Ok(()),
    }
}

/// The argument that asks for an auth type.
fn flag(auth_type: AuthType) -> &'static str {
    match auth_type {
        AuthType::Secret => "--secret",
        AuthType::WorkloadIdentity => "--workload-identity",
        AuthType::ServicePrincipal => "--service-principal",
        AuthType::Csi => "--enable-csi",
    }
}

/// The client id of an identity: itself, or what `az` says of a resource id.
fn client_id(id: &str) -> Result<String> {
    if Guid::parse(id).is_some() {
        return Ok(id.to_owned());
    }
    let fix = format!("give the client id instead: `az identity show --ids {id} --query clientId --output tsv`");
    let output = std::process::Command::new("az").args(["identity", "show", "--ids", id, "--query", "clientId", "--output", "tsv"]).output();
    let output = output.map_err(|_| Fault::invalid("`az`, which knows the client id of an identity, is not on the PATH", fix.clone()))?;
    let found = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    if Guid::parse(&found).is_some() { Ok(found) } else { Err(Fault::failed("`az identity show` did not give a client id", fix).into()) }
}

/// `password=orders-admin/password`
fn reference(pair: &Pair) -> Result<(Credential, Value)> {
    let known = Credential::ALL.map(Credential::name).join(", ");
    let credential = Credential::named(&pair.key)
        .ok_or_else(|| Fault::invalid("`--secret-ref` names no credential", format!("write CREDENTIAL=SECRET/KEY, with one of {known}")))?;
    let (secret, key) = pair.value.split_once('/').ok_or_else(|| Fault::invalid("`--secret-ref` names no key", "write CREDENTIAL=SECRET/KEY"))?;
    Ok((credential, json!({"secretKeyRef": {"name": secret, "key": key}})))
}

/// The way of the CSI provider that has a secret.
const SERVICE_PRINCIPAL: &str = "service-principal";

/// What is fetched from a vault, and as whom.
fn set_vault(entry: &mut Map<String, Value>, auth: &AuthArgs) {
    if !auth.vault_object.is_empty() {
        entry.insert("secrets".into(), auth.vault_object.iter().map(|text| vault_object(text)).collect());
    }
    let ways = [(auth.identity().is_some(), "workload-identity"), (auth.service_principal.is_some(), SERVICE_PRINCIPAL)];
    if let Some((_, way)) = ways.into_iter().find(|(is_given, _)| *is_given) {
        entry.insert("login".into(), json!(way));
    } else if auth.client_id.is_some() {
        // A client id alone is that of a managed identity.
        entry.remove("login");
    }
}

/// `cert/NAME=FILE`
fn vault_object(text: &str) -> Value {
    let (object, file) = text.split_once('=').map_or((text, None), |(object, file)| (object, Some(file)));
    let (kind, name) = object.split_once('/').unwrap_or(("secret", object));
    let mut entry = json!({"name": name, "type": kind});
    if let Some(file) = file {
        entry["as"] = json!(file);
    }
    entry
}

fn text(entry: &Map<String, Value>, field: &str) -> String {
    entry.get(field).and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// The name of a connection in an id, as `sc` or az prints it, and the AKS cluster in it.
///
/// # Errors
/// If it is no such id.
pub(crate) fn parts_of_id(id: &str) -> Result<(Option<&str>, Option<&str>, &str)> {
    let mut segments = id.split('/').filter(|segment| !segment.is_empty()).collect::<Vec<_>>();
    let name = segments.pop().ok_or_else(|| anyhow!("an id is not empty"))?;
    let after =
        |kind: &str| segments.iter().position(|segment| segment.eq_ignore_ascii_case(kind)).and_then(|index| segments.get(index + 1)).copied();
    Ok((after("managedClusters"), after("namespaces"), name))
}
