//! What the database keeps and what it lets go.

use mercato_sql::{Database, params};

use super::{LABEL, MIGRATIONS, Store};
use crate::application::Error;

#[test]
fn what_may_pass_is_unavailable_and_the_rest_is_a_fault() {
    use mercato_sql::Error as Cause;
    for cause in [
        Cause::Busy("locked".to_owned()),
        Cause::Denied("checkout".to_owned()),
        Cause::Full,
    ] {
        assert!(matches!(Error::from(cause), Error::Unavailable(_)));
    }
    let fault = Error::from(Cause::Storage("x".to_owned()));
    assert!(matches!(fault, Error::Internal(_)));
}

#[test]
fn what_is_deleted_is_overwritten_wherever_something_is_written() {
    let store = Store::of(Database::in_memory(LABEL, MIGRATIONS.sqlite).unwrap());
    store.change(|_| Ok(())).unwrap();
    let mode = store.read(|records| {
        let row = records.0.query_one("PRAGMA secure_delete", params![])?;
        Ok(row.map(|row| row.get::<u32>(0_usize)).transpose()?)
    });
    assert_eq!(mode, Ok(Some(1)));
}

#[test]
fn a_broken_constraint_is_a_fault() {
    let store = Store::for_test();
    let orphan = store.change(|records| {
        records.execute(
            "INSERT INTO checkout_metadata (checkout_id, key, value) VALUES ('x', 'a', 'b') -- of a test",
            params![],
        )
    });
    assert!(matches!(orphan, Err(Error::Internal(cause)) if cause.contains("FOREIGN KEY")));
}
