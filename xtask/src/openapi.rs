//! `openapi`: the OpenAPI document, from the code into the repository.

use std::{fs, process::Command};

use anyhow::{Context as _, Result, bail};

use crate::{process, workspace::Workspace};

/// The program that prints the document.
const PROGRAM: &str = "mercato-openapi";

/// Writes the document to `docs/openapi.json`, or only says whether it is up to date.
///
/// # Errors
/// When an adapter's routes and its part of the document differ, or, with `check`, when the file is out of date.
pub fn openapi(workspace: &Workspace, check: bool) -> Result<()> {
    let mut cargo = process::cargo(workspace);
    cargo
        .arg("build")
        .args(process::PRODUCT)
        .args(["--bin", PROGRAM]);
    process::run(&mut cargo)?;
    let document = process::output(&mut Command::new(workspace.native_binary(PROGRAM)?))? + "\n";
    let path = workspace.openapi();
    if fs::read_to_string(&path).is_ok_and(|old| old == document) {
        return Ok(());
    }
    if check {
        bail!(
            "{} is out of date: run `cargo xtask openapi`",
            path.display()
        );
    }
    fs::write(&path, document).with_context(|| format!("cannot write {}", path.display()))?;
    eprintln!("Wrote {}", path.display());
    Ok(())
}
