//! The report: what was measured, as Markdown.

use std::fmt::Write as _;

use anyhow::Result;

use crate::{
    cached::Front,
    charts,
    figures::Sample,
    filling::ACCOUNTS,
    growth::{self, Growth},
    machine,
    markdown::{dash, grouped, micros, number, rate, ratio, table},
    measure::{Measurement, Shop},
    probe::Writes,
    server::VARIABLES,
    workload::Workload,
};

/// What everything is compared with, and what it is about.
pub const NATIVE: &str = "native";
const MERCATO: &str = "mercato";

/// The load of the summaries, if it was measured; else the last one that was.
const USUAL_CONNECTIONS: usize = 16;

/// Servers that work on for longer after the last answer are named.
const REST_NAMED_SECONDS: f64 = 1.0;

const MIB: f64 = 1024.0 * 1024.0;

/// Everything that goes into the report.
#[derive(Debug, Default)]
pub struct Report {
    is_quick: bool,
    seconds: u64,
    rounds: u64,
    import_rows: u64,
    /// The first answer of a shop that had to compile its components.
    pub cold_start: Option<std::time::Duration>,
    /// The shop behind a cache.
    pub front: Front,
    /// How the cost of a request grows with the shop.
    pub growth: Option<Growth>,
    machine: Vec<(&'static str, String)>,
    measurements: Vec<Measurement>,
    servers: Vec<Summary>,
}

/// What is told of a server as a whole.
#[derive(Debug)]
struct Summary {
    name: &'static str,
    start_seconds: f64,
    idle_bytes: Option<u64>,
    loaded_bytes: Option<u64>,
    writes: Vec<(Workload, Writes)>,
}

impl Report {
    /// A report of this machine, without figures.
    ///
    /// # Errors
    /// When wrk is missing.
    pub fn new(is_quick: bool, seconds: u64, rounds: u64, import_rows: u64) -> Result<Self> {
        Ok(Self {
            is_quick,
            seconds,
            rounds,
            import_rows,
            machine: machine::describe()?,
            ..Self::default()
        })
    }

    /// Adds a measurement.
    pub fn add(&mut self, measurement: Measurement) {
        self.measurements.push(measurement);
    }

    /// Adds what is known of the servers in the end.
    pub fn finish(&mut self, shops: &[Shop]) {
        let summaries = shops.iter().map(|shop| Summary {
            name: shop.server.name(),
            start_seconds: shop.server.start_time().as_secs_f64(),
            idle_bytes: shop.idle_bytes,
            loaded_bytes: shop.loaded_bytes,
            writes: shop
                .writes
                .iter()
                .map(|(workload, writes)| (*workload, *writes))
                .collect(),
        });
        self.servers = summaries.collect();
    }

    /// The measurements of a workload, by connections.
    pub fn of(&self, workload: Workload) -> impl Iterator<Item = &Measurement> {
        let all = self.measurements.iter();
        all.filter(move |measurement| measurement.workload == workload)
    }

    /// The one of a workload that stands for it in summaries.
    fn usual(&self, workload: Workload) -> Option<&Measurement> {
        let usual = |measurement: &&Measurement| measurement.connections == USUAL_CONNECTIONS;
        self.of(workload)
            .find(usual)
            .or_else(|| self.of(workload).last())
    }

    fn errors(&self) -> u64 {
        let rounds = self
            .measurements
            .iter()
            .flat_map(|measurement| &measurement.servers);
        let compared: u64 = rounds.map(|(_, rounds)| rounds.errors()).sum();
        let growth = self.growth.as_ref().map_or(0, Growth::errors);
        compared + growth + self.front.errors()
    }

    /// The whole of it.
    pub fn markdown(&self) -> String {
        let mut parts = vec![self.introduction()];
        if !self.measurements.is_empty() {
            parts.extend([self.glance(), self.details(), self.costs(), self.servers()]);
        }
        parts.extend(self.front.markdown());
        parts.extend(self.growth.as_ref().map(growth::markdown));
        parts.push(self.conditions());
        parts.join("\n")
    }

    fn introduction(&self) -> String {
        let mut text = "# Measured\n\nWritten by `cargo xtask bench`. *mercato* is the shop as `cargo xtask up` starts it; \
            *native* is the same work in axum and rusqlite (`bench/native`), in one process on one SQLite database, as durable and \
            with the same answers. Both were measured in one run, in turns. **Ratios are to native: 1.00 is as good.** \
            Where the time goes that native does not need is in [PROFILE.md](PROFILE.md).\n"
            .to_owned();
        if self.is_quick {
            text += "\n**A quick run: one short round of each. The figures are rough.**\n";
        }
        let errors = self.errors();
        if errors > 0 {
            let _ = writeln!(
                text,
                "\n**This run had {errors} errors. Its figures mean nothing until they are explained.**"
            );
        }
        text
    }

    fn glance(&self) -> String {
        let mut text = "## At a glance\n\n".to_owned();
        for (name, _) in charts::all(self) {
            let _ = writeln!(text, "![{name}](charts/{name}.svg)\n");
        }
        let heads = [
            "workload",
            "connections",
            "mercato",
            "native",
            "ratio",
            "CPU, mercato",
            "CPU, native",
            "ratio",
            "p99, ratio",
        ];
        let rows = Workload::ALL.into_iter().filter_map(|workload| {
            let measurement = self.usual(workload)?;
            let median = |name, figure: Figure| measurement.of(name)?.median(figure);
            let cpu = |name| micros(median(name, |sample| sample.cpu_us));
            Some(vec![
                workload.title().to_owned(),
                measurement.connections.to_string(),
                rate(median(MERCATO, per_second), workload),
                rate(median(NATIVE, per_second), workload),
                ratio(measurement.ratio(MERCATO, per_second)),
                cpu(MERCATO),
                cpu(NATIVE),
                ratio(measurement.ratio(MERCATO, |sample| sample.cpu_us)),
                ratio(measurement.ratio(MERCATO, p99)),
            ])
        });
        text + &table(&heads, rows)
    }

    fn details(&self) -> String {
        let mut text = "## Throughput and latency\n\nMedians of the rounds; the spread is the largest throughput less the smallest. Times are \
            of one request, also where two make a purchase.\n"
            .to_owned();
        for workload in Workload::ALL {
            if self.of(workload).next().is_none() {
                continue;
            }
            let _ = writeln!(text, "\n### {}\n", workload.title());
            let heads = [
                "connections",
                "server",
                "throughput",
                "spread",
                "ratio",
                "p50",
                "p99",
                "CPU",
                "ratio",
                "errors",
            ];
            text += &table(&heads, self.of(workload).flat_map(rows_of));
        }
        text + &self.left_over()
    }

    /// Names who had work left when everything was answered: such a throughput cannot be kept up.
    fn left_over(&self) -> String {
        let mut text = String::new();
        for measurement in &self.measurements {
            for (name, rounds) in &measurement.servers {
                let rest = rounds
                    .median(|sample| Some(sample.rest_seconds))
                    .unwrap_or_default();
                if rest > REST_NAMED_SECONDS {
                    let (title, connections) =
                        (measurement.workload.title(), measurement.connections);
                    let _ = writeln!(
                        text,
                        "- {title}, {connections} connections: {name} worked on for {rest:.1} s after the last answer."
                    );
                }
            }
        }
        if text.is_empty() {
            text
        } else {
            format!("\n{text}")
        }
    }

    fn costs(&self) -> String {
        let heads = [
            "workload",
            "server",
            "statements",
            "commits",
            "pages",
            "bytes written",
        ];
        let rows = Workload::ALL.into_iter().flat_map(|workload| {
            let measurement = self.usual(workload);
            self.servers.iter().filter_map(move |server| {
                let rounds = measurement?.of(server.name)?;
                let writes = server.writes.iter().find(|(of, _)| *of == workload);
                let writes = writes.map(|(_, writes)| *writes);
                Some(vec![
                    workload.title().to_owned(),
                    server.name.to_owned(),
                    number(rounds.median(|sample| sample.statements)),
                    number(writes.map(|writes| writes.commits)),
                    number(writes.map(|writes| writes.pages)),
                    number(rounds.median(|sample| sample.written_bytes)),
                ])
            })
        });
        let text = "## What one costs\n\nPer request, purchase or row. Statements, as the server counts them (those that begin and end a transaction \
            included), and bytes, as the kernel counts them, under load, with whatever the server does besides. Commits and pages are counted in \
            the write-ahead logs while nothing else happens.\n\n";
        text.to_owned() + &table(&heads, rows)
    }

    fn servers(&self) -> String {
        let heads = [
            "server",
            "memory, idle",
            "memory, under load",
            "first answer",
        ];
        let mebibytes = |bytes: Option<u64>| {
            bytes.map_or_else(dash, |bytes| format!("{:.0} MiB", bytes as f64 / MIB))
        };
        let rows = self.servers.iter().map(|server| {
            vec![
                server.name.to_owned(),
                mebibytes(server.idle_bytes),
                mebibytes(server.loaded_bytes),
                format!("{:.2} s", server.start_seconds),
            ]
        });
        let mut text = "## Memory and start\n\n".to_owned() + &table(&heads, rows);
        if let Some(cold) = self.cold_start {
            let seconds = cold.as_secs_f64();
            let _ = writeln!(
                text,
                "\nThe first start, which compiles the components: {seconds:.1} s."
            );
        }
        text
    }

    fn conditions(&self) -> String {
        let rows = self.machine.iter();
        let rows = rows.map(|(name, value)| vec![(*name).to_owned(), value.clone()]);
        let variables: Vec<_> = VARIABLES
            .iter()
            .map(|(name, _)| format!("`{name}`"))
            .collect();
        let rounds = if self.rounds == 1 {
            "1 round".to_owned()
        } else {
            format!("{} rounds", self.rounds)
        };
        format!(
            "## How\n\n{}\n- {rounds} of {} s each; the servers take turns in every round. wrk has a thread for every two cores and waits for an \
            answer before it sends the next request on a connection; it corrects its latencies for requests that it could not send meanwhile.\n\
            - CPU is user and system time of the server's process, from /proc, divided by what was answered. It is read when the server has \
            nothing left to do, so that what it does after its answers counts.\n\
            - 1,000 products, {ACCOUNTS} customers. Orders are of one unit of one product, each under an `Idempotency-Key` of its own; searches are for one \
            of 30 words that a tenth of the products have; the import is one request with {} new products as CSV.\n\
            - The shop mix: of 100 requests 45 read a product, 25 a list, 10 search, 10 read an order, 5 order and 5 pay.\n\
            - mercato's limits for accounts and clients are set out of reach, but counted: {}. Both hash as many passwords at a time as there are \
            cores; no more than two logins for each are sent at a time, for the shop refuses some beyond.\n",
            table(&["", ""], rows),
            self.seconds,
            grouped(self.import_rows as f64, 0),
            variables.join(", "),
        )
    }
}

type Figure = fn(&Sample) -> Option<f64>;

/// The throughput, which every sample has.
pub fn per_second(sample: &Sample) -> Option<f64> {
    Some(sample.per_second)
}

/// The latency of all but one in a hundred; an import has none.
pub fn p99(sample: &Sample) -> Option<f64> {
    (sample.p99_us > 0.0).then_some(sample.p99_us)
}

fn rows_of(measurement: &Measurement) -> impl Iterator<Item = Vec<String>> {
    measurement.servers.iter().map(|(name, rounds)| {
        let p50: Figure = |sample| (sample.p50_us > 0.0).then_some(sample.p50_us);
        let cpu: Figure = |sample| sample.cpu_us;
        let errors = rounds.errors();
        vec![
            measurement.connections.to_string(),
            (*name).to_owned(),
            rate(rounds.median(per_second), measurement.workload),
            rounds
                .spread_percent()
                .map_or_else(dash, |percent| format!("{percent:.0} %")),
            ratio(measurement.ratio(name, per_second)),
            micros(rounds.median(p50)),
            micros(rounds.median(p99)),
            micros(rounds.median(cpu)),
            ratio(measurement.ratio(name, cpu)),
            if errors > 0 {
                format!("**{errors}**")
            } else {
                "0".to_owned()
            },
        ]
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figures::Rounds;

    fn report(errors: u64) -> Report {
        let rounds = |per_second| {
            Rounds(vec![Sample {
                per_second,
                p99_us: 12_345.0,
                errors,
                cpu_us: Some(3.25),
                ..Sample::default()
            }])
        };
        Report {
            measurements: vec![Measurement {
                workload: Workload::Order,
                connections: 64,
                servers: vec![(MERCATO, rounds(1_234.0)), (NATIVE, rounds(2_468.0))],
            }],
            ..Report::default()
        }
    }

    #[test]
    fn the_report_has_ratios_and_marks_errors() {
        let text = report(0).markdown();
        assert!(
            text.contains(
                "| 64 | mercato | 1,234/s | 0 % | 0.50 | – | 12.3 ms | 3.2 µs | 1.00 | 0 |"
            ),
            "{text}"
        );
        assert!(!text.contains("**This run had"), "{text}");
        let text = report(2).markdown();
        assert!(text.contains("**This run had 4 errors."), "{text}");
        assert!(text.contains("| **2** |"), "{text}");
    }

    #[test]
    fn only_what_was_measured_has_a_section() {
        let text = report(0).markdown();
        assert!(
            !text.contains("## Growth") && !text.contains("## With a cache"),
            "{text}"
        );
        let text = Report {
            front: Front::Missing,
            growth: Some(Growth::default()),
            ..Report::default()
        };
        let text = text.markdown();
        assert!(
            text.contains("## Growth") && text.contains("## With a cache"),
            "{text}"
        );
        assert!(!text.contains("## At a glance"), "{text}");
    }
}
