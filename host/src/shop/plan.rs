//! What a start reads from files before anything runs.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::builder::Builder;
use crate::capabilities::sqlite::database::{Database, Databases};
use crate::engine::guest::ComponentGrants;
use crate::error::{Error, Result};
use crate::manifest::allowed_hosts::AllowedHosts;
use crate::manifest::runtime_config::{self, DataDir, DatabaseConfig};
use crate::manifest::spin::{ComponentSpec, Manifest, artifact};
use crate::manifest::variables::{self, Sources, Variables};
use crate::permissions;
use crate::triggers::redis::server_name;

/// The data directory when none is chosen.
const DEFAULT_DATA_DIR: &str = ".mercato";
/// The runtime configuration that is taken when none is named and it lies beside the manifest.
const DEFAULT_RUNTIME_CONFIG: &str = "runtime-config.toml";
/// Variables in the data directory, as `cargo xtask variables` writes them.
const VARIABLES_FILE: &str = "variables.toml";
/// The variable that `--redis` sets, so that triggers and grants agree with it.
const REDIS_VARIABLE: &str = "redis_url";
/// The variable that has a root certificate to trust.
const CA_ROOT_VARIABLE: &str = "database_ca_root";

impl Builder {
    pub(super) fn data(&self) -> DataDir {
        DataDir {
            path: self
                .data_dir
                .clone()
                .unwrap_or_else(|| DEFAULT_DATA_DIR.into()),
            explicit: self.data_dir.is_some(),
        }
    }

    fn runtime_config_file(&self) -> Option<PathBuf> {
        self.runtime_config.clone().or_else(|| {
            let beside = self.app.with_file_name(DEFAULT_RUNTIME_CONFIG);
            beside.exists().then_some(beside)
        })
    }

    fn resolve_variables(&self, manifest: &Manifest, data: &DataDir) -> Result<Variables> {
        let file = data.path.join(VARIABLES_FILE);
        let file = if file.exists() {
            permissions::tighten(&file);
            variables::read_file(&file)?
        } else {
            BTreeMap::new()
        };
        let mut given = self.variables.clone();
        if let Some(url) = self
            .redis
            .as_ref()
            .filter(|_| manifest.variables.contains_key(REDIS_VARIABLE))
        {
            given.insert(REDIS_VARIABLE.into(), url.clone());
        }
        // What is not text is no variable.
        let environment = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        Variables::resolve(
            &manifest.variables,
            &Sources {
                given: &given,
                environment: &environment,
                file: &file,
            },
        )
    }
}

/// Where the databases of a shop on PostgreSQL are: its variables.
pub(crate) struct Addresses(pub(crate) BTreeMap<String, String>);

impl Addresses {
    /// The address of a database, which holds a password.
    ///
    /// # Errors
    /// When there is none.
    pub(crate) fn of(&self, label: &str) -> Result<&str> {
        let name = format!("{label}_database_url");
        self.given(&name).ok_or_else(|| {
            Error::Variable(format!(
                "variable `{name}` has no address of a PostgreSQL database: name the manifest of the variant on PostgreSQL, as in --app spin.postgres.toml, and give the variable as for `mercato up`"
            ))
        })
    }

    /// A root certificate to trust beside those of the system.
    pub(crate) fn ca_root(&self) -> Option<&str> {
        self.given(CA_ROOT_VARIABLE)
    }

    fn given(&self, name: &str) -> Option<&str> {
        let value = self.0.get(name).map(String::as_str);
        value.filter(|value| !value.is_empty())
    }
}

impl Builder {
    /// The files of the databases in the runtime configuration, by label.
    ///
    /// # Errors
    /// When the manifest or the runtime configuration cannot be read.
    pub(crate) fn database_files(&self) -> Result<BTreeMap<String, PathBuf>> {
        let manifest = Manifest::read(&self.app)?;
        let mut databases =
            runtime_config::read(self.runtime_config_file().as_deref(), &self.data())?;
        let components = manifest.component.values();
        let labels = components.flat_map(|spec| &spec.sqlite_databases);
        let files = labels.filter_map(|label| {
            let path = databases.remove(label)?.path?;
            Some((label.clone(), path))
        });
        Ok(files.collect())
    }

    /// The addresses of the databases on PostgreSQL.
    ///
    /// # Errors
    /// When the manifest cannot be read, or a variable has no value.
    pub(crate) fn database_addresses(&self) -> Result<Addresses> {
        let manifest = Manifest::read(&self.app)?;
        let variables = self.resolve_variables(&manifest, &self.data())?;
        let given = manifest.variables.keys().filter_map(|name| {
            let value = variables.get(name)?;
            Some((name.clone(), value.to_owned()))
        });
        Ok(Addresses(given.collect()))
    }
}

/// Reads the file of a component.
pub(super) fn read_artifact(app: &Path, spec: &ComponentSpec) -> Result<Vec<u8>> {
    let path = artifact(app, spec.source());
    std::fs::read(&path).map_err(|cause| Error::Read {
        path,
        cause,
        hint: "; run `cargo xtask build`",
    })
}

/// Everything that the start has read from files, before anything runs.
pub(super) struct Plan {
    pub settings: Builder,
    pub manifest: Manifest,
    pub data: DataDir,
    pub variables: Variables,
    pub databases: BTreeMap<String, DatabaseConfig>,
}

impl Plan {
    pub(super) fn read(settings: Builder) -> Result<Self> {
        let manifest = Manifest::read(&settings.app)?;
        let data = settings.data();
        let databases = runtime_config::read(settings.runtime_config_file().as_deref(), &data)?;
        let variables = settings.resolve_variables(&manifest, &data)?;
        if let Some(url) = &settings.redis {
            check_redis(url)?;
        }
        Ok(Self {
            settings,
            manifest,
            data,
            variables,
            databases,
        })
    }

    pub(super) fn fault(&self, message: String) -> Error {
        Error::Manifest {
            path: self.settings.app.clone(),
            line: None,
            message,
        }
    }

    pub(super) fn fill(&self, template: &str) -> Result<String> {
        self.variables
            .fill(template)
            .map_err(|message| self.fault(message))
    }

    /// The files of the databases that components use, by label.
    pub(super) fn database_files(&self) -> BTreeMap<&str, &Path> {
        let components = self.manifest.component.values();
        let labels = components.flat_map(|spec| &spec.sqlite_databases);
        labels
            .filter_map(|label| {
                let path = self.databases.get(label)?.path.as_deref()?;
                Some((label.as_str(), path))
            })
            .collect()
    }

    /// The value of a variable, if the application declares it.
    pub(super) fn variable(&self, name: &str) -> &str {
        self.variables.get(name).unwrap_or_default()
    }

    /// What a component may do.
    pub(super) fn grants(
        &self,
        id: &str,
        spec: &ComponentSpec,
        open: &mut Databases,
    ) -> Result<ComponentGrants> {
        let fault = |message: String| self.fault(format!("component `{id}`: {message}"));
        let mut variables = BTreeMap::new();
        for (name, template) in &spec.variables {
            variables.insert(name.clone(), self.variables.fill(template).map_err(fault)?);
        }
        let hosts: Vec<String> = spec
            .allowed_outbound_hosts
            .iter()
            .map(|entry| self.variables.fill(entry).map_err(fault))
            .collect::<Result<_>>()?;
        let ids: Vec<String> = self.manifest.component.keys().cloned().collect();
        let hosts = AllowedHosts::parse(hosts.iter().map(String::as_str), &ids).map_err(fault)?;
        let mut databases: BTreeMap<String, Arc<Database>> = BTreeMap::new();
        for label in &spec.sqlite_databases {
            let config = self.databases.get(label).ok_or_else(|| {
                fault(format!("uses the database `{label}`, which the runtime configuration does not have; add [sqlite_database.{label}]"))
            })?;
            databases.insert(label.clone(), open.open(label, config)?);
        }
        Ok(ComponentGrants {
            id: id.into(),
            environment: spec.environment.clone(),
            variables: Arc::new(variables),
            hosts: Arc::new(hosts),
            databases: Arc::new(databases),
        })
    }
}

pub(super) fn check_redis(url: &str) -> Result<()> {
    redis::Client::open(url).map(drop).map_err(|cause| {
        Error::Redis(format!(
            "`{}` is not a Redis address: {cause}; give one like redis://127.0.0.1:6379",
            server_name(url)
        ))
    })
}
