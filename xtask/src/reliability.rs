//! `crash-points` and `simulate`: the whole of what the tests run a part of.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use mercato_platform::clock::{Clock as _, SystemClock};

use crate::{build, process, workspace::Workspace};

/// Which crashes are tried.
#[derive(Debug, Args)]
pub struct CrashPoints {
    /// Only scenarios whose name contains this, for example "refund".
    #[arg(long, default_value = "")]
    scenario: String,
    /// Only every so many-th call.
    #[arg(long, default_value_t = 1)]
    stride: u64,
    /// Break something on purpose, to see that it shows; docs/reliability.md names what can be broken, "outbox" for example.
    #[arg(long = "break", value_name = "WHAT", default_value = "")]
    sabotage: String,
}

/// What is simulated.
#[derive(Debug, Args)]
pub struct Simulate {
    /// Everything is drawn from it, so the same seed gives the same days; by default another one each time.
    #[arg(long)]
    seed: Option<u64>,
    /// How long, in steps: the turns of all who want something at the same time.
    #[arg(long, default_value_t = 1_000_000)]
    steps: u64,
    /// Break something on purpose, to see that it shows; docs/reliability.md names what can be broken, "outbox" for example.
    #[arg(long = "break", value_name = "WHAT", default_value = "")]
    sabotage: String,
    /// Write every step to this file.
    #[arg(long, value_name = "FILE")]
    trace: Option<PathBuf>,
}

/// Crashes every scenario whose name contains `scenario` at every `stride`-th call; the report is a line a scenario.
///
/// # Errors
/// When something does not build, or was not true after a crash.
pub fn crash_points(workspace: &Workspace, wanted: &CrashPoints) -> Result<()> {
    run(
        workspace,
        "crash_points",
        "no_crash_at_any_point_breaks_what_must_be_true",
        &[
            ("MERCATO_CRASH_SCENARIO", wanted.scenario.clone()),
            ("MERCATO_CRASH_STRIDE", wanted.stride.to_string()),
            ("MERCATO_CRASH_BREAK", wanted.sabotage.clone()),
        ],
    )
}

/// Lets a shop live for so many steps, with everything that can go wrong; says from which seed.
///
/// # Errors
/// When something does not build, or was not true.
pub fn simulate(workspace: &Workspace, wanted: &Simulate) -> Result<()> {
    // Short enough to be typed, and new each time.
    let seed = wanted.seed.unwrap_or_else(|| SystemClock.now_seconds());
    println!("seed {seed}, {} steps", wanted.steps);
    let mut environment = vec![
        ("MERCATO_SIMULATE_SEED", seed.to_string()),
        ("MERCATO_SIMULATE_STEPS", wanted.steps.to_string()),
        ("MERCATO_SIMULATE_BREAK", wanted.sabotage.clone()),
    ];
    if let Some(trace) = &wanted.trace {
        // The test program runs in another folder.
        let trace = std::path::absolute(trace)?;
        environment.push(("MERCATO_SIMULATE_TRACE", trace.display().to_string()));
    }
    run(
        workspace,
        "simulation",
        "whatever_goes_wrong_everything_holds_in_the_evening",
        &environment,
    )
}

/// One test of the reliability crate, with what it prints.
fn run(
    workspace: &Workspace,
    program: &str,
    test: &str,
    environment: &[(&str, String)],
) -> Result<()> {
    build::build(workspace, build::Selection::ALL)?;
    let mut cargo = process::cargo(workspace);
    cargo
        .arg("test")
        .args(process::PRODUCT)
        .args(["--test", program, "--", "--nocapture", "--exact", test])
        .envs(environment.iter().map(|(name, value)| (name, value)));
    process::run(&mut cargo)
}
