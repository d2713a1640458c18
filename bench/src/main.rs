//! Measures what a shop owner feels: how soon the runner answers after its start, how much memory it takes when idle,
//! and how many requests it answers compared with a native server that does nothing but send the same bytes.
//!
//! Run it with `cargo xtask bench`, on an otherwise idle machine.

mod load;
mod yardstick;

use std::{fs, net::SocketAddr, thread, time::Duration};

use anyhow::{Context as _, Result, bail};
use bytes::Bytes;
use clap::Parser;
use mercato_tests::{ADMIN_EMAIL, ADMIN_PASSWORD, Server};
use serde_json::json;

use crate::load::{Load, Outcome};

/// How long the runner is left alone before its idle memory is read.
const SETTLE_SECONDS: u64 = 3;

/// Before each measured run, so that caches are filled and instances exist.
const WARM_UP: Duration = Duration::from_secs(1);

/// Measures the runner against a yardstick in the same run.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask bench", bin_name = "cargo xtask bench")]
struct Arguments {
    /// Connections of the load generator.
    #[arg(long, default_value_t = 32)]
    connections: usize,
    /// Length of each run in seconds.
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// How often every run is repeated; the median is reported.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let cold = Server::builder().own_cache().start();
    println!(
        "first answer, compiling   {:>8.2} s",
        cold.start_time().as_secs_f64()
    );
    drop(cold);
    Server::start();
    let server = Server::start();
    println!(
        "first answer, compiled    {:>8.3} s",
        server.start_time().as_secs_f64()
    );
    thread::sleep(Duration::from_secs(SETTLE_SECONDS));
    println!(
        "memory, idle              {:>8} MiB",
        shown(resident_mib(server.process_id()))
    );
    measure_requests(&server, &arguments)?;
    println!(
        "memory, after the load    {:>8} MiB",
        shown(resident_mib(server.process_id()))
    );
    Ok(())
}

fn shown(mebibytes: Option<u64>) -> String {
    mebibytes.map_or_else(|| "?".to_owned(), |number| number.to_string())
}

fn measure_requests(server: &Server, arguments: &Arguments) -> Result<()> {
    let address: SocketAddr = server
        .base_url()
        .trim_start_matches("http://")
        .parse()
        .context("the server's address")?;
    let path = make_product(server)?;
    let load = Load {
        connections: arguments.connections,
        duration: Duration::from_secs(arguments.seconds),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot start the load generator")?;
    for (name, path) in [("greeting", "/"), ("one product", path.as_str())] {
        let answer = server.client().get(path).expect(200);
        let body = Bytes::copy_from_slice(answer.bytes());
        let comparison = runtime.block_on(compare(address, path, &body, load, arguments.rounds))?;
        comparison.print(name);
    }
    Ok(())
}

/// The runner and the yardstick under the same load, one after the other.
#[derive(Debug)]
struct Comparison {
    runner: Outcome,
    yardstick: Outcome,
}

impl Comparison {
    fn ratio(&self) -> f64 {
        self.runner.per_second / self.yardstick.per_second
    }

    fn print(&self, name: &str) {
        println!(
            "GET {name:<21} {:>8.0} requests/s, median {} µs, p99 {} µs; {:.1} % of the yardstick's {:.0}",
            self.runner.per_second,
            self.runner.median_us,
            self.runner.p99_us,
            100.0 * self.ratio(),
            self.yardstick.per_second,
        );
    }
}

/// Alternates between the two and gives the round with the median ratio.
async fn compare(
    server: SocketAddr,
    path: &str,
    body: &Bytes,
    load: Load,
    rounds: usize,
) -> Result<Comparison> {
    let yardstick = yardstick::start(body.clone()).await?;
    let warm_up = Load {
        duration: WARM_UP,
        ..load
    };
    let mut comparisons = Vec::new();
    for _ in 0..rounds.max(1) {
        load::run(server, path, body, warm_up).await?;
        let runner = load::run(server, path, body, load).await?;
        load::run(yardstick, path, body, warm_up).await?;
        let yardstick = load::run(yardstick, path, body, load).await?;
        comparisons.push(Comparison { runner, yardstick });
    }
    comparisons.sort_by(|one, other| one.ratio().total_cmp(&other.ratio()));
    let middle = comparisons.len() / 2;
    Ok(comparisons.swap_remove(middle))
}

/// Makes a product and returns its path.
fn make_product(server: &Server) -> Result<String> {
    let client = server.client();
    let session = client
        .post("/api/v1/auth/login")
        .json(&json!({ "email": ADMIN_EMAIL, "password": ADMIN_PASSWORD }))
        .expect_json(200);
    let token = session.get("accessToken").and_then(|token| token.as_str());
    let product = client
        .post("/api/v1/products")
        .bearer(token.context("the login gave no token")?)
        .json(&json!({ "name": "Yardstick", "description": "One metre.", "price": 12.5, "stock": 100 }))
        .expect_json(201);
    match product.get("id").and_then(|id| id.as_str()) {
        Some(id) => Ok(format!("/api/v1/products/{id}")),
        None => bail!("the new product has no id"),
    }
}

/// The memory a process holds in RAM, where the system says (Linux).
fn resident_mib(process_id: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process_id}/status")).ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kibibytes / 1024)
}
