//! Reads a target service, from a data file or from the values: each problem noted, none of them the last.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::check::Check;
use super::grammar::Grammar;
use super::template::Template;
use super::{AuthType, BindingType, CLIENT_TYPES, Configuration, Correction, Login, TargetService, Variable};
use crate::arm::ResourceIdForm;
use crate::credential::Credential;
use crate::endpoint::Protocol;
use crate::fields::{Fields, wrong_shape};
use crate::names::{is_key, is_label};
use crate::problem::{At, Choice, Kind, Problems, Word};

/// So many facts a service may have: each may need all others.
const MOST_FACTS: usize = 64;

/// The fields of a variable that are no grammar.
const BESIDE_GRAMMAR: [&str; 2] = ["exact", "correction"];

impl TargetService {
    /// Reads a service; nothing if anything about it is wrong.
    pub(super) fn of(value: Value, at: &At, problems: &mut Problems) -> Option<Self> {
        let before = problems.len();
        let mut fields = Fields::of(value, at.clone(), problems)?;
        let name = fields.required("name", "the name for `targetService`");
        let display_name = fields.required("displayName", "its name for people");
        let resource_id = fields.text("resourceId").map(ResourceIdForm::new);
        let parts = texts(&mut fields, "parts");
        let facts = facts(&mut fields);
        let probe = probe(&mut fields);
        let binding = fields.take("binding").and_then(|value| binding_type(value, at, fields.problems()));
        let corrections = corrections(&mut fields);
        let auth_types = auth_types(&mut fields);
        fields.finish();
        let name = name?;
        if !is_label(&name) {
            let rule = "1 to 63 of the characters a-z, 0-9 and `-`, a letter or digit first and last";
            problems.add(&at.field("name"), Kind::InvalidName { what: "target service", given: Word::new(&*name), rule });
        }
        let service = Self { name, display_name: display_name?, resource_id, parts, facts, probe, binding, corrections, auth_types };
        Check { service: &service, problems }.all(at);
        (problems.len() == before).then_some(service)
    }
}

fn texts(fields: &mut Fields<'_>, name: &'static str) -> Vec<String> {
    let list = fields.list(name);
    list.into_iter().filter_map(|(at, item)| text(item, &at, fields.problems())).collect()
}

fn text(value: Value, at: &At, problems: &mut Problems) -> Option<String> {
    match value {
        Value::String(text) => Some(text),
        other => {
            problems.add(at, wrong_shape(&other, "a text", "put it in quotes"));
            None
        }
    }
}

fn template(value: Value, at: &At, problems: &mut Problems) -> Option<Template> {
    let text = text(value, at, problems)?;
    Template::parse(&text).map_err(|malformed| problems.add(at, Kind::MalformedTemplate { what: malformed.what, place: malformed.place })).ok()
}

fn facts(fields: &mut Fields<'_>) -> BTreeMap<String, Template> {
    let at = fields.at().field("facts");
    let map = fields.map("facts");
    if map.len() > MOST_FACTS {
        let rule = format!("a service has at most {MOST_FACTS} facts");
        fields.problems().add(&at, Kind::InvalidFact { what: "the number of facts".into(), rule });
        return BTreeMap::new();
    }
    map.into_iter().filter_map(|(name, value)| Some((name.clone(), template(value, &at.key(&name), fields.problems())?))).collect()
}

/// The address of a service, under the name of the protocol that it speaks there.
fn probe(fields: &mut Fields<'_>) -> Option<(Protocol, Template)> {
    let at = fields.at().field("probe");
    let mut entries = fields.map("probe").into_iter();
    let (name, value) = entries.next()?;
    if entries.next().is_some() {
        let rule = "write one protocol and the address, as in `postgresql: \"{{host}}:{{port}}\"`".to_owned();
        fields.problems().add(&at, Kind::InvalidFact { what: "the probe".into(), rule });
    }
    let Some(protocol) = Protocol::named(&name) else {
        let choice = Choice::of(&name, Protocol::ALL.map(|(_, name, _)| name));
        fields.problems().add(&at, Kind::UnknownField { field: Word::new(name), choice });
        return None;
    };
    Some((protocol, template(value, &at.field(protocol.name()), fields.problems())?))
}

fn binding_type(value: Value, at: &At, problems: &mut Problems) -> Option<BindingType> {
    let mut fields = Fields::of(value, at.field("binding"), problems)?;
    let kind = fields.required("type", "the protocol, such as `postgresql`");
    let provider = fields.required("provider", "who offers the service, such as `azure`");
    fields.finish();
    Some(BindingType { kind: kind?, provider: provider? })
}

fn corrections(fields: &mut Fields<'_>) -> BTreeMap<String, Correction> {
    let at = fields.at().field("corrections");
    let map = fields.map("corrections");
    let read = |(name, value): (String, Value)| Some((name.clone(), correction(value, &at.key(&name), fields.problems())?));
    map.into_iter().filter_map(read).collect()
}

fn correction(value: Value, at: &At, problems: &mut Problems) -> Option<Correction> {
    let mut fields = Fields::of(value, at.clone(), problems)?;
    let what = fields.required("what", "what is different");
    let why = fields.required("why", "what happens to a client that gets the documented value");
    let shown_by = fields.required("shownBy", "the client, with its version, in which that was seen");
    fields.finish();
    Some(Correction { what: what?, why: why?, shown_by: shown_by? })
}

fn auth_types(fields: &mut Fields<'_>) -> BTreeMap<AuthType, Login> {
    let at = fields.at().field("authTypes");
    let mut logins = BTreeMap::new();
    let map = fields.map("authTypes");
    if map.is_empty() {
        let at = fields.at().clone();
        fields.problems().add(&at, Kind::MissingField { field: "authTypes", meaning: "the ways to log in, and the variables of each" });
    }
    for (name, value) in map {
        let Some(auth_type) = AuthType::ALL.into_iter().find(|auth_type| auth_type.name() == name) else {
            let choice = Choice::of(&name, AuthType::ALL.map(AuthType::name));
            fields.problems().add(&at, Kind::UnknownField { field: Word::new(name), choice });
            continue;
        };
        if let Some(login) = login(value, &at.field(&name), fields.problems()) {
            logins.insert(auth_type, login);
        }
    }
    logins
}

fn login(value: Value, at: &At, problems: &mut Problems) -> Option<Login> {
    let mut fields = Fields::of(value, at.clone(), problems)?;
    let credentials = credentials(&mut fields, "credentials");
    let optional_credentials = self::credentials(&mut fields, "optionalCredentials");
    let list = fields.list("configurations");
    if list.is_empty() {
        fields.problems().add(at, Kind::MissingField { field: "configurations", meaning: "the variables, by client type" });
    }
    let configurations = list.into_iter().filter_map(|(at, item)| configuration(item, &at, fields.problems())).collect();
    let binding = variables(&mut fields, "binding");
    fields.finish();
    Some(Login { credentials, optional_credentials, configurations, binding })
}

fn credentials(fields: &mut Fields<'_>, name: &'static str) -> BTreeSet<Credential> {
    let at = fields.at().field(name);
    let mut credentials = BTreeSet::new();
    for text in texts(fields, name) {
        if let Some(credential) = Credential::named(&text) {
            credentials.insert(credential);
        } else {
            let choice = Choice::of(&text, Credential::ALL.map(Credential::name));
            fields.problems().add(&at, Kind::UnknownWord { what: "credential", given: Word::new(text), list: "one that there is".into(), choice });
        }
    }
    credentials
}

fn configuration(value: Value, at: &At, problems: &mut Problems) -> Option<Configuration> {
    let mut fields = Fields::of(value, at.clone(), problems)?;
    let client_types = fields.texts("clientTypes");
    let variables = variables(&mut fields, "variables");
    fields.finish();
    let at = at.field("clientTypes");
    for (client_type, basis) in &client_types {
        if !CLIENT_TYPES.contains(&client_type.as_str()) {
            let choice = Choice::of(client_type, CLIENT_TYPES);
            problems.add(&at, Kind::UnknownWord { what: "client type", given: Word::new(&**client_type), list: "one that there is".into(), choice });
        }
        if !matches!(basis.as_str(), "documented" | "recorded") && basis.strip_prefix("derived: ").is_none_or(str::is_empty) {
            let rule = "write `documented`, `recorded`, or `derived: ` and by which rule".to_owned();
            problems.add(&at.key(client_type), Kind::InvalidFact { what: "the basis".into(), rule });
        }
    }
    Some(Configuration { client_types, variables })
}

fn variables(fields: &mut Fields<'_>, name: &'static str) -> BTreeMap<String, Variable> {
    let at = fields.at().field(name);
    let map = fields.map(name);
    let mut variables = BTreeMap::new();
    for (key, value) in map {
        if !is_key(&key) {
            let rule = "the name of a variable has letters, digits, `-`, `_` and `.`, at most 253 of them";
            fields.problems().add(&at, Kind::InvalidName { what: "variable name", given: Word::new(&*key), rule });
        }
        if let Some(variable) = variable(value, &at.key(&key), fields.problems()) {
            variables.insert(key, variable);
        }
    }
    variables
}

fn variable(value: Value, at: &At, problems: &mut Problems) -> Option<Variable> {
    match value {
        Value::Object(map) => variable_in(map, at, problems),
        plain => Some(Variable { grammar: Grammar::Plain, corrected: template(plain, at, problems)?, correction: None, exact: None }),
    }
}

fn variable_in(mut map: Map<String, Value>, at: &At, problems: &mut Problems) -> Option<Variable> {
    let before = problems.len();
    let exact = map.remove("exact").and_then(|value| template(value, &at.field("exact"), problems));
    let correction = map.remove("correction").and_then(|value| text(value, &at.field("correction"), problems));
    let mut rest = map.into_iter();
    let (Some((name, value)), None) = (rest.next(), rest.next()) else {
        problems.add(at, Kind::OneGrammar);
        return None;
    };
    let Some(grammar) = Grammar::named(&name) else {
        let choice = Choice::of(&name, Grammar::ALL.map(Grammar::name).into_iter().chain(BESIDE_GRAMMAR));
        problems.add(at, Kind::UnknownField { field: Word::new(name), choice });
        return None;
    };
    let corrected = template(value, &at.field(grammar.name()), problems)?;
    (problems.len() == before).then_some(Variable { grammar, correction, corrected, exact })
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in super::super) const SERVICE: &str = "name: x\ndisplayName: X\nresourceId: /a/{server}\nfacts: {host: '{{server}}.{{cloud.sql}}'}\ncorrections: {tls: {what: a, why: b, shownBy: c 1}}\nauthTypes:\n  secret:\n    credentials: [password]\n    configurations:\n    - clientTypes: {none: documented}\n      variables: {X_HOST: '{{host}}', X_STRING: {libpq: 'host={{host}} password={{password}}', exact: 'x', correction: tls}}\n";

    fn refusal(change: (&str, &str)) -> String {
        assert!(SERVICE.contains(change.0));
        let said = |problems: Vec<crate::problem::Problem>| problems.iter().map(|problem| format!("{}: {problem}", problem.at)).collect::<Vec<_>>();
        TargetService::parse(&SERVICE.replace(change.0, change.1)).map_or_else(|problems| said(problems).join("\n"), |_| "was accepted".into())
    }

    #[test]
    fn a_sound_service_is_accepted() {
        assert_eq!(refusal(("name: x", "name: x")), "was accepted");
    }

    #[test]
    fn mistakes_are_named_with_their_place() {
        for (from, to, said) in [
            ("{{password}}", "{{pasword}}", "X_STRING: line 1, column 24 of the template: `pasword` is not known"),
            ("{{server}}", "{{host}}", "facts.host: line 1, column 1 of the template: `host` is not known"),
            ("'{{server}}.{{cloud.sql}}'", "'{{a}}', a: '{{b}}', b: '{{a}}'", "facts.host: line 1, column 1 of the template: `a` is not known"),
            ("{{cloud.sql}}", "{{cloud.sqll}}", "`cloud.sqll` is not known"),
            ("{{host}} pass", "{{host pass", "X_STRING.libpq: the template is malformed at line "),
            ("libpq: ", "libpg: ", "`libpg` is not a field here"),
            ("libpq: ", "ado: a, libpq: ", "a variable has one grammar"),
            ("none: documented", "nine: documented", "client type `nine`"),
            ("none: documented", "none: guessed", "the basis is not valid"),
            ("displayName: X", "displayName: X\ncolour: red", "`colour` is not a field here"),
            ("correction: tls", "correction: ssl", "correction `ssl` is not explained here"),
            (", correction: tls", "", "the field `correction` is missing"),
            ("  secret:", "  secrets:", "`secrets` is not a field here"),
            ("[password]", "[pass word]", "credential (not shown) is not"),
            ("X_HOST", "X HOST", "variable name (not shown) is not valid"),
            ("name: x", "name: X y", "target service (not shown) is not valid"),
            ("facts: {", "parts: [username]\nfacts: {", "part or fact `username` is not valid"),
            ("facts: {", "facts: {id: x, ", "part or fact `id` is not valid"),
            ("name: x", "name: x\nprobe: {gopher: '{{host}}'}", "probe: `gopher` is not a field here"),
            ("name: x", "name: x\nprobe: {https: '{{hots}}'}", "probe: line 1, column 1 of the template: `hots` is not known"),
            ("name: x", "name: x\nprobe: {https: '{{password}}'}", "probe: line 1, column 1 of the template: `password` is not known"),
            ("name: x", "name: x\nprobe: {https: a, tds: b}", "the probe is not valid"),
            ("name: x", "name: x\nbinding: {type: 'a/b', provider: azure}", "binding: type (not shown) is not valid"),
            ("    credentials: [password]", "    binding: {provider: x}\n    credentials: [password]", "binding: entry `provider` is not valid"),
            ("  secret:", "  workload-identity:", "workload-identity: `credentials`, without `clientId`, is not valid"),
            ("  secret:", "  csi:", "csi: auth type `csi` without a part `vault` is not valid"),
        ] {
            assert!(refusal((from, to)).contains(said), "{from} → {to}: {}", refusal((from, to)));
        }
        let twice = "- clientTypes: {none: documented}\n      variables: {}\n    - clientTypes: {none: documented}";
        assert!(refusal(("- clientTypes: {none: documented}", twice)).contains("called `none`"));
    }

    #[test]
    fn facts_that_need_each_other_often_are_worked_out_at_once() {
        let twice = |fact: usize| format!("f{fact}: '{{{{f{0}}}}}{{{{f{0}}}}}'", fact + 1);
        let facts: Vec<String> = (0..40).map(twice).collect();
        assert_eq!(refusal(("facts: {", &format!("facts: {{f40: x, {}, ", facts.join(", ")))), "was accepted");
    }

    #[test]
    fn no_refusal_quotes_a_template() {
        for broken in ["{{hunter2 x}}", "{{#hunter2}}", "{{hunter2", "{{{hunter2}}}"] {
            assert!(!refusal(("{{host}} pass", broken)).contains("hunter2"), "{broken}");
        }
    }
}
