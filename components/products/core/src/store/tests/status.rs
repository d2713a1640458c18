//! Products that are not published: nobody but admins finds them.

use super::lists::searching;
use super::*;
use crate::domain::listing::{Filter, Sort, SortKey};
use crate::domain::reservation::RejectionReason;
use crate::testing::set;
use mercato_kernel::{PageRequest, Total};

const HIDDEN: [Status; 2] = [Status::Draft, Status::Archived];

impl Shop {
    fn names_by(&self, filter: &Filter, sort: SortKey) -> (Vec<String>, Total) {
        let request = PageRequest {
            page: 1,
            limit: 10,
            after: None,
        };
        let page = self.list(filter, Some(Sort::ascending(sort)), request);
        let page = page.unwrap();
        let names = page.entries.iter();
        let names = names.map(|product| product.name.as_str().to_owned());
        (names.collect(), page.total)
    }
}

fn of_status(status: Status) -> Filter {
    Filter {
        status: Some(status),
        sees_all: true,
        ..Filter::default()
    }
}

#[test]
fn a_list_is_of_one_status_in_every_order() {
    let shop = Shop::new();
    let of = |name: &str, status| {
        let product = shop.add(name, "2", 1);
        shop.update(&product, &set(status), None).unwrap()
    };
    for name in ["a", "b", "c"] {
        of(&format!("draft {name}"), Status::Draft);
        of(&format!("old {name}"), Status::Archived);
    }
    of("tea", Status::Published);
    for sort in [
        SortKey::Created,
        SortKey::Updated,
        SortKey::Name,
        SortKey::Price,
        SortKey::Stock,
    ] {
        let names = |filter: &Filter| shop.names_by(filter, sort);
        let only = |name: &str, count: u64| {
            let names = ["a", "b", "c"].map(|letter| format!("{name} {letter}"));
            (names.to_vec(), Total::counted(count))
        };
        let published = (vec!["tea".to_owned()], Total::counted(1));
        assert_eq!(names(&Filter::default()), published, "{sort:?}");
        assert_eq!(
            names(&of_status(Status::Draft)),
            only("draft", 3),
            "{sort:?}"
        );
        let cheap = Filter {
            max_price: Some("2".parse().unwrap()),
            in_stock: Some(true),
            ..of_status(Status::Archived)
        };
        assert_eq!(names(&cheap), only("old", 3), "{sort:?}");
        let dear = Filter {
            min_price: Some("3".parse().unwrap()),
            ..of_status(Status::Archived)
        };
        assert_eq!(names(&dear), (vec![], Total::counted(0)), "{sort:?}");
    }
}

#[test]
fn what_is_not_published_is_in_no_list_search_or_total() {
    let shop = Shop::new();
    shop.add("Green tea", "1", 1);
    let tea = shop.create(&numbered("Black tea", "B-1")).unwrap();
    let all = Filter::default();
    let found = || {
        let search = shop.names_by(&searching("tea"), SortKey::Name).0.len();
        let list = shop.names_by(&all, SortKey::Name);
        assert_eq!(list.1, Total::counted(list.0.len() as u64));
        let cheap = Filter {
            max_price: Some("9".parse().unwrap()),
            ..Filter::default()
        };
        let filtered = shop.names_by(&cheap, SortKey::Price).1.entries;
        let stats = stock_stats::handle(&shop.products).unwrap();
        (
            search,
            list.0.len(),
            filtered,
            stats.products,
            stats.low_stock.len(),
        )
    };
    assert_eq!(found(), (2, 2, 2, 2, 2));
    for status in HIDDEN {
        shop.update(&tea, &set(status), None).unwrap();
        assert_eq!(found(), (1, 1, 1, 1, 1), "{status:?}");
        // Also when it changes, or is hidden in another way.
        let renamed = ProductChanges {
            name: Some("Earl Grey tea".parse().unwrap()),
            ..ProductChanges::default()
        };
        shop.update(&tea, &renamed, None).unwrap();
        assert_eq!(found(), (1, 1, 1, 1, 1), "{status:?}");
        shop.update(&tea, &set(Status::Published), None).unwrap();
        assert_eq!(found(), (2, 2, 2, 2, 2));
        assert_eq!(shop.names_by(&searching("grey"), SortKey::Name).0.len(), 1);
    }
    shop.update(&tea, &set(Status::Draft), None).unwrap();
    shop.delete(&tea, None).unwrap();
    assert_eq!(found(), (1, 1, 1, 1, 1));
}

#[test]
fn a_new_draft_is_found_by_its_name_by_admins_alone() {
    let shop = Shop::new();
    let draft = ProductChanges {
        status: Some(Status::Draft),
        ..numbered("Tea", "T-1")
    };
    let draft = shop.create(&draft).unwrap();
    assert_eq!(shop.names_by(&searching("tea"), SortKey::Name).0.len(), 0);
    for named in [
        Filter {
            sku: draft.sku.clone(),
            ..Filter::default()
        },
        Filter {
            ids: Some(vec![draft.id]),
            ..Filter::default()
        },
    ] {
        let found = |filter: &Filter| shop.names_by(filter, SortKey::Name).0.len();
        assert_eq!(found(&named), 0);
        let of_admin = Filter {
            sees_all: true,
            ..named
        };
        assert_eq!(found(&of_admin), 1);
        let archived = Filter {
            status: Some(Status::Archived),
            ..of_admin
        };
        assert_eq!(found(&archived), 0);
    }
    let row = ProductChanges {
        price: Some("7".parse().unwrap()),
        ..numbered("Tea", "T-1")
    };
    assert_eq!(shop.import(&[row]), Ok(vec![RowOutcome::Updated]));
    assert_eq!(shop.find(&draft).unwrap().status, Status::Draft);
}

#[test]
fn an_order_of_what_is_not_published_is_of_an_unknown_product() {
    let shop = Shop::new();
    let tea = shop.add("Tea", "1", 5);
    shop.reserve(1, &[line(&tea, 1)]).unwrap();
    for status in HIDDEN {
        shop.update(&tea, &set(status), None).unwrap();
        let Err(InventoryError::Rejected(lines)) = shop.reserve(2, &[line(&tea, 1)]) else {
            panic!("{status:?}");
        };
        let reasons: Vec<_> = lines
            .iter()
            .map(|line| (line.reason, line.available))
            .collect();
        assert_eq!(reasons, [(RejectionReason::UnknownProduct, 0)]);
        assert_eq!(shop.products.store.sellables(&[tea.id]), Ok(vec![]));
    }
    // What was ordered before is sold all the same.
    shop.settle(1, Settlement::Commit).unwrap();
    assert_eq!(shop.stock(&tea), Stock::restore(4, 0, 1));
    shop.assert_books_agree();
}
