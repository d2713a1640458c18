//! Which databases a shop has: a file beside them remembers it, so that a missing one is not made anew without notice.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use mercato_platform::ids::{Ids, RandomIds};
use rusqlite::{Connection, OpenFlags};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result, line_of, one_line};
use crate::permissions;

/// The file, in each folder that holds one of the databases.
const RECORD_FILE: &str = "mercato-databases.toml";

/// What stands above its contents.
const RECORD_HEAD: &str = "# The databases that this shop has. One of them that is missing keeps the shop from starting.\n";

#[derive(Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Record {
    /// Labels.
    databases: BTreeSet<String>,
}

/// The databases of an application, by label.
pub(crate) struct KnownDatabases<'a> {
    files: BTreeMap<&'a str, &'a Path>,
    /// Those that have been made before, by what the files beside them say.
    recorded: BTreeSet<String>,
}

impl<'a> KnownDatabases<'a> {
    /// Reads what is known about these databases.
    ///
    /// # Errors
    /// When a file that remembers cannot be read.
    pub(crate) fn read(files: BTreeMap<&'a str, &'a Path>) -> Result<Self> {
        let mut known = Self {
            files,
            recorded: BTreeSet::new(),
        };
        for folder in known.folders() {
            known.recorded.extend(read_record(&folder)?);
        }
        Ok(known)
    }

    fn folders(&self) -> BTreeSet<PathBuf> {
        let folders = self.files.values().filter_map(|path| path.parent());
        folders.map(Path::to_path_buf).collect()
    }

    /// Finds out whether a database is missing that was there before. Those in `anew` may begin anew.
    ///
    /// # Errors
    /// Names the first that is missing or empty.
    pub(crate) fn check(&self, anew: &BTreeSet<String>) -> Result<()> {
        if let Some(unknown) = anew
            .iter()
            .find(|label| !self.files.contains_key(label.as_str()))
        {
            return Err(Error::Variable(format!(
                "--new-database {unknown}: the application uses no database of this name"
            )));
        }
        let missing: Vec<_> = self
            .files
            .iter()
            .filter(|(label, _)| !anew.contains(**label))
            .filter(|(_, path)| size_bytes(path) == 0)
            .collect();
        // Versions before these files made all databases at their first start.
        let is_older_shop =
            || self.recorded.is_empty() && self.files.values().any(|path| has_tables(path));
        let lost = missing
            .iter()
            .find(|(label, _)| self.recorded.contains(**label))
            .or_else(|| missing.first().filter(|_| is_older_shop()));
        match lost {
            None => Ok(()),
            Some((label, path)) => Err(Error::Database {
                label: label.to_string(),
                path: path.to_path_buf(),
                message: format!(
                    "the file is {}, but this shop has had it: put it back or restore it from a backup; if it shall begin anew although \
                     the other databases refer to it, start with --new-database {label}",
                    if path.exists() { "empty" } else { "missing" }
                ),
            }),
        }
    }

    /// Remembers that all of them have been made. A shop whose disk is full goes on without.
    pub(crate) fn remember(&self) {
        for folder in self.folders() {
            if let Err(cause) = self.remember_in(&folder) {
                let path = folder.join(RECORD_FILE);
                tracing::warn!(path = %path.display(), "cannot note which databases there are; one that gets lost would be made anew: {cause}");
            }
        }
    }

    fn remember_in(&self, folder: &Path) -> Result<()> {
        let mut labels = read_record(folder)?;
        let before = labels.len();
        labels.extend(self.files.keys().map(|label| (*label).to_owned()));
        if labels.len() == before {
            return Ok(());
        }
        let record = Record { databases: labels };
        let machine = |cause: &dyn std::fmt::Display| Error::Machine(cause.to_string());
        let text = toml::to_string(&record).map_err(|cause| machine(&cause))?;
        let path = folder.join(RECORD_FILE);
        // Another runner may write the same at the same time.
        let temporary = folder.join(format!("{RECORD_FILE}.{}", RandomIds.new_id()));
        let write = || {
            permissions::create_file(&temporary)?;
            let mut file = std::fs::OpenOptions::new().write(true).open(&temporary)?;
            file.write_all(RECORD_HEAD.as_bytes())?;
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            std::fs::rename(&temporary, &path)
        };
        write().map_err(|cause| {
            // It may not even be there.
            let _ = std::fs::remove_file(&temporary);
            machine(&cause)
        })
    }
}

fn read_record(folder: &Path) -> Result<BTreeSet<String>> {
    let path = folder.join(RECORD_FILE);
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => return Ok(BTreeSet::new()),
        Err(cause) => {
            return Err(Error::Read {
                path,
                cause,
                hint: "",
            });
        }
    };
    let record: Record = toml::from_str(&text).map_err(|error| Error::Config {
        path,
        line: line_of(&text, &error),
        message: one_line(error.message()),
    })?;
    Ok(record.databases)
}

fn size_bytes(path: &Path) -> u64 {
    path.metadata().map_or(0, |metadata| metadata.len())
}

/// Whether something was made in a database. One that cannot be read is found out about later.
fn has_tables(path: &Path) -> bool {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Connection::open_with_flags(path, flags)
        .and_then(|sqlite| {
            sqlite.query_row("SELECT COUNT(*) > 0 FROM sqlite_schema", [], |row| {
                row.get(0)
            })
        })
        .unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LABELS: [&str; 3] = ["auth", "orders", "products"];

    /// Databases in two folders.
    struct Shop {
        folder: PathBuf,
        files: BTreeMap<&'static str, PathBuf>,
    }

    impl Shop {
        fn new() -> Self {
            let folder = std::env::temp_dir().join(format!("mercato-known-{}", RandomIds.new_id()));
            let files = LABELS.map(|label| {
                let inner = if label == "auth" { "one" } else { "two" };
                let inner = folder.join(inner);
                std::fs::create_dir_all(&inner).unwrap();
                (label, inner.join(format!("{label}.db")))
            });
            Self {
                folder,
                files: BTreeMap::from(files),
            }
        }

        fn known(&self, labels: &[&'static str]) -> Result<KnownDatabases<'_>> {
            let files = labels
                .iter()
                .map(|label| (*label, self.files[label].as_path()));
            KnownDatabases::read(files.collect())
        }

        fn check(&self, anew: &[&str]) -> Result<(), String> {
            let anew = anew.iter().map(|label| (*label).to_owned()).collect();
            let known = self.known(&LABELS).unwrap();
            known.check(&anew).map_err(|error| error.to_string())
        }

        fn make(&self, label: &str, statement: &str) {
            let sqlite = Connection::open(&self.files[label]).unwrap();
            sqlite.pragma_update(None, "journal_mode", "WAL").unwrap();
            sqlite.execute_batch(statement).unwrap();
        }

        fn make_all(&self) {
            for label in LABELS {
                self.make(label, "CREATE TABLE t (x)");
            }
        }

        fn remove(&self, label: &str) {
            std::fs::remove_file(&self.files[label]).unwrap();
        }
    }

    impl Drop for Shop {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.folder);
        }
    }

    #[test]
    fn a_database_that_was_made_must_be_there() {
        let shop = Shop::new();
        assert_eq!(shop.check(&[]), Ok(()));
        shop.make_all();
        shop.known(&LABELS).unwrap().remember();
        assert_eq!(shop.check(&[]), Ok(()));
        shop.remove("products");
        let message = shop.check(&[]).unwrap_err();
        for part in [
            "`products`",
            "products.db",
            "missing",
            "--new-database products",
        ] {
            assert!(message.contains(part), "{message}");
        }
        std::fs::write(&shop.files["products"], "").unwrap();
        assert!(shop.check(&[]).unwrap_err().contains("empty"));
        assert_eq!(shop.check(&["products"]), Ok(()));
        assert!(shop.check(&["orders"]).is_err());
        assert!(shop.check(&["colours"]).is_err());
    }

    #[test]
    fn what_one_folder_remembers_counts_for_the_others() {
        let shop = Shop::new();
        shop.make_all();
        shop.known(&LABELS).unwrap().remember();
        // As when a volume is not mounted.
        std::fs::remove_dir_all(shop.folder.join("two")).unwrap();
        assert!(shop.check(&[]).unwrap_err().contains("missing"));
        assert_eq!(shop.check(&["orders", "products"]), Ok(()));
    }

    #[test]
    fn a_database_of_a_newer_version_is_new() {
        let shop = Shop::new();
        shop.make_all();
        shop.remove("products");
        shop.known(&["auth", "orders"]).unwrap().remember();
        assert_eq!(shop.check(&[]), Ok(()));
        // And is remembered from then on.
        shop.known(&LABELS).unwrap().remember();
        assert!(shop.check(&[]).is_err());
    }

    #[test]
    fn a_shop_without_a_record_has_all_databases_or_empty_ones() {
        let shop = Shop::new();
        shop.make("auth", "");
        shop.make("orders", "");
        // It was killed in the middle of its first start.
        assert_eq!(shop.check(&[]), Ok(()));
        shop.make("orders", "CREATE TABLE t (x)");
        assert!(shop.check(&[]).unwrap_err().contains("products.db"));
    }

    #[test]
    fn a_record_that_cannot_be_read_says_so() {
        let shop = Shop::new();
        let path = shop.folder.join("two").join(RECORD_FILE);
        std::fs::write(path, "databases = 1").unwrap();
        let message = shop.known(&LABELS).err().unwrap().to_string();
        assert!(message.contains(RECORD_FILE), "{message}");
    }
}
