//! Days in the life of a shop: short ones in every run, long ones by `cargo xtask simulate`.

use std::env;
use std::io::{Write as _, stderr};

use mercato_reliability::Sabotage;
use mercato_reliability::simulation::{Outcome, Settings, simulate};
use mercato_tests::is_quick;

/// Where the tests begin to draw from.
const SEED: u64 = 20_260_301;
/// How many seeds are tried when nobody names one.
const SEEDS: u64 = 3;
/// How long each goes on when nobody asks for more.
const STEPS: u64 = 30_000;
/// The same for the application for hosted platforms: two days.
const STEPS_ON_EDGE: u64 = 10_000;
/// How long a shop that is broken may go on until it is noticed.
const BROKEN_STEPS: u64 = 2_000_000;

fn given(name: &str) -> Option<u64> {
    let given = env::var(name).ok().filter(|text| !text.is_empty());
    given.map(|text| text.parse().expect("a number"))
}

fn settings(seed: u64, steps: u64) -> Settings {
    Settings {
        seed,
        steps,
        sabotage: None,
        trace: None,
        is_watched: false,
        is_edge: false,
        is_slow: false,
    }
}

fn run(settings: &Settings) -> Outcome {
    let outcome = simulate(settings);
    let took_ms = u64::try_from(outcome.took.as_millis().max(1)).unwrap_or(u64::MAX);
    writeln!(
        stderr(),
        "seed {}: {} steps ({} a second), {} requests, {} orders, {} crashes, {} other troubles, {} violations; digest {:016x}",
        settings.seed,
        outcome.steps,
        outcome.steps * 1_000 / took_ms,
        outcome.requests,
        outcome.orders,
        outcome.crashes,
        outcome.troubles,
        outcome.violations.len(),
        outcome.digest,
    )
    .ok();
    outcome
}

#[test]
fn whatever_goes_wrong_everything_holds_in_the_evening() {
    if is_quick() {
        return;
    }
    let seed = given("MERCATO_SIMULATE_SEED");
    let seeds = seed.map_or(SEED..SEED + SEEDS, |seed| seed..seed + 1);
    for number in seeds {
        let settings = Settings {
            sabotage: Sabotage::named(&env::var("MERCATO_SIMULATE_BREAK").unwrap_or_default()),
            trace: env::var_os("MERCATO_SIMULATE_TRACE").map(Into::into),
            is_watched: seed.is_some(),
            is_edge: given("MERCATO_SIMULATE_EDGE") == Some(1),
            ..settings(number, given("MERCATO_SIMULATE_STEPS").unwrap_or(STEPS))
        };
        let outcome = run(&settings);
        check(&settings, &outcome);
    }
}

/// Nothing that must be true was not, and enough went wrong.
fn check(settings: &Settings, outcome: &Outcome) {
    let broken = settings.sabotage.map_or(String::new(), |sabotage| {
        format!(" --break {}", sabotage.name())
    });
    let edge = if settings.is_edge { " --edge" } else { "" };
    assert!(
        outcome.violations.is_empty(),
        "see it again with `cargo xtask simulate --seed {} --steps {}{edge}{broken}`:\n{}",
        settings.seed,
        settings.steps,
        outcome.violations.join("\n")
    );
    assert!(
        outcome.orders > 10 && outcome.crashes > 5 && outcome.troubles > 20,
        "something must go on, and go wrong: {} orders, {} crashes, {} troubles",
        outcome.orders,
        outcome.crashes,
        outcome.troubles
    );
}

/// Nothing runs there but by requests: what fails is left to the relay, which a cron calls.
#[test]
fn nor_does_it_matter_on_a_hosted_platform() {
    if is_quick() || given("MERCATO_SIMULATE_SEED").is_some() {
        return;
    }
    let edge = |seed, steps| Settings {
        is_edge: true,
        ..settings(seed, steps)
    };
    let settings = edge(SEED, STEPS_ON_EDGE);
    check(&settings, &run(&settings));
    // One day: the shop is open after fewer steps.
    let day = || run(&edge(SEED + 1, 2_000));
    let (first, again) = (day(), day());
    assert!(first.orders > 0, "a day has gone by");
    assert_eq!(
        first.digest, again.digest,
        "the same seed gives the same day"
    );
    // With seeds that find them soon.
    for (sabotage, seed) in [(Sabotage::Inbox, SEED), (Sabotage::Outbox, SEED + 1)] {
        let settings = Settings {
            sabotage: Some(sabotage),
            ..edge(seed, BROKEN_STEPS)
        };
        let found = run(&settings).violations;
        assert!(
            !found.is_empty(),
            "broken {} and not noticed",
            sabotage.name()
        );
    }
}

#[test]
fn the_same_seed_gives_the_same_days_however_slow_the_machine_is() {
    if is_quick() {
        return;
    }
    let digest = |seed, is_slow| {
        let settings = Settings {
            is_slow,
            ..settings(seed, 6_000)
        };
        run(&settings).digest
    };
    let first = digest(SEED, false);
    assert_eq!(first, digest(SEED, true), "real time matters");
    assert_ne!(first, digest(SEED + 1, false));
}

#[test]
fn a_shop_that_is_broken_on_purpose_is_found_out() {
    if is_quick() {
        return;
    }
    for sabotage in Sabotage::COMMON {
        let settings = Settings {
            sabotage: Some(sabotage),
            ..settings(SEED, BROKEN_STEPS)
        };
        let found = run(&settings).violations;
        writeln!(
            stderr(),
            "broken {}: {}",
            sabotage.name(),
            found.first().expect("something is noticed")
        )
        .ok();
    }
}
