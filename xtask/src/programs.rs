//! `bench`, `openapi`, `crash-points` and `simulate`: programs of other packages, built and run.

use std::{ffi::OsString, path::PathBuf};

use anyhow::{Result, bail};
use clap::Args;
use duct::Expression;
use mercato_platform::random;

use crate::{
    build,
    variant::{Storage, Variant},
    workspace::{Workspace, replace, run},
};

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
    /// Where the shop keeps its data.
    #[arg(long, default_value = "sqlite")]
    storage: Storage,
    /// The shop as on a hosted platform.
    #[arg(long)]
    edge: bool,
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
    /// The shop as on a hosted platform, which a cron keeps going; in files all the same.
    #[arg(long)]
    edge: bool,
    /// Write every step to this file.
    #[arg(long, value_name = "FILE")]
    trace: Option<PathBuf>,
}

/// Crashes every scenario whose name contains `scenario` at every `stride`-th call; the report is a line a scenario.
pub fn crash_points(workspace: &Workspace, wanted: &CrashPoints) -> Result<()> {
    let storage = if wanted.edge {
        "edge"
    } else {
        wanted.storage.name()
    };
    let environment = [
        ("MERCATO_CRASH_SCENARIO", wanted.scenario.clone()),
        ("MERCATO_CRASH_STRIDE", wanted.stride.to_string()),
        ("MERCATO_CRASH_BREAK", wanted.sabotage.clone()),
        ("MERCATO_CRASH_STORAGE", storage.to_owned()),
    ];
    let test = "no_crash_at_any_point_breaks_what_must_be_true";
    reliability(workspace, "crash_points", test, &environment)
}

/// Lets a shop live for so many steps, with everything that can go wrong; says from which seed.
pub fn simulate(workspace: &Workspace, wanted: &Simulate) -> Result<()> {
    // Short enough to be typed, and new each time.
    let seed = wanted
        .seed
        .unwrap_or_else(|| u32::from_le_bytes(random::bytes()).into());
    println!("seed {seed}, {} steps", wanted.steps);
    // The test program runs in another folder.
    let trace = wanted.trace.as_ref().map(std::path::absolute).transpose()?;
    let mut environment = vec![
        ("MERCATO_SIMULATE_SEED", seed.to_string()),
        ("MERCATO_SIMULATE_STEPS", wanted.steps.to_string()),
        ("MERCATO_SIMULATE_BREAK", wanted.sabotage.clone()),
        ("MERCATO_SIMULATE_EDGE", u8::from(wanted.edge).to_string()),
    ];
    environment.extend(trace.map(|trace| ("MERCATO_SIMULATE_TRACE", trace.display().to_string())));
    let test = "whatever_goes_wrong_everything_holds_in_the_evening";
    reliability(workspace, "simulation", test, &environment)
}

/// One test of the reliability crate, with what it prints.
fn reliability(
    workspace: &Workspace,
    program: &str,
    test: &str,
    environment: &[(&str, String)],
) -> Result<()> {
    build::build(workspace, None, None)?;
    let arguments = format!("--test {program} -- --nocapture --exact {test}");
    let cargo = workspace.cargo_product("test", &arguments);
    let variables = environment.iter();
    run(variables.fold(cargo, |cargo, (name, value)| cargo.env(name, value)))
}

/// The workspace of what measures and of the yardstick, and where it is built.
pub const BENCH_MANIFEST: &str = "bench/Cargo.toml";
pub const BENCH_TARGET: &str = "target/bench";

/// Builds what is measured and what measures, then measures; arguments are those of `mercato-bench`.
pub fn bench(workspace: &Workspace, arguments: &[OsString]) -> Result<()> {
    // Sooner than after all that building.
    if workspace
        .program("wrk", "-v")
        .stdout_null()
        .stderr_null()
        .unchecked()
        .run()
        .is_err()
    {
        bail!(
            "wrk is missing: install it, for example with `apt-get install wrk` or `brew install wrk`"
        );
    }
    build::build(workspace, Some(Variant::default()), None)?;
    let runner = workspace.built("mercato")?;
    run(bench_cargo(workspace, "build", "--release --workspace"))?;
    let program = |name| workspace.path(BENCH_TARGET).join("release").join(name);
    let bench = duct::cmd(program("mercato-bench"), arguments);
    let bench = bench.env("MERCATO_NATIVE", program("native"));
    run(bench.dir(workspace.path("")).env("MERCATO_RUNNER", runner))
}

/// `cargo` for the workspace of what measures.
pub fn bench_cargo(workspace: &Workspace, subcommand: &str, arguments: &str) -> Expression {
    let place = format!("--manifest-path {BENCH_MANIFEST} --target-dir {BENCH_TARGET}");
    workspace.cargo(&format!("{subcommand} {place} {arguments}"))
}

/// Writes the OpenAPI document, from the code into the repository, or only says whether it is up to date.
pub fn openapi(workspace: &Workspace, check: bool) -> Result<()> {
    const DOCUMENT: &str = "docs/openapi.json";
    let program = workspace.built("mercato-openapi")?;
    let document = workspace.program(program, "").read()? + "\n";
    if check && workspace.read(DOCUMENT)? != document {
        bail!("{DOCUMENT} is out of date: run `cargo xtask openapi`");
    }
    if replace(&workspace.path(DOCUMENT), document)? {
        eprintln!("Wrote {DOCUMENT}");
    }
    Ok(())
}
