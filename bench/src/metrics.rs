//! Metrics of a server, in Prometheus's text format.

use crate::agent::agent;

/// The sum of all samples of the metric whose name ends so, as the server tells them there.
pub fn total(url: &str, suffix: &str) -> Option<f64> {
    let mut answer = agent().get(url).call().ok()?;
    let text = answer.body_mut().read_to_string().ok()?;
    sum(&text, suffix)
}

fn sum(metrics: &str, suffix: &str) -> Option<f64> {
    let lines = metrics.lines().filter(|line| !line.starts_with('#'));
    let values = lines.filter_map(|line| {
        let (series, value) = line.rsplit_once(' ')?;
        let (name, _) = series.split_once('{').unwrap_or((series, ""));
        name.ends_with(suffix).then(|| value.parse::<f64>().ok())?
    });
    values.reduce(|one, other| one + other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_are_summed_over_databases() {
        let metrics = "# TYPE x_sqlite_statements_total counter\nx_sqlite_statements_total{database=\"a b\"} 3\n\
                       x_sqlite_statements_total{database=\"c\"} 4\nx_sqlite_statements_total_seconds 9\n";
        assert_eq!(sum(metrics, "_sqlite_statements_total"), Some(7.0));
        assert_eq!(sum("a 1\n", "_sqlite_statements_total"), None);
    }
}
