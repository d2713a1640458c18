//! Whether the variables that a component is granted can be used: asked at the start, and by readiness.

use std::cell::Cell;
use std::future::Future;

use mercato_edge_macros::endpoint;
use mercato_platform::log;
use mercato_settings::{Invalid, VARIABLES};
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use crate::{NoContent, Problem, StatusCode};
use mercato_contracts::variables::variables::{self, Error};

thread_local! {
    /// All variables of this instance can be used. A changed variable reaches new instances only.
    static ARE_USABLE: Cell<bool> = const { Cell::new(false) };
}

/// Whether all variables can be used: 503 names every one that cannot.
///
/// # Errors
/// As [`told`].
#[endpoint(GET "/internal/settings", access = Public)]
pub async fn settings() -> Result<NoContent, Problem> {
    told(&invalid_settings().await)
}

/// What a component says that is ready.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub struct Ready {
    status: &'static str,
}

impl Ready {
    /// It is.
    pub const OK: Self = Self { status: "ok" };
}

/// What `check` finds, when all variables can be used. `whose` begins the sentence "the catalogue is not ready".
///
/// # Errors
/// 503 whatever is wrong: not to be ready is no fault.
pub async fn readiness<T>(
    whose: &str,
    check: impl Future<Output = Result<T, Problem>>,
) -> Result<T, Problem> {
    usable_settings().await?;
    check.await.map_err(|problem| {
        let code = problem.code();
        Problem::unavailable(format!("{whose} not ready ({code}): see the log"))
    })
}

/// The answer of `GET /internal/settings`: 204 when nothing is invalid.
///
/// # Errors
/// 503 with a member `settings`: `name` and `message` of each. The log says the same.
pub fn told(invalid: &[Invalid]) -> Result<NoContent, Problem> {
    if invalid.is_empty() {
        return Ok(NoContent);
    }
    for setting in invalid {
        let fields = [("setting", setting.variable), ("cause", &setting.message)];
        log::error("a setting cannot be used", &fields);
    }
    let settings: Vec<_> = invalid
        .iter()
        .map(|setting| json!({ "name": setting.variable, "message": setting.message }))
        .collect();
    Err(unusable(invalid).with_member("settings", json!(settings)))
}

/// 503 naming the variables that cannot be used, and not why.
#[must_use]
pub fn unusable(invalid: &[Invalid]) -> Problem {
    let names: Vec<&str> = invalid.iter().map(|setting| setting.variable).collect();
    let detail = format!(
        "settings that cannot be used: {}; the log says why",
        names.join(", ")
    );
    Problem::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "unusable-settings",
        "Unusable settings",
        detail,
    )
}

/// Lets readiness go on when all variables can be used.
///
/// # Errors
/// 503 naming those that cannot; the log says why.
pub async fn usable_settings() -> Result<(), Problem> {
    if ARE_USABLE.get() {
        return Ok(());
    }
    let invalid = invalid_settings().await;
    // Why is not told to everyone who asks whether the shop is ready.
    told(&invalid).map_err(|_| unusable(&invalid))?;
    ARE_USABLE.set(true);
    Ok(())
}

/// The value of a variable that this component is granted.
///
/// # Errors
/// 500 when it cannot be read: the log says why.
pub async fn variable(name: &str) -> Result<String, Problem> {
    variables::get(name.to_owned()).await.map_err(|error| {
        let cause = format!("cannot be read: {error}");
        log::error(
            "a setting cannot be used",
            &[("setting", name), ("cause", &cause)],
        );
        Problem::internal()
    })
}

/// Everything that is wrong with the variables that this component is granted.
pub async fn invalid_settings() -> Vec<Invalid> {
    let mut values = Vec::new();
    let mut unreadable = Vec::new();
    for variable in VARIABLES {
        match variables::get(variable.name.to_owned()).await {
            Ok(value) => values.push((variable.name, value)),
            // Not every component is granted every variable.
            Err(Error::Undefined(_)) => {}
            Err(error) => {
                let message = format!("cannot be read: {error}");
                unreadable.push(Invalid::new(variable.name, message));
            }
        }
    }
    let value = |name: &str| {
        let found = values.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| value.clone())
    };
    let mut invalid = mercato_settings::check(value);
    invalid.append(&mut unreadable);
    invalid
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_ready_answers_503_whatever_the_cause() {
        ARE_USABLE.set(true);
        for cause in [Problem::internal(), Problem::unavailable("busy")] {
            let check = async { Err::<(), _>(cause) };
            let checked = futures::executor::block_on(readiness("tea is", check));
            assert_eq!(
                checked.unwrap_err().status(),
                StatusCode::SERVICE_UNAVAILABLE
            );
        }
    }

    #[test]
    fn what_cannot_be_used_is_told_by_name() {
        assert!(told(&[]).is_ok());
        let invalid = [
            Invalid::new("public_url", "is \"ftp://x\": set it to an address"),
            Invalid::new("jwt_secret", "has 1 byte: set it to a longer one"),
        ];
        let document = told(&invalid).unwrap_err().document("/", "r", "t");
        assert_eq!(document["status"], 503);
        assert_eq!(document["settings"][0]["name"], "public_url");
        assert_eq!(
            document["settings"][1]["message"],
            "has 1 byte: set it to a longer one"
        );
        let public = unusable(&invalid).document("/", "r", "t");
        assert_eq!(
            public["detail"],
            "settings that cannot be used: public_url, jwt_secret; the log says why"
        );
        assert!(public.get("settings").is_none());
    }
}
