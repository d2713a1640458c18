//! What the application on PostgreSQL is made of.

use std::collections::{BTreeMap, BTreeSet};

use crate::{read, texts};

/// The variables that the application on PostgreSQL has for every database.
const OF_DATABASES: [&str; 3] = ["database_host", "database_standby_host", "database_ca_root"];

/// The application on PostgreSQL, as `cargo xtask build` makes it of spin.toml.
pub struct Application {
    /// The databases.
    pub labels: BTreeSet<String>,
    /// All variables.
    pub variables: BTreeSet<String>,
    /// Those without which it does not start.
    pub required: BTreeSet<String>,
    /// Those that are secrets.
    pub secret: BTreeSet<String>,
    /// By component: the variables that it is given, and those in the addresses that it may reach.
    pub granted: BTreeMap<String, BTreeSet<String>>,
    /// The components that take messages.
    pub subscribed: BTreeSet<String>,
}

impl Application {
    /// As spin.toml says.
    pub fn read() -> Self {
        let manifest: toml::Value = toml::from_str(&read("spin.toml")).unwrap();
        let manifest = serde_json::to_value(manifest).unwrap();
        let mut labels = BTreeSet::new();
        let mut granted = BTreeMap::new();
        for (name, component) in manifest["component"].as_object().unwrap() {
            let values = component["variables"].as_object().unwrap().values();
            let hosts = component["allowed_outbound_hosts"].as_array();
            let templates = values.chain(hosts.into_iter().flatten());
            let templates = templates.filter_map(|value| variable(value.as_str().unwrap()));
            let mut own: BTreeSet<String> = templates.collect();
            for label in texts(&component["sqlite_databases"]) {
                labels.insert(label.to_owned());
                own.insert(address_of(label));
                own.extend(OF_DATABASES.map(str::to_owned));
            }
            granted.insert(name.clone(), own);
        }
        let declared = manifest["variables"].as_object().unwrap();
        let with = |property: &str| {
            let has = declared.iter().filter(|(_, spec)| spec[property] == true);
            let has = has.map(|(name, _)| name.clone());
            has.chain(labels.iter().map(|label| address_of(label)))
                .collect::<BTreeSet<_>>()
        };
        let of_databases = OF_DATABASES.map(str::to_owned);
        let names = declared.keys().cloned().chain(of_databases);
        let subscriptions = manifest["trigger"]["redis"].as_array().unwrap();
        let subscribed = subscriptions.iter().map(|trigger| &trigger["component"]);
        Self {
            variables: names
                .chain(labels.iter().map(|label| address_of(label)))
                .collect(),
            required: with("required"),
            secret: with("secret"),
            granted,
            subscribed: subscribed
                .map(|name| name.as_str().unwrap().to_owned())
                .collect(),
            labels,
        }
    }

    /// The variables that any of these components is given.
    pub fn granted_to(&self, components: &[&str]) -> BTreeSet<String> {
        let granted = components.iter().flat_map(|name| {
            let granted = self.granted.get(*name);
            granted.unwrap_or_else(|| panic!("there is no component {name}"))
        });
        granted.cloned().collect()
    }
}

/// The variable in `{{ name }}`.
fn variable(template: &str) -> Option<String> {
    let inside = template.strip_prefix("{{")?.strip_suffix("}}")?;
    Some(inside.trim().to_owned())
}

/// The variable with the address of a database.
pub fn address_of(label: &str) -> String {
    format!("{label}_database_url")
}
