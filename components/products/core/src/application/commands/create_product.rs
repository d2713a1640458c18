//! Adds a product.

use super::save;
use crate::application::locks;
use crate::application::ports::{Clock as _, Ports, Store as _};
use crate::domain::error::ProductError;
use crate::domain::product::{Product, ProductChanges, ProductView};
use crate::domain::slug::Slug;

/// Adds a product to the catalogue.
///
/// # Errors
/// [`ProductError::Invalid`], [`ProductError::SkuTaken`], [`ProductError::SlugTaken`], [`ProductError::Store`].
pub fn handle(ports: &impl Ports, new: &ProductChanges) -> Result<ProductView, ProductError> {
    let id = save::new_id(ports.ids())?;
    // What is wrong with it is said before anybody waits for it.
    let simple = new.variants.is_none();
    let checked = simple.then(|| Product::create(id, new, ports.clock().now_ms()));
    let checked = checked.transpose()?;
    let name = new.name.as_ref().map(|name| Slug::from_name(name, id));
    let locks = locks::skus(save::skus(new))
        .and(locks::slugs(new.slug.clone().or(name).iter()))
        .and(save::category_locks(new));
    ports.store().write(locks, |transaction| {
        let product = match &checked {
            Some(product) => product.clone(),
            None => Product::create_with(id, new, &save::means(ports, transaction, new)?)?,
        };
        save::check_skus(transaction, &product, &[], new)?;
        let product = match save::check_slug(transaction, &product) {
            Err(ProductError::SlugTaken) if new.slug.is_none() => product.told_apart(),
            checked => checked.map(|()| product)?,
        };
        save::insert(transaction, &product)?;
        save::enter_categories(transaction, id, new)?;
        Ok(product.into_view())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::stock::STOCK_UNITS_MAX;
    use crate::testing::{Shop, new_product, numbered};

    #[test]
    fn a_new_product_can_be_found_and_its_stock_is_in_the_book() {
        let shop = Shop::new();
        let created = shop.create(&new_product("Tea", 10)).unwrap();
        assert_eq!(shop.find(&created), Some(created));
        assert_eq!(shop.book_total(), 10);
    }

    #[test]
    fn two_products_cannot_have_the_same_sku() {
        let shop = Shop::new();
        shop.create(&numbered("Tea", "A-1")).unwrap();
        let same = numbered("Coffee", " A-1 ");
        assert_eq!(shop.create(&same), Err(ProductError::SkuTaken));
        shop.create(&new_product("Cocoa", 1)).unwrap();
        shop.create(&new_product("Milk", 1)).unwrap();
        assert_eq!(shop.number("SELECT COUNT(*) FROM products"), 3);
    }

    #[test]
    fn a_slug_is_made_or_given_and_of_one_product_alone() {
        let shop = Shop::new();
        let slug = |product: ProductView| String::from(product.slug);
        let tea = shop.create(&new_product("Green tea", 1)).unwrap();
        assert_eq!(slug(tea.clone()), "green-tea");
        let other = shop.create(&new_product("Green Tea!", 1)).unwrap();
        let tail = &other.id.text()[24..];
        assert_eq!(slug(other.clone()), format!("green-tea-{tail}"));
        let named = |slug: &str| ProductChanges {
            slug: Some(slug.parse().unwrap()),
            ..new_product("Tea", 1)
        };
        assert_eq!(slug(shop.create(&named("sencha")).unwrap()), "sencha");
        assert_eq!(shop.create(&named("sencha")), Err(ProductError::SlugTaken));
        shop.delete(&tea, None).unwrap();
        assert_eq!(slug(shop.create(&named("green-tea")).unwrap()), "green-tea");
    }

    #[test]
    fn an_invalid_product_is_not_stored() {
        let shop = Shop::new();
        let too_many = new_product("Tea", STOCK_UNITS_MAX + 1);
        let refused = shop.create(&too_many);
        assert!(matches!(refused, Err(ProductError::Invalid(_))));
        assert_eq!(shop.number("SELECT COUNT(*) FROM products"), 0);
    }
}
