//! The use cases on what the component really uses: SQLite, bcrypt, randomness and the clock.

use mercato_kernel::PageRequest;

use super::*;
use crate::application::Session;
use crate::application::commands::{
    agree_on_key, change_password, login, logout, register, update_account, update_profile,
};
use crate::application::queries::accounts;
use crate::application::testing::{caller_of, refresh_from_anywhere as refresh};
use crate::domain::{AccountChanges, Role};

const PASSWORD: &str = "Correct-H0rse";
const NEW_PASSWORD: &str = "An0ther-Password";

fn instance_with(admin_email: &str, admin_password: &str) -> Ports {
    let variables = Variables {
        jwt_secret: "a secret of forty bytes, for tests only.".to_owned(),
        access_token_ttl: "900".to_owned(),
        refresh_token_ttl: "86400".to_owned(),
        bcrypt_cost: "4".to_owned(),
        admin_email: admin_email.to_owned(),
        admin_password: admin_password.to_owned(),
        ..Variables::default()
    };
    open(Settings::parse(variables).unwrap(), Store::for_test()).unwrap()
}

fn registered(instance: &Ports, email: &str) -> Session {
    let (name, email, password) = ("Somebody".to_owned(), email.to_owned(), PASSWORD.to_owned());
    let command = register::Command {
        name,
        email,
        password,
        client: None,
    };
    register::attempt(instance, &command, None).unwrap()
}

fn log_in(instance: &Ports, email: &str, password: &str) -> Result<Session, Error> {
    let command = login::Command {
        email: email.to_owned(),
        password: password.to_owned(),
        client: None,
    };
    login::attempt(instance, &command, None)
}

fn count_accounts(instance: &Ports) -> u64 {
    let request = PageRequest {
        page: 1,
        limit: 1,
        after: None,
    };
    let page = accounts::list(instance, &request, None);
    page.unwrap().total.entries
}

#[test]
fn a_session_is_opened_rotated_and_ended() {
    let instance = instance_with("", "");
    let first = registered(&instance, "ada@example.com");
    let claims = instance
        .keys
        .verify(&first.tokens.access_token, instance.clock.now_seconds())
        .unwrap();
    assert_eq!(
        (claims.sub, claims.role),
        (first.account.id.to_string(), Role::Customer)
    );

    let second = refresh(&instance, &first.tokens.refresh_token).unwrap();
    assert_eq!(second.account, first.account);
    let presented = second.tokens.refresh_token.clone();
    logout::handle(&instance, logout::Command { presented }).unwrap();
    let refused = refresh(&instance, &second.tokens.refresh_token);
    assert_eq!(refused.unwrap_err(), Error::InvalidRefreshToken);
}

#[test]
fn the_end_of_a_session_outlives_the_refusal_that_caused_it() {
    let instance = instance_with("", "");
    let stolen = registered(&instance, "ada@example.com")
        .tokens
        .refresh_token;
    let newest = refresh(&instance, &stolen).unwrap().tokens.refresh_token;
    assert_eq!(
        refresh(&instance, &stolen).unwrap_err(),
        Error::InvalidRefreshToken
    );
    assert_eq!(
        refresh(&instance, &newest).unwrap_err(),
        Error::InvalidRefreshToken
    );
    assert!(log_in(&instance, "ada@example.com", PASSWORD).is_ok());
}

#[test]
fn profile_password_and_state_of_an_account_change() {
    let instance = instance_with("", "");
    let session = registered(&instance, "ada@example.com");
    let account = session.account.id;

    let email = Some("countess@example.com".to_owned());
    let profile = update_profile::Command {
        caller: caller_of(account),
        name: None,
        email,
        current_password: Some(PASSWORD.to_owned()),
        expected_version: Some(1),
        client: None,
    };
    let changed = update_profile::attempt(&instance, &profile, None).unwrap();
    assert_eq!(changed.version(), 2);

    let (current, new) = (PASSWORD.to_owned(), NEW_PASSWORD.to_owned());
    let command = change_password::Command {
        caller: caller_of(account),
        current,
        new,
        client: None,
    };
    change_password::attempt(&instance, &command, None).unwrap();
    assert_eq!(
        refresh(&instance, &session.tokens.refresh_token).unwrap_err(),
        Error::InvalidRefreshToken
    );
    assert_eq!(
        log_in(&instance, "countess@example.com", PASSWORD).unwrap_err(),
        Error::InvalidCredentials
    );
    assert!(log_in(&instance, "countess@example.com", NEW_PASSWORD).is_ok());

    let changes = AccountChanges {
        role: None,
        disabled: Some(true),
    };
    let disabled = update_account::handle(
        &instance,
        update_account::Command {
            account,
            changes,
            expected_version: Some(3),
        },
    );
    assert!(disabled.unwrap().disabled);
    assert_eq!(
        log_in(&instance, "countess@example.com", NEW_PASSWORD).unwrap_err(),
        Error::InvalidCredentials
    );
}

#[test]
fn a_taken_address_leaves_nothing_behind() {
    let instance = instance_with("", "");
    registered(&instance, "ada@example.com");
    registered(&instance, "grace@example.com");
    let (name, email, password) = (
        "Twin".to_owned(),
        "Ada@example.com".to_owned(),
        PASSWORD.to_owned(),
    );
    let command = register::Command {
        name,
        email,
        password,
        client: None,
    };
    let refused = register::attempt(&instance, &command, None);
    assert_eq!(refused.unwrap_err(), Error::EmailTaken);
    assert_eq!(count_accounts(&instance), 2);
}

#[test]
fn the_first_admin_is_there_at_the_start_and_last_to_go() {
    let instance = instance_with("Root@example.com", PASSWORD);
    let admin = log_in(&instance, "root@example.com", PASSWORD)
        .unwrap()
        .account;
    assert_eq!((admin.role, count_accounts(&instance)), (Role::Admin, 1));

    let account = admin.id;
    let changes = AccountChanges {
        role: Some(Role::Customer),
        disabled: None,
    };
    let refused = update_account::handle(
        &instance,
        update_account::Command {
            account,
            changes,
            expected_version: None,
        },
    );
    assert_eq!(refused.unwrap_err(), Error::LastAdmin);
    assert_eq!(agree_on_key::handle(&instance), Ok(()));
    assert!(instance.store.read(|records| records.has_admin()).unwrap());
}

#[test]
fn unusable_variables_make_no_admin() {
    for (email, password) in [
        ("", ""),
        ("root@example.com", ""),
        ("", PASSWORD),
        ("root", PASSWORD),
        ("root@example.com", "weak"),
    ] {
        let instance = instance_with(email, password);
        assert_eq!(count_accounts(&instance), 0, "{email} {password}");
        registered(&instance, "ada@example.com");
    }
}
