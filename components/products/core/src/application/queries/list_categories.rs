//! The tree of categories, and one of them.

use crate::application::ports::{Ports, Store as _};
use crate::domain::category::{CategoryId, CategoryView, TreeError};
use crate::domain::error::{CategoryError, StoreError};

/// All categories, each after the one that it is inside of, in their order.
///
/// # Errors
/// [`StoreError`].
pub fn handle(ports: &impl Ports) -> Result<Vec<CategoryView>, StoreError> {
    Ok(ports.store().tree()?.into_categories())
}

/// One category.
///
/// # Errors
/// [`TreeError::NotFound`], [`CategoryError::Store`].
pub fn find(ports: &impl Ports, id: CategoryId) -> Result<CategoryView, CategoryError> {
    let tree = ports.store().tree()?;
    Ok(tree.get(id).cloned().ok_or(TreeError::NotFound)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Shop;

    #[test]
    fn a_category_is_found_until_it_is_removed() {
        let shop = Shop::new();
        let tea = shop.category("Tea", None);
        assert_eq!(find(&shop.products, tea.id), Ok(tea.clone()));
        let unknown = CategoryId::parse("01890a5d-ac96-774b-bcce-ffffffffffff").unwrap();
        let refused = find(&shop.products, unknown);
        assert_eq!(refused, Err(TreeError::NotFound.into()));
    }
}
