//! What requests to this adapter and its answers look like, for the OpenAPI document.

use auth::Error;
use auth::application::commands::replace_addresses;
use auth::application::{Renewal, Session, TokenPair};
use auth::domain::{
    AccountId, AccountView, AddressBook, AddressBookView, RefreshSecret, Role, SessionId,
    SessionSummary,
};
use mercato_edge::examples::{
    Examples, OperationExamples, from_json, from_query, only_page, refusal,
};
use mercato_edge::story::{
    ADMIN_ID, CUSTOMER_EMAIL, CUSTOMER_ID, CUSTOMER_NAME, DAY_MS, LISTED_AT, LOGIN_ID, PHONE_ID,
    PLACED_AT, REGISTERED_AT,
};
use mercato_edge::{Created, Json, Paged, Problem, Secret};
use serde_json::{Value, json};

use crate::addresses::{self, AddressBookBody};
use crate::body::{
    AccountChangesBody, Credentials, PasswordChange, ProfileChanges, RefreshRequest, Registration,
};
use crate::change_password::CHANGE_PASSWORD;
use crate::end_session::END_SESSION;
use crate::find_account::FIND_ACCOUNT;
use crate::list_accounts::{AccountsQuery, LIST_ACCOUNTS};
use crate::list_sessions::LIST_SESSIONS;
use crate::login::LOGIN;
use crate::logout::LOGOUT;
use crate::problems::{password_problem, problem};
use crate::refresh::REFRESH;
use crate::register::{OWN_ACCOUNT, REGISTER};
use crate::replace_addresses::REPLACE_ADDRESSES;
use crate::resource::{
    AccountResource, ProfileResource, RenewalResource, SessionList, opened, tagged,
};
use crate::show_addresses::SHOW_ADDRESSES;
use crate::show_profile::SHOW_PROFILE;
use crate::update_account::UPDATE_ACCOUNT;
use crate::update_profile::UPDATE_PROFILE;
use crate::verify::VERIFY;

/// The password of the customer.
const PASSWORD: &str = "Engine-No-1";

/// The password that takes its place.
const NEW_PASSWORD: &str = "Engine-No-2";

/// An access token, in shape.
const ACCESS_TOKEN: &str =
    "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiIsImtpZCI6IjdkMWYwYzViMmE0OWU4ZDMifQ.e30.c2ln";

/// A refresh token, in shape.
const REFRESH_TOKEN: &str = "7d1f0c5b2a49e8d3b6a7c0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5";

/// Lifetime of an access token, in seconds; the default of the domain.
const ACCESS_TOKEN_SECONDS: u64 = 900;

/// How long a refresh token lives, in milliseconds; the default of the domain.
const REFRESH_TOKEN_MS: u64 = 30 * DAY_MS;

/// Pause after too many wrong passwords, in seconds.
const PAUSE_SECONDS: u64 = 60;

/// The examples of all operations.
///
/// # Errors
/// What makes an answer fails, which the document's tests find out.
pub fn examples() -> Result<Examples, Problem> {
    Ok(Examples::default()
        .with(register()?)
        .with(log_in()?)
        .with(refresh()?)
        .with(log_out())
        .with(verify()?)
        .with(change_password()?)
        .with(show_profile()?)
        .with(update_profile()?)
        .with(show_addresses()?)
        .with(replace_addresses()?)
        .with(list_sessions()?)
        .with(end_session())
        .with(list_accounts()?)
        .with(get_account()?)
        .with(update_account()?))
}

fn register() -> Result<OperationExamples, Problem> {
    let body = json!({"name": CUSTOMER_NAME, "email": CUSTOMER_EMAIL, "password": PASSWORD});
    let wrong = from_json::<Registration>(
        r#"{"name": "Ada", "email": "ada@example.com", "role": "admin"}"#,
    );
    let opened = Created {
        location: OWN_ACCOUNT.to_owned(),
        shown: opened(session()?),
    };
    Ok(REGISTER
        .examples(&[])
        .request("customer", "A customer", body)
        .answer("customer", "The account and its first session", opened)?
        .problem(&refusal(wrong))
        .problem(&problem(Error::EmailTaken))
        .problem(&problem(Error::TooManyAttempts(PAUSE_SECONDS)))
        .problem(&Problem::timeout()))
}

fn log_in() -> Result<OperationExamples, Problem> {
    let wrong = from_json::<Credentials>(r#"{"email": "ada@example.com"}"#);
    Ok(LOGIN
        .examples(&[])
        .request(
            "customer",
            "A customer",
            json!({"email": CUSTOMER_EMAIL, "password": PASSWORD}),
        )
        .answer("customer", "A new session", opened(session()?))?
        .problem(&refusal(wrong))
        .problem(&problem(Error::InvalidCredentials))
        .problem(&problem(Error::TooManyAttempts(PAUSE_SECONDS)))
        .problem(&Problem::timeout()))
}

fn refresh() -> Result<OperationExamples, Problem> {
    let wrong = from_json::<RefreshRequest>("{}");
    Ok(REFRESH
        .examples(&[])
        .request(
            "token",
            "The last one",
            json!({"refreshToken": REFRESH_TOKEN}),
        )
        .answer("tokens", "The next tokens", opened(session()?))?
        .problem(&refusal(wrong))
        .problem(&problem(Error::InvalidRefreshToken)))
}

fn log_out() -> OperationExamples {
    let wrong = from_json::<RefreshRequest>("{}");
    LOGOUT
        .examples(&[])
        .request(
            "token",
            "The last one",
            json!({"refreshToken": REFRESH_TOKEN}),
        )
        .problem(&refusal(wrong))
}

fn verify() -> Result<OperationExamples, Problem> {
    let renewal = Renewal {
        account: customer()?,
        access_token: ACCESS_TOKEN.to_owned(),
        expires_in: ACCESS_TOKEN_SECONDS,
    };
    Ok(VERIFY
        .examples(&[])
        .answer(
            "customer",
            "A valid token",
            Secret(Json(RenewalResource::from(renewal))),
        )?
        .problem(&problem(Error::SessionEnded)))
}

fn change_password() -> Result<OperationExamples, Problem> {
    let wrong = from_json::<PasswordChange>(r#"{"newPassword": "Engine-No-2"}"#);
    let body = json!({"currentPassword": PASSWORD, "newPassword": NEW_PASSWORD});
    Ok(CHANGE_PASSWORD
        .examples(&[])
        .request("new", "Another password", body)
        .answer("session", "The only session", opened(session()?))?
        .problem(&refusal(wrong))
        .problem(&password_problem(Error::InvalidCredentials))
        .problem(&password_problem(Error::SessionEnded))
        .problem(&password_problem(Error::TooManyAttempts(PAUSE_SECONDS))))
}

fn show_profile() -> Result<OperationExamples, Problem> {
    let shown = tagged::<ProfileResource>(customer()?);
    SHOW_PROFILE
        .examples(&[])
        .answer("customer", "A customer's account", shown)
}

fn update_profile() -> Result<OperationExamples, Problem> {
    let wrong = from_json::<ProfileChanges>(r#"{"name": 5}"#);
    let renamed = AccountView {
        name: "Ada King".to_owned(),
        updated_at: PLACED_AT + DAY_MS,
        version: 2,
        ..customer()?
    };
    let examples = UPDATE_PROFILE
        .examples(&[])
        .request("name", "Another name", json!({"name": "Ada King"}))
        .request(
            "email",
            "Another address",
            json!({"email": "ada.king@example.com", "currentPassword": PASSWORD}),
        )
        .answer(
            "renamed",
            "With another name",
            tagged::<ProfileResource>(renamed),
        )?
        .problem(&refusal(wrong));
    let refused = [
        Error::InvalidCredentials,
        Error::SessionEnded,
        Error::PasswordRequired,
        Error::EmailTaken,
        Error::VersionMismatch,
        Error::TooManyAttempts(PAUSE_SECONDS),
    ];
    Ok(examples.problems(refused.map(password_problem)))
}

fn show_addresses() -> Result<OperationExamples, Problem> {
    SHOW_ADDRESSES.examples(&[]).answer(
        "two",
        "At home and at work",
        addresses::tagged(address_book()?),
    )
}

fn replace_addresses() -> Result<OperationExamples, Problem> {
    let wrong: AddressBookBody = from_json(
        r#"{"addresses": [{"name": "Ada", "line1": "Ring 1", "postalCode": "ten", "city": "Wien", "country": "AT"}]}"#,
    )?;
    let wrong = Error::Invalid(replace_addresses::check(&wrong.drafts()));
    Ok(REPLACE_ADDRESSES
        .examples(&[])
        .request("two", "At home and at work", address_document())
        .answer("two", "The same", addresses::tagged(address_book()?))?
        .problem(&problem(wrong))
        .problem(&problem(Error::VersionMismatch)))
}

/// What the customer sends.
fn address_document() -> Value {
    json!({"addresses": [
        {
            "label": "Home", "name": CUSTOMER_NAME, "line1": "Ring 1", "postalCode": "1010", "city": "Wien", "country": "AT",
            "isDefaultShipping": true
        },
        {
            "label": "Work", "name": CUSTOMER_NAME, "company": "Analytical Engines", "line1": "Mariahilfer Strasse 2",
            "postalCode": "1060", "city": "Wien", "country": "AT", "phone": "+43 1 234567", "isDefaultBilling": true
        }
    ]})
}

/// What is made of it.
fn address_book() -> Result<AddressBookView, Problem> {
    let body: AddressBookBody = from_json(&address_document().to_string())?;
    let book = AddressBook::parse(&body.drafts()).map_err(Problem::validation)?;
    Ok(AddressBookView { book, version: 1 })
}

fn list_sessions() -> Result<OperationExamples, Problem> {
    let opened = |id, created_at| SessionSummary {
        id,
        created_at,
        refreshed_at: created_at,
        expires_at: created_at + REFRESH_TOKEN_MS,
    };
    let own = session_id(LOGIN_ID)?;
    let sessions = vec![
        opened(session_id(PHONE_ID)?, REGISTERED_AT + 100_000),
        opened(own, REGISTERED_AT),
    ];
    let shown = Json(SessionList::new(sessions, Some(own)));
    LIST_SESSIONS
        .examples(&[])
        .answer("two", "Here and on a telephone", shown)
}

fn end_session() -> OperationExamples {
    END_SESSION
        .examples(&[("id", PHONE_ID)])
        .problem(&problem(Error::SessionNotFound))
}

fn list_accounts() -> Result<OperationExamples, Problem> {
    let page = only_page(vec![admin()?, customer()?]);
    let shown = Paged::of(page, |account| Ok(AccountResource::from(account)))?;
    let wrong = from_query::<AccountsQuery>("limit=500");
    Ok(LIST_ACCOUNTS
        .examples(&[])
        .answer("all", "An admin and a customer", shown)?
        .problem(&refusal(wrong)))
}

fn get_account() -> Result<OperationExamples, Problem> {
    let shown = tagged::<AccountResource>(customer()?);
    Ok(FIND_ACCOUNT
        .examples(&[("id", CUSTOMER_ID)])
        .answer("customer", "A customer", shown)?
        .problem(&problem(Error::NotFound)))
}

fn update_account() -> Result<OperationExamples, Problem> {
    let wrong = from_json::<AccountChangesBody>(r#"{"role": "owner"}"#);
    let disabled = AccountView {
        disabled: true,
        updated_at: PLACED_AT + DAY_MS,
        version: 2,
        ..customer()?
    };
    let examples = UPDATE_ACCOUNT
        .examples(&[("id", CUSTOMER_ID)])
        .request("disable", "Disable", json!({"disabled": true}))
        .request("role", "Make an admin", json!({"role": "admin"}))
        .answer("disabled", "Disabled", tagged::<AccountResource>(disabled))?
        .problem(&refusal(wrong));
    let refused = [Error::NotFound, Error::LastAdmin, Error::VersionMismatch];
    Ok(examples.problems(refused.map(problem)))
}

fn customer() -> Result<AccountView, Problem> {
    Ok(AccountView {
        id: account_id(CUSTOMER_ID)?,
        name: CUSTOMER_NAME.to_owned(),
        email: CUSTOMER_EMAIL.to_owned(),
        role: Role::Customer,
        disabled: false,
        created_at: REGISTERED_AT,
        updated_at: REGISTERED_AT,
        version: 1,
    })
}

fn admin() -> Result<AccountView, Problem> {
    Ok(AccountView {
        id: account_id(ADMIN_ID)?,
        name: "Admin".to_owned(),
        email: "admin@example.com".to_owned(),
        role: Role::Admin,
        created_at: LISTED_AT - 10 * DAY_MS,
        updated_at: LISTED_AT - 10 * DAY_MS,
        ..customer()?
    })
}

fn account_id(text: &str) -> Result<AccountId, Problem> {
    AccountId::parse(text).map_err(|_| Problem::internal())
}

fn session_id(text: &str) -> Result<SessionId, Problem> {
    SessionId::parse(text).map_err(|_| Problem::internal())
}

fn session() -> Result<Session, Problem> {
    Ok(Session {
        account: customer()?,
        tokens: TokenPair {
            access_token: ACCESS_TOKEN.to_owned(),
            refresh_token: RefreshSecret::new(REFRESH_TOKEN.to_owned()),
            expires_in: ACCESS_TOKEN_SECONDS,
        },
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_example_is_of_what_is_described() {
        let document = mercato_edge::openapi::document(crate::ROUTES, super::examples().unwrap());
        assert_eq!(document.err(), None);
    }
}
