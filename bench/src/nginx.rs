//! nginx in front of a shop, with the configuration that operators are given (`docs/nginx.conf`).

use std::{
    env,
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail, ensure};
use tempfile::TempDir;

use crate::{
    agent::agent,
    machine,
    process::{self, Usage},
    program::{Program, free_port},
};

/// What operators put into nginx's configuration.
const SITE: &str = include_str!("../../docs/nginx.conf");

/// What stands in it of the operator's machine, and what takes its place here.
const SHOP_ADDRESS: &str = "127.0.0.1:3000";
const LISTEN: &str = "listen 443 ssl;";
const CACHE_FOLDER: &str = "/var/cache/nginx/mercato";

/// Lines that begin so are left out: there is no certificate here.
const TLS: &str = "ssl_";

/// Folders that are searched besides those of the PATH, where not every user has them.
const FOLDERS: [&str; 2] = ["/usr/sbin", "/usr/local/sbin"];

/// Connections of each worker: to clients and to the shop.
const WORKER_CONNECTIONS: usize = 4_096;

const START_LIMIT: Duration = Duration::from_secs(20);
const POLL_INTERVAL: Duration = Duration::from_millis(5);

/// What starts an nginx at an address that hands requests to shops in turn; its files lie in that folder.
///
/// # Errors
/// When there is none.
pub fn balancer(folder: &Path, address: &str, shops: &[String]) -> Result<Command> {
    let program = find(Path::new("nginx")).context("there is no nginx: apt-get install nginx")?;
    let folder = folder.join("nginx");
    fs::create_dir_all(&folder)?;
    let servers: String = shops.iter().map(|shop| format!("server {shop};")).collect();
    let site = format!(
        "upstream shops {{ {servers} keepalive 64; }}\n\
         server {{ listen {address}; access_log off;\n\
         location / {{ proxy_pass http://shops; proxy_http_version 1.1; proxy_set_header Connection \"\"; }} }}\n"
    );
    fs::write(folder.join("site.conf"), site)?;
    let main = folder.join("nginx.conf");
    fs::write(
        &main,
        frame(&folder, &said("id", "-un")?, &said("id", "-gn")?),
    )?;
    let mut command = Command::new(program);
    command.arg("-p").arg(&folder).arg("-c").arg(main);
    command.arg("-e").arg(folder.join("log"));
    Ok(command)
}

/// An nginx that is running.
#[derive(Debug)]
pub struct Nginx {
    base_url: String,
    // The program has to go before its files.
    program: Program,
    _folder: TempDir,
}

impl Nginx {
    /// Starts it in front of the shop with that address, such as `127.0.0.1:3000`.
    ///
    /// # Errors
    /// When it does not answer.
    pub fn start(program: &Path, shop: &str) -> Result<Self> {
        let folder = TempDir::new().context("cannot make a folder for nginx")?;
        let path = folder.path();
        let port = free_port()?;
        fs::write(path.join("site.conf"), site(shop, port, path)?)?;
        let main = path.join("nginx.conf");
        fs::write(&main, frame(path, &said("id", "-un")?, &said("id", "-gn")?))?;
        let log = path.join("log");
        let mut command = Command::new(program);
        command
            .arg("-p")
            .arg(path)
            .arg("-c")
            .arg(main)
            .arg("-e")
            .arg(&log);
        let mut nginx = Self {
            base_url: format!("http://127.0.0.1:{port}"),
            program: Program::start(command, &path.join("output"))?,
            _folder: folder,
        };
        nginx.wait(&log)?;
        Ok(nginx)
    }

    /// Its URL without a path.
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// What it and its workers have used up.
    pub fn usage(&self) -> Option<Usage> {
        process::usage(self.program.id())
    }

    fn wait(&mut self, log: &Path) -> Result<()> {
        let began = Instant::now();
        let agent = agent();
        while agent.get(&self.base_url).call().is_err() {
            if self.program.has_ended()? || began.elapsed() > START_LIMIT {
                bail!("nginx does not answer: {}", fs::read_to_string(log)?);
            }
            thread::sleep(POLL_INTERVAL);
        }
        Ok(())
    }
}

/// Where nginx is, by its name or path; nothing when there is none.
pub fn find(name: &Path) -> Option<PathBuf> {
    if name.components().count() > 1 {
        return name.is_file().then(|| name.to_owned());
    }
    let path = env::var_os("PATH").unwrap_or_default();
    let folders = env::split_paths(&path).chain(FOLDERS.map(PathBuf::from));
    folders
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
}

/// What it says of itself, such as `nginx/1.22.1`.
///
/// # Errors
/// When it cannot be started.
pub fn version(program: &Path) -> Result<String> {
    let output = Command::new(program).arg("-v").output()?;
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    let version = text.trim().rsplit(' ').next().unwrap_or_default();
    Ok(version.to_owned())
}

fn said(program: impl AsRef<OsStr>, argument: &str) -> Result<String> {
    let output = Command::new(program).arg(argument).output()?;
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

/// The operators' configuration for that shop and port, without TLS.
fn site(shop: &str, port: u16, folder: &Path) -> Result<String> {
    let cache = folder.join("cache").display().to_string();
    let listen = format!("listen 127.0.0.1:{port};");
    let mut site = String::new();
    for line in SITE
        .lines()
        .filter(|line| !line.trim_start().starts_with(TLS))
    {
        site += line;
        site.push('\n');
    }
    for (theirs, ours) in [
        (SHOP_ADDRESS, shop),
        (LISTEN, &*listen),
        (CACHE_FOLDER, &cache),
    ] {
        let count = site.matches(theirs).count();
        ensure!(
            count == 1,
            "{theirs} stands {count} times in docs/nginx.conf"
        );
        site = site.replace(theirs, ours);
    }
    Ok(site)
}

/// The rest of nginx's configuration, which a distribution brings along: everything lies in one folder.
fn frame(folder: &Path, user: &str, group: &str) -> String {
    let place = |name: &str| folder.join(name).display().to_string();
    let workers = machine::cores();
    let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|name| format!("    {name}_temp_path {};\n", place(name)))
        .concat();
    format!(
        "daemon off;\nuser {user} {group};\npid {};\nworker_processes {workers};\n\
         events {{\n    worker_connections {WORKER_CONNECTIONS};\n}}\n\
         http {{\n    access_log off;\n    keepalive_requests 1000000;\n{temporary}    include {};\n}}\n",
        place("pid"),
        place("site.conf"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_operators_configuration_is_used_without_tls() {
        let site = site("127.0.0.1:4567", 8_910, Path::new("/tmp/x")).unwrap();
        for expected in [
            "server 127.0.0.1:4567;",
            "listen 127.0.0.1:8910;",
            "proxy_cache_path /tmp/x/cache ",
            "proxy_cache_bypass $http_authorization;",
        ] {
            assert!(site.contains(expected), "{expected}\n{site}");
        }
        for left_out in ["ssl", "3000", "/var/"] {
            let mut lines = site
                .lines()
                .filter(|line| !line.trim_start().starts_with('#'));
            assert!(
                lines.all(|line| !line.contains(left_out)),
                "{left_out}\n{site}"
            );
        }
    }

    #[test]
    fn everything_of_nginx_lies_in_its_folder() {
        let frame = frame(Path::new("/tmp/x"), "ada", "staff");
        for expected in [
            "daemon off;",
            "user ada staff;",
            "pid /tmp/x/pid;",
            "proxy_temp_path /tmp/x/proxy;",
            "include /tmp/x/site.conf;",
        ] {
            assert!(frame.contains(expected), "{expected}\n{frame}");
        }
    }

    #[test]
    fn a_program_is_found_by_name_or_path() {
        let shell = find(Path::new("sh")).unwrap();
        assert_eq!(find(&shell), Some(shell));
        assert_eq!(find(Path::new("no-such-nginx")), None);
        assert_eq!(find(Path::new("/no/such/nginx")), None);
    }
}
