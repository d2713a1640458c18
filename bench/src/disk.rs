//! A disk that takes its time.

use std::{env, fs, os::unix::process::CommandExt as _, path::Path, process::Command};

use anyhow::{Context as _, Error, Result, ensure};

/// What makes a write to the disk wait, for programs that are started with it.
const SOURCE: &str = include_str!("slow_disk.c");

/// Where it is built, seen from the root of the repository.
const LIBRARY: &str = "target/bench/slow_disk.so";

/// How long it waits, in milliseconds.
const DELAY: &str = "SLOW_DISK_MS";

/// Lets every write to the disk take so many milliseconds longer, in all programs that are started from now on. This one begins anew for
/// that.
///
/// # Errors
/// When there is no C compiler.
pub fn slow_down(delay_ms: u32) -> Result<()> {
    let delay = delay_ms.to_string();
    if env::var(DELAY).is_ok_and(|set| set == delay) {
        return Ok(());
    }
    let library = Path::new(LIBRARY);
    let source = library.with_extension("c");
    fs::write(&source, SOURCE)?;
    let built = Command::new("cc")
        .args(["-shared", "-fPIC", "-O2", "-o"])
        .arg(library)
        .arg(&source)
        .arg("-ldl")
        .status()
        .context("cc cannot be started: apt-get install gcc libc6-dev")?;
    ensure!(built.success(), "cc failed on {}", source.display());
    let mut again = Command::new(env::current_exe()?);
    again
        .args(env::args_os().skip(1))
        .env("LD_PRELOAD", fs::canonicalize(library)?)
        .env(DELAY, delay);
    Err(Error::new(again.exec()).context("cannot begin anew"))
}
