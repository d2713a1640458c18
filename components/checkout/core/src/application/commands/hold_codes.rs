use crate::application::Error;
use crate::application::locks;
use crate::application::ports::Ports;
use crate::domain::{AccountId, CheckoutId, CodeName, Email, OrderId};
use crate::store::{Customer, HoldState};

/// Holds a use of codes for an order.
#[derive(Debug, Clone)]
pub struct Command {
    /// The order.
    pub order: OrderId,
    /// The checkout that is ordered, for which its uses stay free while they are held.
    pub checkout: CheckoutId,
    /// The codes that take something off it.
    pub codes: Vec<CodeName>,
    /// The account that orders, if any.
    pub account: Option<AccountId>,
    /// The address of who orders.
    pub email: Option<Email>,
}

/// Holds a use of all codes for an order, or of none. Called again for the same order it changes nothing.
///
/// # Errors
/// [`Error::CodesUsedUp`] with those that cannot be used any more, [`Error::CodesReleased`] when the order has given its codes back, or a
/// fault of the database.
pub fn handle<C>(ports: &Ports<C>, command: &Command) -> Result<(), Error> {
    let now = ports.now();
    let customer = Customer::new(command.account, command.email.as_ref());
    ports.store.write(
        locks::order(command.order).and(locks::codes(&command.codes)),
        |records| {
            match records.hold_state(command.order)? {
                Some(HoldState::Held | HoldState::Committed) => return Ok(()),
                Some(HoldState::Released) => return Err(Error::CodesReleased),
                None => {}
            }
            let mut used_up = Vec::new();
            for name in &command.codes {
                let code = records.code(name)?;
                let by_customer = records.uses_by(name, &customer, None)?;
                if code.is_none_or(|code| code.problem(by_customer, now).is_some()) {
                    used_up.push(name.clone());
                }
            }
            if !used_up.is_empty() {
                return Err(Error::CodesUsedUp(used_up));
            }
            records.add_hold(command.order, command.checkout, now)?;
            records.use_codes(command.order, &command.codes, &customer)
        },
    )
}
