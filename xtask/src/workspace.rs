//! Where things are in the repository, and how Cargo is started in it.

use std::{
    collections::BTreeSet,
    env, fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};
use duct::Expression;
use serde_json::Value;

/// The folder of what Cargo builds with the profile `dev`.
const PRODUCT_PROFILE_FOLDER: &str = "debug";

/// Set by `cargo run` for the program it runs, by prefix. An inner Cargo would take them for changes and compile again, and
/// Debian's compiler would find the libraries of another.
const SET_BY_CARGO_RUN: &str = "CARGO_BIN_ CARGO_CRATE_NAME CARGO_MANIFEST_ CARGO_PKG_ CARGO_PRIMARY_PACKAGE \
    DYLD_FALLBACK_LIBRARY_PATH LD_LIBRARY_PATH";

/// The repository.
#[derive(Debug, Clone)]
pub struct Workspace {
    root: PathBuf,
}

impl Workspace {
    /// Finds the repository from where Cargo says this crate lives.
    pub fn find() -> Result<Self> {
        let here = env::var_os("CARGO_MANIFEST_DIR");
        let here = here.unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
        let root = Path::new(&here).parent();
        let root = root.context("run this as `cargo xtask` inside the repository")?;
        Ok(Self {
            root: root.to_path_buf(),
        })
    }

    /// A path given relative to the root; an empty one is the root itself.
    pub fn path(&self, relative: impl AsRef<Path>) -> PathBuf {
        self.root.join(relative)
    }

    /// The text of a file.
    pub fn read(&self, relative: impl AsRef<Path>) -> Result<String> {
        let path = self.path(relative);
        fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))
    }

    /// A native binary, in the folder of its profile beside that of this very program: that is right whatever the target directory is.
    pub fn binary(&self, name: &str) -> Result<PathBuf> {
        let program = env::current_exe().context("cannot find the path of this program")?;
        let profile = program.with_file_name("");
        let name = format!("{name}{}", env::consts::EXE_SUFFIX);
        Ok(profile.with_file_name(PRODUCT_PROFILE_FOLDER).join(name))
    }

    /// A program in the root of the repository, with its arguments in one line.
    pub fn program(&self, program: impl duct::IntoExecutablePath, arguments: &str) -> Expression {
        duct::cmd(program, arguments.split_whitespace()).dir(&self.root)
    }

    /// `cargo`, as if typed into a fresh shell in the root of the repository.
    pub fn cargo(&self, arguments: &str) -> Expression {
        without_variables(self.program("cargo", arguments), SET_BY_CARGO_RUN)
    }

    /// `cargo` for every package but this one, which cannot replace itself while it runs. Whatever Cargo is to build
    /// natively, it is told these packages: with others it would choose other features for what they share and compile
    /// Wasmtime again.
    pub fn cargo_product(&self, subcommand: &str, arguments: &str) -> Expression {
        self.cargo(&format!(
            "{subcommand} --workspace --exclude xtask {arguments}"
        ))
    }

    /// The same at low priority, where the system has such a thing.
    pub fn cargo_product_beside(&self, subcommand: &str, arguments: &str) -> Expression {
        if !cfg!(unix) {
            return self.cargo_product(subcommand, arguments);
        }
        let cargo = format!("-n 15 cargo {subcommand} --workspace --exclude xtask {arguments}");
        without_variables(self.program("nice", &cargo), SET_BY_CARGO_RUN)
    }

    /// The names of all programs of integration tests but those of this package.
    pub fn test_programs(&self) -> Result<BTreeSet<String>> {
        let metadata = self.cargo("metadata --no-deps --format-version 1").read()?;
        let metadata: Value = serde_json::from_str(&metadata).context("Cargo's metadata")?;
        let list = |value: &Value, name: &str| {
            let list = value.get(name).and_then(Value::as_array);
            list.cloned().unwrap_or_default()
        };
        let word = |value: &Value, path: &str| {
            let word = value.pointer(path).and_then(Value::as_str);
            word.unwrap_or_default().to_owned()
        };
        let packages = list(&metadata, "packages").into_iter();
        let names = packages
            .filter(|package| word(package, "/name") != "xtask")
            .flat_map(|package| list(&package, "targets"))
            .filter(|target| word(target, "/kind/0") == "test")
            .map(|target| word(&target, "/name"));
        Ok(names.collect())
    }

    /// [`Self::cargo_product`], run by a program of the product.
    pub fn cargo_product_with(&self, program: &str, command: &str) -> Result<Expression> {
        let (subcommand, arguments) = command.split_once(' ').unwrap_or((command, ""));
        let cargo = format!("cargo {subcommand} --workspace --exclude xtask {arguments}");
        let program = self.program(self.binary(program)?, &cargo);
        Ok(without_variables(program, SET_BY_CARGO_RUN))
    }

    /// Builds and gives a program of the product.
    pub fn built(&self, name: &str) -> Result<PathBuf> {
        run(self.cargo_product("build", &format!("--bin {name}")))?;
        self.binary(name)
    }
}

/// Runs a program, which must succeed.
pub fn run(program: Expression) -> Result<()> {
    program.run()?;
    Ok(())
}

/// Keeps variables whose names begin so from a program.
pub fn without_variables(program: Expression, prefixes: &str) -> Expression {
    let begins = |name: &str| prefixes.split(' ').any(|prefix| name.starts_with(prefix));
    env::vars_os()
        .filter(|(name, _)| name.to_str().is_some_and(begins))
        .fold(program, |program, (name, _)| program.env_remove(name))
}

/// Writes a file so that nobody ever reads half of it, and leaves an identical one alone. Says whether it wrote.
pub fn replace(path: &Path, bytes: impl AsRef<[u8]>) -> Result<bool> {
    let bytes = bytes.as_ref();
    if fs::read(path).is_ok_and(|old| old == bytes) {
        return Ok(false);
    }
    let folder = path.parent().context("a file has a folder")?;
    let temporary = path.with_extension(format!("{}.new", std::process::id()));
    fs::create_dir_all(folder)
        .and_then(|()| fs::write(&temporary, bytes))
        .and_then(|()| fs::rename(&temporary, path))
        .with_context(|| format!("cannot write {}", path.display()))?;
    Ok(true)
}
