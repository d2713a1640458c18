//! Every scenario, crashed at its points: at every one with `MERCATO_CRASH_STRIDE=1` (`cargo xtask crash-points`), at a
//! part of them otherwise.

use std::env;
use std::io::{Write as _, stderr};

use mercato_reliability::explore;
use mercato_reliability::scenarios::SCENARIOS;
use mercato_tests::is_quick;

/// Every which call of a scenario is crashed when nobody asks for more: together the scenarios still meet all of them.
const DEFAULT_STRIDE: u64 = 7;

#[test]
fn no_crash_at_any_point_breaks_what_must_be_true() {
    if is_quick() {
        return;
    }
    let stride = env::var("MERCATO_CRASH_STRIDE")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(DEFAULT_STRIDE);
    let only = env::var("MERCATO_CRASH_SCENARIO").unwrap_or_default();
    let (mut points, mut violations) = (0, Vec::new());
    for (index, scenario) in (0..)
        .zip(SCENARIOS)
        .filter(|(_, scenario)| scenario.name.contains(&only))
    {
        let exploration = explore(scenario, index % stride, stride);
        points += exploration.points;
        writeln!(
            stderr(),
            "{:36} {:4} calls {:4} crashes {:3} violations",
            exploration.scenario,
            exploration.calls,
            exploration.points,
            exploration.violations.len(),
        )
        .ok();
        violations.extend(exploration.violations);
    }
    let shown: Vec<String> = violations
        .iter()
        .take(20)
        .map(ToString::to_string)
        .collect();
    writeln!(
        stderr(),
        "{points} crashes, {} violations",
        violations.len()
    )
    .ok();
    assert!(violations.is_empty(), "{}", shown.join("\n"));
}
