//! Shops that move from SQLite to PostgreSQL, by the commands of the runner.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

use crate::{
    ADMIN_EMAIL, ADMIN_PASSWORD, Folder, JWT_SECRET, Postgres, WEBHOOK_SECRET,
    folder::databases_in, repository, runner, shared_data,
};

/// What a command of the runner has said, and whether all went well.
#[derive(Debug)]
pub struct Said {
    /// Whether it ended with exit code 0.
    pub is_done: bool,
    /// Its output and its log.
    pub text: String,
}

impl Said {
    /// What it said, when all went well.
    ///
    /// # Panics
    /// When it did not.
    #[track_caller]
    pub fn done(self) -> String {
        assert!(self.is_done, "{}", self.text);
        self.text
    }

    /// Checks that it failed and said all of this.
    ///
    /// # Panics
    /// When it did not.
    #[track_caller]
    pub fn refused(&self, parts: &[&str]) {
        assert!(!self.is_done, "{}", self.text);
        for part in parts {
            assert!(self.text.contains(part), "{part}: {}", self.text);
        }
    }
}

/// Runs `mercato export` on the databases in a folder.
///
/// # Panics
/// When the runner cannot be started.
pub fn export(databases: &Path, to: &Path) -> Said {
    let folder = Folder::new("export");
    let config = folder.path().join("runtime-config.toml");
    fs::write(&config, databases_in(databases)).expect("a runtime configuration");
    let mut command = Command::new(runner());
    command
        .args(["export", "--runtime-config-file"])
        .arg(config);
    run(command.arg(to))
}

/// Runs `mercato migrate` on the databases in a folder.
///
/// # Panics
/// When the runner cannot be started.
pub fn migrate(databases: &Path) -> Said {
    let folder = Folder::new("migrate");
    let config = folder.path().join("runtime-config.toml");
    fs::write(&config, databases_in(databases)).expect("a runtime configuration");
    let mut command = Command::new(runner());
    command.arg("migrate").arg("--data-dir").arg(shared_data());
    command.arg("--runtime-config-file").arg(config);
    run(with_variables(&mut command, &folder, Vec::new()))
}

/// Runs `mercato import` into the databases of a server.
///
/// # Panics
/// When the runner cannot be started.
pub fn import(postgres: &Postgres, from: &Path) -> Said {
    let folder = Folder::new("import");
    let mut command = Command::new(runner());
    command.args(["import", "--app", "spin.postgres.toml", "--data-dir"]);
    command.arg(shared_data()).arg(from);
    let addresses = postgres.shop(postgres.port());
    run(with_variables(&mut command, &folder, addresses))
}

fn with_variables<'a>(
    command: &'a mut Command,
    folder: &Folder,
    further: Vec<(String, String)>,
) -> &'a mut Command {
    let own = [
        ("jwt_secret", JWT_SECRET),
        ("payment_webhook_secret", WEBHOOK_SECRET),
        ("admin_email", ADMIN_EMAIL),
        ("admin_password", ADMIN_PASSWORD),
    ];
    let own = own.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let variables: toml::Table = own
        .into_iter()
        .chain(further)
        .map(|(name, value)| (name, value.into()))
        .collect();
    let file = folder.path().join("given.toml");
    fs::write(&file, variables.to_string()).expect("write the variables");
    let argument = format!("@{}", file.display());
    command.arg("--variable").arg(argument)
}

fn run(command: &mut Command) -> Said {
    let output = command
        .current_dir(repository())
        .env_remove("RUST_BACKTRACE")
        .stdin(Stdio::null())
        .output()
        .expect("the runner starts");
    let text = [output.stdout, output.stderr].concat();
    Said {
        is_done: output.status.success(),
        text: String::from_utf8_lossy(&text).into_owned(),
    }
}
