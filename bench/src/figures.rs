//! Medians, and how far apart the rounds are.

/// What one round of one server came to, for each of what is counted.
#[derive(Debug, Clone, Copy, Default)]
pub struct Sample {
    /// How many in a second.
    pub per_second: f64,
    /// Half of the answers took at most this long, in microseconds.
    pub p50_us: f64,
    /// All but one in a hundred took at most this long, in microseconds.
    pub p99_us: f64,
    /// What went wrong.
    pub errors: u64,
    /// Processor time of the server, in microseconds.
    pub cpu_us: Option<f64>,
    /// SQLite statements.
    pub statements: Option<f64>,
    /// Bytes that the server had written to its disk.
    pub written_bytes: Option<f64>,
    /// How long the server worked on after the last answer, in seconds.
    pub rest_seconds: f64,
}

/// The rounds of one server.
#[derive(Debug, Clone, Default)]
pub struct Rounds(pub Vec<Sample>);

impl Rounds {
    /// The median of a figure; nothing when no round has it.
    pub fn median(&self, figure: impl Fn(&Sample) -> Option<f64>) -> Option<f64> {
        median(self.0.iter().filter_map(figure).collect())
    }

    /// The largest throughput less the smallest, in percent of the median.
    pub fn spread_percent(&self) -> Option<f64> {
        let values = || self.0.iter().map(|sample| sample.per_second);
        let median = median(values().collect()).filter(|median| *median > 0.0)?;
        let (least, most) = (values().reduce(f64::min)?, values().reduce(f64::max)?);
        Some(100.0 * (most - least) / median)
    }

    /// What went wrong in all rounds.
    pub fn errors(&self) -> u64 {
        self.0.iter().map(|sample| sample.errors).sum()
    }
}

/// The value in the middle, or half-way between the two there.
pub fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let upper = *values.get(values.len() / 2)?;
    if values.len() % 2 == 1 {
        return Some(upper);
    }
    let lower = *values.get(values.len() / 2 - 1)?;
    Some(f64::midpoint(lower, upper))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_are_in_the_middle() {
        assert_eq!(median(vec![9.0, 1.0, 5.0]), Some(5.0));
        assert_eq!(median(vec![9.0, 1.0, 5.0, 6.0]), Some(5.5));
        assert_eq!(median(vec![]), None);
    }

    #[test]
    fn rounds_have_a_median_and_a_spread() {
        let rounds = [90.0, 110.0, 100.0].map(|per_second| Sample {
            per_second,
            cpu_us: (per_second > 95.0).then_some(per_second),
            errors: 2,
            ..Sample::default()
        });
        let rounds = Rounds(rounds.to_vec());
        assert_eq!(rounds.median(|sample| Some(sample.per_second)), Some(100.0));
        assert_eq!(rounds.median(|sample| sample.cpu_us), Some(105.0));
        assert_eq!(rounds.median(|sample| sample.statements), None);
        assert_eq!(rounds.spread_percent(), Some(20.0));
        assert_eq!(rounds.errors(), 6);
        assert_eq!(Rounds::default().spread_percent(), None);
    }
}
