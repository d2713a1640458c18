//! Runs a command with a PostgreSQL of its own: `cargo run -p mercato-testing --bin with-postgres -- cargo test -p orders`.
//!
//! The server keeps its files in a temporary folder, writes nothing through to the disk, and is gone when the command has ended. Where
//! there is no PostgreSQL the command runs without one, which is said.

use std::env;
use std::process::{Command, ExitCode};

use mercato_postgres_server::{Programs, Server};

/// What tests read the address of the server from.
const VARIABLE: &str = "MERCATO_TEST_POSTGRES";

fn main() -> ExitCode {
    let mut arguments = env::args_os().skip(1);
    let Some(program) = arguments.next() else {
        eprintln!("with-postgres COMMAND…: runs that with a PostgreSQL of its own");
        return ExitCode::FAILURE;
    };
    let mut command = Command::new(program);
    command.args(arguments);
    let server = match Server::temporary(&[]) {
        Ok(Some(server)) => Some(server),
        Ok(None) => {
            eprintln!("left out: {}", Programs::advice());
            None
        }
        Err(error) => {
            eprintln!("left out: there is no PostgreSQL for the tests ({error:#})");
            None
        }
    };
    if let Some(server) = &server {
        command.env(VARIABLE, server.address());
    }
    match command.status() {
        Ok(status) if status.success() => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
