//! Figures and tables as Markdown.

use crate::workload::Workload;

/// A table.
pub fn table(heads: &[&str], rows: impl Iterator<Item = Vec<String>>) -> String {
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let heads: Vec<_> = heads.iter().map(|&head| head.to_owned()).collect();
    let rule = vec!["---".to_owned(); heads.len()];
    let rows: String = rows.map(|row| line(&row)).collect();
    line(&heads) + &line(&rule) + &rows
}

/// What stands in the place of a figure that there is none of.
pub fn dash() -> String {
    "–".to_owned()
}

/// A ratio.
pub fn ratio(value: Option<f64>) -> String {
    value.map_or_else(dash, |value| format!("{value:.2}"))
}

/// A throughput.
pub fn rate(value: Option<f64>, workload: Workload) -> String {
    let unit = if workload == Workload::Import {
        " rows/s"
    } else {
        "/s"
    };
    value.map_or_else(dash, |value| {
        let digits = usize::from(value < 100.0);
        format!("{}{unit}", grouped(value, digits))
    })
}

/// A time that is given in microseconds.
pub fn micros(value: Option<f64>) -> String {
    value.map_or_else(dash, |value| {
        if value < 10_000.0 {
            format!("{} µs", grouped(value, usize::from(value < 10.0)))
        } else {
            format!(
                "{} ms",
                grouped(value / 1_000.0, usize::from(value < 100_000.0))
            )
        }
    })
}

/// With a decimal where that says something.
pub fn number(value: Option<f64>) -> String {
    value.map_or_else(dash, |value| {
        let rounded = (10.0 * value).round() / 10.0;
        grouped(value, usize::from(value < 100.0 && rounded.fract() != 0.0))
    })
}

/// A number with commas between its thousands.
pub fn grouped(value: f64, digits: usize) -> String {
    let text = format!("{value:.digits$}");
    let (whole, rest) = text.split_at(text.find('.').unwrap_or(text.len()));
    let mut grouped = String::new();
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_apart() {
        assert_eq!(grouped(1_234_567.0, 0), "1,234,567");
        assert_eq!(grouped(999.96, 1), "1,000.0");
        assert_eq!(grouped(12.0, 1), "12.0");
        assert_eq!(micros(Some(123_456.0)), "123 ms");
        assert_eq!(number(None), "–");
    }
}
