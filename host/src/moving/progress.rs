//! What is said while a shop is moved.

use std::time::Instant;

use crate::limits::MOVE_PROGRESS_TIME;

/// Says what is done; of work that takes long, how far it is.
pub(super) struct Progress<'a> {
    print: &'a dyn Fn(&str),
    last: Instant,
}

impl<'a> Progress<'a> {
    pub(super) fn new(print: &'a dyn Fn(&str)) -> Self {
        Self {
            print,
            last: Instant::now(),
        }
    }

    /// Says a line.
    pub(super) fn say(&mut self, line: &str) {
        (self.print)(line);
        self.last = Instant::now();
    }

    /// Says how many of so many are done, if nothing was said for a while.
    pub(super) fn reached(&mut self, what: &str, done: u64, all: u64) {
        if self.last.elapsed() >= MOVE_PROGRESS_TIME {
            self.say(&format!("{what}: {done} of {all} rows"));
        }
    }
}
