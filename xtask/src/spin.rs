//! The application under `spin up`, for the end-to-end tests: with databases, a Redis server and secrets of its own.

use std::{
    env,
    fmt::Write as _,
    fs,
    net::{Ipv4Addr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};

use crate::{process::find_program, workspace::Workspace};

const DATABASES: &[&str] = &["auth", "products", "orders", "payments"];

const ADMIN_EMAIL: &str = "admin@mercato.test";
const ADMIN_PASSWORD: &str = "Correct-Horse-7";
const WEBHOOK_SECRET: &str = "whsec_0f1e2d3c4b5a69788796a5b4c3d2e1f0";
const JWT_SECRET: &str = "2f7d9c1e8b3a4655a0c9e1f2d3b4a5968778695a4b3c2d1e0f9e8d7c6b5a4938";

/// Spin compiles every component before it answers, without a cache.
const START_LIMIT: Duration = Duration::from_secs(300);

/// How long a process may take to end by itself.
const STOP_LIMIT: Duration = Duration::from_secs(10);

const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// The running application; it ends when this is dropped.
#[derive(Debug)]
pub struct Application {
    // In this order they end: first who uses, then what is used.
    spin: Process,
    _redis: Process,
    folder: Folder,
    base_url: String,
}

impl Application {
    /// Starts Redis and Spin and waits until the application answers.
    ///
    /// # Errors
    /// When there is no `redis-server`, or Spin does not come up; its log is in the message.
    pub fn start(workspace: &Workspace, spin: &Path) -> Result<Self> {
        let redis_program = find_program("redis-server")
            .context("Spin's Redis trigger needs a Redis server: install redis-server")?;
        let folder = Folder::new()?;
        let redis_port = free_port()?;
        let port = free_port()?;
        let base_url = format!("http://127.0.0.1:{port}");
        let path = &folder.0;
        fs::write(path.join("runtime-config.toml"), runtime_config(path)?)?;
        fs::write(
            path.join("variables.toml"),
            variables(&base_url, redis_port),
        )?;
        let redis = start_redis(&redis_program, redis_port, path)?;
        let mut application = Self {
            spin: start_spin(workspace, spin, port, path)?,
            _redis: redis,
            folder,
            base_url,
        };
        application.wait_for(port)?;
        Ok(application)
    }

    /// What tells the tests where the server is and who its admin is.
    pub fn environment(&self) -> [(&'static str, String); 5] {
        [
            ("MERCATO_BASE_URL", self.base_url.clone()),
            ("MERCATO_ADMIN_EMAIL", ADMIN_EMAIL.to_owned()),
            ("MERCATO_ADMIN_PASSWORD", ADMIN_PASSWORD.to_owned()),
            ("MERCATO_JWT_SECRET", JWT_SECRET.to_owned()),
            ("MERCATO_WEBHOOK_SECRET", WEBHOOK_SECRET.to_owned()),
        ]
    }

    fn wait_for(&mut self, port: u16) -> Result<()> {
        let started = Instant::now();
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            let ended = self.spin.0.try_wait().context("cannot look at Spin")?;
            if ended.is_some() || started.elapsed() > START_LIMIT {
                let log = fs::read_to_string(self.folder.0.join("log")).unwrap_or_default();
                bail!("Spin does not come up ({ended:?}); its log:\n{log}");
            }
            thread::sleep(POLL_INTERVAL);
        }
        Ok(())
    }
}

/// A child process that ends when this is dropped. SIGTERM comes first, where there is one: killed at once, Spin would
/// leave its triggers running.
#[derive(Debug)]
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let asked = cfg!(unix)
            && Command::new("kill")
                .arg(self.0.id().to_string())
                .status()
                .is_ok_and(|status| status.success());
        let started = Instant::now();
        while asked && started.elapsed() < STOP_LIMIT {
            if matches!(self.0.try_wait(), Ok(Some(_))) {
                return;
            }
            thread::sleep(POLL_INTERVAL);
        }
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// A temporary folder, removed when this is dropped.
#[derive(Debug)]
struct Folder(PathBuf);

impl Folder {
    fn new() -> Result<Self> {
        let path = env::temp_dir().join(format!("mercato-spin-{}", std::process::id()));
        fs::create_dir_all(&path).with_context(|| format!("cannot make {}", path.display()))?;
        Ok(Self(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).ok();
    }
}

fn start_redis(program: &Path, port: u16, folder: &Path) -> Result<Process> {
    Command::new(program)
        .args(["--port", &port.to_string(), "--bind", "127.0.0.1"])
        .args(["--save", "", "--appendonly", "no"])
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map(Process)
        .context("cannot start redis-server")
}

fn start_spin(workspace: &Workspace, program: &Path, port: u16, folder: &Path) -> Result<Process> {
    let log = fs::File::create(folder.join("log")).context("cannot make Spin's log")?;
    Command::new(program)
        .args(["up", "--from"])
        .arg(workspace.path("spin.toml"))
        .args(["--listen", &format!("127.0.0.1:{port}"), "--state-dir"])
        .arg(folder.join("state"))
        .arg("--runtime-config-file")
        .arg(folder.join("runtime-config.toml"))
        .arg("--variable")
        .arg(format!("@{}", folder.join("variables.toml").display()))
        .current_dir(workspace.root())
        .stdin(Stdio::null())
        .stdout(log.try_clone().context("cannot share Spin's log")?)
        .stderr(log)
        .spawn()
        .map(Process)
        .context("cannot start spin")
}

fn runtime_config(folder: &Path) -> Result<String> {
    let mut text = String::new();
    for name in DATABASES {
        let path = folder.join(format!("{name}.db"));
        let path = toml::Value::String(path.display().to_string());
        writeln!(
            text,
            "[sqlite_database.{name}]\ntype = \"spin\"\npath = {path}\n"
        )?;
    }
    Ok(text)
}

fn variables(base_url: &str, redis_port: u16) -> String {
    format!(
        "jwt_secret = \"{JWT_SECRET}\"\n\
         payment_webhook_secret = \"{WEBHOOK_SECRET}\"\n\
         admin_email = \"{ADMIN_EMAIL}\"\n\
         admin_password = \"{ADMIN_PASSWORD}\"\n\
         bcrypt_cost = \"4\"\n\
         public_url = \"{base_url}\"\n\
         redis_url = \"redis://127.0.0.1:{redis_port}\"\n"
    )
}

fn free_port() -> Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("there is no free port")?;
    Ok(listener.local_addr().context("a port has a number")?.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_database_of_the_application_gets_a_place() {
        let ours: toml::Table = include_str!("../../runtime-config.toml").parse().unwrap();
        let made: toml::Table = runtime_config(Path::new("/tmp/x"))
            .unwrap()
            .parse()
            .unwrap();
        let names = |table: &toml::Table| -> Vec<String> {
            let databases = table["sqlite_database"].as_table().unwrap();
            databases.keys().cloned().collect()
        };
        assert_eq!(names(&ours), names(&made));
    }

    #[test]
    fn every_variable_is_one_of_the_application() {
        let manifest: toml::Table = include_str!("../../spin.toml").parse().unwrap();
        let known = manifest["variables"].as_table().unwrap();
        let given: toml::Table = variables("http://127.0.0.1:1", 1).parse().unwrap();
        for name in given.keys() {
            assert!(known.contains_key(name), "{name}");
        }
    }
}
