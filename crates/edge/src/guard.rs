//! Who asks: the bearer token of a request, verified by `mercato:auth/tokens`.

use std::future::Future;

use http::{HeaderMap, header};
use mercato_kernel::GUEST_TOKEN_PREFIX;
use mercato_platform::{ids, log};

use crate::{Access, Problem, audit, revocation};
use mercato_contracts::auth::tokens;

/// Longest token that is looked at, in bytes.
const MAX_TOKEN_BYTES: usize = 4096;

/// What an account may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Buys.
    Customer,
    /// Runs the shop.
    Admin,
}

/// Whoever holds a valid token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// Account id.
    pub user_id: String,
    /// What the account may do.
    pub role: Role,
    /// The session that the token belongs to; none in tokens of versions before sessions were claimed.
    pub session_id: Option<String>,
    /// The account's generation of tokens when it was made.
    pub generation: u64,
    /// When it was made, in seconds since the Unix epoch.
    pub issued_at: u64,
    /// When it ends, in seconds since the Unix epoch.
    pub expires_at: u64,
}

impl Principal {
    /// Whether this is an admin.
    #[must_use]
    pub fn is_admin(&self) -> bool {
        self.role == Role::Admin
    }
}

/// What tells who holds a token.
pub trait Guard {
    /// The holder of a valid token.
    ///
    /// # Errors
    /// 401 for a token that is not valid, 503 when none can be verified.
    fn verify(&self, token: &str) -> impl Future<Output = Result<Principal, Problem>>;

    /// Goes on unless the holder's token was revoked, or has expired since it was verified.
    ///
    /// # Errors
    /// 401 for a token that was revoked or has expired, 503 when nobody can tell.
    fn check_session(&self, holder: &Principal) -> impl Future<Output = Result<(), Problem>>;
}

/// Asks `mercato:auth/tokens`, and `auth-api` which tokens were revoked.
#[derive(Debug, Clone, Copy)]
pub struct TokenGuard;

impl Guard for TokenGuard {
    async fn verify(&self, token: &str) -> Result<Principal, Problem> {
        verified(token).await
    }

    async fn check_session(&self, holder: &Principal) -> Result<(), Problem> {
        revocation::check(holder).await
    }
}

/// Asks `mercato:auth/tokens` and nobody else: for the component that has the sessions in its own database.
#[derive(Debug, Clone, Copy)]
pub struct SignatureGuard;

impl Guard for SignatureGuard {
    async fn verify(&self, token: &str) -> Result<Principal, Problem> {
        verified(token).await
    }

    async fn check_session(&self, _: &Principal) -> Result<(), Problem> {
        Ok(())
    }
}

async fn verified(token: &str) -> Result<Principal, Problem> {
    let principal = tokens::verify(token.to_owned()).await.map_err(refused)?;
    // Signed by us, so this is no attack; but what is no account's id must not go further as one.
    let user_id =
        ids::parse(&principal.user_id).map_err(|_| refused(tokens::TokenError::Malformed))?;
    let role = match principal.role {
        tokens::Role::Customer => Role::Customer,
        tokens::Role::Admin => Role::Admin,
    };
    Ok(Principal {
        user_id,
        role,
        session_id: principal.session_id,
        generation: principal.generation,
        issued_at: principal.issued_at,
        expires_at: principal.expires_at,
    })
}

/// For a component that is open to everyone: it carries no token verification at all.
#[derive(Debug, Clone, Copy)]
pub struct NoGuard;

impl Guard for NoGuard {
    async fn verify(&self, _: &str) -> Result<Principal, Problem> {
        Err(Problem::unauthorized(
            Some("invalid_token"),
            "tokens are not accepted here",
        ))
    }

    async fn check_session(&self, _: &Principal) -> Result<(), Problem> {
        Ok(())
    }
}

/// Lets a request in, or says why not. Whoever may do what an admin may, or moves money or stock, must not do so with a token
/// that was revoked.
pub async fn admit(
    guard: &impl Guard,
    access: Access,
    headers: &HeaderMap,
) -> Result<Option<Principal>, Problem> {
    if access == Access::Public {
        return Ok(None);
    }
    let Some(token) = bearer_token(headers)? else {
        return match access {
            Access::Optional | Access::Guest | Access::Public => Ok(None),
            Access::GuestBearer
            | Access::GuestSession
            | Access::Bearer
            | Access::Session
            | Access::Admin => Err(missing_token()),
        };
    };
    if access.is_open_to_guests() && token.starts_with(GUEST_TOKEN_PREFIX) {
        return Ok(None);
    }
    let principal = guard.verify(token).await?;
    audit::learn(&principal);
    if access == Access::Admin && !principal.is_admin() {
        return Err(admins_only());
    }
    check_session(guard, access, &principal).await?;
    Ok(Some(principal))
}

/// Checks again whether the holder's token was revoked, after something that may have taken long, where that is checked at all.
pub async fn check_session(
    guard: &impl Guard,
    access: Access,
    principal: &Principal,
) -> Result<(), Problem> {
    let moves_something = matches!(
        access,
        Access::Guest | Access::Session | Access::GuestSession
    );
    if moves_something || principal.is_admin() {
        guard.check_session(principal).await?;
    }
    Ok(())
}

/// 401 for a request without a token.
pub fn missing_token() -> Problem {
    Problem::unauthorized(None, "log in and send your token as a bearer token")
}

/// 401 for a token that has expired.
pub fn expired_token() -> Problem {
    Problem::unauthorized(Some("invalid_token"), "the token has expired")
}

/// 403 for a customer where only an admin may go.
pub fn admins_only() -> Problem {
    Problem::forbidden("only an admin may do this")
}

/// The token of `Authorization: Bearer` (RFC 6750 section 2.1), if that header is there.
pub fn bearer_token(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    let malformed = || {
        Problem::unauthorized(
            Some("invalid_token"),
            "send one header of the form Authorization: Bearer TOKEN",
        )
    };
    let text = value.to_str().map_err(|_| malformed())?;
    let (scheme, token) = text.split_once(' ').ok_or_else(malformed)?;
    let token = token.trim();
    let fits = scheme.eq_ignore_ascii_case("bearer")
        && !token.is_empty()
        && token.len() <= MAX_TOKEN_BYTES;
    if fits && values.next().is_none() {
        Ok(Some(token))
    } else {
        Err(malformed())
    }
}

fn refused(error: tokens::TokenError) -> Problem {
    if error == tokens::TokenError::Unavailable {
        log::error(
            "tokens cannot be verified",
            &[("cause", "jwt_secret is missing or unusable")],
        );
        return Problem::unavailable("tokens cannot be verified at the moment");
    }
    if error == tokens::TokenError::Expired {
        return expired_token();
    }
    Problem::unauthorized(Some("invalid_token"), "the token is not valid")
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn headers(values: &[&'static str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(header::AUTHORIZATION, HeaderValue::from_static(value));
        }
        headers
    }

    #[test]
    fn one_bearer_token_is_taken() {
        assert_eq!(bearer_token(&headers(&[])).unwrap(), None);
        assert_eq!(
            bearer_token(&headers(&["Bearer abc"])).unwrap(),
            Some("abc")
        );
        assert_eq!(
            bearer_token(&headers(&["bearer  abc"])).unwrap(),
            Some("abc")
        );
    }

    #[test]
    fn a_guests_token_is_let_in_where_guests_are_and_nowhere_else() {
        let admitted = |access, value: &'static str| {
            let admitted = mercato_testing::run(admit(&NoGuard, access, &headers(&[value])));
            admitted.map_err(|problem| problem.status().as_u16())
        };
        assert_eq!(admitted(Access::Guest, "Bearer guest_abc"), Ok(None));
        assert_eq!(admitted(Access::Guest, "Bearer abc"), Err(401));
        for access in [Access::GuestBearer, Access::GuestSession] {
            assert_eq!(admitted(access, "Bearer guest_abc"), Ok(None));
            assert_eq!(admitted(access, "Bearer abc"), Err(401));
            let nobody = mercato_testing::run(admit(&NoGuard, access, &headers(&[])));
            assert_eq!(nobody.unwrap_err().status().as_u16(), 401);
        }
        assert_eq!(admitted(Access::Optional, "Bearer guest_abc"), Err(401));
        assert_eq!(admitted(Access::Bearer, "Bearer guest_abc"), Err(401));
        let nobody = mercato_testing::run(admit(&NoGuard, Access::Guest, &headers(&[])));
        assert!(nobody.is_ok_and(|principal| principal.is_none()));
    }

    #[test]
    fn anything_else_in_the_header_is_refused() {
        for wrong in [
            &["Basic abc"][..],
            &["Bearer"],
            &["Bearer "],
            &["abc"],
            &["Bearer a", "Bearer b"],
            &[""],
        ] {
            let problem = bearer_token(&headers(wrong)).unwrap_err();
            assert_eq!(problem.status(), 401, "{wrong:?}");
        }
    }
}
