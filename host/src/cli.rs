//! The command line.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use tracing_subscriber::EnvFilter;

use crate::error::{Error, Result};
use crate::shop::{Builder, Shop};
use crate::variables;

/// What is logged unless `RUST_LOG` says otherwise.
const DEFAULT_LOG: &str = "info,wasmtime=warn,wasmtime_wasi=warn,wasmtime_wasi_http=warn";

/// Runs the application of a spin.toml.
#[derive(Debug, Parser)]
#[command(name = "mercato", version, about)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Starts the application and runs it until Ctrl-C or SIGTERM.
    Up(Up),
    /// Compiles the components into the cache, so that the next start is quick.
    Compile(Compile),
}

#[derive(Debug, Args)]
struct Up {
    /// The application's manifest.
    #[arg(long, short = 'f', default_value = "spin.toml", value_name = "FILE")]
    app: PathBuf,
    /// Where the databases live; by default runtime-config.toml beside the manifest, if there is one.
    #[arg(long, value_name = "FILE")]
    runtime_config_file: Option<PathBuf>,
    /// Address to listen on; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:3000", value_name = "ADDRESS")]
    listen: String,
    /// Folder of the compile cache, of variables.toml, and of the databases configured under .mercato/ [default: .mercato]
    #[arg(long, value_name = "FOLDER")]
    data_dir: Option<PathBuf>,
    /// Use this Redis server for events instead of carrying them inside the process; also sets redis_url.
    #[arg(long, value_name = "URL")]
    redis: Option<String>,
    /// An application variable as KEY=VALUE, or a TOML file of them as @FILE; may be repeated, the last one counts.
    #[arg(long, value_name = "KEY=VALUE | @FILE")]
    variable: Vec<String>,
    /// Serve Prometheus metrics at http://ADDRESS/metrics.
    #[arg(long, value_name = "ADDRESS")]
    metrics_listen: Option<String>,
}

#[derive(Debug, Args)]
struct Compile {
    /// The application's manifest.
    #[arg(long, short = 'f', default_value = "spin.toml", value_name = "FILE")]
    app: PathBuf,
    /// Folder of the compile cache [default: .mercato]
    #[arg(long, value_name = "FOLDER")]
    data_dir: Option<PathBuf>,
}

/// Runs the command line of this process; on an error prints one line and answers 1.
#[must_use]
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let done = match cli.command {
        Command::Up(up) => run_up(up),
        Command::Compile(compile) => run_compile(compile),
    };
    match done {
        Ok(code) => code,
        Err(error) => {
            // Nowhere else to say it.
            let _ = writeln!(std::io::stderr(), "mercato: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run_compile(arguments: Compile) -> Result<ExitCode> {
    let mut shop = Shop::builder().app(arguments.app);
    if let Some(folder) = arguments.data_dir {
        shop = shop.data_dir(folder);
    }
    shop.compile()?;
    Ok(ExitCode::SUCCESS)
}

fn run_up(arguments: Up) -> Result<ExitCode> {
    log_to_stderr();
    let shop = settings(arguments)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|cause| Error::Machine(format!("cannot start: {cause}")))?;
    runtime.block_on(async {
        let mut ended = std::pin::pin!(asked_to_end());
        let running = tokio::select! {
            started = shop.start() => started?,
            () = &mut ended => return Ok(ExitCode::SUCCESS),
        };
        let mut output = std::io::stdout();
        // Whoever started us may not listen.
        let _ = writeln!(output, "listening on http://{}", running.addr())
            .and_then(|()| output.flush());
        if let Some(address) = running.metrics_addr() {
            let _ = writeln!(output, "metrics on http://{address}/metrics")
                .and_then(|()| output.flush());
        }
        ended.await;
        tracing::info!("closing: finishing what runs");
        if !running.stop().await {
            tracing::warn!("some requests did not finish in time and were cut off");
        }
        tracing::info!("closed");
        Ok(ExitCode::SUCCESS)
    })
}

fn settings(arguments: Up) -> Result<Builder> {
    let mut shop = Shop::builder().app(arguments.app).listen(arguments.listen);
    if let Some(file) = arguments.runtime_config_file {
        shop = shop.runtime_config(file);
    }
    if let Some(folder) = arguments.data_dir {
        shop = shop.data_dir(folder);
    }
    if let Some(url) = arguments.redis {
        shop = shop.redis(url);
    }
    if let Some(address) = arguments.metrics_listen {
        shop = shop.metrics_listen(address);
    }
    for (name, value) in given_variables(&arguments.variable)? {
        shop = shop.variable(name, value);
    }
    if let Ok(binary) = std::env::current_exe() {
        shop = shop.compiler(binary);
    }
    Ok(shop)
}

fn given_variables(arguments: &[String]) -> Result<BTreeMap<String, String>> {
    let mut given = BTreeMap::new();
    for argument in arguments {
        match argument.strip_prefix('@') {
            Some(file) => given.extend(variables::read_file(file.as_ref())?),
            None => given.extend([variables::parse_assignment(argument)
                .map_err(|message| Error::Variable(format!("--variable: {message}")))?]),
        }
    }
    Ok(given)
}

fn log_to_stderr() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(DEFAULT_LOG));
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_span_list(false)
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();
}

/// Resolves at Ctrl-C, and on Unix at SIGTERM.
async fn asked_to_end() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
            return;
        }
    }
    // Without signals there is nothing to wait for but the process's end.
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}
