//! Starting Cargo: without what an outer Cargo left in the environment, and without words when there is nothing to do.

use std::{
    env,
    io::{self, BufRead as _, BufReader},
    process::{Command, ExitStatus, Stdio},
};

/// Set by `cargo run` for the program it runs; an inner Cargo must not take them for its own.
const LEFT_BY_CARGO_RUN: &[&str] = &[
    "CARGO",
    "CARGO_BIN_NAME",
    "CARGO_CRATE_NAME",
    "CARGO_MAKEFLAGS",
    "CARGO_MANIFEST_DIR",
    "CARGO_MANIFEST_LINKS",
    "CARGO_MANIFEST_PATH",
    "CARGO_PRIMARY_PACKAGE",
    "CARGO_TARGET_TMPDIR",
    "DYLD_FALLBACK_LIBRARY_PATH",
    "LD_LIBRARY_PATH",
    "OUT_DIR",
];

/// As above, by prefix.
const LEFT_BY_CARGO_RUN_PREFIXES: &[&str] = &["CARGO_PKG_", "CARGO_BIN_EXE_"];

/// Cargo's last word, which says nothing new when there was nothing to do.
const CARGO_FINISHED: &str = "Finished `";

/// A `cargo` command, as if typed into a fresh shell.
#[must_use]
pub fn cargo() -> Command {
    let program = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(program);
    for (name, _) in env::vars_os() {
        let left = name.to_str().is_some_and(|name| {
            LEFT_BY_CARGO_RUN.contains(&name)
                || LEFT_BY_CARGO_RUN_PREFIXES
                    .iter()
                    .any(|prefix| name.starts_with(prefix))
        });
        if left {
            command.env_remove(name);
        }
    }
    command
}

/// Runs Cargo and passes on what it says, except that it has finished.
///
/// # Errors
/// When it cannot be started, or what it says cannot be read.
pub fn run_tersely(cargo: &mut Command) -> io::Result<ExitStatus> {
    let mut child = cargo.stderr(Stdio::piped()).spawn()?;
    let lines = child.stderr.take().map(BufReader::new);
    for line in lines.into_iter().flat_map(|output| output.lines()) {
        let line = line?;
        if is_news(&line) {
            eprintln!("{line}");
        }
    }
    child.wait()
}

fn is_news(line: &str) -> bool {
    !line.trim_start().starts_with(CARGO_FINISHED)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_that_cargo_has_finished_is_no_news() {
        let finished = "    Finished `dev` profile [optimized + debuginfo] target(s) in 0.21s";
        assert!(!is_news(finished));
        for line in [
            "   Compiling xtask v0.1.0 (/shop/xtask)",
            "error: could not compile `xtask` (bin \"xtask\") due to 1 previous error",
            "",
        ] {
            assert!(is_news(line), "{line}");
        }
    }

    /// Dependencies would be fetched and compiled in silence.
    #[test]
    fn what_cargo_compiles_in_silence_has_no_dependencies() {
        let manifest = include_str!("../Cargo.toml");
        let (_, dependencies) = manifest.split_once("[dependencies]").unwrap();
        assert_eq!(dependencies.trim(), "");
        let alias = include_str!("../../../.cargo/config.toml");
        assert!(alias.contains("\"run --quiet --package xtask-start --\""));
    }
}
