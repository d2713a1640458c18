//! What accounts and clients hold, and how fast they order. The triggers on `sagas` count.

use mercato_kernel::OrderId;
use mercato_sqlite::params;

use super::{Records, key};
use crate::domain::{Holder, Holding, OrderError};

pub(super) const HOLDING: &str = "
SELECT open_orders, held_units, minute_began_at, minute_orders, day_began_at, day_orders
FROM holders
WHERE holder = ?";

pub(super) const HELD_UNITS: &str = "
SELECT units
FROM sagas
WHERE order_id = ? AND step IN ('new', 'reserved', 'ready', 'closing')";

impl Records<'_> {
    /// What a holder holds and has done of late.
    pub fn holding(&self, holder: &Holder) -> Result<Holding, OrderError> {
        let Some(row) = self.0.query_one(HOLDING, params![holder.as_str()])? else {
            return Ok(Holding::default());
        };
        Ok(Holding {
            open_orders: row.get("open_orders")?,
            held_units: row.get("held_units")?,
            minute_began_at: row.get("minute_began_at")?,
            minute_orders: row.get("minute_orders")?,
            day_began_at: row.get("day_began_at")?,
            day_orders: row.get("day_orders")?,
        })
    }

    /// Units that an order holds unpaid; none once it has ended.
    pub fn held_units(&self, id: OrderId) -> Result<Option<u64>, OrderError> {
        let row = self.0.query_one(HELD_UNITS, params![key(id)])?;
        Ok(row.map(|row| row.get("units")).transpose()?)
    }
}
