//! Which access tokens were revoked, as `auth-api` tells: see docs/decisions/0035.
//!
//! The list is kept by the instance and asked for again, beginning where it ended, after [`CACHE_MS`]. While `auth-api` does
//! not answer, the list is good for [`STALE_MAX_MS`]; after that nobody can tell, and 503 is the answer.
//!
//! The list does not name sessions whose tokens have all expired, so whoever is held against it must not have expired
//! meanwhile: the clock is read again when the answer is there (docs/decisions/0055).

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use mercato_platform::clock::{Clock, SystemClock};
use mercato_platform::log;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Principal, Problem, guard, internal};

/// A list is not asked for again for so long, in milliseconds: the time within which a revocation is heeded.
const CACHE_MS: u64 = 3_000;

/// A list is good for so long when it cannot be asked for again, in milliseconds.
const STALE_MAX_MS: u64 = 30_000;

/// After an attempt that failed there is no other one for so long, in milliseconds.
const RETRY_MS: u64 = 1_000;

/// Parts of one list. `auth-api` keeps no more revocations than fit into them.
const PARTS_MAX: usize = 32;

/// The component that knows.
const AUTH_BOX: &str = "auth-api";

const MS_PER_SECOND: u64 = 1_000;

thread_local! {
    static KNOWN: Rc<RefCell<Known>> = Rc::new(RefCell::new(Known::new()));
}

/// A part of the list of revocations, as `auth-api` gives it under `/internal/revocations?after=NUMBER`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RevocationList {
    /// The number that it begins after; 0 when it is the beginning of all.
    pub after: u64,
    /// The number of its last revocation.
    pub sequence: u64,
    /// Whether there is another part.
    pub more: bool,
    /// Tokens that were made at or before this time are not valid, in seconds since the Unix epoch.
    pub floor: u64,
    /// Sessions whose tokens are not valid, with the time at which the last of these ends, in seconds since the Unix epoch.
    pub sessions: BTreeMap<String, u64>,
    /// Accounts whose tokens are valid only from a generation on: that, and the time at which the last earlier one ends, in
    /// seconds since the Unix epoch.
    pub accounts: BTreeMap<String, (u64, u64)>,
}

/// What this instance knows.
struct Known {
    sequence: u64,
    floor: u64,
    sessions: BTreeMap<String, u64>,
    accounts: BTreeMap<String, (u64, u64)>,
    /// When the list was as it is now, in milliseconds since the Unix epoch; none before the first answer.
    told_at: Option<u64>,
    /// When an attempt failed last, in milliseconds since the Unix epoch.
    failed_at: Option<u64>,
}

impl Known {
    const fn new() -> Self {
        Self {
            sequence: 0,
            floor: 0,
            sessions: BTreeMap::new(),
            accounts: BTreeMap::new(),
            told_at: None,
            failed_at: None,
        }
    }

    /// Whether the list is younger than that at `now`, both in milliseconds. A clock that was set back makes it old.
    fn is_younger(&self, age_ms: u64, now: u64) -> bool {
        is_within(self.told_at, age_ms, now)
    }

    /// Whether the list should be asked for at `now` (milliseconds since the Unix epoch).
    fn is_due(&self, now: u64) -> bool {
        !self.is_younger(CACHE_MS, now) && !is_within(self.failed_at, RETRY_MS, now)
    }

    /// Takes over the parts that were asked for at `asked_at` (milliseconds since the Unix epoch). Parts that do not follow
    /// what is known are of no use: another request of this instance has begun anew meanwhile.
    fn take(&mut self, parts: Vec<RevocationList>, asked_at: u64) {
        let Some(first) = parts.first() else { return };
        if first.after == 0 {
            *self = Self::new();
        } else if first.after > self.sequence {
            return;
        }
        for part in parts {
            self.sequence = self.sequence.max(part.sequence);
            self.floor = self.floor.max(part.floor);
            self.sessions.extend(part.sessions);
            for (id, (generation, end)) in part.accounts {
                // What another request of this instance has learnt meanwhile may be newer.
                let known = self.accounts.entry(id).or_default();
                *known = (known.0.max(generation), known.1.max(end));
            }
        }
        let now_seconds = asked_at / MS_PER_SECOND;
        self.sessions.retain(|_, end| *end > now_seconds);
        self.accounts.retain(|_, (_, end)| *end > now_seconds);
        self.told_at = Some(asked_at);
        self.failed_at = None;
    }

    fn is_revoked(&self, holder: &Principal) -> bool {
        let session = holder.session_id.as_deref();
        let account = self.accounts.get(&holder.user_id);
        holder.issued_at <= self.floor
            || session.is_some_and(|id| self.sessions.contains_key(id))
            || account.is_some_and(|(generation, _)| holder.generation < *generation)
    }
}

/// Whether a moment is less than so many milliseconds before `now`; one that lies ahead is not.
fn is_within(moment: Option<u64>, age_ms: u64, now: u64) -> bool {
    let age = moment.and_then(|moment| now.checked_sub(moment));
    age.is_some_and(|age| age < age_ms)
}

/// Goes on unless the holder's token was revoked more than [`CACHE_MS`] ago, or has expired.
///
/// # Errors
/// 401 for a token that was revoked or has expired, 503 when nobody can tell.
pub async fn check(holder: &Principal) -> Result<(), Problem> {
    let known = KNOWN.with(Rc::clone);
    check_in(&known, &SystemClock, holder, ask).await
}

/// As [`check`], with what is known, a clock, and what gives the list after a number.
async fn check_in(
    known: &RefCell<Known>,
    clock: &impl Clock,
    holder: &Principal,
    ask: impl AsyncFnOnce(u64) -> Option<Vec<RevocationList>>,
) -> Result<(), Problem> {
    let mut now = clock.now_ms();
    if known.borrow().is_due(now) {
        let after = known.borrow().sequence;
        let parts = ask(after).await;
        // Asking may have taken any time: a machine that slept meanwhile took hours.
        let asked_at = std::mem::replace(&mut now, clock.now_ms());
        let mut known = known.borrow_mut();
        match parts {
            Some(parts) => known.take(parts, asked_at),
            None => known.failed_at = Some(now),
        }
    }
    verdict(&known.borrow(), holder, now)
}

fn verdict(known: &Known, holder: &Principal, now: u64) -> Result<(), Problem> {
    if known.is_revoked(holder) {
        Err(Problem::unauthorized(
            Some("invalid_token"),
            "the session has ended: log in again",
        ))
    } else if holder.expires_at <= now / MS_PER_SECOND {
        // It was valid when it was verified; its revocation may have been forgotten since.
        Err(guard::expired_token())
    } else if known.is_younger(STALE_MAX_MS, now) {
        Ok(())
    } else {
        log::error("nobody can tell which sessions have ended", &[]);
        Err(Problem::unavailable(
            "sessions cannot be checked at the moment: try again",
        ))
    }
}

/// All parts of the list after that number; none when one of them cannot be had.
async fn ask(mut after: u64) -> Option<Vec<RevocationList>> {
    let mut parts: Vec<RevocationList> = Vec::new();
    for _ in 0..PARTS_MAX {
        let path = format!("/internal/revocations?after={after}");
        let body = internal::ask(AUTH_BOX, &path, None).await?;
        let part: RevocationList = serde_json::from_slice(&body)
            .inspect_err(|error| {
                let cause = error.to_string();
                log::error("revocations cannot be read", &[("cause", &cause)]);
            })
            .ok()?;
        // Another part must go on where the one before ended, else the list has begun anew in between.
        if part.after != after && !parts.is_empty() {
            return None;
        }
        let more = part.more;
        after = part.sequence;
        parts.push(part);
        if !more {
            return Some(parts);
        }
    }
    log::error("there are more revocations than can be read", &[]);
    None
}

#[cfg(test)]
mod tests {
    use mercato_testing::{TestClock, run};

    use super::*;
    use crate::Role;

    const NOW: u64 = 1_800_000_000_000;
    const NOW_SECONDS: u64 = NOW / 1_000;
    const USER: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

    fn holder(session: &str, generation: u64) -> Principal {
        Principal {
            user_id: USER.to_owned(),
            role: Role::Customer,
            session_id: Some(session.to_owned()),
            generation,
            issued_at: NOW_SECONDS - 10,
            expires_at: NOW_SECONDS + 890,
        }
    }

    fn part(after: u64, sequence: u64, sessions: &[(&str, u64)]) -> RevocationList {
        RevocationList {
            after,
            sequence,
            more: false,
            floor: 0,
            sessions: sessions
                .iter()
                .map(|(id, end)| ((*id).to_owned(), *end))
                .collect(),
            accounts: BTreeMap::new(),
        }
    }

    fn known(parts: Vec<RevocationList>) -> Known {
        let mut known = Known::new();
        known.take(parts, NOW);
        known
    }

    fn status(known: &Known, holder: &Principal, now: u64) -> Option<u16> {
        let verdict = verdict(known, holder, now);
        verdict.err().map(|problem| problem.status().as_u16())
    }

    /// The status of a check in which asking for the list, which gives `parts`, takes `took_ms`.
    fn checked(
        known: &RefCell<Known>,
        holder: &Principal,
        took_ms: u64,
        parts: Option<Vec<RevocationList>>,
    ) -> Option<u16> {
        let clock = TestClock::at(NOW);
        let ask = async |_| {
            clock.advance(took_ms);
            parts
        };
        let verdict = run(check_in(known, &clock, holder, ask));
        verdict.err().map(|problem| problem.status().as_u16())
    }

    #[test]
    fn a_token_that_expires_while_the_list_is_asked_for_is_refused() {
        let nothing = || Some(vec![part(0, 9, &[])]);
        let holder = holder("ended", 0);
        let valid_ms = (holder.expires_at - NOW_SECONDS) * MS_PER_SECOND;
        let ask = |took_ms| {
            let known = RefCell::new(Known::new());
            checked(&known, &holder, took_ms, nothing())
        };
        // Its session ended long ago, and the list does not say so any more.
        assert_eq!(ask(valid_ms + 60_000), Some(401));
        assert_eq!(ask(valid_ms), Some(401));
        assert_eq!(ask(STALE_MAX_MS), Some(503), "the list is old already");
        assert_eq!(ask(STALE_MAX_MS - 1), None);
    }

    #[test]
    fn a_list_that_cannot_be_had_is_as_old_as_it_is_after_asking() {
        let holder = holder("other", 0);
        let known = |age_ms| {
            let mut known = Known::new();
            known.take(vec![part(0, 1, &[])], NOW - age_ms);
            RefCell::new(known)
        };
        let old = known(STALE_MAX_MS - 1_000);
        assert_eq!(checked(&old, &holder, 999, None), None);
        assert_eq!(old.borrow().failed_at, Some(NOW + 999));
        let old = known(STALE_MAX_MS - 1_000);
        assert_eq!(checked(&old, &holder, 1_000, None), Some(503));
    }

    #[test]
    fn a_session_an_older_generation_and_an_older_token_are_revoked() {
        let end = NOW_SECONDS + 900;
        let sessions = known(vec![part(0, 1, &[("ended", end)])]);
        assert_eq!(status(&sessions, &holder("ended", 0), NOW), Some(401));
        assert_eq!(status(&sessions, &holder("other", 0), NOW), None);

        let mut list = part(0, 1, &[]);
        list.accounts.insert(USER.to_owned(), (2, end));
        let accounts = known(vec![list]);
        assert_eq!(status(&accounts, &holder("a", 1), NOW), Some(401));
        assert_eq!(status(&accounts, &holder("a", 2), NOW), None);
        let older = Principal {
            session_id: None,
            ..holder("a", 0)
        };
        assert_eq!(status(&accounts, &older, NOW), Some(401));

        let mut list = part(0, 0, &[]);
        list.floor = NOW_SECONDS - 10;
        assert_eq!(
            status(&known(vec![list.clone()]), &holder("a", 0), NOW),
            Some(401)
        );
        list.floor -= 1;
        assert_eq!(status(&known(vec![list]), &holder("a", 0), NOW), None);
    }

    #[test]
    fn a_list_is_asked_for_again_after_some_seconds() {
        let mut known = Known::new();
        assert!(known.is_due(NOW));
        known.take(vec![part(0, 0, &[])], NOW);
        assert!(!known.is_due(NOW + CACHE_MS - 1) && known.is_due(NOW + CACHE_MS));
        assert!(known.is_due(NOW - 1), "the clock was set back");
        known.failed_at = Some(NOW + CACHE_MS);
        assert!(!known.is_due(NOW + CACHE_MS + RETRY_MS - 1));
        assert!(known.is_due(NOW + CACHE_MS + RETRY_MS));
    }

    #[test]
    fn without_an_answer_the_list_is_good_for_half_a_minute() {
        let known = known(vec![part(0, 1, &[("ended", NOW_SECONDS + 900)])]);
        let late = NOW + STALE_MAX_MS;
        assert_eq!(status(&known, &holder("other", 0), late - 1), None);
        assert_eq!(status(&known, &holder("other", 0), late), Some(503));
        assert_eq!(status(&known, &holder("ended", 0), late), Some(401));
        let expired = Principal {
            expires_at: late / MS_PER_SECOND,
            ..holder("other", 0)
        };
        assert_eq!(status(&known, &expired, late), Some(401));
        assert_eq!(status(&Known::new(), &holder("other", 0), NOW), Some(503));
    }

    #[test]
    fn parts_are_added_and_a_new_beginning_replaces_everything() {
        let end = NOW_SECONDS + 900;
        let mut known = known(vec![part(0, 1, &[("a", end)]), part(1, 2, &[("b", end)])]);
        known.take(vec![part(2, 3, &[("c", end)])], NOW);
        assert_eq!((known.sequence, known.sessions.len()), (3, 3));
        known.take(vec![part(7, 8, &[("d", end)])], NOW + 1);
        assert_eq!((known.sequence, known.sessions.len()), (3, 3), "a gap");
        assert_eq!(known.told_at, Some(NOW));
        known.take(vec![part(0, 1, &[("e", end)])], NOW);
        assert_eq!((known.sequence, known.sessions.len()), (1, 1));
    }

    #[test]
    fn an_older_answer_that_comes_later_takes_nothing_back() {
        let end = NOW_SECONDS + 900;
        let of_account = |after, sequence, generation| {
            let mut part = part(after, sequence, &[]);
            let ends = end + generation;
            part.accounts.insert(USER.to_owned(), (generation, ends));
            part
        };
        let mut known = known(vec![part(0, 5, &[])]);
        // Both asked for what comes after 5, the second one later.
        known.take(vec![of_account(5, 7, 3)], NOW + 2);
        known.take(vec![of_account(5, 6, 2)], NOW + 1);
        assert_eq!(known.sequence, 7);
        assert_eq!(known.accounts[USER], (3, end + 3));
        assert_eq!(known.told_at, Some(NOW + 1));
    }

    #[test]
    fn what_no_token_can_belong_to_any_more_is_forgotten() {
        let mut known = known(vec![part(0, 1, &[("a", NOW_SECONDS + 900)])]);
        known.take(vec![part(1, 1, &[])], NOW + 899_000);
        assert_eq!(known.sessions.len(), 1);
        known.take(vec![part(1, 1, &[])], NOW + 900_000);
        assert!(known.sessions.is_empty());
    }
}
