//! Starting other programs: Cargo above all, without what the outer Cargo left in the environment.

use std::{
    env,
    ffi::OsStr,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result, bail};

use crate::workspace::Workspace;

/// Every package of the workspace but this one, which cannot replace itself while it runs. Whatever Cargo is to build
/// natively, it is told these packages: with others it would choose other features for what they share and compile
/// Wasmtime again.
pub const PRODUCT: &[&str] = &["--workspace", "--exclude", "xtask"];

/// A `cargo` command in the root of the repository, as if typed into a fresh shell.
pub fn cargo(workspace: &Workspace) -> Command {
    let mut command = xtask_start::cargo();
    command.current_dir(workspace.root());
    command
}

/// Runs a command with this program's input and output.
///
/// # Errors
/// When it cannot be started or ends with a failure.
pub fn run(command: &mut Command) -> Result<()> {
    let status = command
        .status()
        .with_context(|| format!("cannot start {}", shown(command)))?;
    if !status.success() {
        bail!("{} failed ({status})", shown(command));
    }
    Ok(())
}

/// Runs a command and returns what it wrote to its standard output, trimmed.
///
/// # Errors
/// When it cannot be started, ends with a failure, or writes something that is not UTF-8.
pub fn output(command: &mut Command) -> Result<String> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot start {}", shown(command)))?;
    if !output.status.success() {
        let reason = String::from_utf8_lossy(&output.stderr);
        bail!(
            "{} failed ({}): {}",
            shown(command),
            output.status,
            reason.trim()
        );
    }
    let text = String::from_utf8(output.stdout)
        .with_context(|| format!("{} wrote something that is not text", shown(command)))?;
    Ok(text.trim().to_owned())
}

/// The full path of a program on `PATH`, if there is one.
pub fn find_program(name: &str) -> Option<PathBuf> {
    let file = format!("{name}{}", env::consts::EXE_SUFFIX);
    let path = env::var_os("PATH")?;
    env::split_paths(&path)
        .map(|folder| folder.join(&file))
        .find(|candidate| candidate.is_file())
}

/// `PATH` with one folder in front.
///
/// # Errors
/// When the folder's name cannot be part of `PATH`.
pub fn path_with(folder: &Path) -> Result<std::ffi::OsString> {
    let old = env::var_os("PATH").unwrap_or_default();
    env::join_paths(std::iter::once(folder.to_path_buf()).chain(env::split_paths(&old)))
        .with_context(|| format!("{} cannot be put on PATH", folder.display()))
}

/// The command line as one would type it, for messages.
fn shown(command: &Command) -> String {
    let program = Path::new(command.get_program())
        .file_name()
        .unwrap_or_else(|| command.get_program());
    let words: Vec<_> = std::iter::once(program)
        .chain(command.get_args())
        .map(OsStr::to_string_lossy)
        .collect();
    format!("`{}`", words.join(" "))
}
