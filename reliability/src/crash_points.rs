//! Crashes a scenario at every point there is.

use std::fmt;

use crate::client::{Memory, Story};
use crate::invariants;
use crate::plan::Side;
use crate::scenarios::{Scenario, opening};
use crate::world::{Snapshot, World};

/// Calls that a scenario may make at most: more would be an endless loop.
const POINTS_MAX: u64 = 5_000;

/// Where a shop crashed.
#[derive(Debug, Clone)]
pub struct Point {
    /// Number of the call, from 0.
    pub call: u64,
    /// On which side of it.
    pub side: Side,
    /// The call in words.
    pub reached: String,
}

impl fmt::Display for Point {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{} call {} ({})",
            self.side, self.call, self.reached
        )
    }
}

/// Something that was not true after a crash.
#[derive(Debug, Clone)]
pub struct Violation {
    /// The scenario.
    pub scenario: &'static str,
    /// Where the shop crashed.
    pub point: Point,
    /// What was not true.
    pub what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{}, crash {}: {}",
            self.scenario, self.point, self.what
        )
    }
}

/// What came of one scenario.
#[derive(Debug, Clone)]
pub struct Exploration {
    /// The scenario.
    pub scenario: &'static str,
    /// Calls it makes when nothing goes wrong.
    pub calls: u64,
    /// Points at which it was crashed.
    pub points: u64,
    /// What was not true after some of them.
    pub violations: Vec<Violation>,
}

/// Crashes a scenario before and after every `stride`-th of its calls, beginning with call `first`.
pub fn explore(scenario: &Scenario, first: u64, stride: u64) -> Exploration {
    let (snapshot, memory) = prepare(scenario);
    let calls = undisturbed(scenario, &snapshot, &memory);
    let mut exploration = Exploration {
        scenario: scenario.name,
        calls,
        points: 0,
        violations: Vec::new(),
    };
    // The number of calls may differ a little from run to run: what happens beside a request is not in step with it.
    for call in (first..POINTS_MAX).step_by(usize::try_from(stride.max(1)).unwrap_or(usize::MAX)) {
        let mut reached = false;
        for side in [Side::Before, Side::After] {
            if let Some((point, found)) = crash(scenario, &snapshot, &memory, call, side) {
                reached = true;
                exploration.points += 1;
                let violation = |what| Violation {
                    scenario: scenario.name,
                    point: point.clone(),
                    what,
                };
                exploration
                    .violations
                    .extend(found.into_iter().map(violation));
            }
        }
        if !reached && call >= calls {
            break;
        }
    }
    exploration
}

fn prepare(scenario: &Scenario) -> (Snapshot, Memory) {
    let world = World::new();
    let memory = {
        let mut story = Story::resume(&world, &Memory::default());
        opening(&mut story);
        (scenario.prepare)(&mut story);
        story.memory()
    };
    (world.into_snapshot(), memory)
}

/// Plays the scenario without a crash; gives the number of its calls.
///
/// # Panics
/// When something is not true even then.
fn undisturbed(scenario: &Scenario, snapshot: &Snapshot, memory: &Memory) -> u64 {
    let world = World::from_snapshot(snapshot);
    let mut story = Story::resume(&world, memory);
    world.plan.arm(None);
    (scenario.play)(&mut story);
    let calls = world.plan.calls();
    world.plan.disarm();
    let found = invariants::violations(&mut story);
    assert!(
        found.is_empty(),
        "{} without a crash: {}",
        scenario.name,
        found.join("\n")
    );
    calls
}

/// `None` when the scenario ended before it came to that call.
fn crash(
    scenario: &Scenario,
    snapshot: &Snapshot,
    memory: &Memory,
    call: u64,
    side: Side,
) -> Option<(Point, Vec<String>)> {
    let world = World::from_snapshot(snapshot);
    let mut story = Story::resume(&world, memory);
    world.plan.arm(Some((call, side)));
    (scenario.play)(&mut story);
    if world.plan.has_crashed() {
        world.recover();
    }
    let reached = world.plan.reached()?;
    world.plan.disarm();
    let found = invariants::violations(&mut story);
    Some((
        Point {
            call,
            side,
            reached,
        },
        found,
    ))
}
