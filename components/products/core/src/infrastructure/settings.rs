//! What the shop's configuration says, read once per instance.

use mercato_money::Currency;

/// Name of the variable that holds the shop's currency.
pub const CURRENCY_VARIABLE: &str = "currency";

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

/// The currency that all prices of the shop are in.
pub fn parse_currency(text: &str) -> Result<Currency, SettingsError> {
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
