//! The charts of the report.

use std::collections::BTreeSet;

use crate::{
    chart::Chart,
    figures::Sample,
    growth,
    report::{Report, p99, per_second},
    workload::Workload,
};

/// Everything that is drawn, by name.
pub fn files(report: &Report) -> Vec<(&'static str, String)> {
    let growth = report.growth.as_ref();
    let growth = growth.map(|growth| ("growth", growth::chart(growth).svg()));
    all(report).into_iter().chain(growth).collect()
}

/// The comparisons with the yardstick by name, drawn.
pub fn all(report: &Report) -> Vec<(&'static str, String)> {
    let charts = [
        (
            "throughput",
            "Throughput as a part of native's (longer is better)",
            per_second as fn(&Sample) -> Option<f64>,
        ),
        (
            "cpu",
            "CPU time of one, in multiples of native's (shorter is better)",
            |sample| sample.cpu_us,
        ),
        (
            "p99",
            "99th percentile of latency, in multiples of native's (shorter is better)",
            p99,
        ),
    ];
    let drawn = charts.into_iter().filter_map(|(name, title, figure)| {
        let chart = chart(report, title, figure);
        (!chart.groups.is_empty()).then(|| (name, chart.svg()))
    });
    drawn.collect()
}

/// The ratios of the shop, workload by workload, for each number of connections.
fn chart(report: &Report, title: &str, figure: fn(&Sample) -> Option<f64>) -> Chart {
    let workloads = || {
        let all = Workload::ALL.into_iter();
        all.filter(|workload| *workload != Workload::Import)
    };
    let connections: BTreeSet<_> = workloads()
        .filter(|workload| *workload != Workload::Login)
        .flat_map(|workload| {
            report
                .of(workload)
                .map(|measurement| measurement.connections)
        })
        .collect();
    let groups = workloads().map(|workload| {
        let mut drawn = BTreeSet::new();
        let bars = connections.iter().map(|wanted| {
            let connections = workload.connections(*wanted);
            // Of logins 16 and 64 may come to the same.
            let mut measurements = report.of(workload);
            let measurement = measurements.find(|one| one.connections == connections)?;
            drawn
                .insert(connections)
                .then(|| measurement.ratio("mercato", figure))?
        });
        (workload.title().to_owned(), bars.collect::<Vec<_>>())
    });
    Chart {
        title: title.to_owned(),
        series: connections.iter().map(|count| plural(*count)).collect(),
        groups: groups
            .filter(|(_, bars)| bars.iter().any(Option::is_some))
            .collect(),
        line: 1.0,
        line_name: "native".to_owned(),
    }
}

fn plural(connections: usize) -> String {
    if connections == 1 {
        "1 connection".to_owned()
    } else {
        format!("{connections} connections")
    }
}
