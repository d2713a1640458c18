//! How many lines of the log one client may cause: a flood of requests is reported by a number, not by a line for each.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

use crate::client::Client;
use crate::limits::{LOG_CLIENTS_MAX, LOG_LINES_PER_SECOND, LOG_REFUSALS_PER_SECOND};
use crate::sync::lock;

/// What a share is counted over.
const PERIOD: Duration = Duration::from_secs(1);

/// The clients that have caused lines lately.
#[derive(Default)]
pub(crate) struct LogLimits(Mutex<HashMap<Client, Share>>);

struct Share {
    since: Instant,
    lines: u32,
    refusals: u32,
    left_out: u64,
}

impl LogLimits {
    /// Counts a line about a client's request, or about its refusal; says whether it may be written.
    pub(crate) fn admit(&self, client: Client, is_refusal: bool) -> bool {
        self.count(client, is_refusal).is_ok()
    }

    /// As [`Self::admit`], and how many of the client's lines were left out since this was asked last; `None` when this one is.
    pub(crate) fn admit_with_left_out(&self, client: Client, is_refusal: bool) -> Option<u64> {
        let mut shares = self.count(client, is_refusal).ok()?;
        let share = shares.get_mut(&client)?;
        Some(std::mem::take(&mut share.left_out))
    }

    fn count(
        &self,
        client: Client,
        is_refusal: bool,
    ) -> Result<MutexGuard<'_, HashMap<Client, Share>>, LeftOut> {
        let now = Instant::now();
        let mut shares = lock(&self.0);
        if shares.len() >= LOG_CLIENTS_MAX && !shares.contains_key(&client) {
            forget_idle(&mut shares, now);
        }
        if shares.len() >= LOG_CLIENTS_MAX && !shares.contains_key(&client) {
            // So many at once share what one may.
            return Err(LeftOut);
        }
        let share = shares.entry(client).or_insert(Share {
            since: now,
            lines: 0,
            refusals: 0,
            left_out: 0,
        });
        if now.duration_since(share.since) >= PERIOD {
            (share.since, share.lines, share.refusals) = (now, 0, 0);
        }
        share.lines += 1;
        share.refusals += u32::from(is_refusal);
        if share.lines > LOG_LINES_PER_SECOND
            || (is_refusal && share.refusals > LOG_REFUSALS_PER_SECOND)
        {
            share.left_out += 1;
            return Err(LeftOut);
        }
        Ok(shares)
    }
}

/// Forgets the clients that have caused nothing lately, and logs how many of their lines were left out.
fn forget_idle(shares: &mut HashMap<Client, Share>, now: Instant) {
    let mut left_out = 0;
    shares.retain(|_, share| {
        let is_fresh = now.duration_since(share.since) < PERIOD;
        if !is_fresh {
            left_out += share.left_out;
        }
        is_fresh
    });
    if left_out > 0 {
        tracing::info!(target: "request", left_out, "lines about requests of clients that are gone were left out");
    }
}

/// The line is not written.
struct LeftOut;

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;

    fn client(number: u32) -> Client {
        Client::from(IpAddr::from(number.to_be_bytes()))
    }

    #[test]
    fn a_client_has_so_many_lines_a_second_and_fewer_about_refusals() {
        let shares = LogLimits::default();
        for _ in 0..LOG_REFUSALS_PER_SECOND {
            assert!(shares.admit(client(1), true));
        }
        assert!(!shares.admit(client(1), true));
        assert!(shares.admit(client(2), true));
        assert!(shares.admit(client(1), false));
        assert_eq!(shares.admit_with_left_out(client(1), true), None);
        assert_eq!(shares.admit_with_left_out(client(1), false), Some(2));
        assert_eq!(shares.admit_with_left_out(client(1), false), Some(0));
        let written = (0..2 * LOG_LINES_PER_SECOND)
            .filter(|_| shares.admit(client(3), false))
            .count();
        // A second may pass meanwhile.
        assert!(written < 2 * LOG_LINES_PER_SECOND as usize);
    }

    #[test]
    fn so_many_clients_have_a_share_at_a_time() {
        let shares = LogLimits::default();
        for number in 0..LOG_CLIENTS_MAX {
            shares.admit(client(u32::try_from(number).unwrap()), false);
        }
        assert!(shares.0.lock().unwrap().len() <= LOG_CLIENTS_MAX);
        shares.admit(client(u32::MAX), false);
        assert!(shares.0.lock().unwrap().len() <= LOG_CLIENTS_MAX);
    }
}
