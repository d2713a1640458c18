//! Bad input to the runner: one clear line and an exit code, never a panic.

use std::{
    fs,
    io::{Read as _, Seek as _, SeekFrom, Write as _},
    net::TcpListener,
    path::Path,
    process::{Command, Stdio},
};

use mercato_tests::{
    Folder, Guarded, JWT_SECRET, Server, WEBHOOK_SECRET, repository, runner, shared_data,
    shop::Shop, wait_until,
};

/// The size of a page, as SQLite chooses it: <https://sqlite.org/fileformat2.html>.
const PAGE_BYTES: usize = 4096;

/// Where a SQLite file keeps `user_version`, which is the schema's version: <https://sqlite.org/fileformat2.html>.
const USER_VERSION_OFFSET: u64 = 60;

/// What a run of the runner left behind.
struct Refusal {
    code: Option<i32>,
    text: String,
}

/// Runs `mercato up` with secrets and these further arguments until it ends by itself.
fn up(arguments: &[&str]) -> Refusal {
    let secrets = [
        ("jwt_secret", JWT_SECRET),
        ("payment_webhook_secret", WEBHOOK_SECRET),
    ];
    let secrets = secrets
        .iter()
        .map(|(name, value)| format!("--variable={name}={value}"));
    let all: Vec<String> = secrets
        .chain(arguments.iter().map(|argument| (*argument).to_owned()))
        .collect();
    up_with_nothing_but(&all)
}

fn up_with_nothing_but(arguments: &[String]) -> Refusal {
    let folder = Folder::new("cli");
    let output = folder.path().join("output");
    let file = fs::File::create(&output).expect("a file");
    let mut command = Command::new(runner());
    command
        .current_dir(repository())
        .args(["up", "--data-dir"])
        .arg(shared_data())
        .args(arguments)
        .env_remove("SPIN_VARIABLE_JWT_SECRET")
        .env_remove("RUST_BACKTRACE")
        .stdin(Stdio::null())
        .stdout(file.try_clone().expect("a second handle"))
        .stderr(file);
    let mut process = Guarded::spawn(&mut command).expect("the runner starts");
    let status = wait_until("the end of the runner", || process.ended());
    Refusal {
        code: status.code(),
        text: fs::read_to_string(&output).expect("its output"),
    }
}

impl Refusal {
    /// One line that says all of this, log lines aside, and exit code 1.
    #[track_caller]
    fn says(&self, parts: &[&str]) {
        assert_eq!(self.code, Some(1), "{}", self.text);
        let lines: Vec<&str> = self
            .text
            .lines()
            .filter(|line| !line.starts_with('{'))
            .collect();
        let [line] = lines.as_slice() else {
            panic!("not one line: {}", self.text)
        };
        assert!(line.starts_with("mercato: "), "{line}");
        for part in parts {
            assert!(line.contains(part), "no {part:?} in: {line}");
        }
        for secret in [JWT_SECRET, WEBHOOK_SECRET] {
            assert!(!line.contains(secret), "{line}");
        }
        assert_no_panic(line);
    }
}

#[track_caller]
fn assert_no_panic(text: &str) {
    for sign in ["panicked", "RUST_BACKTRACE", "unwrap", "stack backtrace"] {
        assert!(!text.contains(sign), "{text}");
    }
}

/// The repository's manifest, changed, in a folder of its own.
fn manifest(change: impl FnOnce(String) -> String) -> (Folder, String) {
    let folder = Folder::new("manifest");
    let text = fs::read_to_string(repository().join("spin.toml")).expect("the manifest");
    let components = repository().join("target/components");
    let text = text.replace("target/components", &components.display().to_string());
    let path = folder.path().join("spin.toml");
    fs::write(&path, change(text)).expect("a manifest");
    databases_in(folder.path());
    (folder, path.display().to_string())
}

/// The runtime configuration of the repository, with the databases in that folder.
fn databases_in(folder: &Path) -> String {
    let text = fs::read_to_string(repository().join("runtime-config.toml"))
        .expect("the runtime configuration");
    let path = folder.join("runtime-config.toml");
    fs::write(
        &path,
        text.replace(".mercato/", &format!("{}/", folder.display())),
    )
    .expect("a runtime configuration");
    path.display().to_string()
}

#[cfg(unix)]
#[test]
fn a_second_start_says_nothing_but_the_address() {
    let mut server = Server::start();
    assert!(server.stop(), "the exit code is 0");
    let before = server.log().len();
    server.restart();
    let address = format!("listening on {}", server.base_url());
    let log = wait_until("the address in the log", || {
        let log = server.log().split_off(before);
        log.contains(&address).then_some(log)
    });
    let said: Vec<&str> = log
        .lines()
        .filter(|line| !line.contains("\"target\":\"request\""))
        .collect();
    assert_eq!(said, [address]);
}

#[test]
fn a_missing_manifest() {
    up(&["--app", "/nowhere/spin.toml"]).says(&["/nowhere/spin.toml", "--app"]);
}

#[test]
fn a_manifest_that_is_not_toml() {
    let (_folder, path) = manifest(|text| text.replacen("[application]", "[application", 1));
    up(&["--app", &path]).says(&["spin.toml:3:"]);
}

#[test]
fn an_unknown_key_in_the_manifest() {
    let (_folder, path) = manifest(|text| {
        text.replacen(
            "[component.gateway]",
            "[component.gateway]\ncolour = \"red\"",
            1,
        )
    });
    up(&["--app", &path]).says(&["spin.toml:", "colour"]);
}

#[test]
fn a_manifest_of_another_version() {
    let (_folder, path) =
        manifest(|text| text.replacen("spin_manifest_version = 2", "spin_manifest_version = 3", 1));
    up(&["--app", &path]).says(&["spin.toml", "version"]);
}

#[test]
fn a_route_to_a_component_that_does_not_exist() {
    let (_folder, path) =
        manifest(|text| text.replacen("component = \"auth-api\"", "component = \"auth\"", 1));
    up(&["--app", &path]).says(&["spin.toml", "auth"]);
}

#[test]
fn a_missing_artifact() {
    let (_folder, path) = manifest(|text| text.replacen("gateway.wasm", "missing.wasm", 1));
    up(&["--app", &path]).says(&["missing.wasm", "cargo xtask build"]);
}

#[test]
fn an_artifact_that_is_no_component() {
    let folder = Folder::new("artifact");
    let file = folder.path().join("text.wasm");
    fs::write(&file, "not WebAssembly").expect("a file");
    let gateway = repository()
        .join("target/components/gateway.wasm")
        .display()
        .to_string();
    let (_manifest, path) =
        manifest(|text| text.replacen(&gateway, &file.display().to_string(), 1));
    up(&["--app", &path]).says(&["gateway"]);
}

#[test]
fn a_port_that_is_in_use() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("its number").to_string();
    up(&["--listen", &address]).says(&["cannot listen on", &address]);
    up(&["--listen", "127.0.0.1:0", "--metrics-listen", &address])
        .says(&["cannot listen on", &address]);
}

#[test]
fn a_listening_address_that_is_none() {
    up(&["--listen", "nonsense"]).says(&["cannot listen on nonsense"]);
}

#[test]
fn a_required_variable_without_a_value() {
    up_with_nothing_but(&[]).says(&[
        "jwt_secret",
        "cargo xtask variables",
        "--variable jwt_secret=",
    ]);
}

#[test]
fn a_shop_with_stripe_but_without_its_key() {
    up(&["--app", "spin.stripe.toml"]).says(&["stripe_secret_key"]);
}

#[test]
fn a_variable_that_nobody_declared() {
    up(&["--variable", "colour=red"]).says(&["colour"]);
}

#[test]
fn a_variable_without_a_value_sign() {
    up(&["--variable", "jwt_secret"]).says(&["KEY=VALUE"]);
}

#[test]
fn a_missing_file_of_a_variable() {
    up(&["--variable", "jwt_secret=@/nowhere/jwt_secret"]).says(&["/nowhere/jwt_secret"]);
}

#[test]
fn a_redis_address_comes_from_a_file_too() {
    up(&["--redis", "@/nowhere/redis"]).says(&["/nowhere/redis"]);
    let folder = Folder::new("redis-address");
    let path = folder.path().join("address");
    fs::write(&path, "postgres://user:hunter2@127.0.0.1\n").expect("a file");
    let refusal = up(&["--redis", &format!("@{}", path.display())]);
    refusal.says(&["Redis"]);
    assert!(!refusal.text.contains("hunter2"), "{}", refusal.text);
}

#[test]
fn a_secret_on_the_command_line_is_warned_of() {
    let refusal = up(&[
        "--variable=metrics_token=hunter2",
        "--variable=currency=EUR",
        "--listen=nonsense",
    ]);
    let warned = |variable: &str| {
        let lines = refusal.text.lines();
        let mut lines = lines.filter(|line| line.contains("can be seen by every user"));
        lines.any(|line| line.contains(variable))
    };
    assert!(warned("\"metrics_token\""), "{}", refusal.text);
    assert!(!warned("\"currency\""), "{}", refusal.text);
    assert!(refusal.text.contains("SPIN_VARIABLE_METRICS_TOKEN"));
    assert!(!refusal.text.contains("hunter2"), "{}", refusal.text);
}

#[test]
fn a_missing_file_of_variables() {
    up(&["--variable", "@/nowhere/variables.toml"]).says(&["/nowhere/variables.toml"]);
}

#[test]
fn a_file_of_variables_that_holds_something_else() {
    let folder = Folder::new("variables");
    let path = folder.path().join("variables.toml");
    fs::write(
        &path,
        "currency = \"USD\"\njwt_secret = hunter2-not-quoted\n",
    )
    .expect("a file");
    let refusal = up(&["--variable", &format!("@{}", path.display())]);
    refusal.says(&["variables.toml:2"]);
    assert!(
        !refusal.text.contains("hunter2"),
        "a secret is never shown: {}",
        refusal.text
    );
}

#[test]
fn a_redis_address_that_is_none() {
    for url in ["nonsense", "http://127.0.0.1:6379", "redis://"] {
        up(&["--redis", url]).says(&["Redis", "redis://127.0.0.1:6379"]);
    }
    let refusal = up(&["--redis", "postgres://user:hunter2@127.0.0.1"]);
    refusal.says(&["Redis"]);
    assert!(!refusal.text.contains("hunter2"), "{}", refusal.text);
}

#[test]
fn a_missing_runtime_configuration() {
    up(&["--runtime-config-file", "/nowhere/runtime-config.toml"])
        .says(&["/nowhere/runtime-config.toml"]);
}

#[test]
fn a_database_that_the_runtime_configuration_does_not_have() {
    let folder = Folder::new("databases");
    let path = folder.path().join("runtime-config.toml");
    fs::write(&path, "").expect("a file");
    up(&["--runtime-config-file", &path.display().to_string()])
        .says(&["database", "[sqlite_database."]);
}

#[test]
fn a_file_that_is_no_database() {
    let folder = Folder::new("databases");
    fs::write(
        folder.path().join("orders.db"),
        "this is no database, ".repeat(500),
    )
    .expect("a file");
    up(&["--runtime-config-file", &databases_in(folder.path())]).says(&[
        "orders",
        "orders.db",
        "not a",
    ]);
}

#[test]
fn a_database_that_cannot_be_opened() {
    let folder = Folder::new("databases");
    fs::create_dir(folder.path().join("auth.db")).expect("a folder in its place");
    up(&["--runtime-config-file", &databases_in(folder.path())]).says(&["auth", "auth.db"]);
}

#[test]
fn an_unknown_argument() {
    let refusal = up(&["--colour", "red"]);
    assert_eq!(refusal.code, Some(2), "{}", refusal.text);
    assert!(refusal.text.contains("--colour"), "{}", refusal.text);
    assert_no_panic(&refusal.text);
}

/// What each variable may hold is the components' to judge, and they are asked before the shop opens.
#[test]
fn a_variable_that_cannot_be_used() {
    for (variable, value, rule) in [
        ("jwt_secret", "hunter2", "at least 32 bytes"),
        ("jwt_secret", "", "is empty"),
        ("jwt_previous_secret", "hunter2", "at least 32 bytes"),
        ("payment_webhook_secret", "hunter2", "at least 16 bytes"),
        ("metrics_token", "hunter2", "at least 16 bytes"),
        ("bcrypt_cost", "40", "from 4 to 16"),
        ("access_token_ttl", "soon", "from 1 to 86400"),
        ("refresh_token_ttl", "0", "from 1 to 31536000"),
        ("reservation_ttl", "-1", "from 1 to 2592000"),
        ("trusted_proxies", "yes", "from 0 to 16"),
        ("currency", "EURO", "ISO 4217"),
        ("currency", "XTS", "ISO 4217"),
        ("public_url", "ftp://x", "https://shop.example"),
        (
            "public_url",
            "https://shop.example/?x=1",
            "https://shop.example",
        ),
        ("public_url", "", "https://shop.example"),
        (
            "cors_allowed_origins",
            "https://a.example/",
            "without a path",
        ),
    ] {
        let refusal = up(&[
            "--listen",
            "127.0.0.1:0",
            "--variable",
            &format!("{variable}={value}"),
        ]);
        refusal.says(&[&format!("mercato: setting {variable}: "), rule]);
        assert!(!refusal.text.contains("hunter2"), "{}", refusal.text);
    }
}

#[test]
fn a_first_admin_that_cannot_be_made() {
    let with = |email: &str, password: &str| {
        up(&[
            "--listen",
            "127.0.0.1:0",
            "--variable",
            &format!("admin_email={email}"),
            "--variable",
            &format!("admin_password={password}"),
        ])
    };
    with("root@shop.example", "").says(&["setting admin_password: ", "both or neither"]);
    with("", "Correct-Horse-7").says(&["setting admin_email: ", "both or neither"]);
    with("root", "Correct-Horse-7").says(&["setting admin_email: "]);
    let weak = with("root@shop.example", "hunter2");
    weak.says(&["setting admin_password: "]);
    assert!(!weak.text.contains("hunter2"), "{}", weak.text);
}

#[test]
fn every_variable_that_cannot_be_used_has_its_line() {
    let refusal = up(&[
        "--listen",
        "127.0.0.1:0",
        "--variable",
        "currency=usd",
        "--variable",
        "public_url=shop.example",
        "--variable",
        "trusted_proxies=99",
    ]);
    assert_eq!(refusal.code, Some(1), "{}", refusal.text);
    let lines = refusal.text.lines();
    let named: Vec<&str> = lines
        .filter_map(|line| line.strip_prefix("mercato: setting "))
        .filter_map(|line| line.split(':').next())
        .collect();
    assert_eq!(named, ["currency", "public_url", "trusted_proxies"]);
}

#[test]
fn a_shop_with_stripe_and_settings_that_cannot_be_used() {
    const KEY: &str = "sk_test_51MercatoTests0123456789";
    // The shop without Stripe, which the other tests start, shares only some of the compiled components.
    let compiled = Command::new(runner())
        .current_dir(repository())
        .args(["compile", "--app", "spin.stripe.toml", "--data-dir"])
        .arg(shared_data())
        .status();
    assert!(compiled.is_ok_and(|status| status.success()));
    for (key, base, variable) in [
        ("pk_live_1", "https://api.stripe.com", "stripe_secret_key"),
        (KEY, "http://api.stripe.com", "stripe_api_base"),
    ] {
        let refusal = up(&[
            "--app",
            "spin.stripe.toml",
            "--listen",
            "127.0.0.1:0",
            "--variable",
            &format!("stripe_secret_key={key}"),
            "--variable",
            &format!("stripe_api_base={base}"),
        ]);
        refusal.says(&[&format!("setting {variable}: ")]);
        assert!(!refusal.text.contains(key), "{}", refusal.text);
    }
}

#[cfg(unix)]
#[test]
fn a_database_of_a_newer_version_is_left_alone() {
    let mut server = Server::start();
    let product = Shop::on(&server).product(1, 1);
    assert!(server.stop(), "the exit code is 0");
    let file = server.folder().join("products.db");
    let version = set_schema_version(&file, 999);
    server.restart();
    let client = server.client();
    let problem = client
        .get("/api/health/ready")
        .expect_problem(503, "not-ready");
    assert_eq!(problem["boxes"]["products-api"], "down", "{problem}");
    assert_eq!(problem["boxes"]["auth-api"], "up", "{problem}");
    let answer = client.get(&format!("/api/v1/products/{product}")).send();
    assert!([500, 503].contains(&answer.status()), "{}", answer.text());
    Shop::on(&server).customer();
    let log = wait_until("a line in the log", || {
        Some(server.log()).filter(|log| log.contains("999"))
    });
    assert_no_panic(&log);
    assert!(server.stop(), "the exit code is 0");
    assert_eq!(
        set_schema_version(&file, version),
        999,
        "nothing was changed"
    );
    server.restart();
    Shop::on(&server)
        .nobody()
        .get(&format!("/api/v1/products/{product}"))
        .expect(200);
}

/// Sets the schema's version in a SQLite file and gives the one it had.
fn set_schema_version(file: &Path, version: u32) -> u32 {
    let mut file = fs::OpenOptions::new()
        .read(true)
        .write(true)
        .open(file)
        .expect("the database");
    let mut before = [0; 4];
    file.seek(SeekFrom::Start(USER_VERSION_OFFSET))
        .expect("a header");
    file.read_exact(&mut before).expect("a version");
    file.seek(SeekFrom::Start(USER_VERSION_OFFSET))
        .expect("a header");
    file.write_all(&version.to_be_bytes()).expect("a version");
    u32::from_be_bytes(before)
}

#[cfg(unix)]
#[test]
fn a_damaged_database_gives_clean_errors_and_the_rest_goes_on() {
    let mut server = Server::start();
    let shop = Shop::on(&server);
    for _ in 0..20 {
        shop.product(1, 1);
    }
    assert!(server.stop(), "the exit code is 0");
    let path = server.folder().join("products.db");
    let mut bytes = fs::read(&path).expect("the database");
    let name = b"Tea ";
    let mut damaged = 0;
    for page in bytes.chunks_mut(PAGE_BYTES).skip(1) {
        // Whatever holds the products themselves: tables, indexes, the words to search for.
        if page
            .windows(name.len())
            .any(|part| part.eq_ignore_ascii_case(name))
        {
            page.fill(0xa5);
            damaged += 1;
        }
    }
    assert!(damaged > 0, "the products are somewhere");
    fs::write(&path, bytes).expect("the database");
    server.restart();
    let client = server.client();
    wait_until("readiness to name the component", || {
        let ready = client.get("/api/health/ready").send();
        (ready.status() == 503 && ready.json()["boxes"]["products-api"] == "down").then_some(())
    });
    let answer = client.get("/api/v1/products").send();
    assert!(
        [500, 503].contains(&answer.status()),
        "{} {}",
        answer.status(),
        answer.text()
    );
    let code = if answer.status() == 500 {
        "internal"
    } else {
        "unavailable"
    };
    let status = answer.status();
    answer.expect_problem(status, code);
    Shop::on(&server)
        .customer()
        .get("/api/v1/orders")
        .expect(200);
    assert_no_panic(&server.log());
}
