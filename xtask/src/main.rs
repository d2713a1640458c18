//! The tasks of this repository: `cargo xtask --help`.

mod bench;
mod build;
mod check;
mod compose;
mod demo;
mod dependencies;
mod evidence;
mod fingerprint;
mod manifest;
mod openapi;
mod process;
mod provider;
mod reliability;
mod test;
mod tidy;
mod toolchain;
mod tools;
mod up;
mod variables;
mod variants;
mod workspace;

use std::{ffi::OsString, process::ExitCode};

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::{provider::Provider, test::Selection, workspace::Workspace};

/// Builds, runs, tests and checks Mercato.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Build the WebAssembly components into target/components, as far as they are out of date.
    Build {
        /// Only this box of compose/, for example orders-api.
        #[arg(long, value_name = "BOX")]
        component: Option<String>,
        /// Only what the application with this payment provider needs; by default, everything.
        #[arg(long)]
        provider: Option<Provider>,
    },
    /// Build what is out of date and run the shop; arguments are those of `mercato up`.
    Up {
        /// Make an admin and fill an empty catalogue, so that there is something to try.
        #[arg(long)]
        demo: bool,
        /// The payment provider; Stripe needs its keys, see docs/stripe.md.
        #[arg(long, default_value = "mock")]
        provider: Provider,
        /// For example: --redis redis://127.0.0.1:6379 --listen 127.0.0.1:8080
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<OsString>,
    },
    /// Fill a running shop for `up --demo`.
    #[command(hide = true)]
    DemoFill(demo::Filling),
    /// Make the secrets that have no default, once, into .mercato/variables.toml.
    Variables,
    /// Run the tests; the last line says how many passed and failed.
    Test {
        /// Leave the slow tests out.
        #[arg(long)]
        quick: bool,
        /// Only the end-to-end tests over HTTP; with MERCATO_BASE_URL set, against the server that runs there.
        #[arg(long)]
        e2e: bool,
    },
    /// Measure start, memory and throughput of the runner against a native yardstick.
    Bench {
        /// For example: --connections 64 --seconds 10
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<OsString>,
    },
    /// Write the OpenAPI document to docs/openapi.json.
    Openapi {
        /// Write nothing; fail when the file is out of date.
        #[arg(long)]
        check: bool,
    },
    /// Install the tools that some tests need into target/tools: Redocly, Schemathesis, generators of clients.
    Tools,
    /// Crash the shop at every call it makes, scenario by scenario, and check what must be true after each.
    CrashPoints(reliability::CrashPoints),
    /// Let customers, an admin, Stripe and Redis live with a shop in which everything goes wrong, drawn from a seed, and
    /// check every evening what must be true.
    Simulate(reliability::Simulate),
    /// Check formatting, tidiness, manifest, contracts and lints, and that the components build.
    Check,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(arguments.task) {
        Ok(code) => code,
        Err(error) => {
            // Not the `Debug` form of `main`'s own errors: it adds a stack trace that helps nobody.
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(task: Task) -> Result<ExitCode> {
    let workspace = Workspace::find()?;
    match task {
        Task::Build {
            component,
            provider,
        } => {
            let name = component.as_deref();
            build::build(&workspace, build::Selection { provider, name })?;
        }
        Task::Up {
            demo,
            provider,
            arguments,
        } => up::up(&workspace, demo, provider, &arguments)?,
        Task::DemoFill(filling) => demo::fill(&workspace, &filling)?,
        Task::Variables => variables::ensure(&workspace, Provider::Mock)?,
        Task::Test { quick, e2e } => {
            return Ok(test::test(&workspace, Selection { quick, e2e }));
        }
        Task::Bench { arguments } => bench::bench(&workspace, &arguments)?,
        Task::Openapi { check } => openapi::openapi(&workspace, check)?,
        Task::Tools => tools::ensure(&workspace)?,
        Task::CrashPoints(wanted) => reliability::crash_points(&workspace, &wanted)?,
        Task::Simulate(wanted) => reliability::simulate(&workspace, &wanted)?,
        Task::Check => check::check(&workspace)?,
    }
    Ok(ExitCode::SUCCESS)
}
