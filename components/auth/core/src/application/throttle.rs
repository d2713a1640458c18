//! Attempts at a password are counted before it is verified: guesses at the same time cannot slip through together.

use super::Error;
use super::ports::Ports;
use super::turn::{Claim, Slot};
use crate::application::locks::{self, Locks};
use crate::domain::{
    ALL_REGISTRATIONS_WINDOW_MS, AccountId, CLIENT_FAILURES_MAX, Client, CounterKey, Email,
    FAMILIAR_MS, FIRST_REGISTRATIONS, Lane, Mark, PAIR_FAILURES_MAX, Place,
    REGISTRATIONS_WINDOW_MS, Role, SUBJECT_FAILURES_MAX,
};
use crate::store::Records;

/// An attempt that was let through and counts as a failure until [`Attempt::succeeded`].
///
/// A success clears the counters of the account. From the client's counter it only takes this attempt back: were that
/// cleared, whoever has an account could guess on and on between two logins of their own.
#[derive(Debug)]
pub(super) struct Attempt {
    subjects: Vec<String>,
    client: Option<Client>,
    marks: Vec<Mark>,
    /// What it is about.
    locks: Locks,
    /// The right to verify the password.
    pub(super) slot: Slot,
}

/// What an attempt is counted by, and which slots it may use.
struct Marks {
    marks: Vec<Mark>,
    lane: Lane,
}

impl Ports {
    /// Counts an attempt at the password of an account, which its address and perhaps its id name, or refuses it. Who has no
    /// account is counted alike. Whoever has to wait for a slot is not counted yet.
    ///
    /// # Errors
    /// [`Error::TooManyAttempts`], [`Error::Busy`], [`Error::MustWait`], or a fault of the database.
    pub(super) fn begin_attempt(
        &self,
        email: &Email,
        id: Option<AccountId>,
        client: Option<&Client>,
        place: Option<Place>,
    ) -> Result<Attempt, Error> {
        self.look(client, place)?;
        let mut subjects = vec![email.as_str().to_owned()];
        subjects.extend(id.map(|id| id.to_string()));
        let mut locks = locks::line()
            .and(locks::email(email))
            .and(locks::client(client));
        if let Some(id) = id {
            locks = locks.and(locks::account(id));
        }
        let now = self.clock.now_ms();
        // A place in the line must be kept, so it is an outcome of the unit of work and not an error.
        let (marks, slot) = self.store.write(locks.clone(), |records| {
            records.forget_old_attempts(now)?;
            let Marks { marks, lane } = marks(records, email, &subjects, client, now)?;
            let waits = marks
                .iter()
                .filter_map(|mark| mark.before.wait_seconds(now));
            if let Some(seconds) = waits.max() {
                return Err(Error::TooManyAttempts(seconds));
            }
            let slot = match self.claim(records, client, lane, place)? {
                Claim::Slot(slot) => slot,
                Claim::Later(error) => return Ok(Err(error)),
            };
            for mark in &marks {
                records.save_failures(&mark.key, &mark.after)?;
            }
            Ok(Ok((marks, slot)))
        })??;
        Ok(Attempt {
            subjects,
            client: client.cloned(),
            marks,
            locks,
            slot,
        })
    }

    /// Counts a registration, or refuses it; finds out whether the address has an account, which counts, too.
    ///
    /// # Errors
    /// [`Error::TooManyAttempts`], [`Error::EmailTaken`], [`Error::Busy`], [`Error::MustWait`], or a fault of the database.
    pub(super) fn begin_registration(
        &self,
        email: &Email,
        client: Option<&Client>,
        place: Option<Place>,
    ) -> Result<Slot, Error> {
        self.look(client, place)?;
        let locks = locks::line()
            .and(locks::registrations())
            .and(locks::client(client));
        let now = self.clock.now_ms();
        self.store.write(locks, |records| {
            records.forget_old_attempts(now)?;
            if let Some(seconds) = self.registration_wait(records, client, now)? {
                return Err(Error::TooManyAttempts(seconds));
            }
            if records.account_by_email(email)?.is_some() {
                count_taken(records, client, now)?;
                return Ok(Err(Error::EmailTaken));
            }
            let slot = match self.claim(records, client, Lane::Open, place)? {
                Claim::Slot(slot) => slot,
                Claim::Later(error) => return Ok(Err(error)),
            };
            for (key, window_ms) in self.registration_keys(client) {
                let counted = records.failures(&key)?.with_one_more_in(window_ms, now);
                records.save_failures(&key, &counted)?;
            }
            Ok(Ok(slot))
        })?
    }

    /// Counts an address that was found taken when a registration had come to its end.
    ///
    /// # Errors
    /// A fault of the database.
    pub(super) fn count_taken_address(&self, client: Option<&Client>) -> Result<(), Error> {
        let now = self.clock.now_ms();
        self.store.write(locks::client(client), |records| {
            count_taken(records, client, now)
        })
    }

    /// What a registration is counted by, and for how many milliseconds; nothing where there is no limit.
    fn registration_keys(&self, client: Option<&Client>) -> Vec<(CounterKey, u64)> {
        let limits = self.limits;
        // A limit of all goes by what one client has registered, too.
        let is_limited = limits.registrations_per_client > 0 || limits.registrations_per_minute > 0;
        let of_client = client
            .filter(|_| is_limited)
            .map(|client| (CounterKey::registrations(client), REGISTRATIONS_WINDOW_MS));
        let of_all = (limits.registrations_per_minute > 0).then(|| {
            let key = CounterKey::all_registrations();
            (key, ALL_REGISTRATIONS_WINDOW_MS)
        });
        of_client.into_iter().chain(of_all).collect()
    }

    /// Seconds until a client may register, if it may not now.
    fn registration_wait(
        &self,
        records: &Records<'_>,
        client: Option<&Client>,
        now: u64,
    ) -> Result<Option<u64>, Error> {
        let mut waits = Vec::new();
        let mut in_all = self.limits.registrations_per_minute;
        if let Some(client) = client {
            let taken = records.failures(&CounterKey::taken_addresses(client))?;
            waits.push(taken.wait_seconds(now));
            let own = records.failures(&CounterKey::registrations(client))?;
            let max = self.limits.registrations_per_client;
            waits.push(own.quota_wait_seconds(max, now));
            if own.quota_wait_seconds(FIRST_REGISTRATIONS, now).is_none() {
                in_all = in_all.saturating_mul(2);
            }
        }
        let all = records.failures(&CounterKey::all_registrations())?;
        waits.push(all.quota_wait_seconds(in_all, now));
        Ok(waits.into_iter().flatten().max())
    }
}

/// Counts as a failed login does: an answer that shows who has an account is a guess that was right.
fn count_taken(records: &Records<'_>, client: Option<&Client>, now: u64) -> Result<(), Error> {
    let Some(client) = client else { return Ok(()) };
    let key = CounterKey::taken_addresses(client);
    let counted = records
        .failures(&key)?
        .with_one_more(CLIENT_FAILURES_MAX, now);
    records.save_failures(&key, &counted)
}

/// What the attempt is counted by. A client that is familiar to the account is not held up by what others do to the
/// account, nor by what is tried from there at accounts that are new to it: strangers cannot lock a customer out.
fn marks(
    records: &Records<'_>,
    email: &Email,
    subjects: &[String],
    client: Option<&Client>,
    now: u64,
) -> Result<Marks, Error> {
    let mark = |key: CounterKey, max| {
        let before = records.failures(&key)?;
        Ok::<_, Error>(Mark::new(key, max, before, now))
    };
    let mut marks = Vec::new();
    let mut is_familiar = false;
    for subject in subjects {
        let pair = CounterKey::pair(subject, client);
        if records.is_familiar(&pair, now)? {
            is_familiar = true;
        } else {
            marks.push(mark(CounterKey::subject(subject), SUBJECT_FAILURES_MAX)?);
        }
        marks.push(mark(pair, PAIR_FAILURES_MAX)?);
    }
    if let Some(client) = client.filter(|_| !is_familiar) {
        marks.push(mark(CounterKey::client(client), CLIENT_FAILURES_MAX)?);
    }
    // Looked up for familiar clients only: to a stranger all addresses are alike.
    let lane = if !is_familiar {
        Lane::Open
    } else if records
        .account_by_email(email)?
        .is_some_and(|account| account.role() == Role::Admin)
    {
        Lane::Admin
    } else {
        Lane::Familiar
    };
    Ok(Marks { marks, lane })
}

impl Attempt {
    /// What it is about: whoever ends it locks that, too.
    pub(super) fn locks(&self) -> Locks {
        self.locks.clone()
    }

    /// The password was right, at `now` (milliseconds since the Unix epoch). Gives the slot back.
    ///
    /// # Errors
    /// A fault of the database.
    pub(super) fn succeeded(&self, records: &Records<'_>, now: u64) -> Result<(), Error> {
        self.slot.give_back(records, now)?;
        let client = self.client.as_ref();
        for subject in &self.subjects {
            records.clear_failures(&CounterKey::subject(subject))?;
            records.clear_failures(&CounterKey::pair(subject, client))?;
        }
        let Some(client) = client else {
            return Ok(());
        };
        make_familiar(records, &self.subjects, client, now)?;
        let of_client = CounterKey::client(client);
        if let Some(mark) = self.marks.iter().find(|mark| mark.key == of_client) {
            let left = mark.taken_back_from(records.failures(&of_client)?);
            records.save_failures(&of_client, &left)?;
        }
        Ok(())
    }
}

/// The account, which `subjects` name, was used from that client by whoever knows its password.
pub(super) fn make_familiar(
    records: &Records<'_>,
    subjects: &[impl AsRef<str>],
    client: &Client,
    now: u64,
) -> Result<(), Error> {
    for subject in subjects {
        let pair = CounterKey::pair(subject.as_ref(), Some(client));
        records.make_familiar(&pair, now.saturating_add(FAMILIAR_MS))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::application::commands::register;
    use crate::application::testing::{PASSWORD, Shop, register_command};
    use crate::domain::{WAIT_MAX_MS, WAIT_MIN_MS, WINDOW_MS};

    const WRONG: &str = "Wrong-Passw0rd";
    const HERE: &str = "192.0.2.1";
    const ELSEWHERE: &str = "198.51.100.1";

    fn stranger(number: u32) -> String {
        format!("203.0.113.{number}")
    }

    /// Wrong passwords until there is a wait; returns how many were let through and the seconds to wait.
    fn guess(shop: &Shop, email: &str, client: &str) -> (u32, u64) {
        for count in 0..=SUBJECT_FAILURES_MAX {
            match shop.login_from(client, email, WRONG).unwrap_err() {
                Error::InvalidCredentials => {}
                Error::TooManyAttempts(seconds) => return (count, seconds),
                other => panic!("{other}"),
            }
        }
        panic!("{SUBJECT_FAILURES_MAX} wrong passwords lead to no wait")
    }

    fn is_held_up(shop: &Shop, email: &str, client: &str) -> bool {
        match shop.login_from(client, email, PASSWORD) {
            Ok(_) => false,
            Err(Error::TooManyAttempts(_)) => true,
            Err(other) => panic!("{other}"),
        }
    }

    #[test]
    fn after_ten_wrong_passwords_the_right_one_has_to_wait_too() {
        let shop = Shop::new();
        shop.register("ada@example.com");
        assert_eq!(guess(&shop, "ada@example.com", HERE), (10, 60));
        let work = shop.work();
        assert!(is_held_up(&shop, "Ada@Example.com", HERE));
        assert_eq!(shop.work(), work, "nothing was hashed");
        shop.advance_seconds(60);
        assert!(!is_held_up(&shop, "ada@example.com", HERE));
    }

    #[test]
    fn an_address_without_an_account_waits_like_any_other() {
        let shop = Shop::new();
        shop.register("ada@example.com");
        shop.register("disabled@example.com");
        shop.disable("disabled@example.com");
        let ada = guess(&shop, "ada@example.com", HERE);
        assert_eq!(guess(&shop, "nobody@example.com", HERE), ada);
        assert_eq!(guess(&shop, "disabled@example.com", HERE), ada);
    }

    #[test]
    fn whoever_goes_on_waits_longer() {
        let shop = Shop::new();
        let mut waits = Vec::new();
        let (_, mut wait) = guess(&shop, "ada@example.com", HERE);
        for _ in 0..6 {
            waits.push(wait);
            shop.advance_seconds(wait);
            let (let_through, next) = guess(&shop, "ada@example.com", HERE);
            assert_eq!(let_through, 1);
            wait = next;
        }
        assert_eq!(waits, [60, 120, 240, 480, 900, 900]);
    }

    #[test]
    fn a_success_clears_the_counters_of_the_account() {
        let shop = Shop::new();
        shop.register("ada@example.com");
        for _ in 0..5 {
            for _ in 0..9 {
                shop.login_from(HERE, "ada@example.com", WRONG).unwrap_err();
            }
            assert!(!is_held_up(&shop, "ada@example.com", HERE));
        }
    }

    #[test]
    fn a_stranger_holds_up_nobody_but_themselves() {
        let shop = Shop::new();
        shop.register("ada@example.com");
        guess(&shop, "ada@example.com", &stranger(1));
        assert!(is_held_up(&shop, "ada@example.com", &stranger(1)));
        assert!(!is_held_up(&shop, "ada@example.com", HERE));
    }

    #[test]
    fn strangers_do_not_hold_up_a_familiar_client() {
        let shop = Shop::new();
        shop.register("ada@example.com");
        assert!(!is_held_up(&shop, "ada@example.com", HERE));
        let let_through: u32 = (0..20)
            .map(|number| guess(&shop, "ada@example.com", &stranger(number)).0)
            .sum();
        assert_eq!(let_through, SUBJECT_FAILURES_MAX);
        assert!(is_held_up(&shop, "ada@example.com", ELSEWHERE));
        assert!(!is_held_up(&shop, "ada@example.com", HERE));
    }

    #[test]
    fn where_an_account_was_opened_is_familiar_too() {
        let shop = Shop::new();
        shop.register_from(HERE, "ada@example.com");
        for number in 0..10 {
            guess(&shop, "ada@example.com", &stranger(number));
        }
        assert!(is_held_up(&shop, "ada@example.com", ELSEWHERE));
        assert!(!is_held_up(&shop, "ada@example.com", HERE));
    }

    #[test]
    fn a_familiar_client_has_ten_attempts_and_turns_stranger_again() {
        let shop = Shop::new();
        shop.register("ada@example.com");
        assert!(!is_held_up(&shop, "ada@example.com", HERE));
        assert_eq!(guess(&shop, "ada@example.com", HERE).0, 10);
        shop.advance_seconds(FAMILIAR_MS / 1_000);
        for number in 0..10 {
            guess(&shop, "ada@example.com", &stranger(number));
        }
        assert!(is_held_up(&shop, "ada@example.com", HERE));
    }

    #[test]
    fn a_client_that_tries_many_accounts_has_to_wait() {
        let shop = Shop::new();
        shop.register("ada@example.com");
        for number in 0..CLIENT_FAILURES_MAX {
            let email = format!("user{number}@example.com");
            let refused = shop.login_from(HERE, &email, WRONG).unwrap_err();
            assert_eq!(refused, Error::InvalidCredentials, "{number}");
        }
        assert!(is_held_up(&shop, "ada@example.com", HERE));
        assert!(!is_held_up(&shop, "ada@example.com", ELSEWHERE));
    }

    #[test]
    fn logins_of_an_office_leave_its_attempts_as_they_are() {
        let shop = Shop::new();
        for number in 0..3 {
            shop.register(&format!("user{number}@example.com"));
        }
        for number in 0..CLIENT_FAILURES_MAX - 1 {
            shop.login_from(HERE, &format!("typo{number}@example.com"), WRONG)
                .unwrap_err();
            let email = format!("user{}@example.com", number % 3);
            assert!(!is_held_up(&shop, &email, HERE), "{number}");
        }
        let last = shop.login_from(HERE, "typo@example.com", WRONG);
        assert_eq!(last.unwrap_err(), Error::InvalidCredentials);
        shop.register("new@example.com");
        assert!(is_held_up(&shop, "new@example.com", HERE));
        assert!(!is_held_up(&shop, "user0@example.com", HERE));
    }

    #[test]
    fn all_addresses_of_an_ipv6_network_are_one_client() {
        let shop = Shop::new();
        guess(&shop, "ada@example.com", "2001:db8::1");
        let neighbour = shop.login_from("2001:db8::2", "ada@example.com", WRONG);
        assert!(matches!(neighbour, Err(Error::TooManyAttempts(_))));
        let other = shop.login_from("2001:db8:0:1::1", "ada@example.com", WRONG);
        assert_eq!(other.unwrap_err(), Error::InvalidCredentials);
    }

    #[test]
    fn without_an_address_of_the_client_the_account_alone_counts() {
        let shop = Shop::new();
        for number in 0..2 * CLIENT_FAILURES_MAX {
            let email = format!("user{number}@example.com");
            assert_eq!(
                shop.login(&email, WRONG).unwrap_err(),
                Error::InvalidCredentials
            );
        }
        for _ in 0..PAIR_FAILURES_MAX {
            shop.login("ada@example.com", WRONG).unwrap_err();
        }
        let refused = shop.login("ada@example.com", WRONG).unwrap_err();
        assert_eq!(refused, Error::TooManyAttempts(60));
    }

    #[test]
    fn what_is_no_attempt_is_not_counted() {
        let shop = Shop::new();
        shop.register("ada@example.com");
        for _ in 0..2 * PAIR_FAILURES_MAX {
            let refused = shop.login_from(HERE, "ada@example.com", "").unwrap_err();
            assert!(matches!(refused, Error::Invalid(_)));
        }
        assert!(!is_held_up(&shop, "ada@example.com", HERE));
    }

    #[test]
    fn everything_is_forgotten_in_the_end() {
        let shop = Shop::new();
        shop.register("ada@example.com");
        assert!(!is_held_up(&shop, "ada@example.com", HERE));
        guess(&shop, "ada@example.com", ELSEWHERE);
        assert!(shop.counters() > 0);
        let longest_ms = FAMILIAR_MS + WAIT_MAX_MS + WAIT_MIN_MS + WINDOW_MS;
        shop.advance_seconds(longest_ms / 1_000);
        let before = shop.counters();
        shop.login_from(ELSEWHERE, "grace@example.com", WRONG)
            .unwrap_err();
        assert_eq!(shop.counters(), 3, "of {before}, this attempt's are left");
    }

    fn register_from(shop: &Shop, client: &str, email: &str) -> Result<(), Error> {
        let command = register::Command {
            client: Some(client.to_owned()),
            ..register_command(email)
        };
        shop.try_register(command).map(|_| ())
    }

    fn register_new(shop: &Shop, client: &str, number: u32) -> Result<(), Error> {
        register_from(shop, client, &format!("new{number}-{client}@example.com"))
    }

    #[test]
    fn a_client_may_register_so_many_accounts_in_a_window() {
        let mut shop = Shop::new();
        shop.ports.limits.registrations_per_client = 5;
        for number in 0..5 {
            register_new(&shop, HERE, number).unwrap();
        }
        shop.advance_seconds(100);
        let work = shop.work();
        let refused = register_new(&shop, HERE, 5);
        assert_eq!(refused.unwrap_err(), Error::TooManyAttempts(800));
        assert_eq!(shop.work(), work, "nothing was hashed");
        register_new(&shop, ELSEWHERE, 0).unwrap();
        shop.advance_seconds(800);
        register_new(&shop, HERE, 5).unwrap();
    }

    #[test]
    fn registrations_without_a_limit_are_not_counted() {
        let counted = |per_client, per_minute| {
            let mut shop = Shop::new();
            shop.ports.limits.registrations_per_client = per_client;
            shop.ports.limits.registrations_per_minute = per_minute;
            register_new(&shop, HERE, 0).unwrap();
            shop.counted()
        };
        assert_eq!(counted(0, 0), 0);
        assert_eq!(counted(9, 0), 1, "of the client");
        assert_eq!(counted(0, 9), 2, "of the client and of all");
    }

    #[test]
    fn registrations_a_minute_are_limited_newcomers_get_some_more() {
        let mut shop = Shop::new();
        shop.ports.limits.registrations_per_minute = 10;
        for number in 0..10 {
            register_new(&shop, HERE, number).unwrap();
        }
        let refused = register_new(&shop, HERE, 10);
        assert_eq!(refused.unwrap_err(), Error::TooManyAttempts(60));
        for number in 0..FIRST_REGISTRATIONS {
            register_new(&shop, ELSEWHERE, number).unwrap();
        }
        let refused = register_new(&shop, ELSEWHERE, FIRST_REGISTRATIONS);
        assert_eq!(refused.unwrap_err(), Error::TooManyAttempts(60));
        for number in 0..10 - FIRST_REGISTRATIONS {
            register_new(&shop, &stranger(number), 0).unwrap();
        }
        let refused = register_new(&shop, "203.0.113.200", 0);
        assert_eq!(refused.unwrap_err(), Error::TooManyAttempts(60));
        shop.advance_seconds(60);
        register_new(&shop, HERE, 10).unwrap();
    }

    #[test]
    fn whoever_asks_for_taken_addresses_has_to_wait() {
        let shop = Shop::new();
        shop.register("ada@example.com");
        for _ in 0..CLIENT_FAILURES_MAX {
            let taken = register_from(&shop, HERE, "ada@example.com");
            assert_eq!(taken.unwrap_err(), Error::EmailTaken);
        }
        for email in ["ada@example.com", "free@example.com"] {
            let refused = register_from(&shop, HERE, email);
            assert_eq!(refused.unwrap_err(), Error::TooManyAttempts(60), "{email}");
        }
        register_from(&shop, ELSEWHERE, "free@example.com").unwrap();
        assert!(!is_held_up(&shop, "ada@example.com", HERE), "logins go on");
        shop.advance_seconds(60);
        let taken = register_from(&shop, HERE, "ada@example.com");
        assert_eq!(taken.unwrap_err(), Error::EmailTaken);
        let refused = register_from(&shop, HERE, "ada@example.com");
        assert_eq!(refused.unwrap_err(), Error::TooManyAttempts(120));
    }
}
