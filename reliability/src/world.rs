//! A shop in this process that can crash and be started again.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use std::{env, fs};

use bytes::Bytes;
use mercato::{Builder, Clock, Limits, Network, NetworkAnswer, Running, Shop};
use mercato_platform::ids::{Ids as _, RandomIds};
use mercato_tests::stripe::{Account, Answer, Received, SECRET_KEY, parse_form};
use mercato_tests::{Client, JWT_SECRET, WEBHOOK_SECRET, repository, shared_data};
use tokio::runtime::Runtime;

use crate::plan::Plan;
use crate::sabotage::Sabotage;
use crate::store::{Kept, Storage, Store};

/// The admin of every world.
pub const ADMIN_EMAIL: &str = "admin@mercato.test";
/// The admin's password.
pub const ADMIN_PASSWORD: &str = "Correct-Horse-7";
/// How long stock is held for an order that is not paid, in seconds.
pub const RESERVATION_TTL_SECONDS: u64 = 900;

/// How long orders that nobody paid are kept, in seconds.
pub const UNPAID_RETENTION_SECONDS: u64 = 7 * 24 * 60 * 60;
/// Unpaid orders that an account may have at a time.
pub const OPEN_ORDERS_MAX: usize = 2;

/// When every world begins: 2026-03-01T09:00:00Z, in milliseconds since the Unix epoch.
const BEGINNING_MS: u64 = 1_772_355_600_000;
/// How far the clock moves each time it is read, so that no two moments are the same.
const TICK_MS: u64 = 1;
/// Databases, as `runtime-config.toml` names them.
pub(crate) const DATABASES: [&str; 5] = ["auth", "products", "checkout", "orders", "payments"];

/// Who takes the money.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Provider {
    /// The stand-in that is part of the shop.
    Mock,
    /// Stripe, as far as the adapter can tell.
    Stripe,
}

/// A clock that moves only when it is read or advanced.
#[derive(Debug, Clone)]
pub struct VirtualClock(Arc<AtomicU64>);

impl Default for VirtualClock {
    fn default() -> Self {
        Self(Arc::new(AtomicU64::new(BEGINNING_MS)))
    }
}

impl VirtualClock {
    /// Moves it forward.
    pub fn advance(&self, by: Duration) {
        let by_ms = u64::try_from(by.as_millis()).unwrap_or(u64::MAX);
        self.0.fetch_add(by_ms, Ordering::SeqCst);
    }

    /// So many seconds ago, in milliseconds since the Unix epoch.
    pub fn ms_ago(&self, seconds: u64) -> u64 {
        let now_ms = self.0.load(Ordering::SeqCst);
        now_ms.saturating_sub(seconds.saturating_mul(1_000))
    }

    /// Seconds since the Unix epoch.
    pub fn seconds(&self) -> u64 {
        self.0.load(Ordering::SeqCst) / 1_000
    }
}

impl Clock for VirtualClock {
    fn now(&self) -> Duration {
        Duration::from_millis(self.0.fetch_add(TICK_MS, Ordering::SeqCst))
    }

    fn steady(&self) -> Option<Duration> {
        let now_ms = self.0.load(Ordering::SeqCst);
        Some(Duration::from_millis(now_ms.saturating_sub(BEGINNING_MS)))
    }
}

/// A folder that goes when this is dropped; in memory where the system has such a place.
#[derive(Debug)]
pub(crate) struct Folder(PathBuf);

impl Folder {
    /// A new one.
    pub(crate) fn new() -> Self {
        let memory = Path::new("/dev/shm");
        let parent = if memory.is_dir() {
            memory.to_path_buf()
        } else {
            env::temp_dir()
        };
        let path = parent.join(format!("mercato-world-{}", RandomIds.new_id()));
        fs::create_dir_all(&path).expect("a folder");
        Self(path)
    }

    /// A runtime configuration that has all databases in here.
    pub(crate) fn runtime_config(&self) -> PathBuf {
        let path = self.0.join("runtime-config.toml");
        fs::write(&path, databases_in(&self.0)).expect("a runtime configuration");
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).ok();
    }
}

/// Stripe at the other end of the wire, which does not crash with the shop.
#[derive(Clone)]
pub struct StripeNetwork(Arc<Mutex<Account>>);

impl StripeNetwork {
    /// With an empty account, on a world's clock.
    fn new(clock: &VirtualClock) -> Self {
        let clock = clock.clone();
        let id = |prefix: &str| format!("{prefix}{}", RandomIds.new_id().replace('-', ""));
        Self(Arc::new(Mutex::new(Account::new(
            move || clock.seconds(),
            id,
        ))))
    }

    /// Does something at Stripe.
    pub fn at_stripe<T>(&self, act: impl FnOnce(&mut Account) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Network for StripeNetwork {
    fn send(&self, request: http::Request<Bytes>) -> NetworkAnswer {
        let answer = self.at_stripe(|account| account.answer(&received(&request)));
        Box::pin(async move { Ok(response(answer)) })
    }
}

/// A request as the stand-in for Stripe reads it.
pub(crate) fn received(request: &http::Request<Bytes>) -> Received {
    let target = request.uri().path_and_query();
    let headers = request.headers().iter().map(|(name, value)| {
        let value = value.to_str().unwrap_or_default();
        (name.as_str().to_owned(), value.to_owned())
    });
    Received {
        line: format!(
            "{} {}",
            request.method(),
            target.map_or("", |target| target.as_str())
        ),
        headers: headers.collect(),
        form: parse_form(&String::from_utf8_lossy(request.body())),
    }
}

/// An answer of the stand-in for Stripe.
///
/// # Panics
/// Never: the stand-in knows its statuses.
pub(crate) fn response((status, body): Answer) -> http::Response<Bytes> {
    http::Response::builder()
        .status(status)
        .header("content-type", "application/json")
        .body(Bytes::from(body.to_string()))
        .expect("a response")
}

/// A world at some moment, to come back to.
pub struct Snapshot {
    databases: Kept,
    clock_ms: u64,
    stripe: Option<Account>,
}

/// A shop in this process that can crash and be started again.
pub struct World {
    /// Where and when it crashes.
    pub plan: Plan,
    /// Its time.
    pub clock: VirtualClock,
    /// Its provider; none where the shop brings its own stand-in.
    pub stripe: Option<StripeNetwork>,
    open_orders_max: usize,
    store: Store,
    runtime: Runtime,
    running: Mutex<Option<(Running, Client)>>,
}

impl World {
    /// A shop with an admin and nothing else.
    ///
    /// # Panics
    /// When it does not start.
    pub fn new(provider: Provider, storage: Storage) -> Self {
        let clock = VirtualClock::default();
        let stripe = (provider == Provider::Stripe).then(|| StripeNetwork::new(&clock));
        Self::with(Store::new(storage), clock, stripe, OPEN_ORDERS_MAX)
    }

    /// A shop with an admin and nothing else, in which everybody may have as many unpaid orders as they like.
    ///
    /// # Panics
    /// When it does not start.
    pub fn without_limits() -> Self {
        Self::with(
            Store::new(Storage::Sqlite),
            VirtualClock::default(),
            None,
            0,
        )
    }

    /// How many bytes all its databases have when nothing is under way.
    ///
    /// # Panics
    /// When they cannot be looked at.
    pub fn stored_bytes(&self) -> u64 {
        self.forget();
        let size = |name: &&str| {
            let file = fs::metadata(self.store.folder().0.join(format!("{name}.db")));
            file.expect("a database").len()
        };
        DATABASES.iter().map(size).sum()
    }

    fn with(
        store: Store,
        clock: VirtualClock,
        stripe: Option<StripeNetwork>,
        open_orders_max: usize,
    ) -> Self {
        let world = Self {
            plan: Plan::default(),
            clock,
            stripe,
            open_orders_max,
            store,
            runtime: tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime"),
            running: Mutex::new(None),
        };
        world.start();
        world
    }

    /// The world as it is now, to come back to.
    ///
    /// # Panics
    /// When the databases cannot be copied.
    pub fn snapshot(&self) -> Snapshot {
        self.make_all_databases();
        self.forget();
        Snapshot {
            clock_ms: self.clock.0.load(Ordering::SeqCst),
            databases: self.store.keep(),
            stripe: self
                .stripe
                .as_ref()
                .map(|stripe| stripe.at_stripe(|account| account.clone())),
        }
    }

    /// Comes back to a snapshot of this world, to a shop that has just been started, perhaps broken on purpose.
    ///
    /// # Panics
    /// When the databases cannot be copied.
    pub fn rewind(&self, snapshot: &Snapshot, sabotage: Option<Sabotage>) {
        self.plan.disarm();
        self.plan.set_sabotage(sabotage);
        self.forget();
        self.store.restore(&snapshot.databases);
        self.clock.0.store(snapshot.clock_ms, Ordering::SeqCst);
        if let (Some(stripe), Some(known)) = (&self.stripe, &snapshot.stripe) {
            stripe.at_stripe(|account| account.clone_from(known));
        }
    }

    /// A database has its schema after its first use, which a snapshot must not be before.
    fn make_all_databases(&self) {
        if let Some((running, _)) = self.running().as_ref() {
            let ready = self.runtime.block_on(running.ready());
            ready.expect("a shop that is ready");
        }
    }

    /// Lets everything come to its end, and forgets what is in no database.
    fn forget(&self) {
        self.wait_until_idle();
        if let Some((running, _)) = self.running().as_ref() {
            running.forget();
        }
    }

    /// A client of the shop as it runs now.
    ///
    /// # Panics
    /// When it does not run.
    pub fn client(&self) -> Client {
        let running = self.running();
        running.as_ref().expect("a running shop").1.clone()
    }

    /// Whether the runner would call components by itself.
    pub const fn has_timers(&self) -> bool {
        self.store.has_timers()
    }

    /// Calls a component's timer, as the runner does every second.
    pub fn fire_timer(&self, component: &str) {
        let running = self.running();
        if let Some((running, _)) = running.as_ref() {
            self.runtime.block_on(running.fire_timer(component));
        }
    }

    /// Waits until everything that was set going has come to its end, in the shop as it runs now.
    pub fn wait_until_idle(&self) {
        let running = self.running();
        if let Some((running, _)) = running.as_ref() {
            self.runtime.block_on(running.idle());
        }
    }

    /// After a crash: everything that was under way has stopped, messages included, and the shop begins again on what was
    /// committed. (The runner itself keeps nothing but instances and connections, and those go.)
    pub fn recover(&self) {
        self.forget();
        self.plan.disarm();
    }

    /// The shop as it runs now, also when a test has failed while it looked at it.
    fn running(&self) -> MutexGuard<'_, Option<(Running, Client)>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn start(&self) {
        let manifest = self.store.manifest(self.stripe.is_some());
        let shop = Shop::builder().app(repository().join(manifest));
        let shop = match &self.stripe {
            None => shop,
            Some(stripe) => shop
                .network(stripe.clone())
                .variable("stripe_secret_key", SECRET_KEY),
        };
        let retention = UNPAID_RETENTION_SECONDS.to_string();
        let shop = in_world(self.store.name_to(shop), self.store.folder(), &self.clock)
            .faults(self.plan.clone())
            .limits(Limits {
                instances_per_component: 4,
                shutdown_time: Duration::from_secs(2),
                ..Limits::default()
            })
            .variable("unpaid_order_retention", retention)
            .variable("open_orders_max", self.open_orders_max.to_string());
        let running = self
            .runtime
            .block_on(shop.start())
            .expect("the shop starts");
        let client = Client::new(format!("http://{}", running.addr()));
        *self.running() = Some((running, client));
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let running = self.running().take();
        if let Some((running, _)) = running {
            self.runtime.block_on(running.kill());
        }
    }
}

/// A shop with its databases in a folder, on a clock that moves only when it is read or advanced.
pub(crate) fn in_world(shop: Builder, folder: &Folder, clock: &VirtualClock) -> Builder {
    shop.runtime_config(folder.runtime_config())
        .data_dir(shared_data())
        .listen("127.0.0.1:0")
        .clock(clock.clone())
        .timers(false)
        .variable("jwt_secret", JWT_SECRET)
        .variable("payment_webhook_secret", WEBHOOK_SECRET)
        .variable("bcrypt_cost", "4")
        .variable("admin_email", ADMIN_EMAIL)
        .variable("admin_password", ADMIN_PASSWORD)
        .variable("public_url", "http://shop.test")
        .variable("reservation_ttl", RESERVATION_TTL_SECONDS.to_string())
        .variable("orders_per_minute", "0")
}

/// Copies the databases of a shop that has none of them open.
pub(crate) fn copy_databases(from: &Folder, to: &Folder) {
    for name in DATABASES {
        let file = format!("{name}.db");
        for log in ["-wal", "-shm"] {
            let log = format!("{file}{log}");
            assert!(!from.0.join(&log).exists(), "{log}: a database is open");
            fs::remove_file(to.0.join(&log)).ok();
        }
        fs::copy(from.0.join(&file), to.0.join(&file)).expect("a copy");
    }
}

fn databases_in(folder: &Path) -> String {
    DATABASES
        .map(|name| {
            let path = folder.join(format!("{name}.db"));
            format!(
                "[sqlite_database.{name}]\ntype = \"spin\"\npath = \"{}\"\n",
                path.display()
            )
        })
        .concat()
}
