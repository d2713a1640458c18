//! Makes the words of products anew where a new version of the program makes them otherwise.

use crate::application::locks;
use crate::application::ports::{Ports, Store as _};
use crate::domain::error::StoreError;

/// Products that one transaction is about. Buyers wait for it, so it lasts some hundredths of a second.
pub const RENEWED_AT_ONCE: u32 = 250;

/// Makes the words by which products are found, and their places among the names, anew where an earlier version of the program has
/// made them: those of `limit` products and of what the last transaction takes beyond. Gives of how many, so 0 says that all is done.
/// Looks first: with nothing to do it writes nothing. What is left is taken up by the next call, whoever makes it.
///
/// # Errors
/// [`StoreError`]: what was renewed before stays so.
pub fn handle(ports: &impl Ports, limit: u32) -> Result<u64, StoreError> {
    let mut renewed = 0;
    while renewed < u64::from(limit) && ports.store().has_old_words()? {
        let some = ports.store().write(locks::words(), |transaction| {
            transaction.renew_words(RENEWED_AT_ONCE)
        })?;
        if some == 0 {
            break;
        }
        renewed += some;
    }
    Ok(renewed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Shop, new_product};

    #[test]
    fn with_nothing_to_renew_nothing_is_written() {
        let shop = Shop::new();
        shop.create(&new_product("Tea", 1)).unwrap();
        let renew = || assert_eq!(handle(&shop.products, 1_000), Ok(0));
        assert_eq!(shop.statements(renew), 1);
    }

    #[test]
    fn so_many_products_are_renewed_and_the_next_call_goes_on() {
        let shop = Shop::new();
        for number in 0..=RENEWED_AT_ONCE {
            shop.create(&new_product(&format!("Grüner Tee {number}"), 1))
                .unwrap();
        }
        shop.forget_words();
        assert_eq!(handle(&shop.products, 1), Ok(250));
        assert_eq!(handle(&shop.products, 1_000), Ok(1));
        assert_eq!(handle(&shop.products, 1_000), Ok(0));
    }
}
