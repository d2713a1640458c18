//! Turns in hashing passwords, kept in the database: they hold over all instances and processes.

use std::time::Duration;

use mercato_platform::log;

use super::Error;
use super::ports::Ports;
use crate::application::locks;
use crate::domain::{Applicant, Client, CounterKey, Decision, Lane, Line, Place, Turn, average_ms};
use crate::store::Records;

/// The right to hash one request's passwords. It must be given back, and goes by itself in the end.
#[derive(Debug)]
#[must_use = "a slot that is not given back keeps others waiting"]
pub(super) struct Slot {
    /// None where hashing has no limit.
    id: Option<u64>,
    since: u64,
}

/// What an applicant has got.
pub(super) enum Claim {
    Slot(Slot),
    /// A place in the line, or nothing: the answer is this error, and what was written is to be kept.
    Later(Error),
}

/// Makes the attempt again and again while it has a place in the line of those whose passwords are to be hashed.
pub(super) async fn in_turn<T>(
    attempt: impl Fn(Option<Place>) -> Result<T, Error>,
) -> Result<T, Error> {
    let mut place = None;
    loop {
        match attempt(place) {
            Err(Error::MustWait(next)) => {
                mercato_contracts::time::sleep(Duration::from_millis(next.pause_ms)).await;
                place = Some(next);
            }
            result => return result,
        }
    }
}

impl Ports {
    /// Refuses with [`Error::MustWait`] while a place in the line leads to nothing new. Only reads: many look often.
    pub(super) fn look(&self, client: Option<&Client>, place: Option<Place>) -> Result<(), Error> {
        let Some(place) = place else { return Ok(()) };
        let now = self.clock.now_ms();
        let leads_on = self.store.read(|records| {
            let turns = live_turns(records, now)?;
            let Some(own) = turns.iter().find(|turn| turn.id() == Some(place.id)) else {
                return Ok(true);
            };
            let must_be_written = own.is_to_be_renewed(now) || place.is_given_up(now);
            let decision = self.decide(records, &turns, client, place.lane, Some(place.id))?;
            Ok(must_be_written || matches!(decision, Decision::Hash(_)))
        })?;
        if leads_on {
            Ok(())
        } else {
            Err(Error::MustWait(place))
        }
    }

    /// Takes a slot, or a place in the line, or gives the place up.
    pub(super) fn claim(
        &self,
        records: &Records<'_>,
        client: Option<&Client>,
        lane: Lane,
        place: Option<Place>,
    ) -> Result<Claim, Error> {
        let now = self.clock.now_ms();
        if self.limits.slots.open == 0 {
            let slot = Slot {
                id: None,
                since: now,
            };
            return Ok(Claim::Slot(slot));
        }
        records.forget_turns(now)?;
        let turns = live_turns(records, now)?;
        let is_live = |id: &u64| turns.iter().any(|turn| turn.id() == Some(*id));
        let own_id = place.map(|place| place.id).filter(is_live);
        let since = place.map_or(now, |place| place.since);
        let turn = Turn::wait(own_id, client_key(client), lane, since, now);
        match self.decide(records, &turns, client, lane, own_id)? {
            Decision::Hash(lane) => {
                let slot = turn.take_slot(lane, now, records.held_ms()?);
                let id = Some(records.save_turn(&slot)?);
                Ok(Claim::Slot(Slot { id, since: now }))
            }
            Decision::Wait(_) if place.is_some_and(|place| place.is_given_up(now)) => {
                if let Some(id) = own_id {
                    records.remove_turn(id)?;
                }
                Ok(Claim::Later(Error::Busy(1)))
            }
            Decision::Wait(pause_ms) => {
                let place = Place {
                    id: records.save_turn(&turn)?,
                    lane,
                    since,
                    pause_ms,
                };
                Ok(Claim::Later(Error::MustWait(place)))
            }
            Decision::Refuse(seconds) => Ok(Claim::Later(Error::Busy(seconds))),
        }
    }

    fn decide(
        &self,
        records: &Records<'_>,
        turns: &[Turn],
        client: Option<&Client>,
        lane: Lane,
        place: Option<u64>,
    ) -> Result<Decision, Error> {
        let line = Line {
            turns,
            slots: self.limits.slots,
            held_ms: records.held_ms()?,
        };
        Ok(line.decide(Applicant {
            client: &client_key(client),
            lane,
            place,
        }))
    }

    /// Does the work that the slot is for. On success the work has given the slot back in its own unit of work; otherwise it is
    /// given back here.
    pub(super) fn in_slot<T>(
        &self,
        slot: &Slot,
        work: impl FnOnce() -> Result<T, Error>,
    ) -> Result<T, Error> {
        let result = work();
        if result.is_err() {
            let given_back = self.store.write(locks::line(), |records| {
                slot.give_back(records, self.clock.now_ms())
            });
            if let Err(error) = given_back {
                let cause = error.to_string();
                log::warn("a hashing slot was not given back", &[("cause", &cause)]);
            }
        }
        result
    }
}

impl Slot {
    /// Gives the slot back at `now` (milliseconds since the Unix epoch).
    pub(super) fn give_back(&self, records: &Records<'_>, now: u64) -> Result<(), Error> {
        let Some(id) = self.id else { return Ok(()) };
        records.remove_turn(id)?;
        let held_ms = now.saturating_sub(self.since);
        records.save_held_ms(average_ms(records.held_ms()?, held_ms))
    }
}

fn live_turns(records: &Records<'_>, now: u64) -> Result<Vec<Turn>, Error> {
    let mut turns = records.turns()?;
    turns.retain(|turn| !turn.has_gone(now));
    Ok(turns)
}

fn client_key(client: Option<&Client>) -> String {
    client.map_or_else(String::new, |client| {
        CounterKey::client(client).as_str().to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::application::Session;
    use crate::application::commands::login;
    use crate::application::testing::{PASSWORD, Shop};
    use crate::domain::{
        CLIENT_FAILURES_MAX, PLACE_MS, SLOT_MAX_MS, SLOT_MIN_MS, SLOT_WAIT_MAX_MS, TurnRecord,
    };

    const HERE: &str = "192.0.2.1";
    const ELSEWHERE: &str = "198.51.100.1";

    /// Somebody else hashes or waits.
    fn other(shop: &Shop, lane: Lane, is_waiting: bool) -> u64 {
        let now = shop.ports.clock.now_ms();
        shop.add_turn(&Turn::restore(TurnRecord {
            id: None,
            client: "other".to_owned(),
            lane,
            is_waiting,
            since: now,
            expires_at: now + SLOT_MAX_MS,
        }))
    }

    fn log_in(
        shop: &Shop,
        client: &str,
        email: &str,
        place: Option<Place>,
    ) -> Result<Session, Error> {
        let command = login::Command {
            email: email.to_owned(),
            password: PASSWORD.to_owned(),
            client: Some(client.to_owned()),
        };
        login::attempt(&shop.ports, &command, place)
    }

    fn place_of(result: Result<Session, Error>) -> Place {
        match result {
            Err(Error::MustWait(place)) => place,
            other => panic!("{other:?}"),
        }
    }

    /// A shop all of whose open slots are taken.
    fn busy_shop() -> (Shop, [u64; 2]) {
        let shop = Shop::new();
        shop.register("ada@example.com");
        let taken = [(); 2].map(|()| other(&shop, Lane::Open, false));
        (shop, taken)
    }

    #[test]
    fn slots_are_given_back_whatever_the_outcome() {
        let shop = Shop::new();
        shop.register_from(HERE, "ada@example.com");
        shop.login_from(HERE, "ada@example.com", PASSWORD).unwrap();
        shop.login_from(HERE, "ada@example.com", "Wrong-1")
            .unwrap_err();
        shop.login_from(HERE, "nobody@example.com", "Wrong-1")
            .unwrap_err();
        assert_eq!(shop.turns(), []);
    }

    #[test]
    fn whoever_waits_is_let_in_when_a_slot_is_free() {
        let (shop, taken) = busy_shop();
        let work = shop.work();
        let place = place_of(log_in(&shop, HERE, "ada@example.com", None));
        let still = place_of(log_in(&shop, HERE, "ada@example.com", Some(place)));
        assert_eq!((still.id, shop.turns().len()), (place.id, 3));
        assert_eq!(
            (shop.work(), shop.counters()),
            (work, 0),
            "nothing was tried"
        );
        shop.remove_turn(taken[0]);
        assert!(log_in(&shop, HERE, "ada@example.com", Some(place)).is_ok());
        assert_eq!(shop.turns().len(), 1);
    }

    #[test]
    fn whoever_waits_only_looks_until_that_leads_to_something() {
        let (shop, taken) = busy_shop();
        let place = place_of(log_in(&shop, HERE, "ada@example.com", None));
        let look = || shop.ports.look(None, Some(place));
        assert_eq!(look(), Err(Error::MustWait(place)));
        shop.remove_turn(taken[0]);
        assert_eq!(look(), Ok(()));
    }

    #[test]
    fn a_slot_is_held_from_when_it_was_taken() {
        let (shop, taken) = busy_shop();
        let place = place_of(log_in(&shop, HERE, "ada@example.com", None));
        shop.advance_seconds(1);
        shop.remove_turn(taken[0]);
        let now = shop.ports.clock.now_ms();
        let waiting = Turn::wait(Some(place.id), String::new(), Lane::Open, place.since, now);
        let slot = waiting.take_slot(Lane::Open, now, 0);
        assert_eq!((slot.record().since, place.since), (now, now - 1_000));
    }

    #[test]
    fn nobody_waits_for_longer_than_five_seconds() {
        let (shop, _) = busy_shop();
        let mut place = place_of(log_in(&shop, HERE, "ada@example.com", None));
        for _ in 0..4 {
            shop.advance_seconds(1);
            place = place_of(log_in(&shop, HERE, "ada@example.com", Some(place)));
        }
        shop.advance_seconds(1);
        let refused = log_in(&shop, HERE, "ada@example.com", Some(place));
        assert_eq!(refused.unwrap_err(), Error::Busy(1));
        assert_eq!(shop.turns().len(), 2);
    }

    #[test]
    fn a_place_that_nobody_renews_goes() {
        let (shop, _) = busy_shop();
        let place = place_of(log_in(&shop, HERE, "ada@example.com", None));
        shop.advance_seconds(PLACE_MS / 1_000);
        let again = place_of(log_in(&shop, ELSEWHERE, "ada@example.com", None));
        assert_eq!(shop.turns().len(), 3, "of {place:?} nothing is left");
        assert_ne!(again.id, place.id);
    }

    #[test]
    fn a_slot_that_is_not_given_back_goes_in_the_end() {
        let (shop, _) = busy_shop();
        place_of(log_in(&shop, HERE, "ada@example.com", None));
        shop.advance_seconds(SLOT_MAX_MS / 1_000);
        assert!(log_in(&shop, HERE, "ada@example.com", None).is_ok());
        assert_eq!(shop.turns(), []);
    }

    #[test]
    fn after_a_crash_a_slot_is_free_again_within_the_longest_wait() {
        let shop = Shop::new();
        shop.register("ada@example.com");
        shop.login("ada@example.com", PASSWORD).unwrap();
        let save = |records: &Records<'_>| records.save_held_ms(10);
        shop.ports.store.change(save).unwrap();
        let claim = |records: &Records<'_>| shop.ports.claim(records, None, Lane::Open, None);
        let lost = shop.ports.store.change(claim).unwrap();
        assert!(matches!(lost, Claim::Slot(_)));
        let now = shop.ports.clock.now_ms();
        assert_eq!(shop.turns()[0].record().expires_at, now + SLOT_MIN_MS);
        const { assert!(SLOT_MIN_MS < SLOT_WAIT_MAX_MS) };
    }

    #[test]
    fn too_many_are_refused_at_once_and_count_for_nothing() {
        let (shop, _) = busy_shop();
        let max = u64::from(CLIENT_FAILURES_MAX) * 2;
        let mut refused = 0;
        for number in 0..max {
            let email = format!("user{number}@example.com");
            match log_in(&shop, HERE, &email, None) {
                Err(Error::MustWait(_)) => {}
                Err(Error::Busy(1)) => refused += 1,
                other => panic!("{other:?}"),
            }
        }
        assert_eq!((refused, shop.counters()), (max - 48, 0));
        // Another client finds room still.
        place_of(log_in(&shop, ELSEWHERE, "ada@example.com", None));
    }

    #[test]
    fn the_familiar_and_admins_do_not_wait_behind_strangers() {
        use crate::domain::Role;
        let shop = Shop::new();
        shop.register_from(HERE, "ada@example.com");
        shop.register_from(HERE, "root@example.com");
        shop.change("root@example.com", |record| record.role = Role::Admin);
        for _ in 0..2 {
            other(&shop, Lane::Open, false);
            other(&shop, Lane::Open, true);
        }
        assert!(log_in(&shop, HERE, "ada@example.com", None).is_ok());
        other(&shop, Lane::Familiar, false);
        place_of(log_in(&shop, HERE, "ada@example.com", None));
        place_of(log_in(&shop, ELSEWHERE, "root@example.com", None));
        assert!(log_in(&shop, HERE, "root@example.com", None).is_ok());
    }
}
