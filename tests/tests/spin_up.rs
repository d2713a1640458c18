//! The same components under Spin itself: the end-to-end tests once more, against `spin up` with a real Redis server, and as on a hosted
//! platform: with PostgreSQL and without Redis.
//!
//! Needs `spin` on PATH, or its path in `MERCATO_SPIN`, and `redis-server` or PostgreSQL; is left out otherwise.
#![cfg(unix)]

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant, SystemTime},
};

use mercato_tests::{
    ADMIN_EMAIL, ADMIN_PASSWORD, Client, Folder, Guarded, JWT_SECRET, Postgres, Redis,
    WEBHOOK_SECRET, free_port, is_quick, left_out, repository, shop::unique_email, wait_until,
};

/// Spin compiles every component before it answers; only later starts find them in its cache (wasmtime's, in the user's
/// cache directory).
const START_LIMIT: Duration = Duration::from_secs(300);

/// What runs against Spin: test programs that take their shop from `MERCATO_BASE_URL`.
const SUITES: [&str; 2] = ["e2e", "races"];

/// What the application runs on, which ends after it.
enum Services {
    Redis(Redis),
    Postgres(Postgres),
}

impl Services {
    const fn manifest(&self) -> &'static str {
        match self {
            Self::Redis(_) => "spin.toml",
            Self::Postgres(_) => "spin.edge.toml",
        }
    }

    /// What `spin up` has to be told for them. With PostgreSQL, one request at a time for an instance: a call of `spin:postgres` stops the
    /// instance, and a second request that waits in it waits for ever.
    const fn arguments(&self) -> &[&str] {
        match self {
            Self::Redis(_) => &[],
            Self::Postgres(_) => &["--max-instance-concurrent-reuse-count", "1"],
        }
    }

    /// Where they are.
    fn variables(&self) -> Vec<(String, String)> {
        match self {
            Self::Redis(redis) => vec![("redis_url".to_owned(), redis.url())],
            Self::Postgres(postgres) => postgres.shop(postgres.port()),
        }
    }
}

/// A running `spin up`.
struct Spin {
    process: Guarded,
    base_url: String,
    folder: Folder,
    _services: Services,
}

impl Spin {
    fn start(program: &Path, services: Services) -> Self {
        let folder = Folder::new("spin");
        let base_url = format!("http://127.0.0.1:{}", free_port());
        fs::write(
            folder.path().join("variables.toml"),
            variables(&base_url, &services),
        )
        .expect("variables");
        fs::write(
            folder.path().join("runtime-config.toml"),
            databases_in(folder.path()),
        )
        .expect("a configuration");
        let log = fs::File::create(folder.path().join("log")).expect("a log");
        let mut command = Command::new(program);
        command
            .args(["up", "--from"])
            .arg(repository().join(services.manifest()))
            .args([
                "--listen",
                base_url.trim_start_matches("http://"),
                "--state-dir",
            ])
            .arg(folder.path().join("state"))
            .arg("--runtime-config-file")
            .arg(folder.path().join("runtime-config.toml"))
            .arg("--variable")
            .arg(format!(
                "@{}",
                folder.path().join("variables.toml").display()
            ))
            .args(services.arguments())
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a second handle of the log"))
            .stderr(log);
        let process = Guarded::spawn(&mut command).expect("spin starts");
        let mut spin = Self {
            process,
            base_url,
            folder,
            _services: services,
        };
        spin.wait_until_it_answers();
        spin
    }

    fn wait_until_it_answers(&mut self) {
        let client = Client::new(&self.base_url);
        let started = Instant::now();
        while !client
            .get("/")
            .try_send()
            .is_ok_and(|answer| answer.status() == 200)
        {
            let ended = self.process.ended();
            let late = started.elapsed() > START_LIMIT;
            assert!(
                ended.is_none() && !late,
                "Spin does not answer ({ended:?}); its log:\n{}",
                self.log()
            );
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }
}

impl Drop for Spin {
    fn drop(&mut self) {
        // Only asked politely does it end its triggers, which are processes of their own.
        if self.process.ended().is_none() {
            self.process.ask_to_end();
            wait_until("the end of Spin", || self.process.ended());
        }
    }
}

fn variables(base_url: &str, services: &Services) -> String {
    let own = format!(
        "jwt_secret = \"{JWT_SECRET}\"\n\
         payment_webhook_secret = \"{WEBHOOK_SECRET}\"\n\
         admin_email = \"{ADMIN_EMAIL}\"\n\
         admin_password = \"{ADMIN_PASSWORD}\"\n\
         bcrypt_cost = \"4\"\n\
         registrations_per_client = \"0\"\n\
         public_url = \"{base_url}\"\n"
    );
    let of_services = services.variables().into_iter();
    own + &of_services
        .map(|(name, value)| format!("{name} = {value:?}\n"))
        .collect::<String>()
}

fn databases_in(folder: &Path) -> String {
    let text = fs::read_to_string(repository().join("runtime-config.toml"))
        .expect("the runtime configuration");
    text.replace(".mercato/", &format!("{}/", folder.display()))
}

/// A program by its name, where it would be started from.
fn find(program: &str) -> Option<PathBuf> {
    let folders = env::var_os("PATH")?;
    env::split_paths(&folders)
        .map(|folder| folder.join(program))
        .find(|path| path.is_file())
}

fn spin() -> Option<PathBuf> {
    let named = env::var_os("MERCATO_SPIN")
        .filter(|path| !path.is_empty())
        .map(PathBuf::from);
    named.or_else(|| find("spin"))
}

/// The test program of that name beside this one; the newest, since old ones stay.
fn test_program(name: &str) -> PathBuf {
    let own = env::current_exe().expect("the path of this program");
    let folder = own.parent().expect("a folder");
    let is_it = |path: &PathBuf| {
        let stem = path
            .file_name()
            .and_then(|file| file.to_str())
            .unwrap_or_default();
        stem.strip_prefix(name)
            .is_some_and(|rest| rest.starts_with('-') && !rest.contains('.'))
    };
    let modified = |path: &PathBuf| {
        fs::metadata(path)
            .and_then(|file| file.modified())
            .unwrap_or(SystemTime::UNIX_EPOCH)
    };
    let programs = fs::read_dir(folder)
        .expect("the folder")
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(is_it);
    programs
        .max_by_key(modified)
        .unwrap_or_else(|| panic!("{name} is not built: run all tests of this package"))
}

#[test]
fn the_end_to_end_tests_pass_under_spin() {
    let Some(program) = wanted() else {
        return;
    };
    if find("redis-server").is_none() {
        left_out("there is no redis-server on PATH");
        return;
    }
    pass(&Spin::start(&program, Services::Redis(Redis::start())));
}

#[test]
fn they_pass_under_spin_without_redis() {
    let Some(program) = wanted() else {
        return;
    };
    let Some(postgres) = Postgres::start_if_there() else {
        return;
    };
    pass(&Spin::start(&program, Services::Postgres(postgres)));
}

/// Spin, unless it is not there or slow tests are left out.
fn wanted() -> Option<PathBuf> {
    if is_quick() {
        return None;
    }
    let program = spin();
    if program.is_none() {
        left_out("there is no spin on PATH, and MERCATO_SPIN does not name one");
    }
    program
}

fn pass(spin: &Spin) {
    for suite in SUITES {
        let status = Command::new(test_program(suite))
            .current_dir(repository().join("tests"))
            .env("MERCATO_BASE_URL", &spin.base_url)
            .env("MERCATO_ADMIN_EMAIL", ADMIN_EMAIL)
            .env("MERCATO_ADMIN_PASSWORD", ADMIN_PASSWORD)
            .env("MERCATO_WEBHOOK_SECRET", WEBHOOK_SECRET)
            .env("MERCATO_JWT_SECRET", JWT_SECRET)
            .stdin(Stdio::null())
            .output()
            .expect("the test program starts");
        let shown = String::from_utf8_lossy(&status.stdout);
        let log = spin.log();
        let end: Vec<&str> = log.lines().rev().take(40).collect();
        assert!(
            status.status.success(),
            "{suite} under Spin:\n{shown}\nThe end of Spin's log, newest first:\n{}",
            end.join("\n")
        );
    }
    // Nobody is left who would not be served any more.
    let body = serde_json::json!({ "name": "Ada", "email": unique_email(), "password": mercato_tests::shop::PASSWORD });
    Client::new(&spin.base_url)
        .post("/api/v1/auth/register")
        .json(&body)
        .expect(201);
}
