//! Changes a category, and moves it in the tree.

use crate::application::locks;
use crate::application::ports::{Clock as _, Ports, Store as _, Transaction};
use crate::domain::category::{CategoryChanges, CategoryId, CategoryView, Tree, TreeError};
use crate::domain::error::CategoryError;

/// Most products of a category that is put inside of another one: nobody else can write meanwhile.
pub const MOVED_PRODUCTS_MAX: u64 = 20_000;

/// What to change of a category.
#[derive(Debug)]
pub struct Command<'a> {
    /// Its identifier.
    pub id: CategoryId,
    /// What to change.
    pub changes: &'a CategoryChanges,
    /// The version that the caller has seen, where they say so.
    pub version: Option<u64>,
}

/// Changes a category. What is inside of it moves along, and products are in all that hold their categories.
///
/// # Errors
/// [`CategoryError`].
pub fn handle(ports: &impl Ports, command: &Command<'_>) -> Result<CategoryView, CategoryError> {
    let now = ports.clock().now_ms();
    ports.store().write(locks::categories(), |transaction| {
        let tree = transaction.tree()?;
        let before = tree.get(command.id).ok_or(TreeError::NotFound)?;
        if command.version.is_some_and(|seen| seen != before.version) {
            return Err(CategoryError::VersionMismatch);
        }
        if *command.changes == CategoryChanges::default() {
            return Ok(before.clone());
        }
        let after = tree.change(command.id, command.changes, now)?;
        transaction.save_category(&after)?;
        if after.path != before.path {
            transaction.move_inside(&before.path, &after.path, after.updated_at)?;
        }
        if after.parent != before.parent {
            move_products(transaction, &tree, &after)?;
        }
        Ok(after)
    })
}

/// The products leave the categories that held this one, and enter those that hold it now.
fn move_products(
    transaction: &dyn Transaction,
    before: &Tree,
    category: &CategoryView,
) -> Result<(), CategoryError> {
    let products = transaction.products_in(category.id, MOVED_PRODUCTS_MAX + 1)?;
    if products > MOVED_PRODUCTS_MAX {
        return Err(CategoryError::TooManyProducts);
    }
    let holders = |id: Option<CategoryId>| id.map(|id| before.with_ancestors(id));
    let old = holders(before.get(category.id).and_then(|one| one.parent)).unwrap_or_default();
    let new = holders(category.parent).unwrap_or_default();
    transaction.move_products(category.id, &old, &new)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Shop, in_categories, new_product};

    fn inside(parent: Option<&CategoryView>) -> CategoryChanges {
        CategoryChanges {
            parent: Some(parent.map(|parent| parent.id)),
            ..CategoryChanges::default()
        }
    }

    fn change(
        shop: &Shop,
        category: &CategoryView,
        changes: &CategoryChanges,
    ) -> Result<CategoryView, CategoryError> {
        let (id, version) = (category.id, Some(category.version));
        handle(
            &shop.products,
            &Command {
                id,
                changes,
                version,
            },
        )
    }

    #[test]
    fn products_move_with_their_category() {
        let shop = Shop::new();
        let drinks = shop.category("Drinks", None);
        let tea = shop.category("Tea", Some(&drinks));
        let green = shop.category("Green", Some(&tea));
        let gifts = shop.category("Gifts", None);
        let add = |name, categories: &[&CategoryView]| {
            let product = shop.create(&in_categories(new_product(name, 1), categories));
            product.unwrap()
        };
        add("Sencha", &[&green]);
        add("Box", &[&tea, &gifts]);
        add("Samovar", &[&tea, &drinks]);
        let counts = || [&drinks, &tea, &green, &gifts].map(|one| shop.names_in(one).len());
        assert_eq!(counts(), [3, 3, 1, 1]);
        let moved = change(&shop, &tea, &inside(Some(&gifts))).unwrap();
        assert_eq!((moved.path.as_str(), moved.version), ("gifts/tea", 2));
        // The samovar is in the drinks by itself, too.
        assert_eq!(shop.names_in(&drinks), ["Samovar"]);
        assert_eq!(counts(), [1, 3, 1, 3]);
        let paths = shop.category_paths();
        assert_eq!(paths, ["drinks", "gifts", "gifts/tea", "gifts/tea/green"]);
        let top = change(&shop, &moved, &inside(None)).unwrap();
        assert_eq!((top.path.as_str(), counts()), ("tea", [1, 3, 1, 1]));
    }

    #[test]
    fn a_category_is_not_put_inside_of_itself() {
        let shop = Shop::new();
        let drinks = shop.category("Drinks", None);
        let tea = shop.category("Tea", Some(&drinks));
        for parent in [&drinks, &tea] {
            let refused = change(&shop, &drinks, &inside(Some(parent)));
            assert_eq!(refused, Err(TreeError::Cycle.into()));
        }
        assert_eq!(shop.category_paths(), ["drinks", "drinks/tea"]);
    }

    #[test]
    fn a_category_is_changed_only_as_it_was_seen() {
        let shop = Shop::new();
        let tea = shop.category("Tea", None);
        let renamed = CategoryChanges {
            name: Some("Fine tea".parse().unwrap()),
            ..CategoryChanges::default()
        };
        let after = change(&shop, &tea, &renamed).unwrap();
        // A new name leaves the address alone.
        assert_eq!((after.path.as_str(), after.version), ("tea", 2));
        let stale = change(&shop, &tea, &renamed);
        assert_eq!(stale, Err(CategoryError::VersionMismatch));
        let same = change(&shop, &after, &CategoryChanges::default());
        assert_eq!(same, Ok(after));
    }
}
