//! What operators watch.

use mercato_platform::clock::Clock;

use crate::domain::OrderError;
use crate::ports::{Figures, OrderRepository, Ports};

/// The figures of now.
///
/// # Errors
/// When the orders database cannot be used.
pub fn handle(ports: &impl Ports) -> Result<Figures, OrderError> {
    let now = ports.clock().now_ms();
    ports.orders().read(|records| records.figures(now))
}
