//! The servers that are measured, each with a port and a folder of its own.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};
use mercato_postgres_server::{Programs, Server as Postgres};
use tempfile::TempDir;

use crate::{
    agent::agent,
    machine, metrics, nginx,
    process::{self, Usage},
    program::{Program, free_port},
    wal::Logs,
};

/// The admin of every server started here.
const ADMIN_EMAIL: &str = "admin@mercato.bench";
const ADMIN_PASSWORD: &str = "Correct-Horse-7";

/// What signs access tokens and webhooks.
const SECRET: &str = "2f7d9c1e8b3a4655a0c9e1f2d3b4a5968778695a4b3c2d1e0f9e8d7c6b5a4938";

/// Where the folders of servers lie, seen from the root of the repository: on its disk, not in memory as `/tmp` may be.
const FOLDER: &str = "target/bench/servers";

/// The variables that a measurement needs otherwise than a shop does: one client does everything, and a few accounts order
/// thousands of times. Orders are counted as ever.
pub const VARIABLES: [(&str, &str); 9] = [
    ("open_orders_max", "1000000000"),
    ("held_units_max", "1000000000"),
    ("orders_per_minute", "1000000000"),
    ("orders_per_day", "1000000000"),
    ("open_orders_per_client_max", "1000000000"),
    ("held_units_per_client_max", "1000000000"),
    ("orders_per_minute_per_client", "1000000000"),
    ("orders_per_day_per_client", "1000000000"),
    // Nothing expires while something else is measured.
    ("reservation_ttl", "86400"),
];

/// The databases of the shop.
const DATABASES: [&str; 5] = ["auth", "checkout", "orders", "payments", "products"];

/// What makes a temporary PostgreSQL as careful as one that is there to stay.
const DURABLE: [&str; 3] = ["fsync=on", "synchronous_commit=on", "full_page_writes=on"];

/// A first start compiles every component.
const START_LIMIT: Duration = Duration::from_secs(600);
const POLL_INTERVAL: Duration = Duration::from_millis(2);

/// A server that uses no more than a tenth of a processor for so long has nothing left to do.
const REST: Duration = Duration::from_millis(200);
const REST_LIMIT: Duration = Duration::from_secs(60);

/// A server under measurement.
#[derive(Debug)]
pub struct Server {
    name: &'static str,
    base_url: String,
    admin: (String, String),
    metrics_url: Option<String>,
    start_time: Duration,
    // In the order in which they have to go: the server, what it needs, its files.
    program: Option<Program>,
    replicas: Vec<Program>,
    _redis: Option<Program>,
    postgres: Option<Postgres>,
    folder: TempDir,
}

impl Server {
    /// The shop on its own runner.
    ///
    /// # Errors
    /// When it does not answer.
    pub fn mercato(runner: &Path) -> Result<Self> {
        let mut server = Self::new("mercato")?;
        server.metrics_url = Some(format!("http://127.0.0.1:{}/metrics", free_port()?));
        server.start_mercato(runner)?;
        Ok(server)
    }

    /// Replicas of the shop on a PostgreSQL that writes through to the disk, with an nginx in front when there are more than one.
    ///
    /// # Errors
    /// When one of them does not answer, or there is no PostgreSQL.
    pub fn replicas(runner: &Path, count: usize) -> Result<Self> {
        let mut server = Self::new(if count > 1 { "replicas" } else { "postgres" })?;
        let postgres = Postgres::temporary(&DURABLE)?.with_context(Programs::advice)?;
        let host = format!("postgres://127.0.0.1:{}", postgres.port());
        let mut variables = vec![
            ("database_host".to_owned(), host.clone()),
            ("database_standby_host".to_owned(), host),
        ];
        for label in DATABASES {
            let address = postgres.set_up(label, SECRET)?;
            variables.push((format!("{label}_database_url"), address));
        }
        server.postgres = Some(postgres);
        let front = server.base_url.clone();
        let mut addresses = Vec::new();
        for _ in 0..count {
            if count > 1 {
                server.base_url = format!("http://127.0.0.1:{}", free_port()?);
            }
            addresses.push(server.address().to_owned());
            let mut command = Command::new(runner);
            command
                .args(["up", "--app", "spin.postgres.toml", "--listen"])
                .args([server.address(), "--data-dir"])
                .arg(cache())
                .env_remove("RUST_BACKTRACE");
            server.configure(&mut command, &front, &variables)?;
            server.launch(command)?;
            server.replicas.extend(server.program.take());
        }
        server.base_url = front;
        if count > 1 {
            let command = nginx::balancer(server.folder.path(), server.address(), &addresses)?;
            server.launch(command)?;
        } else {
            server.program = server.replicas.pop();
        }
        Ok(server)
    }

    /// Starts the shop again that was [stopped](Self::stop), with what is in its databases.
    ///
    /// # Errors
    /// When it does not answer.
    pub fn start_mercato(&mut self, runner: &Path) -> Result<()> {
        let metrics = self.metrics_url.as_deref().unwrap_or_default();
        let metrics = metrics
            .trim_start_matches("http://")
            .trim_end_matches("/metrics");
        let mut command = Command::new(runner);
        command
            .args(["up", "--app", "spin.toml", "--listen", self.address()])
            .args(["--metrics-listen", metrics, "--data-dir"])
            .arg(cache())
            // Captured for every error of a component otherwise.
            .env_remove("RUST_BACKTRACE");
        self.configure(&mut command, &self.base_url, &[])?;
        self.launch(command)
    }

    /// Ends it. Its databases stay.
    pub fn stop(&mut self) {
        self.program = None;
    }

    /// The yardstick.
    ///
    /// # Errors
    /// When it does not answer.
    pub fn native(program: &Path) -> Result<Self> {
        let mut server = Self::new("native")?;
        server.metrics_url = Some(format!("{}/metrics", server.base_url));
        let mut command = Command::new(program);
        command
            .args(["--listen", server.address(), "--admin-email", ADMIN_EMAIL])
            .arg("--database")
            .arg(server.databases().join("shop.db"))
            .env("NATIVE_JWT_SECRET", SECRET)
            .env("NATIVE_ADMIN_PASSWORD", ADMIN_PASSWORD);
        server.launch(command)?;
        Ok(server)
    }

    /// The shop under Spin, with a Redis server.
    ///
    /// # Errors
    /// When one of them does not answer.
    pub fn spin(program: &Path) -> Result<Self> {
        let mut server = Self::new("spin")?;
        let port = free_port()?.to_string();
        let mut redis = Command::new("redis-server");
        redis.args([
            "--port",
            &port,
            "--bind",
            "127.0.0.1",
            "--save",
            "",
            "--dir",
        ]);
        redis.arg(server.folder.path());
        server._redis = Some(Program::start(
            redis,
            &server.folder.path().join("redis.log"),
        )?);
        let mut command = Command::new(program);
        command
            .args(["up", "--from", "spin.toml", "--listen", server.address()])
            .arg("--state-dir")
            .arg(server.folder.path().join("state"));
        let redis = ("redis_url".to_owned(), format!("redis://127.0.0.1:{port}"));
        server.configure(&mut command, &server.base_url, &[redis])?;
        server.launch(command)?;
        Ok(server)
    }

    /// A shop that runs already.
    ///
    /// # Errors
    /// When the environment does not name its admin.
    pub fn elsewhere(url: &str) -> Result<Self> {
        let named = |name| env::var(name).with_context(|| format!("{name} is not set"));
        Ok(Self {
            base_url: url.trim_end_matches('/').to_owned(),
            admin: (
                named("MERCATO_ADMIN_EMAIL")?,
                named("MERCATO_ADMIN_PASSWORD")?,
            ),
            ..Self::new("other")?
        })
    }

    fn new(name: &'static str) -> Result<Self> {
        fs::create_dir_all(FOLDER)?;
        let folder = TempDir::new_in(fs::canonicalize(FOLDER)?)?;
        fs::create_dir(folder.path().join("databases"))?;
        Ok(Self {
            name,
            base_url: format!("http://127.0.0.1:{}", free_port()?),
            admin: (ADMIN_EMAIL.to_owned(), ADMIN_PASSWORD.to_owned()),
            metrics_url: None,
            start_time: Duration::ZERO,
            program: None,
            replicas: Vec::new(),
            _redis: None,
            postgres: None,
            folder,
        })
    }

    /// What it is called in the report.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Its URL without a path.
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// Address and password of its admin.
    pub fn admin(&self) -> (&str, &str) {
        (&self.admin.0, &self.admin.1)
    }

    /// A folder that goes with it.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The sum of all samples of its metric whose name ends so.
    pub fn total(&self, suffix: &str) -> Option<f64> {
        metrics::total(self.metrics_url.as_deref()?, suffix)
    }

    /// How long it took until its first answer.
    pub fn start_time(&self) -> Duration {
        self.start_time
    }

    /// Its processes: those that were started by others of them belong to these.
    fn processes(&self) -> impl Iterator<Item = u32> {
        let programs = self.program.iter().chain(&self.replicas);
        let database = self.postgres.iter().filter_map(Postgres::process);
        programs.map(Program::id).chain(database)
    }

    /// The memory that it holds, in bytes.
    pub fn resident_bytes(&self) -> Option<u64> {
        self.processes().map(process::resident_bytes).sum()
    }

    /// What it has used up.
    pub fn usage(&self) -> Option<Usage> {
        self.processes().map(process::usage).sum()
    }

    /// The time that its threads have spent on processors, in microseconds and finely.
    pub fn precise_cpu_us(&self) -> Option<u64> {
        self.processes().map(process::precise_cpu_us).sum()
    }

    /// The write-ahead logs of its databases.
    pub fn logs(&self) -> Option<Logs> {
        self.program.as_ref()?;
        Logs::read(&self.databases()).ok()
    }

    /// Waits until it has nothing left to do, such as events that it handles after its answers.
    pub fn rest(&self) {
        let began = Instant::now();
        let mut before = self.usage();
        while let Some(usage) = before
            && began.elapsed() < REST_LIMIT
        {
            thread::sleep(REST);
            before = self.usage();
            let used = before.map(|now| now.since(usage).cpu_us);
            if used.is_none_or(|used| u128::from(used) <= REST.as_micros() / 10) {
                return;
            }
        }
    }

    fn address(&self) -> &str {
        self.base_url.trim_start_matches("http://")
    }

    /// The folder of its databases.
    pub fn databases(&self) -> PathBuf {
        self.folder.path().join("databases")
    }

    /// Names databases and variables, in the same way to the runner and to Spin. Customers reach the shop at that URL.
    fn configure(
        &self,
        command: &mut Command,
        public_url: &str,
        more: &[(String, String)],
    ) -> Result<()> {
        let [databases, variables] =
            ["runtime-config.toml", "variables.toml"].map(|name| self.folder.path().join(name));
        let text = fs::read_to_string("runtime-config.toml")?;
        let folder = format!("{}/", self.databases().display());
        fs::write(&databases, text.replace(".mercato/", &folder))?;
        let slots = machine::cores().to_string();
        let own = [
            ("jwt_secret", SECRET),
            ("payment_webhook_secret", SECRET),
            ("admin_email", ADMIN_EMAIL),
            ("admin_password", ADMIN_PASSWORD),
            ("public_url", public_url),
            // As many as the yardstick hashes at a time.
            ("hashing_slots", &slots),
        ];
        let more = more
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()));
        let all = own.into_iter().chain(VARIABLES).chain(more);
        let text: String = all
            .map(|(name, value)| format!("{name} = {value:?}\n"))
            .collect();
        fs::write(&variables, text)?;
        command
            .arg("--runtime-config-file")
            .arg(databases)
            .arg("--variable")
            .arg(format!("@{}", variables.display()));
        Ok(())
    }

    fn launch(&mut self, command: Command) -> Result<()> {
        let began = Instant::now();
        let log = self.folder.path().join("log");
        let mut program = Program::start(command, &log)?;
        let agent = agent();
        let answers = || {
            let answer = agent.get(&self.base_url).call();
            answer.is_ok_and(|answer| answer.status() == 200)
        };
        while !answers() {
            if program.has_ended()? || began.elapsed() > START_LIMIT {
                let log = fs::read_to_string(log)?;
                bail!("{} does not answer; its log:\n{log}", self.name);
            }
            thread::sleep(POLL_INTERVAL);
        }
        self.start_time = began.elapsed();
        self.program = Some(program);
        Ok(())
    }
}

/// Where the runner keeps compiled components from run to run.
pub fn cache() -> PathBuf {
    PathBuf::from("target/bench/cache")
}
