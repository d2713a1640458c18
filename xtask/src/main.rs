//! The tasks of this repository: `cargo xtask --help`.

mod build;
mod compose;
mod fingerprint;
mod process;
mod toolchain;
mod workspace;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::workspace::Workspace;

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
    },
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(arguments.task) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Not the `Debug` form of `main`'s own errors: it adds a stack trace that helps nobody.
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(task: Task) -> Result<()> {
    let workspace = Workspace::find()?;
    match task {
        Task::Build { component } => build::build(&workspace, component.as_deref()),
    }
}
