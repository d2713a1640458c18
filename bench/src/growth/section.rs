//! What the report tells of growth.

use std::fmt::Write as _;

use super::{GrownShop, Growth};
use crate::{
    chart::Chart,
    figures::{Rounds, Sample, median},
    markdown::{grouped, micros, number, ratio, table},
};

/// A request may cost so many times more in the large shop.
const RATIO_AIM: f64 = 1.3;

const MB: f64 = 1e6;

type Figure = fn(&Sample) -> Option<f64>;

const CPU: Figure = |sample| sample.cpu_us;
const P99: Figure = |sample| Some(sample.p99_us);
const STATEMENTS: Figure = |sample| sample.statements;

/// The section.
pub fn markdown(growth: &Growth) -> String {
    let [small, large] = growth
        .shops
        .each_ref()
        .map(|shop| grouped(shop.size as f64, 0));
    let mut text = format!(
        "## Growth\n\nTwo shops in one run, in turns: one with {small} products and as many orders, one with {large} of each. \
         The ratio is what a request costs in the large one, in processor time, to what it costs in the small one; the aim is {RATIO_AIM}.\n\n\
         ![growth](charts/growth.svg)\n\n"
    );
    text += &requests(growth, &small, &large);
    text += "\n";
    text += &shops(growth, &small, &large);
    text += "\nThe shops were filled by copying, row by row, what the shop itself had stored for an order of every kind: delivered, paid, cancelled, \
        failed, refunded in full and in part, pending. All of it is of one day, so nothing is left out that a shop removes later. There is a \
        customer for every hundred orders, and one has a tenth of all.\n\n";
    for (operation, _) in &growth.operations {
        let _ = writeln!(text, "- *{}*: {}", operation.title(), operation.meaning());
    }
    text
}

fn requests(growth: &Growth, small: &str, large: &str) -> String {
    let heads = [
        "request".to_owned(),
        format!("CPU, {small}"),
        format!("CPU, {large}"),
        "ratio".to_owned(),
        format!("p99, {small}"),
        format!("p99, {large}"),
        "statements".to_owned(),
        "errors".to_owned(),
    ];
    let heads: Vec<_> = heads.iter().map(String::as_str).collect();
    let rows = growth.operations.iter().map(|(operation, rounds)| {
        let [small, large] = rounds;
        vec![
            operation.title().to_owned(),
            micros(small.median(CPU)),
            micros(large.median(CPU)),
            marked(of(small, large)),
            micros(small.median(P99)),
            micros(large.median(P99)),
            format!(
                "{} / {}",
                number(small.median(STATEMENTS)),
                number(large.median(STATEMENTS))
            ),
            errors_of(rounds),
        ]
    });
    table(&heads, rows)
}

fn shops(growth: &Growth, small: &str, large: &str) -> String {
    let heads = ["shop", small, large, "ratio"];
    let [one, other] = &growth.shops;
    let row = |name: &str, figure: fn(&GrownShop) -> Option<f64>, show: fn(f64) -> String| {
        let shown = |shop| figure(shop).map_or_else(crate::markdown::dash, show);
        let parts = figure(one).zip(figure(other));
        let parts = parts.filter(|(small, _)| *small > 0.0);
        vec![
            name.to_owned(),
            shown(one),
            shown(other),
            ratio(parts.map(|(small, large)| large / small)),
        ]
    };
    let seconds = |value: f64| format!("{value:.2} s");
    let rows = [
        row(
            "CPU of a second without requests",
            |shop| median(shop.idle_us.clone()),
            |value| micros(Some(value)),
        ),
        row(
            "first answer after a start",
            |shop| median(shop.first_answer.clone()),
            seconds,
        ),
        row(
            "ready after a start",
            |shop| median(shop.ready.clone()),
            seconds,
        ),
        row(
            "CPU of a start, until nothing is left to do",
            |shop| median(shop.start_us.clone()),
            |value| micros(Some(value)),
        ),
        row(
            "databases on the disk",
            |shop| Some(shop.bytes as f64),
            |value| format!("{} MB", grouped(value / MB, 0)),
        ),
        row(
            "filled in",
            |shop| Some(shop.fill_seconds),
            |value| format!("{value:.0} s"),
        ),
    ];
    table(&heads, rows.into_iter())
}

/// The ratios as bars.
pub fn chart(growth: &Growth) -> Chart {
    let groups = growth
        .operations
        .iter()
        .map(|(operation, [small, large])| (operation.title().to_owned(), vec![of(small, large)]));
    Chart {
        title: "CPU time of a request in the large shop, in multiples of the small one's (shorter is better)".to_owned(),
        series: vec!["ratio".to_owned()],
        groups: groups.collect(),
        line: RATIO_AIM,
        line_name: "aim".to_owned(),
    }
}

fn of(small: &Rounds, large: &Rounds) -> Option<f64> {
    let (small, large) = (small.median(CPU)?, large.median(CPU)?);
    (small > 0.0).then(|| large / small)
}

fn errors_of(rounds: &[Rounds; 2]) -> String {
    match rounds.iter().map(Rounds::errors).sum() {
        0_u64 => "0".to_owned(),
        errors => format!("**{errors}**"),
    }
}

fn marked(value: Option<f64>) -> String {
    let text = ratio(value);
    if value > Some(RATIO_AIM) {
        format!("**{text}**")
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::growth::operations::Operation;

    fn rounds(cpu_us: f64, errors: u64) -> Rounds {
        Rounds(vec![Sample {
            cpu_us: Some(cpu_us),
            p99_us: 2.0 * cpu_us,
            statements: Some(2.0),
            errors,
            ..Sample::default()
        }])
    }

    fn growth(errors: u64) -> Growth {
        let shop = |size: u64| GrownShop {
            size,
            fill_seconds: size as f64 / 1e4,
            bytes: size * 1_500,
            idle_us: vec![400.0, 600.0, 500.0],
            first_answer: vec![0.25],
            ready: vec![],
            start_us: vec![1.5 * size as f64],
        };
        Growth {
            shops: [shop(1_000), shop(1_000_000)],
            operations: vec![
                (Operation::Product, [rounds(100.0, 0), rounds(110.0, 0)]),
                (Operation::Filter, [rounds(100.0, 0), rounds(450.0, errors)]),
            ],
        }
    }

    #[test]
    fn the_section_marks_what_grows_too_much() {
        let text = markdown(&growth(3));
        for line in [
            "| request | CPU, 1,000 | CPU, 1,000,000 | ratio | p99, 1,000 | p99, 1,000,000 | statements | errors |",
            "| product by id | 100 µs | 110 µs | 1.10 | 200 µs | 220 µs | 2 / 2 | 0 |",
            "| filter | 100 µs | 450 µs | **4.50** | 200 µs | 900 µs | 2 / 2 | **3** |",
            "| CPU of a second without requests | 500 µs | 500 µs | 1.00 |",
            "| ready after a start | – | – | – |",
            "| CPU of a start, until nothing is left to do | 1,500 µs | 1,500 ms | 1000.00 |",
            "| databases on the disk | 2 MB | 1,500 MB | 1000.00 |",
        ] {
            assert!(text.contains(line), "{line}\n{text}");
        }
        assert_eq!((growth(0).errors(), growth(3).errors()), (0, 3));
    }

    #[test]
    fn the_chart_has_a_bar_for_each_request() {
        let chart = chart(&growth(0));
        assert_eq!(chart.groups.len(), 2);
        assert_eq!(chart.groups[1].1, [Some(4.5)]);
    }
}
