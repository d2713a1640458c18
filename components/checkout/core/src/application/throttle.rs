//! Codes are counted before anybody learns what they are worth: guesses at the same time cannot slip through together.

use super::Error;
use super::ports::Ports;
use crate::application::locks;
use crate::domain::{
    Client, CodeName, Counter, CounterKey, OPENED_CHECKOUTS_MAX, UNKNOWN_CODES_MAX,
};
use crate::store::Records;

impl<C> Ports<C> {
    /// Counts those of the codes that do not exist, or refuses all of them.
    ///
    /// # Errors
    /// [`Error::TooManyAttempts`], or a fault of the database.
    pub(super) fn count_guesses(
        &self,
        codes: &[CodeName],
        client: Option<&Client>,
    ) -> Result<(), Error> {
        if codes.is_empty() {
            return Ok(());
        }
        let (key, now) = (CounterKey::unknown_codes(client), self.now());
        self.store.write(locks::counter(&key), |records| {
            let mut counter = unblocked(records, &key, now)?;
            let before = counter;
            for code in codes {
                if records.code(code)?.is_none() {
                    counter = counter.with_one_more(UNKNOWN_CODES_MAX, now);
                }
            }
            if counter != before {
                records.save_counter(&key, &counter)?;
            }
            Ok(())
        })
    }

    /// Counts codes that a guest finds used up by an address that they gave: else anybody could ask who has bought here. Who has found too
    /// many learns nothing more, of any address.
    ///
    /// # Errors
    /// [`Error::TooManyAttempts`], or a fault of the database.
    pub(super) fn count_probes(&self, found: usize, client: Option<&Client>) -> Result<(), Error> {
        let (key, now) = (CounterKey::unknown_codes(client), self.now());
        self.store.write(locks::counter(&key), |records| {
            let counter = unblocked(records, &key, now)?;
            if found == 0 {
                return Ok(());
            }
            let one_more = |counter: Counter, _| counter.with_one_more(UNKNOWN_CODES_MAX, now);
            let counter = (0..found).fold(counter, one_more);
            records.save_counter(&key, &counter)
        })
    }

    /// Counts a checkout that a known client opens, or refuses it.
    ///
    /// # Errors
    /// [`Error::TooManyAttempts`], or a fault of the database.
    pub(super) fn count_opening(
        &self,
        records: &Records<'_>,
        client: Option<&Client>,
        now: u64,
    ) -> Result<(), Error> {
        let Some(client) = client else { return Ok(()) };
        let key = CounterKey::opened_checkouts(client);
        let counter = unblocked(records, &key, now)?;
        let counter = counter.with_one_more(OPENED_CHECKOUTS_MAX, now);
        records.save_counter(&key, &counter)
    }
}

fn unblocked(records: &Records<'_>, key: &CounterKey, now: u64) -> Result<Counter, Error> {
    let counter = records.counter(key)?;
    match counter.wait_seconds(now) {
        Some(seconds) => Err(Error::TooManyAttempts(seconds)),
        None => Ok(counter),
    }
}
