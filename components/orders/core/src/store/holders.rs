//! What accounts and clients hold, and how fast they order. The triggers on `sagas` count.

use mercato_kernel::OrderId;
use mercato_sql::{Row, params};

use super::{Records, key};
use crate::domain::{Holder, Holding, OrderError};

pub(super) const HOLDINGS: &str = "
SELECT holder, open_orders, held_units, minute_began_at, minute_orders, day_began_at, day_orders
FROM holders
WHERE holder IN (?, ?)";

pub(super) const HELD_UNITS: &str = "
SELECT units
FROM sagas
WHERE order_id = ? AND step IN ('new', 'reserved', 'ready', 'closing')";

impl Records<'_> {
    /// What two holders hold and have done of late.
    pub fn holdings(&self, holders: [Option<&Holder>; 2]) -> Result<[Holding; 2], OrderError> {
        let [one, other] = holders.map(|holder| holder.map(Holder::as_str));
        let rows = self.0.query(HOLDINGS, params![one, other])?;
        let mut holdings = [Holding::default(), Holding::default()];
        for row in &rows {
            let holder: String = row.get("holder")?;
            for (holding, name) in holdings.iter_mut().zip([one, other]) {
                if name == Some(&*holder) {
                    *holding = holding_of(row)?;
                }
            }
        }
        Ok(holdings)
    }

    /// Units that an order holds unpaid; none once it has ended.
    pub fn held_units(&self, id: OrderId) -> Result<Option<u64>, OrderError> {
        let row = self.0.query_one(HELD_UNITS, params![key(id)])?;
        Ok(row.map(|row| row.get("units")).transpose()?)
    }
}

fn holding_of(row: &Row) -> Result<Holding, OrderError> {
    Ok(Holding {
        open_orders: row.get("open_orders")?,
        held_units: row.get("held_units")?,
        minute_began_at: row.get("minute_began_at")?,
        minute_orders: row.get("minute_orders")?,
        day_began_at: row.get("day_began_at")?,
        day_orders: row.get("day_orders")?,
    })
}
