//! The compiler for machines that reach Debian's packages but not rustup's: Debian's, with a standard library built from
//! Debian's source, and rustup's linkers.

use std::{env, fs, path::Path};

use anyhow::{Context as _, Result, bail};
use duct::{Expression, cmd};

use crate::{toolchain, workspace::run};

const RUSTC: &str = "/usr/bin/rustc";
const WASI_LIBC: &str = "/usr/lib/wasm32-wasi";
pub const PACKAGES: &str = "rustc-web rust-web-src wasi-libc";

/// Debian ships no `std` for the target, so Cargo builds one.
pub const BUILD_STD: &str = "-Zbuild-std=std,panic_abort";

/// Whether this is Debian, or something made from it.
pub fn is_here() -> bool {
    let release = fs::read_to_string("/etc/os-release").unwrap_or_default();
    let ids = release
        .lines()
        .filter(|line| line.starts_with("ID=") || line.starts_with("ID_LIKE="));
    ids.flat_map(|line| line.split(['=', '"', ' ']))
        .any(|id| id == "debian")
}

/// Whether compiler, source of the standard library and libc are there.
pub fn is_complete() -> bool {
    let root = cmd!(RUSTC, "--print", "sysroot").stderr_null().read();
    let has_source = |root| {
        Path::new(&root)
            .join("lib/rustlib/src/rust/library/std")
            .is_dir()
    };
    root.is_ok_and(has_source) && Path::new(WASI_LIBC).is_dir()
}

/// Installs what is missing; that takes root's rights.
pub fn ensure() -> Result<()> {
    if is_complete() {
        return Ok(());
    }
    eprintln!("Installing Debian's {PACKAGES}.");
    let apt = |arguments: &str| {
        let arguments = format!("-qq -o Dpkg::Use-Pty=0 {arguments}");
        let apt = cmd("apt-get", arguments.split(' ')).env("DEBIAN_FRONTEND", "noninteractive");
        run(apt.stdin_null().stdout_null())
    };
    apt("update")
        .and_then(|()| apt(&format!("install -y --no-install-recommends {PACKAGES}")))
        .with_context(toolchain::advice)?;
    if !is_complete() {
        bail!("{PACKAGES} are installed, but the source of Rust's standard library was not found");
    }
    Ok(())
}

/// Lets a build of Cargo use this compiler, with the linkers of the toolchain on `PATH`: Debian has none.
pub fn compile_with(cargo: Expression) -> Result<Expression> {
    let libraries = cmd!("rustc", "--print", "target-libdir").read()?;
    let linkers = Path::new(&libraries).with_file_name("bin");
    for name in ["rust-lld", "wasm-component-ld"] {
        if !linkers.join(name).is_file() {
            bail!(
                "{} has no {name}: install Rust with rustup, https://rustup.rs",
                linkers.display()
            );
        }
    }
    let path = env::var_os("PATH").unwrap_or_default();
    let path = env::join_paths([linkers].into_iter().chain(env::split_paths(&path)))?;
    Ok(cargo
        .env("RUSTC", RUSTC)
        // A stable Cargo builds a standard library only when told it may.
        .env("RUSTC_BOOTSTRAP", "1")
        .env("RUSTFLAGS", format!("-L {WASI_LIBC}"))
        .env("PATH", path))
}
