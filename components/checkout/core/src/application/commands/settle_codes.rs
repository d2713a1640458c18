use crate::application::Error;
use crate::application::locks;
use crate::application::ports::Ports;
use crate::domain::OrderId;
use crate::store::HoldState;

/// What becomes of the codes of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settlement {
    /// They are used for good.
    Commit,
    /// They are given back, also when they were committed: the order was cancelled.
    Release,
}

/// Settles the codes of an order.
#[derive(Debug, Clone, Copy)]
pub struct Command {
    /// The order.
    pub order: OrderId,
    /// What becomes of its codes.
    pub settlement: Settlement,
}

/// Settles the codes of an order. Called again it changes nothing. Codes that were given back are not held again, also when nothing was
/// held before: a late hold is refused.
///
/// # Errors
/// [`Error::CodesReleased`] for a commit after a release or without a hold, or a fault of the database.
pub fn handle<C>(ports: &Ports<C>, command: Command) -> Result<(), Error> {
    let Command { order, settlement } = command;
    let now = ports.now();
    ports.store.write(locks::order(order), |records| {
        let state = records.hold_state(order)?;
        match (settlement, state) {
            (Settlement::Commit, Some(HoldState::Committed))
            | (Settlement::Release, Some(HoldState::Released)) => Ok(()),
            (Settlement::Commit, Some(HoldState::Held)) => {
                records.save_hold_state(order, HoldState::Committed, now)
            }
            (Settlement::Commit, Some(HoldState::Released) | None) => Err(Error::CodesReleased),
            (Settlement::Release, _) => {
                records.give_codes_back(order)?;
                records.save_hold_state(order, HoldState::Released, now)
            }
        }
    })
}
