//! The use cases on what the component really uses: SQLite, bcrypt, randomness and the clock.

use mercato_tokens::Role;

use super::*;
use crate::application::commands::{
    ChangePassword, Login, Register, UpdateAccount, UpdateProfile, change_password, login, logout,
    register, update_account, update_profile,
};
use crate::application::queries::{ListUsers, list_users};
use crate::application::testing::{bearer_of, refresh_from_anywhere as refresh};
use crate::application::{Error, Session};
use crate::domain::AccountChanges;
use crate::ports::Store;

const PASSWORD: &str = "Correct-H0rse";
const NEW_PASSWORD: &str = "An0ther-Password";

fn service_with(admin_email: &str, admin_password: &str) -> Service {
    let variables = Variables {
        jwt_secret: "a secret of forty bytes, for tests only.".to_owned(),
        access_token_ttl: "900".to_owned(),
        refresh_token_ttl: "86400".to_owned(),
        bcrypt_cost: "4".to_owned(),
        admin_email: admin_email.to_owned(),
        admin_password: admin_password.to_owned(),
        ..Variables::default()
    };
    open(
        Settings::parse(variables).unwrap(),
        SqliteStore::in_memory(),
    )
    .unwrap()
}

fn registered(service: &Service, email: &str) -> Session {
    let (name, email, password) = ("Somebody".to_owned(), email.to_owned(), PASSWORD.to_owned());
    register(
        service,
        Register {
            name,
            email,
            password,
            client: None,
        },
        None,
    )
    .unwrap()
}

fn log_in(service: &Service, email: &str, password: &str) -> Result<Session, Error> {
    login(
        service,
        Login {
            email: email.to_owned(),
            password: password.to_owned(),
            client: None,
        },
        None,
    )
}

fn accounts(service: &Service) -> u64 {
    let query = ListUsers {
        page: 1,
        limit: 1,
        after: None,
        email: None,
    };
    list_users(service, query).unwrap().total.entries
}

#[test]
fn a_session_is_opened_rotated_and_ended() {
    let service = service_with("", "");
    let first = registered(&service, "ada@example.com");
    let claims = service
        .keys
        .verify(&first.tokens.access_token, service.clock.now_seconds())
        .unwrap();
    assert_eq!(
        (claims.sub.as_str(), claims.role),
        (first.account.id.as_str(), Role::Customer)
    );

    let second = refresh(&service, &first.tokens.refresh_token).unwrap();
    assert_eq!(second.account, first.account);
    logout(&service, &second.tokens.refresh_token).unwrap();
    let refused = refresh(&service, &second.tokens.refresh_token);
    assert_eq!(refused.unwrap_err(), Error::InvalidRefreshToken);
}

#[test]
fn the_end_of_a_family_outlives_the_refusal_that_caused_it() {
    let service = service_with("", "");
    let stolen = registered(&service, "ada@example.com").tokens.refresh_token;
    let newest = refresh(&service, &stolen).unwrap().tokens.refresh_token;
    assert_eq!(
        refresh(&service, &stolen).unwrap_err(),
        Error::InvalidRefreshToken
    );
    assert_eq!(
        refresh(&service, &newest).unwrap_err(),
        Error::InvalidRefreshToken
    );
    assert!(log_in(&service, "ada@example.com", PASSWORD).is_ok());
}

#[test]
fn profile_password_and_state_of_an_account_change() {
    let service = service_with("", "");
    let session = registered(&service, "ada@example.com");
    let user_id = session.account.id.as_str().to_owned();

    let email = Some("countess@example.com".to_owned());
    let profile = UpdateProfile {
        bearer: bearer_of(&user_id),
        name: None,
        email,
        current_password: Some(PASSWORD.to_owned()),
        expected_version: Some(1),
        client: None,
    };
    assert_eq!(update_profile(&service, profile, None).unwrap().version, 2);

    let (current, new) = (PASSWORD.to_owned(), NEW_PASSWORD.to_owned());
    change_password(
        &service,
        ChangePassword {
            bearer: bearer_of(&user_id),
            current,
            new,
            client: None,
        },
        None,
    )
    .unwrap();
    assert_eq!(
        refresh(&service, &session.tokens.refresh_token).unwrap_err(),
        Error::InvalidRefreshToken
    );
    assert_eq!(
        log_in(&service, "countess@example.com", PASSWORD).unwrap_err(),
        Error::InvalidCredentials
    );
    assert!(log_in(&service, "countess@example.com", NEW_PASSWORD).is_ok());

    let changes = AccountChanges {
        role: None,
        disabled: Some(true),
    };
    let disabled = update_account(
        &service,
        UpdateAccount {
            user_id,
            changes,
            expected_version: Some(3),
        },
    );
    assert!(disabled.unwrap().disabled);
    assert_eq!(
        log_in(&service, "countess@example.com", NEW_PASSWORD).unwrap_err(),
        Error::InvalidCredentials
    );
}

#[test]
fn a_taken_address_leaves_nothing_behind() {
    let service = service_with("", "");
    registered(&service, "ada@example.com");
    registered(&service, "grace@example.com");
    let (name, email, password) = (
        "Twin".to_owned(),
        "Ada@example.com".to_owned(),
        PASSWORD.to_owned(),
    );
    assert_eq!(
        register(
            &service,
            Register {
                name,
                email,
                password,
                client: None,
            },
            None,
        )
        .unwrap_err(),
        Error::EmailTaken
    );
    assert_eq!(accounts(&service), 2);
}

#[test]
fn the_first_admin_is_there_when_the_shop_opens_and_is_the_last_to_go() {
    let service = service_with("Root@example.com", PASSWORD);
    let admin = log_in(&service, "root@example.com", PASSWORD)
        .unwrap()
        .account;
    assert_eq!((admin.role, accounts(&service)), (Role::Admin, 1));

    let user_id = admin.id.as_str().to_owned();
    let changes = AccountChanges {
        role: Some(Role::Customer),
        disabled: None,
    };
    let refused = update_account(
        &service,
        UpdateAccount {
            user_id,
            changes,
            expected_version: None,
        },
    );
    assert_eq!(refused.unwrap_err(), Error::LastAdmin);
    assert!(service.store.read(|records| records.has_admin()).unwrap());
}

#[test]
fn the_shop_opens_without_an_admin_when_the_variables_are_unusable() {
    for (email, password) in [
        ("", ""),
        ("root@example.com", ""),
        ("", PASSWORD),
        ("root", PASSWORD),
        ("root@example.com", "weak"),
    ] {
        let service = service_with(email, password);
        assert_eq!(accounts(&service), 0, "{email} {password}");
        registered(&service, "ada@example.com");
    }
}
