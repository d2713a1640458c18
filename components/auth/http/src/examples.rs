//! What requests to this adapter and its answers look like, for the OpenAPI document.

use auth::Error;
use auth::application::{Renewal, Session, TokenPair};
use auth::domain::{AccountId, AccountView, RefreshSecret, Role, SessionSummary};
use mercato_edge::examples::{Examples, OperationExamples, refusal};
use mercato_edge::story::{
    ADMIN_ID, CUSTOMER_EMAIL, CUSTOMER_ID, CUSTOMER_NAME, DAY_MS, LISTED_AT, LOGIN_ID, PHONE_ID,
    PLACED_AT, REGISTERED_AT,
};
use mercato_edge::{
    DEFAULT_PAGE_LIMIT, Fields, Method, PageInfo, PageRequest, Problem, QueryString, paged,
};
use serde_json::json;

use crate::body::{
    AccountChanges, Credentials, PasswordChange, ProfileChanges, RefreshRequest, Registration,
};
use crate::controllers::register::OWN_ACCOUNT;
use crate::problems::{password_problem, problem};
use crate::resource::{self, AccountResource};

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
        .with(list_sessions()?)
        .with(end_session())
        .with(list_accounts()?)
        .with(get_account()?)
        .with(update_account()?))
}

fn register() -> Result<OperationExamples, Problem> {
    let body = json!({"name": CUSTOMER_NAME, "email": CUSTOMER_EMAIL, "password": PASSWORD});
    let wrong = Fields::parse(br#"{"name": "Ada", "email": "ada@example.com", "role": "admin"}"#)
        .and_then(|fields| Registration::read(fields).check(|_| Vec::new()));
    let opened = resource::session(&session()?)?.created(OWN_ACCOUNT);
    Ok(of(Method::POST, "/api/v1/auth/register")
        .request("customer", "A customer", body)
        .answer("customer", "The account and its first session", &opened)
        .problem(&refusal(wrong))
        .problem(&problem(Error::EmailTaken))
        .problem(&problem(Error::TooManyAttempts(PAUSE_SECONDS))))
}

fn log_in() -> Result<OperationExamples, Problem> {
    let wrong = Fields::parse(br#"{"email": "ada@example.com"}"#).and_then(Credentials::read);
    Ok(of(Method::POST, "/api/v1/auth/login")
        .request(
            "customer",
            "A customer",
            json!({"email": CUSTOMER_EMAIL, "password": PASSWORD}),
        )
        .answer(
            "customer",
            "A new session",
            &resource::session(&session()?)?,
        )
        .problem(&refusal(wrong))
        .problem(&problem(Error::InvalidCredentials))
        .problem(&problem(Error::TooManyAttempts(PAUSE_SECONDS))))
}

fn refresh() -> Result<OperationExamples, Problem> {
    let wrong = Fields::parse(b"{}").and_then(RefreshRequest::read);
    Ok(of(Method::POST, "/api/v1/auth/refresh")
        .request(
            "token",
            "The last one",
            json!({"refreshToken": REFRESH_TOKEN}),
        )
        .answer(
            "tokens",
            "The next tokens",
            &resource::session(&session()?)?,
        )
        .problem(&refusal(wrong))
        .problem(&problem(Error::InvalidRefreshToken)))
}

fn log_out() -> OperationExamples {
    let wrong = Fields::parse(b"{}").and_then(RefreshRequest::read);
    of(Method::POST, "/api/v1/auth/logout")
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
    Ok(of(Method::GET, "/api/v1/auth/verify")
        .answer("customer", "A valid token", &resource::renewal(&renewal)?)
        .problem(&problem(Error::SessionEnded)))
}

fn change_password() -> Result<OperationExamples, Problem> {
    let wrong = Fields::parse(br#"{"newPassword": "Engine-No-2"}"#).and_then(PasswordChange::read);
    let body = json!({"currentPassword": PASSWORD, "newPassword": NEW_PASSWORD});
    Ok(of(Method::POST, "/api/v1/auth/password")
        .request("new", "Another password", body)
        .answer(
            "session",
            "The only session",
            &resource::session(&session()?)?,
        )
        .problem(&refusal(wrong))
        .problem(&password_problem(Error::InvalidCredentials))
        .problem(&password_problem(Error::SessionEnded))
        .problem(&password_problem(Error::TooManyAttempts(PAUSE_SECONDS))))
}

fn show_profile() -> Result<OperationExamples, Problem> {
    Ok(of(Method::GET, "/api/v1/auth/me").answer(
        "customer",
        "A customer's account",
        &resource::profile(&customer()?)?,
    ))
}

fn update_profile() -> Result<OperationExamples, Problem> {
    let wrong = Fields::parse(br#"{"name": 5}"#).and_then(ProfileChanges::read);
    let renamed = AccountView {
        name: "Ada King".to_owned(),
        updated_at: PLACED_AT + DAY_MS,
        version: 2,
        ..customer()?
    };
    let examples = of(Method::PATCH, "/api/v1/auth/me")
        .request("name", "Another name", json!({"name": "Ada King"}))
        .request(
            "email",
            "Another address",
            json!({"email": "ada.king@example.com", "currentPassword": PASSWORD}),
        )
        .answer(
            "renamed",
            "With another name",
            &resource::profile(&renamed)?,
        )
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

fn list_sessions() -> Result<OperationExamples, Problem> {
    let opened = |id: &str, created_at| SessionSummary {
        id: id.to_owned(),
        created_at,
        refreshed_at: created_at,
        expires_at: created_at + REFRESH_TOKEN_MS,
    };
    let sessions = [
        opened(PHONE_ID, REGISTERED_AT + 100_000),
        opened(LOGIN_ID, REGISTERED_AT),
    ];
    Ok(of(Method::GET, "/api/v1/auth/sessions").answer(
        "two",
        "Here and on a telephone",
        &resource::sessions(&sessions, Some(LOGIN_ID))?,
    ))
}

fn end_session() -> OperationExamples {
    let pattern = "/api/v1/auth/sessions/{id}";
    OperationExamples::of(Method::DELETE, pattern, &[("id", PHONE_ID)])
        .problem(&problem(Error::SessionNotFound))
}

fn list_accounts() -> Result<OperationExamples, Problem> {
    let users = [admin()?, customer()?];
    let accounts: Vec<_> = users.iter().map(AccountResource::new).collect();
    let info = PageInfo {
        total: users.len() as u64,
        total_is_exact: true,
        page: 1,
        next: None,
    };
    let answer = paged(&accounts, info, DEFAULT_PAGE_LIMIT)?;
    Ok(of(Method::GET, "/api/v1/auth/users")
        .answer("all", "An admin and a customer", &answer)
        .problem(&refusal(pages("limit=500"))))
}

fn pages(query: &str) -> Result<PageRequest, Problem> {
    let mut query = QueryString::parse(query);
    let page = query.page();
    query.finish().map(|()| page)
}

fn get_account() -> Result<OperationExamples, Problem> {
    let pattern = "/api/v1/auth/users/{id}";
    Ok(
        OperationExamples::of(Method::GET, pattern, &[("id", CUSTOMER_ID)])
            .answer("customer", "A customer", &resource::account(&customer()?)?)
            .problem(&problem(Error::NotFound)),
    )
}

fn update_account() -> Result<OperationExamples, Problem> {
    let pattern = "/api/v1/auth/users/{id}";
    let wrong = Fields::parse(br#"{"role": "owner"}"#).and_then(AccountChanges::read);
    let disabled = AccountView {
        disabled: true,
        updated_at: PLACED_AT + DAY_MS,
        version: 2,
        ..customer()?
    };
    let examples = OperationExamples::of(Method::PATCH, pattern, &[("id", CUSTOMER_ID)])
        .request("disable", "Disable", json!({"disabled": true}))
        .request("role", "Make an admin", json!({"role": "admin"}))
        .answer("disabled", "Disabled", &resource::account(&disabled)?)
        .problem(&refusal(wrong));
    let refused = [Error::NotFound, Error::LastAdmin, Error::VersionMismatch];
    Ok(examples.problems(refused.map(problem)))
}

fn of(method: Method, pattern: &'static str) -> OperationExamples {
    OperationExamples::of(method, pattern, &[])
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
