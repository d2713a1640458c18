use mercato_kernel::Total;
use mercato_sqlite::{Connection, Database, Migration, Row, migrations, params};
use mercato_tokens::Role;

use crate::application::Error;
use crate::domain::{
    Account, AccountId, CounterKey, Email, Failures, Lane, Name, PasswordHash, REVOCATIONS_MAX,
    RefreshToken, Revocation, RevocationBounds, Revoked, SessionSummary, Spending, TokenHash, Turn,
};
use crate::ports::{Records, Store};

/// The schema, step by step.
pub const MIGRATIONS: &[Migration] = migrations![
    "0001_accounts",
    "0002_login_throttle",
    "0003_sessions",
    "0004_hashing_slots",
];

/// Rows of one table forgotten at a time, so that no login pays for all of them.
const FORGET_MAX_ROWS: u32 = 100;

const SELECT_ACCOUNT: &str = "
    SELECT id, name, email, password_hash, role, disabled, token_generation, created_at, updated_at, version
    FROM users
    WHERE id = ?";

const SELECT_ACCOUNT_BY_EMAIL: &str = "
    SELECT id, name, email, password_hash, role, disabled, token_generation, created_at, updated_at, version
    FROM users
    WHERE email = ?";

const SELECT_ACCOUNTS: &str = "
    SELECT id, name, email, password_hash, role, disabled, token_generation, created_at, updated_at, version
    FROM users
    ORDER BY created_at, id
    LIMIT ? OFFSET ?";

const SELECT_ACCOUNTS_AFTER: &str = "
    SELECT id, name, email, password_hash, role, disabled, token_generation, created_at, updated_at, version
    FROM users
    WHERE (created_at, id) > (?, ?)
    ORDER BY created_at, id
    LIMIT ?";

const COUNT_ACCOUNTS: &str = "
    SELECT COUNT(*)
    FROM (SELECT 1 FROM users LIMIT ?)";

const COUNT_OTHER_ACTIVE_ADMINS: &str = "
    SELECT COUNT(*)
    FROM users
    WHERE role = 'admin'
      AND disabled = 0
      AND id <> ?";

/// `$2b$12$…`: the cost stands at the fifth character.
const SELECT_COSTLIEST_HASH: &str = "
    SELECT password_hash
    FROM users
    ORDER BY substr(password_hash, 5, 2) DESC
    LIMIT 1";

const SELECT_ANY_ADMIN: &str = "
    SELECT 1
    FROM users
    WHERE role = 'admin'
    LIMIT 1";

const INSERT_ACCOUNT: &str = "
    INSERT INTO users (name, email, password_hash, role, disabled, token_generation, created_at, updated_at, version, id)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";

const UPDATE_ACCOUNT: &str = "
    UPDATE users
    SET name = ?, email = ?, password_hash = ?, role = ?, disabled = ?, token_generation = ?, created_at = ?, updated_at = ?, version = ?
    WHERE id = ?";

const SELECT_TOKEN: &str = "
    SELECT token_hash, family_id, user_id, issued_at, expires_at, number,
      spent_at, spent_by, successor_salt, successor_token_id
    FROM refresh_tokens
    WHERE token_hash = ?";

const INSERT_TOKEN: &str = "
    INSERT INTO refresh_tokens (token_hash, family_id, user_id, issued_at, expires_at, number)
    VALUES (?, ?, ?, ?, ?, ?)";

const SPEND_TOKEN: &str = "
    UPDATE refresh_tokens
    SET spent_at = ?, spent_by = ?, successor_salt = ?, successor_token_id = ?
    WHERE token_hash = ?";

const SELECT_SESSION_END: &str = "
    SELECT expires_at
    FROM refresh_tokens
    WHERE family_id = ?
      AND spent_at IS NULL
      AND expires_at > ?
      AND user_id = ?
    ORDER BY expires_at DESC
    LIMIT 1";

const SELECT_SESSIONS: &str = "
    SELECT family_id, issued_at, expires_at
    FROM refresh_tokens
    WHERE user_id = ?
      AND spent_at IS NULL
      AND expires_at > ?
    ORDER BY issued_at DESC
    LIMIT ?";

const COUNT_SESSIONS: &str = "
    SELECT COUNT(*)
    FROM refresh_tokens
    WHERE user_id = ?
      AND spent_at IS NULL";

const COUNT_TOKENS: &str = "
    SELECT COUNT(*)
    FROM (
      SELECT 1
      FROM refresh_tokens
      WHERE user_id = ?
      LIMIT ?
    )";

const SELECT_OLDEST_SESSION: &str = "
    SELECT family_id
    FROM refresh_tokens
    WHERE user_id = ?
      AND spent_at IS NULL
    ORDER BY issued_at
    LIMIT 1";

const INSERT_REVOCATION: &str = "
    INSERT INTO revocations (session_id, user_id, generation, revoked_at, expires_at)
    VALUES (?, ?, ?, ?, ?)";

const DELETE_EXPIRED_REVOCATIONS: &str = "
    DELETE FROM revocations
    WHERE sequence IN (
      SELECT sequence
      FROM revocations
      WHERE expires_at <= ?
      ORDER BY expires_at
      LIMIT ?
    )";

/// The newest revocation that has no place any more.
const SELECT_SURPLUS_REVOCATION: &str = "
    SELECT sequence
    FROM revocations
    WHERE sequence <= (SELECT MAX(sequence) FROM revocations) - ?
    ORDER BY sequence DESC
    LIMIT 1";

const RAISE_REVOCATION_FLOOR: &str = "
    UPDATE revocation_floor
    SET issued_by = MAX(issued_by, (
      SELECT MAX(revoked_at)
      FROM revocations
      WHERE sequence <= ?
    ))";

const DELETE_SURPLUS_REVOCATIONS: &str = "
    DELETE FROM revocations
    WHERE sequence <= ?";

const SELECT_REVOCATIONS: &str = "
    SELECT sequence, session_id, user_id, generation, revoked_at, expires_at
    FROM revocations
    WHERE sequence > ?
      AND expires_at > ?
    ORDER BY sequence
    LIMIT ?";

const SELECT_REVOCATION_FLOOR: &str = "
    SELECT issued_by
    FROM revocation_floor";

/// Also when the revocation of that number has been forgotten.
const SELECT_LAST_REVOCATION: &str = "
    SELECT seq
    FROM sqlite_sequence
    WHERE name = 'revocations'";

const DELETE_FAMILY: &str = "
    DELETE FROM refresh_tokens
    WHERE family_id = ?";

const DELETE_TOKENS_OF_USER: &str = "
    DELETE FROM refresh_tokens
    WHERE user_id = ?";

const DELETE_EXPIRED_TOKENS: &str = "
    DELETE FROM refresh_tokens
    WHERE token_hash IN (
      SELECT token_hash
      FROM refresh_tokens
      WHERE expires_at <= ?
      ORDER BY expires_at
      LIMIT ?
    )";

const SELECT_FAILURES: &str = "
    SELECT failures, window_ends_at, blocked_until
    FROM login_failures
    WHERE key_hash = ?";

const REPLACE_FAILURES: &str = "
    INSERT OR REPLACE INTO login_failures (key_hash, failures, window_ends_at, blocked_until, forgotten_at)
    VALUES (?, ?, ?, ?, ?)";

const DELETE_FAILURES: &str = "
    DELETE FROM login_failures
    WHERE key_hash = ?";

const DELETE_OLD_FAILURES: &str = "
    DELETE FROM login_failures
    WHERE key_hash IN (
      SELECT key_hash
      FROM login_failures
      WHERE forgotten_at <= ?
      ORDER BY forgotten_at
      LIMIT ?
    )";

const SELECT_FAMILIAR: &str = "
    SELECT 1
    FROM familiar_clients
    WHERE key_hash = ?
      AND forgotten_at > ?";

const REPLACE_FAMILIAR: &str = "
    INSERT OR REPLACE INTO familiar_clients (key_hash, forgotten_at)
    VALUES (?, ?)";

const DELETE_OLD_FAMILIAR: &str = "
    DELETE FROM familiar_clients
    WHERE key_hash IN (
      SELECT key_hash
      FROM familiar_clients
      WHERE forgotten_at <= ?
      ORDER BY forgotten_at
      LIMIT ?
    )";

const SELECT_TURNS: &str = "
    SELECT id, client_hash, lane, is_waiting, since, expires_at
    FROM hashing_turns
    ORDER BY id";

const INSERT_TURN: &str = "
    INSERT INTO hashing_turns (client_hash, lane, is_waiting, since, expires_at)
    VALUES (?, ?, ?, ?, ?)";

const SELECT_NEWEST_TURN: &str = "
    SELECT MAX(id)
    FROM hashing_turns";

const UPDATE_TURN: &str = "
    UPDATE hashing_turns
    SET client_hash = ?, lane = ?, is_waiting = ?, since = ?, expires_at = ?
    WHERE id = ?";

const DELETE_TURN: &str = "
    DELETE FROM hashing_turns
    WHERE id = ?";

/// The table is so short that it needs no index.
const DELETE_GONE_TURNS: &str = "
    DELETE FROM hashing_turns
    WHERE expires_at <= ?";

const SELECT_HELD_MS: &str = "
    SELECT held_ms
    FROM hashing_pace";

const UPDATE_HELD_MS: &str = "
    UPDATE hashing_pace
    SET held_ms = ?";

/// What SQLite says when an address is not unique.
const EMAIL_CONSTRAINT: &str = "users.email";

/// Accounts and tokens in the database `auth`.
pub struct SqliteStore(Database);

impl SqliteStore {
    /// The database `auth`, opened at first use.
    pub const fn new() -> Self {
        Self(Database::new("auth", MIGRATIONS))
    }

    /// A fresh database in memory.
    #[cfg(test)]
    pub fn in_memory() -> Self {
        Self(Database::in_memory("auth", MIGRATIONS).unwrap())
    }
}

impl Store for SqliteStore {
    fn read<T>(&self, work: impl FnOnce(&dyn Records) -> Result<T, Error>) -> Result<T, Error> {
        self.0.read(|connection| work(connection))
    }

    fn write<T>(&self, work: impl FnOnce(&dyn Records) -> Result<T, Error>) -> Result<T, Error> {
        self.0.write(|connection| work(connection))
    }
}

impl Records for Connection {
    fn account(&self, id: &AccountId) -> Result<Option<Account>, Error> {
        self.query_one(SELECT_ACCOUNT, params![id.as_str()])?
            .as_ref()
            .map(account)
            .transpose()
    }

    fn account_by_email(&self, email: &Email) -> Result<Option<Account>, Error> {
        self.query_one(SELECT_ACCOUNT_BY_EMAIL, params![email.as_str()])?
            .as_ref()
            .map(account)
            .transpose()
    }

    fn accounts(&self, offset: u64, limit: u32) -> Result<Vec<Account>, Error> {
        self.query(SELECT_ACCOUNTS, params![limit, offset])?
            .iter()
            .map(account)
            .collect()
    }

    fn accounts_after(
        &self,
        created_at: u64,
        id: &AccountId,
        limit: u32,
    ) -> Result<Vec<Account>, Error> {
        let values = params![created_at, id.as_str(), limit];
        self.query(SELECT_ACCOUNTS_AFTER, values)?
            .iter()
            .map(account)
            .collect()
    }

    fn count_accounts(&self) -> Result<Total, Error> {
        let counted = self.query_one(COUNT_ACCOUNTS, params![Total::LIMIT_ROWS])?;
        count(counted).map(Total::counted)
    }

    fn count_other_active_admins(&self, id: &AccountId) -> Result<u64, Error> {
        count(self.query_one(COUNT_OTHER_ACTIVE_ADMINS, params![id.as_str()])?)
    }

    fn costliest_hash(&self) -> Result<Option<PasswordHash>, Error> {
        let row = self.query_one(SELECT_COSTLIEST_HASH, params![])?;
        Ok(row
            .map(|row| row.get(0))
            .transpose()?
            .map(PasswordHash::new))
    }

    fn has_admin(&self) -> Result<bool, Error> {
        Ok(self.query_one(SELECT_ANY_ADMIN, params![])?.is_some())
    }

    fn add_account(&self, account: &Account) -> Result<(), Error> {
        write_account(self, INSERT_ACCOUNT, account)
    }

    fn save_account(&self, account: &Account) -> Result<(), Error> {
        write_account(self, UPDATE_ACCOUNT, account)
    }

    fn refresh_token(&self, hash: &TokenHash) -> Result<Option<RefreshToken>, Error> {
        self.query_one(SELECT_TOKEN, params![hash.as_str()])?
            .as_ref()
            .map(refresh_token)
            .transpose()
    }

    fn add_refresh_token(&self, token: &RefreshToken) -> Result<(), Error> {
        let values = params![
            token.hash.as_str(),
            &token.family,
            token.account.as_str(),
            token.issued_at,
            token.expires_at,
            token.number,
        ];
        self.execute(INSERT_TOKEN, values)?;
        Ok(())
    }

    fn spend_refresh_token(&self, hash: &TokenHash, spending: &Spending) -> Result<(), Error> {
        let values = params![
            spending.at,
            spending.client.as_deref(),
            spending.salt.as_deref(),
            spending.token_id.as_deref(),
            hash.as_str(),
        ];
        self.execute(SPEND_TOKEN, values)?;
        Ok(())
    }

    fn session_end(
        &self,
        account: &AccountId,
        family: &str,
        now: u64,
    ) -> Result<Option<u64>, Error> {
        let row = self.query_one(SELECT_SESSION_END, params![family, now, account.as_str()])?;
        Ok(row.map(|row| row.get(0)).transpose()?)
    }

    fn sessions(
        &self,
        account: &AccountId,
        now: u64,
        limit: u32,
    ) -> Result<Vec<SessionSummary>, Error> {
        self.query(SELECT_SESSIONS, params![account.as_str(), now, limit])?
            .iter()
            .map(session)
            .collect()
    }

    fn count_sessions(&self, account: &AccountId) -> Result<u64, Error> {
        count(self.query_one(COUNT_SESSIONS, params![account.as_str()])?)
    }

    fn oldest_session(&self, account: &AccountId) -> Result<Option<String>, Error> {
        let row = self.query_one(SELECT_OLDEST_SESSION, params![account.as_str()])?;
        Ok(row.map(|row| row.get(0)).transpose()?)
    }

    fn count_refresh_tokens(&self, account: &AccountId, limit: u64) -> Result<u64, Error> {
        count(self.query_one(COUNT_TOKENS, params![account.as_str(), limit])?)
    }

    fn add_revocation(&self, revocation: &Revocation) -> Result<(), Error> {
        let now = revocation.revoked_at;
        self.execute(DELETE_EXPIRED_REVOCATIONS, params![now, FORGET_MAX_ROWS])?;
        let (session, account, generation) = match &revocation.revoked {
            Revoked::Session(id) => (Some(id.as_str()), None, None),
            Revoked::Account(id, generation) => (None, Some(id.as_str()), Some(*generation)),
        };
        let values = params![session, account, generation, now, revocation.expires_at];
        self.execute(INSERT_REVOCATION, values)?;
        if let Some(row) = self.query_one(SELECT_SURPLUS_REVOCATION, params![REVOCATIONS_MAX])? {
            let sequence: u64 = row.get(0)?;
            self.execute(RAISE_REVOCATION_FLOOR, params![sequence])?;
            self.execute(DELETE_SURPLUS_REVOCATIONS, params![sequence])?;
        }
        Ok(())
    }

    fn revocations_after(
        &self,
        sequence: u64,
        now: u64,
        limit: u32,
    ) -> Result<Vec<Revocation>, Error> {
        self.query(SELECT_REVOCATIONS, params![sequence, now, limit])?
            .iter()
            .map(revocation)
            .collect()
    }

    fn revocation_bounds(&self) -> Result<RevocationBounds, Error> {
        let last = self.query_one(SELECT_LAST_REVOCATION, params![])?;
        let last_sequence = last.map(|row| row.get(0)).transpose()?.unwrap_or_default();
        let floor = self.query_one(SELECT_REVOCATION_FLOOR, params![])?;
        let floor = floor.map(|row| row.get(0)).transpose()?.unwrap_or_default();
        Ok(RevocationBounds {
            last_sequence,
            floor,
        })
    }

    fn end_family(&self, family: &str) -> Result<(), Error> {
        self.execute(DELETE_FAMILY, params![family])?;
        Ok(())
    }

    fn end_sessions(&self, account: &AccountId) -> Result<(), Error> {
        self.execute(DELETE_TOKENS_OF_USER, params![account.as_str()])?;
        Ok(())
    }

    fn forget_expired_tokens(&self, now: u64) -> Result<(), Error> {
        self.execute(DELETE_EXPIRED_TOKENS, params![now, FORGET_MAX_ROWS])?;
        Ok(())
    }

    fn failures(&self, key: &CounterKey) -> Result<Failures, Error> {
        let row = self.query_one(SELECT_FAILURES, params![key.as_str()])?;
        row.map_or_else(|| Ok(Failures::default()), |row| failures(&row))
    }

    fn save_failures(&self, key: &CounterKey, failures: &Failures) -> Result<(), Error> {
        let values = params![
            key.as_str(),
            failures.count,
            failures.window_ends_at,
            failures.blocked_until,
            failures.forgotten_at(),
        ];
        self.execute(REPLACE_FAILURES, values)?;
        Ok(())
    }

    fn clear_failures(&self, key: &CounterKey) -> Result<(), Error> {
        self.execute(DELETE_FAILURES, params![key.as_str()])?;
        Ok(())
    }

    fn is_familiar(&self, key: &CounterKey, now: u64) -> Result<bool, Error> {
        let found = self.query_one(SELECT_FAMILIAR, params![key.as_str(), now])?;
        Ok(found.is_some())
    }

    fn make_familiar(&self, key: &CounterKey, until: u64) -> Result<(), Error> {
        self.execute(REPLACE_FAMILIAR, params![key.as_str(), until])?;
        Ok(())
    }

    fn turns(&self) -> Result<Vec<Turn>, Error> {
        self.query(SELECT_TURNS, params![])?
            .iter()
            .map(turn)
            .collect()
    }

    fn add_turn(&self, turn: &Turn) -> Result<u64, Error> {
        let values = params![
            &turn.client,
            lane_number(turn.lane),
            turn.is_waiting,
            turn.since,
            turn.expires_at,
        ];
        self.execute(INSERT_TURN, values)?;
        count(self.query_one(SELECT_NEWEST_TURN, params![])?)
    }

    fn save_turn(&self, turn: &Turn) -> Result<(), Error> {
        let values = params![
            &turn.client,
            lane_number(turn.lane),
            turn.is_waiting,
            turn.since,
            turn.expires_at,
            turn.id,
        ];
        self.execute(UPDATE_TURN, values)?;
        Ok(())
    }

    fn remove_turn(&self, id: u64) -> Result<(), Error> {
        self.execute(DELETE_TURN, params![id])?;
        Ok(())
    }

    fn forget_turns(&self, now: u64) -> Result<(), Error> {
        self.execute(DELETE_GONE_TURNS, params![now])?;
        Ok(())
    }

    fn held_ms(&self) -> Result<u64, Error> {
        count(self.query_one(SELECT_HELD_MS, params![])?)
    }

    fn save_held_ms(&self, held_ms: u64) -> Result<(), Error> {
        self.execute(UPDATE_HELD_MS, params![held_ms])?;
        Ok(())
    }

    fn forget_old_attempts(&self, now: u64) -> Result<(), Error> {
        self.execute(DELETE_OLD_FAILURES, params![now, FORGET_MAX_ROWS])?;
        self.execute(DELETE_OLD_FAMILIAR, params![now, FORGET_MAX_ROWS])?;
        Ok(())
    }
}

/// Runs [`INSERT_ACCOUNT`] or [`UPDATE_ACCOUNT`], whose parameters are the same.
fn write_account(connection: &Connection, statement: &str, account: &Account) -> Result<(), Error> {
    let values = params![
        account.name.as_str(),
        account.email.as_str(),
        account.password_hash.expose(),
        account.role.as_str(),
        account.disabled,
        account.token_generation,
        account.created_at,
        account.updated_at,
        account.version,
        account.id.as_str(),
    ];
    match connection.execute(statement, values) {
        Ok(_) => Ok(()),
        Err(mercato_sqlite::Error::Constraint(message)) if message.contains(EMAIL_CONSTRAINT) => {
            Err(Error::EmailTaken)
        }
        Err(error) => Err(error.into()),
    }
}

fn account(row: &Row) -> Result<Account, Error> {
    Ok(Account {
        id: AccountId::parse(&row.get::<String>(0)?)
            .map_err(|error| damaged("id", &error.to_string()))?,
        name: Name::parse(&row.get::<String>(1)?).map_err(|rule| damaged("name", &rule.must))?,
        email: Email::parse(&row.get::<String>(2)?).map_err(|rule| damaged("email", &rule.must))?,
        password_hash: PasswordHash::new(row.get(3)?),
        role: row
            .get::<String>(4)?
            .parse::<Role>()
            .map_err(|error| damaged("role", &error.to_string()))?,
        disabled: row.get(5)?,
        token_generation: row.get(6)?,
        created_at: row.get(7)?,
        updated_at: row.get(8)?,
        version: row.get(9)?,
    })
}

fn refresh_token(row: &Row) -> Result<RefreshToken, Error> {
    Ok(RefreshToken {
        hash: TokenHash::from_stored(row.get(0)?),
        family: row.get(1)?,
        account: AccountId::parse(&row.get::<String>(2)?)
            .map_err(|error| damaged("user_id", &error.to_string()))?,
        issued_at: row.get(3)?,
        expires_at: row.get(4)?,
        number: row.get(5)?,
        spent: spending(row)?,
    })
}

fn spending(row: &Row) -> Result<Option<Spending>, Error> {
    let Some(at) = row.get::<Option<u64>>(6)? else {
        return Ok(None);
    };
    Ok(Some(Spending {
        at,
        client: row.get(7)?,
        salt: row.get(8)?,
        token_id: row.get(9)?,
    }))
}

fn session(row: &Row) -> Result<SessionSummary, Error> {
    Ok(SessionSummary {
        id: row.get(0)?,
        refreshed_at: row.get(1)?,
        expires_at: row.get(2)?,
    })
}

fn revocation(row: &Row) -> Result<Revocation, Error> {
    let session: Option<String> = row.get(1)?;
    let account: Option<String> = row.get(2)?;
    let revoked = match (session, account) {
        (Some(id), _) => Revoked::Session(id),
        (None, Some(id)) => {
            let id =
                AccountId::parse(&id).map_err(|error| damaged("user_id", &error.to_string()))?;
            Revoked::Account(id, row.get(3)?)
        }
        (None, None) => return Err(damaged("session_id", "or user_id must be there")),
    };
    Ok(Revocation {
        sequence: row.get(0)?,
        revoked,
        revoked_at: row.get(4)?,
        expires_at: row.get(5)?,
    })
}

fn failures(row: &Row) -> Result<Failures, Error> {
    Ok(Failures {
        count: row.get(0)?,
        window_ends_at: row.get(1)?,
        blocked_until: row.get(2)?,
    })
}

fn turn(row: &Row) -> Result<Turn, Error> {
    Ok(Turn {
        id: row.get(0)?,
        client: row.get(1)?,
        lane: match row.get::<u32>(2)? {
            0 => Lane::Open,
            1 => Lane::Familiar,
            2 => Lane::Admin,
            _ => return Err(damaged("lane", "must be 0, 1 or 2")),
        },
        is_waiting: row.get(3)?,
        since: row.get(4)?,
        expires_at: row.get(5)?,
    })
}

const fn lane_number(lane: Lane) -> u32 {
    match lane {
        Lane::Open => 0,
        Lane::Familiar => 1,
        Lane::Admin => 2,
    }
}

/// The one number that a statement gives.
fn count(row: Option<Row>) -> Result<u64, Error> {
    let row = row.ok_or_else(|| damaged("a table", "must give one row"))?;
    Ok(row.get(0)?)
}

fn damaged(column: &str, rule: &str) -> Error {
    Error::Internal(format!("the database auth is damaged: {column} {rule}"))
}

impl From<mercato_sqlite::Error> for Error {
    fn from(error: mercato_sqlite::Error) -> Self {
        use mercato_sqlite::Error as Cause;
        match error {
            Cause::Busy(_)
            | Cause::Denied(_)
            | Cause::Unknown(_)
            | Cause::Full
            | Cause::Interrupted(_)
            | Cause::Foreign(_)
            | Cause::NewerSchema { .. } => Self::Unavailable(error.to_string()),
            _ => Self::Internal(error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests;
