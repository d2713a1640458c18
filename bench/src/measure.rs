//! Servers under the same load, one after the other, round by round.

use std::{
    collections::BTreeMap,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};

use crate::{
    figures::{Rounds, Sample},
    filling::Filling,
    probe::{self, Writes},
    process::Usage,
    server::Server,
    workload::Workload,
    wrk::{Outcome, Run},
};

/// Before the first round, so that caches are filled and instances exist.
const WARM_UP_SECONDS: u64 = 1;

/// Between two servers, so that what the kernel has left to write for one is not counted against the next.
const PAUSE: Duration = Duration::from_millis(100);

/// How long load is put on.
#[derive(Debug, Clone, Copy)]
pub struct Load {
    /// Length of a measurement.
    pub seconds: u64,
    /// Whether there is a run before the first that does not count.
    pub warms_up: bool,
}

/// A server with products and customers.
#[derive(Debug)]
pub struct Shop {
    /// The server.
    pub server: Server,
    /// What is in it.
    pub filling: Filling,
    /// Its memory before the first request, in bytes.
    pub idle_bytes: Option<u64>,
    /// The most memory seen under load, in bytes.
    pub loaded_bytes: Option<u64>,
    /// What one of each kind writes.
    pub writes: BTreeMap<Workload, Writes>,
}

/// What a server has used and done until some moment.
#[derive(Debug, Clone, Copy)]
pub struct Counters {
    usage: Option<Usage>,
    statements: Option<f64>,
}

impl Shop {
    /// Reads the idle memory, then fills the shop.
    ///
    /// # Errors
    /// When the shop refuses something.
    pub fn fill(server: Server) -> Result<Self> {
        let idle_bytes = server.resident_bytes();
        let filling = Filling::new(&server)?;
        Ok(Self {
            server,
            filling,
            idle_bytes,
            loaded_bytes: None,
            writes: BTreeMap::new(),
        })
    }

    /// Finds out what one of that kind writes.
    ///
    /// # Errors
    /// When an answer is not the expected one.
    pub fn probe(&mut self, workload: Workload) -> Result<()> {
        self.filling.file()?;
        if let Some(writes) = probe::probe(&self.server, &self.filling, workload)? {
            self.writes.insert(workload, writes);
        }
        Ok(())
    }

    /// Looks at the memory.
    pub fn watch(&mut self) {
        self.loaded_bytes = self.loaded_bytes.max(self.server.resident_bytes());
    }

    fn run(
        &mut self,
        workload: Workload,
        connections: usize,
        seconds: u64,
        tag: &str,
    ) -> Result<Outcome> {
        let data = self.filling.file()?.clone();
        let base_url = self.server.base_url().to_owned();
        let run = Run {
            script: workload.script(),
            base_url: &base_url,
            data: &data,
            tag,
            connections,
            seconds,
        };
        run.run(|| self.watch())
    }
}

impl Counters {
    /// Where those of a server stand.
    pub fn of(server: &Server) -> Self {
        Self {
            usage: server.usage(),
            statements: server.total("_sqlite_statements_total"),
        }
    }

    /// The sample of a run that began when these counters were read and has just ended. So many requests are one of what is
    /// counted. What is done after the answers counts as well.
    pub fn sample(&self, server: &Server, outcome: Outcome, requests_each: u64) -> Sample {
        let ended = Instant::now();
        server.rest();
        let count = outcome.requests / requests_each;
        let sample = Sample {
            per_second: count as f64 / (outcome.duration_us as f64 / 1e6),
            p50_us: outcome.p50_us as f64,
            p99_us: outcome.p99_us as f64,
            errors: outcome.errors(),
            rest_seconds: ended.elapsed().as_secs_f64(),
            ..Sample::default()
        };
        self.charge(server, count, sample)
    }

    /// Adds to a sample what each of `count` has cost since these counters were read.
    pub fn charge(&self, server: &Server, count: u64, sample: Sample) -> Sample {
        let now = Self::of(server);
        let each = |value: u64| value as f64 / count.max(1) as f64;
        let used = now
            .usage
            .zip(self.usage)
            .map(|(now, before)| now.since(before));
        let statements = now.statements.zip(self.statements);
        Sample {
            cpu_us: used.map(|used| each(used.cpu_us)),
            written_bytes: used.map(|used| each(used.written_bytes)),
            statements: statements.map(|(now, before)| (now - before) / count.max(1) as f64),
            ..sample
        }
    }
}

/// One workload with so many connections: what each server came to.
#[derive(Debug, Clone)]
pub struct Measurement {
    /// What was sent.
    pub workload: Workload,
    /// Over how many connections.
    pub connections: usize,
    /// By the name of the server, in the order in which they took turns.
    pub servers: Vec<(&'static str, Rounds)>,
}

impl Measurement {
    /// A measurement without rounds.
    pub fn new(workload: Workload, connections: usize, shops: &[Shop]) -> Self {
        let servers = shops
            .iter()
            .map(|shop| (shop.server.name(), Rounds::default()));
        Self {
            workload,
            connections,
            servers: servers.collect(),
        }
    }

    /// The rounds of a server.
    pub fn of(&self, name: &str) -> Option<&Rounds> {
        let mut servers = self.servers.iter();
        servers.find_map(|(of, rounds)| (*of == name).then_some(rounds))
    }

    /// A median of one server as a multiple of the yardstick's.
    pub fn ratio(&self, name: &str, figure: impl Fn(&Sample) -> Option<f64>) -> Option<f64> {
        let own = self.of(name)?.median(&figure)?;
        let native = self.of("native")?.median(&figure)?;
        (native > 0.0).then(|| own / native)
    }

    /// Adds a round of that server, and says what it was.
    pub fn add(&mut self, index: usize, sample: Sample) {
        let Self {
            workload,
            connections,
            servers,
        } = self;
        if let Some((name, rounds)) = servers.get_mut(index) {
            let cpu = sample
                .cpu_us
                .map_or_else(String::new, |cpu| format!(", {cpu:.0} µs CPU"));
            let errors = if sample.errors > 0 {
                format!(", {} ERRORS", sample.errors)
            } else {
                String::new()
            };
            eprintln!(
                "{:<12} {connections:>3} connections  {name:<7} {:>9.0} {}s/s{cpu}{errors}",
                workload.title(),
                sample.per_second,
                workload.unit(),
            );
            rounds.0.push(sample);
        }
    }
}

/// Lets all servers take turns.
///
/// # Errors
/// When wrk fails.
pub fn measure(
    shops: &mut [Shop],
    workload: Workload,
    connections: usize,
    rounds: u64,
    load: Load,
) -> Result<Measurement> {
    let mut measurement = Measurement::new(workload, connections, shops);
    let tag = format!("{}-{workload:?}-{connections}", std::process::id());
    for shop in shops.iter_mut().filter(|_| load.warms_up) {
        shop.run(
            workload,
            connections,
            WARM_UP_SECONDS,
            &format!("{tag}-warm"),
        )?;
    }
    for round in 0..rounds {
        for (index, shop) in shops.iter_mut().enumerate() {
            thread::sleep(PAUSE);
            let sample = one(
                shop,
                workload,
                connections,
                workload.seconds(load.seconds),
                &format!("{tag}-{round}"),
            );
            measurement.add(index, sample.with_context(|| shop.server.name())?);
        }
    }
    Ok(measurement)
}

fn one(
    shop: &mut Shop,
    workload: Workload,
    connections: usize,
    seconds: u64,
    tag: &str,
) -> Result<Sample> {
    let before = Counters::of(&shop.server);
    let outcome = shop.run(workload, connections, seconds, tag)?;
    Ok(before.sample(&shop.server, outcome, workload.requests_each()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_are_those_of_medians() {
        let rounds = |value| {
            Rounds(vec![Sample {
                per_second: value,
                ..Sample::default()
            }])
        };
        let measurement = Measurement {
            workload: Workload::Order,
            connections: 1,
            servers: vec![("mercato", rounds(50.0)), ("native", rounds(200.0))],
        };
        let per_second = |sample: &Sample| Some(sample.per_second);
        assert_eq!(measurement.ratio("mercato", per_second), Some(0.25));
        assert_eq!(measurement.ratio("mercato", |sample| sample.cpu_us), None);
        assert_eq!(measurement.ratio("spin", per_second), None);
    }
}
