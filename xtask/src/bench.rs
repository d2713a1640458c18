//! `bench`: builds what is measured and what measures, then measures.

use std::{ffi::OsString, process::Command};

use anyhow::Result;

use crate::{
    build,
    process::{self, PRODUCT},
    provider::Provider,
    workspace::Workspace,
};

/// Runs the measurements; arguments are those of `mercato-bench`.
///
/// # Errors
/// When something does not build or the measurements fail.
pub fn bench(workspace: &Workspace, arguments: &[OsString]) -> Result<()> {
    build::build(workspace, build::Selection::with(Provider::Mock))?;
    let mut cargo = process::cargo(workspace);
    cargo
        .arg("build")
        .args(PRODUCT)
        .args(["--bin", "mercato", "--bin", "mercato-bench"]);
    process::run(&mut cargo)?;
    let mut bench = Command::new(workspace.native_binary("mercato-bench")?);
    bench
        .current_dir(workspace.root())
        .env("MERCATO_RUNNER", workspace.native_binary("mercato")?)
        .args(arguments);
    process::run(&mut bench)
}
