//! The repository on a real SQLite in memory.

use super::*;
use crate::domain::{Client, REVOCATIONS_MAX, RefreshSecret};

const NOW: u64 = 1_800_000_000_000;

fn store() -> SqliteStore {
    SqliteStore::in_memory()
}

fn id(number: u32) -> AccountId {
    AccountId::parse(&format!("01890a5d-ac96-774b-bcce-{number:012x}")).unwrap()
}

fn somebody(number: u32) -> Account {
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

fn token(text: &str, family: &str, account: &Account) -> RefreshToken {
    RefreshToken {
        hash: RefreshSecret::new(text.to_owned()).hash(),
        family: family.to_owned(),
        account: account.id.clone(),
        issued_at: NOW,
        expires_at: NOW + 1_000,
        number: 1,
        spent: None,
    }
}

fn add(store: &SqliteStore, account: &Account) {
    store.write(|records| records.add_account(account)).unwrap();
}

fn add_token(store: &SqliteStore, token: &RefreshToken) {
    store
        .write(|records| records.add_refresh_token(token))
        .unwrap();
}

fn kept(store: &SqliteStore, token: &RefreshToken) -> Option<RefreshToken> {
    store
        .read(|records| records.refresh_token(&token.hash))
        .unwrap()
}

#[test]
fn an_account_comes_back_as_it_went_in() {
    let store = store();
    let odd_name = Name::parse("Robert'); DROP TABLE users;--").unwrap();
    let account = Account {
        name: odd_name,
        role: Role::Admin,
        disabled: true,
        version: 9,
        ..somebody(1)
    };
    add(&store, &account);
    let found = store.read(|records| records.account(&account.id)).unwrap();
    assert_eq!(found, Some(account.clone()));
    let found = store
        .read(|records| records.account_by_email(&account.email))
        .unwrap();
    assert_eq!(found, Some(account));
    assert_eq!(store.read(|records| records.account(&id(2))), Ok(None));
    assert_eq!(
        store.read(|records| records.account_by_email(&somebody(2).email)),
        Ok(None)
    );
}

#[test]
fn saving_replaces_that_account_and_no_other() {
    let store = store();
    add(&store, &somebody(1));
    add(&store, &somebody(2));
    let name = Name::parse("Another").unwrap();
    let changed = Account {
        name,
        role: Role::Admin,
        version: 2,
        updated_at: NOW + 50,
        ..somebody(1)
    };
    store
        .write(|records| records.save_account(&changed))
        .unwrap();
    assert_eq!(
        store.read(|records| records.account(&id(1))),
        Ok(Some(changed))
    );
    assert_eq!(
        store.read(|records| records.account(&id(2))),
        Ok(Some(somebody(2)))
    );
}

#[test]
fn an_address_belongs_to_one_account() {
    let store = store();
    add(&store, &somebody(1));
    add(&store, &somebody(2));
    let twin = Account {
        email: somebody(1).email,
        ..somebody(3)
    };
    assert_eq!(
        store.write(|records| records.add_account(&twin)),
        Err(Error::EmailTaken)
    );
    let moved = Account {
        email: somebody(1).email,
        ..somebody(2)
    };
    assert_eq!(
        store.write(|records| records.save_account(&moved)),
        Err(Error::EmailTaken)
    );
    assert_eq!(
        store.read(|records| records.count_accounts()),
        Ok(Total::counted(2))
    );
}

#[test]
fn another_broken_constraint_is_a_fault_and_no_taken_address() {
    let store = store();
    add(&store, &somebody(1));
    let same_id = Account {
        email: somebody(2).email,
        ..somebody(1)
    };
    let result = store.write(|records| records.add_account(&same_id));
    assert!(
        matches!(&result, Err(Error::Internal(cause)) if cause.contains("users.id")),
        "{result:?}"
    );
    let orphan = token("a", "family", &somebody(7));
    let result = store.write(|records| records.add_refresh_token(&orphan));
    assert!(
        matches!(&result, Err(Error::Internal(cause)) if cause.contains("FOREIGN KEY")),
        "{result:?}"
    );
}

#[test]
fn an_error_takes_the_whole_unit_back() {
    let store = store();
    let result = store.write(|records| {
        records.add_account(&somebody(1))?;
        records.add_refresh_token(&token("a", "family", &somebody(1)))?;
        Err::<(), _>(Error::LastAdmin)
    });
    assert_eq!(result, Err(Error::LastAdmin));
    assert_eq!(
        store.read(|records| records.count_accounts()),
        Ok(Total::counted(0))
    );
    assert_eq!(kept(&store, &token("a", "family", &somebody(1))), None);
}

#[test]
fn pages_are_oldest_first() {
    let store = store();
    for number in [3, 1, 2] {
        add(&store, &somebody(number));
    }
    let page = |offset, limit| {
        store
            .read(|records| records.accounts(offset, limit))
            .unwrap()
    };
    assert_eq!(page(0, 2), [somebody(1), somebody(2)]);
    assert_eq!(page(2, 2), [somebody(3)]);
    assert_eq!(page(u64::MAX, 2), []);
    assert_eq!(
        store.read(|records| records.count_accounts()),
        Ok(Total::counted(3))
    );
}

#[test]
fn a_page_after_an_account_goes_on_where_it_would_stand() {
    let store = store();
    for number in 1..=4 {
        let created_at = NOW + u64::from(number / 2);
        add(
            &store,
            &Account {
                created_at,
                ..somebody(number)
            },
        );
    }
    let after = |created_at, number, limit| -> Vec<AccountId> {
        let accounts = store.read(|records| records.accounts_after(created_at, &id(number), limit));
        accounts
            .unwrap()
            .into_iter()
            .map(|account| account.id)
            .collect()
    };
    assert_eq!(after(0, 0, 2), [id(1), id(2)]);
    assert_eq!(after(NOW + 1, 2, 9), [id(3), id(4)]);
    assert_eq!(
        after(NOW, 9, 1),
        [id(2)],
        "nobody need stand there any more"
    );
    assert_eq!(after(NOW + 2, 4, 9), []);
}

#[test]
fn pages_and_the_costliest_hash_are_found_by_index() {
    let store = store();
    let plan = |statement: &str, parameters: &[mercato_sqlite::Value]| -> String {
        let rows = store
            .0
            .read::<_, mercato_sqlite::Error>(|connection| {
                connection.query(&format!("EXPLAIN QUERY PLAN {statement}"), parameters)
            })
            .unwrap();
        let details = rows.iter().map(|row| row.get::<String>(3).unwrap());
        details.collect::<Vec<_>>().join("; ")
    };
    type Case<'a> = (&'a str, &'a [mercato_sqlite::Value], &'a str);
    let cases: [Case<'_>; 4] = [
        (SELECT_ACCOUNTS_AFTER, params![1, "x", 1], "users_by_age"),
        (SELECT_COSTLIEST_HASH, params![], "users_by_hash_cost"),
        (DELETE_OLD_FAILURES, params![1, 1], "login_failures_by_end"),
        (
            DELETE_OLD_FAMILIAR,
            params![1, 1],
            "familiar_clients_by_end",
        ),
    ];
    for (statement, parameters, index) in cases {
        let plan = plan(statement, parameters);
        assert!(
            plan.contains(index) && !plan.contains("TEMP B-TREE"),
            "{plan}"
        );
    }
}

#[test]
fn one_of_the_costliest_hashes_is_found() {
    let store = store();
    let costliest = || store.read(|records| records.costliest_hash()).unwrap();
    assert_eq!(costliest(), None);
    for (number, hash) in [(1, "$2b$09$x"), (2, "$2a$12$y"), (3, "$2b$10$z")] {
        add(
            &store,
            &Account {
                password_hash: PasswordHash::new(hash.to_owned()),
                ..somebody(number)
            },
        );
    }
    assert_eq!(costliest().unwrap().expose(), "$2a$12$y");
}

#[test]
fn failures_are_kept_under_their_key_until_they_are_cleared() {
    let store = store();
    let (key, other) = (CounterKey::subject("a"), CounterKey::subject("b"));
    let kept = |key: &CounterKey| store.read(|records| records.failures(key)).unwrap();
    assert_eq!(kept(&key), Failures::default());
    for max in [10, 1] {
        let failures = kept(&key).with_one_more(max, NOW);
        store
            .write(|records| records.save_failures(&key, &failures))
            .unwrap();
        assert_eq!(kept(&key), failures);
    }
    assert_eq!(kept(&other), Failures::default());
    store.write(|records| records.clear_failures(&key)).unwrap();
    assert_eq!(kept(&key), Failures::default());
}

#[test]
fn a_pair_is_familiar_until_its_time_is_over() {
    let store = store();
    let client = Client::parse("192.0.2.1");
    let key = CounterKey::pair("a", client.as_ref());
    let is_familiar = |now| {
        store
            .read(|records| records.is_familiar(&key, now))
            .unwrap()
    };
    assert!(!is_familiar(NOW));
    for until in [NOW + 5, NOW + 10] {
        store
            .write(|records| records.make_familiar(&key, until))
            .unwrap();
        assert!(is_familiar(until - 1) && !is_familiar(until));
    }
}

#[test]
fn old_attempts_are_forgotten_a_bounded_number_at_a_time() {
    let store = store();
    let count = FORGET_MAX_ROWS + 1;
    let key = |number: u32| CounterKey::subject(&number.to_string());
    let failures = Failures::default().with_one_more(10, NOW);
    store
        .write(|records| {
            (0..count).try_for_each(|number| {
                records.save_failures(&key(number), &failures)?;
                records.make_familiar(&key(number), failures.forgotten_at())
            })
        })
        .unwrap();
    let rows = || -> Vec<u64> {
        ["login_failures", "familiar_clients"]
            .iter()
            .map(|table| {
                let statement = format!("SELECT COUNT(*) FROM {table}");
                let row = store.0.read::<_, mercato_sqlite::Error>(|connection| {
                    connection.query_one(&statement, &[])
                });
                row.unwrap().unwrap().get(0).unwrap()
            })
            .collect()
    };
    let forget = |now| {
        store
            .write(|records| records.forget_old_attempts(now))
            .unwrap();
    };
    forget(failures.forgotten_at() - 1);
    assert_eq!(rows(), [u64::from(count); 2]);
    forget(failures.forgotten_at());
    assert_eq!(rows(), [1, 1]);
    forget(failures.forgotten_at());
    assert_eq!(rows(), [0, 0]);
}

#[test]
fn only_enabled_admins_are_counted_and_any_admin_is_one() {
    let store = store();
    let others = || {
        store
            .read(|records| records.count_other_active_admins(&id(1)))
            .unwrap()
    };
    let any = || store.read(|records| records.has_admin()).unwrap();
    add(&store, &somebody(2));
    assert_eq!((others(), any()), (0, false));
    add(
        &store,
        &Account {
            role: Role::Admin,
            disabled: true,
            ..somebody(3)
        },
    );
    assert_eq!((others(), any()), (0, true));
    add(
        &store,
        &Account {
            role: Role::Admin,
            ..somebody(1)
        },
    );
    assert_eq!(others(), 0, "the account itself does not count");
    add(
        &store,
        &Account {
            role: Role::Admin,
            ..somebody(4)
        },
    );
    assert_eq!(others(), 1);
}

#[test]
fn a_token_is_kept_until_its_family_ends() {
    let store = store();
    add(&store, &somebody(1));
    let (first, second, other) = (
        token("a", "one", &somebody(1)),
        token("b", "one", &somebody(1)),
        token("c", "two", &somebody(1)),
    );
    for token in [&first, &second, &other] {
        add_token(&store, token);
    }
    let spending = Spending {
        at: NOW + 5,
        client: Some("client".to_owned()),
        salt: Some("salt".to_owned()),
        token_id: Some("id".to_owned()),
    };
    store
        .write(|records| records.spend_refresh_token(&first.hash, &spending))
        .unwrap();
    assert_eq!(
        kept(&store, &first),
        Some(RefreshToken {
            spent: Some(spending),
            ..first.clone()
        })
    );
    assert_eq!(kept(&store, &second), Some(second.clone()));
    store.write(|records| records.end_family("one")).unwrap();
    assert_eq!((kept(&store, &first), kept(&store, &second)), (None, None));
    assert_eq!(kept(&store, &other), Some(other));
}

#[test]
fn the_sessions_of_one_account_end_together() {
    let store = store();
    add(&store, &somebody(1));
    add(&store, &somebody(2));
    let (mine, mine_too, theirs) = (
        token("a", "one", &somebody(1)),
        token("b", "two", &somebody(1)),
        token("c", "three", &somebody(2)),
    );
    for token in [&mine, &mine_too, &theirs] {
        add_token(&store, token);
    }
    store.write(|records| records.end_sessions(&id(1))).unwrap();
    assert_eq!((kept(&store, &mine), kept(&store, &mine_too)), (None, None));
    assert_eq!(kept(&store, &theirs), Some(theirs));
}

#[test]
fn expired_tokens_are_forgotten_a_bounded_number_at_a_time() {
    let store = store();
    add(&store, &somebody(1));
    let count = FORGET_MAX_ROWS + 1;
    for number in 0..count {
        let expires_at = NOW + 1 + u64::from(number);
        add_token(
            &store,
            &RefreshToken {
                expires_at,
                ..token(&number.to_string(), "family", &somebody(1))
            },
        );
    }
    let is_kept =
        |number: u32| kept(&store, &token(&number.to_string(), "family", &somebody(1))).is_some();
    store
        .write(|records| records.forget_expired_tokens(NOW))
        .unwrap();
    assert!(is_kept(0));
    store
        .write(|records| records.forget_expired_tokens(NOW + 1))
        .unwrap();
    assert!(!is_kept(0) && is_kept(1));
    store
        .write(|records| records.forget_expired_tokens(NOW + 1_000))
        .unwrap();
    assert!(!(1..count).any(is_kept));
}

fn spend(store: &SqliteStore, token: &RefreshToken) {
    let spending = Spending {
        at: NOW,
        client: None,
        salt: None,
        token_id: None,
    };
    store
        .write(|records| records.spend_refresh_token(&token.hash, &spending))
        .unwrap();
}

#[test]
fn a_session_lives_while_its_account_has_an_unspent_token_of_it() {
    let store = store();
    add(&store, &somebody(1));
    add(&store, &somebody(2));
    let end = |account: u32, family: &str, now: u64| {
        let end = store.read(|records| records.session_end(&id(account), family, now));
        end.unwrap()
    };
    let first = token("a", "one", &somebody(1));
    add_token(&store, &first);
    assert_eq!(end(1, "one", NOW + 999), Some(NOW + 1_000));
    assert_eq!(end(1, "one", NOW + 1_000), None);
    assert_eq!(end(2, "one", NOW), None);
    assert_eq!(end(1, "two", NOW), None);
    spend(&store, &first);
    assert_eq!(end(1, "one", NOW), None);
    let second = RefreshToken {
        issued_at: NOW + 500,
        expires_at: NOW + 1_500,
        number: 2,
        ..token("b", "one", &somebody(1))
    };
    add_token(&store, &second);
    assert_eq!(end(1, "one", NOW + 1_000), Some(NOW + 1_500));
}

#[test]
fn sessions_are_listed_newest_first_and_the_oldest_is_known() {
    let store = store();
    add(&store, &somebody(1));
    for (number, family) in ["one", "two", "three"].into_iter().enumerate() {
        let issued_at = NOW + number as u64;
        let token = RefreshToken {
            issued_at,
            expires_at: issued_at + 1_000,
            ..token(family, family, &somebody(1))
        };
        add_token(&store, &token);
    }
    let list = |limit| store.read(|records| records.sessions(&id(1), NOW + 1_000, limit));
    let ids = |limit| -> Vec<String> {
        let sessions = list(limit).unwrap().into_iter();
        sessions.map(|session| session.id).collect()
    };
    assert_eq!(ids(10), ["three", "two"]);
    assert_eq!(ids(1), ["three"]);
    assert_eq!(list(1).unwrap()[0].refreshed_at, NOW + 2);
    let count = || {
        store
            .read(|records| records.count_sessions(&id(1)))
            .unwrap()
    };
    let oldest = || {
        store
            .read(|records| records.oldest_session(&id(1)))
            .unwrap()
    };
    assert_eq!((count(), oldest().as_deref()), (3, Some("one")));
    let tokens = |limit| {
        store
            .read(|records| records.count_refresh_tokens(&id(1), limit))
            .unwrap()
    };
    assert_eq!((tokens(10), tokens(2)), (3, 2));
    store.write(|records| records.end_family("one")).unwrap();
    assert_eq!((count(), oldest().as_deref()), (2, Some("two")));
}

fn revocation(revoked: Revoked, revoked_at: u64) -> Revocation {
    Revocation {
        sequence: 0,
        revoked,
        revoked_at,
        expires_at: revoked_at + 1_000,
    }
}

fn revocations(store: &SqliteStore, after: u64, now: u64) -> Vec<Revocation> {
    let listed = store.read(|records| records.revocations_after(after, now, 100));
    listed.unwrap()
}

#[test]
fn revocations_are_kept_in_order_until_they_expire() {
    let store = store();
    let revoked = [
        Revoked::Session("one".to_owned()),
        Revoked::Account(id(1), 7),
    ];
    for (number, revoked) in revoked.clone().into_iter().enumerate() {
        let revocation = revocation(revoked, NOW + number as u64);
        store
            .write(|records| records.add_revocation(&revocation))
            .unwrap();
    }
    let listed = revocations(&store, 0, NOW);
    assert_eq!(listed[0].revoked, revoked[0]);
    let second = Revocation {
        sequence: 2,
        ..revocation(revoked[1].clone(), NOW + 1)
    };
    assert_eq!(listed[1], second);
    assert_eq!(revocations(&store, 1, NOW), std::slice::from_ref(&second));
    assert_eq!(revocations(&store, 0, NOW + 1_000), [second]);
    let later = revocation(revoked[0].clone(), NOW + 2_000);
    store
        .write(|records| records.add_revocation(&later))
        .unwrap();
    assert_eq!(revocations(&store, 0, 0).len(), 1, "expired ones are gone");
    let bounds = store.read(|records| records.revocation_bounds()).unwrap();
    assert_eq!((bounds.last_sequence, bounds.floor), (3, 0));
}

#[test]
fn too_many_revocations_raise_the_floor() {
    let store = store();
    let fill = |records: &dyn Records| {
        (0..REVOCATIONS_MAX + 2).try_for_each(|number| {
            let revoked = Revoked::Session(number.to_string());
            records.add_revocation(&Revocation {
                expires_at: u64::MAX,
                ..revocation(revoked, NOW + number)
            })
        })
    };
    store.write(fill).unwrap();
    let bounds = store.read(|records| records.revocation_bounds()).unwrap();
    assert_eq!(bounds.floor, NOW + 1, "the last one that was dropped");
    assert_eq!(bounds.last_sequence, REVOCATIONS_MAX + 2);
    assert_eq!(revocations(&store, 0, NOW)[0].sequence, 3);
}

#[test]
fn damaged_rows_are_a_fault_and_not_a_panic() {
    let store = store();
    add(&store, &somebody(1));
    let break_it = |statement: &str| {
        store
            .0
            .write::<_, mercato_sqlite::Error>(|connection| connection.execute(statement, &[]))
            .unwrap();
    };
    break_it("UPDATE users SET email = 'nowhere'");
    let result = store.read(|records| records.account(&id(1)));
    assert!(
        matches!(&result, Err(Error::Internal(cause)) if cause.contains("email")),
        "{result:?}"
    );
}

#[test]
fn what_may_pass_is_unavailable_and_the_rest_is_a_fault() {
    use mercato_sqlite::Error as Cause;
    for cause in [
        Cause::Busy("locked".to_owned()),
        Cause::Denied("auth".to_owned()),
        Cause::Full,
        Cause::Interrupted("interrupted: the statement took longer than 2000 ms".to_owned()),
    ] {
        assert!(
            matches!(Error::from(cause.clone()), Error::Unavailable(_)),
            "{cause}"
        );
    }
    for cause in [
        Cause::Constraint("x".to_owned()),
        Cause::Storage("no such table".to_owned()),
    ] {
        assert!(
            matches!(Error::from(cause.clone()), Error::Internal(_)),
            "{cause}"
        );
    }
}
