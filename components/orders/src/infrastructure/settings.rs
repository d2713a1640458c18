//! What the shop's configuration says, read once per instance.

use std::ops::RangeInclusive;

use crate::bindings::spin::variables::variables;
use crate::ports::Settings;

const CURRENCY: &str = "currency";
const RESERVATION_TTL: &str = "reservation_ttl";

/// Shortest and longest time that stock is held for an order that is not paid, in seconds.
const RESERVATION_TTL_SECONDS: RangeInclusive<u64> = 1..=30 * 24 * 60 * 60;

const MS_PER_SECOND: u64 = 1_000;

/// Why the settings cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// The variable is not there, or not granted.
    #[error("the variable {0:?} cannot be read ({1}): grant it to this component in spin.toml")]
    Unreadable(&'static str, String),
    /// The variable does not hold what it must.
    #[error("the variable {name:?} is {value:?}, but must be {rule}")]
    Invalid {
        /// The variable.
        name: &'static str,
        /// What it holds.
        value: String,
        /// What it must hold.
        rule: String,
    },
}

/// Asks the host.
pub async fn load() -> Result<Settings, SettingsError> {
    parse(
        &variable(CURRENCY).await?,
        &variable(RESERVATION_TTL).await?,
    )
}

async fn variable(name: &'static str) -> Result<String, SettingsError> {
    let value = variables::get(name.to_owned()).await;
    value.map_err(|error| SettingsError::Unreadable(name, error.to_string()))
}

fn parse(currency: &str, reservation_ttl: &str) -> Result<Settings, SettingsError> {
    let invalid = |name, value: &str, rule| SettingsError::Invalid {
        name,
        value: value.to_owned(),
        rule,
    };
    let seconds = reservation_ttl
        .parse()
        .ok()
        .filter(|seconds| RESERVATION_TTL_SECONDS.contains(seconds));
    let (shortest, longest) = (
        RESERVATION_TTL_SECONDS.start(),
        RESERVATION_TTL_SECONDS.end(),
    );
    let ttl_rule = || format!("a whole number of seconds from {shortest} to {longest}, as in 900");
    Ok(Settings {
        currency: currency.parse().map_err(|_| {
            invalid(
                CURRENCY,
                currency,
                "the three capital letters of a currency, as in USD (ISO 4217)".to_owned(),
            )
        })?,
        reservation_ttl_ms: seconds
            .ok_or_else(|| invalid(RESERVATION_TTL, reservation_ttl, ttl_rule()))?
            * MS_PER_SECOND,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_read_from_text() {
        let settings = parse("EUR", "900").unwrap();
        assert_eq!(
            (settings.currency.code(), settings.reservation_ttl_ms),
            ("EUR", 900_000)
        );
    }

    #[test]
    fn an_error_names_the_variable_and_the_rule() {
        for (currency, ttl, part) in [
            (
                "eur",
                "900",
                "\"currency\" is \"eur\", but must be the three capital letters",
            ),
            (
                "EUR",
                "0",
                "\"reservation_ttl\" is \"0\", but must be a whole number of seconds from 1 to 2592000",
            ),
            ("EUR", "15m", "\"15m\""),
            ("EUR", "99999999999999999999", "reservation_ttl"),
        ] {
            let message = parse(currency, ttl).unwrap_err().to_string();
            assert!(message.contains(part), "{message}");
        }
    }
}
