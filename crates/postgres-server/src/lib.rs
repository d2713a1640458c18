//! A PostgreSQL of one's own: for tests, and for trying the shop on it.
//!
//! The programs are those on the path, or of Debian's package `postgresql` in `/usr/lib/postgresql`. A server listens on the loopback
//! address alone. PostgreSQL does not run as root, so there it is started as the user `postgres`.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use postgres::{Client, NoTls, SimpleQueryMessage};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

mod standby;

/// Where Debian keeps the programs, in a folder for each version.
const DEBIAN: &str = "/usr/lib/postgresql";

/// The user that a server as root is started as.
const USER: &str = "postgres";

/// How long a server may take to begin, or to end.
const PATIENCE: Duration = Duration::from_secs(30);

/// What makes a server quick whose data nobody will miss.
const QUICK: [&str; 4] = [
    "fsync=off",
    "full_page_writes=off",
    "synchronous_commit=off",
    "shared_buffers=64MB",
];

/// What every server is started with. Some hundred connections do for a few replicas and their tests.
const ALWAYS: [&str; 4] = [
    "listen_addresses=127.0.0.1",
    "unix_socket_directories=",
    "max_connections=200",
    "log_min_messages=warning",
];

/// The programs of a PostgreSQL.
#[derive(Debug, Clone)]
pub struct Programs(PathBuf);

impl Programs {
    /// Those on the path, else of the newest version of Debian's package; none where there are none.
    #[must_use]
    pub fn find() -> Option<Self> {
        let path = env::var_os("PATH").unwrap_or_default();
        let on_path = env::split_paths(&path).find(|folder| has_programs(folder));
        on_path
            .or_else(|| {
                let versions = fs::read_dir(DEBIAN).ok()?.flatten();
                let version = |path: &PathBuf| -> u32 {
                    let name = path.file_name().and_then(OsStr::to_str);
                    name.and_then(|name| name.parse().ok()).unwrap_or_default()
                };
                let newest = versions.map(|entry| entry.path()).max_by_key(version);
                newest
                    .map(|path| path.join("bin"))
                    .filter(|folder| has_programs(folder))
            })
            .map(Self)
    }

    /// What to do where there are none.
    #[must_use]
    pub fn advice() -> String {
        format!(
            "there is no PostgreSQL on the path or in {DEBIAN}; on Debian: apt-get install --no-install-recommends postgresql"
        )
    }
}

fn has_programs(folder: &Path) -> bool {
    folder.join("initdb").is_file() && folder.join("postgres").is_file()
}

/// Where a server keeps its files, and how.
#[derive(Debug)]
pub struct Settings {
    folder: PathBuf,
    options: Vec<String>,
    has_own_group: bool,
}

impl Settings {
    /// In that folder, which is made when it is not there.
    #[must_use]
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
            options: Vec::new(),
            has_own_group: false,
        }
    }

    /// Sets one of PostgreSQL's own settings, as in `fsync=off`.
    #[must_use]
    pub fn option(mut self, option: impl Into<String>) -> Self {
        self.options.push(option.into());
        self
    }

    /// Does not end with what is run in the same terminal.
    #[must_use]
    pub const fn own_group(mut self) -> Self {
        self.has_own_group = true;
        self
    }

    /// Writes nothing through to the disk: for data that nobody will miss.
    #[must_use]
    pub fn quick(mut self) -> Self {
        self.options.extend(QUICK.map(str::to_owned));
        self
    }

    /// Starts the server, with the files that are in the folder or new ones.
    ///
    /// # Errors
    /// When there are no programs, or they fail.
    pub fn start(self, programs: &Programs) -> Result<Server> {
        let folder = std::path::absolute(&self.folder)?;
        fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let user = user()?;
        let launcher = Launcher {
            programs: programs.clone(),
            folder,
            user,
            has_own_group: self.has_own_group,
        };
        launcher.init()?;
        let mut server = Server {
            process: None,
            launcher,
            port: free_port()?,
            options: self.options,
            temporary: None,
        };
        server.launch()?;
        Ok(server)
    }
}

/// How programs are run on the files.
#[derive(Debug)]
struct Launcher {
    programs: Programs,
    folder: PathBuf,
    /// The numbers of the user and its group, when this is root.
    user: Option<(u32, u32)>,
    has_own_group: bool,
}

impl Launcher {
    fn run(&self, name: &str) -> Command {
        // Those for administrators may be elsewhere on the path.
        let beside = Some(self.programs.0.join(name)).filter(|program| program.is_file());
        let mut command = Command::new(beside.unwrap_or_else(|| name.into()));
        command.current_dir(&self.folder).stdin(Stdio::null());
        if let Some((user, group)) = self.user {
            command.uid(user).gid(group);
        }
        if self.has_own_group {
            command.process_group(0);
        }
        command
    }

    /// Makes the files of a new server.
    fn init(&self) -> Result<()> {
        if self.folder.join("data/PG_VERSION").is_file() {
            return Ok(());
        }
        if let Some((user, group)) = self.user {
            chown(&self.folder, Some(user), Some(group))?;
        }
        let mut initdb = self.run("initdb");
        initdb
            .args(["--auth-local=reject", "--auth-host=scram-sha-256"])
            .args(["--encoding=UTF8", "--locale=C", "--no-sync"])
            .args(["--username", USER, "--pwfile", "password", "-D", "data"]);
        fs::write(self.folder.join("password"), "postgres\n")?;
        let made = initdb.output().context("initdb cannot be started")?;
        fs::remove_file(self.folder.join("password"))?;
        if !made.status.success() {
            bail!("initdb failed: {}", String::from_utf8_lossy(&made.stderr));
        }
        Ok(())
    }
}

/// A server that ends with this value.
#[derive(Debug)]
pub struct Server {
    process: Option<Child>,
    launcher: Launcher,
    port: u16,
    options: Vec<String>,
    /// The folder, when it goes with the server.
    temporary: Option<TempDir>,
}

impl Server {
    /// A server in a temporary folder, for data that nobody will miss; none where there are no programs.
    ///
    /// # Errors
    /// When the programs fail.
    pub fn temporary(options: &[&str]) -> Result<Option<Self>> {
        let Some(programs) = Programs::find() else {
            return Ok(None);
        };
        let folder = tempfile::Builder::new()
            .prefix("mercato-postgres-")
            .tempdir()?;
        let mut settings = Settings::new(folder.path()).quick();
        for option in options {
            settings = settings.option(*option);
        }
        let mut server = settings.start(&programs)?;
        server.temporary = Some(folder);
        Ok(Some(server))
    }

    /// The address of the superuser.
    #[must_use]
    pub fn address(&self) -> String {
        self.address_of(USER, USER, USER)
    }

    /// The address of a role's database.
    fn address_of(&self, role: &str, password: &str, database: &str) -> String {
        format!(
            "postgres://{role}:{password}@127.0.0.1:{}/{database}?sslmode=disable",
            self.port
        )
    }

    /// The port it listens on.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// The number of its process, unless it was ended.
    #[must_use]
    pub fn process(&self) -> Option<u32> {
        self.process.as_ref().map(Child::id)
    }

    /// Makes the role and the database of a context, or gives the role that password; gives the address.
    ///
    /// # Errors
    /// What the server says.
    pub fn set_up(&self, label: &str, password: &str) -> Result<String> {
        let name = name(label);
        let exists = format!("SELECT 1 FROM pg_database WHERE datname = '{name}'");
        let statements = if self.run(USER, &exists)?.is_empty() {
            setup(label, password)
        } else {
            format!("ALTER ROLE {name} PASSWORD '{password}'")
        };
        // A database is not made inside a transaction, as several statements at once are.
        for statement in statements.split_inclusive(';') {
            self.run(USER, statement)?;
        }
        Ok(self.address_of(&name, password, &name))
    }

    /// Lets the server run when this value is gone; gives the number of its process.
    #[must_use]
    pub fn keep_running(mut self) -> u32 {
        let process = self.process.take();
        process.map_or(0, |process| process.id())
    }

    /// Runs statements as the superuser; gives what they find, a row a line, with `|` between columns.
    ///
    /// # Errors
    /// What the server says.
    pub fn run(&self, database: &str, statements: &str) -> Result<String> {
        let address = self.address_of(USER, USER, database);
        let mut client = Client::connect(&address, NoTls)?;
        let mut lines = Vec::new();
        for message in client.simple_query(statements)? {
            if let SimpleQueryMessage::Row(row) = message {
                let columns = (0..row.len()).map(|column| row.get(column).unwrap_or_default());
                lines.push(columns.collect::<Vec<_>>().join("|"));
            }
        }
        Ok(lines.join("\n"))
    }

    /// Ends the server at once, as a crash would, with all of its processes.
    pub fn kill(&mut self) {
        // The others notice within moments that the first is gone, and end.
        if let Some(mut process) = self.process.take() {
            drop(process.kill());
            drop(process.wait());
        }
    }

    /// Ends the server as an administrator would; connections are closed.
    ///
    /// # Errors
    /// When it does not end.
    pub fn stop(&mut self) -> Result<()> {
        let Some(mut process) = self.process.take() else {
            return Ok(());
        };
        end(process.id())?;
        let started = Instant::now();
        while process.try_wait()?.is_none() {
            if started.elapsed() > PATIENCE {
                drop(process.kill());
                bail!("PostgreSQL does not end");
            }
            sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    /// Starts the server again on the same files and port.
    ///
    /// # Errors
    /// When it does not begin.
    pub fn launch(&mut self) -> Result<()> {
        let started = Instant::now();
        loop {
            if self.try_launch(started)? {
                return Ok(());
            }
            // The processes of a server that was killed may still be there for a moment.
            sleep(Duration::from_millis(100));
        }
    }

    /// False when the server has ended before it answered, and there is time for another try.
    fn try_launch(&mut self, started: Instant) -> Result<bool> {
        let log = fs::File::options()
            .create(true)
            .append(true)
            .open(self.launcher.folder.join("log"))?;
        let mut command = self.launcher.run("postgres");
        command.args(["-D", "data", "-p", &self.port.to_string()]);
        let options = ALWAYS
            .into_iter()
            .chain(self.options.iter().map(String::as_str));
        for option in options {
            command.args(["-c", option]);
        }
        let mut process = command.stdout(log.try_clone()?).stderr(log).spawn()?;
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            let has_ended = process.try_wait()?.is_some();
            if started.elapsed() > PATIENCE {
                drop(process.kill());
                bail!(
                    "PostgreSQL does not begin; see {}/log",
                    self.launcher.folder.display()
                );
            }
            if has_ended {
                return Ok(false);
            }
            sleep(Duration::from_millis(20));
        }
        self.process = Some(process);
        self.wait_until_it_answers(started)?;
        Ok(true)
    }

    /// It listens before it has read its log of changes.
    fn wait_until_it_answers(&self, started: Instant) -> Result<()> {
        while let Err(error) = self.run(USER, "SELECT 1") {
            if started.elapsed() > PATIENCE {
                return Err(error);
            }
            sleep(Duration::from_millis(50));
        }
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if self.temporary.is_some() {
            self.kill();
        } else {
            drop(self.stop());
        }
    }
}

/// Asks a server to end: connections are closed, what was not committed is taken back.
///
/// # Errors
/// When there is no such process.
pub fn end(process: u32) -> Result<()> {
    let pid = i32::try_from(process).ok().and_then(Pid::from_raw);
    let pid = pid.context("no process has that number")?;
    Ok(kill_process(pid, Signal::INT)?)
}

/// The role of a context, and its database.
fn name(label: &str) -> String {
    format!("mercato_{label}")
}

/// What makes the role and the database of a context. Nobody else may connect to it: each component is given the addresses of the
/// databases that it needs, and the password in them is what keeps it out of the others.
#[must_use]
pub fn setup(label: &str, password: &str) -> String {
    let name = name(label);
    format!(
        "CREATE ROLE {name} LOGIN PASSWORD '{password}';\n\
         CREATE DATABASE {name} OWNER {name} TEMPLATE template0 ENCODING 'UTF8';\n\
         REVOKE ALL ON DATABASE {name} FROM PUBLIC;"
    )
}

/// Whether the database at an address lets its role in.
#[must_use]
pub fn answers(address: &str) -> bool {
    Client::connect(address, NoTls).is_ok()
}

fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// Whether this is root, so that a server is started as the user `postgres`, who must come to its folder.
#[must_use]
pub fn needs_another_user() -> bool {
    rustix::process::geteuid().is_root()
}

/// The numbers of the user and of its group, when this is root.
fn user() -> Result<Option<(u32, u32)>> {
    if !needs_another_user() {
        return Ok(None);
    }
    let users = fs::read_to_string("/etc/passwd")?;
    let found = users.lines().find_map(|line| {
        let mut fields = line
            .strip_prefix(USER)?
            .strip_prefix(':')?
            .split(':')
            .skip(1);
        Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
    });
    found
        .map(Some)
        .context("PostgreSQL does not run as root, and there is no user postgres")
}
