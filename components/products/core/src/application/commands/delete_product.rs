//! Takes a product out of the catalogue.

use mercato_kernel::ProductId;

use super::save;
use crate::application::locks;
use crate::application::ports::{Clock as _, Ports, Store as _, Transaction};
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

/// Takes a product with all its variants out of the catalogue, or one variant, whose identifier is named then; where the caller says
/// what they have seen of the product, only if it is still so. Orders that hold it keep it, and its number is free for another product.
///
/// # Errors
/// [`ProductError::NotFound`], [`ProductError::VersionMismatch`], [`ProductError::StockIsDrawn`], [`ProductError::LastVariant`],
/// [`ProductError::Store`].
pub fn handle(ports: &impl Ports, command: &Command) -> Result<(), ProductError> {
    let locks = locks::products([command.id]).and(locks::categories());
    ports.store().write(locks, |transaction| {
        let now = ports.clock().now_ms();
        let Some(product) = transaction.product(command.id)? else {
            return delete_variant(transaction, command, now);
        };
        let product = product.expect(command.seen)?;
        let before = product.view().clone();
        let variants = before.variants().iter().map(|variant| variant.id);
        let ids: Vec<ProductId> = variants.chain([command.id]).collect();
        if transaction.is_drawn_elsewhere(&ids, command.id)? {
            return Err(ProductError::StockIsDrawn);
        }
        if !before.categories.is_empty() {
            transaction.set_categories(command.id, &[])?;
        }
        let deleted = product.delete(now);
        transaction.save_product(&deleted)?;
        Ok(transaction.save_variants(&deleted, before.variants())?)
    })
}

fn delete_variant(
    transaction: &dyn Transaction,
    command: &Command,
    now: u64,
) -> Result<(), ProductError> {
    let product = transaction.product_of_variant(command.id)?;
    let product = product.ok_or(ProductError::NotFound)?;
    let product = product.expect(command.seen)?;
    let before = product.view().clone();
    let after = product.without_variant(command.id, now)?;
    save::check_drawn(transaction, &before, after.view())?;
    Ok(save::save(transaction, &before, &after)?)
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
