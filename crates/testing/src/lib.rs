//! What the tests of several contexts share: a clock that stands still, ids in a row, crashes at a chosen call, and tasks that
//! take turns. Only ever a dev-dependency.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "only tests link this crate"
)]

mod clock;
mod faults;
mod ids;
mod tasks;
mod turns;

pub use clock::TestClock;
pub use faults::{Faults, SIDES, Side};
pub use ids::CountingIds;
pub use tasks::{Task, pause, run, started, take_turns};
pub use turns::{Turns, in_every_order};
