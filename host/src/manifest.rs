//! `spin.toml`, manifest version 2, read strictly: what is not known is an error that names the key.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::error::{Error, Result, line_of, one_line};

/// The manifest.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    spin_manifest_version: u32,
    /// `[application]`
    pub application: Application,
    /// `[variables]`
    #[serde(default)]
    pub variables: BTreeMap<String, VariableSpec>,
    /// `[[trigger.http]]` and `[[trigger.redis]]`
    #[serde(default)]
    pub trigger: Triggers,
    /// `[component.ID]`
    #[serde(default)]
    pub component: BTreeMap<String, ComponentSpec>,
}

/// `[application]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Application {
    /// Name of the application.
    pub name: String,
    #[serde(default, rename = "version")]
    _version: String,
    #[serde(default, rename = "description")]
    _description: String,
    #[serde(default, rename = "authors")]
    _authors: Vec<String>,
    #[serde(default, rename = "targets")]
    _targets: Vec<toml::Value>,
    /// Settings of a whole trigger type.
    #[serde(default)]
    pub trigger: ApplicationTriggers,
    #[serde(default, rename = "tool")]
    _tool: BTreeMap<String, toml::Table>,
}

/// `[application.trigger]`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApplicationTriggers {
    /// `[application.trigger.redis]`
    pub redis: Option<RedisSettings>,
    /// `[application.trigger.http]`
    pub http: Option<HttpSettings>,
}

/// `[application.trigger.redis]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RedisSettings {
    /// The server that triggers without an address of their own listen to; a template.
    pub address: String,
}

/// `[application.trigger.http]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpSettings {
    /// Prefix of all routes; only `/` is offered.
    pub base: Option<String>,
}

/// One entry of `[variables]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VariableSpec {
    #[serde(rename = "description")]
    _description: Option<String>,
    /// Has no default and must be given.
    #[serde(default)]
    pub required: bool,
    /// The value when none is given.
    pub default: Option<String>,
    /// Whether the value must not be seen by others.
    #[serde(default)]
    pub secret: bool,
}

/// `[[trigger.*]]`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Triggers {
    /// `[[trigger.http]]`
    #[serde(default)]
    pub http: Vec<HttpTrigger>,
    /// `[[trigger.redis]]`
    #[serde(default)]
    pub redis: Vec<RedisTrigger>,
}

/// `[[trigger.http]]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpTrigger {
    #[serde(default, rename = "id")]
    _id: String,
    /// The component that answers.
    pub component: String,
    /// What it answers.
    pub route: RouteSpec,
    executor: Option<Executor>,
}

/// `executor = { type = "http" }`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Executor {
    #[serde(rename = "type")]
    kind: String,
}

/// A pattern, or `{ private = true }`: reachable only from other components.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged, expecting = "a route is a string or { private = true }")]
pub enum RouteSpec {
    /// A path pattern.
    Public(String),
    /// No route.
    Private {
        /// Must be true.
        private: bool,
    },
}

/// `[[trigger.redis]]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RedisTrigger {
    #[serde(default, rename = "id")]
    _id: String,
    /// The component that handles the messages.
    pub component: String,
    /// The channel, exactly; a template.
    pub channel: String,
    /// The server, if not the application's; a template.
    pub address: Option<String>,
}

/// `[component.ID]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ComponentSpec {
    source: toml::Value,
    #[serde(default, rename = "description")]
    _description: String,
    /// The component's own variables; templates.
    #[serde(default)]
    pub variables: BTreeMap<String, String>,
    /// Environment variables of the component.
    #[serde(default)]
    pub environment: BTreeMap<String, String>,
    #[serde(default)]
    files: Vec<toml::Value>,
    #[serde(default, rename = "exclude_files")]
    _exclude_files: Vec<String>,
    #[serde(default)]
    allowed_http_hosts: Vec<String>,
    /// Hosts the component may reach; templates.
    #[serde(default)]
    pub allowed_outbound_hosts: Vec<String>,
    #[serde(default)]
    key_value_stores: Vec<String>,
    /// Labels of the databases the component may open.
    #[serde(default)]
    pub sqlite_databases: Vec<String>,
    #[serde(default)]
    ai_models: Vec<String>,
    #[serde(default, rename = "targets")]
    _targets: Vec<toml::Value>,
    #[serde(rename = "build")]
    _build: Option<Build>,
    /// Tables of tools; ours is `mercato`.
    #[serde(default)]
    tool: BTreeMap<String, toml::Table>,
    #[serde(rename = "dependencies_inherit_configuration")]
    _dependencies_inherit_configuration: Option<bool>,
    #[serde(default)]
    dependencies: BTreeMap<String, toml::Value>,
    #[serde(default, rename = "profile")]
    _profile: BTreeMap<String, toml::Table>,
}

/// `[component.ID.build]`; the runner does not build.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Build {
    #[serde(rename = "command")]
    _command: toml::Value,
    #[serde(rename = "workdir")]
    _workdir: Option<String>,
    #[serde(default, rename = "watch")]
    _watch: Vec<String>,
}

/// `[component.ID.tool.mercato]`: what the runner asks of a component besides.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct ToolSpec {
    every_ms: Option<u64>,
    path: Option<String>,
    metrics: Option<String>,
    admit: Option<String>,
    check: Option<String>,
    live: Option<String>,
    ready: Option<String>,
}

/// A request that the runner sends to the component again and again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimerSpec {
    /// From the end of one request to the start of the next, in milliseconds.
    pub every_ms: u64,
    /// Path of the POST request.
    pub path: String,
}

impl ComponentSpec {
    /// The file of the component, relative to the manifest's folder.
    #[must_use]
    pub fn source(&self) -> &str {
        self.source.as_str().unwrap_or_default()
    }

    /// The component's timer, if its `tool.mercato` table asks for one.
    ///
    /// # Errors
    /// A sentence when the table cannot be read, or has only a half of a timer.
    pub fn timer(&self) -> Result<Option<TimerSpec>, String> {
        let (every_ms, path) = match self.tool()? {
            ToolSpec {
                every_ms: Some(every_ms),
                path: Some(path),
                ..
            } => (every_ms, path),
            ToolSpec {
                every_ms: None,
                path: None,
                ..
            } => return Ok(None),
            _ => return Err("a timer needs both `every_ms` and `path`".into()),
        };
        if every_ms == 0 {
            return Err("`every_ms` must be at least 1".into());
        }
        check_path("path", &path)?;
        Ok(Some(TimerSpec { every_ms, path }))
    }

    /// The path at which the component tells metrics, if its `tool.mercato` table names one.
    ///
    /// # Errors
    /// A sentence when the table cannot be read.
    pub fn metrics_path(&self) -> Result<Option<String>, String> {
        self.path_of("metrics", |tool| tool.metrics)
    }

    /// The path whose answer the runner asks for once and then repeats, if the `tool.mercato` table names one: it never
    /// waits for an instance.
    ///
    /// # Errors
    /// A sentence when the table cannot be read.
    pub fn live_path(&self) -> Result<Option<String>, String> {
        self.path_of("live", |tool| tool.live)
    }

    /// The path for which an instance is kept, if the `tool.mercato` table names one: it does not wait behind other requests.
    ///
    /// # Errors
    /// A sentence when the table cannot be read.
    pub fn ready_path(&self) -> Result<Option<String>, String> {
        self.path_of("ready", |tool| tool.ready)
    }

    /// The path at which the component says, from the head of a request, whether it would admit it, and how long the
    /// body may be; see decision 38. None when it is not asked.
    ///
    /// # Errors
    /// A sentence when the table cannot be read.
    pub fn admit_path(&self) -> Result<Option<String>, String> {
        self.path_of("admit", |tool| tool.admit)
    }

    /// The path at which the component says whether its variables can be used; it is asked at the start.
    ///
    /// # Errors
    /// A sentence when the table cannot be read.
    pub fn check_path(&self) -> Result<Option<String>, String> {
        self.path_of("check", |tool| tool.check)
    }

    fn path_of(
        &self,
        key: &str,
        pick: impl FnOnce(ToolSpec) -> Option<String>,
    ) -> Result<Option<String>, String> {
        let path = pick(self.tool()?);
        if let Some(path) = &path {
            check_path(key, path)?;
        }
        Ok(path)
    }

    fn tool(&self) -> Result<ToolSpec, String> {
        let Some(table) = self.tool.get("mercato") else {
            return Ok(ToolSpec::default());
        };
        table
            .clone()
            .try_into()
            .map_err(|error: toml::de::Error| one_line(error.message()))
    }

    /// The first thing that Spin offers and this runner does not.
    fn unsupported(&self) -> Option<&'static str> {
        [
            (!self.source.is_str(), "a `source` that is not a local file"),
            (!self.files.is_empty(), "`files`"),
            (
                !self.allowed_http_hosts.is_empty(),
                "`allowed_http_hosts` (use `allowed_outbound_hosts`)",
            ),
            (!self.key_value_stores.is_empty(), "`key_value_stores`"),
            (!self.ai_models.is_empty(), "`ai_models`"),
            (
                !self.dependencies.is_empty(),
                "`dependencies` (compose the component before)",
            ),
        ]
        .into_iter()
        .find_map(|(present, what)| present.then_some(what))
    }
}

impl Manifest {
    /// Reads and checks the manifest.
    ///
    /// # Errors
    /// When the file cannot be read, is not valid, or asks for what the runner does not offer.
    pub fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).map_err(|cause| Error::Read {
            path: path.to_owned(),
            cause,
            hint: "; give the application's manifest with --app",
        })?;
        Self::parse(path, &text)
    }

    fn parse(path: &Path, text: &str) -> Result<Self> {
        let manifest: Self = toml::from_str(text).map_err(|error| Error::Manifest {
            path: path.to_owned(),
            line: line_of(text, &error),
            message: one_line(error.message()),
        })?;
        let faults = manifest.faults();
        if faults.is_empty() {
            return Ok(manifest);
        }
        Err(Error::Manifest {
            path: path.to_owned(),
            line: None,
            message: faults.join(&format!("\n{}: ", path.display())),
        })
    }

    /// What keeps the runner from running this manifest, each fault in a sentence.
    fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        if self.spin_manifest_version != 2 {
            faults.push(format!(
                "spin_manifest_version must be 2, not {}",
                self.spin_manifest_version
            ));
        }
        if let Some(base) = self
            .application
            .trigger
            .http
            .as_ref()
            .and_then(|http| http.base.as_deref())
            && base != "/"
        {
            faults.push(format!(
                "application.trigger.http.base must be \"/\", not {base:?}"
            ));
        }
        self.check_variables(&mut faults);
        self.check_components(&mut faults);
        self.check_triggers(&mut faults);
        faults
    }

    fn check_variables(&self, faults: &mut Vec<String>) {
        for (name, variable) in &self.variables {
            match (variable.required, &variable.default) {
                (true, Some(_)) => faults.push(format!(
                    "variable `{name}` is required and has a default; keep one of the two"
                )),
                (false, None) => faults.push(format!(
                    "variable `{name}` needs `required = true` or a default"
                )),
                _ => {}
            }
        }
    }

    fn check_components(&self, faults: &mut Vec<String>) {
        for (id, component) in &self.component {
            if !is_kebab(id) {
                faults.push(format!(
                    "component id `{id}` must be lower-case words joined by `-`"
                ));
            }
            if let Some(what) = component.unsupported() {
                faults.push(format!(
                    "component `{id}` uses {what}, which this runner does not offer"
                ));
            }
            let tool = component
                .timer()
                .and_then(|_| component.metrics_path())
                .and_then(|_| component.admit_path())
                .and_then(|_| component.check_path())
                .and_then(|_| component.live_path())
                .and_then(|_| component.ready_path());
            if let Err(message) = tool {
                faults.push(format!("component.{id}.tool.mercato: {message}"));
            }
        }
    }

    fn check_triggers(&self, faults: &mut Vec<String>) {
        let http = self.trigger.http.iter().map(|trigger| &trigger.component);
        let redis = self.trigger.redis.iter().map(|trigger| &trigger.component);
        for id in http.chain(redis) {
            if !self.component.contains_key(id) {
                faults.push(format!(
                    "a trigger names component `{id}`, which is not defined"
                ));
            }
        }
        for trigger in &self.trigger.http {
            if let Some(executor) = &trigger.executor
                && executor.kind != "http"
            {
                faults.push(format!(
                    "executor type `{}` is not offered; use `http`",
                    executor.kind
                ));
            }
            if let RouteSpec::Private { private: false } = trigger.route {
                faults.push(format!(
                    "route of `{}` must be a string or {{ private = true }}",
                    trigger.component
                ));
            }
        }
        for trigger in &self.trigger.redis {
            if trigger.address.is_none() && self.application.trigger.redis.is_none() {
                faults.push(format!(
                    "the Redis trigger of `{}` has no address; set it there or in [application.trigger.redis]",
                    trigger.component
                ));
            }
        }
    }

    /// Whether an HTTP trigger, private or not, names the component.
    #[must_use]
    pub fn answers_http(&self, id: &str) -> bool {
        self.trigger
            .http
            .iter()
            .any(|trigger| trigger.component == id)
    }

    /// Whether a Redis trigger names the component.
    #[must_use]
    pub fn handles_messages(&self, id: &str) -> bool {
        self.trigger
            .redis
            .iter()
            .any(|trigger| trigger.component == id)
    }
}

/// The file of a component: its source is relative to the manifest.
pub(crate) fn artifact(manifest: &Path, source: &str) -> PathBuf {
    manifest.parent().unwrap_or(Path::new("")).join(source)
}

fn check_path(key: &str, path: &str) -> Result<(), String> {
    if path.starts_with('/') {
        Ok(())
    } else {
        Err(format!("`{key}` must begin with `/`, not {path:?}"))
    }
}

fn is_kebab(id: &str) -> bool {
    !id.is_empty()
        && id.split('-').all(|word| {
            word.starts_with(|c: char| c.is_ascii_lowercase())
                && word
                    .chars()
                    .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "spin_manifest_version = 2\n[application]\nname = \"shop\"\n";

    fn error(rest: &str) -> String {
        Manifest::parse(Path::new("spin.toml"), &format!("{HEAD}{rest}"))
            .unwrap_err()
            .to_string()
    }

    #[test]
    fn a_full_manifest_is_accepted() {
        let text = format!(
            "{HEAD}[application.trigger.redis]\naddress = \"{{{{ url }}}}\"\n[variables]\nurl = {{ default = \"redis://h\" }}\nkey = {{ required = true, secret = true }}\n\
             [[trigger.http]]\nroute = \"/a/...\"\ncomponent = \"a\"\n[[trigger.http]]\nroute = {{ private = true }}\ncomponent = \"b\"\n\
             [[trigger.redis]]\nchannel = \"c\"\ncomponent = \"b\"\n\
             [component.a]\nsource = \"a.wasm\"\n[component.a.build]\ncommand = \"make\"\nwatch = [\"src\"]\n[component.a.tool.other]\nx = 1\n\
             [component.a.tool.mercato]\nevery_ms = 5\npath = \"/tick\"\nmetrics = \"/told\"\nadmit = \"/admit\"\n\
             check = \"/settings\"\n[component.b]\nsource = \"b.wasm\"\nsqlite_databases = [\"d\"]\n"
        );
        let manifest = Manifest::parse(Path::new("spin.toml"), &text).unwrap();
        assert_eq!(
            manifest.component["a"].timer(),
            Ok(Some(TimerSpec {
                every_ms: 5,
                path: "/tick".into()
            }))
        );
        assert_eq!(
            manifest.component["a"].metrics_path(),
            Ok(Some("/told".into()))
        );
        let a = &manifest.component["a"];
        assert_eq!(a.admit_path(), Ok(Some("/admit".into())));
        assert_eq!(a.check_path(), Ok(Some("/settings".into())));
        assert_eq!(manifest.component["b"].timer(), Ok(None));
        assert_eq!(manifest.component["b"].admit_path(), Ok(None));
        assert_eq!(manifest.component["b"].metrics_path(), Ok(None));
        assert!(
            manifest.answers_http("b")
                && manifest.handles_messages("b")
                && !manifest.handles_messages("a")
        );
    }

    #[test]
    fn an_unknown_key_is_named_with_its_line() {
        let message = error("[component.a]\nsource = \"a.wasm\"\nsqlite_database = [\"x\"]\n");
        assert!(
            message.starts_with(
                "spin.toml:6: unknown field `sqlite_database`, expected one of `source`"
            ),
            "{message}"
        );
    }

    #[test]
    fn an_unknown_trigger_is_named() {
        let message = error("[[trigger.sqs]]\ncomponent = \"a\"\n");
        assert_eq!(
            message,
            "spin.toml:4: unknown field `sqs`, expected `http` or `redis`"
        );
    }

    #[test]
    fn each_mistake_is_answered_in_one_line() {
        let cases = [
            (
                "[[trigger.http]]\nroute = \"/\"\ncomponent = \"a\"\n",
                "spin.toml: a trigger names component `a`, which is not defined",
            ),
            (
                "[variables]\nx = {}\n",
                "spin.toml: variable `x` needs `required = true` or a default",
            ),
            (
                "[component.a]\nsource = \"a.wasm\"\nfiles = [\"x\"]\n",
                "spin.toml: component `a` uses `files`, which this runner does not offer",
            ),
            (
                "[component.a]\nsource = \"a.wasm\"\n[component.a.tool.mercato]\nevery_ms = 1\nroute = \"/\"\n",
                "spin.toml: component.a.tool.mercato: unknown field `route`, expected one of `every_ms`, `path`, `metrics`, `admit`, `check`, `live`, `ready`",
            ),
            (
                "[component.a]\nsource = \"a.wasm\"\n[component.a.tool.mercato]\nevery_ms = 0\npath = \"/\"\n",
                "spin.toml: component.a.tool.mercato: `every_ms` must be at least 1",
            ),
            (
                "[component.a]\nsource = \"a.wasm\"\n[component.a.tool.mercato]\nevery_ms = 1\n",
                "spin.toml: component.a.tool.mercato: a timer needs both `every_ms` and `path`",
            ),
            (
                "[component.a]\nsource = \"a.wasm\"\n[component.a.tool.mercato]\nmetrics = \"told\"\n",
                "spin.toml: component.a.tool.mercato: `metrics` must begin with `/`, not \"told\"",
            ),
            (
                "[component.a]\nsource = \"a.wasm\"\n[component.a.tool.mercato]\nadmit = \"admit\"\n",
                "spin.toml: component.a.tool.mercato: `admit` must begin with `/`, not \"admit\"",
            ),
            (
                "[[trigger.redis]]\nchannel = \"c\"\ncomponent = \"a\"\n[component.a]\nsource = \"a.wasm\"\n",
                "spin.toml: the Redis trigger of `a` has no address; set it there or in [application.trigger.redis]",
            ),
            (
                "[component.A]\nsource = \"a.wasm\"\nfiles = [\"x\"]\n",
                "spin.toml: component id `A` must be lower-case words joined by `-`\n\
                 spin.toml: component `A` uses `files`, which this runner does not offer",
            ),
            (
                "[[trigger.http]]\nroute = 5\ncomponent = \"a\"\n",
                "spin.toml:5: a route is a string or { private = true }",
            ),
        ];
        for (text, expected) in cases {
            assert_eq!(error(text), expected);
        }
    }

    #[test]
    fn another_manifest_version_is_refused() {
        let message = Manifest::parse(
            Path::new("m.toml"),
            "spin_manifest_version = 1\n[application]\nname = \"x\"\n",
        )
        .unwrap_err();
        assert_eq!(
            message.to_string(),
            "m.toml: spin_manifest_version must be 2, not 1"
        );
    }
}
