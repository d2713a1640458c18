//! `crash-points`: the whole of what the tests run a part of.

use anyhow::Result;

use crate::{build, process, provider::Provider, workspace::Workspace};

/// Crashes every scenario whose name contains `scenario` at every `stride`-th call; the report is a line a scenario.
///
/// # Errors
/// When something does not build, or was not true after a crash.
pub fn crash_points(workspace: &Workspace, scenario: &str, stride: u64) -> Result<()> {
    build::build(workspace, build::Selection::with(Provider::Mock))?;
    let mut cargo = process::cargo(workspace);
    cargo
        .arg("test")
        .args(process::PRODUCT)
        .args(["--test", "crash_points", "--", "--nocapture"])
        .env("MERCATO_CRASH_SCENARIO", scenario)
        .env("MERCATO_CRASH_STRIDE", stride.to_string());
    process::run(&mut cargo)
}
