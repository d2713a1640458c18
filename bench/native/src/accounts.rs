//! Accounts, sessions and tokens.

use std::sync::Arc;

use anyhow::{Context as _, anyhow};
use axum::{
    Json,
    extract::{FromRequestParts, State},
    http::{StatusCode, header, request::Parts},
};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use rusqlite::{Connection, OptionalExtension as _};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::{
    Shared, Shop,
    database::statement,
    problem::Problem,
    values::{Time, hex, new_id},
};

/// As in the shop.
const BCRYPT_COST: u32 = 12;
const ACCESS_TOKEN_SECONDS: i64 = 900;
const REFRESH_TOKEN_SECONDS: i64 = 2_592_000;
const REFRESH_TOKEN_BYTES: usize = 32;

const INSERT_ACCOUNT: &str =
    "INSERT INTO accounts (id, email, name, role, password_hash, created_at)
VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (email) DO NOTHING";

const SELECT_ACCOUNT: &str = "SELECT id, email, name, role, password_hash
FROM accounts
WHERE email = ?";

const INSERT_SESSION: &str =
    "INSERT INTO sessions (id, account_id, refresh_token_hash, created_at, expires_at)
VALUES (?, ?, ?, ?, ?)";

/// What access tokens are signed and verified with.
pub struct Keys {
    encoding: EncodingKey,
    decoding: DecodingKey,
    validation: Validation,
}

impl Keys {
    /// The keys of that secret.
    pub fn new(secret: &str) -> Self {
        Self {
            encoding: EncodingKey::from_secret(secret.as_bytes()),
            decoding: DecodingKey::from_secret(secret.as_bytes()),
            validation: Validation::new(Algorithm::HS256),
        }
    }
}

/// What an access token says.
#[derive(Debug, Serialize, Deserialize)]
struct Claims {
    sub: Uuid,
    sid: Uuid,
    role: String,
    iat: i64,
    exp: i64,
}

/// Who sends a request, by its access token.
#[derive(Debug)]
pub struct Caller {
    /// The account.
    pub id: Uuid,
    role: String,
}

impl Caller {
    /// Refuses everybody else.
    pub fn must_be_admin(&self) -> Result<(), Problem> {
        let problem = || Problem::new(StatusCode::FORBIDDEN, "This is for admins.");
        (self.role == "admin").then_some(()).ok_or_else(problem)
    }
}

impl FromRequestParts<Arc<Shop>> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, shop: &Arc<Shop>) -> Result<Self, Problem> {
        let header = parts.headers.get(header::AUTHORIZATION);
        let token = header
            .and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "))
            .ok_or_else(Problem::unauthorized)?;
        let keys = &shop.keys;
        let token = jsonwebtoken::decode::<Claims>(token, &keys.decoding, &keys.validation)
            .map_err(|_| Problem::unauthorized())?;
        Ok(Self {
            id: token.claims.sub,
            role: token.claims.role,
        })
    }
}

/// Who opens an account.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Registration {
    name: String,
    email: String,
    password: String,
}

/// Who logs in.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Credentials {
    email: String,
    password: String,
}

#[derive(Debug, Serialize)]
struct Account {
    id: Uuid,
    name: String,
    email: String,
    role: String,
}

/// A new session, as it is answered.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Session {
    user: Account,
    access_token: String,
    token: String,
    token_type: &'static str,
    expires_in: i64,
    refresh_token: String,
}

/// `POST /auth/register`
pub async fn register(
    State(shop): Shared,
    Json(registration): Json<Registration>,
) -> Result<(StatusCode, Json<Session>), Problem> {
    let account = Account {
        id: new_id(),
        name: registration.name,
        email: registration.email.to_lowercase(),
        role: "customer".to_owned(),
    };
    let account = insert(&shop, account, registration.password).await?;
    let taken = || Problem::new(StatusCode::CONFLICT, "That address has an account.");
    let session = open_session(&shop, account.ok_or_else(taken)?).await?;
    Ok((StatusCode::CREATED, Json(session)))
}

/// `POST /auth/login`
pub async fn log_in(
    State(shop): Shared,
    Json(credentials): Json<Credentials>,
) -> Result<Json<Session>, Problem> {
    let email = credentials.email.to_lowercase();
    let found = shop
        .database
        .read(|connection| select(connection, &email))?;
    let (account, hash) = found.ok_or_else(Problem::unauthorized)?;
    let verify = move || bcrypt::verify(credentials.password, &hash);
    if !hashing(&shop, verify).await? {
        return Err(Problem::unauthorized());
    }
    Ok(Json(open_session(&shop, account).await?))
}

/// Makes the first admin.
///
/// # Errors
/// When the database fails.
pub async fn ensure_admin(shop: &Shop, email: String, password: String) -> anyhow::Result<()> {
    let account = Account {
        id: new_id(),
        name: "Admin".to_owned(),
        email: email.to_lowercase(),
        role: "admin".to_owned(),
    };
    match insert(shop, account, password).await {
        Ok(_) => Ok(()),
        Err(problem) => Err(anyhow!("{problem:?}")),
    }
}

/// Gives nothing when the address is taken.
async fn insert(
    shop: &Shop,
    account: Account,
    password: String,
) -> Result<Option<Account>, Problem> {
    let hash = hashing(shop, move || bcrypt::hash(password, BCRYPT_COST)).await?;
    let write = move |connection: &Connection| {
        let values = (
            account.id,
            &account.email,
            &account.name,
            &account.role,
            hash,
            Time::now().0,
        );
        let inserted = statement(connection, INSERT_ACCOUNT)?.execute(values)?;
        Ok((inserted == 1).then_some(account))
    };
    shop.database.write(write).await
}

fn select(connection: &Connection, email: &str) -> Result<Option<(Account, String)>, Problem> {
    let read = |row: &rusqlite::Row<'_>| {
        let account = Account {
            id: row.get(0)?,
            email: row.get(1)?,
            name: row.get(2)?,
            role: row.get(3)?,
        };
        Ok((account, row.get(4)?))
    };
    let account = statement(connection, SELECT_ACCOUNT)?
        .query_row([email], read)
        .optional()?;
    Ok(account)
}

/// Hashes on a thread of its own, one for each core at a time.
async fn hashing<T: Send + 'static>(
    shop: &Shop,
    work: impl FnOnce() -> bcrypt::BcryptResult<T> + Send + 'static,
) -> Result<T, Problem> {
    let _slot = shop.hashing.acquire().await.context("it is never closed")?;
    let result = tokio::task::spawn_blocking(work).await;
    Ok(result
        .context("hashing failed")?
        .context("hashing failed")?)
}

async fn open_session(shop: &Shop, account: Account) -> Result<Session, Problem> {
    let refresh_token = hex(&rand::random::<[u8; REFRESH_TOKEN_BYTES]>());
    let refresh_token_hash: [u8; 32] = Sha256::digest(&refresh_token).into();
    let (id, account_id, now) = (new_id(), account.id, Time::now());
    let write = move |connection: &Connection| {
        let expires_at = now.plus_seconds(REFRESH_TOKEN_SECONDS);
        let values = (id, account_id, refresh_token_hash, now.0, expires_at.0);
        statement(connection, INSERT_SESSION)?.execute(values)?;
        Ok(())
    };
    shop.database.write(write).await?;
    let seconds = now.0 / 1_000;
    let claims = Claims {
        sub: account.id,
        sid: id,
        role: account.role.clone(),
        iat: seconds,
        exp: seconds + ACCESS_TOKEN_SECONDS,
    };
    let token = jsonwebtoken::encode(&Header::default(), &claims, &shop.keys.encoding);
    let token = token.context("cannot sign a token")?;
    Ok(Session {
        user: account,
        access_token: token.clone(),
        token,
        token_type: "Bearer",
        expires_in: ACCESS_TOKEN_SECONDS,
        refresh_token,
    })
}
