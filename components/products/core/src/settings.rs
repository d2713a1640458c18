//! The settings of the catalogue, read once per instance.

use std::cell::OnceCell;

use mercato_contracts::variables::variables::{self, Error};
use mercato_money::Currency;

/// Name of the variable that holds the shop's currency.
const CURRENCY_VARIABLE: &str = "currency";

/// Why the settings cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// The variable is not there, or not granted.
    #[error(
        "the variable {CURRENCY_VARIABLE:?} cannot be read ({0}): grant it to this component in spin.toml"
    )]
    Unreadable(String),
    /// The variable is no currency.
    #[error(
        "the variable {CURRENCY_VARIABLE:?} is {0:?}, but must be the three capital letters of a currency, as in USD \
         (ISO 4217)"
    )]
    NoCurrency(String),
}

thread_local! {
    static CURRENCY: OnceCell<Currency> = const { OnceCell::new() };
}

/// The currency that all prices of the shop are in. A failure is not kept: the next call asks the host again.
///
/// # Errors
/// When the variable cannot be read or is no currency.
pub async fn currency() -> Result<Currency, SettingsError> {
    if let Some(currency) = CURRENCY.with(|cell| cell.get().copied()) {
        return Ok(currency);
    }
    let text = variables::get(CURRENCY_VARIABLE.to_owned()).await;
    let currency = parse_currency(&text.map_err(unreadable)?)?;
    Ok(CURRENCY.with(|cell| *cell.get_or_init(|| currency)))
}

fn unreadable(error: Error) -> SettingsError {
    match error {
        Error::InvalidName(text)
        | Error::Undefined(text)
        | Error::Provider(text)
        | Error::Other(text) => SettingsError::Unreadable(text),
    }
}

fn parse_currency(text: &str) -> Result<Currency, SettingsError> {
    text.parse()
        .map_err(|_| SettingsError::NoCurrency(text.to_owned()))
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
}
