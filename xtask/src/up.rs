//! `up`: everything that is needed, then the runner.

use std::{env, ffi::OsString, process::Command, thread, time::Duration};

use anyhow::Result;

use crate::{
    build, demo, postgres, toolchain, variables,
    variant::{Storage, Variant},
    workspace::Workspace,
};

/// Which pages of other origins may use the shop.
const ORIGINS: &str = "cors_allowed_origins";
const ORIGINS_IN_ENVIRONMENT: &str = "SPIN_VARIABLE_CORS_ALLOWED_ORIGINS";

/// Front ends that are being built, on this machine.
const LOCAL_ORIGINS: &str = "http://localhost:*,http://127.0.0.1:*";

/// Said before the first start. Estimates: it depends on the machine, and above all on the number of its cores.
const FIRST_START: &str = "The first start in this checkout. What it does, and about how long that takes on two to eight cores:
  1. compile the WebAssembly components: 1 to 5 minutes
  2. compile the runner, most of which is the WebAssembly engine: 3 to 15 minutes
  3. make the local keys, in .mercato/variables.toml: at once
  4. turn the components into machine code for this machine: 10 to 60 seconds
Then it serves the shop. Later starts do only what has changed: a few seconds.";

/// Builds what is out of date, makes missing secrets and becomes the runner. Pages of this machine may use the shop, unless
/// the environment, the file of variables or the command line says otherwise. With `demonstrate`, the shop also gets an
/// admin and a catalogue.
pub fn up(
    workspace: &Workspace,
    demonstrate: bool,
    variant: Variant,
    arguments: &[OsString],
) -> Result<()> {
    if !workspace.binary("mercato")?.is_file() || !workspace.path(toolchain::FOLDER).is_dir() {
        eprintln!("{FIRST_START}");
    }
    build::build(workspace, Some(variant), None)?;
    let runner = workspace.built("mercato")?;
    let variables = variables::file(workspace, arguments);
    variables::ensure(&variables, variant.provider)?;
    if demonstrate {
        demo::prepare(workspace, &variables, arguments)?;
    }
    let mut runner = Command::new(runner);
    runner
        .current_dir(workspace.path(""))
        .args(["up", "--app", variant.manifest()])
        .args(arguments)
        // Capturing a stack for every error of a component costs a third of the throughput.
        .env_remove("RUST_BACKTRACE");
    let named = variables::read(&variables)?;
    if env::var_os(ORIGINS_IN_ENVIRONMENT).is_none() && !named.contains_key(ORIGINS) {
        runner.env(ORIGINS_IN_ENVIRONMENT, LOCAL_ORIGINS);
    }
    if variant.storage() == Storage::Postgres {
        let (server, variables) = postgres::start(workspace)?;
        for (name, value) in variables {
            runner.env(format!("SPIN_VARIABLE_{}", name.to_uppercase()), value);
        }
        let process = server.keep_running();
        // Of its own group, so that it does not hear of Ctrl-C before the shop has ended.
        let mut guard = Command::new(env::current_exe()?);
        guard.args(["guard-postgres", &process.to_string()]);
        in_own_group(&mut guard).spawn()?;
    }
    become_process(&mut runner)
}

/// Ends a PostgreSQL when the program that started this one, which has become the runner, has ended.
pub fn guard(process: u32) -> Result<()> {
    #[cfg(unix)]
    {
        let parent = std::os::unix::process::parent_id();
        while std::os::unix::process::parent_id() == parent {
            thread::sleep(GUARD_PAUSE);
        }
    }
    mercato_postgres_server::end(process)
}

/// How often the guard of a PostgreSQL looks.
const GUARD_PAUSE: Duration = Duration::from_millis(200);

#[cfg(unix)]
fn in_own_group(command: &mut Command) -> &mut Command {
    use std::os::unix::process::CommandExt as _;
    command.process_group(0)
}

#[cfg(not(unix))]
fn in_own_group(command: &mut Command) -> &mut Command {
    command
}

/// On Unix the runner takes this process's place, so that signals reach it.
#[cfg(unix)]
fn become_process(command: &mut Command) -> Result<()> {
    use std::os::unix::process::CommandExt as _;
    Err(anyhow::Error::new(command.exec()).context("cannot start the runner"))
}

/// Elsewhere it runs as a child; the console hands Ctrl-C to both.
#[cfg(not(unix))]
fn become_process(command: &mut Command) -> Result<()> {
    let status = command.status()?;
    anyhow::ensure!(status.success(), "the runner failed ({status})");
    Ok(())
}
