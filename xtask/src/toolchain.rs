//! Finding a compiler that makes `wasm32-wasip2` components, and installing it where that is possible.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};

use crate::{
    process::{self, find_program, output},
    workspace::Workspace,
};

/// The target of every guest.
pub const TARGET: &str = "wasm32-wasip2";

/// Chooses the toolchain by name (`rustup` or `debian`) instead of by what is installed.
const CHOICE_VARIABLE: &str = "MERCATO_GUEST_TOOLCHAIN";

/// How long `rustup target add` may take before it counts as out of reach.
const RUSTUP_LIMIT_SECONDS: u64 = 90;

/// How often a running `rustup` is looked at.
const RUSTUP_POLL_MILLISECONDS: u64 = 50;

/// The oldest compiler that builds the guests, as (major, minor); `rust-version` of the workspace.
const OLDEST_RUSTC: (u32, u32) = (1, 94);

const DEBIAN_RUSTC: &str = "/usr/bin/rustc";
const DEBIAN_WASI_LIBC: &str = "/usr/lib/wasm32-wasi";
const DEBIAN_PACKAGES: &[&str] = &["rustc-web", "rust-web-src", "wasi-libc"];

/// Settings of the native build that would reach into the guests' build.
const NATIVE_SETTINGS: &[&str] = &[
    "CARGO_BUILD_RUSTC",
    "CARGO_BUILD_RUSTC_WRAPPER",
    "CARGO_BUILD_RUSTC_WORKSPACE_WRAPPER",
    "CARGO_BUILD_RUSTFLAGS",
    "CARGO_BUILD_TARGET",
    "CARGO_ENCODED_RUSTFLAGS",
    "CARGO_INCREMENTAL",
    "RUSTC",
    "RUSTC_BOOTSTRAP",
    "RUSTC_WORKSPACE_WRAPPER",
    "RUSTC_WRAPPER",
    "RUSTDOCFLAGS",
    "RUSTFLAGS",
];

/// As above, by prefix.
const NATIVE_SETTINGS_PREFIXES: &[&str] = &["CARGO_PROFILE_", "CARGO_TARGET_", "CARGO_UNSTABLE_"];

/// A way to compile guests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Toolchain {
    /// The compiler on `PATH` has the target's standard library.
    Installed,
    /// Debian's compiler, with a standard library built from Debian's source and rustup's linkers.
    Debian {
        /// The folder of `rust-lld` and `wasm-component-ld`.
        linkers: PathBuf,
    },
}

impl Toolchain {
    /// Finds a toolchain, and installs what is missing if rustup or apt can.
    ///
    /// # Errors
    /// With the commands to type, when there is no way to do it here.
    pub fn find(workspace: &Workspace) -> Result<Self> {
        match env::var(CHOICE_VARIABLE).ok().as_deref() {
            Some("rustup") => return Self::installed().context(advice()),
            Some("debian") => return Self::debian(),
            Some(other) => bail!("{CHOICE_VARIABLE} is `{other}`; use `rustup` or `debian`"),
            None => {}
        }
        let memory = workspace.path("target/guest-toolchain");
        let remembered = fs::read_to_string(&memory).is_ok_and(|choice| choice.trim() == "debian");
        if remembered && debian_is_complete() {
            return Self::debian();
        }
        if let Some(installed) = Self::installed().or_else(add_with_rustup) {
            return Ok(installed);
        }
        if !is_debian() {
            bail!(advice());
        }
        let debian = Self::debian()?;
        fs::create_dir_all(workspace.path("target"))?;
        fs::write(&memory, "debian\n")
            .with_context(|| format!("cannot write {}", memory.display()))?;
        Ok(debian)
    }

    /// What compiles: any change of it makes every guest out of date.
    ///
    /// # Errors
    /// When the compiler does not run.
    pub fn identity(&self) -> Result<String> {
        match self {
            Self::Installed => output(Command::new("rustc").arg("-vV")),
            Self::Debian { .. } => {
                let version = output(Command::new(DEBIAN_RUSTC).arg("-vV"))?;
                Ok(format!("debian {version}"))
            }
        }
    }

    /// A `cargo build` of guests, to which the packages are still to be added.
    ///
    /// # Errors
    /// When a folder cannot be put on `PATH`.
    pub fn cargo_build(&self, workspace: &Workspace) -> Result<Command> {
        let mut cargo = process::cargo(workspace);
        for (name, _) in env::vars_os() {
            let native = name.to_str().is_some_and(|name| {
                NATIVE_SETTINGS.contains(&name)
                    || NATIVE_SETTINGS_PREFIXES
                        .iter()
                        .any(|prefix| name.starts_with(prefix))
            });
            if native {
                cargo.env_remove(name);
            }
        }
        cargo
            .args(["build", "--release", "--target", TARGET, "--target-dir"])
            .arg(workspace.guest_target());
        if let Self::Debian { linkers } = self {
            cargo
                .arg("-Zbuild-std=std,panic_abort")
                .env("RUSTC", DEBIAN_RUSTC)
                // Debian ships no `std` for the target; a stable Cargo builds one only when told it may.
                .env("RUSTC_BOOTSTRAP", "1")
                .env("RUSTFLAGS", format!("-L {DEBIAN_WASI_LIBC}"))
                .env("PATH", process::path_with(linkers)?);
        }
        Ok(cargo)
    }

    fn installed() -> Option<Self> {
        let libraries =
            output(Command::new("rustc").args(["--print", "target-libdir", "--target", TARGET]))
                .ok()?;
        Path::new(&libraries).is_dir().then_some(Self::Installed)
    }

    fn debian() -> Result<Self> {
        if !debian_is_complete() {
            install_debian_packages()?;
        }
        let version = output(Command::new(DEBIAN_RUSTC).arg("--version"))?;
        if parse_version(&version).is_none_or(|found| found < OLDEST_RUSTC) {
            let (major, minor) = OLDEST_RUSTC;
            bail!(
                "{DEBIAN_RUSTC} is `{version}`, but the guests need Rust {major}.{minor}\n{}",
                advice()
            );
        }
        Ok(Self::Debian {
            linkers: rustup_linkers()?,
        })
    }
}

/// Asks rustup for the target; `None` when there is no rustup or it cannot reach its server.
fn add_with_rustup() -> Option<Toolchain> {
    let rustup = find_program("rustup")?;
    eprintln!("The target {TARGET} is not installed: trying `rustup target add {TARGET}`.");
    let mut child = Command::new(rustup)
        .args(["target", "add", TARGET])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    let started = Instant::now();
    loop {
        match child.try_wait() {
            Ok(Some(status)) if status.success() => return Toolchain::installed(),
            Ok(Some(_)) => break,
            Ok(None) if started.elapsed() < Duration::from_secs(RUSTUP_LIMIT_SECONDS) => {
                thread::sleep(Duration::from_millis(RUSTUP_POLL_MILLISECONDS));
            }
            Ok(None) | Err(_) => {
                child.kill().ok();
                child.wait().ok();
                break;
            }
        }
    }
    eprintln!("rustup could not fetch it.");
    None
}

fn is_debian() -> bool {
    let release = fs::read_to_string("/etc/os-release").unwrap_or_default();
    release
        .lines()
        .filter_map(|line| {
            line.strip_prefix("ID=")
                .or_else(|| line.strip_prefix("ID_LIKE="))
        })
        .flat_map(|value| value.trim_matches('"').split_whitespace())
        .any(|id| id == "debian")
}

/// Whether compiler, source of the standard library and libc are there.
fn debian_is_complete() -> bool {
    let has_source =
        output(Command::new(DEBIAN_RUSTC).args(["--print", "sysroot"])).is_ok_and(|root| {
            Path::new(&root)
                .join("lib/rustlib/src/rust/library/std")
                .is_dir()
        });
    has_source && Path::new(DEBIAN_WASI_LIBC).is_dir()
}

fn install_debian_packages() -> Result<()> {
    let packages = DEBIAN_PACKAGES.join(" ");
    if !is_debian() || !is_root()? {
        bail!(advice());
    }
    eprintln!("Installing Debian's {packages}.");
    let apt = |arguments: &[&str]| {
        process::run(
            Command::new("apt-get")
                .args(["-qq", "-o", "Dpkg::Use-Pty=0"])
                .args(arguments)
                .env("DEBIAN_FRONTEND", "noninteractive")
                .stdin(Stdio::null())
                .stdout(Stdio::null()),
        )
    };
    apt(&["update"])?;
    let install = ["install", "-y", "--no-install-recommends"];
    apt(&[&install, DEBIAN_PACKAGES].concat())?;
    if !debian_is_complete() {
        bail!("{packages} are installed, but the source of Rust's standard library was not found");
    }
    Ok(())
}

fn is_root() -> Result<bool> {
    Ok(output(Command::new("id").arg("-u"))? == "0")
}

/// Debian's compiler comes without the linkers; the ones of the toolchain on `PATH` fit.
fn rustup_linkers() -> Result<PathBuf> {
    let root = output(Command::new("rustc").args(["--print", "sysroot"]))?;
    let version = output(Command::new("rustc").arg("-vV"))?;
    let host = version
        .lines()
        .find_map(|line| line.strip_prefix("host: "))
        .context("`rustc -vV` names no host")?;
    let linkers = Path::new(&root).join("lib/rustlib").join(host).join("bin");
    for name in ["rust-lld", "wasm-component-ld"] {
        if !linkers.join(name).is_file() {
            bail!(
                "{} has no {name}: install Rust with rustup, https://rustup.rs",
                linkers.display()
            );
        }
    }
    Ok(linkers)
}

/// `rustc 1.96.0 (...)` as (1, 96).
fn parse_version(text: &str) -> Option<(u32, u32)> {
    let number = text.split_whitespace().nth(1)?;
    let mut parts = number.split('.');
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

/// What to type on this kind of system.
fn advice() -> String {
    let rustup = if find_program("rustup").is_some() {
        format!("  rustup target add {TARGET}")
    } else {
        format!("  install Rust with rustup (https://rustup.rs), then: rustup target add {TARGET}")
    };
    let mut text = format!("The guests need a Rust compiler for {TARGET}. Get one with\n{rustup}");
    if is_debian() {
        let packages = DEBIAN_PACKAGES.join(" ");
        text.push_str(&format!(
            "\nor, where only package registries can be reached, as root:\n  \
             apt-get update && apt-get install --no-install-recommends {packages}"
        ));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_compiler_version_is_read_from_its_own_words() {
        assert_eq!(
            parse_version("rustc 1.96.0 (abc 2026-05-25)"),
            Some((1, 96))
        );
        assert_eq!(parse_version("rustc 1.63.0"), Some((1, 63)));
        assert_eq!(parse_version("gcc"), None);
    }

    #[test]
    fn old_compilers_are_older() {
        assert!(parse_version("rustc 1.63.0").unwrap() < OLDEST_RUSTC);
        assert!(parse_version("rustc 1.94.1").unwrap() >= OLDEST_RUSTC);
        assert!(parse_version("rustc 2.0.0").unwrap() >= OLDEST_RUSTC);
    }
}
