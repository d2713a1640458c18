//! Variables, databases and connections.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use mercato_tests::repository;
use serde_json::{Value, json};

use crate::{
    application::{Application, address_of},
    argument, container, keys, object, objects, read, runner, spin_apps, texts,
};

/// How environment variables begin that are variables of the application.
const PREFIX: &str = "SPIN_VARIABLE_";

/// What the application with Stripe requires besides.
const REQUIRED_BY_STRIPE: [&str; 2] = ["payment_webhook_secret", "stripe_secret_key"];

/// Connections of the server that stay free for its operator, backups and a migration.
const CONNECTIONS_SPARE: u64 = 30;

fn in_environment(variable: &str) -> String {
    format!("{PREFIX}{}", variable.to_uppercase())
}

fn settings() -> Value {
    object("deploy/kubernetes/settings.yaml", "ConfigMap")
}

fn secrets() -> Value {
    object("deploy/kubernetes/secret.template.yaml", "Secret")
}

#[test]
fn the_application_is_the_one_that_is_built() {
    let own = Application::read();
    assert!(own.labels.len() > 3 && own.required.contains("jwt_secret"));
    // Where it was built already.
    let Ok(built) = fs::read_to_string(repository().join("spin.postgres.toml")) else {
        return;
    };
    let built: toml::Value = toml::from_str(&built).unwrap();
    let built = serde_json::to_value(built).unwrap();
    let declared = built["variables"].as_object().unwrap();
    assert_eq!(keys(&built["variables"]), own.variables);
    let required = declared.iter().filter(|(_, spec)| spec["required"] == true);
    let required: BTreeSet<_> = required.map(|(name, _)| name.clone()).collect();
    assert_eq!(required, own.required);
}

#[test]
fn every_required_variable_is_in_the_secret() {
    let application = Application::read();
    let (settings, secrets) = (keys(&settings()["data"]), keys(&secrets()["stringData"]));
    for name in &application.required {
        assert!(secrets.contains(&in_environment(name)), "{name} is missing");
    }
    for name in &application.secret {
        let is_open = settings.contains(&in_environment(name));
        assert!(!is_open, "{name} is a secret, and in the ConfigMap");
    }
    let known: BTreeSet<_> = application
        .variables
        .iter()
        .map(|name| in_environment(name))
        .collect();
    for name in settings.union(&secrets) {
        assert!(known.contains(name), "{name} is no variable of spin.toml");
    }
    let template = read("deploy/kubernetes/secret.template.yaml");
    for name in REQUIRED_BY_STRIPE.map(in_environment) {
        assert!(template.contains(&name), "{name} is not spoken of");
    }
}

#[test]
fn runner_and_migration_are_given_every_variable() {
    let job = object("deploy/kubernetes/migration/job.yaml", "Job");
    for object in [runner(), job] {
        let container = container(&object["spec"]["template"]["spec"]);
        let expected = json!([
            { "configMapRef": { "name": settings()["metadata"]["name"] } },
            { "secretRef": { "name": secrets()["metadata"]["name"] } },
        ]);
        assert_eq!(container["envFrom"], expected);
        assert_eq!(
            container["env"][0]["name"],
            in_environment("database_ca_root")
        );
    }
}

#[test]
fn spin_apps_are_given_what_their_components_are_granted() {
    let application = Application::read();
    let apps = spin_apps();
    let sources = [
        ("configMapKeyRef", settings(), "data"),
        ("secretKeyRef", secrets(), "stringData"),
    ];
    for app in &apps {
        let granted = application.granted_to(&texts(&app["spec"]["components"]));
        let mut given = BTreeMap::new();
        for one in app["spec"]["variables"].as_array().unwrap() {
            given.insert(one["name"].as_str().unwrap().to_owned(), one);
        }
        for name in &application.required {
            let one = given
                .get(name)
                .unwrap_or_else(|| panic!("{name} is missing"));
            let is_secret = one["valueFrom"]["secretKeyRef"].is_object();
            assert_eq!(
                is_secret,
                granted.contains(name),
                "{name} of {}",
                app["metadata"]["name"]
            );
        }
        for (reference, source, member) in &sources {
            for key in keys(&source[*member]) {
                let name = key.strip_prefix(PREFIX).unwrap().to_lowercase();
                let expected =
                    json!({ *reference: { "name": source["metadata"]["name"], "key": key } });
                if granted.contains(&name) {
                    let one = given
                        .get(&name)
                        .unwrap_or_else(|| panic!("{name} is missing"));
                    assert_eq!(one["valueFrom"], expected, "{name}");
                }
            }
        }
        for name in given.keys() {
            assert!(
                granted.contains(name) || application.required.contains(name),
                "{name} is of no use"
            );
        }
    }
    // Each component runs in one of them; those that take messages apart.
    let [http, events] = &apps;
    let of = |app: &Value| -> BTreeSet<String> {
        let names = texts(&app["spec"]["components"]);
        names.into_iter().map(str::to_owned).collect()
    };
    assert_eq!(of(events), application.subscribed);
    assert!(of(http).is_disjoint(&of(events)));
    let all: BTreeSet<_> = of(http).union(&of(events)).cloned().collect();
    assert_eq!(all, application.granted.into_keys().collect());
}

#[test]
fn each_database_has_a_role_and_an_address() {
    let application = Application::read();
    let cluster = object("deploy/postgres/cluster.yaml", "Cluster");
    let server = format!("{}-rw:5432", cluster["metadata"]["name"].as_str().unwrap());
    for name in ["database_host", "database_standby_host"] {
        let host = &settings()["data"][in_environment(name)];
        assert_eq!(host, &json!(format!("postgres://{server}")));
    }
    let roles = cluster["spec"]["managed"]["roles"].as_array().unwrap();
    let passwords = objects("deploy/postgres/roles.template.yaml");
    let databases = objects("deploy/postgres/databases.yaml");
    for all in [roles, &passwords, &databases] {
        assert_eq!(all.len(), application.labels.len());
    }
    for label in &application.labels {
        let name = format!("mercato_{label}");
        let role = roles.iter().find(|role| role["name"] == name.as_str());
        let secret = &role.expect("a role")["passwordSecret"]["name"];
        let password = passwords
            .iter()
            .find(|one| &one["metadata"]["name"] == secret);
        assert_eq!(
            password.expect("its password")["stringData"]["username"],
            name.as_str()
        );
        let database = databases
            .iter()
            .find(|one| one["spec"]["name"] == name.as_str());
        let spec = &database.expect("a database")["spec"];
        assert_eq!(spec["owner"], name.as_str());
        assert_eq!(spec["cluster"]["name"], cluster["metadata"]["name"]);
        let address = &secrets()["stringData"][in_environment(&address_of(label))];
        let address = address.as_str().unwrap();
        assert!(
            address.starts_with(&format!("postgres://{name}:")),
            "{address}"
        );
        assert!(
            address.ends_with(&format!("@{server}/{name}?sslmode=require")),
            "{address}"
        );
    }
}

#[test]
fn connections_of_all_replicas_are_fewer_than_the_servers() {
    let application = Application::read();
    let cluster = object("deploy/postgres/cluster.yaml", "Cluster");
    let most = &cluster["spec"]["postgresql"]["parameters"]["max_connections"];
    let most: u64 = most.as_str().unwrap().parse().unwrap();
    let spec = &runner()["spec"];
    let replicas = spec["replicas"].as_u64().unwrap();
    let surge = spec["strategy"]["rollingUpdate"]["maxSurge"]
        .as_u64()
        .unwrap();
    assert!(replicas > 1);
    let each = argument(container(&spec["template"]["spec"]), "postgres-connections");
    let each: u64 = each.parse().unwrap();
    let databases = u64::try_from(application.labels.len()).unwrap();
    let of_runner = (replicas + surge) * databases * each;
    assert!(
        of_runner + CONNECTIONS_SPARE <= most,
        "{of_runner} of {most}"
    );
    // Under Spin the limit is for all databases of a replica; a rolling update adds a replica of each.
    let config = object("deploy/spinkube/runtime-config.yaml", "Secret");
    let text = config["stringData"]["runtime-config.toml"]
        .as_str()
        .unwrap();
    let config: toml::Value = toml::from_str(text).unwrap();
    let each = config["outbound_pg"]["max_connections"]
        .as_integer()
        .unwrap();
    let replicas = spin_apps().map(|app| app["spec"]["replicas"].as_u64().unwrap() + 1);
    let of_spin = replicas.iter().sum::<u64>() * u64::try_from(each).unwrap();
    assert!(of_spin + CONNECTIONS_SPARE <= most, "{of_spin} of {most}");
}
