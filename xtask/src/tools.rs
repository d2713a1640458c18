//! `tools`: programs written elsewhere that the API is held against, in the versions that `tests/tools/` pins, installed
//! into `target/tools`.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result, bail};

use crate::{
    fingerprint::Fingerprint,
    process::{find_program, output},
    workspace::Workspace,
};

/// What npm installs from. The programs of ours beside these files are no part of it.
const NPM_FILES: [&str; 3] = [".npmrc", "package-lock.json", "package.json"];

/// What pip installs from.
const PIP_FILE: &str = "requirements.txt";

/// The oldest Node.js that all tools run on, as (major, minor); `engines` in `package.json`.
const OLDEST_NODE: (u32, u32) = (18, 17);

/// The oldest Python that all tools run on, as (major, minor).
const OLDEST_PYTHON: (u32, u32) = (3, 10);

/// Says that tests must not be left out for want of a tool.
const REQUIRED_VARIABLE: &str = "MERCATO_TEST_TOOLS";

/// Installs the tools that are missing or of another version.
///
/// # Errors
/// With everything that cannot be installed, and what to do about it.
pub fn ensure(workspace: &Workspace) -> Result<()> {
    let problems: Vec<String> = [node(workspace), python(workspace)]
        .into_iter()
        .filter_map(Result::err)
        .map(|error| format!("{error:#}"))
        .collect();
    if problems.is_empty() {
        return Ok(());
    }
    bail!("{}", problems.join("\n"))
}

/// As [`ensure`], for tests: what cannot be installed leaves tests out, unless all tools are required.
///
/// # Errors
/// When a tool is required and cannot be installed.
pub fn ensure_for_tests(workspace: &Workspace) -> Result<()> {
    match ensure(workspace) {
        Err(error) if !is_required() => {
            eprintln!("{error:#}\nThe tests that need these tools will be left out.");
            Ok(())
        }
        result => result,
    }
}

fn is_required() -> bool {
    env::var(REQUIRED_VARIABLE).is_ok_and(|value| value == "required")
}

/// Node.js programs: Redocly, generators of clients, a driver of browsers.
fn node(workspace: &Workspace) -> Result<()> {
    let node = program(
        "node",
        "Node.js 18.17 or newer; Debian: apt-get install nodejs",
    )?;
    let npm = program("npm", "npm; Debian: apt-get install npm")?;
    let version = output(Command::new(node).arg("--version"))?;
    require(&version, OLDEST_NODE, "Node.js")?;
    let from = NPM_FILES.map(|name| workspace.tools_sources().join(name));
    install(&workspace.tools().join("node"), &version, &from, |folder| {
        fs::create_dir_all(folder)?;
        for file in &from {
            let name = file.file_name().context("a file has a name")?;
            fs::copy(file, folder.join(name))
                .with_context(|| format!("cannot copy {}", file.display()))?;
        }
        let arguments = [
            "ci",
            "--prefer-offline",
            "--no-progress",
            "--loglevel=error",
        ];
        output(Command::new(&npm).current_dir(folder).args(arguments)).map(drop)
    })
}

/// Python programs: Schemathesis.
fn python(workspace: &Workspace) -> Result<()> {
    let hint = "Python 3.10 or newer; Debian: apt-get install python3-venv";
    let python = program("python3", hint)?;
    let version = output(Command::new(&python).arg("--version"))?;
    require(&version, OLDEST_PYTHON, "Python")?;
    let from = workspace.tools_sources().join(PIP_FILE);
    let folder = workspace.tools().join("python");
    install(&folder, &version, std::slice::from_ref(&from), |folder| {
        output(
            Command::new(&python)
                .args(["-m", "venv", "--clear"])
                .arg(folder),
        )
        .context("cannot make a virtual environment (Debian: apt-get install python3-venv)")?;
        let pip = [
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
        ];
        let mut command = Command::new(folder.join(BIN).join("python"));
        command
            .args(pip)
            .args(["--no-input", "--requirement"])
            .arg(&from);
        output(&mut command).map(drop)
    })
}

/// Where a virtual environment has its programs.
const BIN: &str = if cfg!(windows) { "Scripts" } else { "bin" };

fn program(name: &str, hint: &str) -> Result<PathBuf> {
    find_program(name).with_context(|| format!("there is no {name} on PATH: install {hint}"))
}

/// Installs into a folder unless that was done with the same files and the same version.
fn install(
    folder: &Path,
    version: &str,
    from: &[PathBuf],
    work: impl FnOnce(&Path) -> Result<()>,
) -> Result<()> {
    let stamp = folder.join(".stamp");
    let wanted = fingerprint(version, from)?;
    if fs::read_to_string(&stamp).is_ok_and(|found| found == wanted) {
        return Ok(());
    }
    eprintln!("Installing tools into {}", folder.display());
    fs::remove_file(&stamp).ok();
    work(folder).with_context(|| format!("cannot install into {}", folder.display()))?;
    fs::write(&stamp, wanted).with_context(|| format!("cannot write {}", stamp.display()))
}

/// Of what the files say, not of when they were written.
fn fingerprint(version: &str, files: &[PathBuf]) -> Result<String> {
    let mut fingerprint = Fingerprint::default();
    fingerprint.add_text(version);
    for file in files {
        let text =
            fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
        fingerprint.add_text(&text);
    }
    Ok(fingerprint.finish())
}

fn require(version: &str, oldest: (u32, u32), name: &str) -> Result<()> {
    if numbers(version).is_some_and(|found| found >= oldest) {
        return Ok(());
    }
    let (major, minor) = oldest;
    bail!("this is {name} {version}, and the tools need {major}.{minor} or newer")
}

/// `v18.20.4` or `Python 3.11.2` as (18, 20) or (3, 11).
fn numbers(version: &str) -> Option<(u32, u32)> {
    let mut parts = version
        .split(|letter: char| !letter.is_ascii_digit())
        .filter(|part| !part.is_empty());
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PACKAGE: &str = include_str!("../../tests/tools/package.json");
    const NPM_LOCK: &str = include_str!("../../tests/tools/package-lock.json");
    const REQUIREMENTS: &str = include_str!("../../tests/tools/requirements.txt");

    #[test]
    fn versions_are_read_from_the_programs_own_words() {
        assert_eq!(numbers("v18.20.4"), Some((18, 20)));
        assert_eq!(numbers("Python 3.11.2"), Some((3, 11)));
        assert_eq!(numbers("Python"), None);
        assert!(require("v18.16.1", OLDEST_NODE, "Node.js").is_err());
        assert!(require("v20.0.0", OLDEST_NODE, "Node.js").is_ok());
    }

    #[test]
    fn every_tool_is_pinned_to_one_version() {
        for line in PACKAGE
            .lines()
            .skip_while(|line| !line.contains("\"dependencies\""))
            .skip(1)
        {
            let Some((name, version)) = line.split_once("\": \"") else {
                continue;
            };
            let is_exact = version.starts_with(|first: char| first.is_ascii_digit());
            assert!(is_exact, "{name}: {version}");
        }
        for line in REQUIREMENTS.lines().filter(|line| !line.starts_with('#')) {
            assert!(line.contains("=="), "{line}");
        }
    }

    #[test]
    fn the_locks_name_no_registry() {
        assert!(
            !NPM_LOCK.contains("\"resolved\""),
            "where it came from is no business of the lock"
        );
        assert!(NPM_LOCK.contains("\"integrity\": \"sha512-"));
        assert!(!REQUIREMENTS.contains("://"));
    }

    #[test]
    fn what_is_installed_is_installed_once_per_version() {
        let folder = env::temp_dir().join(format!("mercato-tools-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let lock = folder.join("lock");
        fs::write(&lock, "a").unwrap();
        let installed = |version: &str| {
            let mut ran = false;
            install(&folder, version, std::slice::from_ref(&lock), |_| {
                ran = true;
                Ok(())
            })
            .unwrap();
            ran
        };
        assert!(installed("1"));
        assert!(!installed("1"));
        assert!(installed("2"));
        fs::write(&lock, "b").unwrap();
        assert!(installed("2"));
        let broken = install(&folder, "3", std::slice::from_ref(&lock), |_| {
            bail!("offline")
        });
        assert!(broken.is_err());
        assert!(
            installed("2"),
            "what failed half-way is not taken for installed"
        );
        fs::remove_dir_all(&folder).unwrap();
    }
}
