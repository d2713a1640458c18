//! Days in the life of a shop, drawn from a seed: customers, an admin, the provider, Redis, crashes.
//!
//! The shop is the one that is shipped, with Stripe for its provider, on a single thread. Everything that reaches out of a
//! component waits at the [`Scheduler`] until it is chosen, and so does everything that comes in. So requests interleave
//! between any two statements, and the whole of it can be repeated from the seed. The clock moves when it is read and
//! when it is told to; pauses take no time.

pub mod people;
pub mod quiet;
pub mod record;
pub mod scheduler;

use std::cell::{Cell, RefCell};
use std::fmt;
use std::io::{Write as _, stderr};
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use mercato::{CallKind, Fault, Limits, Running, Shop};
use mercato_tests::shop::text;
use mercato_tests::stripe::{Account, SECRET_KEY};
use mercato_tests::{JWT_SECRET, WEBHOOK_SECRET, repository, shared_data};
use rand::rngs::StdRng;
use rand::{Rng as _, RngExt as _, SeedableRng as _};
use serde_json::Value;
use tokio::sync::Notify;
use tokio::task::{JoinHandle, LocalSet, spawn_local};

use crate::client::Facts;
use crate::invariants::{self, Readings};
use crate::plan::LONG_PAUSE;
use crate::sabotage::Sabotage;
use crate::world::{ADMIN_EMAIL, ADMIN_PASSWORD, Folder, RESERVATION_TTL_SECONDS, VirtualClock};
use people::{Person, Town};
use quiet::Quiet;
use record::Record;
use scheduler::{Scheduler, Trouble, What};

/// Customers of the shop.
const CUSTOMERS: usize = 6;
/// Products: sku, price, units.
const PRODUCTS: [(&str, f64, i64); 4] = [
    ("CUP", 12.5, 600),
    ("POT", 30.0, 100),
    ("TEA", 4.25, 2_000),
    ("JAR", 9.99, 8),
];
/// Components with a timer.
const TIMED: [&str; 2] = ["orders-api", "payments-api"];
/// After so many steps of trouble everybody goes home, the shop puts itself in order, and everything is checked.
const DAY_STEPS: u64 = 5_000;
/// How much time the shop has to put itself in order: three times more than the longest pause before it tries anything
/// again, and longer than a reservation lasts, so that none ends while everything is read.
const EVENING_PAUSES: u32 = 3;
const EVENING_PAUSE: Duration = Duration::from_secs(5 * 60 + 30);
/// Steps within which the shop must have put itself in order.
const EVENING_STEPS_MAX: u64 = 400_000;
/// Instances of a component: more than there are people, so that nobody queues.
const INSTANCES: u32 = 32;
/// A limit that never matters.
const NEVER: Duration = Duration::from_secs(24 * 60 * 60);

/// Orders that nobody paid are kept for so long, in seconds: the shortest time that there is.
const UNPAID_RETENTION_SECONDS: u64 = 24 * 60 * 60;
/// Unpaid orders that a customer may have at a time: few enough to be refused one now and then.
const OPEN_ORDERS_MAX: u32 = 6;
/// How long everybody is away between two days at most, in milliseconds.
const NIGHT_MS_MAX: u64 = 2 * UNPAID_RETENTION_SECONDS * 1_000;

/// Chances in [`CHANCES`] for each step.
const CHANCES: u32 = 10_000;
const CRASH: u32 = 10;
const TIMER: u32 = 40;
const SHORT_JUMP: u32 = 200;
const LONG_JUMP: u32 = 20;
const EXPIRY_JUMP: u32 = 2;
const REFUND_FAILURE: u32 = 8;
const DEBIT_SETTLED: u32 = 6;
const SECOND_CHARGE: u32 = 4;
const DISPUTE_OPENED: u32 = 6;
const DISPUTE_ENDED: u32 = 6;

/// The same for each statement that writes: crashes that matter happen there.
const CRASH_AFTER_WRITE: u32 = 90;

/// What is simulated.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Everything is drawn from it.
    pub seed: u64,
    /// How long it goes on, in steps.
    pub steps: u64,
    /// What is broken on purpose.
    pub sabotage: Option<Sabotage>,
    /// Where every step is written down.
    pub trace: Option<PathBuf>,
    /// Whether to say on standard error how it goes.
    pub is_watched: bool,
}

/// After so many days somebody who watches hears how it goes.
const DAYS_PER_LINE: u64 = 20;

/// What came of it.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    /// Steps until the end, the evenings included.
    pub steps: u64,
    /// Requests that were sent to the shop.
    pub requests: u64,
    /// Orders that there are in the end.
    pub orders: usize,
    /// Times that the shop crashed.
    pub crashes: u64,
    /// Troubles of every other kind.
    pub troubles: u64,
    /// What was not true, each with the step at which it was noticed.
    pub violations: Vec<String>,
    /// The same for the same seed.
    pub digest: u64,
    /// How long it took.
    pub took: Duration,
}

/// Lets a shop live until something is not true, or the steps are over.
///
/// # Panics
/// When the shop does not start.
pub fn simulate(settings: &Settings) -> Outcome {
    let started = Instant::now();
    let quiet = Quiet::default();
    let hook = quiet.clone();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .on_thread_park(move || hook.note())
        .build()
        .expect("a runtime");
    let folder = Folder::new();
    let mut outcome = LocalSet::new().block_on(&runtime, async {
        let mut life = Life::begin(settings, quiet, &folder).await;
        life.live().await
    });
    outcome.took = started.elapsed();
    outcome
}

struct Life {
    settings: Settings,
    dice: StdRng,
    quiet: Quiet,
    town: Rc<Town>,
    /// Everybody's day.
    people: Vec<JoinHandle<Person>>,
    /// Timers and webhooks.
    errands: Vec<JoinHandle<()>>,
    /// Whether anything goes wrong at the moment.
    is_troubled: bool,
    outcome: Outcome,
}

impl Life {
    async fn begin(settings: &Settings, quiet: Quiet, folder: &Folder) -> Self {
        let mut dice = StdRng::seed_from_u64(settings.seed);
        let clock = VirtualClock::default();
        let provider_clock = clock.clone();
        let ids = Mutex::new(StdRng::seed_from_u64(dice.next_u64()));
        let provider = Account::new(
            move || provider_clock.seconds(),
            move |prefix| {
                let mut ids = ids.lock().unwrap_or_else(PoisonError::into_inner);
                format!("{prefix}{:016x}", ids.next_u64())
            },
        );
        let scheduler = Scheduler::new(provider, settings.sabotage);
        let shop = start(folder, &clock, &scheduler, dice.next_u64()).await;
        let town = Rc::new(Town {
            shop,
            scheduler,
            clock,
            facts: RefCell::new(Facts::default()),
            products: RefCell::default(),
            is_evening: Cell::new(false),
            is_down: Cell::new(false),
            complaints: RefCell::default(),
            crash: Notify::new(),
            record: RefCell::new(Record::new(settings.trace.as_deref())),
            requests: Cell::new(0),
        });
        Self {
            settings: settings.clone(),
            dice,
            quiet,
            town,
            people: Vec::new(),
            errands: Vec::new(),
            is_troubled: false,
            outcome: Outcome::default(),
        }
    }

    async fn live(&mut self) -> Outcome {
        let mut people = self.open().await;
        let mut days = 0;
        while self.steps() < self.settings.steps && self.outcome.violations.is_empty() {
            people = self.day(people).await;
            let admin = people.remove(0);
            let admin = self.look_through_everything(admin).await;
            people.insert(0, admin);
            // Nobody waits for an answer now, so nobody sends one again after its key is forgotten.
            self.pass_time(0..NIGHT_MS_MAX);
            days += 1;
            if self.settings.is_watched && days % DAYS_PER_LINE == 0 {
                let (steps, orders) = (self.steps(), self.outcome.orders);
                writeln!(stderr(), "{days} days, {steps} steps, {orders} orders").ok();
            }
        }
        self.outcome.steps = self.steps();
        self.outcome.digest = self.town.record.borrow().digest();
        self.outcome.requests = self.town.requests.get();
        std::mem::take(&mut self.outcome)
    }

    /// The admin fills the shelves, and everybody opens an account.
    async fn open(&mut self) -> Vec<Person> {
        let seeds: Vec<u64> = (0..=CUSTOMERS).map(|_| self.dice.next_u64()).collect();
        let town = Rc::clone(&self.town);
        let opening = spawn_local(async move {
            let mut people = Vec::new();
            for (number, seed) in seeds.into_iter().enumerate() {
                people.push(if number == 0 {
                    let mut admin = Person::admin(&town, seed);
                    for (sku, price, units) in PRODUCTS {
                        admin.stock_product(sku, price, units).await;
                    }
                    admin
                } else {
                    let mut customer = Person::customer(&town, number, seed);
                    customer.register().await;
                    customer
                });
            }
            people
        });
        self.until_done(opening).await
    }

    /// A day with all its troubles, until everybody is home and has what they wanted to know.
    async fn day(&mut self, people: Vec<Person>) -> Vec<Person> {
        self.town.is_evening.set(false);
        for (number, person) in people.into_iter().enumerate() {
            self.people.push(if number == 0 {
                spawn_local(person.manage())
            } else {
                spawn_local(person.shop_around())
            });
        }
        self.is_troubled = true;
        for _ in 0..DAY_STEPS {
            self.step().await;
        }
        self.is_troubled = false;
        self.town.is_evening.set(true);
        let mut home = Vec::new();
        for person in std::mem::take(&mut self.people) {
            home.push(self.until_done(person).await);
        }
        for errand in std::mem::take(&mut self.errands) {
            self.until_done(errand).await;
        }
        home
    }

    /// Lets the shop put itself in order, and then checks everything.
    async fn look_through_everything(&mut self, mut admin: Person) -> Person {
        let facts = self.town.facts.borrow().clone();
        let town = Rc::clone(&self.town);
        let looking = spawn_local(async move {
            // What was not answered is tried again after ever longer pauses.
            let mut is_settled = true;
            for _ in 0..EVENING_PAUSES {
                town.clock.advance(EVENING_PAUSE);
                is_settled = settle(&town, &mut admin).await;
            }
            // Only now, and only once: whoever reads an order also sets right what was left half-way.
            let mut readings = read(&mut admin, &facts).await;
            readings.gone_before_ms = town.clock.ms_ago(UNPAID_RETENTION_SECONDS);
            readings.provider = Some(town.scheduler.at_provider(|account| account.clone()));
            let mut found = invariants::check(&readings, &facts);
            if !is_settled {
                found.push("5: events are left in the outbox".to_owned());
            }
            (admin, readings, found)
        });
        let (admin, readings, mut found) = self.until_done(looking).await;
        found.append(&mut self.town.complaints.borrow_mut());
        let step = self.steps();
        self.outcome
            .violations
            .extend(found.into_iter().map(|what| format!("step {step}: {what}")));
        self.outcome.orders = readings.orders.len();
        admin
    }

    /// Goes on until a task is done.
    async fn until_done<T>(&mut self, task: JoinHandle<T>) -> T {
        let mut steps = 0;
        while !task.is_finished() {
            self.step().await;
            steps += 1;
            assert!(
                steps < EVENING_STEPS_MAX,
                "seed {}, step {}: the shop does not come to an end; what waits: {:?}",
                self.settings.seed,
                self.steps(),
                self.town.scheduler.waiting()
            );
        }
        task.await.expect("the task ends well")
    }

    /// The next thing that happens.
    async fn step(&mut self) {
        self.quiet.wait().await;
        self.errands.retain(|errand| !errand.is_finished());
        self.send_webhooks();
        self.town.record.borrow_mut().step();
        let mut drawn = self.dice.random_range(0..CHANCES);
        let mut is = |chances: u32| {
            let hit = drawn < chances;
            drawn = drawn.wrapping_sub(chances);
            hit
        };
        let troubled = self.is_troubled;
        if is(CRASH) && troubled {
            self.crash(None).await;
        } else if is(TIMER) {
            self.fire_timer();
        } else if is(SHORT_JUMP) && troubled {
            self.pass_time(10..2_000);
        } else if is(LONG_JUMP) && troubled {
            self.pass_time(2_000..60_000);
        } else if is(EXPIRY_JUMP) && troubled {
            let expiry_ms = RESERVATION_TTL_SECONDS * 1_000;
            self.pass_time(expiry_ms / 2..expiry_ms * 3);
        } else if is(REFUND_FAILURE) && troubled {
            self.fail_refund();
        } else if is(DEBIT_SETTLED) && troubled {
            self.settle_debit();
        } else if is(SECOND_CHARGE) && troubled {
            self.charge_again();
        } else if is(DISPUTE_OPENED) && troubled {
            self.open_dispute();
        } else if is(DISPUTE_ENDED) && troubled {
            self.end_dispute();
        } else {
            self.let_something_happen().await;
        }
    }

    /// A customer's bank does not take a refund that was made before.
    fn fail_refund(&mut self) {
        let standing = self
            .town
            .scheduler
            .at_provider(|account| account.standing_refunds());
        if standing.is_empty() {
            return;
        }
        let refund = &standing[self.dice.random_range(0..standing.len())];
        self.note(("refund fails", refund));
        self.outcome.troubles += 1;
        self.town
            .scheduler
            .at_provider(|account| account.fail_refund(refund));
    }

    /// The money of a debit arrives, or does not.
    fn settle_debit(&mut self) {
        let under_way = self
            .town
            .scheduler
            .at_provider(|account| account.sessions_under_way());
        if under_way.is_empty() {
            return;
        }
        let (session, _) = &under_way[self.dice.random_range(0..under_way.len())];
        let has_come = self.dice.random_range(0..3) > 0;
        self.note(("debit settled", session, has_come));
        self.town
            .scheduler
            .at_provider(|account| account.settle(session, has_come));
    }

    /// A customer pays once more for what is paid.
    fn charge_again(&mut self) {
        let provider = &self.town.scheduler;
        let paid = provider.at_provider(|account| account.paid_sessions());
        let Some(session) = pick(&mut self.dice, &paid) else {
            return;
        };
        self.outcome.troubles += 1;
        self.note(("charged again", session));
        let provider = &self.town.scheduler;
        provider.at_provider(|account| account.charge_again(session));
    }

    /// A customer's bank asks about a charge.
    fn open_dispute(&mut self) {
        let provider = &self.town.scheduler;
        let charges = provider.at_provider(|account| account.undisputed_charges());
        let Some(charge) = pick(&mut self.dice, &charges) else {
            return;
        };
        self.outcome.troubles += 1;
        self.note(("dispute", charge));
        let provider = &self.town.scheduler;
        provider.at_provider(|account| account.open_dispute(charge));
    }

    /// A customer's bank decides.
    fn end_dispute(&mut self) {
        let provider = &self.town.scheduler;
        let open: Vec<String> = provider.at_provider(|account| {
            let open = account.disputes().iter();
            let open = open.filter(|dispute| dispute.ended.is_none());
            open.map(|dispute| dispute.id.clone()).collect()
        });
        let Some(dispute) = pick(&mut self.dice, &open) else {
            return;
        };
        let ends = ["won", "lost", "warning_closed"];
        let end = ends[self.dice.random_range(0..ends.len())];
        self.note(("dispute ended", dispute, end));
        let provider = &self.town.scheduler;
        provider.at_provider(|account| account.end_dispute(dispute, end));
    }

    fn note(&self, what: impl fmt::Debug) {
        self.town.record.borrow_mut().note(what);
    }

    fn steps(&self) -> u64 {
        self.town.record.borrow().steps()
    }

    fn pass_time(&mut self, range_ms: std::ops::Range<u64>) {
        let by_ms = self.dice.random_range(range_ms);
        self.note(("time", by_ms));
        self.town.clock.advance(Duration::from_millis(by_ms));
        self.town.scheduler.at_provider(Account::expire_sessions);
    }

    fn fire_timer(&mut self) {
        let component = TIMED[self.dice.random_range(0..TIMED.len())];
        self.note(("timer", component));
        let town = Rc::clone(&self.town);
        self.errands.push(spawn_local(async move {
            town.shop.fire_timer(component).await;
        }));
    }

    fn send_webhooks(&mut self) {
        for event in self.town.scheduler.at_provider(Account::take_events) {
            let again = self.is_troubled && self.dice.random_range(0..6) == 0;
            let delivery = Rc::clone(&self.town).deliver(event, again);
            self.errands.push(spawn_local(delivery));
        }
    }

    /// One of those who wait has its turn, or a message of Redis arrives.
    async fn let_something_happen(&mut self) {
        let waiting = self.town.scheduler.waiting();
        let messages = self.town.scheduler.messages();
        let ready: Vec<usize> = (0..waiting.len())
            .filter(|index| self.is_ready(&waiting[*index]))
            .collect();
        let choices = ready.len() + messages;
        if choices == 0 {
            return self.fire_timer();
        }
        let chosen = self.dice.random_range(0..choices);
        match ready.get(chosen) {
            Some(index) if writes(&waiting[*index]) && self.is_hit(CRASH_AFTER_WRITE) => {
                self.crash(Some(*index)).await;
            }
            Some(index) => self.let_go(*index, &waiting[*index]),
            None => self.carry_message(chosen - ready.len()),
        }
    }

    /// Limits on how long something takes come last, mostly.
    fn is_ready(&mut self, what: &What) -> bool {
        match what {
            What::Call(CallKind::Sleep, _) if pause(what) >= LONG_PAUSE => {
                self.is_troubled && self.dice.random_range(0..200) == 0
            }
            _ => true,
        }
    }

    fn let_go(&mut self, index: usize, what: &What) {
        let (fault, trouble) = match what {
            What::Call(kind, detail) => self.draw_fault(*kind, detail),
            What::Request(_) | What::Webhook(_) => (Fault::Pass, self.draw_trouble_of_request()),
            What::Answer => (Fault::Pass, Trouble::None),
        };
        if matches!(what, What::Call(CallKind::Sleep, _)) {
            self.town.clock.advance(pause(what));
        } else if fault != Fault::Pass || trouble != Trouble::None {
            self.outcome.troubles += 1;
        }
        self.note((what, &fault, trouble));
        self.town.scheduler.let_go(index, fault, trouble);
    }

    fn carry_message(&mut self, index: usize) {
        let message = self.town.scheduler.take_message(index);
        let drawn = if self.is_troubled {
            self.dice.random_range(0..10)
        } else {
            u32::MAX
        };
        self.note((
            &message.channel,
            String::from_utf8_lossy(&message.payload),
            drawn,
        ));
        // One in ten is lost, and one in ten comes again later.
        if drawn < 2 {
            self.outcome.troubles += 1;
        }
        if drawn > 0 {
            self.town.shop.deliver(&message.channel, &message.payload);
        }
        if drawn == 1 {
            self.town.scheduler.put_message(message);
        }
    }

    fn is_hit(&mut self, chances: u32) -> bool {
        self.is_troubled && self.dice.random_range(0..CHANCES) < chances
    }

    fn draw_fault(&mut self, kind: CallKind, detail: &str) -> (Fault, Trouble) {
        let fail = |reason: &str| (Fault::Fail(reason.to_owned()), Trouble::None);
        match kind {
            CallKind::Sqlite => {
                let (chances, reason) = match verb(detail) {
                    "BEGIN" => (150, "database is locked"),
                    "COMMIT" => (50, "database or disk is full"),
                    "ROLLBACK" => (0, ""),
                    "SELECT" => (10, "disk I/O error"),
                    _ => (40, "database or disk is full"),
                };
                if self.is_hit(chances) {
                    return fail(reason);
                }
            }
            CallKind::Publish if self.is_hit(500) => return fail("connection refused"),
            CallKind::Http if self.is_hit(2_500) => {
                let troubles = [
                    Trouble::Lost,
                    Trouble::AnswerLost,
                    Trouble::AnswerLate,
                    Trouble::AnswerLate,
                    Trouble::Broken,
                ];
                let drawn = self.dice.random_range(0..troubles.len());
                return (Fault::Pass, troubles[drawn]);
            }
            CallKind::Sleep => return (Fault::Pretend, Trouble::None),
            _ => {}
        }
        (Fault::Pass, Trouble::None)
    }

    fn draw_trouble_of_request(&mut self) -> Trouble {
        if !self.is_hit(300) {
            Trouble::None
        } else if self.dice.random_range(0..2) == 0 {
            Trouble::Lost
        } else {
            Trouble::AnswerLost
        }
    }

    /// The shop stops dead, perhaps just after the call at that place, and is started again on what was committed.
    async fn crash(&mut self, last: Option<usize>) {
        self.outcome.crashes += 1;
        self.town.is_down.set(true);
        let scheduler = self.town.scheduler.clone();
        if let Some(last) = last {
            // Its component comes as far as to its next call, which does not happen any more.
            self.note(("crash after", &scheduler.waiting()[last]));
            scheduler.let_go(last, Fault::Pass, Trouble::None);
            self.quiet.wait().await;
        } else {
            self.note("crash");
        }
        scheduler.crash();
        self.town.crash.notify_waiters();
        self.quiet.wait().await;
        self.town.shop.forget();
        scheduler.recover();
        self.town.is_down.set(false);
    }
}

/// One of several, if there are any.
fn pick<'a, T>(dice: &mut StdRng, among: &'a [T]) -> Option<&'a T> {
    (!among.is_empty()).then(|| &among[dice.random_range(0..among.len())])
}

/// Whether it is a statement that changes a database, or ends a transaction.
fn writes(what: &What) -> bool {
    let What::Call(CallKind::Sqlite, detail) = what else {
        return false;
    };
    ["INSERT", "UPDATE", "DELETE", "COMMIT"].contains(&verb(detail))
}

/// The first word of a statement, as a component's call tells it.
fn verb(detail: &str) -> &str {
    let statement = detail.split(": ").nth(1).unwrap_or_default();
    statement.split(' ').next().unwrap_or_default()
}

/// How long a pause is.
fn pause(what: &What) -> Duration {
    let What::Call(_, detail) = what else {
        return Duration::ZERO;
    };
    let nanoseconds = detail.rsplit(' ').next().unwrap_or_default();
    Duration::from_nanos(nanoseconds.parse().unwrap_or_default())
}

async fn start(
    folder: &Folder,
    clock: &VirtualClock,
    scheduler: &Scheduler,
    random_seed: u64,
) -> Running {
    Shop::builder()
        .app(repository().join("spin.stripe.toml"))
        .runtime_config(folder.runtime_config())
        .data_dir(shared_data())
        .listen("127.0.0.1:0")
        .clock(clock.clone())
        .faults(scheduler.clone())
        .network(scheduler.clone())
        .random_seed(random_seed)
        .timers(false)
        .limits(Limits {
            instances_per_component: INSTANCES,
            queue_time: NEVER,
            request_time: NEVER,
            ..Limits::default()
        })
        .variable("jwt_secret", JWT_SECRET)
        .variable("payment_webhook_secret", WEBHOOK_SECRET)
        .variable("stripe_secret_key", SECRET_KEY)
        .variable("bcrypt_cost", "4")
        .variable("admin_email", ADMIN_EMAIL)
        .variable("admin_password", ADMIN_PASSWORD)
        .variable("public_url", "http://shop.test")
        .variable("reservation_ttl", RESERVATION_TTL_SECONDS.to_string())
        .variable(
            "unpaid_order_retention",
            UNPAID_RETENTION_SECONDS.to_string(),
        )
        .variable("open_orders_max", OPEN_ORDERS_MAX.to_string())
        .variable("orders_per_minute", "0")
        .start_here()
        .await
        .expect("the shop starts")
}

/// True when nothing is left to tell, several times in a row.
async fn settle(town: &Town, admin: &mut Person) -> bool {
    let mut quiet = 0;
    for _ in 0..invariants::ROUNDS {
        for component in TIMED {
            town.shop.fire_timer(component).await;
        }
        let outbox = admin.read("/api/v1/payments/outbox").await;
        quiet = if outbox["meta"]["total"] == 0 {
            quiet + 1
        } else {
            0
        };
        if quiet == invariants::QUIET_ROUNDS {
            return true;
        }
        town.clock.advance(invariants::ROUND);
    }
    false
}

/// Everything the admin can see of what matters.
async fn read(admin: &mut Person, facts: &Facts) -> Readings {
    let mut readings = Readings::default();
    for id in facts.units.keys() {
        let product = admin.read(&format!("/api/v1/products/{id}")).await;
        readings.products.insert(id.clone(), product);
    }
    for page in 1.. {
        let list = admin
            .read(&format!("/api/v1/orders?limit=100&page={page}"))
            .await;
        let ids: Vec<String> = list["data"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|order: &Value| text(&order["id"]))
            .collect();
        if ids.is_empty() {
            break;
        }
        for id in ids {
            let order = admin.read(&format!("/api/v1/orders/id/{id}")).await;
            readings.orders.push(order);
        }
    }
    readings
}
