//! `test`: everything that can be tested, in stages, with one count at the end.

use std::{
    io::{BufRead as _, BufReader},
    process::ExitCode,
    time::Instant,
};

use anyhow::{Context as _, Result};
use duct::Expression;

use crate::{
    build, tools,
    variant::Variant,
    workspace::{Workspace, run},
};

/// The variants of the application that tests start.
const COMPILED: [Variant; 5] = {
    let [default, stripe, postgres, _, edge, _, simulated] = Variant::ALL;
    [default, stripe, postgres, edge, simulated]
};

/// Unit tests that are left out on PostgreSQL: they run the statements of others in hundreds of orders or of places, one connection at a
/// time, so that another store tells nothing new, and took more than half of the time.
const SLOW_ON_POSTGRES: [&str; 4] = [
    "tests::simulation",
    "tests::schedules",
    "a_cancellation_that_meets_the_making",
    "numbered_pages_of_many_matches",
];

/// What to test.
#[derive(Debug, Clone, Copy, clap::Args)]
pub struct Selection {
    /// Leave the slow tests out.
    #[arg(long)]
    quick: bool,
    /// Only the end-to-end tests over HTTP; with MERCATO_BASE_URL set, against the server that runs there.
    #[arg(long)]
    e2e: bool,
}

/// Runs the tests; fails when something does not build, a test failed, or there was none. The count is the last line.
pub fn test(workspace: &Workspace, selection: Selection) -> ExitCode {
    let started = Instant::now();
    let mut run = Run {
        workspace,
        selection,
        passed: 0,
        failed: 0,
        failed_names: Vec::new(),
    };
    if let Err(error) = run.stages() {
        // What could not even be started is a failure too, and the count still comes last.
        eprintln!("error: {error:#}");
        run.failed += 1;
        run.failed_names.push(format!("{error:#}"));
    }
    let Run {
        passed,
        failed,
        failed_names,
        ..
    } = run;
    eprintln!("== all stages: {} s", started.elapsed().as_secs());
    // Next to the count: a log that was cut still says what to look at.
    for name in failed_names {
        println!("failed: {name}");
    }
    println!("{passed} passed, {failed} failed");
    if passed > 0 && failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

struct Run<'a> {
    workspace: &'a Workspace,
    selection: Selection,
    passed: u64,
    failed: u64,
    failed_names: Vec<String>,
}

impl Run<'_> {
    fn stages(&mut self) -> Result<()> {
        let workspace = self.workspace;
        // Also for a shop that runs elsewhere: some tests start one of their own.
        stage("components", || build::build(workspace, None, None))?;
        stage("runner and test programs", || {
            run(workspace.cargo_product("build", "--all-targets"))
        })?;
        // Once, before several servers start at the same time; the folder is the one they all share.
        stage("compiled components", || {
            COMPILED.into_iter().try_for_each(|variant| {
                let compile = format!(
                    "compile --data-dir target/test-data --app {}",
                    variant.manifest()
                );
                run(workspace.program(workspace.binary("mercato")?, &compile))
            })
        })?;
        if self.selection.e2e {
            return self.product("end to end", "--test e2e");
        }
        self.product("unit tests", "--lib --bins")?;
        let left_out = SLOW_ON_POSTGRES.map(|name| format!(" --skip {name}"));
        let contexts = format!(
            "test --no-fail-fast --lib -- store:: backend:: application::{}",
            left_out.concat()
        );
        let contexts = workspace.cargo_product_with("with-postgres", &contexts)?;
        self.counted("contexts on PostgreSQL", contexts)?;
        self.counted(
            "tests of the tasks",
            workspace.cargo("test --profile xtask --package xtask"),
        )?;
        self.product("examples in the documentation", "--doc")?;
        if !self.selection.quick {
            let tools = stage("tools", || tools::ensure(workspace));
            tools::unless_left_out(tools, "the tests that need these tools")?;
        }
        self.product("artifacts, servers, end to end, tools", "--test *")
    }

    fn product(&mut self, name: &str, targets: &str) -> Result<()> {
        let arguments = format!("--no-fail-fast {targets}");
        self.counted(name, self.workspace.cargo_product("test", &arguments))
    }

    /// Runs a test command, shows its output and counts its tests. A command that fails without a failed test
    /// (a test program that does not compile or crashes) counts as one failure.
    fn counted(&mut self, name: &str, command: Expression) -> Result<()> {
        let mut command = command.env("RUST_BACKTRACE", "0");
        if self.selection.quick {
            command = command.env("MERCATO_TEST_QUICK", "1");
        }
        stage(name, || {
            let output = command.unchecked().reader()?;
            let failed_before = self.failed;
            for line in BufReader::new(&output).split(b'\n') {
                let line = line?;
                let line = String::from_utf8_lossy(&line);
                println!("{line}");
                let (passed, failed) = results(&line).unwrap_or_default();
                self.passed += passed;
                self.failed += failed;
                self.failed_names.extend(failed_test(&line));
            }
            let has_succeeded = output
                .try_wait()?
                .is_some_and(|ended| ended.status.success());
            if !has_succeeded && self.failed == failed_before {
                self.failed += 1;
                self.failed_names.push(format!(
                    "a test program of `{name}` was not built or crashed"
                ));
            }
            Ok(())
        })
    }
}

/// How many tests passed and failed, if a line of libtest's output says so.
fn results(line: &str) -> Option<(u64, u64)> {
    let result = line.trim_start().strip_prefix("test result: ")?;
    let words: Vec<_> = result.split([' ', ';']).collect();
    let number_of = |what| {
        let mut pairs = words.windows(2);
        pairs.find_map(|pair| (pair.last() == Some(&what)).then(|| pair.first()?.parse().ok())?)
    };
    Some((number_of("passed")?, number_of("failed")?))
}

/// The name of the test that a line of libtest's output reports as failed.
fn failed_test(line: &str) -> Option<String> {
    let report = line.trim_end().strip_suffix(" ... FAILED")?;
    Some(report.strip_prefix("test ")?.to_owned())
}

fn stage(name: &str, work: impl FnOnce() -> Result<()>) -> Result<()> {
    eprintln!("== {name}");
    let started = Instant::now();
    work().with_context(|| format!("stage `{name}`"))?;
    eprintln!("== {name}: {} s", started.elapsed().as_secs());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_read_from_the_words_of_libtest() {
        let line = "test result: FAILED. 12 passed; 4 failed; 1 ignored; 0 measured; 3 filtered out; finished in 0.01s";
        assert_eq!(results(line), Some((12, 4)));
        assert_eq!(results("running 3 tests"), None);
    }

    #[test]
    fn failed_tests_are_named() {
        let failed = failed_test("test a::b ... FAILED");
        assert_eq!(failed, Some("a::b".to_owned()));
        assert_eq!(failed_test("test a::b ... ok"), None);
    }
}
