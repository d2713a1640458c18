//! Amounts and the provider's words in sentences for people.

use mercato_money::{Currency, Money};
use mercato_platform::text;

use crate::domain::MinorUnits;

/// Longest reason or id of the provider's that is repeated to people, in characters.
const PROVIDER_WORDS_MAX_CHARS: usize = 100;

/// Words of the provider's as they are repeated to people.
pub(super) fn words(text: &str) -> String {
    text::escaped(text, PROVIDER_WORDS_MAX_CHARS).into_owned()
}

/// An amount for people.
pub(super) fn amount_of(amount: MinorUnits, currency: Currency) -> String {
    Money::from_minor(amount.get(), currency).map_or_else(
        |_| format!("{amount} minor units of {currency}"),
        |money| format!("{money} {currency}"),
    )
}
