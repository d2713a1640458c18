//! Searches that find more than is ranked, on a real SQLite.

use std::collections::BTreeSet;
use std::time::Duration;

use mercato_kernel::{Cursor, FromText, PageRequest, Total};

use super::*;
use crate::domain::facet::{Facet, FacetName, Wanted};
use crate::domain::listing::{Filter, Ranking, Sort, SortKey};
use crate::domain::presentation::Attributes;
use crate::domain::values::{Description, Name, Price, TaxClass, Weight};

const RELEVANCE: Sort = Sort::ascending(SortKey::Relevance);

/// Every order that has an index, and relevance.
const SORTS: [Sort; 6] = [
    Sort::descending(SortKey::Created),
    Sort::ascending(SortKey::Updated),
    Sort::ascending(SortKey::Name),
    Sort::ascending(SortKey::Price),
    Sort::descending(SortKey::Stock),
    RELEVANCE,
];

/// Products number `?1` to `?2`, made by one statement. Every one is an item of the shop; every third has that in its name;
/// one in a hundred is rare; the first half is early and the second is late.
const FILL_PRODUCTS: &str = "\
WITH RECURSIVE numbers (n) AS (
  SELECT ?1
  UNION ALL
  SELECT n + 1 FROM numbers WHERE n < ?2)
INSERT INTO products
  (id, name, name_key, description, sku, price, stock, reserved, sold, version, created_at, updated_at, deleted_at)
SELECT printf('01890a5d-ac96-774b-bccd-%012x', n),
  CASE WHEN n % 3 = 0 THEN 'Item ' ELSE 'Thing ' END || (n * 7919 % 10007),
  CASE WHEN n % 3 = 0 THEN 'item ' ELSE 'thing ' END || (n * 7919 % 10007),
  'an item of the shop, ' || CASE WHEN n % 2 = 0 THEN 'even' ELSE 'odd' END || CASE WHEN n % 100 = 0 THEN ', rare' ELSE '' END,
  NULL, n * 104729 % 1000003, n * 31 % 20, 0, 0, 1, n, n, NULL
FROM numbers";

const FILL_ENTRIES: &str = "\
INSERT INTO catalogue_entries (product_id, name_chars)
SELECT id, length(name)
FROM products
WHERE created_at BETWEEN ? AND ?
ORDER BY id";

const FILL_WORDS: &str = "\
INSERT INTO products_by_word (rowid, name, sku, description)
SELECT number, name, sku, description
FROM catalogue_entries JOIN products ON id = product_id
WHERE created_at BETWEEN ? AND ?";

/// Product of that number, as [`FILL_PRODUCTS`] makes it.
fn filling(number: u64) -> Product {
    let kind = if number.is_multiple_of(3) {
        "Item"
    } else {
        "Thing"
    };
    let parity = if number.is_multiple_of(2) {
        "even"
    } else {
        "odd"
    };
    let rare = if number.is_multiple_of(100) {
        ", rare"
    } else {
        ""
    };
    let price = i64::try_from(number * 104_729 % 1_000_003).unwrap();
    Product::restore(ProductView {
        id: ProductId::parse(&format!("01890a5d-ac96-774b-bccd-{number:012x}")).unwrap(),
        name: Name::stored(format!("{kind} {}", number * 7_919 % 10_007)),
        slug: Slug::stored(format!("filling-{number}")),
        status: Status::Published,
        description: Description::stored(format!("an item of the shop, {parity}{rare}")),
        media: Vec::new(),
        attributes: Attributes::default(),
        categories: Vec::new(),
        sku: None,
        price: Price::stored(Money::from_units(price)),
        tax_class: TaxClass::standard(),
        weight: Weight::default(),
        price_to: None,
        stock: Stock::restore(number * 31 % 20, 0, 0),
        options: Vec::new(),
        offered: None,
        variants: None,
        version: 1,
        created_at: number,
        updated_at: number,
    })
}

/// Adds products; past the triggers of SQLite, which would take ten times as long.
fn fill(shop: &Shop, first: u64, last: u64) {
    if shop.dialect() == Dialect::Postgres {
        let products: Vec<Product> = (first..=last).map(filling).collect();
        let products: Vec<&Product> = products.iter().collect();
        let filled = shop
            .products
            .store
            .write::<_, StoreError>(of_a_test(), |transaction| {
                products
                    .chunks(1_000)
                    .try_for_each(|some| transaction.insert_products(some))
            });
        filled.unwrap();
        // Of a table that it knows nothing of, the planner thinks that it is small.
        return shop.read(|connection| connection.execute("ANALYZE", params![]));
    }
    let trigger = "SELECT sql FROM sqlite_schema WHERE name = 'products_enter_catalogue'";
    let done = shop
        .products
        .store
        .0
        .write::<_, Error>(of_a_test(), |connection| {
            let trigger: String = connection.query_one(trigger, params![])?.unwrap().get(0)?;
            connection.execute("DROP TRIGGER products_enter_catalogue", params![])?;
            connection.execute(FILL_PRODUCTS, params![first, last])?;
            connection.execute(FILL_ENTRIES, params![first, last])?;
            connection.execute(FILL_WORDS, params![first, last])?;
            connection.execute(&trigger, params![])
        });
    done.unwrap();
}

/// A shop with more items than are ranked.
fn broad_shop() -> Shop {
    let shop = Shop::new();
    fill(&shop, 1, 10_300);
    shop
}

fn searching(words: &str) -> Filter {
    Filter {
        query: Some(words.parse().unwrap()),
        ..Filter::default()
    }
}

fn try_page(
    shop: &Shop,
    filter: &Filter,
    sort: Sort,
    after: Option<String>,
) -> Result<Page<ProductView>, ProductError> {
    let (page, limit) = (1, 100);
    let request = PageRequest { page, limit, after };
    shop.list(filter, Some(sort), request)
}

fn page(shop: &Shop, filter: &Filter, sort: Sort, after: Option<String>) -> Page<ProductView> {
    try_page(shop, filter, sort, after).unwrap()
}

/// All products from page to page; between two pages something happens.
fn walk(
    shop: &Shop,
    filter: &Filter,
    sort: Sort,
    mut meanwhile: impl FnMut(u32),
) -> Vec<ProductView> {
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let page = page(shop, filter, sort, after);
        seen.extend(page.entries);
        after = page.next;
        if after.is_none() {
            return seen;
        }
        meanwhile(page.page);
    }
}

fn ids(products: &[ProductView]) -> Vec<ProductId> {
    products.iter().map(|product| product.id).collect()
}

/// The products that pass, in an order that has an index, or newest first.
fn expected(shop: &Shop, sort: Sort, passes: impl Fn(&ProductView) -> bool) -> Vec<ProductView> {
    let order = match sort.key {
        SortKey::Relevance => Sort::descending(SortKey::Created),
        _ => sort,
    };
    let mut all = walk(shop, &Filter::default(), order, |_| ());
    all.retain(passes);
    all
}

#[test]
fn a_walk_through_many_matches_sees_all_of_them_in_order() {
    let shop = broad_shop();
    for sort in SORTS {
        let seen = walk(&shop, &searching("item"), sort, |_| ());
        let all = expected(&shop, sort, |_| true);
        assert!(ids(&seen) == ids(&all), "{sort:?}");
        assert_eq!(seen.len(), 10_300);
    }
}

#[test]
fn the_total_of_many_matches_is_not_exact() {
    let shop = broad_shop();
    let many = Total {
        entries: 10_000,
        is_exact: false,
    };
    for words in ["item", "i", "it", "of the item", "item item item item"] {
        for sort in SORTS {
            assert_eq!(
                page(&shop, &searching(words), sort, None).total,
                many,
                "{words}"
            );
        }
    }
    assert_eq!(page(&shop, &Filter::default(), SORTS[0], None).total, many);
}

#[test]
fn many_matches_pass_a_filter_as_few_do() {
    let shop = broad_shop();
    let price = |units: i64| Some(Money::from_units(units));
    for sort in SORTS {
        let all = expected(&shop, sort, |_| true);
        for (min, max, in_stock) in [
            (None, None, Some(true)),
            (None, None, Some(false)),
            (price(500_000), price(530_000), None),
            (price(10), price(999_000), Some(true)),
            (price(1_100_000), None, None),
        ] {
            let filter = Filter {
                min_price: min,
                max_price: max,
                in_stock,
                ..searching("item")
            };
            let passes = |product: &&ProductView| {
                let (amount, free) = (product.price.amount(), product.stock.free());
                min.is_none_or(|min| amount >= min)
                    && max.is_none_or(|max| amount <= max)
                    && in_stock.is_none_or(|wanted| wanted == (free > 0))
            };
            let passing: Vec<ProductView> = all.iter().filter(passes).cloned().collect();
            let first = page(&shop, &filter, sort, None);
            let total = Total::counted(passing.len() as u64);
            assert_eq!(first.total, total, "{filter:?} {sort:?}");
            let mut seen = first.entries;
            if first.next.is_some() {
                seen.extend(page(&shop, &filter, sort, first.next).entries);
            }
            let shown = passing.len().min(200);
            assert!(ids(&seen) == ids(&passing[..shown]), "{filter:?} {sort:?}");
        }
    }
}

#[test]
fn numbered_pages_of_many_matches_are_those_of_the_walk() {
    let shop = broad_shop();
    for sort in SORTS {
        let all = walk(&shop, &searching("item"), sort, |_| ());
        // Before, at and behind the border between the names and the rest, near to and far from the first.
        for number in [1, 9, 34, 35, 36, 100, 101] {
            let request = PageRequest {
                page: number,
                limit: 100,
                after: None,
            };
            let list = shop.list(&searching("item"), Some(sort), request);
            let first = (number as usize - 1) * 100;
            let shown = ids(&list.unwrap().entries);
            assert_eq!(shown, ids(&all[first..first + 100]), "{sort:?} {number}");
        }
    }
}

#[test]
fn a_page_is_full_also_when_the_words_are_far_down_the_order() {
    let shop = Shop::on_sqlite();
    fill(&shop, 1, 12_800);
    let cheapest = "UPDATE products SET description = 'plain' \
        WHERE id IN (SELECT id FROM products ORDER BY price LIMIT 2500)";
    shop.execute(cheapest, params![]).unwrap();
    let described = |product: &ProductView| product.description.as_str() != "plain";
    for sort in SORTS.into_iter().filter(|sort| *sort != RELEVANCE) {
        let all = expected(&shop, sort, described);
        assert_eq!(all.len(), 10_300);
        assert!(
            ids(&walk(&shop, &searching("shop"), sort, |_| ())) == ids(&all),
            "{sort:?}"
        );
    }
}

#[test]
fn a_walk_through_many_sees_what_stays_exactly_once() {
    for sort in SORTS {
        let shop = broad_shop();
        let all = walk(&shop, &searching("item"), sort, |_| ());
        let mut leaving: Vec<ProductView> = all.iter().step_by(7).cloned().collect();
        let gone: BTreeSet<_> = ids(&leaving).into_iter().collect();
        let seen = walk(&shop, &searching("item"), sort, |number| {
            for product in leaving.drain(..leaving.len().min(20)) {
                shop.delete(&product, None).unwrap();
            }
            shop.add(&format!("Item new {number}"), "2", u64::from(number % 3));
        });
        let stayed = |products: &[ProductView]| -> Vec<ProductId> {
            let old = |product: &&ProductView| {
                let name = product.name.as_str();
                !gone.contains(&product.id) && !name.contains("new")
            };
            let ids = products.iter().filter(old);
            ids.map(|product| product.id).collect()
        };
        assert!(stayed(&seen) == stayed(&all), "{sort:?}");
        let distinct: BTreeSet<_> = ids(&seen).into_iter().collect();
        assert_eq!(distinct.len(), seen.len(), "{sort:?}");
    }
}

#[test]
fn a_ranked_walk_goes_on_until_too_many_are_added() {
    let shop = Shop::new();
    fill(&shop, 1, 9_990);
    let first = page(&shop, &searching("item"), RELEVANCE, None);
    assert_eq!(first.total, Total::counted(9_990));
    let all = walk(&shop, &searching("item"), RELEVANCE, |_| ());
    fill(&shop, 20_001, 20_100);
    let second = page(&shop, &searching("item"), RELEVANCE, first.next.clone());
    assert!(!second.total.is_exact);
    assert_eq!(second.entries.len(), 100);
    let known: BTreeSet<_> = ids(&all).into_iter().collect();
    let newcomers = second.entries.iter().filter(|p| !known.contains(&p.id));
    assert!(
        newcomers.count() < 100,
        "the walk has the same order as before"
    );
    fill(&shop, 30_001, 40_100);
    let refused = try_page(&shop, &searching("item"), RELEVANCE, first.next);
    let Err(ProductError::Invalid(errors)) = refused else {
        panic!("{refused:?}")
    };
    assert_eq!((&*errors[0].field, &*errors[0].code), ("after", "format"));
    assert!(
        page(&shop, &searching("item"), RELEVANCE, None)
            .next
            .is_some()
    );
}

#[test]
fn a_walk_through_many_keeps_its_order_when_few_are_left() {
    let shop = broad_shop();
    let all = walk(&shop, &searching("item"), RELEVANCE, |_| ());
    let first = page(&shop, &searching("item"), RELEVANCE, None);
    let oldest = "UPDATE products SET deleted_at = 1 WHERE created_at <= 400";
    shop.execute(oldest, params![]).unwrap();
    let (mut seen, mut after) = (first.entries, first.next);
    while let Some(cursor) = after {
        let page = page(&shop, &searching("item"), RELEVANCE, Some(cursor));
        assert_eq!(page.total, Total::counted(9_900));
        seen.extend(page.entries);
        after = page.next;
    }
    let left: Vec<_> = all.into_iter().filter(|p| p.created_at > 400).collect();
    assert!(ids(&seen) == ids(&left));
}

#[test]
fn no_made_up_cursor_of_many_matches_fails() {
    let shop = broad_shop();
    for ranking in [Ranking::Best, Ranking::Newest] {
        for key in [i64::MIN, -1, 0, 1, 1 << 40, i64::MAX] {
            let (scope, page) = (RELEVANCE.scope(Some(ranking)), 2);
            let keys = vec![key.into(), "x".into()];
            let cursor = Cursor { scope, page, keys }.encode();
            let answer = try_page(&shop, &searching("item"), RELEVANCE, Some(cursor));
            assert!(answer.is_ok(), "{ranking:?} {key}: {answer:?}");
        }
    }
}

/// The least processor time of some runs.
fn cost(mut work: impl FnMut()) -> Duration {
    let used = || {
        let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
        Duration::try_from(time).unwrap()
    };
    let one = |_| {
        let before = used();
        work();
        used().saturating_sub(before)
    };
    (0..5).map(one).min().unwrap()
}

#[test]
fn a_common_word_costs_the_same_in_a_larger_catalogue() {
    let shop = Shop::on_sqlite();
    fill(&shop, 1, 15_000);
    let filters = [
        searching("item"),
        searching("i"),
        searching("the shop item"),
        // In all descriptions and in no name.
        searching("shop"),
        searching("item item item item item item item item item item"),
        Filter {
            in_stock: Some(true),
            ..searching("item")
        },
        Filter::default(),
        // Few enough to be gathered and sorted, too many for that to be quick.
        Filter {
            in_stock: Some(false),
            ..Filter::default()
        },
    ];
    let measure = |shop: &Shop| -> Vec<Duration> {
        let mut costs = Vec::new();
        for filter in &filters {
            for sort in SORTS {
                let next = page(shop, filter, sort, None).next;
                costs.push(cost(|| {
                    page(shop, filter, sort, None);
                    page(shop, filter, sort, next.clone());
                }));
            }
        }
        costs
    };
    let before = measure(&shop);
    fill(&shop, 100_001, 145_000);
    let after = measure(&shop);
    let total = |costs: &[Duration]| costs.iter().sum::<Duration>().as_secs_f64();
    let ratio = total(&after) / total(&before);
    assert!(ratio < 2.0, "{ratio}: {before:?}, then {after:?}");
}

/// What searches and lists cost at the size of a large shop. Prints a table: `cargo test -p products --lib -- --ignored
/// --nocapture costs`; with `MERCATO_PRODUCTS` of them.
#[test]
#[ignore = "prints figures; takes a minute"]
fn costs_of_a_large_catalogue() {
    let products = std::env::var("MERCATO_PRODUCTS").ok();
    let products = products.map_or(300_000, |text| text.parse().unwrap());
    let shop = Shop::on_sqlite();
    fill(&shop, 1, products);
    let price = |units: i64| Some(Money::from_units(units));
    let filters = [
        ("everything", Filter::default()),
        ("item", searching("item")),
        ("i", searching("i")),
        ("item, 40 times", searching(&["item"; 40].join(" "))),
        ("8 common words", searching("an item of the shop even i it")),
        (
            "phrase of 8 terms",
            searching("item-item-item-item-item-item-item-item"),
        ),
        ("even odd (nothing)", searching("even odd")),
        ("rare", searching("rare")),
        ("rare item", searching("rare item")),
        ("one name", searching("7919")),
        (
            "item, in stock",
            Filter {
                in_stock: Some(true),
                ..searching("item")
            },
        ),
        (
            "item, sold out (5 %)",
            Filter {
                in_stock: Some(false),
                ..searching("item")
            },
        ),
        (
            "item, 1 % of prices",
            Filter {
                min_price: price(500_000),
                max_price: price(510_000),
                ..searching("item")
            },
        ),
        (
            "item, 10 % of prices",
            Filter {
                min_price: price(500_000),
                max_price: price(600_000),
                ..searching("item")
            },
        ),
        (
            "item, no price",
            Filter {
                min_price: price(2_000_000),
                ..searching("item")
            },
        ),
        (
            "no price",
            Filter {
                min_price: price(2_000_000),
                ..Filter::default()
            },
        ),
        (
            "3 % of prices",
            Filter {
                min_price: price(500_000),
                max_price: price(530_000),
                ..Filter::default()
            },
        ),
        (
            "10 % of prices, in stock",
            Filter {
                min_price: price(500_000),
                max_price: price(600_000),
                in_stock: Some(true),
                ..Filter::default()
            },
        ),
    ];
    println!(
        "CPU of a page in ms: first by relevance, by cursor, then newest, by name, by price, by stock, by name by cursor"
    );
    for (name, filter) in &filters {
        let mut figures = Vec::new();
        for sort in [RELEVANCE, SORTS[0], SORTS[2], SORTS[3], SORTS[4]] {
            let next = page_of(&shop, filter, sort, None).next;
            figures.push(cost(|| {
                page_of(&shop, filter, sort, None);
            }));
            if sort == RELEVANCE || sort == SORTS[2] {
                figures.push(cost(|| {
                    page_of(&shop, filter, sort, next.clone());
                }));
            }
        }
        let figures = figures
            .iter()
            .map(|cost| format!("{:8.2}", cost.as_secs_f64() * 1e3));
        println!("{name:26} {}", figures.collect::<String>());
    }
    println!(
        "stats {:?}",
        cost(|| drop(shop.products.store.stats().unwrap()))
    );
}

/// A page as clients ask for it who say nothing of its size.
fn page_of(shop: &Shop, filter: &Filter, sort: Sort, after: Option<String>) -> Page<ProductView> {
    let (page, limit) = (1, 10);
    let request = PageRequest { page, limit, after };
    shop.list(filter, Some(sort), request).unwrap()
}

/// Two hundred of the first thousand products.
const MARK: &str = "\
INSERT INTO product_facets (name, value, product_id)
SELECT 'attribute.Line', 'own', id
FROM products
WHERE created_at <= 1000 AND created_at % 5 = 0";

/// What every product has, in five values.
const COLOUR: &str = "\
INSERT INTO product_facets (name, value, product_id)
SELECT 'attribute.Colour', 'colour ' || (created_at % 5), id
FROM products
WHERE created_at BETWEEN ? AND ?";

#[test]
fn a_filter_with_facets_costs_the_same_in_a_larger_catalogue() {
    let shop = Shop::on_sqlite();
    let grow = |first: u64, last: u64| {
        fill(&shop, first, last);
        shop.execute(COLOUR, params![first, last]).unwrap();
    };
    grow(1, 1_000);
    shop.execute(MARK, params![]).unwrap();
    let choice = |name: &str, value: &str| {
        let name: FacetName = FromText::from_text(name).unwrap();
        (name, FromText::from_text(value).unwrap())
    };
    let own = choice("attribute.Line", "own");
    let colour = choice("attribute.Colour", "colour 0");
    let facets = ["category", "attribute.Colour", "attribute.Line"];
    let facets = facets.map(|name| Facet::from_text(name).unwrap());
    let filters = [
        Filter {
            choices: Wanted::gather([own.clone()]),
            ..Filter::default()
        },
        Filter {
            choices: Wanted::gather([colour, own]),
            min_price: Some(Money::from_units(10)),
            ..Filter::default()
        },
    ];
    let measure = || -> Vec<u64> {
        let mut costs = Vec::new();
        for filter in &filters {
            for sort in SORTS {
                let (page, limit, after) = (1, 20, None);
                let request = PageRequest { page, limit, after };
                costs.push(shop.steps(|| {
                    let found = shop.find_counted(filter, &facets, Some(sort), request);
                    let found = found.unwrap();
                    assert_eq!(found.page.total, Total::counted(200));
                    assert_eq!(found.facets[1].values[0].products, 200);
                }));
            }
        }
        costs
    };
    let before = measure();
    grow(100_001, 199_000);
    let after = measure();
    let ratios = before.iter().zip(&after);
    let most = ratios.map(|(before, after)| *after as f64 / *before as f64);
    let most = most.fold(0.0, f64::max);
    println!("{most:.2} times as many steps");
    assert!(most < 1.3, "{most}: {before:?}, then {after:?}");
}
