//! Measures the shop against the same work in axum and rusqlite (`native/`), in one run, and writes `REPORT.md` with its
//! charts. The load comes from wrk.
//!
//! Run it with `cargo xtask bench`, on an otherwise idle machine.

mod chart;
mod charts;
mod figures;
mod filling;
mod import;
mod machine;
mod measure;
mod probe;
mod process;
mod report;
mod server;
mod wal;
mod workload;
mod wrk;

use std::{fs, path::PathBuf, thread, time::Duration};

use anyhow::{Context as _, Result, ensure};
use clap::Parser;

use crate::{
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
    /// Also measure the shop that runs there; MERCATO_ADMIN_EMAIL and MERCATO_ADMIN_PASSWORD name its admin, and its limits
    /// for orders and logins have to be high enough.
    #[arg(long, value_name = "URL")]
    base_url: Option<String>,
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

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    ensure!(
        !arguments.connections.contains(&0),
        "there must be at least one connection"
    );
    let is_quick = arguments.quick;
    let [seconds, rounds, rows] = if is_quick { QUICK } else { USUAL };
    let load = Load {
        seconds: arguments.seconds.unwrap_or(seconds),
        warms_up: !is_quick,
    };
    let rounds = arguments.rounds.unwrap_or(rounds);
    let mut report = Report::new(is_quick, load.seconds, rounds, rows)?;
    let mut shops = start(&arguments, &mut report)?;
    let is_wanted = |workload: &Workload| {
        arguments.workloads.is_empty() || arguments.workloads.contains(workload)
    };
    for workload in Workload::ALL.into_iter().filter(is_wanted) {
        if workload == Workload::Import {
            report.add(import::measure(&mut shops, rows, rounds)?);
            continue;
        }
        for shop in &mut shops {
            shop.probe(workload)?;
        }
        let wanted = arguments.connections.iter();
        let mut all: Vec<_> = wanted.map(|wanted| workload.connections(*wanted)).collect();
        all.dedup();
        for connections in all {
            report.add(measure::measure(
                &mut shops,
                workload,
                connections,
                rounds,
                load,
            )?);
        }
    }
    report.finish(&shops);
    let text = report.markdown();
    println!("\n{text}");
    if !arguments.no_report {
        write(&report, &text)?;
    }
    Ok(())
}

/// Starts what is to be measured, the shop first and the yardstick second, and fills each with the same things.
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
    let mut servers = vec![
        Server::mercato(&arguments.runner)?,
        Server::native(&arguments.native)?,
    ];
    if let Some(program) = &arguments.spin {
        servers.push(Server::spin(program)?);
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
    for (name, chart) in charts::all(report) {
        fs::write(charts.join(format!("{name}.svg")), chart)?;
    }
    fs::write(folder.join("REPORT.md"), text)?;
    eprintln!("wrote bench/REPORT.md and bench/charts");
    Ok(())
}
