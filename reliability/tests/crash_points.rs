//! Every scenario, crashed at its points: at every one with `MERCATO_CRASH_STRIDE=1` (`cargo xtask crash-points`), at a
//! part of them otherwise. And shops that are broken on purpose, to see that it shows.

use std::collections::BTreeMap;
use std::env;
use std::io::{Write as _, stderr};

use mercato::CallKind;
use mercato_reliability::scenarios::SCENARIOS;
use mercato_reliability::{Choice, Exploration, Sabotage, Scenario, Storage, explore};
use mercato_tests::is_quick;

/// Every which call of a scenario is crashed when nobody asks for more: together the scenarios still meet all of them.
const DEFAULT_STRIDE: u64 = 19;

/// The same on PostgreSQL.
const STRIDE_ON_POSTGRES: u64 = 41;

/// Which scenarios a test plays: every so many-th, from that one on.
#[derive(Clone, Copy)]
struct Part {
    first: usize,
    every: usize,
}

const ALL: Part = Part { first: 0, every: 1 };

/// Two tests of one program run at the same time.
const HALVES: [Part; 2] = [Part { first: 0, every: 2 }, Part { first: 1, every: 2 }];

const PART_ON_POSTGRES: Part = Part { first: 0, every: 7 };

/// The scenarios of the edge application that are crashed in every run of the tests.
const PART_ON_EDGE: Part = Part {
    first: 3,
    every: 34,
};

#[test]
fn no_crash_at_any_point_breaks_what_must_be_true() {
    if is_quick() {
        return;
    }
    let storage = Storage::named(&env::var("MERCATO_CRASH_STORAGE").unwrap_or_default());
    let part = if is_asked() { ALL } else { HALVES[0] };
    crash_at_every(DEFAULT_STRIDE, storage, part);
}

#[test]
fn nor_in_the_other_half_of_the_scenarios() {
    if is_quick() || is_asked() {
        return;
    }
    crash_at_every(DEFAULT_STRIDE, Storage::Sqlite, HALVES[1]);
}

/// Whether the environment says what to crash.
fn is_asked() -> bool {
    env::vars().any(|(name, _)| name.starts_with("MERCATO_CRASH_"))
}

/// The statements are the same, so a few of the points show that the transactions are, too.
#[test]
fn nor_on_postgres() {
    if is_quick() || is_asked() || !Storage::Postgres.is_there() {
        return;
    }
    crash_at_every(STRIDE_ON_POSTGRES, Storage::Postgres, PART_ON_POSTGRES);
}

/// Nor where events go to orders by a request, and nothing runs but by requests.
#[test]
fn nor_on_a_hosted_platform() {
    if is_quick() || is_asked() || !Storage::Edge.is_there() {
        return;
    }
    crash_at_every(STRIDE_ON_POSTGRES, Storage::Edge, PART_ON_EDGE);
}

/// Crashes at a part of the points, unless the environment says which.
fn crash_at_every(stride: u64, storage: Storage, part: Part) {
    let stride = env::var("MERCATO_CRASH_STRIDE")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(stride);
    let only = env::var("MERCATO_CRASH_SCENARIO").unwrap_or_default();
    let sabotage = Sabotage::named(&env::var("MERCATO_CRASH_BREAK").unwrap_or_default());
    let mut explorations = Vec::new();
    for (index, scenario) in (0..)
        .zip(SCENARIOS)
        .filter(|(_, scenario)| scenario.name.contains(&only))
        .skip(part.first)
        .step_by(part.every)
    {
        let exploration = explore(
            scenario,
            Choice {
                first: index % stride,
                stride,
                sabotage,
                is_enough_at_first: false,
                storage,
            },
        );
        report(&exploration);
        explorations.push(exploration);
    }
    let violations: Vec<String> = explorations
        .iter()
        .flat_map(|exploration| &exploration.violations)
        .map(ToString::to_string)
        .collect();
    summarize(&explorations, violations.len());
    let shown = violations
        .get(..violations.len().min(20))
        .unwrap_or_default();
    assert!(violations.is_empty(), "{}", shown.join("\n"));
}

/// One line for a scenario.
fn report(exploration: &Exploration) {
    writeln!(
        stderr(),
        "{:36} {:4} calls {:4} crashes {:3} violations",
        exploration.scenario,
        exploration.calls.len(),
        exploration.points.values().sum::<u64>(),
        exploration.violations.len(),
    )
    .ok();
}

/// Scenarios, points by kind of call, violations.
fn summarize(explorations: &[Exploration], violations: usize) {
    let mut points: BTreeMap<CallKind, u64> = BTreeMap::new();
    for (kind, count) in explorations
        .iter()
        .flat_map(|exploration| &exploration.points)
    {
        *points.entry(*kind).or_default() += count;
    }
    let kinds: Vec<String> = points
        .iter()
        .map(|(kind, count)| format!("{count} at {}", name(*kind)))
        .collect();
    writeln!(
        stderr(),
        "{} scenarios, {} crashes ({}), {violations} violations",
        explorations.len(),
        points.values().sum::<u64>(),
        kinds.join(", "),
    )
    .ok();
}

fn name(kind: CallKind) -> &'static str {
    match kind {
        CallKind::Sqlite => "statements",
        CallKind::Publish => "publications",
        CallKind::Http => "requests to the provider",
        CallKind::Clock => "looks at the clock",
        CallKind::Sleep => "pauses",
        CallKind::Respond => "answers",
    }
}

/// The scenario in which each broken shop must show.
const BROKEN: [(Sabotage, &str); 15] = [
    (Sabotage::Inbox, "pay"),
    (Sabotage::Outbox, "pay"),
    (Sabotage::Reservation, "order of three lines"),
    (Sabotage::IdempotencyKey, "order of three lines"),
    (Sabotage::Release, "cancel"),
    (Sabotage::Retention, "remove old orders"),
    (Sabotage::Revocation, "log out"),
    (Sabotage::RefundFailure, "part refund fails, with Stripe"),
    (Sabotage::Processing, "pay by debit, with Stripe"),
    (Sabotage::DuplicateCharge, "pay twice, with Stripe"),
    (Sabotage::Dispute, "dispute, with Stripe"),
    (Sabotage::Quote, "order a checkout"),
    (Sabotage::CodeLimit, "order a checkout"),
    (Sabotage::AddressBook, "replace the address book"),
    (Sabotage::StockItem, "order and pay variants of one stock"),
];

#[test]
fn a_shop_that_is_broken_on_purpose_is_found_out() {
    if is_quick() {
        return;
    }
    find_out(&BROKEN, Storage::Sqlite);
}

/// What must not fall apart there either.
#[test]
fn nor_does_it_go_unnoticed_on_postgres() {
    if is_quick() || !Storage::Postgres.is_there() {
        return;
    }
    let [_, outbox, reservation, ..] = BROKEN;
    let broken = [outbox, reservation];
    find_out(&broken, Storage::Postgres);
}

fn find_out(broken: &[(Sabotage, &str)], storage: Storage) {
    for &(sabotage, name) in broken {
        let scenario: &Scenario = SCENARIOS
            .iter()
            .find(|scenario| scenario.name == name)
            .expect("a scenario");
        let mut choice = Choice {
            first: u64::MAX,
            stride: 1,
            sabotage: Some(sabotage),
            is_enough_at_first: true,
            storage,
        };
        let calls = explore(scenario, choice).calls;
        let broken = calls
            .iter()
            .position(|call| call.contains(sabotage.statement()))
            .expect("a statement that is broken");
        choice.first = u64::try_from(broken).expect("not that many") + 1;
        let exploration = explore(scenario, choice);
        let found = exploration.violations.first();
        writeln!(
            stderr(),
            "broken {}: {}",
            sabotage.name(),
            found.expect("it is noticed at one of its calls")
        )
        .ok();
    }
}
