//! `up`: everything that is needed, then the runner.

use std::{env, ffi::OsString, process::Command};

use anyhow::Result;

use crate::{build, demo, process, provider::Provider, variables, workspace::Workspace};

/// Which pages of other origins may use the shop.
const ORIGINS: &str = "cors_allowed_origins";
const ORIGINS_IN_ENVIRONMENT: &str = "SPIN_VARIABLE_CORS_ALLOWED_ORIGINS";

/// Front ends that are being built, on this machine.
const LOCAL_ORIGINS: &str = "http://localhost:*,http://127.0.0.1:*";

/// Builds what is out of date, makes missing secrets and becomes the runner. Pages of this machine may use the shop, unless
/// the environment, the file of variables or the command line says otherwise. With `demonstrate`, the shop also gets an
/// admin and a catalogue.
///
/// # Errors
/// When something does not build, or the runner cannot be started or fails.
pub fn up(
    workspace: &Workspace,
    demonstrate: bool,
    provider: Provider,
    arguments: &[OsString],
) -> Result<()> {
    build::build(workspace, build::Selection::with(provider))?;
    build_runner(workspace)?;
    variables::ensure(workspace, provider)?;
    if demonstrate {
        demo::prepare(workspace, arguments)?;
    }
    let mut runner = Command::new(workspace.native_binary("mercato")?);
    runner
        .current_dir(workspace.root())
        .args(["up", "--app", provider.manifest()])
        .args(arguments)
        // Capturing a stack for every error of a guest costs a third of the throughput.
        .env_remove("RUST_BACKTRACE");
    if env::var_os(ORIGINS_IN_ENVIRONMENT).is_none() && !variables::names(workspace, ORIGINS)? {
        runner.env(ORIGINS_IN_ENVIRONMENT, LOCAL_ORIGINS);
    }
    become_process(&mut runner)
}

/// Builds the runner beside this program. Its dependencies are optimised in the development profile too.
///
/// # Errors
/// When it does not compile.
pub fn build_runner(workspace: &Workspace) -> Result<()> {
    let mut cargo = process::cargo(workspace);
    cargo
        .arg("build")
        .args(process::PRODUCT)
        .args(["--bin", "mercato"]);
    process::run(&mut cargo)
}

/// On Unix the runner takes this process's place, so that signals reach it.
#[cfg(unix)]
fn become_process(command: &mut Command) -> Result<()> {
    use std::os::unix::process::CommandExt as _;
    let error = command.exec();
    Err(anyhow::Error::new(error).context("cannot start the runner"))
}

/// Elsewhere it runs as a child; the console hands Ctrl-C to both.
#[cfg(not(unix))]
fn become_process(command: &mut Command) -> Result<()> {
    process::run(command)
}
