//! The store of the product on a real SQLite in memory, with faults around it.

use std::cell::Cell;
use std::rc::Rc;

use mercato_sql::Database;
use mercato_testing::Faults;

use crate::application::locks::Locks;
use crate::domain::OrderError;
use crate::ports::Store;
use crate::store::Records;

/// The store of the product, with faults around it.
pub struct TestStore {
    pub database: Database,
    pub faults: Rc<Faults>,
    pub down: Cell<bool>,
}

impl Store for TestStore {
    fn read<T>(
        &self,
        work: impl FnOnce(&Records<'_>) -> Result<T, OrderError>,
    ) -> Result<T, OrderError> {
        if self.down.get() {
            return Err(OrderError::Unavailable);
        }
        self.faults.around(|| Store::read(&self.database, work))
    }

    fn write<T>(
        &self,
        locks: Locks,
        work: impl Fn(&Records<'_>) -> Result<T, OrderError>,
    ) -> Result<T, OrderError> {
        if self.down.get() {
            return Err(OrderError::Unavailable);
        }
        self.faults
            .around(|| Store::write(&self.database, locks, work))
    }

    fn write_if_free<T>(
        &self,
        locks: Locks,
        work: impl Fn(&Records<'_>) -> Result<T, OrderError>,
    ) -> Result<Option<T>, OrderError> {
        self.write(locks, work).map(Some)
    }
}
