//! Adds a category.

use mercato_kernel::Uuid;

use super::save;
use crate::application::locks;
use crate::application::ports::{Clock as _, Ports, Store as _};
use crate::domain::category::{CategoryChanges, CategoryId, CategoryName, CategoryView};
use crate::domain::error::CategoryError;

/// Adds a category to the tree.
///
/// # Errors
/// [`CategoryError::Tree`], [`CategoryError::Store`].
pub fn handle(
    ports: &impl Ports,
    name: &CategoryName,
    more: &CategoryChanges,
) -> Result<CategoryView, CategoryError> {
    let id = CategoryId::from(Uuid::from(save::new_id(ports.ids())?));
    let now = ports.clock().now_ms();
    ports.store().write(locks::categories(), |transaction| {
        let new = transaction.tree()?.add(id, name.clone(), more, now)?;
        transaction.insert_category(&new)?;
        Ok(new)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::application::queries::list_categories;
    use crate::domain::category::TreeError;
    use crate::testing::Shop;

    #[test]
    fn categories_are_listed_as_a_tree() {
        let shop = Shop::new();
        let drinks = shop.category("Drinks", None);
        let tea = shop.category("Tea", Some(&drinks));
        let cups = shop.category("Cups", None);
        let listed = list_categories::handle(&shop.products).unwrap();
        assert_eq!(listed, [cups, drinks.clone(), tea.clone()]);
        assert_eq!((tea.path.as_str(), tea.version), ("drinks/tea", 1));
        let same = CategoryChanges {
            parent: Some(Some(drinks.id)),
            ..CategoryChanges::default()
        };
        let refused = handle(&shop.products, &"TEA".parse().unwrap(), &same);
        assert_eq!(refused, Err(TreeError::PathTaken.into()));
        assert_eq!(shop.number("SELECT COUNT(*) FROM categories"), 3);
    }
}
