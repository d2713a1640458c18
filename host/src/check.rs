//! `mercato check`: everything that is wrong with an application's files, also names that lead nowhere and what is there
//! for nobody.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::error::{Error, Result};
use crate::http::routes::Routes;
use crate::manifest::allowed_hosts::AllowedHosts;
use crate::manifest::runtime_config::{self, DataDir, DatabaseConfig};
use crate::manifest::spin::{ComponentSpec, Manifest, RouteSpec};
use crate::manifest::variables::{Sources, Variables, valid_name};

/// The database that is there without being configured.
const DEFAULT_DATABASE: &str = "default";

/// Reads both files and names every fault.
///
/// # Errors
/// With a line for each fault.
pub(crate) fn check(app: &Path, runtime_config: &Path) -> Result<()> {
    let data = DataDir {
        path: Path::new("").to_owned(),
        explicit: false,
    };
    let databases = runtime_config::read(Some(runtime_config), &data);
    let faults: Vec<String> = match (Manifest::read(app), databases) {
        (Ok(manifest), Ok(databases)) => faults(&manifest, &databases)
            .into_iter()
            .map(|fault| format!("{}: {fault}", app.display()))
            .collect(),
        (manifest, databases) => [manifest.err(), databases.err()]
            .into_iter()
            .flatten()
            .map(|error| error.to_string())
            .collect(),
    };
    if faults.is_empty() {
        return Ok(());
    }
    Err(Error::Settings(faults))
}

fn faults(manifest: &Manifest, databases: &BTreeMap<String, DatabaseConfig>) -> Vec<String> {
    let mut faults = Vec::new();
    let mut variables = manifest.variables.clone();
    variables.retain(|name, _| {
        let fault = valid_name(name).err();
        faults.extend(fault.map(|reason| format!("variable `{name}`: {reason}")));
        fault.is_none()
    });
    // Templates are filled with what the manifest says; what it leaves open stays empty.
    let given = variables.iter().filter(|(_, spec)| spec.required);
    let sources = Sources {
        given: &given
            .map(|(name, _)| (name.clone(), String::new()))
            .collect(),
        environment: &BTreeMap::new(),
        file: &BTreeMap::new(),
    };
    match Variables::resolve(&variables, &sources) {
        Ok(variables) => {
            for (id, component) in &manifest.component {
                let found = component_faults(component, &variables, manifest, databases);
                faults.extend(
                    found
                        .iter()
                        .map(|fault| format!("component `{id}`: {fault}")),
                );
            }
        }
        Err(error) => faults.push(error.to_string()),
    }
    let components = manifest.component.iter();
    let idle =
        components.filter(|(id, _)| !manifest.answers_http(id) && !manifest.handles_messages(id));
    faults.extend(idle.map(|(id, _)| format!("component `{id}`: no trigger calls it")));
    let granted = |label: &String| {
        let mut components = manifest.component.values();
        label == DEFAULT_DATABASE || components.any(|spec| spec.sqlite_databases.contains(label))
    };
    // On a server there are no files; the runtime configuration is there for the other variants.
    let has_files = manifest
        .component
        .values()
        .any(|spec| !spec.sqlite_databases.is_empty());
    let idle = databases
        .keys()
        .filter(|label| has_files && !granted(label));
    faults.extend(idle.map(|label| format!("no component may open the database `{label}`")));
    faults.extend(Routes::build(&manifest.trigger.http).err());
    faults.extend(repeated(manifest));
    faults
}

/// What a component is given that is not there.
fn component_faults(
    component: &ComponentSpec,
    variables: &Variables,
    manifest: &Manifest,
    databases: &BTreeMap<String, DatabaseConfig>,
) -> Vec<String> {
    let mut faults = Vec::new();
    for template in component.variables.values() {
        faults.extend(variables.fill(template).err());
    }
    let ids: Vec<_> = manifest.component.keys().cloned().collect();
    for template in &component.allowed_outbound_hosts {
        let hosts = variables.fill(template);
        let hosts = hosts.and_then(|host| AllowedHosts::parse([host.as_str()], &ids));
        faults.extend(hosts.err());
    }
    let unplaced = component.sqlite_databases.iter();
    let unplaced = unplaced.filter(|label| !databases.contains_key(*label));
    faults.extend(
        unplaced.map(|label| format!("the runtime configuration has no database `{label}`")),
    );
    faults
}

/// Routes that are there twice, and channels that call the same component twice.
fn repeated(manifest: &Manifest) -> Vec<String> {
    let routes = manifest
        .trigger
        .http
        .iter()
        .filter_map(|trigger| match &trigger.route {
            RouteSpec::Public(route) => Some(format!("the route `{route}`")),
            RouteSpec::Private { .. } => None,
        });
    let channels = manifest.trigger.redis.iter();
    let channels = channels.map(|trigger| {
        format!(
            "the channel `{}` of `{}`",
            trigger.channel, trigger.component
        )
    });
    let mut seen = BTreeSet::new();
    routes
        .chain(channels)
        .filter(|address| !seen.insert(address.clone()))
        .map(|address| format!("{address} is there twice"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANIFEST: &str = include_str!("../../spin.toml");
    const RUNTIME: &str = include_str!("../../runtime-config.toml");

    /// What is said of the application's own files, each with a part of its text exchanged.
    fn found(manifest: (&str, &str), runtime: (&str, &str)) -> String {
        static NUMBER: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let folder =
            std::env::temp_dir().join(format!("mercato-check-{}-{number}", std::process::id()));
        std::fs::create_dir(&folder).unwrap();
        let files = [
            ("spin.toml", MANIFEST, manifest),
            ("runtime.toml", RUNTIME, runtime),
        ];
        let [app, runtime] = files.map(|(name, text, (from, to))| {
            assert!(text.contains(from), "{from}");
            let path = folder.join(name);
            std::fs::write(&path, text.replacen(from, to, 1)).unwrap();
            path
        });
        let result = check(&app, &runtime);
        std::fs::remove_dir_all(&folder).unwrap();
        result.map_or_else(|error| error.to_string(), |()| String::new())
    }

    #[test]
    fn the_application_has_no_faults() {
        assert_eq!(found(("", ""), ("", "")), "");
    }

    #[test]
    fn what_leads_nowhere_or_serves_nobody_is_named() {
        for (from, to, fault) in [
            (
                "component = \"auth-api\"",
                "component = \"auht-api\"",
                "component `auht-api`, which is not defined",
            ),
            (
                "component = \"auth-api\"",
                "component = \"gateway\"",
                "component `auth-api`: no trigger calls it",
            ),
            (
                "\"{{ currency }}\"",
                "\"{{ curency }}\"",
                "component `products-api`: `{{ curency }}` uses `curency`",
            ),
            (
                "[\"auth\"]",
                "[\"accounts\"]",
                "component `auth-api`: the runtime configuration has no database `accounts`",
            ),
            (
                "[\"auth\"]",
                "[]",
                "no component may open the database `auth`",
            ),
            (
                "\"http://auth-api.spin.internal\"",
                "\"auth-api\"",
                "component `gateway`: allowed_outbound_hosts entry",
            ),
            (
                "jwt_secret = {",
                "JWT = { default = \"\" }\njwt_secret = {",
                "variable `JWT`: may hold only lower-case",
            ),
            (
                "/api/v1/auth/...",
                "/api/v1/orders/...",
                "the route `/api/v1/orders/...` is there twice",
            ),
            (
                "payment.failed",
                "payment.succeeded",
                "the channel `payment.succeeded` of `order-events` is there twice",
            ),
        ] {
            let text = found((from, to), ("", ""));
            assert!(text.contains(fault), "{fault:?} not in {text:?}");
        }
    }

    #[test]
    fn every_fault_of_both_files_is_named() {
        let both = found(
            ("[application]", "[application"),
            ("type = \"spin\"", "type = \"libsql\""),
        );
        assert!(
            both.contains("spin.toml:") && both.contains("libsql"),
            "{both}"
        );
        let two = found(
            ("{ required = true, secret = true }", "{}\nother = {}"),
            ("", ""),
        );
        assert_eq!(two.lines().count(), 2, "{two}");
        let three = found(
            ("[\"auth\"]", "[\"accounts\"]"),
            ("database.products", "database.goods"),
        );
        assert!(three.lines().count() > 3, "{three}");
    }
}
