//! The command line.

use std::collections::BTreeMap;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};

use crate::check;
use crate::error::{Error, Result};
use crate::limits::{LOG_FLUSH_TIME, Limits, POSTGRES_CONNECTIONS};
use crate::manifest::spin::Manifest;
use crate::manifest::variables::{self, Given};
use crate::moving;
use crate::observe::log_queue::{self, LineQueue};
use crate::permissions;
use crate::shop::builder::{Builder, Shop};

/// Runs the application of a spin.toml.
#[derive(Debug, Parser)]
#[command(name = "mercato", version, about)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Starts the application and runs it until Ctrl-C, SIGTERM or SIGHUP.
    Up(Up),
    /// Brings the databases to the newest version of their schema and ends: before a new version of the shop is started beside the
    /// old one, for example.
    Migrate(Migrate),
    /// Writes everything that a shop on SQLite has into a new folder, from which `import` moves it to PostgreSQL. Stop the shop
    /// before.
    Export(Export),
    /// Reads a folder that `export` has written into the PostgreSQL databases of a shop, which must be empty.
    Import(Import),
    /// Compiles the components into the cache, so that the next start is quick.
    Compile(Compile),
    /// Reads the manifest and the runtime configuration and names everything that is wrong with them.
    Check(Check),
}

/// The application with its data.
#[derive(Debug, Args)]
struct Application {
    /// The application's manifest.
    #[arg(long, short = 'f', default_value = "spin.toml", value_name = "FILE")]
    app: PathBuf,
    /// Where the databases live; by default runtime-config.toml beside the manifest, if there is one.
    #[arg(long, value_name = "FILE")]
    runtime_config_file: Option<PathBuf>,
    /// Folder of the compile cache, of variables.toml, and of the databases configured under .mercato/ [default: .mercato]
    #[arg(long, value_name = "FOLDER")]
    data_dir: Option<PathBuf>,
    /// An application variable as KEY=VALUE, its value from a file as KEY=@FILE, or a TOML file of them as @FILE; may be
    /// repeated, the last one counts. Other users see the arguments of a process: give secrets in files, or in the
    /// environment as SPIN_VARIABLE_KEY.
    #[arg(long, value_name = "KEY=VALUE | KEY=@FILE | @FILE")]
    variable: Vec<String>,
    /// Let this database begin anew although the shop has had it and it is missing; may be repeated.
    #[arg(long, value_name = "LABEL")]
    new_database: Vec<String>,
}

#[derive(Debug, Args)]
struct Migrate {
    #[command(flatten)]
    application: Application,
}

#[derive(Debug, Args)]
struct Export {
    /// The manifest of the shop on SQLite.
    #[arg(long, short = 'f', default_value = "spin.toml", value_name = "FILE")]
    app: PathBuf,
    /// Where the databases live; by default runtime-config.toml beside the manifest, if there is one.
    #[arg(long, value_name = "FILE")]
    runtime_config_file: Option<PathBuf>,
    /// Folder of the databases configured under .mercato/ [default: .mercato]
    #[arg(long, value_name = "FOLDER")]
    data_dir: Option<PathBuf>,
    /// The folder to write, which must not be there yet. It will hold personal data and password hashes.
    #[arg(value_name = "FOLDER")]
    folder: PathBuf,
}

#[derive(Debug, Args)]
struct Import {
    #[command(flatten)]
    application: Application,
    /// The folder that `export` has written.
    #[arg(value_name = "FOLDER")]
    folder: PathBuf,
}

#[derive(Debug, Args)]
struct Up {
    #[command(flatten)]
    application: Application,
    /// Address to listen on; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:3000", value_name = "ADDRESS")]
    listen: String,
    /// Use this Redis server for events instead of carrying them inside the process; also sets redis_url. An address with a
    /// password is better kept in a file.
    #[arg(long, value_name = "URL | @FILE")]
    redis: Option<String>,
    /// Serve Prometheus metrics at http://ADDRESS/metrics.
    #[arg(long, value_name = "ADDRESS")]
    metrics_listen: Option<String>,
    /// Connections to each PostgreSQL database.
    #[arg(long, value_name = "NUMBER", default_value_t = POSTGRES_CONNECTIONS)]
    postgres_connections: usize,
    /// After SIGTERM, say for so many seconds that the shop is not ready, and go on answering: the time that a load balancer needs
    /// to notice.
    #[arg(long, value_name = "SECONDS", default_value_t = 0)]
    drain_seconds: u64,
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

#[derive(Debug, Args)]
struct Check {
    /// The application's manifest.
    #[arg(long, short = 'f', default_value = "spin.toml", value_name = "FILE")]
    app: PathBuf,
    /// Where the databases live; by default runtime-config.toml beside the manifest.
    #[arg(long, value_name = "FILE")]
    runtime_config_file: Option<PathBuf>,
}

/// Runs the command line of this process; on an error says what is wrong, each thing in a line, and answers 1.
#[must_use]
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    permissions::make_new_files_private();
    match cli.command {
        Command::Up(arguments) => logged(|outputs| run_up(arguments, outputs)),
        Command::Migrate(arguments) => logged(|outputs| run_migrate(arguments, outputs)),
        Command::Export(arguments) => logged(|outputs| run_export(arguments, outputs)),
        Command::Import(arguments) => logged(|outputs| run_import(arguments, outputs)),
        Command::Compile(arguments) => ended(run_compile(arguments)),
        Command::Check(arguments) => ended(run_check(arguments)),
    }
}

fn ended(result: Result<()>) -> ExitCode {
    let Err(error) = result else {
        return ExitCode::SUCCESS;
    };
    // Nowhere else to say it.
    let _ = io::stderr().write_all(failure(&error).as_bytes());
    ExitCode::FAILURE
}

fn failure(error: &Error) -> String {
    let lines = error.to_string();
    let lines = lines.lines().map(|line| format!("mercato: {line}\n"));
    lines.collect()
}

/// Standard output and error: they may be closed, full, or not read. None of that stops a shop.
struct Outputs {
    output: LineQueue,
    log: LineQueue,
}

impl Outputs {
    fn open() -> io::Result<Self> {
        Ok(Self {
            output: log_queue::to_standard(&io::stdout())?,
            log: log_queue::to_standard(&io::stderr())?,
        })
    }

    fn print(&self, line: &str) {
        self.output.push(format!("{line}\n").as_bytes());
    }
}

/// Runs a shop, whose log goes to standard error.
fn logged(run: impl FnOnce(&Outputs) -> Result<ExitCode>) -> ExitCode {
    let Ok(outputs) = Outputs::open() else {
        // Without threads there is no shop either.
        return ExitCode::FAILURE;
    };
    log_queue::install(&outputs.log);
    let code = run(&outputs).unwrap_or_else(|error| {
        outputs.log.push(failure(&error).as_bytes());
        ExitCode::FAILURE
    });
    outputs.output.finish(LOG_FLUSH_TIME);
    outputs.log.finish(LOG_FLUSH_TIME);
    code
}

fn run_migrate(arguments: Migrate, outputs: &Outputs) -> Result<ExitCode> {
    let shop = of_application(arguments.application)?;
    let shop = shop.log_losses(outputs.log.losses());
    runtime()?.block_on(shop.migrate())?;
    outputs.print("all databases have the newest schema");
    Ok(ExitCode::SUCCESS)
}

fn run_export(arguments: Export, outputs: &Outputs) -> Result<ExitCode> {
    let mut shop = Shop::builder().app(arguments.app);
    if let Some(file) = arguments.runtime_config_file {
        shop = shop.runtime_config(file);
    }
    if let Some(folder) = arguments.data_dir {
        shop = shop.data_dir(folder);
    }
    let print = |line: &str| outputs.print(line);
    moving::export(&shop.database_files()?, &arguments.folder, &print)?;
    Ok(ExitCode::SUCCESS)
}

fn run_import(arguments: Import, outputs: &Outputs) -> Result<ExitCode> {
    warn_of_visible_secrets(&arguments.application);
    let shop = of_application(arguments.application)?;
    let shop = shop.log_losses(outputs.log.losses());
    let addresses = shop.database_addresses()?;
    let print = |line: &str| outputs.print(line);
    let migrate = || shop.make_schemas();
    runtime()?.block_on(moving::import(
        &addresses,
        &arguments.folder,
        migrate,
        &print,
    ))?;
    Ok(ExitCode::SUCCESS)
}

fn runtime() -> Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|cause| Error::Machine(format!("cannot start: {cause}")))
}

fn run_compile(arguments: Compile) -> Result<()> {
    let mut shop = Shop::builder().app(arguments.app);
    if let Some(folder) = arguments.data_dir {
        shop = shop.data_dir(folder);
    }
    shop.compile()
}

fn run_check(arguments: Check) -> Result<()> {
    let runtime_config = arguments.runtime_config_file.unwrap_or_else(|| {
        let beside = arguments.app.parent().unwrap_or("".as_ref());
        beside.join("runtime-config.toml")
    });
    check::check(&arguments.app, &runtime_config)
}

fn run_up(arguments: Up, outputs: &Outputs) -> Result<ExitCode> {
    warn_of_visible_secrets(&arguments.application);
    let drain_time = Duration::from_secs(arguments.drain_seconds);
    let shop = settings(arguments)?.log_losses(outputs.log.losses());
    runtime()?.block_on(async {
        let mut ended = std::pin::pin!(asked_to_end());
        let running = tokio::select! {
            started = shop.start() => started?,
            () = &mut ended => return Ok(ExitCode::SUCCESS),
        };
        outputs.print(&format!("listening on http://{}", running.addr()));
        if let Some(address) = running.metrics_addr() {
            outputs.print(&format!("metrics on http://{address}/metrics"));
        }
        ended.await;
        if !drain_time.is_zero() {
            tracing::info!("draining: not ready any more");
            running.drain(drain_time).await;
        }
        tracing::info!("closing: finishing what runs");
        if !running.stop().await {
            tracing::warn!("some requests did not finish in time and were cut off");
        }
        tracing::info!("closed");
        Ok(ExitCode::SUCCESS)
    })
}

fn settings(arguments: Up) -> Result<Builder> {
    let mut shop = of_application(arguments.application)?.listen(arguments.listen);
    if let Some(url) = arguments.redis {
        shop = shop.redis(match url.strip_prefix('@') {
            Some(file) => variables::read_value(file.as_ref())?,
            None => url,
        });
    }
    if let Some(address) = arguments.metrics_listen {
        shop = shop.metrics_listen(address);
    }
    Ok(shop.limits(Limits {
        postgres_connections: arguments.postgres_connections.max(1),
        ..Limits::default()
    }))
}

fn of_application(arguments: Application) -> Result<Builder> {
    let mut shop = Shop::builder().app(arguments.app);
    if let Some(file) = arguments.runtime_config_file {
        shop = shop.runtime_config(file);
    }
    if let Some(folder) = arguments.data_dir {
        shop = shop.data_dir(folder);
    }
    for label in arguments.new_database {
        shop = shop.new_database(label);
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
        match variables::parse_argument(argument)
            .map_err(|message| Error::Variable(format!("--variable: {message}")))?
        {
            Given::All { file } => given.extend(variables::read_file(file)?),
            Given::FromFile { name, file } => {
                given.insert(name.to_owned(), variables::read_value(file)?);
            }
            Given::Value { name, value } => {
                given.insert(name.to_owned(), value.to_owned());
            }
        }
    }
    Ok(given)
}

/// Warns of secrets that every user of the machine can see among the arguments of this process.
fn warn_of_visible_secrets(application: &Application) {
    // What is wrong with a manifest is said at the start.
    let Ok(manifest) = Manifest::read(&application.app) else {
        return;
    };
    for argument in &application.variable {
        if let Ok(Given::Value { name, value }) = variables::parse_argument(argument)
            && !value.is_empty()
            && manifest.variables.get(name).is_some_and(|spec| spec.secret)
        {
            tracing::warn!(
                variable = name,
                "a secret on the command line can be seen by every user of this machine; {}",
                variables::out_of_sight(name)
            );
        }
    }
}

/// Resolves at Ctrl-C, and on Unix at SIGTERM and SIGHUP.
async fn asked_to_end() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let hangup = async {
            if !is_hangup_ignored()
                && let Ok(mut hangup) = signal(SignalKind::hangup())
            {
                hangup.recv().await;
                return;
            }
            std::future::pending().await
        };
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
                () = hangup => {}
            }
            return;
        }
    }
    // Without signals there is nothing to wait for but the process's end.
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// Whether this process was started to outlive its terminal, as by `nohup`. Only Linux shows that.
#[cfg(unix)]
fn is_hangup_ignored() -> bool {
    const HANGUP_BIT: u64 = 1;
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    status
        .lines()
        .find_map(|line| line.strip_prefix("SigIgn:"))
        .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .is_some_and(|mask| mask & HANGUP_BIT != 0)
}
