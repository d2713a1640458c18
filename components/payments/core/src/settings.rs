//! Configuration from Spin variables, read once per instance.

use std::cell::RefCell;

use mercato_contracts::variables::variables;
use mercato_platform::{log, random};

use crate::application::ports::Settings;
use crate::domain::PaymentError;

const MS_PER_SECOND: u64 = 1_000;

/// Shortest and longest life of a session, in seconds.
const SESSION_LIFETIME_SECONDS: std::ops::RangeInclusive<u64> = 1..=30 * 24 * 60 * 60;

/// Shortest and longest time that payments without money are kept, in seconds; 0 keeps them for ever. The shortest is that
/// of an idempotency key: what is answered under it must be there.
const UNPAID_RETENTION_SECONDS: std::ops::RangeInclusive<u64> = 24 * 60 * 60..=3_650 * 24 * 60 * 60;

/// Prefix of signing secrets, as Stripe writes them.
const SECRET_PREFIX: &str = "whsec_";

const SECRET_BYTES: usize = 32;

/// The variables granted to this component.
#[derive(Debug, Default)]
pub struct VariableSettings {
    values: RefCell<Vec<(&'static str, String)>>,
}

impl VariableSettings {
    async fn get(&self, name: &'static str) -> Result<String, String> {
        if let Some((_, value)) = self
            .values
            .borrow()
            .iter()
            .find(|(known, _)| *known == name)
        {
            return Ok(value.clone());
        }
        let value = variables::get(name.to_owned()).await.map_err(|error| {
            let cause = match error {
                variables::Error::InvalidName(cause)
                | variables::Error::Undefined(cause)
                | variables::Error::Provider(cause)
                | variables::Error::Other(cause) => cause,
            };
            format!("the variable {name} cannot be read ({cause}); grant it in spin.toml")
        })?;
        self.values.borrow_mut().push((name, value.clone()));
        Ok(value)
    }
}

impl Settings for VariableSettings {
    async fn webhook_secret(&self) -> Result<String, PaymentError> {
        self.get("payment_webhook_secret").await.map_err(unusable)
    }

    async fn session_lifetime_ms(&self) -> Result<u64, PaymentError> {
        let text = self.get("reservation_ttl").await.map_err(unusable)?;
        parse_lifetime(&text).map_err(unusable)
    }

    async fn unpaid_retention_ms(&self) -> Result<Option<u64>, PaymentError> {
        let text = self.get("unpaid_order_retention").await.map_err(unusable)?;
        parse_retention(&text).map_err(unusable)
    }

    fn new_secret(&self) -> String {
        format!("{SECRET_PREFIX}{}", random::hex::<SECRET_BYTES>())
    }
}

fn parse_lifetime(text: &str) -> Result<u64, String> {
    text.trim()
        .parse()
        .ok()
        .filter(|seconds| SESSION_LIFETIME_SECONDS.contains(seconds))
        .map(|seconds: u64| seconds * MS_PER_SECOND)
        .ok_or_else(|| {
            let (from, to) = (
                SESSION_LIFETIME_SECONDS.start(),
                SESSION_LIFETIME_SECONDS.end(),
            );
            format!("the variable reservation_ttl must be {from} to {to} seconds")
        })
}

fn parse_retention(text: &str) -> Result<Option<u64>, String> {
    let seconds: Option<u64> = text.trim().parse().ok();
    match seconds {
        Some(0) => Ok(None),
        Some(seconds) if UNPAID_RETENTION_SECONDS.contains(&seconds) => {
            Ok(Some(seconds * MS_PER_SECOND))
        }
        _ => {
            let (from, to) = (
                UNPAID_RETENTION_SECONDS.start(),
                UNPAID_RETENTION_SECONDS.end(),
            );
            Err(format!(
                "the variable unpaid_order_retention must be 0 or {from} to {to} seconds"
            ))
        }
    }
}

fn unusable(cause: String) -> PaymentError {
    log::error("configuration", &[("cause", &cause)]);
    PaymentError::Internal
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lifetime_is_a_positive_number_of_seconds() {
        assert_eq!(parse_lifetime("900"), Ok(900_000));
        assert_eq!(parse_lifetime(" 1 "), Ok(1_000));
        for text in ["", "0", "-1", "15m", "1.5", "99999999999"] {
            assert!(
                parse_lifetime(text)
                    .unwrap_err()
                    .contains("reservation_ttl"),
                "{text}"
            );
        }
    }

    #[test]
    fn a_retention_is_at_least_a_day_or_for_ever() {
        assert_eq!(parse_retention("0"), Ok(None));
        assert_eq!(parse_retention(" 86400 "), Ok(Some(86_400_000)));
        for text in ["", "1", "86399", "-1", "7d", "99999999999"] {
            let message = parse_retention(text).unwrap_err();
            assert!(message.contains("unpaid_order_retention"), "{text}");
        }
    }

    #[test]
    fn secrets_made_here_are_long_and_never_the_same() {
        let settings = VariableSettings::default();
        let (first, second) = (settings.new_secret(), settings.new_secret());
        assert!(first.starts_with(SECRET_PREFIX) && first.len() == SECRET_PREFIX.len() + 64);
        assert_ne!(first, second);
    }
}
