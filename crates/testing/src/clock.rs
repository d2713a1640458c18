use std::cell::Cell;
use std::rc::Rc;

use mercato_platform::clock::Clock;

/// A clock that only tests move. All its clones show the same time.
#[derive(Debug, Clone, Default)]
pub struct TestClock(Rc<Cell<u64>>);

impl TestClock {
    /// It is that time, in milliseconds since the Unix epoch.
    #[must_use]
    pub fn at(ms: u64) -> Self {
        Self(Rc::new(Cell::new(ms)))
    }

    /// So many milliseconds go by.
    pub fn advance(&self, ms: u64) {
        self.0.set(self.0.get() + ms);
    }

    /// The clock is set back by so many milliseconds.
    pub fn set_back(&self, ms: u64) {
        self.0.set(self.0.get() - ms);
    }
}

impl Clock for TestClock {
    fn now_ms(&self) -> u64 {
        self.0.get()
    }
}
