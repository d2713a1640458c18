//! Measures the shop against the same work in axum and rusqlite (`native/`), in one run, and writes `REPORT.md` with its
//! charts. The load comes from wrk.
//!
//! Run it with `cargo xtask bench`, on an otherwise idle machine.

mod agent;
mod cached;
mod chart;
mod charts;
mod disk;
mod figures;
mod filling;
mod growth;
mod import;
mod machine;
mod markdown;
mod measure;
mod metrics;
mod nginx;
mod probe;
mod process;
mod program;
mod report;
mod server;
mod wal;
mod workload;
mod wrk;

use std::{
    fs,
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use anyhow::{Context as _, Result, ensure};
use clap::Parser;

use crate::{
    cached::Front,
    measure::{Load, Shop},
    report::Report,
    server::Server,
    workload::Workload,
};

/// How long a server is left alone before its idle memory is read.
const SETTLE: Duration = Duration::from_secs(3);

/// Seconds, rounds, and rows of an imported file: without options, and with `--quick`.
const USUAL: [u64; 3] = [5, 3, 20_000];
const QUICK: [u64; 3] = [1, 1, 2_000];

/// Measures the shop against the same work in axum and rusqlite, in the same run.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask bench", bin_name = "cargo xtask bench")]
struct Arguments {
    /// One short round of everything, in about a minute: rough figures.
    #[arg(long)]
    quick: bool,
    /// Length of each measurement in seconds [default: 5]
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..))]
    seconds: Option<u64>,
    /// How often each is repeated; medians are reported [default: 3]
    #[arg(long)]
    rounds: Option<u64>,
    /// Open connections, separated by commas.
    #[arg(long, value_delimiter = ',', default_value = "1,16,64")]
    connections: Vec<usize>,
    /// Only these workloads, separated by commas.
    #[arg(long, value_delimiter = ',')]
    workloads: Vec<Workload>,
    /// Also measure the same components under this `spin`; needs redis-server.
    #[arg(long, value_name = "PATH")]
    spin: Option<PathBuf>,
    /// Also measure so many replicas of the shop on a PostgreSQL of their own, with an nginx in front, and one alone.
    #[arg(long, value_name = "COUNT", num_args = 0..=1, default_missing_value = "2")]
    replicas: Option<usize>,
    /// Let every write to the disk take so many milliseconds longer, for all that is measured; needs a C compiler.
    #[arg(long, value_name = "MS")]
    slow_disk: Option<u32>,
    /// Also measure the shop that runs there; MERCATO_ADMIN_EMAIL and MERCATO_ADMIN_PASSWORD name its admin, and its limits
    /// for orders and logins have to be high enough.
    #[arg(long, value_name = "URL")]
    base_url: Option<String>,
    /// Leave out the comparison with the yardstick.
    #[arg(long, conflicts_with_all = ["workloads", "spin", "base_url"])]
    no_workloads: bool,
    /// Also measure how the cost of a request grows, from a shop with 1,000 products and orders to one with 1,000,000; takes a
    /// quarter of an hour. With --quick, to one with 20,000.
    #[arg(long)]
    growth: bool,
    /// Products and orders of the two shops that --growth compares, such as 1000,100000.
    #[arg(long, value_name = "SMALL,LARGE", value_parser = sizes, requires = "growth")]
    sizes: Option<[u64; 2]>,
    /// Measure reads through an nginx with a cache, too; by default when there is one and --workloads is not given.
    #[arg(long, value_name = "PATH", num_args = 0..=1, default_missing_value = "nginx")]
    nginx: Option<PathBuf>,
    /// Print, but leave REPORT.md and its charts as they are.
    #[arg(long)]
    no_report: bool,
    /// The runner.
    #[arg(long, env = "MERCATO_RUNNER", hide = true)]
    runner: PathBuf,
    /// The yardstick.
    #[arg(long, env = "MERCATO_NATIVE", hide = true)]
    native: PathBuf,
}

/// Two numbers, of at least the size that something can be said of.
fn sizes(text: &str) -> Result<[u64; 2]> {
    let (small, large) = text.split_once(',').context("two numbers are needed")?;
    let sizes = [small.parse()?, large.parse()?];
    ensure!(
        sizes.iter().all(|size| *size >= growth::SIZE_MIN),
        "a shop needs at least {} products",
        growth::SIZE_MIN
    );
    Ok(sizes)
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    ensure!(
        !arguments.connections.contains(&0),
        "there must be at least one connection"
    );
    if let Some(delay) = arguments.slow_disk {
        disk::slow_down(delay)?;
    }
    let is_quick = arguments.quick;
    let [seconds, rounds, rows] = if is_quick { QUICK } else { USUAL };
    let load = Load {
        seconds: arguments.seconds.unwrap_or(seconds),
        warms_up: !is_quick,
    };
    let rounds = arguments.rounds.unwrap_or(rounds);
    let mut report = Report::new(is_quick, load.seconds, rounds, rows)?;
    // The shops of different sizes are others, and are started later.
    let mut shops = if arguments.no_workloads && arguments.nginx.is_none() {
        Vec::new()
    } else {
        start(&arguments, &mut report)?
    };
    measure_cached(&arguments, &mut shops, rounds, load, &mut report)?;
    if !arguments.no_workloads {
        measure_workloads(&arguments, &mut shops, [rounds, rows], load, &mut report)?;
        report.finish(&shops);
    }
    // What follows is measured without the others.
    drop(shops);
    if arguments.growth {
        let usual = if is_quick {
            growth::QUICK_SIZES
        } else {
            growth::SIZES
        };
        let sizes = arguments.sizes.unwrap_or(usual);
        report.growth = Some(growth::measure(&arguments.runner, sizes, rounds, load)?);
    }
    let text = report.markdown();
    println!("\n{text}");
    if !arguments.no_report {
        write(&report, &text)?;
    }
    Ok(())
}

/// The comparison of the shop with the yardstick.
fn measure_workloads(
    arguments: &Arguments,
    shops: &mut [Shop],
    [rounds, rows]: [u64; 2],
    load: Load,
    report: &mut Report,
) -> Result<()> {
    let is_wanted = |workload: &Workload| {
        arguments.workloads.is_empty() || arguments.workloads.contains(workload)
    };
    for workload in Workload::ALL.into_iter().filter(is_wanted) {
        if workload == Workload::Import {
            report.add(import::measure(shops, rows, rounds)?);
            continue;
        }
        for shop in shops.iter_mut() {
            shop.probe(workload)?;
        }
        let wanted = arguments.connections.iter();
        let mut all: Vec<_> = wanted.map(|wanted| workload.connections(*wanted)).collect();
        all.dedup();
        for connections in all {
            report.add(measure::measure(
                shops,
                workload,
                connections,
                rounds,
                load,
            )?);
        }
    }
    Ok(())
}

/// The shop behind a cache, if that is wanted and there is an nginx.
fn measure_cached(
    arguments: &Arguments,
    shops: &mut [Shop],
    rounds: u64,
    load: Load,
    report: &mut Report,
) -> Result<()> {
    let is_asked_for = arguments.nginx.is_some();
    let is_all = arguments.workloads.is_empty() && !arguments.no_workloads;
    if !is_asked_for && !is_all {
        return Ok(());
    }
    let name = arguments.nginx.as_deref().unwrap_or(Path::new("nginx"));
    let program = nginx::find(name);
    ensure!(
        program.is_some() || !is_asked_for,
        "there is no {}",
        name.display()
    );
    let connections = arguments.connections.iter().copied().max().unwrap_or(1);
    report.front = match (program, shops.first_mut()) {
        (Some(program), Some(shop)) => {
            Front::Measured(cached::measure(&program, shop, connections, rounds, load)?)
        }
        _ => Front::Missing,
    };
    Ok(())
}

/// Starts what is to be compared, the shop first and the yardstick second, and fills each with the same things.
fn start(arguments: &Arguments, report: &mut Report) -> Result<Vec<Shop>> {
    let cache = server::cache();
    if !arguments.quick {
        eprintln!("starting the shop without compiled components");
        match fs::remove_dir_all(&cache) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }?;
        report.cold_start = Some(Server::mercato(&arguments.runner)?.start_time());
    } else if !cache.is_dir() {
        drop(Server::mercato(&arguments.runner)?);
    }
    let mut servers = vec![Server::mercato(&arguments.runner)?];
    if !arguments.no_workloads {
        servers.push(Server::native(&arguments.native)?);
    }
    if let Some(program) = &arguments.spin {
        servers.push(Server::spin(program)?);
    }
    if let Some(count) = arguments.replicas {
        servers.push(Server::replicas(&arguments.runner, 1)?);
        if count > 1 {
            servers.push(Server::replicas(&arguments.runner, count)?);
        }
    }
    if let Some(url) = &arguments.base_url {
        servers.push(Server::elsewhere(url)?);
    }
    thread::sleep(SETTLE);
    let shops = servers.into_iter().map(|server| {
        eprintln!("filling {}", server.name());
        Shop::fill(server).context("cannot fill it with products and customers")
    });
    shops.collect()
}

/// The report and its charts; a chart of another run does not stay.
fn write(report: &Report, text: &str) -> Result<()> {
    let folder = PathBuf::from("bench");
    let charts = folder.join("charts");
    fs::create_dir_all(&charts)?;
    for entry in fs::read_dir(&charts)? {
        fs::remove_file(entry?.path())?;
    }
    for (name, chart) in charts::files(report) {
        fs::write(charts.join(format!("{name}.svg")), chart)?;
    }
    fs::write(folder.join("REPORT.md"), text)?;
    eprintln!("wrote bench/REPORT.md and bench/charts");
    Ok(())
}
