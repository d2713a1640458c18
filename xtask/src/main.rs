//! The tasks of this repository: `cargo xtask --help`.

mod arguments;
mod build;
mod check;
mod compose;
mod debian;
mod demo;
mod edge;
mod postgres;
mod programs;
mod stripe;
mod test;
mod tidy;
mod toolchain;
mod tools;
mod up;
mod variables;
mod variant;
mod workspace;

use std::{ffi::OsString, process::ExitCode};

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::{
    variant::{Provider, Storage, Variant},
    workspace::Workspace,
};

/// Builds, runs, tests and checks Mercato.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Build the WebAssembly components into target/components, as far as they are out of date, and write the manifests of the
    /// variants, such as spin.stripe.toml, spin.postgres.toml and spin.edge.toml.
    Build {
        /// Only this one of compose/, for example orders-api.
        #[arg(long, value_name = "NAME")]
        component: Option<String>,
        /// Only what the application with this payment provider needs; by default, everything.
        #[arg(long)]
        provider: Option<Provider>,
        /// Only what the application with this store needs; by default, everything.
        #[arg(long)]
        storage: Option<Storage>,
        /// Only what the application for hosted platforms needs; by default, everything.
        #[arg(long)]
        edge: bool,
    },
    /// Build what is out of date and run the shop; arguments are those of `mercato up`.
    Up {
        /// Make an admin and fill an empty catalogue, so that there is something to try.
        #[arg(long)]
        demo: bool,
        #[command(flatten)]
        variant: Variant,
        /// For example: --redis redis://127.0.0.1:6379 --listen 127.0.0.1:8080
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<OsString>,
    },
    /// Print the SQL that makes the roles and databases of the shop on a PostgreSQL server.
    PostgresSetup,
    /// Ends a PostgreSQL when the program that started this one has ended.
    #[command(hide = true)]
    GuardPostgres {
        /// The number of the server's process.
        process: u32,
    },
    /// Make the secrets that have no default, once, into .mercato/variables.toml.
    Variables,
    /// Run the tests; the last line says how many passed and failed.
    Test(test::Selection),
    /// Measure throughput, latency, processor time, writes and memory of the shop against the same work in axum and rusqlite,
    /// and write bench/REPORT.md; needs wrk.
    Bench {
        /// For example: --quick, or --workloads order,purchase --connections 64 --seconds 10; all of them: -- --help
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
    CrashPoints(programs::CrashPoints),
    /// Let customers, an admin, Stripe and Redis live with a shop in which everything goes wrong, drawn from a seed, and
    /// check every evening what must be true.
    Simulate(programs::Simulate),
    /// Check formatting, tidiness, documents, dependencies, manifests and lints, and that the components build.
    Check,
}

fn main() -> Result<ExitCode> {
    let task = Arguments::parse().task;
    let workspace = Workspace::find()?;
    match task {
        Task::Build {
            component,
            provider,
            storage,
            edge,
        } => {
            let is_chosen = edge || provider.is_some() || storage.is_some();
            let provider = provider.unwrap_or_default();
            let chosen = if edge {
                Variant::on_edge(provider)
            } else {
                Variant::of(provider, storage.unwrap_or_default())
            };
            let variant = is_chosen.then_some(chosen);
            build::build(&workspace, variant, component.as_deref())?;
        }
        Task::Up {
            demo,
            variant,
            arguments,
        } => up::up(&workspace, demo, variant, &arguments)?,
        Task::PostgresSetup => postgres::print_setup(&workspace)?,
        Task::GuardPostgres { process } => up::guard(process)?,
        Task::Variables => variables::ensure(&variables::file(&workspace, &[]), Provider::Mock)?,
        Task::Test(selection) => return Ok(test::test(&workspace, selection)),
        Task::Bench { arguments } => programs::bench(&workspace, &arguments)?,
        Task::Openapi { check } => programs::openapi(&workspace, check)?,
        Task::Tools => tools::ensure(&workspace)?,
        Task::CrashPoints(wanted) => programs::crash_points(&workspace, &wanted)?,
        Task::Simulate(wanted) => programs::simulate(&workspace, &wanted)?,
        Task::Check => check::check(&workspace)?,
    }
    Ok(ExitCode::SUCCESS)
}
