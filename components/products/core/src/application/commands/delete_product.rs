//! Takes a product out of the catalogue.

use mercato_kernel::ProductId;

use crate::application::locks;
use crate::application::ports::{Clock as _, Ports, Store as _};
use crate::domain::error::ProductError;
use crate::domain::product::Seen;

/// Which product to take out of the catalogue.
#[derive(Debug)]
pub struct Command {
    /// Its identifier.
    pub id: ProductId,
    /// What the caller has seen of it, where they say so.
    pub seen: Option<Seen>,
}

/// Takes a product out of the catalogue; where the caller says what they have seen of it, only if it is still so.
/// Orders that hold it keep it, and its number is free for another product.
///
/// # Errors
/// [`ProductError::NotFound`], [`ProductError::VersionMismatch`], [`ProductError::Store`].
pub fn handle(ports: &impl Ports, command: &Command) -> Result<(), ProductError> {
    let locks = locks::products([command.id]).and(locks::categories());
    ports.store().write(locks, |transaction| {
        let product = transaction
            .product(command.id)?
            .ok_or(ProductError::NotFound)?;
        let product = product.expect(command.seen)?;
        if !product.view().categories.is_empty() {
            transaction.set_categories(command.id, &[])?;
        }
        Ok(transaction.save_product(&product.delete(ports.clock().now_ms()))?)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Shop, numbered, seen};

    #[test]
    fn a_deleted_product_is_gone_and_its_sku_is_free() {
        let shop = Shop::new();
        let tea = shop.create(&numbered("Tea", "A-1")).unwrap();
        let other = Seen {
            version: 7,
            ..seen(&tea)
        };
        assert_eq!(
            shop.delete(&tea, Some(other)),
            Err(ProductError::VersionMismatch)
        );
        shop.delete(&tea, Some(seen(&tea))).unwrap();
        assert_eq!(shop.delete(&tea, None), Err(ProductError::NotFound));
        shop.create(&numbered("Tea", "A-1")).unwrap();
    }
}
