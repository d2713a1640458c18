//! One product, by its identifier or by its slug.

use crate::application::ports::{Ports, Store as _};
use crate::domain::error::ProductError;
use crate::domain::presentation::Status;
use crate::domain::product::ProductView;
use crate::domain::slug::{ProductKey, Slug};

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// The product.
    Product(Box<ProductView>),
    /// It has another slug by now, or it is a variant of the product that has this one.
    Moved(Slug),
}

/// A product that is not deleted; where not all are seen, one that is published.
///
/// # Errors
/// [`ProductError::NotFound`], [`ProductError::Store`].
pub fn handle(ports: &impl Ports, key: &ProductKey, sees_all: bool) -> Result<Found, ProductError> {
    let is_seen = |product: &ProductView| sees_all || product.status == Status::Published;
    let store = ports.store();
    let (found, slug) = match key {
        ProductKey::Id(id) => (store.product(*id)?, None),
        ProductKey::Slug(slug) => (store.product_by_slug(slug)?, Some(slug)),
    };
    if let Some(product) = found.filter(is_seen) {
        return Ok(Found::Product(Box::new(product)));
    }
    // What was ordered is a variant: its product tells all of it.
    let elsewhere = match (key, slug) {
        (_, Some(slug)) => store.product_by_former_slug(slug)?,
        (ProductKey::Id(id), None) => store.product_of_variant(*id)?,
        (ProductKey::Slug(_), None) => None,
    };
    let moved = elsewhere.filter(is_seen);
    let moved = moved.map(|product| Found::Moved(product.slug));
    moved.ok_or(ProductError::NotFound)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::application::ports::FORMER_SLUGS_MAX;
    use crate::domain::product::ProductChanges;
    use crate::testing::{Shop, new_product, set};
    use mercato_kernel::ProductId;

    #[test]
    fn a_product_is_found_until_it_is_deleted() {
        let shop = Shop::new();
        let tea = shop.create(&new_product("Tea", 1)).unwrap();
        let find = |id| handle(&shop.products, &ProductKey::Id(id), false);
        assert_eq!(find(tea.id), Ok(Found::Product(Box::new(tea.clone()))));
        shop.delete(&tea, None).unwrap();
        assert_eq!(find(tea.id), Err(ProductError::NotFound));
        let unknown = ProductId::parse("01890a5d-ac96-774b-bcce-ffffffffffff").unwrap();
        assert_eq!(find(unknown), Err(ProductError::NotFound));
    }

    fn renamed(slug: &str) -> ProductChanges {
        ProductChanges {
            slug: Some(slug.parse().unwrap()),
            ..ProductChanges::default()
        }
    }

    #[test]
    fn a_slug_leads_to_its_product_and_a_former_one_to_the_new() {
        let shop = Shop::new();
        let find = |slug: &str| {
            let key = ProductKey::Slug(slug.parse().unwrap());
            match handle(&shop.products, &key, false)? {
                Found::Product(product) => Ok(product.name.as_str().to_owned()),
                Found::Moved(slug) => Ok(format!("to {}", slug.as_str())),
            }
        };
        let tea = shop.create(&new_product("Tea", 1)).unwrap();
        let found = |text: &str| Ok::<_, ProductError>(text.to_owned());
        assert_eq!(find("tea"), found("Tea"));
        assert_eq!(find("chai"), Err(ProductError::NotFound));
        shop.update(&tea, &renamed("green-tea"), None).unwrap();
        shop.update(&tea, &renamed("sencha"), None).unwrap();
        assert_eq!(
            (find("tea"), find("green-tea")),
            (found("to sencha"), found("to sencha"))
        );
        // Who has a slug now comes before who had it.
        let other = shop.create(&new_product("Tea", 1)).unwrap();
        assert_eq!((other.slug.as_str(), find("tea")), ("tea", found("Tea")));
        shop.update(&other, &renamed("earl-grey"), None).unwrap();
        assert_eq!(find("tea"), found("to earl-grey"));
        assert_eq!(
            shop.update(&tea, &renamed("earl-grey"), None),
            Err(ProductError::SlugTaken)
        );
        // Back again: it does not lead to itself.
        shop.update(&tea, &renamed("green-tea"), None).unwrap();
        assert_eq!(
            (find("green-tea"), find("sencha")),
            (found("Tea"), found("to green-tea"))
        );
        shop.update(&tea, &set(Status::Draft), None).unwrap();
        assert_eq!(find("sencha"), Err(ProductError::NotFound));
        shop.delete(&other, None).unwrap();
        assert_eq!(find("tea"), Err(ProductError::NotFound));
    }

    #[test]
    fn a_product_remembers_its_last_twenty_slugs() {
        let shop = Shop::new();
        let tea = shop.create(&new_product("Tea", 1)).unwrap();
        for number in 0..=FORMER_SLUGS_MAX {
            let slug = renamed(&format!("tea-{number}"));
            shop.update(&tea, &slug, None).unwrap();
        }
        let find = |slug: &str| {
            handle(
                &shop.products,
                &ProductKey::Slug(slug.parse().unwrap()),
                true,
            )
        };
        assert_eq!(find("tea"), Err(ProductError::NotFound));
        assert!(matches!(find("tea-0"), Ok(Found::Moved(_))));
        let kept = u64::from(FORMER_SLUGS_MAX);
        assert_eq!(shop.number("SELECT COUNT(*) FROM former_slugs"), kept);
    }

    #[test]
    fn what_is_not_published_is_found_by_admins_alone() {
        let shop = Shop::new();
        let tea = shop.create(&new_product("Tea", 1)).unwrap();
        for status in [Status::Draft, Status::Archived] {
            let tea = shop.update(&tea, &set(status), None).unwrap();
            for key in [ProductKey::Id(tea.id), ProductKey::Slug(tea.slug.clone())] {
                let find = |sees_all| handle(&shop.products, &key, sees_all);
                assert_eq!(find(false), Err(ProductError::NotFound));
                assert_eq!(find(true), Ok(Found::Product(Box::new(tea.clone()))));
            }
        }
    }

    #[test]
    fn a_product_is_read_with_one_statement() {
        let shop = Shop::on_sqlite();
        let tea = shop.create(&new_product("Tea", 1)).unwrap();
        for key in [ProductKey::Id(tea.id), ProductKey::Slug(tea.slug)] {
            let read = || drop(handle(&shop.products, &key, false).unwrap());
            assert_eq!(shop.statements(read), 1);
        }
    }
}
