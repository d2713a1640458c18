//! How the cost of a request grows with the shop: the same requests in a small and in a large one, in turns.

mod catalogue;
mod copies;
mod fill;
mod ids;
mod operations;
mod originals;
mod section;
mod shop;
mod template;
#[cfg(test)]
mod tests;

use std::{path::Path, thread, time::Duration};

use anyhow::{Context as _, Result};

use crate::{
    figures::{Rounds, Sample},
    measure::{Counters, Load},
    wrk::Run,
};
use operations::Operation;
use shop::Grown;

pub use section::{chart, markdown};

/// Products and orders of the two shops: without options, and with `--quick`.
pub const SIZES: [u64; 2] = [1_000, 1_000_000];
/// See [`SIZES`].
pub const QUICK_SIZES: [u64; 2] = [1_000, 20_000];

/// Fewer products and orders are too few to copy, and to order from.
pub const SIZE_MIN: u64 = 100;

/// Open connections.
const CONNECTIONS: usize = 16;

/// Before the first round, so that caches are filled.
const WARM_UP_SECONDS: u64 = 2;

/// How long shops are left alone to see what they do by themselves.
const IDLE: Duration = Duration::from_secs(20);

/// Until a shop that was started begins with what it does besides.
const SETTLE: Duration = Duration::from_secs(3);

/// What was measured.
#[derive(Debug, Clone, Default)]
pub struct Growth {
    /// The two shops, the small one first.
    pub shops: [GrownShop; 2],
    /// The requests.
    pub operations: Vec<(Operation, [Rounds; 2])>,
}

/// What is told of one of the shops.
#[derive(Debug, Clone, Default)]
pub struct GrownShop {
    /// Products, and orders.
    pub size: u64,
    /// How long its databases were filled, in seconds.
    pub fill_seconds: f64,
    /// What its databases take on the disk, in bytes.
    pub bytes: u64,
    /// Processor time in a second without requests, in microseconds; one for each round.
    pub idle_us: Vec<f64>,
    /// Seconds from the start to the first answer; one for each round.
    pub first_answer: Vec<f64>,
    /// Seconds from the start until the shop was ready; one for each round.
    pub ready: Vec<f64>,
    /// Processor time from the start until the shop had nothing left to do, in microseconds; one for each round.
    pub start_us: Vec<f64>,
}

impl GrownShop {
    fn add_start(&mut self, shop: &mut Grown, runner: &Path) -> Result<()> {
        self.ready.push(shop.restart(runner)?.as_secs_f64());
        let server = &shop.server;
        self.first_answer.push(server.start_time().as_secs_f64());
        // After a start the runner reads every database once, to see whether it is whole.
        thread::sleep(SETTLE);
        server.rest();
        let used = server.usage().map(|usage| usage.cpu_us as f64);
        self.start_us.extend(used);
        Ok(())
    }
}

impl Growth {
    /// What went wrong in all rounds.
    pub fn errors(&self) -> u64 {
        let rounds = self.operations.iter().flat_map(|(_, rounds)| rounds);
        rounds.map(Rounds::errors).sum()
    }
}

/// Fills two shops and measures them.
///
/// # Errors
/// When a shop cannot be filled, or wrk fails.
pub fn measure(runner: &Path, sizes: [u64; 2], rounds: u64, load: Load) -> Result<Growth> {
    let [small, large] = sizes;
    let mut shops = [grown(runner, small)?, grown(runner, large)?];
    let mut growth = Growth {
        shops: [0, 1].map(|_| GrownShop::default()),
        operations: Vec::new(),
    };
    for operation in Operation::ALL {
        let measured = turns(&shops, operation, rounds, load);
        growth
            .operations
            .push((operation, measured.with_context(|| operation.title())?));
    }
    for (told, shop) in growth.shops.iter_mut().zip(&shops) {
        told.size = shop.size;
        told.fill_seconds = shop.filled_in.as_secs_f64();
        told.bytes = shop.bytes;
    }
    for _ in 0..rounds {
        idle(&shops, &mut growth);
        for (told, shop) in growth.shops.iter_mut().zip(&mut shops) {
            told.add_start(shop, runner)?;
        }
    }
    Ok(growth)
}

fn grown(runner: &Path, size: u64) -> Result<Grown> {
    eprintln!("filling a shop with {size} products and as many orders");
    let shop = Grown::new(runner, size)?;
    eprintln!(
        "filled in {:.0} s, {} MB",
        shop.filled_in.as_secs_f64(),
        shop.bytes / 1_000_000
    );
    Ok(shop)
}

/// Lets the two shops take turns.
fn turns(shops: &[Grown; 2], operation: Operation, rounds: u64, load: Load) -> Result<[Rounds; 2]> {
    let [small, large] = shops;
    let data = [small.data(operation)?, large.data(operation)?];
    let mut all = [Rounds::default(), Rounds::default()];
    let tag = format!("{}-{operation:?}", std::process::id());
    let once = |shop: &Grown, data: &Path, seconds, tag: &str| -> Result<Sample> {
        let run = Run {
            script: operation.script(),
            base_url: shop.server.base_url(),
            data,
            tag,
            connections: CONNECTIONS,
            seconds,
        };
        let before = Counters::of(&shop.server);
        let outcome = run.run(|| ())?;
        Ok(before.sample(&shop.server, outcome, 1))
    };
    for (shop, data) in shops.iter().zip(&data).filter(|_| load.warms_up) {
        once(shop, data, WARM_UP_SECONDS, &format!("{tag}-warm"))?;
    }
    for round in 0..rounds {
        for ((shop, data), rounds) in shops.iter().zip(&data).zip(&mut all) {
            let sample = once(shop, data, load.seconds, &format!("{tag}-{round}"))?;
            say(operation, shop.size, &sample);
            rounds.0.push(sample);
        }
    }
    Ok(all)
}

fn say(operation: Operation, size: u64, sample: &Sample) {
    let title = operation.title();
    let (per_second, cpu_us) = (sample.per_second, sample.cpu_us.unwrap_or_default());
    let errors = match sample.errors {
        0 => String::new(),
        errors => format!(", {errors} ERRORS"),
    };
    eprintln!(
        "{title:<16} {size:>9} products {per_second:>9.0} requests/s, {cpu_us:.0} µs CPU{errors}"
    );
}

/// Leaves both alone at the same time.
fn idle(shops: &[Grown; 2], growth: &mut Growth) {
    let [small, large] = shops;
    for shop in shops {
        shop.server.rest();
    }
    let used = || [small.server.precise_cpu_us(), large.server.precise_cpu_us()];
    let before = used();
    thread::sleep(IDLE);
    for ((told, now), before) in growth.shops.iter_mut().zip(used()).zip(before) {
        if let Some((now, before)) = now.zip(before) {
            told.idle_us
                .push(now.saturating_sub(before) as f64 / IDLE.as_secs_f64());
        }
    }
}
