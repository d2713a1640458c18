//! `cargo xtask`: Cargo says nothing of what it compiles for a command of `.cargo/config.toml`, or else something at every call. So
//! what it compiles in silence is this program, in about a second; and this one lets it compile the tasks aloud.

use std::{
    env, io,
    process::{Command, ExitCode, ExitStatus},
};

use xtask_start::{cargo, run_tersely};

/// The package with the tasks.
const TASKS: &str = "xtask";

/// What is said when the tasks were never compiled; afterwards Cargo names what it compiles.
const FIRST: &str =
    "The first `cargo xtask` in this checkout: compiling the tasks themselves, 1 to 5 minutes";

fn main() -> ExitCode {
    match start() {
        Ok(code) => code,
        Err(error) => {
            eprintln!("cannot start cargo: {error}");
            ExitCode::FAILURE
        }
    }
}

fn start() -> io::Result<ExitCode> {
    let mut build = cargo();
    build.args(["build", "--package", TASKS]);
    let tasks = env::current_exe()?.with_file_name(format!("{TASKS}{}", env::consts::EXE_SUFFIX));
    let built = if tasks.is_file() {
        run_tersely(&mut build)?
    } else {
        eprintln!("{FIRST}");
        build.status()?
    };
    if !built.success() {
        return Ok(code_of(built));
    }
    let mut run = cargo();
    run.args(["run", "--quiet", "--package", TASKS, "--"])
        .args(env::args_os().skip(1));
    become_process(&mut run)
}

/// On Unix the tasks take this process's place, so that signals reach them.
#[cfg(unix)]
fn become_process(command: &mut Command) -> io::Result<ExitCode> {
    use std::os::unix::process::CommandExt as _;
    Err(command.exec())
}

/// Elsewhere they run as a child; the console hands Ctrl-C to both.
#[cfg(not(unix))]
fn become_process(command: &mut Command) -> io::Result<ExitCode> {
    command.status().map(code_of)
}

fn code_of(status: ExitStatus) -> ExitCode {
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    code.map_or(ExitCode::FAILURE, ExitCode::from)
}
