//! Removes a category.

use crate::application::locks;
use crate::application::ports::{Ports, Store as _};
use crate::domain::category::{CategoryId, TreeError};
use crate::domain::error::CategoryError;

/// Which category to remove.
#[derive(Debug)]
pub struct Command {
    /// Its identifier.
    pub id: CategoryId,
    /// The version that the caller has seen, where they say so.
    pub version: Option<u64>,
}

/// Removes a category without products and without categories inside of it.
///
/// # Errors
/// [`CategoryError::Tree`], [`CategoryError::VersionMismatch`], [`CategoryError::NotEmpty`], [`CategoryError::Store`].
pub fn handle(ports: &impl Ports, command: &Command) -> Result<(), CategoryError> {
    ports.store().write(locks::categories(), |transaction| {
        let tree = transaction.tree()?;
        let category = tree.get(command.id).ok_or(TreeError::NotFound)?;
        if command.version.is_some_and(|seen| seen != category.version) {
            return Err(CategoryError::VersionMismatch);
        }
        if tree.has_inside(command.id) || transaction.products_in(command.id, 1)? > 0 {
            return Err(CategoryError::NotEmpty);
        }
        Ok(transaction.remove_category(command.id)?)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::category::CategoryView;
    use crate::testing::{Shop, in_categories, new_product};

    #[test]
    fn a_category_that_holds_something_stays() {
        let shop = Shop::new();
        let drinks = shop.category("Drinks", None);
        let tea = shop.category("Tea", Some(&drinks));
        let delete = |category: &CategoryView, version| {
            let id = category.id;
            handle(&shop.products, &Command { id, version })
        };
        let product = shop.create(&in_categories(new_product("Sencha", 1), &[&tea]));
        let product = product.unwrap();
        for category in [&drinks, &tea] {
            assert_eq!(delete(category, None), Err(CategoryError::NotEmpty));
        }
        shop.delete(&product, None).unwrap();
        assert_eq!(delete(&drinks, None), Err(CategoryError::NotEmpty));
        assert_eq!(delete(&tea, Some(7)), Err(CategoryError::VersionMismatch));
        assert_eq!(delete(&tea, Some(1)), Ok(()));
        assert_eq!(delete(&tea, None), Err(TreeError::NotFound.into()));
        assert_eq!(delete(&drinks, None), Ok(()));
        assert_eq!(shop.category_paths(), [""; 0]);
    }
}
