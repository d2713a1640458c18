//! Servers as child processes, each with a port and a folder of its own.

use std::{
    collections::BTreeMap,
    env, fs,
    path::{Path, PathBuf},
    process::{Command, ExitStatus, Stdio},
    sync::OnceLock,
    thread,
    time::{Duration, Instant},
};

use crate::{
    Client, Folder, Guarded, Postgres, folder::databases_in, free_port, repository, runner,
    shared_data, wait_until,
};

/// The admin that every server started here makes at its first start.
pub const ADMIN_EMAIL: &str = "admin@mercato.test";
/// The admin's password.
pub const ADMIN_PASSWORD: &str = "Correct-Horse-7";
/// What webhooks are signed with on servers started here.
pub const WEBHOOK_SECRET: &str = "whsec_0f1e2d3c4b5a69788796a5b4c3d2e1f0";

/// What access tokens are signed with on servers started here.
pub const JWT_SECRET: &str = "2f7d9c1e8b3a4655a0c9e1f2d3b4a5968778695a4b3c2d1e0f9e8d7c6b5a4938";

/// What opens `/api/metrics` on servers started here.
pub const METRICS_TOKEN: &str = "metrics-7b6a5948372615f4e3d2c1b0a9f8e7d6";

/// The cheapest bcrypt that is allowed: these tests are not about how slow it is.
const BCRYPT_COST: &str = "4";

/// A cold start compiles every component, perhaps several servers at once on two cores.
const START_LIMIT: Duration = Duration::from_secs(240);

const POLL_INTERVAL: Duration = Duration::from_millis(5);

/// A server under test.
///
/// It is killed when this is dropped, and its folder removed.
#[derive(Debug)]
pub struct Server {
    // Dropped first: the folder among the settings goes when nobody writes to it any more.
    child: Option<Guarded>,
    base_url: String,
    start_time: Duration,
    settings: ServerBuilder,
}

/// What a server is started with.
#[derive(Debug, Default)]
pub struct ServerBuilder {
    variables: BTreeMap<String, String>,
    arguments: Vec<String>,
    environment: Vec<(String, String)>,
    redis_url: Option<String>,
    port: u16,
    folder: Option<Folder>,
    own_cache: bool,
    databases: Option<PathBuf>,
    standard_error: Option<Stdio>,
    /// Commands of the shell that the runner is started by.
    before: Vec<String>,
}

impl ServerBuilder {
    /// Sets a variable of `spin.toml`.
    pub fn variable(mut self, name: &str, value: &str) -> Self {
        self.variables.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Uses a Redis server; without one the runner carries events inside the process.
    pub fn redis(mut self, url: &str) -> Self {
        self.redis_url = Some(url.to_owned());
        self
    }

    /// Keeps the data on that PostgreSQL.
    pub fn postgres(self, postgres: &Postgres) -> Self {
        self.postgres_through(postgres, postgres.port())
    }

    /// The same through another port of this machine, that of a proxy.
    pub fn postgres_through(self, postgres: &Postgres, port: u16) -> Self {
        self.on(postgres, port, "spin.postgres.toml")
    }

    /// The application for hosted platforms, on that PostgreSQL.
    pub fn edge(self, postgres: &Postgres) -> Self {
        self.edge_through(postgres, postgres.port())
    }

    /// The same through another port of this machine, that of a proxy.
    pub fn edge_through(self, postgres: &Postgres, port: u16) -> Self {
        self.on(postgres, port, "spin.edge.toml")
    }

    fn on(mut self, postgres: &Postgres, port: u16, manifest: &str) -> Self {
        self.variables.extend(postgres.shop(port));
        self.argument("--app").argument(manifest)
    }

    /// Keeps the data on the one of both that takes changes.
    pub fn postgres_with(mut self, primary: &Postgres, standby: &Postgres) -> Self {
        self.variables.extend(primary.shop_with(standby));
        self.argument("--app").argument("spin.postgres.toml")
    }

    /// Starts without compiled components, as on a new machine; otherwise all servers share them.
    pub fn own_cache(mut self) -> Self {
        self.own_cache = true;
        self
    }

    /// Keeps the databases in this folder, which may be another server's or on another disk; otherwise they lie in the
    /// server's own.
    pub fn databases(mut self, folder: &Path) -> Self {
        self.databases = Some(folder.to_path_buf());
        self
    }

    /// Adds an argument of `mercato up`.
    pub fn argument(mut self, argument: &str) -> Self {
        self.arguments.push(argument.to_owned());
        self
    }

    /// Sets an environment variable of the runner.
    pub fn environment(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Lets the first start write its log there instead of into a file.
    pub fn standard_error(mut self, output: impl Into<Stdio>) -> Self {
        self.standard_error = Some(output.into());
        self
    }

    /// Starts the server with this mask for the modes of new files, in octal digits.
    pub fn umask(mut self, mask: &str) -> Self {
        self.before.push(format!("umask {mask}"));
        self
    }

    /// Lets the server begin with so many open files as its soft limit, and at most as many as its hard limit allows.
    pub fn soft_file_limit(mut self, files: u32) -> Self {
        self.before.push(format!("ulimit -S -n {files}"));
        self
    }

    /// Lets the server have at most so many open files.
    pub fn hard_file_limit(mut self, files: u32) -> Self {
        self.before.push(format!("ulimit -n {files}"));
        self
    }

    /// Starts the server and waits until it answers.
    ///
    /// # Panics
    /// When it does not; its log is in the message.
    pub fn start(self) -> Server {
        let mut server = self.prepare();
        server.launch();
        server
    }

    /// Starts the server on something that keeps it from starting, and waits until it ends; gives how it ended and what
    /// it said.
    ///
    /// # Panics
    /// When it does not end.
    pub fn fail_to_start(self) -> (ExitStatus, String) {
        let mut server = self.prepare();
        server.spawn();
        let guarded = server.child.as_mut().expect("a server was started");
        let status = wait_until("the end of the server", || guarded.ended());
        (status, server.log())
    }

    fn prepare(mut self) -> Server {
        let folder = Folder::new("server");
        let databases = self.databases.as_deref().unwrap_or(folder.path());
        fs::write(
            folder.path().join("runtime-config.toml"),
            databases_in(databases),
        )
        .expect("write the runtime configuration");
        self.folder = Some(folder);
        self.port = free_port();
        Server {
            base_url: format!("http://127.0.0.1:{}", self.port),
            settings: self,
            start_time: Duration::ZERO,
            child: None,
        }
    }
}

impl Server {
    /// Starts a server with nothing special about it.
    pub fn start() -> Self {
        Self::builder().start()
    }

    /// A server with other variables, arguments or a Redis server.
    pub fn builder() -> ServerBuilder {
        ServerBuilder::default()
    }

    /// One server for all tests of a file; with `MERCATO_BASE_URL` set, the one that runs there.
    ///
    /// It ends with the test program. Tests that share it must not mind what the others do.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Server> = OnceLock::new();
        SHARED.get_or_init(|| match env::var("MERCATO_BASE_URL") {
            Ok(base_url) if !base_url.is_empty() => Self {
                settings: ServerBuilder::default(),
                base_url,
                start_time: Duration::ZERO,
                child: None,
            },
            _ => Self::start(),
        })
    }

    /// The server's URL without a path.
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// A client with connections of its own.
    pub fn client(&self) -> Client {
        Client::new(&self.base_url)
    }

    /// The e-mail address and password of the admin: of a server started here, its own; of one that runs elsewhere, what
    /// `MERCATO_ADMIN_EMAIL` and `MERCATO_ADMIN_PASSWORD` name.
    pub fn admin(&self) -> (String, String) {
        self.admin_named_by(|name| env::var(name).ok())
    }

    fn admin_named_by(&self, environment: impl Fn(&str) -> Option<String>) -> (String, String) {
        let is_elsewhere = self.settings.folder.is_none();
        let of = |name: &str, variable: &str, default: &str| {
            let value = if is_elsewhere {
                environment(name)
            } else {
                self.settings.variables.get(variable).cloned()
            };
            value.unwrap_or_else(|| default.to_owned())
        };
        (
            of("MERCATO_ADMIN_EMAIL", "admin_email", ADMIN_EMAIL),
            of("MERCATO_ADMIN_PASSWORD", "admin_password", ADMIN_PASSWORD),
        )
    }

    /// The folder with the server's databases, for looking into them after it has ended.
    ///
    /// # Panics
    /// When the server was not started here.
    pub fn folder(&self) -> &Path {
        let folder = self.settings.folder.as_ref();
        folder.expect("a server that was started here").path()
    }

    /// The folder with the server's databases, also when it was started with one of another place.
    ///
    /// # Panics
    /// When the server was not started here.
    pub fn databases(&self) -> &Path {
        self.settings
            .databases
            .as_deref()
            .unwrap_or_else(|| self.folder())
    }

    /// Everything the server has logged.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder().join("log")).unwrap_or_default()
    }

    /// The number of the server's process.
    ///
    /// # Panics
    /// When it does not run.
    pub fn process_id(&self) -> u32 {
        self.child.as_ref().expect("a running server").id()
    }

    /// The most memory that the server has had at a time, in bytes, where the system says.
    ///
    /// # Panics
    /// When it does not run.
    pub fn peak_memory_bytes(&self) -> Option<u64> {
        self.memory_bytes("VmHWM:")
    }

    /// The memory that the server has now, files that are mapped included, in bytes, where the system says.
    ///
    /// # Panics
    /// When it does not run.
    pub fn resident_memory_bytes(&self) -> Option<u64> {
        self.memory_bytes("VmRSS:")
    }

    /// What `proc_pid_status(5)` says of the server.
    fn memory_bytes(&self, label: &str) -> Option<u64> {
        let status = format!("/proc/{}/status", self.process_id());
        let status = fs::read_to_string(status).ok()?;
        let number = status
            .lines()
            .find_map(|line| line.strip_prefix(label)?.trim().strip_suffix(" kB"));
        let kib: u64 = number?.parse().ok()?;
        Some(kib * 1024)
    }

    /// How long the last start took until the first answer.
    pub fn start_time(&self) -> Duration {
        self.start_time
    }

    /// Ends the server without warning, as a power cut would.
    pub fn kill(&mut self) {
        self.child = None;
    }

    /// How the server ended, if it has.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.as_mut().and_then(Guarded::ended)
    }

    /// Sets a variable for the next start.
    pub fn set_variable(&mut self, name: &str, value: &str) {
        self.settings
            .variables
            .insert(name.to_owned(), value.to_owned());
    }

    /// Starts the server again with the same databases, port and variables; kills it first if it still runs.
    pub fn restart(&mut self) {
        self.kill();
        self.launch();
    }

    /// The same, with further arguments of `mercato up` from now on.
    pub fn restart_with(&mut self, arguments: &[&str]) {
        let further = arguments.iter().map(|argument| (*argument).to_owned());
        self.settings.arguments.extend(further);
        self.restart();
    }

    /// Asks the server to end (SIGTERM) and returns whether it ended with exit code 0.
    ///
    /// # Panics
    /// When it does not run, or does not end.
    #[cfg(unix)]
    pub fn stop(&mut self) -> bool {
        let mut guarded = self.child.take().expect("a running server");
        guarded.ask_to_end();
        let status = wait_until("the end of the server", || guarded.ended());
        status.success()
    }

    fn launch(&mut self) {
        let started = Instant::now();
        self.spawn();
        self.wait_until_it_answers(started);
    }

    fn spawn(&mut self) {
        let standard_error = self.settings.standard_error.take();
        let variables = self.write_variables();
        let settings = &self.settings;
        let folder = self.folder();
        let data = if settings.own_cache {
            folder.to_path_buf()
        } else {
            shared_data()
        };
        let log = fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(folder.join("log"))
            .expect("a log file");
        let mut command = match settings.before.join(" && ") {
            before if before.is_empty() => Command::new(runner()),
            before => {
                let mut shell = Command::new("sh");
                shell
                    .arg("-c")
                    .arg(format!("{before} && exec \"$0\" \"$@\""))
                    .arg(runner());
                shell
            }
        };
        command
            .current_dir(repository())
            .args(["up", "--listen", &format!("127.0.0.1:{}", settings.port)])
            .arg("--data-dir")
            .arg(data)
            .arg("--runtime-config-file")
            .arg(folder.join("runtime-config.toml"))
            .args(&settings.arguments)
            .envs(settings.environment.iter().cloned())
            .env_remove("RUST_BACKTRACE")
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a second handle of the log"))
            .stderr(standard_error.unwrap_or_else(|| log.into()))
            .arg("--variable")
            .arg(format!("@{}", variables.display()));
        if let Some(url) = &settings.redis_url {
            command.args(["--redis", url]);
        }
        self.child =
            Some(Guarded::spawn_in(&mut command, Some(self.folder())).expect("the runner starts"));
    }

    /// Writes what the variables are set to into a file of the server's folder.
    fn write_variables(&self) -> PathBuf {
        let path = self.folder().join("given.toml");
        let text = toml::to_string(&self.variables()).expect("variables are strings");
        fs::write(&path, text).expect("write the variables");
        path
    }

    fn variables(&self) -> BTreeMap<String, String> {
        let defaults = [
            ("jwt_secret", JWT_SECRET),
            ("payment_webhook_secret", WEBHOOK_SECRET),
            ("bcrypt_cost", BCRYPT_COST),
            ("admin_email", ADMIN_EMAIL),
            ("admin_password", ADMIN_PASSWORD),
            ("public_url", &self.base_url),
            ("metrics_token", METRICS_TOKEN),
            // Tests order as fast as they can, from one address and often from one account.
            // While Redis is away, what is paid still counts as waiting.
            ("open_orders_max", "0"),
            ("open_orders_per_client_max", "0"),
            ("orders_per_minute", "0"),
            ("orders_per_day", "0"),
            ("orders_per_minute_per_client", "0"),
            ("orders_per_day_per_client", "0"),
            // The suites register hundreds of customers, many at once.
            ("hashing_slots", "16"),
            ("registrations_per_client", "0"),
            ("registrations_per_minute", "0"),
        ];
        let mut variables: BTreeMap<String, String> = defaults
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        variables.extend(self.settings.variables.clone());
        variables
    }

    fn wait_until_it_answers(&mut self, started: Instant) {
        let client = self.client();
        loop {
            if client
                .get("/")
                .try_send()
                .is_ok_and(|answer| answer.status() == 200)
            {
                self.start_time = started.elapsed();
                return;
            }
            let guarded = self.child.as_mut().expect("a server was started");
            let ended = guarded.ended();
            assert!(
                ended.is_none() && started.elapsed() < START_LIMIT,
                "the server does not answer ({ended:?}); its log:\n{}",
                self.log()
            );
            thread::sleep(POLL_INTERVAL);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(name: &str) -> Option<String> {
        Some(format!("{name} of the environment"))
    }

    fn pair(email: &str, password: &str) -> (String, String) {
        (email.to_owned(), password.to_owned())
    }

    #[test]
    fn the_admin_of_a_server_started_here_is_its_own() {
        let own = Server::builder().prepare();
        assert_eq!(
            own.admin_named_by(environment),
            pair(ADMIN_EMAIL, ADMIN_PASSWORD)
        );
        let given = Server::builder().variable("admin_email", "root@example.com");
        let given = given.prepare().admin_named_by(environment);
        assert_eq!(given, pair("root@example.com", ADMIN_PASSWORD));
    }

    #[test]
    fn the_admin_of_a_shop_elsewhere_comes_from_the_environment() {
        let elsewhere = Server {
            settings: ServerBuilder::default(),
            base_url: "http://shop.example".to_owned(),
            start_time: Duration::ZERO,
            child: None,
        };
        let expected = ["MERCATO_ADMIN_EMAIL", "MERCATO_ADMIN_PASSWORD"].map(environment);
        let (email, password) = elsewhere.admin_named_by(environment);
        assert_eq!([Some(email), Some(password)], expected);
        let by_default = elsewhere.admin_named_by(|_| None);
        assert_eq!(by_default, pair(ADMIN_EMAIL, ADMIN_PASSWORD));
    }
}
