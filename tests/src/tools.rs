//! Programs written elsewhere, in the versions that `cargo xtask tools` installs, and the browser of this machine.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde_json::Value;

use crate::{Server, is_quick, left_out, repository};

/// The names under which Chromium is looked for on PATH.
const CHROMIUM: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];

/// Where a virtual environment has its programs.
const PYTHON_BIN: &str = if cfg!(windows) { "Scripts" } else { "bin" };

/// A folder for programs of ours that run on Node.js: copies of `tests/tools/src`, from where they find what is
/// installed.
#[derive(Debug)]
pub struct Workbench {
    folder: PathBuf,
}

impl Workbench {
    /// A fresh one; none when slow tests shall be left out, or the tools are not installed.
    ///
    /// # Panics
    /// When it cannot be made, or the tools are required and not installed.
    pub fn new(name: &str) -> Option<Self> {
        if is_quick() {
            return None;
        }
        let node = installed("node")?;
        let folder = node.join("work").join(name);
        fs::remove_dir_all(&folder).ok();
        fs::create_dir_all(&folder).expect("a folder to work in");
        let sources = repository().join("tests/tools/src");
        for entry in fs::read_dir(sources).expect("the programs") {
            let path = entry.expect("a program").path();
            let name = path.file_name().expect("a name");
            fs::copy(&path, folder.join(name)).expect("copy a program");
        }
        Some(Self { folder })
    }

    /// Where it is.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// A program of a package, by the name it is installed under.
    pub fn tool(&self, name: &str) -> Command {
        let programs = self.folder.join("../../node_modules/.bin");
        let mut command = Command::new(programs.join(name));
        command.current_dir(&self.folder);
        command
    }

    /// A program of ours.
    pub fn script(&self, file: &str) -> Command {
        let mut command = Command::new("node");
        command.current_dir(&self.folder).arg(file);
        command
    }
}

/// The browser of this machine, driven by a program of ours.
#[derive(Debug)]
pub struct Browser {
    bench: Workbench,
    chromium: PathBuf,
    script: String,
}

impl Browser {
    /// Driven by the program of that name in `tests/tools/src`; none when slow tests shall be left out, or the tools are not
    /// installed.
    ///
    /// # Panics
    /// When the tools are required and not installed.
    pub fn new(name: &str) -> Option<Self> {
        Some(Self {
            bench: Workbench::new(name)?,
            chromium: chromium()?,
            script: format!("{name}.js"),
        })
    }

    /// The workbench of the program.
    pub fn bench(&self) -> &Workbench {
        &self.bench
    }

    /// Visits a shop; returns what the program saw. `more` are further variables of its environment.
    ///
    /// # Panics
    /// When it fails, or does not print JSON.
    #[track_caller]
    pub fn visit(&self, shop: &Server, more: &[(&str, &str)]) -> Value {
        let mut script = self.bench.script(&self.script);
        script
            .env("CHROMIUM", &self.chromium)
            .env("SCREENSHOTS", screenshots())
            .env("SHOP", shop.base_url())
            .envs(more.iter().copied());
        serde_json::from_str(&run(&mut script)).expect("what was seen")
    }
}

/// A Python program, by the name it is installed under; none when slow tests shall be left out, or the tools are not installed.
///
/// # Panics
/// When the tools are required and not installed.
pub fn python(name: &str) -> Option<Command> {
    if is_quick() {
        return None;
    }
    let folder = installed("python")?;
    Some(Command::new(folder.join(PYTHON_BIN).join(name)))
}

/// The browser: what `CHROMIUM` names, or what is on PATH.
///
/// # Panics
/// When the tools are required and there is none.
fn chromium() -> Option<PathBuf> {
    let named = env::var_os("CHROMIUM").filter(|path| !path.is_empty());
    let path = env::var_os("PATH").unwrap_or_default();
    let found = named.map(PathBuf::from).or_else(|| {
        env::split_paths(&path)
            .flat_map(|folder| CHROMIUM.map(|name| folder.join(name)))
            .find(|program| program.is_file())
    });
    if found.is_none() {
        missing("there is no chromium on PATH, and CHROMIUM does not name one");
    }
    found
}

/// Runs a program to its end; gives what it wrote to its standard output.
///
/// # Panics
/// When it fails; shows all that it wrote then.
#[track_caller]
pub fn run(command: &mut Command) -> String {
    let output = command.stdin(Stdio::null()).output();
    let output = output.unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let shown = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success(),
        "{command:?}: {}\n{shown}\n{}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    shown
}

/// Where pictures of pages go, for people to look at.
///
/// # Panics
/// When it cannot be made.
fn screenshots() -> PathBuf {
    let folder = repository().join("target/screenshots");
    fs::create_dir_all(&folder).expect("a folder for screenshots");
    folder
}

/// The folder of a kind of tools, if they are installed.
fn installed(kind: &str) -> Option<PathBuf> {
    let folder = repository().join("target/tools").join(kind);
    if folder.join(".stamp").is_file() {
        return Some(folder);
    }
    missing("the tools are not installed: run `cargo xtask tools`");
    None
}

/// Leaves a test out, or fails it where all tools are required.
pub(crate) fn missing(what: &str) {
    let is_required = env::var("MERCATO_TEST_TOOLS").is_ok_and(|value| value == "required");
    assert!(!is_required, "{what}, and MERCATO_TEST_TOOLS is `required`");
    left_out(what);
}
