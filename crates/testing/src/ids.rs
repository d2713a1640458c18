use std::cell::Cell;
use std::rc::Rc;

use mercato_platform::clock::Clock as _;
use mercato_platform::ids::Ids;

use crate::TestClock;

/// Ids in a row, of the time that it is. All clones count together.
#[derive(Debug, Clone, Default)]
pub struct CountingIds {
    clock: TestClock,
    count: Rc<Cell<u64>>,
}

impl CountingIds {
    /// Ids of the time of that clock.
    #[must_use]
    pub fn new(clock: &TestClock) -> Self {
        Self {
            clock: clock.clone(),
            count: Rc::default(),
        }
    }

    /// The id that is made next, unless time goes by.
    #[must_use]
    pub fn upcoming(&self) -> String {
        let (now, number) = (self.clock.now_ms(), self.count.get() + 1);
        let (high, low) = (now >> 16, now & 0xffff);
        format!("{high:08x}-{low:04x}-7000-8000-{number:012x}")
    }
}

impl Ids for CountingIds {
    fn new_id(&self) -> String {
        let id = self.upcoming();
        self.count.set(self.count.get() + 1);
        id
    }
}
