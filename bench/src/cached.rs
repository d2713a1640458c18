//! The shop with a cache in front: how much of what is read from the catalogue the cache takes over.

use std::{path::Path, thread, time::Duration};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use ureq::{Body, http::Response};

use crate::{
    agent::agent,
    figures::{Rounds, Sample},
    filling::member,
    markdown::{dash, micros, rate, table},
    measure::{Counters, Load, Shop},
    nginx::{self, Nginx},
    workload::Workload,
    wrk::Run,
};

/// What is read.
const WORKLOADS: [Workload; 3] = [Workload::Product, Workload::List, Workload::Search];

/// Before the first round, so that everything has been asked for once.
const WARM_UP_SECONDS: u64 = 3;

/// An answer that is kept for five seconds has to be fetched again in each round.
const SECONDS_MIN: u64 = 6;

/// Between two rounds, so that what nginx still fetches counts for the round before.
const PAUSE: Duration = Duration::from_millis(300);

/// What nginx says about an answer.
const STATUS: &str = "x-cache-status";

/// A member of a product that admins see and nobody else does.
const FOR_ADMINS: &str = "reserved";

/// What the report has to tell.
#[derive(Debug, Clone, Default)]
pub enum Front {
    /// Nothing: nobody asked for it.
    #[default]
    Unwanted,
    /// That there was no nginx.
    Missing,
    /// What was measured.
    Measured(Cached),
}

/// What was measured.
#[derive(Debug, Clone)]
pub struct Cached {
    version: String,
    connections: usize,
    seconds: u64,
    workloads: Vec<(Workload, Reads)>,
}

/// One workload, without nginx and with it.
#[derive(Debug, Clone, Default)]
struct Reads {
    direct: Rounds,
    through: Rounds,
    /// Requests that reached the shop for each that clients sent, by round.
    reached: Vec<f64>,
    /// Processor time of nginx for each request, in microseconds, by round.
    nginx_us: Vec<f64>,
}

/// Starts nginx in front of a shop and sends the same reads to both.
///
/// # Errors
/// When nginx cannot be started, hands on what it must not, or wrk fails.
pub fn measure(
    program: &Path,
    shop: &mut Shop,
    connections: usize,
    rounds: u64,
    load: Load,
) -> Result<Cached> {
    let address = shop
        .server
        .base_url()
        .trim_start_matches("http://")
        .to_owned();
    let nginx = Nginx::start(program, &address)?;
    check(&nginx, shop).context("nginx in front of the shop")?;
    let mut cached = Cached {
        version: nginx::version(program)?,
        connections,
        seconds: load.seconds.max(SECONDS_MIN),
        workloads: Vec::new(),
    };
    for workload in WORKLOADS {
        let mut reads = Reads::default();
        cached.run(nginx.base_url(), shop, workload, WARM_UP_SECONDS)?;
        for _ in 0..rounds {
            let base_url = shop.server.base_url().to_owned();
            let (direct, _) = cached.run(&base_url, shop, workload, cached.seconds)?;
            say(workload, "mercato", &direct);
            reads.direct.0.push(direct);
            cached.round(&nginx, shop, workload, &mut reads)?;
        }
        cached.workloads.push((workload, reads));
    }
    Ok(cached)
}

impl Cached {
    fn round(
        &self,
        nginx: &Nginx,
        shop: &mut Shop,
        workload: Workload,
        reads: &mut Reads,
    ) -> Result<()> {
        let (requests, nginx_before) = (requests(shop), nginx.usage());
        let (sample, sent) = self.run(nginx.base_url(), shop, workload, self.seconds)?;
        say(workload, "nginx", &sample);
        let sent = sent.max(1) as f64;
        if let Some((now, before)) = self::requests(shop).zip(requests) {
            reads.reached.push((now - before) / sent);
        }
        if let Some((now, before)) = nginx.usage().zip(nginx_before) {
            reads.nginx_us.push(now.since(before).cpu_us as f64 / sent);
        }
        reads.through.0.push(sample);
        Ok(())
    }

    /// Sends reads to nginx or to the shop; the sample has what they cost the shop. With it comes how many were sent.
    fn run(
        &self,
        base_url: &str,
        shop: &mut Shop,
        workload: Workload,
        seconds: u64,
    ) -> Result<(Sample, u64)> {
        thread::sleep(PAUSE);
        let data = shop.filling.file()?.clone();
        let run = Run {
            script: workload.script(),
            base_url,
            data: &data,
            tag: "cached",
            connections: self.connections,
            seconds,
        };
        let before = Counters::of(&shop.server);
        let outcome = run.run(|| ())?;
        Ok((before.sample(&shop.server, outcome, 1), outcome.requests))
    }
}

fn say(workload: Workload, server: &str, sample: &Sample) {
    let cpu_us = sample.cpu_us.unwrap_or_default();
    eprintln!(
        "{:<12} {server:<7} {:>9.0} requests/s, {cpu_us:.1} µs CPU of the shop, {} errors",
        workload.title(),
        sample.per_second,
        sample.errors
    );
}

fn requests(shop: &Shop) -> Option<f64> {
    shop.server.total("mercato_requests_total")
}

/// An answer through nginx.
#[derive(Debug)]
struct Answer {
    status: String,
    body: Value,
}

fn answer(nginx: &Nginx, path: &str, token: Option<&str>) -> Result<Answer> {
    let request = agent().get(format!("{}{path}", nginx.base_url()));
    let mut answer: Response<Body> = match token {
        Some(token) => request
            .header("Authorization", format!("Bearer {token}"))
            .call()?,
        None => request.call()?,
    };
    let status = answer.headers().get(STATUS);
    let status = status
        .and_then(|status| status.to_str().ok())
        .unwrap_or_default()
        .to_owned();
    let text = answer.body_mut().read_to_string()?;
    ensure!(
        answer.status() == 200,
        "{path} was answered {}: {text}",
        answer.status()
    );
    Ok(Answer {
        status,
        body: serde_json::from_str(&text)?,
    })
}

/// What the cache must do and must not: it keeps what everyone sees, and gives nobody what another one was shown.
fn check(nginx: &Nginx, shop: &mut Shop) -> Result<()> {
    let admin = shop.filling.admin_token()?;
    let product = shop.filling.products.first().context("a product")?;
    let paths = [
        format!("/api/v1/products/{product}"),
        "/api/v1/products?limit=10".to_owned(),
    ];
    for path in &paths {
        // Whoever comes first, an admin's answer is not kept.
        let first = answer(nginx, path, Some(&admin))?;
        ensure!(
            first.status == "BYPASS" && is_for_admins(&first),
            "{path}, as an admin: {first:?}"
        );
        for expected in ["MISS", "HIT"] {
            let public = answer(nginx, path, None)?;
            ensure!(
                public.status == expected,
                "{path} was no {expected}: {public:?}"
            );
            ensure!(
                !is_for_admins(&public),
                "{path} shows what is for admins: {public:?}"
            );
        }
        // Nor is an admin given what is kept for everyone.
        let again = answer(nginx, path, Some(&admin))?;
        ensure!(
            again.status == "BYPASS" && is_for_admins(&again),
            "{path}, as an admin: {again:?}"
        );
        let public = answer(nginx, path, None)?;
        ensure!(
            public.status == "HIT" && !is_for_admins(&public),
            "{path}, afterwards: {public:?}"
        );
    }
    for account in &shop.filling.accounts {
        let me = answer(nginx, "/api/v1/auth/me", Some(&account.token))?;
        let email = member(&me.body, "/email")?;
        ensure!(
            email == account.email,
            "{} was shown {email}",
            account.email
        );
        let orders = answer(nginx, "/api/v1/orders", Some(&account.token))?;
        ensure!(
            orders.status.is_empty(),
            "orders went through the cache: {orders:?}"
        );
    }
    Ok(())
}

fn is_for_admins(answer: &Answer) -> bool {
    let body = &answer.body;
    let product = body.pointer("/data/0").unwrap_or(body);
    product.get(FOR_ADMINS).is_some()
}

impl Front {
    /// What went wrong in all rounds.
    pub fn errors(&self) -> u64 {
        let Self::Measured(cached) = self else {
            return 0;
        };
        let reads = cached.workloads.iter().map(|(_, reads)| reads);
        reads
            .map(|reads| reads.direct.errors() + reads.through.errors())
            .sum()
    }

    /// The section.
    pub fn markdown(&self) -> Option<String> {
        let text = match self {
            Self::Unwanted => return None,
            Self::Missing => "Not measured: there was no nginx.\n".to_owned(),
            Self::Measured(cached) => section(cached),
        };
        Some(format!("## With a cache in front\n\n{text}"))
    }
}

fn section(cached: &Cached) -> String {
    let heads = [
        "workload",
        "server",
        "throughput",
        "p99",
        "reach the shop",
        "CPU of the shop",
        "CPU of nginx",
        "errors",
    ];
    let rows = cached.workloads.iter().flat_map(|(workload, reads)| {
        let row = |server: &str, rounds: &Rounds, reached: String, nginx: Option<f64>| {
            vec![
                workload.title().to_owned(),
                server.to_owned(),
                rate(rounds.median(|sample| Some(sample.per_second)), *workload),
                micros(rounds.median(|sample| Some(sample.p99_us))),
                reached,
                micros(rounds.median(|sample| sample.cpu_us)),
                micros(nginx),
                rounds.errors().to_string(),
            ]
        };
        let median = |values: &[f64]| crate::figures::median(values.to_vec());
        let reached = median(&reads.reached).map_or_else(dash, percent);
        [
            row("mercato", &reads.direct, percent(1.0), None),
            row(
                "through nginx",
                &reads.through,
                reached,
                median(&reads.nginx_us),
            ),
        ]
    });
    format!(
        "What the catalogue shows to everyone may be kept for five seconds, and given for 30 more while it is fetched anew \
         (`Cache-Control: public, max-age=5, stale-while-revalidate=30`). Here {} stands between the clients and the shop, on the same cores, with \
         the configuration of `docs/nginx.conf`; {} connections, rounds of {} s, in turns with the shop alone. CPU is for each request that clients \
         sent. Before that the bench has made sure that requests with a token are answered by the shop, and their answers given to nobody else.\n\n{}",
        cached.version,
        cached.connections,
        cached.seconds,
        table(&heads, rows)
    )
}

fn percent(part: f64) -> String {
    let percent = 100.0 * part;
    let digits = if percent < 10.0 { 2 } else { 0 };
    format!("{percent:.digits$} %")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_section_says_how_much_reaches_the_shop() {
        let rounds = |per_second, cpu_us| {
            Rounds(vec![Sample {
                per_second,
                p99_us: 2_000.0,
                cpu_us: Some(cpu_us),
                ..Sample::default()
            }])
        };
        let reads = Reads {
            direct: rounds(5_000.0, 300.0),
            through: rounds(25_000.0, 1.5),
            reached: vec![0.004, 0.005, 0.006],
            nginx_us: vec![30.0],
        };
        let cached = Cached {
            version: "nginx/1.22.1".to_owned(),
            connections: 64,
            seconds: 6,
            workloads: vec![(Workload::List, reads)],
        };
        let text = section(&cached);
        for line in [
            "| list of ten | mercato | 5,000/s | 2,000 µs | 100 % | 300 µs | – | 0 |",
            "| list of ten | through nginx | 25,000/s | 2,000 µs | 0.50 % | 1.5 µs | 30 µs | 0 |",
        ] {
            assert!(text.contains(line), "{line}\n{text}");
        }
        let text = Front::Missing.markdown();
        assert!(text.is_some_and(|text| text.contains("there was no nginx")));
        assert_eq!(Front::Unwanted.markdown(), None);
    }

    #[test]
    fn what_admins_see_is_recognised() {
        let answer = |body: Value| Answer {
            status: String::new(),
            body,
        };
        use serde_json::json;
        assert!(is_for_admins(&answer(json!({ "reserved": 0 }))));
        assert!(is_for_admins(&answer(
            json!({ "data": [{ "reserved": 0 }] })
        )));
        assert!(!is_for_admins(&answer(json!({ "data": [{ "stock": 1 }] }))));
    }
}
