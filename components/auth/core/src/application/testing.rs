//! A shop in memory, for tests of the use cases.

use std::cell::{Cell, RefCell};
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::rc::Rc;

use mercato_kernel::Total;
use mercato_platform::clock::Clock;
use mercato_platform::ids::Ids;
use mercato_tokens::{Claims, KeyRing, Role, VerifyError};

use super::commands::{Login, Refresh, Register, login, refresh, register};
use super::{Error, Session};
use crate::domain::{
    Account, AccountId, Bearer, CounterKey, Email, Failures, Password, PasswordHash,
    REVOCATIONS_MAX, RefreshSecret, RefreshToken, Revocation, RevocationBounds, Revoked,
    SessionSummary, Slots, Spending, TokenHash, Turn,
};
use crate::ports::{Lifetimes, Limits, Passwords, Ports, Records, Secrets, Store};

/// A password that follows the rules.
pub const PASSWORD: &str = "Correct-H0rse";

/// What one hashing costs in [`Shop::work`].
pub const COST_UNITS: u64 = 1;

const SECRET: &str = "a secret of forty bytes, for tests only.";
const START_MS: u64 = 1_800_000_000_000;

/// The command that registers someone with [`PASSWORD`].
pub fn register_command(email: &str) -> Register {
    Register {
        name: "Somebody".to_owned(),
        email: email.to_owned(),
        password: PASSWORD.to_owned(),
        client: None,
    }
}

/// Whoever holds an access token of that account that no generation makes invalid, and that belongs to no session.
pub fn bearer_of(account_id: &str) -> Bearer {
    Bearer {
        account: AccountId::parse(account_id).unwrap(),
        session: None,
        generation: u64::MAX,
        expires_at: u64::MAX,
    }
}

/// From a client that is not known.
pub fn refresh_from_anywhere<S: Store>(
    ports: &Ports<S>,
    presented: &RefreshSecret,
) -> Result<Session, Error> {
    let command = Refresh {
        presented: presented.clone(),
        client: None,
        user_agent: None,
    };
    refresh(ports, command)
}

/// The use cases' ports in memory, and what tests look at and turn.
pub struct Shop {
    pub ports: Ports<MemoryStore>,
    hashing: Rc<Hashing>,
    now_ms: Rc<Cell<u64>>,
}

impl Shop {
    pub fn new() -> Self {
        let store = MemoryStore::default();
        let hashing = Rc::new(Hashing {
            generation: Cell::new(1),
            work: Cell::new(0),
            meanwhile: RefCell::default(),
        });
        let now_ms = Rc::new(Cell::new(START_MS));
        let count = Rc::new(Cell::new(0));
        let ports = Ports {
            store: store.clone(),
            passwords: Box::new(MemoryPasswords {
                hashing: Rc::clone(&hashing),
                store,
            }),
            secrets: Box::new(Counting(Rc::clone(&count))),
            keys: KeyRing::new(SECRET, "").unwrap(),
            clock: Box::new(SetClock(Rc::clone(&now_ms))),
            ids: Box::new(Counting(count)),
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
            now_ms,
        }
    }

    pub fn register(&self, email: &str) -> Session {
        self.try_register(register_command(email)).unwrap()
    }

    pub fn register_from(&self, client: &str, email: &str) -> Session {
        let client = Some(client.to_owned());
        let command = Register {
            client,
            ..register_command(email)
        };
        self.try_register(command).unwrap()
    }

    pub fn try_register(&self, command: Register) -> Result<Session, Error> {
        register(&self.ports, command, None)
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
        login(
            &self.ports,
            Login {
                email: email.to_owned(),
                password: password.to_owned(),
                client: client.map(str::to_owned),
            },
            None,
        )
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
        let command = Refresh {
            presented: session.tokens.refresh_token.clone(),
            client: client.map(str::to_owned),
            user_agent: user_agent.map(str::to_owned),
        };
        refresh(&self.ports, command)
    }

    /// Who presents the access token of a session.
    pub fn bearer(&self, session: &Session) -> Bearer {
        let claims = self.claims(&session.tokens.access_token);
        Bearer {
            account: AccountId::parse(&claims.sub).unwrap(),
            session: claims.sid,
            generation: claims.generation,
            expires_at: claims.exp,
        }
    }

    /// Everything that was revoked, in that order.
    pub fn revoked(&self) -> Vec<Revoked> {
        let tables = self.ports.store.0.borrow();
        let revocations = tables.revocations.iter();
        revocations
            .map(|revocation| revocation.revoked.clone())
            .collect()
    }

    pub fn has_expired(&self, token: &str) -> bool {
        let now = self.ports.clock.now_seconds();
        self.ports.keys.verify(token, now) == Err(VerifyError::Expired)
    }

    pub fn account(&self, email: &str) -> Account {
        let email = Email::parse(email).unwrap();
        self.ports
            .store
            .read(|records| records.account_by_email(&email))
            .unwrap()
            .unwrap()
    }

    /// Changes an account behind the use cases' back.
    pub fn change(&self, email: &str, change: impl FnOnce(&mut Account)) {
        let mut account = self.account(email);
        change(&mut account);
        self.ports
            .store
            .write(|records| records.save_account(&account))
            .unwrap();
    }

    pub fn disable(&self, email: &str) {
        self.change(email, |account| account.disabled = true);
    }

    /// All refresh tokens.
    pub fn tokens(&self) -> Vec<RefreshToken> {
        self.ports
            .store
            .0
            .borrow()
            .tokens
            .values()
            .cloned()
            .collect()
    }

    /// Those who hash or wait.
    pub fn turns(&self) -> Vec<Turn> {
        self.ports.store.0.borrow().turns.clone()
    }

    /// Somebody else takes a turn.
    pub fn add_turn(&self, turn: &Turn) -> u64 {
        self.ports
            .store
            .write(|records| records.add_turn(turn))
            .unwrap()
    }

    /// Somebody else's turn is over.
    pub fn remove_turn(&self, id: u64) {
        self.ports
            .store
            .write(|records| records.remove_turn(id))
            .unwrap();
    }

    /// Number of counters and of familiar clients.
    pub fn counters(&self) -> usize {
        let tables = self.ports.store.0.borrow();
        tables.failures.len() + tables.familiar.len()
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
        self.now_ms.set(self.now_ms.get() + seconds * 1_000);
    }
}

type Change = Box<dyn Fn(&Account) -> Account>;

struct Hashing {
    generation: Cell<u64>,
    work: Cell<u64>,
    meanwhile: RefCell<Option<Change>>,
}

/// "Hashes" are the generation of the cost and the password.
struct MemoryPasswords {
    hashing: Rc<Hashing>,
    store: MemoryStore,
}

impl MemoryPasswords {
    fn toil(&self) {
        self.hashing.work.set(self.hashing.work.get() + COST_UNITS);
        if let Some(change) = self.hashing.meanwhile.borrow_mut().take() {
            for account in self.store.0.borrow_mut().accounts.values_mut() {
                *account = change(account);
            }
        }
    }
}

impl Passwords for MemoryPasswords {
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

struct SetClock(Rc<Cell<u64>>);

impl Clock for SetClock {
    fn now_ms(&self) -> u64 {
        self.0.get()
    }
}

/// Ids and secrets one after another.
struct Counting(Rc<Cell<u64>>);

impl Counting {
    fn next(&self) -> u64 {
        self.0.set(self.0.get() + 1);
        self.0.get()
    }
}

impl Ids for Counting {
    fn new_id(&self) -> String {
        let (high, low) = (START_MS >> 16, START_MS & 0xffff);
        format!("{high:08x}-{low:04x}-774b-bcce-{:012x}", self.next())
    }
}

impl Secrets for Counting {
    fn refresh_secret(&self) -> RefreshSecret {
        RefreshSecret::new(format!("refresh-{}", self.next()))
    }

    fn salt(&self) -> String {
        format!("salt-{}", self.next())
    }
}

/// Accounts and tokens in memory.
#[derive(Clone, Default)]
pub struct MemoryStore(Rc<RefCell<Tables>>);

#[derive(Clone, Default)]
struct Tables {
    accounts: BTreeMap<AccountId, Account>,
    tokens: BTreeMap<TokenHash, RefreshToken>,
    revocations: Vec<Revocation>,
    revocation_bounds: RevocationBounds,
    failures: BTreeMap<CounterKey, Failures>,
    familiar: BTreeMap<CounterKey, u64>,
    turns: Vec<Turn>,
    last_turn: u64,
    held_ms: u64,
}

impl Tables {
    fn by_age(&self) -> Vec<Account> {
        let mut all: Vec<_> = self.accounts.values().cloned().collect();
        all.sort_by(|a, b| (a.created_at, &a.id).cmp(&(b.created_at, &b.id)));
        all
    }
}

impl Store for MemoryStore {
    fn read<T>(&self, work: impl FnOnce(&dyn Records) -> Result<T, Error>) -> Result<T, Error> {
        work(&*self.0)
    }

    fn write<T>(&self, work: impl FnOnce(&dyn Records) -> Result<T, Error>) -> Result<T, Error> {
        let before = self.0.borrow().clone();
        work(&*self.0).inspect_err(|_| *self.0.borrow_mut() = before)
    }
}

impl Records for RefCell<Tables> {
    fn account(&self, id: &AccountId) -> Result<Option<Account>, Error> {
        Ok(self.borrow().accounts.get(id).cloned())
    }

    fn account_by_email(&self, email: &Email) -> Result<Option<Account>, Error> {
        Ok(self
            .borrow()
            .accounts
            .values()
            .find(|account| account.email == *email)
            .cloned())
    }

    fn accounts(&self, offset: u64, limit: u32) -> Result<Vec<Account>, Error> {
        let offset = usize::try_from(offset).unwrap();
        let all = self.borrow().by_age();
        Ok(all.into_iter().skip(offset).take(limit as usize).collect())
    }

    fn accounts_after(
        &self,
        created_at: u64,
        id: &AccountId,
        limit: u32,
    ) -> Result<Vec<Account>, Error> {
        let is_later = |account: &Account| (account.created_at, &account.id) > (created_at, id);
        let all = self.borrow().by_age();
        Ok(all
            .into_iter()
            .filter(is_later)
            .take(limit as usize)
            .collect())
    }

    fn count_accounts(&self) -> Result<Total, Error> {
        Ok(Total::counted(self.borrow().accounts.len() as u64))
    }

    fn count_other_active_admins(&self, id: &AccountId) -> Result<u64, Error> {
        let is_other = |account: &&Account| account.id != *id && account.is_active_admin();
        Ok(self.borrow().accounts.values().filter(is_other).count() as u64)
    }

    fn costliest_hash(&self) -> Result<Option<PasswordHash>, Error> {
        let tables = self.borrow();
        let hashes = tables
            .accounts
            .values()
            .map(|account| &account.password_hash);
        Ok(hashes.max_by_key(|hash| hash.expose().to_owned()).cloned())
    }

    fn has_admin(&self) -> Result<bool, Error> {
        Ok(self
            .borrow()
            .accounts
            .values()
            .any(|account| account.role == Role::Admin))
    }

    fn add_account(&self, account: &Account) -> Result<(), Error> {
        self.save_account(account)
    }

    fn save_account(&self, account: &Account) -> Result<(), Error> {
        let owner = self.account_by_email(&account.email)?;
        if owner.is_some_and(|owner| owner.id != account.id) {
            return Err(Error::EmailTaken);
        }
        self.borrow_mut()
            .accounts
            .insert(account.id.clone(), account.clone());
        Ok(())
    }

    fn refresh_token(&self, hash: &TokenHash) -> Result<Option<RefreshToken>, Error> {
        Ok(self.borrow().tokens.get(hash).cloned())
    }

    fn add_refresh_token(&self, token: &RefreshToken) -> Result<(), Error> {
        self.borrow_mut()
            .tokens
            .insert(token.hash.clone(), token.clone());
        Ok(())
    }

    fn spend_refresh_token(&self, hash: &TokenHash, spending: &Spending) -> Result<(), Error> {
        if let Some(token) = self.borrow_mut().tokens.get_mut(hash) {
            token.spent = Some(spending.clone());
        }
        Ok(())
    }

    fn session_end(
        &self,
        account: &AccountId,
        family: &str,
        now: u64,
    ) -> Result<Option<u64>, Error> {
        let sessions = self.sessions(account, now, u32::MAX)?.into_iter();
        let mut of_family = sessions.filter(|session| session.id == family);
        Ok(of_family.next().map(|session| session.expires_at))
    }

    fn sessions(
        &self,
        account: &AccountId,
        now: u64,
        limit: u32,
    ) -> Result<Vec<SessionSummary>, Error> {
        let tables = self.borrow();
        let mut sessions: Vec<_> = tables
            .tokens
            .values()
            .filter(|token| {
                token.account == *account && token.spent.is_none() && token.expires_at > now
            })
            .map(|token| SessionSummary {
                id: token.family.clone(),
                refreshed_at: token.issued_at,
                expires_at: token.expires_at,
            })
            .collect();
        sessions.sort_by_key(|session| Reverse(session.refreshed_at));
        sessions.truncate(limit as usize);
        Ok(sessions)
    }

    fn count_sessions(&self, account: &AccountId) -> Result<u64, Error> {
        Ok(self.sessions(account, 0, u32::MAX)?.len() as u64)
    }

    fn oldest_session(&self, account: &AccountId) -> Result<Option<String>, Error> {
        let mut sessions = self.sessions(account, 0, u32::MAX)?;
        Ok(sessions.pop().map(|session| session.id))
    }

    fn count_refresh_tokens(&self, account: &AccountId, limit: u64) -> Result<u64, Error> {
        let tables = self.borrow();
        let tokens = tables.tokens.values();
        Ok((tokens.filter(|token| token.account == *account).count() as u64).min(limit))
    }

    fn add_revocation(&self, revocation: &Revocation) -> Result<(), Error> {
        let mut tables = self.borrow_mut();
        tables.revocation_bounds.last_sequence += 1;
        let revocation = Revocation {
            sequence: tables.revocation_bounds.last_sequence,
            ..revocation.clone()
        };
        tables.revocations.push(revocation);
        if tables.revocations.len() as u64 > REVOCATIONS_MAX {
            tables.revocation_bounds.floor = tables.revocations.remove(0).revoked_at;
        }
        Ok(())
    }

    fn revocations_after(
        &self,
        sequence: u64,
        now: u64,
        limit: u32,
    ) -> Result<Vec<Revocation>, Error> {
        let tables = self.borrow();
        let is_wanted = |revocation: &&Revocation| {
            revocation.sequence > sequence && revocation.expires_at > now
        };
        let wanted = tables.revocations.iter().filter(is_wanted);
        Ok(wanted.take(limit as usize).cloned().collect())
    }

    fn revocation_bounds(&self) -> Result<RevocationBounds, Error> {
        Ok(self.borrow().revocation_bounds)
    }

    fn end_family(&self, family: &str) -> Result<(), Error> {
        self.borrow_mut()
            .tokens
            .retain(|_, token| token.family != family);
        Ok(())
    }

    fn end_sessions(&self, account: &AccountId) -> Result<(), Error> {
        self.borrow_mut()
            .tokens
            .retain(|_, token| token.account != *account);
        Ok(())
    }

    fn forget_expired_tokens(&self, now: u64) -> Result<(), Error> {
        self.borrow_mut()
            .tokens
            .retain(|_, token| token.expires_at > now);
        Ok(())
    }

    fn failures(&self, key: &CounterKey) -> Result<Failures, Error> {
        Ok(self.borrow().failures.get(key).copied().unwrap_or_default())
    }

    fn save_failures(&self, key: &CounterKey, failures: &Failures) -> Result<(), Error> {
        self.borrow_mut().failures.insert(key.clone(), *failures);
        Ok(())
    }

    fn clear_failures(&self, key: &CounterKey) -> Result<(), Error> {
        self.borrow_mut().failures.remove(key);
        Ok(())
    }

    fn is_familiar(&self, key: &CounterKey, now: u64) -> Result<bool, Error> {
        Ok(self
            .borrow()
            .familiar
            .get(key)
            .is_some_and(|until| *until > now))
    }

    fn make_familiar(&self, key: &CounterKey, until: u64) -> Result<(), Error> {
        self.borrow_mut().familiar.insert(key.clone(), until);
        Ok(())
    }

    fn turns(&self) -> Result<Vec<Turn>, Error> {
        Ok(self.borrow().turns.clone())
    }

    fn add_turn(&self, turn: &Turn) -> Result<u64, Error> {
        let mut tables = self.borrow_mut();
        tables.last_turn += 1;
        let id = tables.last_turn;
        tables.turns.push(Turn { id, ..turn.clone() });
        Ok(id)
    }

    fn save_turn(&self, turn: &Turn) -> Result<(), Error> {
        let mut tables = self.borrow_mut();
        let turns = tables.turns.iter_mut();
        turns
            .filter(|known| known.id == turn.id)
            .for_each(|known| known.clone_from(turn));
        Ok(())
    }

    fn remove_turn(&self, id: u64) -> Result<(), Error> {
        self.borrow_mut().turns.retain(|turn| turn.id != id);
        Ok(())
    }

    fn forget_turns(&self, now: u64) -> Result<(), Error> {
        self.borrow_mut().turns.retain(|turn| turn.expires_at > now);
        Ok(())
    }

    fn held_ms(&self) -> Result<u64, Error> {
        Ok(self.borrow().held_ms)
    }

    fn save_held_ms(&self, held_ms: u64) -> Result<(), Error> {
        self.borrow_mut().held_ms = held_ms;
        Ok(())
    }

    fn forget_old_attempts(&self, now: u64) -> Result<(), Error> {
        let mut tables = self.borrow_mut();
        tables
            .failures
            .retain(|_, failures| failures.forgotten_at() > now);
        tables.familiar.retain(|_, until| *until > now);
        Ok(())
    }
}
