//! Days in the life of a shop, drawn from a seed: customers, an admin, the provider, Redis, crashes.
//!
//! The shop is the one that is shipped, with Stripe for its provider, on a single thread. Everything that reaches out of a
//! component waits at the [`Scheduler`] until it is chosen, and so does everything that comes in. So requests interleave
//! between any two statements, and the whole of it can be repeated from the seed. The clock moves when it is read and
//! when it is advanced; pauses take no time.

mod evening;
pub mod people;
pub mod quiet;
pub mod record;
pub mod scheduler;
mod steps;
pub mod town;
mod troubles;

use std::cell::{Cell, RefCell};
use std::fmt;
use std::io::{Write as _, stderr};
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use mercato::{Builder, Limits, Running, Shop};
use mercato_tests::repository;
use mercato_tests::stripe::{Account, SECRET_KEY};
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use tokio::sync::Notify;
use tokio::task::{JoinHandle, LocalSet, spawn_local};

use crate::client::Facts;
use crate::sabotage::Sabotage;
use crate::world::{Folder, VirtualClock, in_world};
use people::Person;
use people::cron::Cron;
use quiet::Quiet;
use record::Record;
use scheduler::Scheduler;
use town::Town;

/// Customers of the shop.
const CUSTOMERS: usize = 6;
/// Products: sku, price, units.
const PRODUCTS: [(&str, f64, i64); 4] = [
    ("CUP", 12.5, 600),
    ("POT", 30.0, 100),
    ("TEA", 4.25, 2_000),
    ("JAR", 9.99, 8),
];
/// Bags of a coffee that is sold in three ways.
const BAGS: i64 = 400;
/// Components with a timer.
const TIMED: [&str; 3] = ["checkout-api", "orders-api", "payments-api"];
/// After so many steps of trouble everybody goes home, the shop puts itself in order, and everything is checked.
const DAY_STEPS: u64 = 5_000;
/// Steps within which the shop must have put itself in order.
const EVENING_STEPS_MAX: u64 = 400_000;
/// Instances of a component: more than there are people, so that nobody queues.
const INSTANCES: u32 = 32;
/// The limits of a slow machine: over before anything is done.
const MOMENT: Duration = Duration::from_millis(1);

/// Orders that nobody paid are kept for so long, in seconds: the shortest time that there is.
const UNPAID_RETENTION_SECONDS: u64 = 24 * 60 * 60;
/// Unpaid orders that a customer may have at a time: few enough to be refused one now and then.
const OPEN_ORDERS_MAX: u32 = 6;
/// How long everybody is away between two days at most, in milliseconds.
const NIGHT_MS_MAX: u64 = 2 * UNPAID_RETENTION_SECONDS * 1_000;

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
    /// Whether it is the application for hosted platforms: events go to orders by requests, and instead of timers a cron calls the relay.
    pub is_edge: bool,
    /// Whether all limits that count real time are as short as they seem on a machine that hardly gets on; they must not
    /// matter.
    pub is_slow: bool,
}

/// After so many days somebody who watches sees how it goes.
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
    /// What is there instead of timers; none where there are some.
    cron: Option<Cron>,
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
        let limits = limits(settings.is_slow);
        let manifest = if settings.is_edge {
            "spin.edge.simulated.toml"
        } else {
            "spin.stripe.toml"
        };
        let shop = Shop::builder().app(repository().join(manifest));
        let shop = start(shop, folder, &clock, &scheduler, limits, dice.next_u64()).await;
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
        let cron = settings
            .is_edge
            .then(|| Cron::new(Person::admin(&town, dice.next_u64())));
        Self {
            settings: settings.clone(),
            cron,
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
                    admin.stock_variants(BAGS).await;
                    admin.set_up_checkouts().await;
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

    fn note(&self, what: impl fmt::Debug) {
        self.town.record.borrow_mut().note(what);
    }

    fn steps(&self) -> u64 {
        self.town.record.borrow().steps()
    }
}

/// The limits of the shop, which does without those that count real time, because it has a seed. Were it not so, a slow
/// machine would show it.
fn limits(is_slow: bool) -> Limits {
    let limits = Limits {
        instances_per_component: INSTANCES,
        ..Limits::default()
    };
    if !is_slow {
        return limits;
    }
    Limits {
        queue_time: MOMENT,
        request_time: MOMENT,
        request_body_time: MOMENT,
        body_grace_time: MOMENT,
        upload_piece_time: MOMENT,
        upload_wait_time: MOMENT,
        response_buffer_time: MOMENT,
        instance_idle_time: MOMENT,
        ..limits
    }
}

async fn start(
    shop: Builder,
    folder: &Folder,
    clock: &VirtualClock,
    scheduler: &Scheduler,
    limits: Limits,
    random_seed: u64,
) -> Running {
    in_world(shop, folder, clock)
        .faults(scheduler.clone())
        .network(scheduler.clone())
        .random_seed(random_seed)
        .limits(limits)
        .variable("stripe_secret_key", SECRET_KEY)
        .variable(
            "unpaid_order_retention",
            UNPAID_RETENTION_SECONDS.to_string(),
        )
        .variable("open_orders_max", OPEN_ORDERS_MAX.to_string())
        .start_here()
        .await
        .expect("the shop starts")
}
