//! A shop on a database in memory, for tests of the use cases.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use mercato_testing::{CountingIds, TestClock};
use mercato_tokens::{Claims, KeyRing, VerifyError};

use super::commands::{login, logout, refresh, register, renew};
use super::ports::{Lifetimes, Limits, Passwords, Ports, Secrets};
use super::{Error, Renewal, Session};
use crate::domain::{
    Account, AccountId, AccountRecord, AccountView, Email, Password, PasswordHash, RefreshSecret,
    RefreshToken, Revoked, SessionCaller, SessionId, Slots, Turn,
};
use crate::store::{Records, Store};

/// A password that follows the rules.
pub const PASSWORD: &str = "Correct-H0rse";

/// The id of no account.
pub fn nobody() -> AccountId {
    AccountId::parse("01890a5d-ac96-774b-bcce-b302099a8057").unwrap()
}

/// What one hashing costs in [`Shop::work`].
pub const COST_UNITS: u64 = 1;

const SECRET: &str = "a secret of forty bytes, for tests only.";
const START_MS: u64 = 1_800_000_000_000;

/// The command that registers someone with [`PASSWORD`].
pub fn register_command(email: &str) -> register::Command {
    register::Command {
        name: "Somebody".to_owned(),
        email: email.to_owned(),
        password: PASSWORD.to_owned(),
        client: None,
    }
}

/// Whoever holds an access token of that account that no generation makes invalid, and that belongs to no session.
pub fn caller_of(account: AccountId) -> SessionCaller {
    SessionCaller {
        account,
        session: None,
        generation: u64::MAX,
        expires_at: u64::MAX,
    }
}

/// From a client that is not known.
pub fn refresh_from_anywhere(ports: &Ports, presented: &RefreshSecret) -> Result<Session, Error> {
    let command = refresh::Command {
        presented: presented.clone(),
        client: None,
        user_agent: None,
    };
    refresh::handle(ports, command)
}

/// The use cases' ports on a database in memory, and what tests look at and turn.
pub struct Shop {
    pub ports: Ports,
    hashing: Rc<Hashing>,
    clock: TestClock,
}

impl Shop {
    pub fn new() -> Self {
        let store = Store::for_test();
        let hashing = Rc::new(Hashing {
            generation: Cell::new(1),
            work: Cell::new(0),
            meanwhile: RefCell::default(),
        });
        let clock = TestClock::at(START_MS);
        let ports = Ports {
            store: store.clone(),
            passwords: Box::new(ToyPasswords {
                hashing: Rc::clone(&hashing),
                store,
            }),
            secrets: Box::new(CountingSecrets::default()),
            keys: KeyRing::new(SECRET, "").unwrap(),
            clock: Box::new(clock.clone()),
            ids: Box::new(CountingIds::new(&clock)),
            lifetimes: Lifetimes {
                access_seconds: 900,
                refresh_seconds: 86_400,
            },
            limits: Limits {
                slots: Slots { open: 2 },
                registrations_per_client: 0,
                registrations_per_minute: 0,
            },
        };
        Self {
            ports,
            hashing,
            clock,
        }
    }

    pub fn register(&self, email: &str) -> Session {
        self.try_register(register_command(email)).unwrap()
    }

    pub fn register_from(&self, client: &str, email: &str) -> Session {
        let client = Some(client.to_owned());
        let command = register::Command {
            client,
            ..register_command(email)
        };
        self.try_register(command).unwrap()
    }

    pub fn try_register(&self, command: register::Command) -> Result<Session, Error> {
        register::attempt(&self.ports, &command, None)
    }

    /// From a client that is not known.
    pub fn login(&self, email: &str, password: &str) -> Result<Session, Error> {
        self.try_login(None, email, password)
    }

    pub fn login_from(&self, client: &str, email: &str, password: &str) -> Result<Session, Error> {
        self.try_login(Some(client), email, password)
    }

    fn try_login(
        &self,
        client: Option<&str>,
        email: &str,
        password: &str,
    ) -> Result<Session, Error> {
        let command = login::Command {
            email: email.to_owned(),
            password: password.to_owned(),
            client: client.map(str::to_owned),
        };
        login::attempt(&self.ports, &command, None)
    }

    pub fn log_out(&self, presented: &RefreshSecret) -> Result<(), Error> {
        let presented = presented.clone();
        logout::handle(&self.ports, logout::Command { presented })
    }

    pub fn renew(&self, caller: &SessionCaller) -> Result<Renewal, Error> {
        renew::handle(&self.ports, renew::Command { caller: *caller })
    }

    /// From a client that is not known.
    pub fn refresh(&self, session: &Session) -> Result<Session, Error> {
        refresh_from_anywhere(&self.ports, &session.tokens.refresh_token)
    }

    pub fn refresh_as(
        &self,
        session: &Session,
        client: Option<&str>,
        user_agent: Option<&str>,
    ) -> Result<Session, Error> {
        let command = refresh::Command {
            presented: session.tokens.refresh_token.clone(),
            client: client.map(str::to_owned),
            user_agent: user_agent.map(str::to_owned),
        };
        refresh::handle(&self.ports, command)
    }

    /// Who presents the access token of a session.
    pub fn caller(&self, session: &Session) -> SessionCaller {
        let claims = self.claims(&session.tokens.access_token);
        SessionCaller {
            account: AccountId::parse(&claims.sub).unwrap(),
            session: claims.sid.map(|id| SessionId::parse(&id).unwrap()),
            generation: claims.generation,
            expires_at: claims.exp,
        }
    }

    /// Everything that was revoked, in that order.
    pub fn revoked(&self) -> Vec<Revoked> {
        let revocations = self.read(|records| records.revocations_after(0, 0, u32::MAX));
        let revocations = revocations.into_iter();
        revocations.map(|revocation| revocation.revoked).collect()
    }

    fn read<T>(&self, work: impl FnOnce(&Records<'_>) -> Result<T, Error>) -> T {
        self.ports.store.read(work).unwrap()
    }

    fn write<T>(&self, work: impl Fn(&Records<'_>) -> Result<T, Error>) -> T {
        self.ports.store.change(work).unwrap()
    }

    pub fn has_expired(&self, token: &str) -> bool {
        let now = self.ports.clock.now_seconds();
        self.ports.keys.verify(token, now) == Err(VerifyError::Expired)
    }

    fn stored(&self, email: &str) -> Account {
        let email = Email::parse(email).unwrap();
        self.read(|records| records.account_by_email(&email))
            .unwrap()
    }

    /// What is stored of the account of that address.
    pub fn account(&self, email: &str) -> AccountRecord {
        self.stored(email).record().clone()
    }

    /// What is shown of the account of that address.
    pub fn view(&self, email: &str) -> AccountView {
        self.stored(email).into()
    }

    /// Changes an account behind the use cases' back.
    pub fn change(&self, email: &str, change: impl FnOnce(&mut AccountRecord)) {
        let mut record = self.account(email);
        change(&mut record);
        self.write(|records| records.save_account(&Account::restore(record.clone())));
    }

    pub fn disable(&self, email: &str) {
        self.change(email, |record| record.disabled = true);
    }

    /// All refresh tokens.
    pub fn tokens(&self) -> Vec<RefreshToken> {
        self.read(|records| records.refresh_tokens())
    }

    /// Those who hash or wait.
    pub fn turns(&self) -> Vec<Turn> {
        self.read(|records| records.turns())
    }

    /// Somebody else takes a turn.
    pub fn add_turn(&self, turn: &Turn) -> u64 {
        self.write(|records| records.save_turn(turn))
    }

    /// Somebody else's turn is over.
    pub fn remove_turn(&self, id: u64) {
        self.write(|records| records.remove_turn(id));
    }

    /// Number of counters and of familiar clients.
    pub fn counters(&self) -> u64 {
        let counts = self.read(|records| records.count_attempts());
        counts.iter().sum()
    }

    /// Number of counters, without familiar clients.
    pub fn counted(&self) -> u64 {
        let [counters, _familiar] = self.read(|records| records.count_attempts());
        counters
    }

    /// What a token says, whose signature must be ours.
    pub fn claims(&self, token: &str) -> Claims {
        self.ports
            .keys
            .verify(token, self.ports.clock.now_seconds())
            .unwrap()
    }

    /// How many hashings there have been.
    pub fn work(&self) -> u64 {
        self.hashing.work.get()
    }

    /// As if the cost had been raised.
    pub fn make_hashes_outdated(&self) {
        self.hashing
            .generation
            .set(self.hashing.generation.get() + 1);
    }

    /// During the next hashing, somebody else changes every account.
    pub fn while_hashing(&self, change: impl Fn(&Account) -> Account + 'static) {
        *self.hashing.meanwhile.borrow_mut() = Some(Box::new(change));
    }

    pub fn advance_seconds(&self, seconds: u64) {
        self.clock.advance(seconds * 1_000);
    }
}

type Change = Box<dyn Fn(&Account) -> Account>;

struct Hashing {
    generation: Cell<u64>,
    work: Cell<u64>,
    meanwhile: RefCell<Option<Change>>,
}

/// "Hashes" are the generation of the cost and the password.
struct ToyPasswords {
    hashing: Rc<Hashing>,
    store: Store,
}

impl ToyPasswords {
    fn toil(&self) {
        self.hashing.work.set(self.hashing.work.get() + COST_UNITS);
        if let Some(change) = self.hashing.meanwhile.borrow_mut().take() {
            let change_all = |records: &Records<'_>| {
                let accounts = records.all_accounts()?;
                accounts
                    .iter()
                    .try_for_each(|account| records.save_account(&change(account)))
            };
            self.store.change(change_all).unwrap();
        }
    }
}

impl Passwords for ToyPasswords {
    fn hash(&self, password: &Password) -> Result<PasswordHash, Error> {
        self.toil();
        Ok(PasswordHash::new(format!(
            "{}:{}",
            self.hashing.generation.get(),
            password.expose()
        )))
    }

    fn verify(
        &self,
        candidate: &str,
        hash: &PasswordHash,
        _costliest: Option<&PasswordHash>,
    ) -> Result<bool, Error> {
        self.toil();
        Ok(hash
            .expose()
            .split_once(':')
            .is_some_and(|(_, password)| password == candidate))
    }

    fn verify_nothing(
        &self,
        _candidate: &str,
        _costliest: Option<&PasswordHash>,
    ) -> Result<(), Error> {
        self.toil();
        Ok(())
    }

    fn is_outdated(&self, hash: &PasswordHash) -> bool {
        !hash
            .expose()
            .starts_with(&format!("{}:", self.hashing.generation.get()))
    }
}

/// Secrets one after another.
#[derive(Default)]
struct CountingSecrets(Cell<u64>);

impl CountingSecrets {
    fn next(&self) -> u64 {
        self.0.set(self.0.get() + 1);
        self.0.get()
    }
}

impl Secrets for CountingSecrets {
    fn refresh_secret(&self) -> RefreshSecret {
        RefreshSecret::new(format!("refresh-{}", self.next()))
    }

    fn salt(&self) -> String {
        format!("salt-{}", self.next())
    }
}
