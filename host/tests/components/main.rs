//! What clients can and cannot do to a shop with one component in it, and what a test can do to it: over raw TCP, with tight
//! limits, in this process. Needs the built components: `cargo xtask build`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "helpers of tests"
)]

mod clients;
mod instances;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use mercato::{Builder, Limits, Running, Shop};
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

/// A folder with an application of the accounts alone, and their database; removed at the end.
struct Accounts(PathBuf);

impl Drop for Accounts {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

impl Accounts {
    fn new() -> Self {
        let folder =
            std::env::temp_dir().join(format!("mercato-components-{}", RandomIds.new_id()));
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

    /// The compiled component is kept for all tests.
    fn builder(&self, limits: Limits) -> Builder {
        Shop::builder()
            .app(self.0.join("spin.toml"))
            .data_dir(Path::new(env!("CARGO_TARGET_TMPDIR")).join("components"))
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
