//! Lists and searches on a real SQLite.

use std::collections::BTreeSet;

use mercato_kernel::{PageRequest, Total};

use super::*;
use crate::domain::listing::{Filter, Sort, SortKey};

const KEYS: [SortKey; 5] = [
    SortKey::Created,
    SortKey::Updated,
    SortKey::Name,
    SortKey::Price,
    SortKey::Stock,
];

/// Every order, and the index that it comes from.
fn orders() -> impl Iterator<Item = (Sort, &'static str)> {
    KEYS.into_iter().flat_map(|key| {
        let index = match key {
            SortKey::Created | SortKey::Relevance => "products_by_age",
            SortKey::Updated => "products_by_change",
            SortKey::Name => "products_by_name",
            SortKey::Price => "products_by_price",
            SortKey::Stock => "products_by_stock",
        };
        [Sort::ascending(key), Sort::descending(key)].map(|sort| (sort, index))
    })
}

pub fn searching(words: &str) -> Filter {
    Filter {
        query: Some(words.parse().unwrap()),
        ..Filter::default()
    }
}

fn names_of(page: &Page<ProductView>) -> Vec<String> {
    let name = |product: &ProductView| product.name.as_str().to_owned();
    page.entries.iter().map(name).collect()
}

impl Shop {
    fn page(
        &self,
        filter: &Filter,
        sort: Option<Sort>,
        limit: u32,
        after: Option<String>,
    ) -> Page<ProductView> {
        let request = PageRequest {
            page: 1,
            limit,
            after,
        };
        self.list(filter, sort, request).unwrap()
    }

    pub fn names(&self, filter: &Filter, sort: Sort, page: u32, limit: u32) -> (Vec<String>, u64) {
        let request = PageRequest {
            page,
            limit,
            after: None,
        };
        let list = self.list(filter, Some(sort), request).unwrap();
        (names_of(&list), list.total.entries)
    }

    /// The names of what is found, best first.
    pub fn found(&self, words: &str) -> Vec<String> {
        let page = self.page(&searching(words), None, 100, None);
        assert_eq!(
            page.total,
            Total::counted(page.entries.len() as u64),
            "{words}"
        );
        names_of(&page)
    }

    /// The names on all pages, from cursor to cursor; between two pages something happens.
    pub fn walk(
        &self,
        filter: &Filter,
        sort: Option<Sort>,
        limit: u32,
        mut meanwhile: impl FnMut(u32),
    ) -> Vec<String> {
        let (mut seen, mut after, mut number) = (Vec::new(), None, 0);
        loop {
            let page = self.page(filter, sort, limit, after);
            number += 1;
            assert_eq!(page.page, number);
            assert!(page.entries.len() <= limit as usize);
            seen.extend(names_of(&page));
            after = page.next;
            if after.is_none() {
                return seen;
            }
            assert_eq!(
                page.entries.len(),
                limit as usize,
                "a page before the last is full"
            );
            meanwhile(number);
        }
    }

    pub fn describe(&self, name: &str, description: &str, sku: Option<&str>) -> ProductView {
        self.create(&ProductChanges {
            description: Some(description.parse().unwrap()),
            sku: sku.map(|sku| Some(sku.parse().unwrap())),
            ..new_product(name, 1)
        })
        .unwrap()
    }

    fn listing(filter: &Filter, sort: Sort, after: Option<String>) -> Listing {
        let request = PageRequest {
            page: 1,
            limit: 10,
            after,
        };
        Listing::new(filter, &[], Some(sort), request).unwrap()
    }

    /// How a list without words is counted, walked, and gathered and sorted.
    fn browse_plans(&self, filter: &Filter, sort: Sort, after: Option<String>) -> [Vec<String>; 6] {
        let listing = Self::listing(filter, sort, after);
        let plans = |connection: &Connection| listing::tests::browse_plans(connection, &listing);
        self.read(plans).try_into().unwrap()
    }

    /// How a search is made whose matches are few, and one whose matches are many.
    fn search_plans(&self, filter: &Filter, sort: Sort) -> [Vec<Vec<String>>; 2] {
        let listing = Self::listing(filter, sort, None);
        let plans = |connection: &Connection| listing::tests::search_plans(connection, &listing);
        self.read(plans)
    }

    /// Products that are not in the search as they are in the catalogue, or the other way round.
    pub fn assert_search_is_in_step(&self) {
        let live = "SELECT COUNT(*) FROM products WHERE deleted_at IS NULL";
        let entered = "SELECT COUNT(*) FROM catalogue_entries JOIN products ON id = product_id \
            WHERE deleted_at IS NULL AND name_chars = length(name)";
        let indexed = "SELECT COUNT(*) FROM products_by_word WHERE rowid IN (SELECT number FROM catalogue_entries)";
        let all = [
            "SELECT COUNT(*) FROM catalogue_entries",
            "SELECT COUNT(*) FROM products_by_word",
        ];
        for count in [entered, indexed].into_iter().chain(all) {
            assert_eq!(self.number(count), self.number(live), "{count}");
        }
    }
}

#[test]
fn a_page_takes_two_statements_and_a_product_one() {
    let shop = Shop::on_sqlite();
    let tea = shop.add("Tea", "1", 1);
    assert_eq!(shop.statements(|| drop(shop.find(&tea))), 1);
    let for_sale = Filter {
        in_stock: Some(true),
        ..Filter::default()
    };
    for filter in [Filter::default(), for_sale, searching("tea")] {
        for sort in [None, Some(Sort::ascending(SortKey::Name))] {
            let list = || drop(shop.page(&filter, sort, 10, None));
            assert_eq!(shop.statements(list), 2, "{filter:?}");
        }
    }
}

#[test]
fn lists_are_sorted_paged_and_counted() {
    let shop = Shop::new();
    let mut products = Vec::new();
    for (name, price, stock) in [
        ("banana", "3", 2),
        ("Apple", "2", 4),
        ("Ärmel", "2", 3),
        ("cherry", "1", 1),
    ] {
        products.push(shop.add(name, price, stock));
    }
    let gone = shop.add("gone", "9", 1);
    shop.delete(&gone, None).unwrap();
    let dearer = ProductChanges {
        price: Some("3".parse().unwrap()),
        ..ProductChanges::default()
    };
    shop.update(&products[0], &dearer, None).unwrap();
    let all = |sort| shop.names(&Filter::default(), sort, 1, 10).0;
    for (key, expected) in [
        (SortKey::Created, ["banana", "Apple", "Ärmel", "cherry"]),
        (SortKey::Updated, ["Apple", "Ärmel", "cherry", "banana"]),
        (SortKey::Name, ["Apple", "Ärmel", "banana", "cherry"]),
        (SortKey::Price, ["cherry", "Apple", "Ärmel", "banana"]),
        (SortKey::Stock, ["cherry", "banana", "Ärmel", "Apple"]),
    ] {
        assert_eq!(all(Sort::ascending(key)), expected, "{key:?}");
        let backwards: Vec<_> = expected.into_iter().rev().collect();
        assert_eq!(all(Sort::descending(key)), backwards, "{key:?}");
    }
    let oldest = Sort::ascending(SortKey::Created);
    let page = |page, limit| shop.names(&Filter::default(), oldest, page, limit);
    assert_eq!(
        page(1, 3),
        (
            vec!["banana".to_owned(), "Apple".to_owned(), "Ärmel".to_owned()],
            4
        )
    );
    assert_eq!(page(2, 3), (vec!["cherry".to_owned()], 4));
    assert_eq!(page(3, 3), (vec![], 4));
    assert_eq!(page(101, 100), (vec![], 4));
}

#[test]
fn filters_restrict_the_list_and_its_count() {
    let shop = Shop::new();
    for (name, price, stock) in [
        ("a", "0", 0),
        ("b", "9.9999", 5),
        ("c", "10", 0),
        ("d", "10.0001", 1),
    ] {
        shop.add(name, price, stock);
    }
    let price = |text: &str| Some(text.parse().unwrap());
    let list = |filter| shop.names(&filter, Sort::ascending(SortKey::Name), 1, 1);
    let first = |name: &str, total| (vec![name.to_owned()], total);
    assert_eq!(
        list(Filter {
            min_price: price("10"),
            ..Filter::default()
        }),
        first("c", 2)
    );
    assert_eq!(
        list(Filter {
            max_price: price("10"),
            ..Filter::default()
        }),
        first("a", 3)
    );
    assert_eq!(
        list(Filter {
            in_stock: Some(true),
            ..Filter::default()
        }),
        first("b", 2)
    );
    assert_eq!(
        list(Filter {
            in_stock: Some(false),
            ..Filter::default()
        }),
        first("a", 2)
    );
    let all = Filter {
        query: None,
        min_price: price("0.0001"),
        max_price: price("10"),
        in_stock: Some(false),
        ..Filter::default()
    };
    assert_eq!(list(all), first("c", 1));
    assert_eq!(
        list(Filter {
            min_price: price("11"),
            ..Filter::default()
        }),
        (vec![], 0)
    );
}

/// Thirty products, of which many are the same in what they are sorted by.
fn crowded() -> Shop {
    crowd(Shop::new())
}

fn crowd(shop: Shop) -> Shop {
    for number in 0_u64..30 {
        let name = format!("{} {number}", ["tea", "TEA", "milk"][number as usize % 3]);
        shop.add(&name, &(number % 4).to_string(), number % 3);
    }
    shop
}

#[test]
fn a_walk_by_cursor_is_the_list_in_every_order() {
    let shop = crowded();
    for filter in [
        Filter::default(),
        searching("te"),
        Filter {
            min_price: Some("1".parse().unwrap()),
            in_stock: Some(true),
            ..searching("milk")
        },
        Filter {
            max_price: Some("2".parse().unwrap()),
            ..Filter::default()
        },
    ] {
        let relevance = Sort::ascending(SortKey::Relevance);
        for sort in orders().map(|(sort, _)| sort).chain([relevance]) {
            let (whole, total) = shop.names(&filter, sort, 1, 100);
            assert_eq!(whole.len() as u64, total);
            for limit in [1, 4, 7, 100] {
                let walked = shop.walk(&filter, Some(sort), limit, |_| ());
                assert_eq!(walked, whole, "{filter:?} {sort:?} {limit}");
            }
        }
    }
}

#[test]
fn the_last_page_has_no_next_also_when_it_is_full() {
    let shop = crowded();
    let page = shop.page(&Filter::default(), None, 30, None);
    assert_eq!(
        (page.entries.len(), page.total, page.next),
        (30, Total::counted(30), None)
    );
    let page = shop.page(&Filter::default(), None, 29, None);
    assert!(page.next.is_some());
    let last = shop.page(&Filter::default(), None, 29, page.next);
    assert_eq!((last.entries.len(), last.page, last.next), (1, 2, None));
}

#[test]
fn a_numbered_page_gives_a_cursor_that_goes_on_counting() {
    let shop = crowded();
    let oldest = Some(Sort::ascending(SortKey::Created));
    let request = PageRequest {
        page: 2,
        limit: 10,
        after: None,
    };
    let second = shop.list(&Filter::default(), oldest, request).unwrap();
    let third = shop.page(&Filter::default(), oldest, 10, second.next);
    assert_eq!(third.page, 3);
    assert_eq!(names_of(&third)[0], "milk 20");
}

#[test]
fn a_walk_sees_what_stays_exactly_once_while_others_come_and_go() {
    for (filter, sort) in orders()
        .map(|(sort, _)| (Filter::default(), Some(sort)))
        .chain([(searching("tea"), None)])
    {
        let shop = crowded();
        let all = shop.walk(&filter, sort, 100, |_| ());
        let mut leaving: Vec<ProductView> = shop
            .page(&filter, sort, 100, None)
            .entries
            .into_iter()
            .step_by(3)
            .collect();
        let gone: BTreeSet<String> = leaving
            .iter()
            .map(|product| product.name.as_str().to_owned())
            .collect();
        let walked = shop.walk(&filter, sort, 4, |number| {
            for product in leaving.drain(..leaving.len().min(2)) {
                shop.delete(&product, None).unwrap();
            }
            // Newcomers before, between and behind what has been seen; also with the same keys.
            for name in ["AAA", "tea", "zzz tea"] {
                shop.add(&format!("{name} new {number}"), "2", u64::from(number % 3));
            }
        });
        let stayed = |names: &[String]| -> Vec<String> {
            let stays = |name: &&String| !gone.contains(*name) && !name.contains("new");
            names.iter().filter(stays).cloned().collect()
        };
        assert_eq!(stayed(&walked), stayed(&all), "{filter:?} {sort:?}");
        let distinct: BTreeSet<_> = walked.iter().collect();
        assert_eq!(distinct.len(), walked.len(), "{filter:?} {sort:?}");
    }
}

#[test]
fn every_walk_comes_from_the_index_of_its_order() {
    let shop = crowd(Shop::on_sqlite());
    for (sort, index) in orders() {
        let next = shop.page(&Filter::default(), Some(sort), 10, None).next;
        let [_, _, first, _, _, _] = shop.browse_plans(&Filter::default(), sort, None);
        let walk = format!("SEARCH p USING INDEX {index} (status=?)");
        assert_eq!(first, [walk], "{sort:?}");
        // A search in the index, from the cursor's place onwards: nothing before it is read.
        let [_, _, second, _, _, _] = shop.browse_plans(&Filter::default(), sort, next);
        assert_eq!(second.len(), 1, "{sort:?}: {second:?}");
        let search = format!("SEARCH p USING INDEX {index} (status=? AND (");
        assert!(second[0].starts_with(&search), "{sort:?}: {second:?}");
    }
}

#[test]
fn products_that_are_named_are_looked_up_by_their_keys() {
    let shop = crowd(Shop::on_sqlite());
    let all = shop.page(&Filter::default(), None, 100, None).entries;
    let wanted: Vec<ProductId> = [3, 1, 7].map(|index: usize| all[index].id).into();
    let unknown = ProductId::parse("01890a5d-ac96-774b-bcce-000000000000").unwrap();
    let twice = wanted.iter().chain(&wanted).copied().chain([unknown]);
    let filter = Filter {
        ids: Some(twice.collect()),
        ..Filter::default()
    };
    let name = Sort::ascending(SortKey::Name);
    let first = shop.page(&filter, Some(name), 2, None);
    assert_eq!((first.total, first.entries.len()), (Total::counted(3), 2));
    let rest = shop.page(&filter, Some(name), 2, first.next);
    let mut seen: Vec<ProductId> = first
        .entries
        .iter()
        .chain(&rest.entries)
        .map(|product| product.id)
        .collect();
    seen.sort();
    let mut expected = wanted;
    expected.sort();
    assert_eq!((seen, rest.next), (expected, None));
    let by_sku = Filter {
        sku: Some("nobody has it".parse().unwrap()),
        ..Filter::default()
    };
    assert_eq!(shop.page(&by_sku, None, 10, None).total, Total::counted(0));
    for filter in [filter, by_sku] {
        let listing = Shop::listing(&filter, name, None);
        let plans = |connection: &Connection| listing::tests::named_plans(connection, &listing);
        for plan in shop.read(plans) {
            let reads_all = |step: &&String| *step == "SCAN p" || step.starts_with("SCAN p ");
            assert_eq!(plan.iter().find(reads_all), None, "{plan:?}");
        }
    }
}

/// Steps that read only what the words find, what was found, or what is looked up by its key.
fn is_bounded_by_words(step: &str) -> bool {
    let is_sort = step.starts_with("USE TEMP B-TREE FOR ORDER BY");
    let reads_all = step.starts_with("SCAN") || step.starts_with("SEARCH p USING INDEX");
    let is_cheap = step.contains("products_by_word VIRTUAL TABLE INDEX")
        || step == "SCAN found"
        || step == "SCAN page"
        || step == "SCAN counted"
        || step.contains("sqlite_autoindex_products_1")
        || step.starts_with("SCAN (subquery");
    is_sort || !reads_all || is_cheap
}

#[test]
fn a_search_begins_with_the_words_and_reads_no_other_products() {
    let shop = crowd(Shop::on_sqlite());
    let relevance = Sort::ascending(SortKey::Relevance);
    for sort in orders().map(|(sort, _)| sort).chain([relevance]) {
        let [few, _] = shop.search_plans(&searching("milk tea"), sort);
        for plan in few {
            let stray: Vec<_> = plan
                .iter()
                .filter(|step| !is_bounded_by_words(step))
                .collect();
            assert!(stray.is_empty(), "{sort:?}: {stray:?} of {plan:?}");
        }
    }
}

#[test]
fn many_matches_are_neither_gathered_nor_sorted() {
    let shop = crowd(Shop::on_sqlite());
    let filters = [
        searching("milk tea"),
        Filter {
            min_price: Some("1".parse().unwrap()),
            in_stock: Some(true),
            ..searching("tea")
        },
    ];
    let relevance = Sort::ascending(SortKey::Relevance);
    for filter in &filters {
        for sort in orders().map(|(sort, _)| sort).chain([relevance]) {
            let [_, many] = shop.search_plans(filter, sort);
            assert!(many.len() >= 2, "{many:?}");
            for plan in many {
                let sorts = plan.iter().any(|step| step.contains("TEMP B-TREE"));
                assert!(!sorts, "{filter:?} {sort:?}: {plan:?}");
            }
        }
    }
}

#[test]
fn a_walk_that_looks_for_words_follows_the_index_of_its_order() {
    let shop = crowd(Shop::on_sqlite());
    for (sort, index) in orders() {
        let [_, many] = shop.search_plans(&searching("tea"), sort);
        for plan in &many[1..] {
            let walk = format!("SEARCH p USING INDEX {index} (status=?");
            assert!(
                plan[0].starts_with(&walk) || plan[0].contains(&format!("COVERING INDEX {index}")),
                "{sort:?}: {plan:?}"
            );
        }
    }
}

#[test]
fn the_catalogue_is_counted_without_reading_products() {
    let shop = crowd(Shop::on_sqlite());
    let gone = shop.add("gone", "1", 1);
    shop.delete(&gone, None).unwrap();
    let page = shop.page(&Filter::default(), None, 1, None);
    assert_eq!(page.total, Total::counted(30));
    let reads_products = |step: &String| step.split(' ').any(|word| word == "p");
    let name = Sort::ascending(SortKey::Name);
    let [count, ..] = shop.browse_plans(&Filter::default(), name, None);
    assert!(!count.iter().any(reads_products), "{count:?}");
    assert!(
        count.iter().any(|step| step.contains("catalogue_size")),
        "{count:?}"
    );
    let [few, many] = shop.search_plans(&searching("tea"), name);
    for count in [&few[0], &many[0]] {
        assert!(!count.iter().any(reads_products), "{count:?}");
        assert!(
            count.iter().any(|step| step.contains("products_by_word")),
            "{count:?}"
        );
    }
}

#[test]
fn what_a_filter_lets_through_comes_from_its_index() {
    let shop = crowd(Shop::on_sqlite());
    for (in_stock, index) in [
        (None, "products_by_price"),
        (Some(true), "products_for_sale_by_price"),
        (Some(false), "products_sold_out_by_price"),
    ] {
        let filter = Filter {
            min_price: Some("1".parse().unwrap()),
            max_price: Some("2".parse().unwrap()),
            in_stock,
            ..Filter::default()
        };
        let step = format!("SEARCH p USING INDEX {index} (status=? AND price>? AND price<?)");
        let by_price = Sort::ascending(SortKey::Price);
        let [_, count, walk, ..] = shop.browse_plans(&filter, by_price, None);
        assert_eq!(walk, std::slice::from_ref(&step));
        assert!(count.contains(&step), "{count:?}");
        for (sort, _) in orders() {
            let [_, count, _, _, _, sorted] = shop.browse_plans(&filter, sort, None);
            assert!(count.contains(&step), "{count:?}");
            assert!(sorted.contains(&step), "{sorted:?}");
        }
    }
}
