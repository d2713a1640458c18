//! Verification of access tokens, without a database.
//!
//! Composed into every component that serves the API: what it can reach is two variables and the clock.

use std::cell::OnceCell;
use std::rc::Rc;

use bindings::exports::mercato::auth::tokens::{Caller, Guest, Role, TokenError};
use mercato_contracts::variables::variables::{self, Error as VariableError};
use mercato_platform::clock::{Clock, SystemClock};
use mercato_platform::log;
use mercato_tokens::{Claims, KeyRing, Role as ClaimedRole, VerifyError};

mercato_contracts::component!(Component, "mercato:shop/auth-tokens", "../../../wit");

thread_local! {
    /// The keys of this instance. A replaced secret reaches new instances only.
    static KEYS: OnceCell<Rc<KeyRing>> = const { OnceCell::new() };
}

struct Component;

impl Guest for Component {
    async fn verify(token: String) -> Result<Caller, TokenError> {
        let keys = keys().await?;
        keys.verify(&token, SystemClock.now_seconds())
            .map(Caller::from)
            .map_err(TokenError::from)
    }
}

/// The key ring, read once per instance. A failure is not kept: the next token tries again.
async fn keys() -> Result<Rc<KeyRing>, TokenError> {
    if let Some(keys) = KEYS.with(|cell| cell.get().cloned()) {
        return Ok(keys);
    }
    let current = variable("jwt_secret").await?;
    let previous = variable("jwt_previous_secret").await?;
    let keys = KeyRing::new(&current, &previous).map_err(|error| {
        log::error(
            "tokens cannot be verified",
            &[("cause", &error.to_string())],
        );
        TokenError::Unavailable
    })?;
    Ok(KEYS.with(|cell| cell.get_or_init(|| Rc::new(keys)).clone()))
}

/// A variable; one that this component is not granted is as good as empty.
async fn variable(name: &str) -> Result<String, TokenError> {
    match variables::get(name.to_owned()).await {
        Ok(value) => Ok(value),
        Err(VariableError::Undefined(_)) => Ok(String::new()),
        Err(error) => {
            log::error(
                "a variable cannot be read",
                &[("variable", name), ("cause", &error.to_string())],
            );
            Err(TokenError::Unavailable)
        }
    }
}

impl From<Claims> for Caller {
    fn from(claims: Claims) -> Self {
        let role = match claims.role {
            ClaimedRole::Customer => Role::Customer,
            ClaimedRole::Admin => Role::Admin,
        };
        Self {
            user_id: claims.sub,
            role,
            token_id: claims.jti,
            session_id: claims.sid,
            generation: claims.generation,
            issued_at: claims.iat,
            expires_at: claims.exp,
        }
    }
}

impl From<VerifyError> for TokenError {
    fn from(error: VerifyError) -> Self {
        match error {
            VerifyError::Malformed => Self::Malformed,
            VerifyError::BadSignature => Self::BadSignature,
            VerifyError::Expired => Self::Expired,
            VerifyError::NotYetValid => Self::NotYetValid,
            VerifyError::WrongAudience => Self::WrongAudience,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn claims_become_a_caller_field_by_field() {
        let claims = Claims::new("user", ClaimedRole::Admin, "token".to_owned(), 1_000, 60)
            .of_session(Some("session".to_owned()), 7);
        let caller = Caller::from(claims);
        assert_eq!(caller.session_id.as_deref(), Some("session"));
        assert_eq!((caller.generation, caller.issued_at), (7, 1_000));
        assert_eq!(caller.user_id, "user");
        assert_eq!(caller.role, Role::Admin);
        assert_eq!(caller.token_id, "token");
        assert_eq!(caller.expires_at, 1_060);
        let customer = Claims::new("user", ClaimedRole::Customer, "token".to_owned(), 1_000, 60);
        assert_eq!(Caller::from(customer).role, Role::Customer);
    }

    #[test]
    fn every_refusal_keeps_its_name() {
        for (refusal, expected) in [
            (VerifyError::Malformed, TokenError::Malformed),
            (VerifyError::BadSignature, TokenError::BadSignature),
            (VerifyError::Expired, TokenError::Expired),
            (VerifyError::NotYetValid, TokenError::NotYetValid),
            (VerifyError::WrongAudience, TokenError::WrongAudience),
        ] {
            assert_eq!(TokenError::from(refusal), expected);
        }
    }
}
