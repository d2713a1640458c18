//! Proof that nothing is lost and nothing happens twice (`docs/decisions`, and the invariants in [`invariants`]).
//!
//! A [`World`] is a shop that runs in this process, on a clock that moves only when it is read or advanced. Its plan
//! counts every call that the shop's components make to the outside: each statement on a database, publication, request to the
//! provider, look at the clock, pause and answer. At one of them the shop can be made to crash, just before the call or
//! just after it, as `kill -9` would: what was committed stays, nothing that comes after it happens. A [`Scenario`] is what
//! clients do; they retry as sensible clients do, and note what they were answered. [`explore`] runs a scenario with a
//! crash at every point there is and checks, each time, after a restart, that everything is true that must be.
//!
//! [`simulation`] lets many clients live with a shop in which everything goes wrong, in an order drawn from a seed.
//! A [`Sabotage`] breaks the shop on purpose, to see that both notice.

pub mod client;
pub mod crash_points;
pub mod invariants;
pub mod plan;
pub mod sabotage;
pub mod scenarios;
pub mod simulation;
pub mod store;
pub mod world;

pub use crash_points::{Choice, Exploration, Point, Violation, explore};
pub use sabotage::Sabotage;
pub use scenarios::Scenario;
pub use store::Storage;
pub use world::World;
