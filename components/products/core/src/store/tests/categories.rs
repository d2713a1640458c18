//! Lists of categories.

use super::lists::searching;
use super::*;
use crate::domain::category::{CategoryId, CategoryView};
use crate::domain::listing::{Filter, Listing, Sort, SortKey};
use crate::testing::{in_categories, set};
use mercato_kernel::{PageRequest, Total};

const KEYS: [SortKey; 5] = [
    SortKey::Created,
    SortKey::Updated,
    SortKey::Name,
    SortKey::Price,
    SortKey::Stock,
];

/// Forty products: each fourth is of the category, or of the one inside of it, and the eighth of both.
fn crowd(shop: &Shop) -> [CategoryView; 2] {
    let drinks = shop.category("Drinks", None);
    let tea = shop.category("Tea", Some(&drinks));
    let other = shop.category("Other", None);
    for number in 0_u64..40 {
        let categories: &[&CategoryView] = match number % 8 {
            0 => &[&drinks, &tea],
            4 => &[&tea],
            2 => &[&other],
            _ => &[],
        };
        let product = ProductChanges {
            price: Some(Money::from_units((number % 7).cast_signed() * 10_000)),
            ..new_product(&format!("item {number}"), number % 3)
        };
        shop.create(&in_categories(product, categories)).unwrap();
    }
    [drinks, tea]
}

fn of(category: &CategoryView) -> Filter {
    Filter {
        category: Some(CategoryKey::Path(category.path.clone())),
        ..Filter::default()
    }
}

impl Shop {
    fn names_of(&self, filter: &Filter, sort: Sort, limit: u32) -> Vec<String> {
        let (mut names, mut after) = (Vec::new(), None);
        loop {
            let request = PageRequest {
                page: 1,
                limit,
                after,
            };
            let page = self.list(filter, Some(sort), request).unwrap();
            let entries = page.entries.iter();
            names.extend(entries.map(|product| product.name.as_str().to_owned()));
            after = page.next;
            if after.is_none() {
                assert_eq!(page.total, Total::counted(names.len() as u64));
                return names;
            }
        }
    }
}

#[test]
fn a_list_of_a_category_has_each_product_once_in_every_order() {
    let shop = Shop::new();
    let [drinks, tea] = crowd(&shop);
    for key in KEYS {
        for sort in [Sort::ascending(key), Sort::descending(key)] {
            for category in [&drinks, &tea] {
                let whole = shop.names_of(&of(category), sort, 100);
                let distinct: std::collections::BTreeSet<_> = whole.iter().collect();
                assert_eq!((whole.len(), distinct.len()), (10, 10), "{sort:?}");
                assert_eq!(shop.names_of(&of(category), sort, 3), whole, "{sort:?}");
            }
        }
    }
}

#[test]
fn a_category_stands_beside_other_conditions() {
    let shop = Shop::new();
    let [drinks, _] = crowd(&shop);
    let name = Sort::ascending(SortKey::Name);
    let in_stock = Filter {
        in_stock: Some(true),
        max_price: Some("3".parse().unwrap()),
        ..of(&drinks)
    };
    assert_eq!(
        shop.names_of(&in_stock, name, 2),
        ["item 8", "item 16", "item 28"]
    );
    let words = Filter {
        query: searching("item").query,
        ..of(&drinks)
    };
    assert_eq!(shop.names_of(&words, name, 3).len(), 10);
    let eight = shop
        .all()
        .into_iter()
        .find(|one| one.name.as_str() == "item 8")
        .unwrap();
    shop.update(&eight, &set(Status::Draft), None).unwrap();
    assert_eq!(shop.names_of(&words, name, 100).len(), 9);
    assert_eq!(shop.names_in(&drinks).len(), 9);
    let drafts = Filter {
        status: Some(Status::Draft),
        sees_all: true,
        ..of(&drinks)
    };
    assert_eq!(shop.names_of(&drafts, name, 100), ["item 8"]);
}

#[test]
fn nothing_is_in_a_category_that_is_not_there() {
    let shop = Shop::new();
    crowd(&shop);
    let name = Sort::ascending(SortKey::Name);
    for text in ["no/such/path", "01890a5d-ac96-774b-bcce-ffffffffffff"] {
        let filter = Filter {
            category: Some(mercato_kernel::FromText::from_text(text).unwrap()),
            ..Filter::default()
        };
        assert_eq!(shop.names_of(&filter, name, 10), [""; 0]);
    }
}

#[test]
fn a_product_is_put_into_categories_that_are_there() {
    let shop = Shop::new();
    let tea = shop.category("Tea", None);
    let unknown = CategoryId::parse("01890a5d-ac96-774b-bcce-ffffffffffff").unwrap();
    let product = ProductChanges {
        categories: Some(vec![tea.id, unknown]),
        ..new_product("Sencha", 1)
    };
    let Err(ProductError::Invalid(errors)) = shop.create(&product) else {
        panic!("taken");
    };
    assert_eq!(
        (&*errors[0].field, &*errors[0].code),
        ("categories[1]", "unknown")
    );
    assert_eq!(shop.number("SELECT COUNT(*) FROM products"), 0);
    let many = ProductChanges {
        categories: Some(vec![tea.id; 21]),
        ..new_product("Sencha", 1)
    };
    assert!(matches!(shop.create(&many), Err(ProductError::Invalid(_))));
    let twice = in_categories(new_product("Sencha", 1), &[&tea, &tea]);
    let sencha = shop.create(&twice).unwrap();
    assert_eq!(
        (sencha.categories.clone(), shop.names_in(&tea).len()),
        (vec![tea.id], 1)
    );
    assert_eq!(shop.find(&sencha), Some(sencha.clone()));
    // What does not speak of categories leaves them alone.
    let dearer = ProductChanges {
        price: Some("9".parse().unwrap()),
        ..ProductChanges::default()
    };
    shop.update(&sencha, &dearer, None).unwrap();
    assert_eq!(shop.names_in(&tea).len(), 1);
    shop.update(
        &sencha,
        &in_categories(ProductChanges::default(), &[]),
        None,
    )
    .unwrap();
    assert_eq!(shop.names_in(&tea).len(), 0);
    shop.delete(&shop.find(&sencha).unwrap(), None).unwrap();
    assert_eq!(shop.number("SELECT COUNT(*) FROM category_products"), 0);
}

#[test]
fn a_list_of_a_category_reads_its_products_alone() {
    let shop = Shop::on_sqlite();
    let [drinks, _] = crowd(&shop);
    for key in KEYS {
        let request = PageRequest {
            page: 1,
            limit: 10,
            after: None,
        };
        let sort = Some(Sort::ascending(key));
        let mut listing = Listing::new(&of(&drinks), &[], sort, request).unwrap();
        listing.category = Some(drinks.id);
        let plans = |connection: &Connection| listing::tests::browse_plans(connection, &listing);
        let plans = shop.read(plans);
        for gathered in [&plans[1], &plans[5]] {
            let is_range =
                |step: &String| step.starts_with("SEARCH m USING PRIMARY KEY (category_id=?)");
            assert!(gathered.iter().any(is_range), "{key:?}: {gathered:?}");
            let reads_all =
                |step: &&String| step.starts_with("SCAN p") && !step.starts_with("SCAN page");
            assert_eq!(gathered.iter().find(reads_all), None, "{gathered:?}");
        }
    }
}
