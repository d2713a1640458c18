//! `test`: everything that can be tested, in stages, with one count at the end.

use std::{
    io::{BufRead as _, BufReader},
    process::ExitCode,
    thread,
    time::Instant,
};

use anyhow::{Context as _, Result, anyhow};
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
/// time, so that another store tells nothing new, and took most of the time.
const SLOW_ON_POSTGRES: [&str; 7] = [
    "tests::simulation",
    "tests::schedules",
    "a_cancellation_that_meets_the_making",
    "numbered_pages_of_many_matches",
    "a_walk_through_many_matches_sees_all_of_them_in_order",
    "a_walk_through_many_sees_what_stays_exactly_once",
    "many_matches_pass_a_filter_as_few_do",
];

/// Test programs that compute, on a clock of their own: at low priority beside all others, which wait for a part of their time.
const COMPUTING: [&str; 2] = ["crash_points", "simulation"];

/// Test programs that say how long somebody may wait while others are greedy: nothing runs beside them.
const TIMING: [&str; 1] = ["outsiders"];

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
        counts: Counts::default(),
    };
    if let Err(error) = run.stages() {
        // What could not even be started is a failure too, and the count still comes last.
        eprintln!("error: {error:#}");
        run.counts.add(Counts::of_failure(format!("{error:#}")));
    }
    let Counts {
        passed,
        failed,
        failed_names,
    } = run.counts;
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
    counts: Counts,
}

/// What came of tests.
#[derive(Debug, Default)]
struct Counts {
    passed: u64,
    failed: u64,
    failed_names: Vec<String>,
}

impl Counts {
    fn of_failure(name: String) -> Self {
        Self {
            failed: 1,
            failed_names: vec![name],
            ..Self::default()
        }
    }

    fn add(&mut self, more: Self) {
        self.passed += more.passed;
        self.failed += more.failed;
        self.failed_names.extend(more.failed_names);
    }
}

impl Run<'_> {
    fn stages(&mut self) -> Result<()> {
        let workspace = self.workspace;
        if self.selection.quick || self.selection.e2e {
            self.build()?;
            return self.test(None);
        }
        // Servers of packages are waited for while the processor builds.
        thread::scope(|scope| {
            let tools = scope.spawn(move || stage("tools", || tools::ensure(workspace)));
            self.build()?;
            let tools = tools.join();
            self.test(Some(tools.map_err(|_| anyhow!("the tools"))?))
        })
    }

    fn build(&self) -> Result<()> {
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
        })
    }

    fn test(&mut self, tools: Option<Result<()>>) -> Result<()> {
        let workspace = self.workspace;
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
        if let Some(tools) = tools {
            tools::unless_left_out(tools, "the tests that need these tools")?;
        }
        let programs = workspace.test_programs()?;
        let of = |is_wanted: &dyn Fn(&str) -> bool| -> String {
            let wanted = programs.iter().filter(|name| is_wanted(name));
            wanted.map(|name| format!(" --test {name}")).collect()
        };
        let is_computing = |name: &str| COMPUTING.contains(&name);
        let is_timing = |name: &str| TIMING.contains(&name);
        let others = of(&|name| !is_computing(name) && !is_timing(name));
        self.product_beside("crash points, simulation", &of(&is_computing), |run| {
            run.product("artifacts, servers, end to end, tools", &others)
        })?;
        self.product("outsiders", &of(&is_timing))
    }

    fn product(&mut self, name: &str, targets: &str) -> Result<()> {
        let arguments = format!("--no-fail-fast {targets}");
        self.counted(name, self.workspace.cargo_product("test", &arguments))
    }

    /// Runs targets at low priority as long as others run, and shows their output afterwards.
    fn product_beside(
        &mut self,
        name: &str,
        targets: &str,
        others: impl FnOnce(&mut Self) -> Result<()>,
    ) -> Result<()> {
        let arguments = format!("--no-fail-fast {targets}");
        let command = self.workspace.cargo_product_beside("test", &arguments);
        let command = self.chosen(command.stderr_to_stdout());
        thread::scope(|scope| {
            let beside = scope.spawn(|| {
                let (started, mut lines) = (Instant::now(), Vec::new());
                let counts = count(name, &command, |line| lines.push(line.to_owned()));
                (counts, lines, started.elapsed())
            });
            let outcome = others(self);
            let joined = beside.join();
            let (counts, lines, took) = joined.map_err(|_| anyhow!("stage `{name}`"))?;
            for line in lines {
                println!("{line}");
            }
            eprintln!("== {name}: {} s beside", took.as_secs());
            self.counts.add(counts?);
            outcome
        })
    }

    /// Runs a test command, shows its output and counts its tests.
    fn counted(&mut self, name: &str, command: Expression) -> Result<()> {
        let command = self.chosen(command);
        stage(name, || {
            let counts = count(name, &command, |line| println!("{line}"))?;
            self.counts.add(counts);
            Ok(())
        })
    }

    /// With what tests read from the environment.
    fn chosen(&self, command: Expression) -> Expression {
        let command = command.env("RUST_BACKTRACE", "0");
        if self.selection.quick {
            command.env("MERCATO_TEST_QUICK", "1")
        } else {
            command
        }
    }
}

/// Runs a test command, gives its output line by line and counts its tests. A command that fails without a failed test
/// (a test program that does not compile or crashes) counts as one failure.
fn count(name: &str, command: &Expression, mut show: impl FnMut(&str)) -> Result<Counts> {
    let output = command.unchecked().reader()?;
    let mut counts = Counts::default();
    for line in BufReader::new(&output).split(b'\n') {
        let line = line?;
        let line = String::from_utf8_lossy(&line);
        show(&line);
        let (passed, failed) = results(&line).unwrap_or_default();
        counts.passed += passed;
        counts.failed += failed;
        counts.failed_names.extend(failed_test(&line));
    }
    let has_succeeded = output
        .try_wait()?
        .is_some_and(|ended| ended.status.success());
    if !has_succeeded && counts.failed == 0 {
        let what = format!("a test program of `{name}` was not built or crashed");
        counts.add(Counts::of_failure(what));
    }
    Ok(counts)
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
    #[cfg(unix)]
    fn tests_are_counted_and_so_is_a_program_that_breaks() {
        let output = |status: u8| {
            let script = format!(
                "echo 'test a ... ok'; echo 'test result: ok. 2 passed; 0 failed'; exit {status}"
            );
            duct::cmd!("sh", "-c", script)
        };
        let mut shown = Vec::new();
        let whole = count("whole", &output(0), |line| shown.push(line.to_owned())).unwrap();
        assert_eq!((whole.passed, whole.failed), (2, 0));
        assert_eq!(shown[0], "test a ... ok");
        let broken = count("broken", &output(101), |_| ()).unwrap();
        assert_eq!((broken.passed, broken.failed), (2, 1));
        assert!(broken.failed_names[0].contains("broken"));
    }

    #[test]
    fn programs_that_run_otherwise_are_there() {
        let programs = Workspace::find().unwrap().test_programs().unwrap();
        for name in COMPUTING.into_iter().chain(TIMING) {
            assert!(programs.contains(name), "{name}");
        }
        assert!(programs.contains("e2e"));
    }

    #[test]
    fn failed_tests_are_named() {
        let failed = failed_test("test a::b ... FAILED");
        assert_eq!(failed, Some("a::b".to_owned()));
        assert_eq!(failed_test("test a::b ... ok"), None);
    }
}
