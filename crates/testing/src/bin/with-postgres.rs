//! Runs a command with a PostgreSQL of its own: `cargo run -p mercato-testing --bin with-postgres -- cargo test -p orders`.
//!
//! The programs are those of Debian's package `postgresql`, on the path or in `/usr/lib/postgresql`. The server keeps its files in a
//! temporary folder, listens on a free port of the loopback address, lets everybody in, and is gone when the command has ended. It
//! writes nothing through to the disk: what is in it is worth nothing. PostgreSQL does not run as root, so there it is started as the
//! user `postgres`. Where there is no PostgreSQL the command runs without one, which is said.

use std::env;
use std::error::Error;
use std::fs;
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::{MetadataExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// What tests read the address of the server from.
const VARIABLE: &str = "MERCATO_TEST_POSTGRES";

/// Where Debian keeps the programs, in a folder for each version.
const DEBIAN: &str = "/usr/lib/postgresql";

/// How long a server may take to begin.
const START_MAX: Duration = Duration::from_secs(30);

/// What makes a server quick whose data nobody will miss.
const QUICK: [&str; 5] = [
    "fsync=off",
    "full_page_writes=off",
    "synchronous_commit=off",
    "shared_buffers=64MB",
    "max_connections=200",
];

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> ExitCode {
    let mut arguments = env::args_os().skip(1);
    let Some(program) = arguments.next() else {
        eprintln!("with-postgres COMMAND…: runs that with a PostgreSQL of its own");
        return ExitCode::FAILURE;
    };
    let mut command = Command::new(program);
    command.args(arguments);
    let server = match Server::start() {
        Ok(server) => server,
        Err(error) => {
            eprintln!("left out: there is no PostgreSQL for the tests ({error})");
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

/// A server that ends with this value.
struct Server {
    process: Child,
    folder: PathBuf,
    port: u16,
}

impl Server {
    /// None where the programs are missing.
    fn start() -> Result<Option<Self>> {
        let Some(programs) = programs() else {
            eprintln!("left out: there is no PostgreSQL on the path or in {DEBIAN}");
            return Ok(None);
        };
        let folder = env::temp_dir().join(format!("mercato-postgres-{}", std::process::id()));
        fs::create_dir(&folder)?;
        let user = user(&folder)?;
        if let Some((user, group)) = user {
            chown(&folder, Some(user), Some(group))?;
        }
        let run = |name: &str| {
            let mut command = Command::new(programs.join(name));
            command.current_dir(&folder).stdout(Stdio::null());
            if let Some((user, group)) = user {
                command.uid(user).gid(group);
            }
            command
        };
        let made = run("initdb")
            .args(["--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"])
            .args(["--username=postgres", "-D", "data"])
            .status()?;
        if !made.success() {
            return Err("initdb failed".into());
        }
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let mut server = run("postgres");
        server.args(["-D", "data", "-p", &port.to_string()]);
        let local = ["listen_addresses=127.0.0.1", "unix_socket_directories="];
        for setting in local.into_iter().chain(QUICK) {
            server.args(["-c", setting]);
        }
        let process = server.stderr(Stdio::null()).spawn()?;
        let mut server = Self {
            process,
            folder,
            port,
        };
        server.wait()?;
        Ok(Some(server))
    }

    fn wait(&mut self) -> Result<()> {
        let started = Instant::now();
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            if self.process.try_wait()?.is_some() || started.elapsed() > START_MAX {
                return Err("the server does not begin".into());
            }
            sleep(Duration::from_millis(50));
        }
        Ok(())
    }

    fn address(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // A test's data may go in the middle of something.
        drop(self.process.kill());
        drop(self.process.wait());
        drop(fs::remove_dir_all(&self.folder));
    }
}

/// The folder of the programs: one of the path, else that of the newest version of Debian's package.
fn programs() -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let on_path = env::split_paths(&path).find(|folder| has_programs(folder));
    on_path.or_else(|| {
        let versions = fs::read_dir(DEBIAN).ok()?.flatten();
        let version = |path: &PathBuf| -> u32 {
            let name = path.file_name().and_then(|name| name.to_str());
            name.and_then(|name| name.parse().ok()).unwrap_or_default()
        };
        let newest = versions.map(|entry| entry.path()).max_by_key(version);
        newest
            .map(|path| path.join("bin"))
            .filter(|folder| has_programs(folder))
    })
}

fn has_programs(folder: &Path) -> bool {
    folder.join("initdb").is_file() && folder.join("postgres").is_file()
}

/// The numbers of the user `postgres` and of its group, when this is root; whose the new folder is tells.
fn user(folder: &Path) -> Result<Option<(u32, u32)>> {
    if fs::metadata(folder)?.uid() != 0 {
        return Ok(None);
    }
    let users = fs::read_to_string("/etc/passwd")?;
    let found = users.lines().find_map(|line| {
        let mut fields = line.strip_prefix("postgres:")?.split(':').skip(1);
        Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
    });
    found
        .map(Some)
        .ok_or_else(|| "there is no user postgres".into())
}
