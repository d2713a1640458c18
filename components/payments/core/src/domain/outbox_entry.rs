use std::ops::Deref;

use mercato_kernel::BackOff;

use super::PaymentEvent;

/// An event whose handling has failed so often is parked.
pub const FAILURES_MAX: u32 = 8;

/// Nothing is put off for longer than this, in milliseconds. What seems to be is due: the clock was set back.
pub const PAUSE_LONGEST_MS: u64 = 5 * 60 * 1_000;

/// When an event is published again, and a provider is asked again for a refund or for the end of a session.
pub const BACK_OFF: BackOff = BackOff {
    first_ms: 5_000,
    longest_ms: PAUSE_LONGEST_MS,
};

/// An event on its way, not acknowledged yet, to be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboxEntryView {
    /// Its place in the outbox: later entries have larger numbers.
    pub sequence: u64,
    /// What happened.
    pub event: PaymentEvent,
    /// How often it was published.
    pub attempts: u32,
    /// How often its handling failed.
    pub failures: u32,
    /// Given up until an admin retries it.
    pub parked: bool,
    /// When it is published next, in milliseconds since the Unix epoch.
    pub next_attempt_at: u64,
    /// Why publishing or handling failed last.
    pub last_error: Option<String>,
}

/// An event on its way, not acknowledged yet: anybody may read how it stands, and only its methods change that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboxEntry {
    view: OutboxEntryView,
}

impl Deref for OutboxEntry {
    type Target = OutboxEntryView;

    fn deref(&self) -> &OutboxEntryView {
        &self.view
    }
}

impl From<OutboxEntry> for OutboxEntryView {
    fn from(entry: OutboxEntry) -> Self {
        entry.view
    }
}

impl OutboxEntry {
    /// The entry as the store has it.
    pub(crate) const fn restore(view: OutboxEntryView) -> Self {
        Self { view }
    }

    /// Nobody else publishes it until then, in milliseconds since the Unix epoch.
    pub fn lease(&mut self, until: u64) {
        self.view.next_attempt_at = until;
    }

    /// It was published: the back-off begins before it is published again, unless its handling has failed since it was
    /// `before`.
    pub fn published(&mut self, before: &Self, now: u64) {
        self.view.attempts = self.attempts.saturating_add(1);
        if self.failures == before.failures {
            self.view.next_attempt_at = now.saturating_add(BACK_OFF.pause_ms(before.attempts));
        }
    }

    /// It could not be published, and will be tried again then.
    pub fn not_published(&mut self, cause: &str, next_attempt_at: u64) {
        self.view.next_attempt_at = next_attempt_at;
        self.view.last_error = Some(format!("not published: {cause}"));
    }

    /// It counts as published since it was appended, but could not be, and will be tried again then.
    pub fn not_published_at_once(&mut self, cause: &str, next_attempt_at: u64) {
        self.view.attempts = self.attempts.saturating_sub(1);
        self.not_published(cause, next_attempt_at);
    }

    /// Its lease ends and nothing was tried: it is due as it was `before`.
    pub fn release(&mut self, before: &Self) {
        self.view.next_attempt_at = before.next_attempt_at;
    }

    /// It could not be applied. True when that was once too often, and it is parked now.
    pub fn handling_failed(&mut self, error: String, now: u64) -> bool {
        self.view.next_attempt_at = now.saturating_add(BACK_OFF.pause_ms(self.failures));
        self.view.failures = self.failures.saturating_add(1);
        self.view.last_error = Some(error);
        let is_too_often = self.failures >= FAILURES_MAX && !self.parked;
        self.view.parked |= is_too_often;
        is_too_often
    }

    /// As if it were new: its failures and attempts are forgotten and it is due at once. Why it failed last stays.
    pub fn retry(&mut self, now: u64) {
        self.view.parked = false;
        self.view.failures = 0;
        self.view.attempts = 0;
        self.view.next_attempt_at = now;
    }
}
