//! Crashes a scenario at every point there is.

use std::collections::BTreeMap;
use std::fmt;

use mercato::CallKind;

use crate::client::{Memory, Story};
use crate::invariants;
use crate::plan::Side;
use crate::sabotage::Sabotage;
use crate::scenarios::{Scenario, opening};
use crate::store::Storage;
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
    /// What kind of call it is.
    pub kind: CallKind,
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
    /// Calls it makes when nothing goes wrong, in words.
    pub calls: Vec<String>,
    /// Points at which it was crashed, by kind of call.
    pub points: BTreeMap<CallKind, u64>,
    /// What was not true after some of them.
    pub violations: Vec<Violation>,
}

/// Which crashes of a scenario are tried.
#[derive(Debug, Clone, Copy)]
pub struct Choice {
    /// The first call.
    pub first: u64,
    /// From one call to the next.
    pub stride: u64,
    /// What is broken on purpose while it is played.
    pub sabotage: Option<Sabotage>,
    /// Whether the first violation is enough.
    pub is_enough_at_first: bool,
    /// Where the shop keeps its data.
    pub storage: Storage,
}

/// Crashes a scenario before and after the chosen ones of its calls. A clock that was read makes no difference to anybody,
/// so there the shop crashes only once.
pub fn explore(scenario: &Scenario, choice: Choice) -> Exploration {
    let stride = usize::try_from(choice.stride.max(1)).unwrap_or(usize::MAX);
    let stage = Stage::prepare(scenario, choice.storage);
    let calls = stage.undisturbed();
    let last = u64::try_from(calls.len()).unwrap_or(u64::MAX);
    let mut exploration = Exploration {
        scenario: scenario.name,
        calls,
        points: BTreeMap::new(),
        violations: Vec::new(),
    };
    // The number of calls may differ a little from run to run: what happens beside a request is not in step with it.
    for call in (choice.first..POINTS_MAX).step_by(stride) {
        let mut reached = false;
        for side in [Side::Before, Side::After] {
            let crashed = stage.crash(call, side, choice.sabotage);
            if let Some((point, found)) = crashed {
                reached = true;
                *exploration.points.entry(point.kind).or_default() += 1;
                let violation = |what| Violation {
                    scenario: scenario.name,
                    point: point.clone(),
                    what,
                };
                exploration
                    .violations
                    .extend(found.into_iter().map(violation));
                if point.kind == CallKind::Clock {
                    break;
                }
            }
        }
        let is_enough = choice.is_enough_at_first && !exploration.violations.is_empty();
        if is_enough || (!reached && call >= last) {
            break;
        }
    }
    exploration
}

/// A scenario that is ready to be played, again and again.
struct Stage<'s> {
    scenario: &'s Scenario,
    world: World,
    beginning: Snapshot,
    memory: Memory,
}

impl<'s> Stage<'s> {
    fn prepare(scenario: &'s Scenario, storage: Storage) -> Self {
        let world = World::new(scenario.provider, storage);
        let mut story = Story::resume(&world, &Memory::default());
        opening(&mut story);
        (scenario.prepare)(&mut story);
        let memory = story.memory();
        let beginning = world.snapshot();
        Self {
            scenario,
            world,
            beginning,
            memory,
        }
    }

    /// Plays the scenario without a crash; gives its calls.
    ///
    /// # Panics
    /// When something is not true even then.
    fn undisturbed(&self) -> Vec<String> {
        let world = &self.world;
        world.rewind(&self.beginning, None);
        let mut story = Story::resume(world, &self.memory);
        world.plan.arm(None);
        (self.scenario.play)(&mut story);
        world.wait_until_idle();
        let calls = world.plan.calls();
        world.plan.disarm();
        let found = invariants::violations(&mut story);
        assert!(
            found.is_empty(),
            "{} without a crash: {}",
            self.scenario.name,
            found.join("\n")
        );
        calls
    }

    /// `None` when the scenario ended before it came to that call.
    fn crash(
        &self,
        call: u64,
        side: Side,
        sabotage: Option<Sabotage>,
    ) -> Option<(Point, Vec<String>)> {
        let world = &self.world;
        world.rewind(&self.beginning, sabotage);
        let mut story = Story::resume(world, &self.memory);
        world.plan.arm(Some((call, side)));
        (self.scenario.play)(&mut story);
        world.wait_until_idle();
        if world.plan.has_crashed() {
            world.recover();
        }
        let (kind, reached) = world.plan.reached()?;
        world.plan.disarm();
        let found = invariants::violations(&mut story);
        Some((
            Point {
                call,
                side,
                kind,
                reached,
            },
            found,
        ))
    }
}
