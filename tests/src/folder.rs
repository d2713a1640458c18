//! Folders of the tests, and what lies in them.

use std::{
    env, fs,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering},
};

use crate::repository;

/// A temporary folder, removed when dropped.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
}

impl Folder {
    /// A new one; `what` is part of its name.
    ///
    /// # Panics
    /// When it cannot be made.
    pub fn new(what: &str) -> Self {
        static COUNTER: AtomicU32 = AtomicU32::new(0);
        let number = COUNTER.fetch_add(1, Ordering::Relaxed);
        let name = format!("mercato-{what}-{}-{number}", std::process::id());
        let path = env::temp_dir().join(name);
        fs::remove_dir_all(&path).ok();
        fs::create_dir_all(&path).expect("a temporary folder");
        Self { path }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.path).ok();
    }
}

/// The data directory that all servers under test share. It holds only compiled components: each server's databases lie
/// in its own folder, and all variables without a default are given.
///
/// # Panics
/// When it cannot be made.
pub fn shared_data() -> PathBuf {
    let folder = repository().join("target/test-data");
    fs::create_dir_all(&folder).expect("a folder for compiled components");
    folder
}

/// The labels of the databases in the runtime configuration of the repository.
pub(crate) fn database_labels() -> Vec<String> {
    let databases = &runtime_configuration()["sqlite_database"];
    let databases = databases.as_table().expect("databases");
    databases.keys().cloned().collect()
}

fn runtime_configuration() -> toml::Table {
    let text = fs::read_to_string(repository().join("runtime-config.toml"))
        .expect("the runtime configuration");
    text.parse().expect("the runtime configuration is TOML")
}

/// The runtime configuration of the repository with its databases in a folder.
pub(crate) fn databases_in(folder: &Path) -> String {
    let mut table = runtime_configuration();
    let databases = table["sqlite_database"].as_table_mut().expect("databases");
    for (_, database) in databases {
        let path = &mut database["path"];
        let name = Path::new(path.as_str().expect("a path")).file_name();
        let name = name.expect("the path of a file").to_owned();
        *path = folder.join(name).display().to_string().into();
    }
    table.to_string()
}
