use std::collections::BTreeSet;

use crate::{Kind, is_name};

/// Metrics of one name.
#[derive(Debug, Clone, PartialEq)]
pub struct Family {
    /// Its name.
    pub name: String,
    /// What it means.
    pub help: String,
    /// What kind of number it holds.
    pub kind: Kind,
    /// Its values.
    pub samples: Vec<Sample>,
    /// Its lines, as they came.
    pub text: String,
}

/// One value.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// The family's name; of a histogram with its suffix.
    pub name: String,
    /// Names and values.
    pub labels: Vec<(String, String)>,
    /// The value.
    pub value: f64,
}

impl Family {
    /// Whether nothing else may have that name: it is the family's, or a sample's of a histogram.
    #[must_use]
    pub fn takes(&self, name: &str) -> bool {
        name == self.name || belongs(name, self)
    }
}

impl Sample {
    /// The value of a label.
    #[must_use]
    pub fn label(&self, name: &str) -> Option<&str> {
        let found = self.labels.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }
}

/// A text that is not in the format.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {problem}")]
pub struct Invalid {
    /// From 1.
    pub line: usize,
    /// What is wrong with it.
    pub problem: &'static str,
}

/// Reads families. Stricter than the format: each has `HELP`, `TYPE` and its samples, in that order and only once;
/// there are no timestamps and no other comments.
///
/// # Errors
/// [`Invalid`], naming the first line that is wrong.
pub fn parse(text: &str) -> Result<Vec<Family>, Invalid> {
    let mut families: Vec<Family> = Vec::new();
    let mut seen = BTreeSet::new();
    let mut series = BTreeSet::new();
    let mut helped: Option<(String, String, String)> = None;
    let mut number = 0;
    for line in text.split_inclusive('\n') {
        number += 1;
        let wrong = |problem| Invalid {
            line: number,
            problem,
        };
        let bare = line
            .strip_suffix('\n')
            .ok_or_else(|| wrong("the last line does not end"))?;
        if let Some(rest) = bare.strip_prefix("# HELP ") {
            let (name, help) = rest
                .split_once(' ')
                .ok_or_else(|| wrong("HELP without a text"))?;
            if helped.is_some() || !is_name(name) || !seen.insert(name.to_owned()) {
                return Err(wrong("HELP where there should be none"));
            }
            helped = Some((name.to_owned(), help.to_owned(), line.to_owned()));
        } else if let Some(rest) = bare.strip_prefix("# TYPE ") {
            let (name, help, before) = helped
                .take()
                .ok_or_else(|| wrong("TYPE without HELP before it"))?;
            let kind = rest
                .strip_prefix(name.as_str())
                .and_then(|kind| kind_of(kind.trim_start()))
                .ok_or_else(|| wrong("not the TYPE of what HELP has named"))?;
            families.push(Family {
                name,
                help,
                kind,
                samples: Vec::new(),
                text: before + line,
            });
        } else {
            let family = families
                .last_mut()
                .filter(|_| helped.is_none())
                .ok_or_else(|| wrong("a sample of no family"))?;
            let sample = sample(bare).ok_or_else(|| wrong("not a sample"))?;
            if !belongs(&sample.name, family) {
                return Err(wrong("a sample of another family"));
            }
            let mut labels = sample.labels.clone();
            labels.sort();
            if !series.insert((sample.name.clone(), labels)) {
                return Err(wrong("the same series again"));
            }
            family.samples.push(sample);
            family.text.push_str(line);
        }
    }
    if helped.is_some() {
        return Err(Invalid {
            line: number,
            problem: "HELP without TYPE",
        });
    }
    Ok(families)
}

/// What is wrong with a text that should be an exposition with these lines among others, a sentence each: what tests ask.
#[must_use]
pub fn objections(text: &str, expected: &[&str]) -> Vec<String> {
    let missing = expected
        .iter()
        .filter(|line| text.lines().all(|written| written != **line))
        .map(|line| format!("the line `{line}` is missing"));
    match parse(text) {
        Ok(families) => unconventional(&families)
            .into_iter()
            .chain(missing)
            .collect(),
        Err(invalid) => vec![invalid.to_string()],
    }
}

/// What in the families is against Prometheus' conventions (<https://prometheus.io/docs/practices/naming/>), a sentence each.
#[must_use]
pub fn unconventional(families: &[Family]) -> Vec<String> {
    let mut found = Vec::new();
    for family in families {
        let name = &family.name;
        let is_total = name.ends_with("_total");
        let mut object = |wrong: bool, problem: &str| {
            if wrong {
                found.push(format!("{name} {problem}"));
            }
        };
        object(
            (family.kind == Kind::Counter) != is_total,
            "must end in _total if, and only if, it is a counter",
        );
        object(
            !name.starts_with("mercato_"),
            "must begin with the application's name",
        );
        object(
            name.bytes().any(|byte| byte.is_ascii_uppercase()),
            "must be in small letters",
        );
        let in_other_units = ["_ms", "_milliseconds", "_minutes", "_kilobytes", "_percent"]
            .iter()
            .any(|unit| name.trim_end_matches("_total").ends_with(unit));
        object(in_other_units, "must be in base units");
        object(family.help.trim().is_empty(), "must say what it means");
        let is_negative = family.samples.iter().any(|sample| sample.value < 0.0);
        object(is_negative, "must not be negative");
        if family.kind == Kind::Histogram {
            object(!is_cumulative(family), "must have buckets up to +Inf");
        }
    }
    found
}

/// Whether each bucket holds the ones before it, and the last one everything.
fn is_cumulative(family: &Family) -> bool {
    let mut last: Option<&Sample> = None;
    for sample in &family.samples {
        if sample.name.ends_with("_bucket") {
            let grows = last
                .is_none_or(|last| last.label("le") == Some("+Inf") || last.value <= sample.value);
            if !grows {
                return false;
            }
            last = Some(sample);
        } else if sample.name.ends_with("_count") {
            let all = last
                .is_some_and(|last| last.label("le") == Some("+Inf") && last.value == sample.value);
            if !all {
                return false;
            }
        }
    }
    true
}

fn kind_of(name: &str) -> Option<Kind> {
    [Kind::Counter, Kind::Gauge, Kind::Histogram]
        .into_iter()
        .find(|kind| kind.name() == name)
}

fn belongs(sample: &str, family: &Family) -> bool {
    match (sample.strip_prefix(family.name.as_str()), family.kind) {
        (Some(suffix), Kind::Histogram) => ["_bucket", "_sum", "_count"].contains(&suffix),
        (Some(suffix), _) => suffix.is_empty(),
        (None, _) => false,
    }
}

/// `name value` or `name{label="text",…} value`.
fn sample(line: &str) -> Option<Sample> {
    let (name, rest) = line.split_at_checked(line.find(['{', ' '])?)?;
    let (labels, rest) = match rest.strip_prefix('{') {
        Some(rest) => labels(rest)?,
        None => (Vec::new(), rest),
    };
    let value = rest.strip_prefix(' ')?;
    let known = value == "+Inf"
        || value == "NaN"
        || value.starts_with(|c: char| c == '-' || c.is_ascii_digit());
    let value = value.parse().ok().filter(|_| known)?;
    is_name(name).then(|| Sample {
        name: name.to_owned(),
        labels,
        value,
    })
}

/// The labels up to the `}`, and what follows it.
fn labels(text: &str) -> Option<(Vec<(String, String)>, &str)> {
    let mut labels: Vec<(String, String)> = Vec::new();
    let mut rest = text;
    loop {
        let (name, after) = rest.split_once("=\"")?;
        let (value, after) = quoted(after)?;
        if !is_name(name) || labels.iter().any(|(known, _)| known == name) {
            return None;
        }
        labels.push((name.to_owned(), value));
        match after.strip_prefix(',') {
            Some(after) => rest = after,
            None => return Some((labels, after.strip_prefix('}')?)),
        }
    }
}

/// The text up to the closing quote, and what follows it.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut chars = text.char_indices();
    loop {
        match chars.next()? {
            (end, '"') => return Some((value, text.get(end + 1..)?)),
            (_, '\\') => value.push(match chars.next()?.1 {
                'n' => '\n',
                escaped @ ('\\' | '"') => escaped,
                _ => return None,
            }),
            (_, other) => value.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Exposition;

    fn written() -> Exposition {
        let mut text = Exposition::default();
        text.family("mercato_orders", Kind::Gauge, "Orders, by status.");
        text.sample("mercato_orders", &[("status", "PAID")], 3);
        text.sample("mercato_orders", &[("status", "PENDING")], 0);
        text.single("mercato_sweeps_total", Kind::Counter, "Runs.", 7);
        text.family("mercato_wait_seconds", Kind::Histogram, "How long.");
        for (bound, count) in [("0.5", 1), ("+Inf", 2)] {
            text.sample("mercato_wait_seconds_bucket", &[("le", bound)], count);
        }
        text.sample("mercato_wait_seconds_sum", &[], 1.25);
        text.sample("mercato_wait_seconds_count", &[], 2);
        text
    }

    #[test]
    fn what_is_written_is_read_and_conventional() {
        let text = written().into_text();
        let families = parse(&text).unwrap();
        assert_eq!(unconventional(&families), Vec::<String>::new());
        let names: Vec<_> = families.iter().map(|family| &*family.name).collect();
        assert_eq!(
            names,
            [
                "mercato_orders",
                "mercato_sweeps_total",
                "mercato_wait_seconds"
            ]
        );
        assert_eq!(families[0].samples[0].label("status"), Some("PAID"));
        assert_eq!(families[0].samples[0].value, 3.0);
        let again: String = families.iter().map(|family| &*family.text).collect();
        assert_eq!(again, text);
    }

    #[test]
    fn what_is_not_in_the_format_is_refused_with_its_line() {
        const HEAD: &str = "# HELP a b\n# TYPE a gauge\n";
        for (text, line) in [
            ("a 1\n".to_owned(), 1),
            ("# TYPE a gauge\na 1\n".to_owned(), 1),
            ("# HELP a b\na 1\n".to_owned(), 2),
            ("# HELP a b\n".to_owned(), 1),
            ("# HELP a b\n# TYPE b gauge\n".to_owned(), 2),
            ("# HELP a b\n# TYPE a number\n".to_owned(), 2),
            (format!("{HEAD}a 1"), 3),
            (format!("{HEAD}b 1\n"), 3),
            (format!("{HEAD}a_sum 1\n"), 3),
            (format!("{HEAD}a one\n"), 3),
            (format!("{HEAD}a infinity\n"), 3),
            (format!("{HEAD}a 1 1700000000\n"), 3),
            (format!("{HEAD}a{{}} 1\n"), 3),
            (format!("{HEAD}a{{x=1}} 1\n"), 3),
            (format!("{HEAD}a{{x=\"1\",x=\"2\"}} 1\n"), 3),
            (format!("{HEAD}a{{x=\"\\q\"}} 1\n"), 3),
            (format!("{HEAD}a 1\na 2\n"), 4),
            (
                format!("{HEAD}a{{x=\"1\",y=\"2\"}} 1\na{{y=\"2\",x=\"1\"}} 1\n"),
                4,
            ),
            (format!("{HEAD}a 1\n\n"), 4),
            (format!("{HEAD}a 1\n{HEAD}"), 4),
        ] {
            assert_eq!(parse(&text).unwrap_err().line, line, "{text}");
        }
    }

    #[test]
    fn names_units_and_texts_are_held_against_the_conventions() {
        let objections = |name: &str, kind, help: &str, value: i32| {
            let mut text = Exposition::default();
            text.single(name, kind, help, value);
            unconventional(&parse(&text.into_text()).unwrap()).len()
        };
        assert_eq!(objections("mercato_sweeps_total", Kind::Counter, "x", 1), 0);
        assert_eq!(objections("mercato_sweeps", Kind::Counter, "x", 1), 1);
        assert_eq!(objections("mercato_orders_total", Kind::Gauge, "x", 1), 1);
        assert_eq!(objections("orders", Kind::Gauge, "x", 1), 1);
        assert_eq!(objections("mercato_Orders", Kind::Gauge, "x", 1), 1);
        assert_eq!(objections("mercato_age_ms", Kind::Gauge, "x", 1), 1);
        assert_eq!(objections("mercato_orders", Kind::Gauge, " ", 1), 1);
        assert_eq!(objections("mercato_orders", Kind::Gauge, "x", -1), 1);
        assert_eq!(objections("mercato_wait_seconds", Kind::Gauge, "x", 1), 0);
    }

    #[test]
    fn buckets_must_add_up() {
        let buckets = |counts: [u32; 2], count: u32| {
            let mut text = Exposition::default();
            text.family("mercato_wait_seconds", Kind::Histogram, "x");
            for (bound, count) in ["1", "+Inf"].iter().zip(counts) {
                text.sample("mercato_wait_seconds_bucket", &[("le", bound)], count);
            }
            text.sample("mercato_wait_seconds_count", &[], count);
            unconventional(&parse(&text.into_text()).unwrap()).len()
        };
        assert_eq!(buckets([1, 2], 2), 0);
        assert_eq!(buckets([2, 1], 1), 1);
        assert_eq!(buckets([1, 2], 3), 1);
    }

    proptest! {
        #[test]
        fn any_label_and_help_come_out_as_they_went_in(value in any::<String>(), help in "[^\\\\\n]{1,20}") {
            let mut text = Exposition::default();
            text.family("a", Kind::Gauge, &help);
            text.sample("a", &[("x", &value), ("y", "")], 1);
            let families = parse(&text.into_text()).unwrap();
            prop_assert_eq!(families[0].samples[0].label("x"), Some(value.as_str()));
            prop_assert_eq!(&families[0].help, &help);
        }

        #[test]
        fn any_text_is_read_or_refused(text in "(# HELP a b\n# TYPE a gauge\n)?(\\PC|\n){0,80}") {
            if let Ok(families) = parse(&text) {
                let again: String = families.iter().map(|family| &*family.text).collect();
                prop_assert_eq!(again, text);
            }
        }
    }
}
