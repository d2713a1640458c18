//! The use cases' ports, made once per instance.

use std::cell::RefCell;
use std::rc::Rc;

use mercato_contracts::variables::variables;
use mercato_money::Currency;
use mercato_platform::clock::SystemClock;
use mercato_platform::ids::RandomIds;

use crate::adapters::{ComposedCatalogue, RandomSecrets};
use crate::application::Error;
use crate::application::ports::Ports;

/// The variable that names the shop's currency.
const CURRENCY: &str = "currency";

/// Checkouts, with the database of this component and the catalogue that it is composed with.
pub type Checkouts = Ports<ComposedCatalogue>;

thread_local! {
    static INSTANCE: RefCell<Option<Rc<Checkouts>>> = const { RefCell::new(None) };
}

/// Checkouts of this instance. The variable is read once.
///
/// # Errors
/// [`Error::Internal`] when the variable cannot be used.
pub async fn instance() -> Result<Rc<Checkouts>, Error> {
    if let Some(checkouts) = INSTANCE.with_borrow(Clone::clone) {
        return Ok(checkouts);
    }
    let text = variables::get(CURRENCY.to_owned()).await;
    let text = text.map_err(|error| unusable(&error.to_string()))?;
    let currency = currency(&text)?;
    let new = || {
        let (clock, ids) = (SystemClock, RandomIds);
        Rc::new(Ports::new(
            ComposedCatalogue,
            RandomSecrets,
            clock,
            ids,
            currency,
        ))
    };
    Ok(INSTANCE.with_borrow_mut(|checkouts| Rc::clone(checkouts.get_or_insert_with(new))))
}

fn currency(text: &str) -> Result<Currency, Error> {
    text.parse().map_err(|error| {
        let cause = format!("it is {text:?}: {error}");
        unusable(&cause)
    })
}

fn unusable(cause: &str) -> Error {
    Error::Internal(format!("the variable {CURRENCY} cannot be used: {cause}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unusable_currency_is_named() {
        assert_eq!(currency("EUR").unwrap().code(), "EUR");
        let error = currency("euro").unwrap_err().to_string();
        assert!(
            error.contains("currency") && error.contains("\"euro\""),
            "{error}"
        );
    }
}
