//! `runtime-config.toml`: where the databases live.
//!
//! Relative paths are relative to the working directory, as under `spin up`. When the data directory is given
//! explicitly, a relative path that begins with `.mercato/` lies in that directory instead, so that the same file
//! serves a second shop, a test or a container with a volume.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use serde::Deserialize;

use crate::error::{Error, Result, line_of, one_line};

/// First part of the paths that follow the data directory.
const DATA_PREFIX: &str = ".mercato";
/// The file behind the label `default` when the configuration does not name one.
const DEFAULT_DATABASE: &str = "sqlite_db.db";

/// Where a database lives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DatabaseConfig {
    /// The file; `None` is a database in memory, one for each connection.
    pub path: Option<PathBuf>,
    /// Whether guests may ATTACH other files.
    pub allow_attach_file: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    sqlite_database: BTreeMap<String, Database>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Database {
    #[serde(rename = "type")]
    kind: String,
    path: Option<PathBuf>,
    #[serde(default)]
    allow_attach_file: bool,
}

/// Directories that decide where relative paths lead.
#[derive(Clone, Debug)]
pub struct DataDir {
    /// The directory itself.
    pub path: PathBuf,
    /// Whether the user chose it.
    pub explicit: bool,
}

impl DataDir {
    fn resolve(&self, path: &Path) -> PathBuf {
        if !self.explicit || path.is_absolute() {
            return path.to_owned();
        }
        let path_here = path.strip_prefix(Component::CurDir).unwrap_or(path);
        match path_here.strip_prefix(DATA_PREFIX) {
            Ok(inside) => self.path.join(inside),
            Err(_) => path.to_owned(),
        }
    }
}

/// Reads the databases from the file; without a file there is only `default`.
///
/// # Errors
/// When the file cannot be read or holds what the runner does not know.
pub fn read(file: Option<&Path>, data: &DataDir) -> Result<BTreeMap<String, DatabaseConfig>> {
    let text = match file {
        None => String::new(),
        Some(path) => std::fs::read_to_string(path).map_err(|cause| Error::Read {
            path: path.to_owned(),
            cause,
            hint: "; give it with --runtime-config-file",
        })?,
    };
    parse(
        file.unwrap_or(Path::new("runtime-config.toml")),
        &text,
        data,
    )
}

fn parse(file: &Path, text: &str, data: &DataDir) -> Result<BTreeMap<String, DatabaseConfig>> {
    let config: File = toml::from_str(text).map_err(|error| Error::Config {
        path: file.to_owned(),
        line: line_of(text, &error),
        message: one_line(error.message()),
    })?;
    let mut databases = BTreeMap::new();
    for (label, database) in config.sqlite_database {
        if database.kind != "spin" {
            return Err(Error::Config {
                path: file.to_owned(),
                line: None,
                message: format!(
                    "sqlite_database.{label}: type `{}` is not offered; use `spin`",
                    database.kind
                ),
            });
        }
        let path = database.path.map(|path| data.resolve(&path));
        databases.insert(
            label,
            DatabaseConfig {
                path,
                allow_attach_file: database.allow_attach_file,
            },
        );
    }
    databases
        .entry("default".into())
        .or_insert_with(|| DatabaseConfig {
            path: Some(data.path.join(DEFAULT_DATABASE)),
            allow_attach_file: false,
        });
    Ok(databases)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "[sqlite_database.orders]\ntype = \"spin\"\npath = \".mercato/orders.db\"\n";

    fn data(explicit: bool) -> DataDir {
        DataDir {
            path: PathBuf::from("/data"),
            explicit,
        }
    }

    fn path_of(text: &str, explicit: bool) -> PathBuf {
        parse(Path::new("r.toml"), text, &data(explicit)).unwrap()["orders"]
            .path
            .clone()
            .unwrap()
    }

    #[test]
    fn relative_paths_stay_as_under_spin() {
        assert_eq!(path_of(ONE, false), Path::new(".mercato/orders.db"));
    }

    #[test]
    fn an_explicit_data_directory_takes_over_its_own_paths_only() {
        assert_eq!(path_of(ONE, true), Path::new("/data/orders.db"));
        assert_eq!(
            path_of(&ONE.replace(".mercato/", "./.mercato/x/"), true),
            Path::new("/data/x/orders.db")
        );
        assert_eq!(
            path_of(&ONE.replace(".mercato/", "elsewhere/"), true),
            Path::new("elsewhere/orders.db")
        );
        assert_eq!(
            path_of(&ONE.replace(".mercato/", "/abs/"), true),
            Path::new("/abs/orders.db")
        );
    }

    #[test]
    fn mistakes_are_answered_in_one_line() {
        let error = |text: &str| {
            parse(Path::new("r.toml"), text, &data(false))
                .unwrap_err()
                .to_string()
        };
        assert_eq!(
            error("[sqlite_database.x]\ntype = \"libsql\"\n"),
            "r.toml: sqlite_database.x: type `libsql` is not offered; use `spin`"
        );
        assert_eq!(
            error("[key_value_store.x]\n"),
            "r.toml:1: unknown field `key_value_store`, expected `sqlite_database`"
        );
        assert_eq!(
            error("[sqlite_database.x]\ntype = \"spin\"\npth = \"y\"\n"),
            "r.toml:3: unknown field `pth`, expected one of `type`, `path`, `allow_attach_file`"
        );
    }
}
