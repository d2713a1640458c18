//! `test`: everything that can be tested, in stages, with one count at the end.

use std::{
    io::{BufRead as _, BufReader},
    process::{Command, ExitCode, Stdio},
    time::Instant,
};

use anyhow::{Context as _, Result};

use crate::{
    build,
    process::{self, PRODUCT},
    provider::Provider,
    tools,
    workspace::Workspace,
};

/// The end-to-end tests over HTTP, which can also run against a server that was started otherwise.
const END_TO_END: &str = "e2e";

/// What to test.
#[derive(Debug, Clone, Copy)]
pub struct Selection {
    /// Leave the slow tests out.
    pub quick: bool,
    /// Only the end-to-end tests over HTTP.
    pub e2e: bool,
}

/// Runs the tests; fails when something does not build, a test failed, or there was none. The count is the last line.
pub fn test(workspace: &Workspace, selection: Selection) -> ExitCode {
    let mut run = Run {
        workspace,
        selection,
        started: Instant::now(),
        count: Count::default(),
    };
    if let Err(error) = run.stages() {
        // What could not even be started is a failure too, and the count still comes last.
        eprintln!("error: {error:#}");
        run.count.failed += 1;
    }
    run.finish()
}

/// Passed and failed tests.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Count {
    passed: u64,
    failed: u64,
}

impl Count {
    /// Adds what a line of libtest's output tells; other lines tell nothing.
    fn add_line(&mut self, line: &str) {
        let Some(result) = line.trim_start().strip_prefix("test result: ") else {
            return;
        };
        // "ok. 12 passed; 0 failed; 1 ignored; 0 measured; 3 filtered out; finished in 0.01s"
        let numbers = result.split_once(". ").map_or(result, |(_, rest)| rest);
        for part in numbers.split("; ") {
            let Some((number, what)) = part.split_once(' ') else {
                continue;
            };
            let number = number.parse().unwrap_or(0);
            match what {
                "passed" => self.passed += number,
                "failed" => self.failed += number,
                _ => {}
            }
        }
    }
}

struct Run<'a> {
    workspace: &'a Workspace,
    selection: Selection,
    started: Instant,
    count: Count,
}

impl Run<'_> {
    fn stages(&mut self) -> Result<()> {
        // Also for a shop that runs elsewhere: some tests start one of their own.
        self.prepare()?;
        if self.selection.e2e {
            return self.stage("end to end", |run| run.cargo_test(&["--test", END_TO_END]));
        }
        self.everything()
    }

    /// Components, runner and test programs.
    fn prepare(&mut self) -> Result<()> {
        self.stage("components", |run| {
            build::build(run.workspace, build::Selection::ALL)
        })?;
        self.stage("runner and test programs", |run| {
            process::run(
                process::cargo(run.workspace)
                    .arg("build")
                    .args(PRODUCT)
                    .arg("--all-targets"),
            )
        })?;
        // Once, before several servers start at the same time; the folder is the one they all share.
        self.stage("compiled components", |run| {
            for provider in Provider::ALL {
                process::run(
                    Command::new(run.workspace.native_binary("mercato")?)
                        .current_dir(run.workspace.root())
                        .args(["compile", "--app", provider.manifest()])
                        .args(["--data-dir", "target/test-data"]),
                )?;
            }
            Ok(())
        })
    }

    fn everything(&mut self) -> Result<()> {
        self.stage("unit tests", |run| run.cargo_test(&["--lib", "--bins"]))?;
        self.stage("tests of the tasks", |run| {
            let mut cargo = process::cargo(run.workspace);
            cargo.args(["test", "--package", "xtask"]);
            run.counted(&mut cargo)
        })?;
        self.stage("examples in the documentation", |run| {
            run.cargo_test(&["--doc"])
        })?;
        if !self.selection.quick {
            self.stage("tools", |run| tools::ensure_for_tests(run.workspace))?;
        }
        self.stage("artifacts, servers, end to end, tools", |run| {
            run.cargo_test(&["--test", "*"])
        })
    }

    fn cargo_test(&mut self, targets: &[&str]) -> Result<()> {
        let mut cargo = process::cargo(self.workspace);
        cargo
            .arg("test")
            .args(PRODUCT)
            .arg("--no-fail-fast")
            .args(targets);
        self.counted(&mut cargo)
    }

    /// Runs a test command, shows its output and counts its tests. A command that fails without a failed test
    /// (a test program that does not compile or crashes) counts as one failure.
    fn counted(&mut self, command: &mut Command) -> Result<()> {
        command.env("RUST_BACKTRACE", "0").stdout(Stdio::piped());
        if self.selection.quick {
            command.env("MERCATO_TEST_QUICK", "1");
        }
        let mut child = command.spawn().context("cannot start cargo")?;
        let output = child.stdout.take().context("cargo has no output")?;
        let mut count = Count::default();
        for line in BufReader::new(output).split(b'\n') {
            let line = line.context("cannot read cargo's output")?;
            let line = String::from_utf8_lossy(&line);
            println!("{line}");
            count.add_line(&line);
        }
        let succeeded = child.wait().context("cannot wait for cargo")?.success();
        if !succeeded && count.failed == 0 {
            count.failed = 1;
        }
        self.count.passed += count.passed;
        self.count.failed += count.failed;
        Ok(())
    }

    fn stage(&mut self, name: &str, work: impl FnOnce(&mut Self) -> Result<()>) -> Result<()> {
        eprintln!("== {name}");
        let started = Instant::now();
        work(self).with_context(|| format!("stage `{name}`"))?;
        eprintln!("== {name}: {} s", started.elapsed().as_secs());
        Ok(())
    }

    fn finish(self) -> ExitCode {
        let Count { passed, failed } = self.count;
        eprintln!("== all stages: {} s", self.started.elapsed().as_secs());
        println!("{passed} passed, {failed} failed");
        if passed > 0 && failed == 0 {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_summed() {
        let mut count = Count::default();
        for line in [
            "running 3 tests",
            "test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 3 filtered out; finished in 0.01s",
            "test result: FAILED. 2 passed; 4 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.00s",
        ] {
            count.add_line(line);
        }
        assert_eq!(
            count,
            Count {
                passed: 14,
                failed: 4
            }
        );
    }
}
