//! `up`: everything that is needed, then the runner.

use std::{env, ffi::OsString, process::Command};

use anyhow::{Context as _, Result, bail};

use crate::{build, demo, process, provider::Provider, variables, workspace::Workspace};

/// Which pages of other origins may use the shop.
const ORIGINS: &str = "cors_allowed_origins";
const ORIGINS_IN_ENVIRONMENT: &str = "SPIN_VARIABLE_CORS_ALLOWED_ORIGINS";

/// Front ends that are being built, on this machine.
const LOCAL_ORIGINS: &str = "http://localhost:*,http://127.0.0.1:*";

/// Something that is done once in a checkout, and takes its time.
struct Step {
    /// What is done.
    what: &'static str,
    /// How long that takes. Estimates: it depends on the machine, and above all on the number of its cores.
    time: &'static str,
}

const COMPONENTS: Step = Step {
    what: "compile the WebAssembly components",
    time: "1 to 5 minutes",
};
const RUNNER: Step = Step {
    what: "compile the runner, most of which is the WebAssembly engine",
    time: "3 to 15 minutes",
};
const KEYS: Step = Step {
    what: "make the local keys, in .mercato/variables.toml",
    time: "at once",
};
const MACHINE_CODE: Step = Step {
    what: "turn the components into machine code for this machine",
    time: "10 to 60 seconds",
};

/// Says what a first start will do, then builds what is out of date, makes missing secrets and becomes the runner. Pages of this machine may use the shop, unless
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
    let first = first_steps(workspace)?;
    if !first.is_empty() {
        eprintln!("{}", told(&first));
    }
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

/// What has never been done in this checkout.
fn first_steps(workspace: &Workspace) -> Result<Vec<Step>> {
    let is_runner_missing = !workspace.native_binary("mercato")?.is_file();
    let steps = [
        (!workspace.guest_target().is_dir(), COMPONENTS),
        (is_runner_missing, RUNNER),
        (!workspace.variables().is_file(), KEYS),
        (
            is_runner_missing || !workspace.variables().is_file(),
            MACHINE_CODE,
        ),
    ];
    let missing = steps.into_iter().filter(|(is_missing, _)| *is_missing);
    Ok(missing.map(|(_, step)| step).collect())
}

fn told(steps: &[Step]) -> String {
    let mut text = "The first start in this checkout. What it does, and about how long that takes on two to eight cores:\n"
        .to_owned();
    for (index, step) in steps.iter().enumerate() {
        text.push_str(&format!("  {}. {}: {}\n", index + 1, step.what, step.time));
    }
    text.push_str("Then it serves the shop. Later starts do only what has changed: a few seconds.");
    text
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
    if workspace.native_binary("mercato")?.is_file() {
        run_tersely(&mut cargo)
    } else {
        process::run(&mut cargo)
    }
}

fn run_tersely(cargo: &mut Command) -> Result<()> {
    let status = xtask_start::run_tersely(cargo).context("cannot run cargo")?;
    if !status.success() {
        bail!("the runner does not build ({status})");
    }
    Ok(())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_first_start_says_what_it_does_and_how_long() {
        let text = told(&[COMPONENTS, KEYS]);
        for line in [
            "  1. compile the WebAssembly components: 1 to 5 minutes",
            "  2. make the local keys, in .mercato/variables.toml: at once",
        ] {
            assert!(text.lines().any(|told| told == line), "{text}");
        }
    }
}
