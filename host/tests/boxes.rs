//! What clients can and cannot do to a shop with one box in it, and what a test can do to it: over raw TCP, with tight
//! limits, in this process. Needs the built boxes: `cargo xtask build`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "helpers of tests"
)]

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use mercato::{Builder, CallKind, Fault, HostCall, Limits, OffsetClock, Running, Shop};
use mercato_platform::ids::{Ids, RandomIds};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// How long a test waits for what must happen.
const PATIENCE: Duration = Duration::from_secs(30);
/// A limit that a test wants to see reached.
const SHORT: Duration = Duration::from_millis(200);
const LOGIN: &str =
    "POST /api/v1/auth/login HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n";
const MEBIBYTE: usize = 1 << 20;

/// A folder with an application of the accounts alone, and their database; removed at the end.
struct Accounts(PathBuf);

impl Drop for Accounts {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

impl Accounts {
    fn new() -> Self {
        let folder = std::env::temp_dir().join(format!("mercato-boxes-{}", RandomIds.new_id()));
        std::fs::create_dir_all(&folder).unwrap();
        let artifact =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/components/auth-api.wasm");
        assert!(artifact.is_file(), "run `cargo xtask build` first");
        let manifest = format!(
            r#"
            spin_manifest_version = 2
            [application]
            name = "accounts"
            [[trigger.http]]
            route = "/api/v1/auth/..."
            component = "auth-api"
            [component.auth-api]
            source = {artifact:?}
            sqlite_databases = ["auth"]
            [component.auth-api.variables]
            jwt_secret = "0123456789abcdef0123456789abcdef"
            jwt_previous_secret = ""
            access_token_ttl = "900"
            refresh_token_ttl = "2592000"
            bcrypt_cost = "4"
            admin_email = ""
            admin_password = ""
            trusted_proxies = "0"
            cors_allowed_origins = ""
            "#
        );
        std::fs::write(folder.join("spin.toml"), manifest).unwrap();
        let database = folder.join("auth.db");
        let config = format!("[sqlite_database.auth]\ntype = \"spin\"\npath = {database:?}\n");
        std::fs::write(folder.join("runtime-config.toml"), config).unwrap();
        Self(folder)
    }

    /// Changes the manifest.
    fn rewrite(&self, change: impl FnOnce(String) -> String) {
        let path = self.0.join("spin.toml");
        let manifest = std::fs::read_to_string(&path).unwrap();
        std::fs::write(path, change(manifest)).unwrap();
    }

    /// The compiled box is kept for all tests.
    fn builder(&self, limits: Limits) -> Builder {
        Shop::builder()
            .app(self.0.join("spin.toml"))
            .data_dir(Path::new(env!("CARGO_TARGET_TMPDIR")).join("boxes"))
            .listen("127.0.0.1:0")
            .limits(limits)
    }

    async fn start(&self, limits: Limits) -> Running {
        self.builder(limits).start().await.unwrap()
    }
}

/// A client that knows nothing of HTTP.
struct Client(TcpStream);

impl Client {
    async fn new(address: SocketAddr) -> Self {
        Self(TcpStream::connect(address).await.unwrap())
    }

    async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        let sending = self.0.write_all(bytes.as_ref());
        timeout(PATIENCE, sending)
            .await
            .expect("the shop takes it")
            .unwrap();
    }

    /// All that comes until a text has come.
    async fn read_to(&mut self, end: &str) -> String {
        let mut text = String::new();
        while !text.contains(end) {
            let mut byte = [0];
            let read = timeout(PATIENCE, self.0.read(&mut byte)).await;
            assert_eq!(
                read.expect("something comes").unwrap(),
                1,
                "it ended: {text}"
            );
            text.push(byte[0].into());
        }
        text
    }

    /// All that comes until the shop closes.
    async fn read(&mut self) -> Answer {
        let mut bytes = Vec::new();
        let reading = self.0.read_to_end(&mut bytes);
        timeout(PATIENCE, reading)
            .await
            .expect("the shop closes")
            .unwrap();
        Answer(String::from_utf8(bytes).unwrap())
    }
}

#[derive(Debug)]
struct Answer(String);

impl Answer {
    fn status(&self) -> &str {
        self.0.get(9..12).unwrap_or_default()
    }

    fn body(&self) -> Value {
        let (_, body) = self.0.split_once("\r\n\r\n").unwrap();
        serde_json::from_str(body).expect(body)
    }

    /// Checks that it is a problem of the form that all have, and the last answer of its connection.
    #[track_caller]
    fn expect_last(&self, status: &str, code: &str) {
        assert_eq!(self.status(), status, "{self:?}");
        for header in [
            "content-type: application/problem+json",
            "x-content-type-options: nosniff",
            "content-security-policy: default-src 'none'",
            "connection: close",
            "x-request-id: ",
        ] {
            assert!(self.0.contains(header), "no {header}: {self:?}");
        }
        let body = self.body();
        assert_eq!(body["type"], format!("https://mercato.dev/problems/{code}"));
        for member in [
            "title",
            "detail",
            "message",
            "instance",
            "path",
            "timestamp",
            "requestId",
        ] {
            assert!(body[member].is_string(), "no {member}: {self:?}");
        }
        assert_eq!(body["statusCode"], body["status"]);
    }
}

async fn exchange(address: SocketAddr, request: impl AsRef<[u8]>) -> Answer {
    let mut client = Client::new(address).await;
    client.send(request).await;
    client.read().await
}

async fn post(address: SocketAddr, path: &str, body: &Value) -> Answer {
    let body = body.to_string();
    let length = body.len();
    let request = format!(
        "POST {path} HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
    );
    exchange(address, request).await
}

async fn me(address: SocketAddr, token: &str) -> Answer {
    let request = format!(
        "GET /api/v1/auth/me HTTP/1.1\r\nHost: h\r\nConnection: close\r\nAuthorization: Bearer {token}\r\n\r\n"
    );
    exchange(address, request).await
}

async fn register(address: SocketAddr, email: &str) -> Answer {
    let account = json!({ "name": "Ada", "email": email, "password": "Engine-No-1" });
    post(address, "/api/v1/auth/register", &account).await
}

async fn login(address: SocketAddr, email: &str) -> Answer {
    let credentials = json!({ "email": email, "password": "Engine-No-1" });
    post(address, "/api/v1/auth/login", &credentials).await
}

#[tokio::test]
async fn a_client_that_sends_its_body_slowly_keeps_no_instance_busy() {
    let accounts = Accounts::new();
    let shop = accounts
        .start(Limits {
            instances_per_component: 1,
            ..Limits::default()
        })
        .await;
    let mut slow = Client::new(shop.addr()).await;
    slow.send(format!(
        "{LOGIN}Connection: close\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n"
    ))
    .await;
    // The shop waits for the body now.
    slow.read_to("HTTP/1.1 100 Continue\r\n\r\n").await;
    slow.send("{").await;
    assert_eq!(login(shop.addr(), "ada@example.com").await.status(), "401");
    slow.send("}").await;
    assert_eq!(slow.read().await.body()["detail"], "2 fields are invalid");
    assert!(shop.stop().await);
}

#[tokio::test]
async fn a_body_that_does_not_come_in_time_is_answered_408() {
    let accounts = Accounts::new();
    let shop = accounts
        .start(Limits {
            request_body_time: SHORT,
            ..Limits::default()
        })
        .await;
    for framing in [
        "Content-Length: 100\r\n\r\n{",
        "Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n",
    ] {
        let mut slow = Client::new(shop.addr()).await;
        slow.send(format!("{LOGIN}{framing}")).await;
        slow.read().await.expect_last("408", "request-timeout");
    }
    shop.kill().await;
}

#[tokio::test]
async fn a_head_that_does_not_come_in_time_ends_the_connection() {
    let accounts = Accounts::new();
    let shop = accounts
        .start(Limits {
            request_head_time: SHORT,
            linger_time: SHORT,
            ..Limits::default()
        })
        .await;
    for begun in ["", "POST / HT", "GET / HTTP/1.1\r\nHost: h\r\nA: "] {
        assert_eq!(exchange(shop.addr(), begun).await.0, "", "{begun}");
    }
    assert!(shop.stop().await);
}

#[tokio::test]
async fn a_body_that_breaks_off_is_a_bad_request() {
    let accounts = Accounts::new();
    let shop = accounts.start(Limits::default()).await;
    let answer = exchange(
        shop.addr(),
        format!("{LOGIN}Transfer-Encoding: chunked\r\n\r\nnonsense\r\n"),
    )
    .await;
    answer.expect_last("400", "incomplete-body");
    let mut client = Client::new(shop.addr()).await;
    client
        .send(format!("{LOGIN}Content-Length: 100\r\n\r\n{{"))
        .await;
    client.0.shutdown().await.unwrap();
    client.read().await.expect_last("400", "incomplete-body");
    shop.kill().await;
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused_and_the_client_gets_to_read_why() {
    let accounts = Accounts::new();
    let shop = accounts
        .start(Limits {
            request_body_bytes: u64::try_from(2 * MEBIBYTE).unwrap(),
            ..Limits::default()
        })
        .await;
    // Announced: refused before anything was read, without an invitation to send it.
    let announced = format!(
        "{LOGIN}Content-Length: {}\r\nExpect: 100-continue\r\n\r\n",
        8 * MEBIBYTE
    );
    let mut client = Client::new(shop.addr()).await;
    client.send(&announced).await;
    client.read_to("\r\n\r\n").await;
    // All of it sent before the answer is looked at: announced, in chunks, and too long only for the box.
    let body = vec![b' '; 8 * MEBIBYTE];
    let chunk = format!("{:x}\r\n", body.len());
    let fits_the_runner = 2 * MEBIBYTE - 1;
    let mut requests = vec![
        [
            format!("{LOGIN}Content-Length: {}\r\n\r\n", body.len()).as_bytes(),
            &body,
        ]
        .concat(),
        [
            format!("{LOGIN}Transfer-Encoding: chunked\r\n\r\n{chunk}").as_bytes(),
            &body,
        ]
        .concat(),
    ];
    requests.push(
        [
            format!("{LOGIN}Content-Length: {fits_the_runner}\r\n\r\n").as_bytes(),
            &body[..fits_the_runner],
        ]
        .concat(),
    );
    for request in requests {
        exchange(shop.addr(), request)
            .await
            .expect_last("413", "payload-too-large");
    }
    // Nothing of it disturbs the next client.
    assert_eq!(login(shop.addr(), "ada@example.com").await.status(), "401");
    shop.kill().await;
}

#[tokio::test]
async fn a_client_that_takes_no_answers_is_cut_off() {
    let accounts = Accounts::new();
    let shop = accounts
        .start(Limits {
            response_write_time: SHORT,
            linger_time: SHORT,
            ..Limits::default()
        })
        .await;
    let mut client = Client::new(shop.addr()).await;
    let requests = "GET /nowhere HTTP/1.1\r\nHost: h\r\n\r\n".repeat(1000);
    let sending = async {
        // It never reads; so the shop's answers get stuck, then the shop takes no more requests.
        while client.0.write_all(requests.as_bytes()).await.is_ok() {}
    };
    timeout(PATIENCE, sending).await.expect("the shop closes");
    assert!(shop.stop().await);
}

#[tokio::test]
async fn requests_that_can_be_cut_in_two_ways_are_refused() {
    let accounts = Accounts::new();
    let shop = accounts.start(Limits::default()).await;
    let chunks = "2\r\n{}\r\n0\r\n\r\n";
    for framing in [
        format!("Transfer-Encoding: gzip, chunked\r\n\r\n{chunks}"),
        format!("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}"),
        format!("Transfer-Encoding: chunked, identity\r\n\r\n{chunks}"),
        format!("Transfer-Encoding : chunked\r\n\r\n{chunks}"),
        "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}".into(),
        "Content-Length: 2, 2\r\n\r\n{}".into(),
        "Content-Length: +2\r\n\r\n{}".into(),
        "A: 1\r\n 2\r\nContent-Length: 2\r\n\r\n{}".into(),
        "Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}".into(),
        "Content-Length: 2\nA: b\r\n\r\n{}".into(),
        "Content-Length: 2\r\n\n{}".into(),
        "Content-Length : 2\r\n\r\n{}".into(),
        format!("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n{chunks}"),
        format!("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}"),
    ] {
        let answer = exchange(shop.addr(), format!("{LOGIN}{framing}")).await;
        assert!(
            !answer.0.contains("fields are invalid"),
            "{framing}: {answer:?}"
        );
        answer.expect_last("400", "bad-request");
    }
    // Neither does what comes before the fields.
    let login = LOGIN.replacen("\r\n", "\n", 1);
    let answer = exchange(shop.addr(), format!("{login}Content-Length: 2\r\n\r\n{{}}")).await;
    answer.expect_last("400", "bad-request");
    // What follows chunks is not taken for a request, however they end.
    for chunks in [
        chunks,
        "2;a=b\r\n{}\r\n0\r\nTrailer: a\n\nGET / HTTP/1.1\r\n\r\n",
    ] {
        let next = format!("{LOGIN}Content-Length: 2\r\n\r\n{{}}");
        let smuggled = format!("{LOGIN}Transfer-Encoding: chunked\r\n\r\n{chunks}{next}");
        let answer = exchange(shop.addr(), smuggled).await;
        assert_eq!(answer.0.matches("HTTP/1.1 ").count(), 1, "{answer:?}");
        answer.expect_last("400", "validation");
    }
    // Requests one behind the other are all looked at.
    let ok = format!("{LOGIN}Content-Length: 2\r\n\r\n{{}}");
    let answer = exchange(
        shop.addr(),
        format!("{ok}{LOGIN}Content-Length: 2\n\r\n{{}}"),
    )
    .await;
    assert_eq!(answer.0.matches("HTTP/1.1 400 ").count(), 2, "{answer:?}");
    assert_eq!(
        answer.0.matches("problems/validation").count(),
        1,
        "{answer:?}"
    );
    shop.kill().await;
}

#[tokio::test]
async fn a_request_that_finds_no_free_instance_in_time_is_answered_503() {
    let accounts = Accounts::new();
    let (began, begun) = mpsc::channel();
    let (free, freed) = mpsc::channel::<()>();
    let (freed, held) = (Mutex::new(freed), AtomicBool::new(false));
    let shop = accounts
        .builder(Limits {
            instances_per_component: 1,
            queue_time: SHORT,
            ..Limits::default()
        })
        .faults(move |call: &HostCall<'_>| {
            if call.detail.contains("INSERT INTO users") && !held.swap(true, Ordering::SeqCst) {
                began.send(()).unwrap();
                freed.lock().unwrap().recv_timeout(PATIENCE).unwrap();
            }
            Fault::Pass
        })
        .start()
        .await
        .unwrap();
    let address = shop.addr();
    let first = tokio::spawn(register(address, "ada@example.com"));
    let begun = tokio::task::spawn_blocking(move || begun.recv_timeout(PATIENCE));
    begun
        .await
        .unwrap()
        .expect("the first request is in its instance");
    let second = login(address, "ada@example.com").await;
    second.expect_last("503", "unavailable");
    assert!(second.0.contains("retry-after: 1\r\n"), "{second:?}");
    free.send(()).unwrap();
    assert_eq!(first.await.unwrap().status(), "201");
    assert_eq!(login(address, "ada@example.com").await.status(), "200");
    assert!(shop.stop().await);
}

#[tokio::test]
async fn a_test_moves_the_clock_that_a_box_sees() {
    let accounts = Accounts::new();
    let clock = OffsetClock::new();
    let shop = accounts
        .builder(Limits::default())
        .clock(clock.clone())
        .start()
        .await
        .unwrap();
    let account = register(shop.addr(), "ada@example.com").await.body();
    let token = account["accessToken"].as_str().unwrap();
    assert_eq!(me(shop.addr(), token).await.status(), "200");
    clock.advance(Duration::from_secs(901));
    let late = me(shop.addr(), token).await;
    assert_eq!(
        (late.status(), &late.body()["detail"]),
        ("401", &json!("the token has expired"))
    );
    clock.rewind(Duration::from_secs(901));
    assert_eq!(me(shop.addr(), token).await.status(), "200");
    assert!(shop.stop().await);
}

#[tokio::test]
async fn a_test_decides_what_becomes_of_a_boxs_calls() {
    let accounts = Accounts::new();
    let plan = Arc::new(Mutex::new((CallKind::Sqlite, Fault::Pass)));
    let (chosen, calls) = (Arc::clone(&plan), Arc::new(Mutex::new(Vec::new())));
    let seen = Arc::clone(&calls);
    let shop = accounts
        .builder(Limits::default())
        .faults(move |call: &HostCall<'_>| {
            assert_eq!(call.component, "auth-api");
            seen.lock().unwrap().push((call.number, call.kind));
            let (kind, fault) = chosen.lock().unwrap().clone();
            let is_it = match kind {
                CallKind::Sqlite => call.detail.contains("INSERT INTO users"),
                _ => true,
            };
            if is_it && call.kind == kind {
                fault
            } else {
                Fault::Pass
            }
        })
        .start()
        .await
        .unwrap();
    let decide = |kind, fault| *plan.lock().unwrap() = (kind, fault);
    let address = shop.addr();
    // The statement fails: the box answers, and nobody is registered.
    decide(CallKind::Sqlite, Fault::Fail("disk I/O error".into()));
    let failed = register(address, "fail@example.com").await;
    assert!(["500", "503"].contains(&failed.status()), "{failed:?}");
    assert!(!failed.0.contains("disk"), "{failed:?}");
    // The box stops dead at the clock, before or in the middle of its transaction: the runner answers, and nobody is
    // registered.
    for (kind, fault, email) in [
        (CallKind::Clock, Fault::Stop, "clock@example.com"),
        (CallKind::Sqlite, Fault::Stop, "stop@example.com"),
        (CallKind::Sqlite, Fault::StopAfter, "after@example.com"),
    ] {
        decide(kind, fault);
        let stopped = register(address, email).await;
        assert_eq!(stopped.status(), "500", "{stopped:?}");
        assert_eq!(
            stopped.body()["type"],
            "https://mercato.dev/problems/internal"
        );
    }
    decide(CallKind::Sqlite, Fault::Pass);
    for email in [
        "fail@example.com",
        "clock@example.com",
        "stop@example.com",
        "after@example.com",
    ] {
        assert_eq!(login(address, email).await.status(), "401", "{email}");
        assert_eq!(register(address, email).await.status(), "201", "{email}");
    }
    // It stops when everything is done: before its answer, which is lost, or after it.
    for (fault, email, status) in [
        (Fault::Stop, "unheard@example.com", "500"),
        (Fault::StopAfter, "heard@example.com", "201"),
    ] {
        decide(CallKind::Respond, fault);
        assert_eq!(register(address, email).await.status(), status, "{email}");
        decide(CallKind::Respond, Fault::Pass);
        assert_eq!(login(address, email).await.status(), "200", "{email}");
    }
    let calls = calls.lock().unwrap().clone();
    for kind in [CallKind::Sqlite, CallKind::Clock, CallKind::Respond] {
        assert!(calls.iter().any(|(_, seen)| *seen == kind), "{kind:?}");
    }
    let numbers: Vec<u64> = calls.into_iter().map(|(number, _)| number).collect();
    let counted: Vec<u64> = (0..).take(numbers.len()).collect();
    assert_eq!(numbers, counted, "calls are counted from 0");
    assert!(shop.stop().await);
}

#[tokio::test]
async fn an_answer_and_the_log_belong_to_the_trace_of_the_request() {
    let accounts = Accounts::new();
    let shop = accounts.start(Limits::default()).await;
    for (path, status) in [("/api/v1/auth/me", "401"), ("/nowhere", "404")] {
        let request = |trace: &str| {
            format!("GET {path} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n{trace}\r\n")
        };
        let given = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        let answer = exchange(shop.addr(), request(&format!("traceparent: {given}\r\n"))).await;
        assert_eq!(answer.status(), status);
        let (_, ours) = answer.0.split_once("\r\ntraceparent: ").expect("a trace");
        assert!(
            ours.starts_with("00-0af7651916cd43dd8448eb211c80319c-"),
            "{answer:?}"
        );
        assert!(!answer.0.contains(given), "{answer:?}");
        let answer = exchange(shop.addr(), request("traceparent: 00-nonsense\r\n")).await;
        assert_eq!(answer.status(), status);
        assert!(!answer.0.contains("traceparent"), "{answer:?}");
    }
    assert!(shop.stop().await);
}

#[tokio::test]
async fn a_probe_has_an_instance_when_all_others_are_taken() {
    let accounts = Accounts::new();
    accounts.rewrite(|manifest| {
        let slow = manifest.replace("bcrypt_cost = \"4\"", "bcrypt_cost = \"13\"");
        format!("{slow}[component.auth-api.tool.mercato]\nready = \"/api/v1/auth/verify\"\n")
    });
    let limits = Limits {
        instances_per_component: 1,
        requests_waiting: 0,
        ..Limits::default()
    };
    let shop = accounts.start(limits).await;
    let address = shop.addr();
    let hashing = tokio::spawn(async move {
        loop {
            let answer = register(address, "ada@example.com").await;
            if answer.status() != "503" {
                return answer;
            }
        }
    });
    let mut refused = me(address, "none").await;
    while refused.status() != "503" {
        assert!(!hashing.is_finished());
        refused = me(address, "none").await;
    }
    refused.expect_last("503", "unavailable");
    assert!(refused.0.contains("retry-after: "));
    let probe = "GET /api/v1/auth/verify HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
    for _ in 0..10 {
        assert_eq!(exchange(address, probe).await.status(), "401");
    }
    assert!(!hashing.is_finished());
    assert_eq!(hashing.await.unwrap().status(), "201");
    assert!(shop.stop().await);
}
