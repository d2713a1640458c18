//! Strict checks of `spin.toml` and `runtime-config.toml`: only what Spin 4.1 reads, and nothing that points nowhere.
//!
//! Sources: Spin's manifest reference (<https://spinframework.dev/manifest-reference>) and the runtime configuration
//! (<https://spinframework.dev/dynamic-configuration>). Spin itself refuses unknown keys.

use std::collections::BTreeSet;

use toml::{Table, Value};

const ROOT: &[&str] = &[
    "spin_manifest_version",
    "application",
    "variables",
    "trigger",
    "component",
];
const APPLICATION: &[&str] = &[
    "name",
    "version",
    "description",
    "authors",
    "targets",
    "trigger",
    "tool",
];
const VARIABLE: &[&str] = &["required", "default", "secret", "description"];
const HTTP_TRIGGER: &[&str] = &["id", "route", "component", "executor", "static_response"];
const REDIS_TRIGGER: &[&str] = &["id", "channel", "component", "address"];
const COMPONENT: &[&str] = &[
    "source",
    "description",
    "variables",
    "environment",
    "files",
    "exclude_files",
    "allowed_outbound_hosts",
    "key_value_stores",
    "sqlite_databases",
    "ai_models",
    "targets",
    "build",
    "tool",
    "dependencies",
    "dependencies_inherit_configuration",
];
const BUILD: &[&str] = &["command", "workdir", "watch"];

const RUNTIME: &[&str] = &[
    "sqlite_database",
    "key_value_store",
    "variables_provider",
    "llm_compute",
    "outbound_http",
    "outbound_networking",
    "outbound_redis",
    "state_dir",
    "log_dir",
    "max_instance_memory",
];
const RUNTIME_DATABASE: &[&str] = &["type", "path", "allow_attach_file"];

/// Everything that is wrong with the two files; empty when Spin reads them and all names lead somewhere.
pub fn problems(manifest: &str, runtime: &str) -> Vec<String> {
    let mut report = Report::default();
    let manifest = report.parse("spin.toml", manifest);
    let runtime = report.parse("runtime-config.toml", runtime);
    check_application(&manifest, &mut report);
    let variables = check_variables(&manifest, &mut report);
    let components = check_components(&manifest, &variables, &mut report);
    check_triggers(&manifest, &components, &mut report);
    let databases = check_runtime(&runtime, &mut report);
    check_grants(&manifest, &databases, &mut report);
    report.problems
}

#[derive(Default)]
struct Report {
    problems: Vec<String>,
}

impl Report {
    fn add(&mut self, problem: impl Into<String>) {
        self.problems.push(problem.into());
    }

    fn parse(&mut self, file: &str, text: &str) -> Table {
        text.parse().unwrap_or_else(|error| {
            self.add(format!("{file}: {error}"));
            Table::new()
        })
    }

    /// Complains about every key that is not in the list.
    fn only(&mut self, place: &str, table: &Table, known: &[&str]) {
        for key in table.keys().filter(|key| !known.contains(&key.as_str())) {
            self.add(format!("{place}: Spin does not know the key `{key}`"));
        }
    }

    /// The text under a key that must be there.
    fn text<'a>(&mut self, place: &str, table: &'a Table, key: &str) -> &'a str {
        table.get(key).and_then(Value::as_str).unwrap_or_else(|| {
            self.add(format!("{place}: `{key}` must be a text"));
            ""
        })
    }

    /// Complains about `{{ name }}` whose name is not a variable of the application.
    fn template(&mut self, place: &str, text: &str, variables: &BTreeSet<String>) {
        for part in text.split("{{").skip(1) {
            let name = part.split_once("}}").map(|(name, _)| name.trim());
            if !name.is_some_and(|name| variables.contains(name)) {
                self.add(format!(
                    "{place}: `{text}` names no variable of [variables]"
                ));
            }
        }
    }
}

/// The tables inside a table, with their names.
fn tables<'a>(table: &'a Table, key: &str) -> impl Iterator<Item = (&'a String, &'a Table)> {
    let inner = table.get(key).and_then(Value::as_table);
    inner
        .into_iter()
        .flatten()
        .filter_map(|(name, value)| Some((name, value.as_table()?)))
}

/// The texts of an array.
fn texts<'a>(table: &'a Table, key: &str) -> impl Iterator<Item = &'a str> {
    let array = table.get(key).and_then(Value::as_array);
    array.into_iter().flatten().filter_map(Value::as_str)
}

fn check_application(manifest: &Table, report: &mut Report) {
    report.only("spin.toml", manifest, ROOT);
    if manifest
        .get("spin_manifest_version")
        .and_then(Value::as_integer)
        != Some(2)
    {
        report.add("spin.toml: `spin_manifest_version` must be 2");
    }
    let Some(application) = manifest.get("application").and_then(Value::as_table) else {
        report.add("spin.toml: there is no [application]");
        return;
    };
    report.only("[application]", application, APPLICATION);
    let name = report.text("[application]", application, "name");
    if name.is_empty() {
        report.add("[application]: `name` is empty");
    }
}

/// Checks `[variables]` and returns their names.
fn check_variables(manifest: &Table, report: &mut Report) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for (name, variable) in tables(manifest, "variables") {
        let place = format!("[variables] {name}");
        report.only(&place, variable, VARIABLE);
        if !is_lower_snake(name) {
            report.add(format!("{place}: the name must be lower_snake_case"));
        }
        let required = variable.get("required").and_then(Value::as_bool) == Some(true);
        if required == variable.contains_key("default") {
            report.add(format!(
                "{place}: must be either `required` or have a `default`"
            ));
        }
        names.insert(name.clone());
    }
    names
}

/// Checks `[component.*]` and returns their names.
fn check_components(
    manifest: &Table,
    variables: &BTreeSet<String>,
    report: &mut Report,
) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for (name, component) in tables(manifest, "component") {
        let place = format!("[component.{name}]");
        report.only(&place, component, COMPONENT);
        if !is_kebab(name) {
            report.add(format!("{place}: the name must be kebab-case"));
        }
        report.text(&place, component, "source");
        let granted = component.get("variables").and_then(Value::as_table);
        for (key, value) in granted.into_iter().flatten() {
            match value.as_str() {
                Some(text) => report.template(&place, text, variables),
                None => report.add(format!("{place}: variable `{key}` must be a text")),
            }
        }
        for host in texts(component, "allowed_outbound_hosts") {
            report.template(&place, host, variables);
        }
        if let Some(build) = component.get("build").and_then(Value::as_table) {
            report.only(&format!("[component.{name}.build]"), build, BUILD);
        }
        names.insert(name.clone());
    }
    names
}

fn check_triggers(manifest: &Table, components: &BTreeSet<String>, report: &mut Report) {
    let mut used = BTreeSet::new();
    let triggers = manifest.get("trigger").and_then(Value::as_table);
    for (kind, entries) in triggers.into_iter().flatten() {
        let (known, address) = match kind.as_str() {
            "http" => (HTTP_TRIGGER, "route"),
            "redis" => (REDIS_TRIGGER, "channel"),
            other => {
                report.add(format!(
                    "[[trigger.{other}]]: Spin has no such trigger built in"
                ));
                continue;
            }
        };
        let mut addresses = BTreeSet::new();
        for entry in entries
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_table)
        {
            let place = format!("[[trigger.{kind}]]");
            report.only(&place, entry, known);
            let component = report.text(&place, entry, "component");
            if !components.contains(component) {
                report.add(format!("{place}: there is no component `{component}`"));
            }
            used.insert(component.to_owned());
            let address = report.text(&place, entry, address);
            if !addresses.insert(address.to_owned()) {
                report.add(format!("{place}: `{address}` is there twice"));
            }
        }
    }
    for idle in components.difference(&used) {
        report.add(format!("[component.{idle}]: no trigger calls it"));
    }
}

/// Checks the runtime configuration and returns the databases it places.
fn check_runtime(runtime: &Table, report: &mut Report) -> BTreeSet<String> {
    report.only("runtime-config.toml", runtime, RUNTIME);
    let mut names = BTreeSet::new();
    for (name, database) in tables(runtime, "sqlite_database") {
        let place = format!("[sqlite_database.{name}]");
        report.only(&place, database, RUNTIME_DATABASE);
        if report.text(&place, database, "type") != "spin" {
            report.add(format!("{place}: `type` must be `spin`"));
        }
        report.text(&place, database, "path");
        names.insert(name.clone());
    }
    names
}

/// Every granted database has a place; every placed database is granted to somebody.
fn check_grants(manifest: &Table, databases: &BTreeSet<String>, report: &mut Report) {
    let mut granted = BTreeSet::new();
    for (name, component) in tables(manifest, "component") {
        for database in texts(component, "sqlite_databases") {
            if !databases.contains(database) {
                report.add(format!(
                    "[component.{name}]: runtime-config.toml has no database `{database}`"
                ));
            }
            granted.insert(database.to_owned());
        }
    }
    for idle in databases.difference(&granted) {
        report.add(format!(
            "[sqlite_database.{idle}]: no component may open it"
        ));
    }
}

fn is_lower_snake(name: &str) -> bool {
    is_words(name, '_')
}

fn is_kebab(name: &str) -> bool {
    is_words(name, '-')
}

/// Words of lower-case letters and digits, each beginning with a letter.
fn is_words(name: &str, separator: char) -> bool {
    name.split(separator).all(|word| {
        word.starts_with(|first: char| first.is_ascii_lowercase())
            && word
                .chars()
                .all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANIFEST: &str = include_str!("../../spin.toml");
    const RUNTIME: &str = include_str!("../../runtime-config.toml");

    fn found(manifest: &str, runtime: &str) -> String {
        problems(manifest, runtime).join("\n")
    }

    #[test]
    fn our_own_files_have_no_problems() {
        assert_eq!(found(MANIFEST, RUNTIME), "");
    }

    #[test]
    fn unknown_keys_are_found_at_every_level() {
        for (line, at) in [
            ("name = \"mercato\"", "[application]"),
            (
                "source = \"target/components/gateway.wasm\"",
                "[component.gateway]",
            ),
            (
                "command = \"cargo xtask build --component gateway\"",
                "[component.gateway.build]",
            ),
            ("route = \"/...\"", "[[trigger.http]]"),
            ("channel = \"payment.failed\"", "[[trigger.redis]]"),
        ] {
            assert!(MANIFEST.contains(line), "{line}");
            let broken = MANIFEST.replacen(line, &format!("{line}\nsurprise = 1"), 1);
            let expected = format!("{at}: Spin does not know the key `surprise`");
            assert_eq!(found(&broken, RUNTIME), expected);
        }
        let runtime = format!("surprise = 1\n{RUNTIME}");
        assert!(found(MANIFEST, &runtime).contains("`surprise`"));
    }

    #[test]
    fn names_that_lead_nowhere_are_found() {
        for (from, to, problem) in [
            (
                "component = \"auth-api\"",
                "component = \"auht-api\"",
                "no component `auht-api`",
            ),
            (
                "\"{{ currency }}\"",
                "\"{{ curency }}\"",
                "names no variable",
            ),
            ("[\"auth\"]", "[\"accounts\"]", "no database `accounts`"),
            (
                "jwt_secret = { required = true,",
                "jwt_secret = {",
                "either `required`",
            ),
            ("/api/v1/auth/...", "/api/v1/orders/...", "is there twice"),
            ("[component.gateway]", "[component.Gateway]", "kebab-case"),
            ("[[trigger.redis]]", "[[trigger.nats]]", "no such trigger"),
        ] {
            assert!(MANIFEST.contains(from), "{from}");
            let text = found(&MANIFEST.replace(from, to), RUNTIME);
            assert!(text.contains(problem), "{problem:?} not in {text:?}");
        }
    }

    #[test]
    fn files_that_are_not_toml_are_a_problem() {
        assert!(found("[application", RUNTIME).contains("spin.toml"));
        assert!(found(MANIFEST, "=").contains("runtime-config.toml"));
    }
}
