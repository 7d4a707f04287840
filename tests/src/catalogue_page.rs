//! The page `docs/catalogue.md`, from the data that the job itself reads: whoever changes a template changes the page with it.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::Arc;

use sc_core::arm::ResourceIdForm;
use sc_core::catalogue::grammar::Grammar;
use sc_core::catalogue::template::{Expression, Template};
use sc_core::catalogue::{AuthType, CLIENT_TYPES, Catalogue, Compatibility, Configuration, Login, TargetService, Variable};
use sc_core::credential::Credential;

/// What is said before the tables.
const HEAD: &str = "# Catalogue

Made from `templates/` by a test; to change it, change a data file and run `UPDATE=1 cargo test -p sc-tests --test catalogue_page`. `sc list-support-types` prints the same overview.

## Overview

Which client types each target service offers, by auth type: **S** `secret`, **P** `service-principal`, **W** `workload-identity`, **C** `csi`.

{overview}
## How to read it

A connection names the target by `target.id`, or by those of its parts that are listed; a part goes before what the id says. A fact follows from the parts, and can be given outright, such as `target.host`
for a database that is not in Azure. `{{cloud.…}}` is a DNS suffix of the cloud that the values name.

The first column of a table says for whom a set of variables is, and how that is known: *documented* is what Microsoft's page about the service says, *recorded* is what Service Connector was seen to
give, *derived* follows by the rule that is named. The values are templates: `{{name}}` is a fact, a part or a credential, and `{{grammar name}}` passes another grammar first. Behind a connection
string stands its grammar, which writes every value so that the client reads back just that value:

{grammars}
A value with a correction is not the documented one, because that one does not work; what is wrong with it stands below the tables of the service. `compatibility: exact`, for all connections or for
one, gives the documented bytes instead, mistakes included: what stands behind *exact*.

With `format: [servicebinding]` a connection gets the entries that are named for servicebinding.io, beside `type` and `provider`, in a Secret of its own.

## Names with dots

Spring's variables are documented with dots in their names, such as `spring.datasource.url`. They can be keys of a Secret, and `envFrom` takes them on every Kubernetes that the chart supports: names of
variables may have dots and dashes since Kubernetes 1.8. The feature `RelaxedEnvironmentVariableValidation`, on by default from 1.32 and always from 1.34, is about other characters: of the keys of a
Secret, only one that begins with a digit needs it, and without it `envFrom` leaves that one out. What can lose variables with dots is a shell: `/bin/sh` of Debian and Ubuntu is dash, which does not
hand them to the programs that it starts (seen with 0.5.12; bash does). So let the image start the program without a shell, or rename the variables by `customizedKeys`: Spring reads
`SPRING_DATASOURCE_URL` the same as `spring.datasource.url`, with dots as underscores and dashes left out.

Spring puts the value of another variable in the place of `${NAME}`, in a password too. So a value that has `${` gets `${sc.literal:$}{` there, which Spring reads as `${` (run with 6.1.14 and
6.2.1).
{sections}";

/// The whole page.
pub fn page() -> String {
    let mut services: Vec<Arc<TargetService>> = Catalogue::services().collect();
    services.sort_by(|a, b| a.name.cmp(&b.name));
    let sections: String = services.iter().map(|service| section(service)).collect();
    HEAD.replace("{overview}", &overview(&services)).replace("{grammars}", &grammars()).replace("{sections}", &sections)
}

fn grammars() -> String {
    let mut text = String::new();
    for grammar in Grammar::ALL.into_iter().filter(|grammar| *grammar != Grammar::Plain) {
        writeln!(text, "- `{}`: {}", grammar.name(), grammar.noun()).unwrap();
    }
    text
}

/// One line a service, one column a client type, one letter an auth type.
fn overview(services: &[Arc<TargetService>]) -> String {
    let mut text = format!("| target service | {} |\n|---|{}\n", CLIENT_TYPES.join(" | "), "---|".repeat(CLIENT_TYPES.len()));
    for service in services {
        let cells = CLIENT_TYPES.map(|client_type| letters(service, client_type));
        writeln!(text, "| [{0}](#{0}) | {1} |", service.name, cells.join(" | ")).unwrap();
    }
    text
}

fn letters(service: &TargetService, client_type: &str) -> String {
    let offers = |login: &Login| login.client_types().any(|offered| offered == client_type);
    let letters = service.auth_types.iter().filter(|(_, login)| offers(login)).map(|(auth_type, _)| letter(*auth_type));
    letters.collect::<Vec<_>>().join(" ")
}

fn letter(auth_type: AuthType) -> &'static str {
    match auth_type {
        AuthType::Secret => "S",
        AuthType::ServicePrincipal => "P",
        AuthType::WorkloadIdentity => "W",
        AuthType::Csi => "C",
    }
}

/// All about one service.
fn section(service: &TargetService) -> String {
    let mut text = format!("\n## {}\n\n{}\n\n{}", service.name, service.display_name, target(service));
    if let Some(binding) = &service.binding {
        writeln!(text, "- servicebinding.io: type `{}`, provider `{}`", binding.kind, binding.provider).unwrap();
    }
    if let Some((protocol, address)) = &service.probe {
        writeln!(text, "- `sc validate` asks by `{}`: {}", protocol.name(), code(&source(address))).unwrap();
    }
    for (auth_type, login) in &service.auth_types {
        text.push_str(&login_section(service, *auth_type, login));
    }
    if !service.corrections.is_empty() {
        writeln!(text, "\n### {}: corrections\n", service.name).unwrap();
    }
    for (name, correction) in &service.corrections {
        writeln!(text, "- **{name}**: {}. Why: {}. Shown by: {}.", correction.what, correction.why, correction.shown_by).unwrap();
    }
    text
}

/// What `target` may have: the id, the parts, and the facts that follow from them.
fn target(service: &TargetService) -> String {
    let mut text = String::new();
    if let Some(form) = &service.resource_id {
        writeln!(text, "- `target.id`: `{}`", form.as_str()).unwrap();
    }
    let mut used = BTreeSet::new();
    let variables =
        service.auth_types.values().flat_map(|login| login.configurations.iter().flat_map(|it| it.variables.values()).chain(login.binding.values()));
    variables.for_each(|variable| used.extend(needed(service, variable)));
    let in_id: Vec<&str> = service.resource_id.iter().flat_map(ResourceIdForm::parts).filter(|part| used.contains(*part)).collect();
    if !in_id.is_empty() {
        writeln!(text, "- or its parts: {}", codes(in_id)).unwrap();
    }
    if !service.parts.is_empty() {
        writeln!(text, "- parts that no id has: {}", codes(service.parts.iter().map(String::as_str))).unwrap();
    }
    let facts: Vec<String> = service.facts.iter().map(|(name, fact)| format!("`{name}` (`{}`)", source(fact))).collect();
    if !facts.is_empty() {
        writeln!(text, "- facts that may be given instead: {}", facts.join(", ")).unwrap();
    }
    text
}

/// The parts that a variable needs, looking through the facts.
fn needed<'s>(service: &'s TargetService, variable: &'s Variable) -> BTreeSet<&'s str> {
    let templates = [Compatibility::Corrected, Compatibility::Exact].into_iter().filter_map(|compatibility| variable.template(compatibility));
    let mut open: Vec<&str> = templates.flat_map(Template::names).collect();
    let mut parts = BTreeSet::new();
    while let Some(name) = open.pop() {
        match service.facts.get(name) {
            Some(fact) => open.extend(fact.names()),
            None => drop(parts.insert(name)),
        }
    }
    parts
}

fn login_section(service: &TargetService, auth_type: AuthType, login: &Login) -> String {
    let mut text = format!("\n### {}: {}\n\n{}.", service.name, auth_type.name(), credentials(login));
    if !login.binding.is_empty() {
        write!(text, " Entries for servicebinding.io: {}.", codes(login.binding.keys().map(String::as_str))).unwrap();
    }
    text.push_str("\n\n| client types | variable | value |\n|---|---|---|\n");
    for configuration in &login.configurations {
        let mut clients = clients(configuration);
        for (name, variable) in &configuration.variables {
            writeln!(text, "| {} | `{name}` | {} |", std::mem::take(&mut clients), value(variable)).unwrap();
        }
    }
    text
}

fn credentials(login: &Login) -> String {
    let names = |credentials: &BTreeSet<Credential>| codes(credentials.iter().map(|credential| credential.name()));
    let needed = if login.credentials.is_empty() { "none".to_owned() } else { names(&login.credentials) };
    let optional = if login.optional_credentials.is_empty() { String::new() } else { format!("; optional: {}", names(&login.optional_credentials)) };
    format!("Credentials: {needed}{optional}")
}

/// The client types of a configuration, by the basis of the fact.
fn clients(configuration: &Configuration) -> String {
    let mut groups: Vec<(&str, Vec<&str>)> = Vec::new();
    for client_type in CLIENT_TYPES {
        let Some(basis) = configuration.client_types.get(client_type) else { continue };
        match groups.iter_mut().find(|(found, _)| found == basis) {
            Some((_, clients)) => clients.push(client_type),
            None => groups.push((basis, vec![client_type])),
        }
    }
    let texts = groups.into_iter().map(|(basis, clients)| format!("**{}** {}", clients.join(", "), basis.replace(": ", " ")));
    texts.collect::<Vec<_>>().join("<br>")
}

/// The template of a variable, with its grammar, and what it corrects.
fn value(variable: &Variable) -> String {
    let Some(corrected) = variable.template(Compatibility::Corrected) else { return String::new() };
    let grammar = if variable.grammar == Grammar::Plain { String::new() } else { format!(" {}", variable.grammar.name()) };
    let Some(correction) = &variable.correction else { return format!("{}{grammar}", code(&source(corrected))) };
    let exact = variable.template(Compatibility::Exact).map_or_else(|| "left out".to_owned(), |exact| code(&source(exact)));
    format!("{}{grammar}<br>exact: {exact} (**{correction}**)", code(&source(corrected)))
}

/// A template as it stands in its data file.
fn source(template: &Template) -> String {
    let written = |Expression { name, inner, .. }: &Expression| match inner {
        None => format!("{{{{{name}}}}}"),
        Some(grammar) => format!("{{{{{} {name}}}}}", grammar.name()),
    };
    template.fill(|expression| Ok::<_, std::convert::Infallible>(written(expression))).unwrap()
}

fn codes<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    names.into_iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// A text as code in a cell of a table, where only the bar has a meaning; an empty one would be no code at all.
fn code(text: &str) -> String {
    assert!(!text.contains(['`', '\n']), "{text} is no code of one line");
    if text.is_empty() { "an empty text".to_owned() } else { format!("`{}`", text.replace('|', "\\|")) }
}
