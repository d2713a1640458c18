//! Accounts and tokens, for the tests of the store.

use mercato_sql::Value;

use super::Store;
use crate::domain::{
    Account, AccountId, AccountRecord, Email, Name, PasswordHash, RefreshSecret, RefreshToken,
    Role, SessionId,
};

/// The time of the tests, in milliseconds since the Unix epoch.
pub const NOW: u64 = 1_800_000_000_000;

pub fn id(number: u32) -> AccountId {
    AccountId::parse(&format!("01890a5d-ac96-774b-bcce-{number:012x}")).unwrap()
}

pub fn somebody(number: u32) -> Account {
    let email = Email::parse(&format!("user{number}@example.com")).unwrap();
    let name = Name::parse(&format!("User {number}")).unwrap();
    let hash = PasswordHash::new(format!("hash {number}"));
    Account::open(
        id(number),
        name,
        email,
        hash,
        Role::Customer,
        NOW + u64::from(number),
    )
}

/// That account with another record.
pub fn changed(account: &Account, change: impl FnOnce(&mut AccountRecord)) -> Account {
    let mut record = account.record().clone();
    change(&mut record);
    Account::restore(record)
}

pub fn session(number: u64) -> SessionId {
    SessionId::parse(&format!("01890a5d-ac96-774b-abcd-{number:012x}")).unwrap()
}

pub fn token(text: &str, session: SessionId, account: &Account) -> RefreshToken {
    let secret = RefreshSecret::new(text.to_owned());
    RefreshToken::first(&secret, session, account.id(), NOW, NOW + 1_000)
}

pub fn add(store: &Store, account: &Account) {
    store
        .change(|records| records.add_account(account))
        .unwrap();
}

pub fn kept(store: &Store, token: &RefreshToken) -> Option<RefreshToken> {
    store
        .read(|records| records.refresh_token(&token.record().hash))
        .unwrap()
}

/// How SQLite finds the rows of a statement.
pub fn query_plan(store: &Store, statement: &str, parameters: &[Value]) -> String {
    let explain = format!("EXPLAIN QUERY PLAN {statement}");
    let rows = store
        .read(|records| records.all(&explain, parameters, |row| Ok(row.get::<String>("detail")?)));
    rows.unwrap().join("; ")
}
