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

/// `[component.ID.tool.mercato]` as it is written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct ToolTable {
    every_ms: Option<u64>,
    path: Option<String>,
    metrics: Option<String>,
    admit: Option<String>,
    check: Option<String>,
    live: Option<String>,
    ready: Option<String>,
}

/// `[component.ID.tool.mercato]`: the paths at which the runner asks a component by itself.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Tool {
    /// Called again and again.
    pub timer: Option<TimerSpec>,
    /// Where the component answers with its metrics.
    pub metrics: Option<String>,
    /// Where the component says, from the head of a request, whether it would admit it, and how long the body may be; see
    /// decision 38.
    pub admit: Option<String>,
    /// Where the component says at the start whether its variables can be used.
    pub check: Option<String>,
    /// Whose answer the runner asks for once and then repeats: it never waits for an instance.
    pub live: Option<String>,
    /// For which an instance is kept: it does not wait behind other requests.
    pub ready: Option<String>,
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

    /// What the component's `tool.mercato` table asks for.
    ///
    /// # Errors
    /// A sentence when the table cannot be read, has only a half of a timer, or a path that is none.
    pub fn tool(&self) -> Result<Tool, String> {
        let Some(table) = self.tool.get("mercato") else {
            return Ok(Tool::default());
        };
        let table = table.clone().try_into();
        let table: ToolTable = table.map_err(|error| one_line(error.message()))?;
        let timer = match (table.every_ms, table.path) {
            (None, None) => None,
            (Some(0), Some(_)) => return Err("`every_ms` must be at least 1".into()),
            (Some(every_ms), Some(path)) => {
                check_path("path", &path)?;
                Some(TimerSpec { every_ms, path })
            }
            _ => return Err("a timer needs both `every_ms` and `path`".into()),
        };
        let tool = Tool {
            timer,
            metrics: table.metrics,
            admit: table.admit,
            check: table.check,
            live: table.live,
            ready: table.ready,
        };
        for (key, path) in [
            ("metrics", &tool.metrics),
            ("admit", &tool.admit),
            ("check", &tool.check),
            ("live", &tool.live),
            ("ready", &tool.ready),
        ] {
            path.as_ref().map_or(Ok(()), |path| check_path(key, path))?;
        }
        Ok(tool)
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
            if let Err(message) = component.tool() {
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
mod tests;
