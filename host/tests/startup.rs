//! What the runner says when it cannot start, and what it does at its edges, with components that do nothing.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "helpers of tests"
)]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

use mercato::{Builder, Limits, Shop};
use mercato_platform::ids::{Ids, RandomIds};

/// The smallest component: it imports and exports nothing.
const EMPTY_COMPONENT: &[u8] = b"\0asm\x0d\0\x01\0";

/// A folder with an application, removed at the end.
struct App(PathBuf);

impl Drop for App {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

impl App {
    fn new(rest_of_manifest: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("mercato-startup-{}", RandomIds.new_id()));
        std::fs::create_dir_all(&folder).unwrap();
        let manifest = format!(
            "spin_manifest_version = 2\n[application]\nname = \"test\"\n{rest_of_manifest}"
        );
        std::fs::write(folder.join("spin.toml"), manifest).unwrap();
        std::fs::write(folder.join("empty.wasm"), EMPTY_COMPONENT).unwrap();
        Self(folder)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    fn builder(&self) -> Builder {
        Shop::builder()
            .app(self.file("spin.toml"))
            .data_dir(self.file("data"))
            .listen("127.0.0.1:0")
            .limits(Limits {
                instances_per_component: 1,
                shutdown_time: Duration::from_secs(1),
                ..Limits::default()
            })
    }

    async fn error(&self, change: impl FnOnce(Builder) -> Builder) -> String {
        let error = change(self.builder())
            .start()
            .await
            .err()
            .expect("the shop should not start")
            .to_string();
        assert!(!error.contains('\n'), "more than one line: {error}");
        error.replace(&self.0.display().to_string(), "APP")
    }
}

/// A component that imports one instance, assembled by hand: a type section with an instance type that exports a
/// function `f`, and an import section.
fn component_importing(name: &str) -> Vec<u8> {
    let length = u8::try_from(name.len()).unwrap();
    let mut wasm = EMPTY_COMPONENT.to_vec();
    wasm.extend([
        0x07, 14, 1, 0x42, 2, 0x01, 0x40, 0, 1, 0, 0x04, 0, 1, b'f', 0x01, 0,
    ]);
    wasm.extend([0x0a, length + 5, 1, 0x00, length]);
    wasm.extend(name.as_bytes());
    wasm.extend([0x05, 0]);
    wasm
}

const HTTP_COMPONENT: &str = "[[trigger.http]]\nroute = \"/...\"\ncomponent = \"web\"\n[component.web]\nsource = \"empty.wasm\"\n";

#[tokio::test]
async fn a_missing_manifest_is_named() {
    let app = App::new("");
    std::fs::remove_file(app.file("spin.toml")).unwrap();
    let error = app.error(|builder| builder).await;
    assert!(
        error.starts_with("cannot read APP/spin.toml: ")
            && error.ends_with("; give the application's manifest with --app"),
        "{error}"
    );
}

#[tokio::test]
async fn a_missing_artifact_says_how_to_build_it() {
    let app = App::new(HTTP_COMPONENT);
    std::fs::remove_file(app.file("empty.wasm")).unwrap();
    let error = app.error(|builder| builder).await;
    assert!(
        error.starts_with("cannot read APP/empty.wasm: ")
            && error.ends_with("; run `cargo xtask build`"),
        "{error}"
    );
}

#[tokio::test]
async fn an_artifact_that_is_no_component_is_refused() {
    let app = App::new(HTTP_COMPONENT);
    std::fs::write(app.file("empty.wasm"), b"not wasm at all").unwrap();
    let error = app.error(|builder| builder).await;
    assert!(error.starts_with("component `web`: "), "{error}");
}

#[tokio::test]
async fn a_component_without_the_export_its_trigger_needs_is_refused() {
    let error = App::new(HTTP_COMPONENT).error(|builder| builder).await;
    assert!(
        error.starts_with(
            "component `web`: has a trigger but does not export `wasi:http/handler@0.3.0`"
        ),
        "{error}"
    );
}

#[tokio::test]
async fn an_unknown_import_is_named() {
    let app = App::new(HTTP_COMPONENT);
    std::fs::write(
        app.file("empty.wasm"),
        component_importing("spin:llm/llm@3.0.0"),
    )
    .unwrap();
    let error = app.error(|builder| builder).await;
    assert_eq!(
        error,
        "component `web`: imports `spin:llm/llm@3.0.0`, which this runner does not offer"
    );
}

#[tokio::test]
async fn a_missing_variable_is_named() {
    let error = App::new("[variables]\njwt_secret = { required = true }\n")
        .error(|builder| builder)
        .await;
    assert_eq!(
        error,
        "variable `jwt_secret` has no value; run `cargo xtask variables`, or give it with --variable jwt_secret=VALUE"
    );
}

#[tokio::test]
async fn variables_come_from_the_data_directory_too() {
    let app = App::new("[variables]\njwt_secret = { required = true }\n");
    std::fs::create_dir_all(app.file("data")).unwrap();
    std::fs::write(
        app.file("data/variables.toml"),
        "jwt_secret = \"x\"\nsomething_else = \"y\"\n",
    )
    .unwrap();
    assert!(app.builder().start().await.unwrap().stop().await);
    std::fs::write(app.file("data/variables.toml"), "jwt_secret = 5\n").unwrap();
    let error = app.error(|builder| builder).await;
    assert!(
        error.starts_with("APP/data/variables.toml:1: every line must be NAME = \"value\""),
        "{error}"
    );
}

#[tokio::test]
async fn a_database_that_nobody_configured_is_named() {
    let error =
        App::new("[component.web]\nsource = \"empty.wasm\"\nsqlite_databases = [\"orders\"]\n")
            .error(|builder| builder)
            .await;
    assert_eq!(
        error,
        "APP/spin.toml: component `web`: uses the database `orders`, which the runtime configuration does not have; add [sqlite_database.orders]"
    );
}

#[tokio::test]
async fn a_corrupt_database_is_named() {
    let app =
        App::new("[component.web]\nsource = \"empty.wasm\"\nsqlite_databases = [\"orders\"]\n");
    std::fs::write(
        app.file("runtime-config.toml"),
        "[sqlite_database.orders]\ntype = \"spin\"\npath = \".mercato/orders.db\"\n",
    )
    .unwrap();
    std::fs::create_dir_all(app.file("data")).unwrap();
    std::fs::write(app.file("data/orders.db"), [7; 4096]).unwrap();
    let error = app.error(|builder| builder).await;
    assert!(
        error.starts_with("database `orders` (APP/data/orders.db): not a usable SQLite database"),
        "{error}"
    );
}

#[tokio::test]
async fn a_wrong_grant_is_named() {
    let app = App::new(
        "[component.web]\nsource = \"empty.wasm\"\nallowed_outbound_hosts = [\"example.com\"]\n",
    );
    let error = app.error(|builder| builder).await;
    assert!(error.starts_with("APP/spin.toml: component `web`: allowed_outbound_hosts entry \"example.com\" must have the form"), "{error}");
}

#[tokio::test]
async fn a_wrong_redis_address_is_refused_without_its_password() {
    let error = App::new("")
        .error(|builder| builder.redis("http://user:hunter2@cache:1"))
        .await;
    assert!(
        error.starts_with("`cache:1` is not a Redis address") && !error.contains("hunter2"),
        "{error}"
    );
}

#[tokio::test]
async fn a_port_in_use_is_named() {
    let app = App::new("");
    let running = app.builder().start().await.unwrap();
    let taken = running.addr().to_string();
    let error = app.error(|builder| builder.listen(taken.clone())).await;
    assert!(
        error.starts_with(&format!("cannot listen on {taken}: ")),
        "{error}"
    );
    running.kill().await;
}

#[tokio::test]
async fn a_start_can_be_given_up_half_way() {
    let app = App::new(HTTP_COMPONENT);
    let mut starting = Box::pin(app.builder().start());
    assert!(futures::poll!(&mut starting).is_pending());
    drop(starting);
    let again = App::new("").builder().start().await.unwrap();
    assert!(again.stop().await);
}

#[tokio::test]
async fn an_address_is_free_again_after_stop_and_after_kill() {
    let app = App::new("");
    let running = app.builder().start().await.unwrap();
    let address = running.addr().to_string();
    assert!(running.stop().await);
    let running = app.builder().listen(address.clone()).start().await.unwrap();
    running.kill().await;
    assert!(
        app.builder()
            .listen(address)
            .start()
            .await
            .unwrap()
            .stop()
            .await
    );
}

/// Sends bytes and returns all that comes back until the server closes or falls silent.
fn exchange(address: SocketAddr, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(5)))
        .unwrap();
    // The server may refuse before it has read everything.
    let _ = stream.write_all(request);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

async fn exchange_async(address: SocketAddr, request: Vec<u8>) -> String {
    tokio::task::spawn_blocking(move || exchange(address, &request))
        .await
        .unwrap()
}

#[tokio::test]
async fn requests_that_no_component_answers_get_a_clean_answer() {
    let app = App::new("");
    let running = app.builder().start().await.unwrap();
    let many_headers: String = (0..200).map(|n| format!("h{n}: 1\r\n")).collect();
    let long_header = "a".repeat(40_000);
    let closing = "Host: h\r\nConnection: close\r\n";
    let cases: [(String, &str); 14] = [
        (
            format!("GET /x HTTP/1.1\r\n{closing}X-Request-Id: my-id\r\n\r\n"),
            "404",
        ),
        ("GARBAGE\r\n\r\n".into(), "400"),
        ("GET /\r\n\r\n".into(), "400"),
        ("GET / HTTP/2.0\r\nHost: h\r\n\r\n".into(), "400"),
        ("GET /a\0b HTTP/1.1\r\nHost: h\r\n\r\n".into(), "400"),
        (format!("GET / HTTP/1.1\r\n{closing}A: 1\r2\r\n\r\n"), "400"),
        ("GET / HTTP/1.1\r\nConnection: close\r\n\r\n".into(), "400"),
        (format!("GET / HTTP/1.1\r\nHost: g\r\n{closing}\r\n"), "400"),
        (format!("OPTIONS * HTTP/1.1\r\n{closing}\r\n"), "400"),
        (format!("CONNECT h:80 HTTP/1.1\r\n{closing}\r\n"), "400"),
        (
            "GET / HTTP/1.1\r\nHost: h\r\nContent-Length: abc\r\n\r\n".into(),
            "400",
        ),
        (
            format!("GET / HTTP/1.1\r\nHost: h\r\n{many_headers}\r\n"),
            "431",
        ),
        (
            format!("GET / HTTP/1.1\r\n{closing}A: {long_header}\r\n\r\n"),
            "431",
        ),
        (
            format!("GET /{} HTTP/1.1\r\n{closing}\r\n", long_header.repeat(2)),
            "431",
        ),
    ];
    for (request, status) in cases {
        let answer = exchange_async(running.addr(), request.clone().into_bytes()).await;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status} ")),
            "{request:.60} → {answer:.200}"
        );
        for header in [
            "content-type: application/problem+json\r\n",
            "x-content-type-options: nosniff\r\n",
            "cache-control: no-store\r\n",
            "connection: close\r\n",
            "x-request-id: ",
            "date: ",
        ] {
            assert!(answer.contains(header), "{request:.60} → {answer}");
        }
        let (_, body) = answer.split_once("\r\n\r\n").unwrap();
        let problem: serde_json::Value = serde_json::from_str(body).unwrap();
        assert_eq!(problem["statusCode"].to_string(), status, "{answer}");
        assert_eq!(status == "404", problem["requestId"] == "my-id", "{answer}");
        assert!(problem["path"].is_string(), "{answer}");
    }
    assert!(running.stop().await);
}

#[tokio::test]
async fn old_and_impatient_clients_are_served() {
    let app = App::new("");
    let running = app.builder().start().await.unwrap();
    // No host, and the connection ends with the answer.
    let old = exchange_async(running.addr(), b"GET /x HTTP/1.0\r\n\r\n".to_vec()).await;
    assert!(old.starts_with("HTTP/1.0 404 "), "{old}");
    // Three requests before the first answer; a HEAD among them must not shift the others.
    let requests = "GET /1 HTTP/1.1\r\nHost: h\r\n\r\nHEAD /2 HTTP/1.1\r\nHost: h\r\n\r\nGET /3 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
    let answers = exchange_async(running.addr(), requests.into()).await;
    assert_eq!(answers.matches("HTTP/1.1 404 ").count(), 3, "{answers}");
    let paths: Vec<_> = ["/1", "/2", "/3"]
        .into_iter()
        .filter(|path| answers.contains(&format!("\"path\":\"{path}\"")))
        .collect();
    assert_eq!(paths, ["/1", "/3"], "{answers}");
    assert!(running.stop().await);
}

#[tokio::test]
async fn counters_are_served_on_a_listener_of_their_own() {
    let app = App::new("");
    let running = app
        .builder()
        .metrics_listen("127.0.0.1:0")
        .start()
        .await
        .unwrap();
    let get = |path: &str| {
        format!("GET {path} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n").into_bytes()
    };
    assert!(
        exchange_async(running.addr(), get("/metrics"))
            .await
            .starts_with("HTTP/1.1 404")
    );
    let counters = exchange_async(running.metrics_addr().unwrap(), get("/metrics")).await;
    assert!(
        counters.contains("mercato_requests_total{component=\"\",status=\"404\"} 1"),
        "{counters}"
    );
    running.kill().await;
}

#[test]
fn compiling_fills_the_cache_and_a_second_time_finds_it() {
    let app = App::new("[component.web]\nsource = \"empty.wasm\"\n");
    app.builder().compile().unwrap();
    let marks = |folder: &Path| {
        let files = std::fs::read_dir(folder)
            .unwrap()
            .map(|file| file.unwrap().file_name().into_string().unwrap());
        files.filter(|name| name.starts_with("compiled-")).count()
    };
    assert_eq!(marks(&app.file("data/cache")), 1);
    app.builder().compile().unwrap();
    assert_eq!(marks(&app.file("data/cache")), 1);
}
