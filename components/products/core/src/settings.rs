//! The settings of the catalogue, read once per instance.

use std::cell::OnceCell;
use std::ops::RangeInclusive;

use mercato_contracts::variables::variables::{self, Error};
use mercato_money::Currency;

/// Name of the variable that holds the shop's currency.
const CURRENCY_VARIABLE: &str = "currency";

/// Name of the variable that says how long caches may keep what everyone sees.
const MAX_AGE_VARIABLE: &str = "catalogue_max_age_seconds";

/// What that variable may hold.
const MAX_AGE_SECONDS: RangeInclusive<u64> = 0..=3_600;

/// Why the settings cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// The variable is not there, or not granted.
    #[error("the variable {0:?} cannot be read ({1}): grant it to this component in spin.toml")]
    Unreadable(&'static str, String),
    /// The variable is no currency.
    #[error(
        "the variable {CURRENCY_VARIABLE:?} is {0:?}, but must be the three capital letters of a currency, as in USD \
         (ISO 4217)"
    )]
    NoCurrency(String),
    /// The variable is no number of seconds, or not one that is allowed.
    #[error(
        "the variable {MAX_AGE_VARIABLE:?} is {0:?}, but must be {from} to {to} seconds",
        from = MAX_AGE_SECONDS.start(),
        to = MAX_AGE_SECONDS.end()
    )]
    NoMaxAge(String),
}

thread_local! {
    static CURRENCY: OnceCell<Currency> = const { OnceCell::new() };
    static MAX_AGE: OnceCell<u64> = const { OnceCell::new() };
}

/// The currency that all prices of the shop are in. A failure is not kept: the next call asks the host again.
///
/// # Errors
/// When the variable cannot be read or is no currency.
pub async fn currency() -> Result<Currency, SettingsError> {
    if let Some(currency) = CURRENCY.with(|cell| cell.get().copied()) {
        return Ok(currency);
    }
    let currency = parse_currency(&variable(CURRENCY_VARIABLE).await?)?;
    Ok(CURRENCY.with(|cell| *cell.get_or_init(|| currency)))
}

/// For how many seconds caches may keep what everyone sees of the catalogue; 0 is not at all. A failure is not kept.
///
/// # Errors
/// When the variable cannot be read or is no such number.
pub async fn max_age_seconds() -> Result<u64, SettingsError> {
    if let Some(seconds) = MAX_AGE.with(|cell| cell.get().copied()) {
        return Ok(seconds);
    }
    let seconds = parse_max_age(&variable(MAX_AGE_VARIABLE).await?)?;
    Ok(MAX_AGE.with(|cell| *cell.get_or_init(|| seconds)))
}

async fn variable(name: &'static str) -> Result<String, SettingsError> {
    let text = variables::get(name.to_owned()).await;
    text.map_err(|error| match error {
        Error::InvalidName(text)
        | Error::Undefined(text)
        | Error::Provider(text)
        | Error::Other(text) => SettingsError::Unreadable(name, text),
    })
}

fn parse_currency(text: &str) -> Result<Currency, SettingsError> {
    text.parse()
        .map_err(|_| SettingsError::NoCurrency(text.to_owned()))
}

fn parse_max_age(text: &str) -> Result<u64, SettingsError> {
    let seconds = text.trim().parse().ok();
    seconds
        .filter(|seconds| MAX_AGE_SECONDS.contains(seconds))
        .ok_or_else(|| SettingsError::NoMaxAge(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_three_capital_letters_are_a_currency() {
        assert_eq!(parse_currency("EUR").unwrap().code(), "EUR");
        for text in ["", "eur", "EURO", "E1R", " EUR"] {
            let message = parse_currency(text).unwrap_err().to_string();
            assert!(
                message.contains("currency") && message.contains("as in USD"),
                "{message}"
            );
        }
    }

    #[test]
    fn caches_may_keep_the_catalogue_for_an_hour_at_most() {
        for (text, seconds) in [("0", 0), ("5", 5), (" 3600 ", 3_600)] {
            assert_eq!(parse_max_age(text), Ok(seconds));
        }
        for text in ["", "-1", "3601", "5s"] {
            let message = parse_max_age(text).unwrap_err().to_string();
            assert!(message.contains("0 to 3600 seconds"), "{message}");
        }
    }
}
