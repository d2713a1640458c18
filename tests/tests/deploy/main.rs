//! The files of deploy/ say what the application, the runner and the API say. Whether a cluster takes them is not tested here; see
//! deploy/README.md.

mod application;
mod metrics;
mod variables;

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use mercato_tests::repository;
use serde_json::{Map, Value, json};
use yaml_rust2::{Yaml, YamlLoader};

/// What images are called here: who deploys says from where.
const PLACEHOLDER: &str = "registry.example/";

fn read(path: &str) -> String {
    fs::read_to_string(repository().join(path)).unwrap_or_else(|cause| panic!("{path}: {cause}"))
}

/// The files in that folder and those below, with that end, by their paths inside the repository.
fn files(folder: &str, end: &str) -> Vec<String> {
    let mut folders = vec![PathBuf::from(folder)];
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(repository().join(&folder)).unwrap() {
            let entry = entry.unwrap();
            let path = folder.join(entry.file_name());
            if entry.file_type().unwrap().is_dir() {
                folders.push(path);
            } else if path.to_str().unwrap().ends_with(end) {
                found.push(path.to_str().unwrap().to_owned());
            }
        }
    }
    found.sort();
    found
}

/// The objects of a YAML file.
fn objects(path: &str) -> Vec<Value> {
    let documents = YamlLoader::load_from_str(&read(path));
    let documents = documents.unwrap_or_else(|cause| panic!("{path}: {cause}"));
    documents
        .iter()
        .map(|document| to_json(path, document))
        .collect()
}

fn to_json(path: &str, yaml: &Yaml) -> Value {
    match yaml {
        Yaml::Null => Value::Null,
        Yaml::Boolean(value) => json!(value),
        Yaml::Integer(value) => json!(value),
        Yaml::Real(digits) => json!(digits.parse::<f64>().unwrap()),
        Yaml::String(text) => json!(text),
        Yaml::Array(items) => items.iter().map(|item| to_json(path, item)).collect(),
        Yaml::Hash(members) => {
            let member = |(name, value): (&Yaml, &Yaml)| {
                let name = name.as_str();
                let name = name.unwrap_or_else(|| panic!("{path}: a key is no text"));
                (name.to_owned(), to_json(path, value))
            };
            Value::Object(members.iter().map(member).collect::<Map<_, _>>())
        }
        Yaml::Alias(_) | Yaml::BadValue => panic!("{path}: an alias or nonsense"),
    }
}

/// The only object of that kind in a file.
fn object(path: &str, kind: &str) -> Value {
    let mut found = objects(path);
    found.retain(|object| object["kind"] == kind);
    assert_eq!(found.len(), 1, "{path}: objects of the kind {kind}");
    found.remove(0)
}

fn everything() -> Vec<(String, Value)> {
    let files = files("deploy", ".yaml");
    let all = files.into_iter().flat_map(|path| {
        let objects = objects(&path);
        objects
            .into_iter()
            .map(move |object| (path.clone(), object))
    });
    all.collect()
}

/// All values of members of that name, however deep.
fn members<'a>(value: &'a Value, name: &str) -> Vec<&'a Value> {
    match value {
        Value::Array(items) => items.iter().flat_map(|item| members(item, name)).collect(),
        Value::Object(object) => object
            .iter()
            .flat_map(|(key, value)| {
                let own = (key == name).then_some(value);
                own.into_iter().chain(members(value, name))
            })
            .collect(),
        _ => Vec::new(),
    }
}

fn texts(value: &Value) -> Vec<&str> {
    let items = value.as_array().into_iter().flatten();
    items.map(|item| item.as_str().unwrap()).collect()
}

fn keys(value: &Value) -> BTreeSet<String> {
    value.as_object().unwrap().keys().cloned().collect()
}

fn runner() -> Value {
    object("deploy/kubernetes/deployment.yaml", "Deployment")
}

fn spin_apps() -> [Value; 2] {
    ["http", "order-events"].map(|name| object(&format!("deploy/spinkube/{name}.yaml"), "SpinApp"))
}

/// The container of a workload, and the pod around it.
fn container(pod: &Value) -> &Value {
    let containers = pod["containers"].as_array().unwrap();
    assert_eq!(containers.len(), 1);
    &containers[0]
}

/// The value of an argument, `--name=value`.
fn argument<'a>(container: &'a Value, name: &str) -> &'a str {
    let start = format!("--{name}=");
    let mut arguments = texts(&container["args"]).into_iter();
    let found = arguments.find_map(|argument| argument.strip_prefix(&start));
    found.unwrap_or_else(|| panic!("no --{name}"))
}

#[test]
fn every_file_of_a_deployment_can_be_read() {
    let all = everything();
    assert!(all.len() > 20, "{} objects", all.len());
    for (path, object) in &all {
        for member in ["apiVersion", "kind"] {
            assert!(object[member].is_string(), "{path}: {member}");
        }
    }
    let dashboards = files("deploy", ".json");
    assert!(!dashboards.is_empty());
    for path in dashboards {
        serde_json::from_str::<Value>(&read(&path)).unwrap();
    }
}

#[test]
fn kustomizations_name_the_files_beside_them() {
    for path in files("deploy", "kustomization.yaml") {
        let folder = Path::new(&path).parent().unwrap().to_str().unwrap();
        let kustomization = object(&path, "Kustomization");
        let named: BTreeSet<_> = texts(&kustomization["resources"]).into_iter().collect();
        for name in &named {
            assert!(
                repository().join(folder).join(name).is_file(),
                "{path}: {name}"
            );
        }
        for file in files(folder, ".yaml") {
            let name = file.strip_prefix(&format!("{folder}/")).unwrap();
            let is_applied_apart = name.contains('/')
                || name.ends_with(".template.yaml")
                || ["kustomization.yaml", "namespace.yaml"].contains(&name);
            assert_eq!(named.contains(name), !is_applied_apart, "{path}: {name}");
        }
    }
}

#[test]
fn images_are_placeholders_and_pods_may_do_little() {
    let mut pods = 0;
    for (path, object) in everything() {
        let images = ["image", "imageName"].map(|name| members(&object, name));
        for image in images.concat() {
            assert!(
                image.as_str().unwrap().starts_with(PLACEHOLDER),
                "{path}: {image}"
            );
        }
        for pod in members(&object, "spec") {
            if pod["containers"].is_null() {
                continue;
            }
            pods += 1;
            assert_eq!(pod["securityContext"]["runAsNonRoot"], true, "{path}");
            assert_eq!(pod["automountServiceAccountToken"], false, "{path}");
            let own = &container(pod)["securityContext"];
            assert_eq!(own["readOnlyRootFilesystem"], true, "{path}");
            assert_eq!(own["allowPrivilegeEscalation"], false, "{path}");
            assert_eq!(own["capabilities"]["drop"], json!(["ALL"]), "{path}");
        }
    }
    assert_eq!(pods, 3, "the runner, the migration, the relay");
}

#[test]
fn probes_and_scripts_ask_for_paths_that_exist() {
    let document: Value = serde_json::from_str(&read("docs/openapi.json")).unwrap();
    let answers = |method: &str, path: &str| {
        let path = path.split('?').next().unwrap();
        document["paths"][path][method].is_object()
    };
    let mut probes = 0;
    for (path, object) in everything() {
        let kinds = [
            ("startupProbe", "live"),
            ("livenessProbe", "live"),
            ("liveness", "live"),
            ("readinessProbe", "ready"),
            ("readiness", "ready"),
        ];
        for (name, end) in kinds {
            for probe in members(&object, name) {
                probes += 1;
                let asked = probe["httpGet"]["path"].as_str().unwrap();
                assert!(answers("get", asked), "{path}: {asked}");
                assert!(asked.ends_with(end), "{path}: {name} asks {asked}");
            }
        }
    }
    assert_eq!(probes, 5);
    let monitor = object("deploy/monitoring/servicemonitor.yaml", "ServiceMonitor");
    let scraped = monitor["spec"]["endpoints"][0]["path"].as_str().unwrap();
    assert!(answers("get", scraped), "{scraped}");
    let script = object("deploy/spinkube/relay.yaml", "ConfigMap");
    let script = script["data"]["relay.sh"].as_str().unwrap();
    let called = script.split("$SHOP").skip(1);
    let called: Vec<_> = called.map(|rest| rest.split('"').next().unwrap()).collect();
    assert_eq!(called.len(), 4);
    for path in called {
        assert!(answers("get", path) || answers("post", path), "{path}");
    }
}

#[test]
fn replicas_have_the_time_to_drain_and_to_end() {
    let limits = read("host/src/limits.rs");
    let shutdown = limits
        .split("SHUTDOWN_TIME: Duration = Duration::from_secs(")
        .nth(1);
    let shutdown: u64 = shutdown
        .unwrap()
        .split(')')
        .next()
        .unwrap()
        .parse()
        .unwrap();
    let runner = runner();
    let pod = &runner["spec"]["template"]["spec"];
    let drain: u64 = argument(container(pod), "drain-seconds").parse().unwrap();
    let grace = pod["terminationGracePeriodSeconds"].as_u64().unwrap();
    assert!(
        grace > drain + shutdown,
        "{grace} s, {drain} s, {shutdown} s"
    );
    // Prometheus and the ingress notice within that time.
    let readiness = &container(pod)["readinessProbe"];
    let noticed = readiness["periodSeconds"].as_u64().unwrap()
        * readiness["failureThreshold"].as_u64().unwrap();
    assert!(drain > noticed, "{drain} s, {noticed} s");
    // The image does by itself what the Deployment asks for.
    let dockerfile = read("deploy/Dockerfile");
    let given = dockerfile
        .lines()
        .find_map(|line| line.strip_prefix("CMD "));
    let given: Vec<String> = serde_json::from_str(given.unwrap()).unwrap();
    let words = texts(&container(pod)["args"]).join(" ").replace('=', " ");
    let asked = words.replace("--postgres-connections 8 ", "");
    assert_eq!(given.join(" "), asked);
}

#[test]
fn the_runner_knows_the_options_it_is_given() {
    let source = read("host/src/cli.rs");
    let job = object("deploy/kubernetes/migration/job.yaml", "Job");
    for object in [runner(), job] {
        let container = container(&object["spec"]["template"]["spec"]);
        for argument in texts(&container["args"]) {
            let Some(option) = argument.strip_prefix("--") else {
                let command = format!("    {}{}(", argument[..1].to_uppercase(), &argument[1..]);
                assert!(source.contains(&command), "{argument}");
                continue;
            };
            let field = option.split('=').next().unwrap().replace('-', "_");
            assert!(source.contains(&format!("    {field}: ")), "{argument}");
        }
    }
}

#[test]
fn services_and_budgets_select_the_pods_that_are_there() {
    let spin =
        spin_apps().map(|app| json!({ "core.spinkube.dev/app-name": app["metadata"]["name"] }));
    let labels = &runner()["spec"]["template"]["metadata"]["labels"];
    let pods = [labels, &spin[0], &spin[1]];
    let mut selectors = 0;
    for (path, object) in everything() {
        let selector = &object["spec"]["selector"];
        let selector = match object["kind"].as_str().unwrap() {
            "Service" => selector,
            "PodDisruptionBudget" | "PodMonitor" | "ServiceMonitor" | "Deployment" => {
                &selector["matchLabels"]
            }
            _ => continue,
        };
        selectors += 1;
        let selector = selector.as_object().unwrap();
        let is_of = |pod: &&Value| selector.iter().all(|(name, value)| &pod[name] == value);
        assert_eq!(pods.iter().filter(|pod| is_of(pod)).count(), 1, "{path}");
    }
    assert_eq!(selectors, 6);
}
