//! Days in the life of a shop: short ones in every run, long ones by `cargo xtask simulate`.

use std::env;
use std::io::{Write as _, stderr};

use mercato_reliability::Sabotage;
use mercato_reliability::simulation::{Outcome, Settings, simulate};
use mercato_tests::is_quick;

/// What is drawn from when nobody asks for another seed.
const SEED: u64 = 20_260_301;
/// How long it goes on when nobody asks for more.
const STEPS: u64 = 20_000;

fn number(name: &str, default: u64) -> u64 {
    let given = env::var(name).ok().filter(|text| !text.is_empty());
    given.map_or(default, |text| text.parse().expect("a number"))
}

fn report(settings: &Settings, outcome: &Outcome) {
    let per_second =
        outcome.steps * 1_000 / u64::try_from(outcome.took.as_millis().max(1)).unwrap_or(1);
    writeln!(
        stderr(),
        "seed {}: {} steps ({per_second} a second), {} requests, {} orders, {} crashes, {} other troubles, {} violations; digest {:016x}",
        settings.seed,
        outcome.steps,
        outcome.requests,
        outcome.orders,
        outcome.crashes,
        outcome.troubles,
        outcome.violations.len(),
        outcome.digest,
    )
    .ok();
}

#[test]
fn whatever_goes_wrong_everything_holds_in_the_evening() {
    if is_quick() {
        return;
    }
    let sabotage = Sabotage::named(&env::var("MERCATO_SIMULATE_BREAK").unwrap_or_default());
    let settings = Settings {
        seed: number("MERCATO_SIMULATE_SEED", SEED),
        steps: number("MERCATO_SIMULATE_STEPS", STEPS),
        sabotage,
        trace: env::var_os("MERCATO_SIMULATE_TRACE").map(Into::into),
    };
    let outcome = simulate(&settings);
    report(&settings, &outcome);
    assert!(
        outcome.violations.is_empty(),
        "seed {}: {}",
        settings.seed,
        outcome.violations.join("\n")
    );
}
