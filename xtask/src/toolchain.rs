//! The compiler that makes components: the one on `PATH`, with the target installed by rustup where that is possible.

use std::{
    collections::BTreeSet,
    env, fs,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context as _, Result, bail};
use duct::cmd;

use crate::{
    debian,
    workspace::{Workspace, run, without_variables},
};

/// The target of every component.
pub const TARGET: &str = "wasm32-wasip2";

/// Cargo's target directory for components: their own, because their standard library may be built with them.
pub const FOLDER: &str = "target/guest";

/// Chooses the toolchain by name (`rustup` or `debian`) instead of by what is installed.
const CHOICE_VARIABLE: &str = "MERCATO_GUEST_TOOLCHAIN";

/// Remembers that rustup could not fetch the target, so that it is not asked each time.
const CHOICE_FILE: &str = "target/guest-toolchain";

/// How long `rustup target add` may take before it counts as out of reach.
const RUSTUP_LIMIT: Duration = Duration::from_secs(90);

/// Settings of the native build that would reach into that of the components, by prefix.
const NATIVE_SETTINGS: &str = "CARGO_BUILD_RUST CARGO_BUILD_TARGET CARGO_ENCODED_RUSTFLAGS CARGO_INCREMENTAL \
    CARGO_PROFILE_ CARGO_TARGET_ CARGO_UNSTABLE_ RUSTC RUSTFLAGS";

/// Compiles packages to components, as far as they are out of date.
pub fn build(workspace: &Workspace, packages: &BTreeSet<&str>) -> Result<()> {
    let is_debian = uses_debian(workspace)?;
    let build_std = if is_debian { debian::BUILD_STD } else { "" };
    let packages: Vec<_> = packages
        .iter()
        .map(|name| format!("--package {name}"))
        .collect();
    let arguments = format!(
        "build --release --target {TARGET} --target-dir {FOLDER} {build_std} {}",
        packages.join(" ")
    );
    let mut cargo = workspace.cargo(&arguments);
    if is_debian {
        cargo = debian::compile_with(cargo)?;
    }
    // What is set further inside stays.
    run(without_variables(cargo, NATIVE_SETTINGS)).context("the components do not build")
}

/// Where Cargo puts the component of a package.
pub fn artifact(workspace: &Workspace, package: &str) -> PathBuf {
    let file = format!(
        "{FOLDER}/{TARGET}/release/{}.wasm",
        package.replace('-', "_")
    );
    workspace.path(file)
}

/// Chooses between the compiler on `PATH` and Debian's, and installs what is missing if rustup or apt can.
fn uses_debian(workspace: &Workspace) -> Result<bool> {
    match env::var(CHOICE_VARIABLE).as_deref() {
        Ok("rustup") if is_installed() => return Ok(false),
        Ok("rustup") => bail!(advice()),
        Ok("debian") => return debian::ensure().map(|()| true),
        Ok(other) => bail!("{CHOICE_VARIABLE} is `{other}`; use `rustup` or `debian`"),
        Err(_) => {}
    }
    let memory = workspace.path(CHOICE_FILE);
    if memory.is_file() && debian::is_complete() {
        return Ok(true);
    }
    if is_installed() || add_with_rustup() {
        return Ok(false);
    }
    if !debian::is_here() {
        bail!(advice());
    }
    debian::ensure()?;
    fs::write(&memory, "debian\n").with_context(|| format!("cannot write {}", memory.display()))?;
    Ok(true)
}

/// Whether the compiler on `PATH` has the target's standard library.
fn is_installed() -> bool {
    let libraries = cmd!("rustc", "--print", "target-libdir", "--target", TARGET);
    let libraries = libraries.stderr_null().read();
    libraries.is_ok_and(|folder| Path::new(&folder).is_dir())
}

/// Asks rustup for the target, in the version of the toolchain in use; false when there is no rustup or it cannot reach its
/// server.
fn add_with_rustup() -> bool {
    let rustup = cmd!("rustup", "target", "add", TARGET).unchecked();
    let Ok(rustup) = rustup.stdin_null().stdout_null().stderr_null().start() else {
        return false;
    };
    eprintln!("The target {TARGET} is not installed: trying `rustup target add {TARGET}`.");
    match rustup.wait_timeout(RUSTUP_LIMIT) {
        Ok(Some(output)) if output.status.success() => return is_installed(),
        Ok(Some(_)) => {}
        // It goes on waiting for its server, for nobody.
        Ok(None) | Err(_) => drop(rustup.kill()),
    }
    eprintln!("rustup could not fetch it.");
    false
}

/// What to type where nothing else is left.
pub fn advice() -> String {
    format!(
        "The components need a Rust compiler for {TARGET}. With rustup (https://rustup.rs):\n  \
         rustup target add {TARGET}\n\
         or, on a Debian that reaches only package registries, as root:\n  \
         apt-get update && apt-get install --no-install-recommends {}",
        debian::PACKAGES
    )
}
