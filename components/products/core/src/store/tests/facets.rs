//! Lists of what has certain attributes and options, and counts of facets.

use std::collections::{BTreeMap, BTreeSet};

use mercato_kernel::{FromText as _, PageRequest, Total};
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use super::*;
use crate::domain::category::{CategoryKey, CategoryView};
use crate::domain::facet::{CHOICES_MAX, Facet, FacetName, FacetValue, Wanted};
use crate::domain::listing::{Filter, Sort, SortKey};
use crate::domain::search::FoundPage;
use crate::testing::{in_categories, set};

const KEYS: [SortKey; 6] = [
    SortKey::Created,
    SortKey::Updated,
    SortKey::Name,
    SortKey::Price,
    SortKey::Stock,
    SortKey::Relevance,
];

const FACETS: [&str; 4] = [
    "category",
    "attribute.Origin",
    "attribute.Roast",
    "option.Size",
];

fn facets(names: &[&str]) -> Vec<Facet> {
    let facet = |name: &&str| Facet::from_text(name).unwrap();
    names.iter().map(facet).collect()
}

fn choices(wanted: &[(&str, &str)]) -> Vec<Wanted> {
    let pairs = wanted.iter().map(|(name, value)| {
        let name = FacetName::from_text(name).unwrap();
        (name, FacetValue::from_text(value).unwrap())
    });
    Wanted::gather(pairs)
}

fn choosing(wanted: &[(&str, &str)]) -> Filter {
    Filter {
        choices: choices(wanted),
        ..Filter::default()
    }
}

fn with_attributes(product: ProductChanges, attributes: &[(&str, &str)]) -> ProductChanges {
    let attributes = attributes.iter();
    let attributes = attributes.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    ProductChanges {
        attributes: Some(attributes.collect()),
        ..product
    }
}

const ENTER_OPTION: &str = "INSERT INTO product_facets (name, value, product_id) VALUES (?, ?, ?)";

impl Shop {
    /// A page with counts of facets, which are shown as `value count`.
    fn counted(&self, filter: &Filter, names: &[&str]) -> (Vec<Vec<String>>, FoundPage) {
        let page = self.first_page(filter, names, None);
        let counts = page.facets.iter().map(|facet| {
            let values = facet.values.iter();
            let shown = values.map(|count| format!("{} {}", count.value, count.products));
            shown.collect()
        });
        (counts.collect(), page)
    }

    fn first_page(&self, filter: &Filter, names: &[&str], sort: Option<Sort>) -> FoundPage {
        let (page, limit, after) = (1, 100, None);
        let request = PageRequest { page, limit, after };
        let found = self.find_counted(filter, &facets(names), sort, request);
        found.unwrap()
    }

    /// As variants of the product will have it.
    fn enter_option(&self, product: &ProductView, name: &str, value: &str) {
        let values = params![name, value, key(product.id)];
        assert_eq!(self.execute(ENTER_OPTION, values), Ok(1));
    }

    fn facet_rows(&self) -> u64 {
        self.number("SELECT COUNT(*) FROM product_facets")
    }

    fn names_chosen(&self, wanted: &[(&str, &str)]) -> Vec<String> {
        let name = Sort::ascending(SortKey::Name);
        let (names, total) = self.names(&choosing(wanted), name, 1, 100);
        assert_eq!(total, names.len() as u64);
        names
    }
}

#[test]
fn facets_of_a_product_follow_it() {
    let shop = Shop::new();
    let tea = with_attributes(
        new_product("Tea", 1),
        &[("Origin", "Kenya"), ("Roast", "no")],
    );
    let tea = shop.create(&tea).unwrap();
    shop.enter_option(&tea, "option.Size", "S");
    assert_eq!(shop.names_chosen(&[("attribute.Origin", "Kenya")]), ["Tea"]);
    for other in ["kenya", "Keny", "Kenya "] {
        let found = shop.names_chosen(&[("attribute.Origin", other)]);
        assert_eq!(found.len(), usize::from(other.trim() == "Kenya"), "{other}");
    }
    let changes = with_attributes(ProductChanges::default(), &[("Origin", "Japan")]);
    shop.update(&tea, &changes, None).unwrap();
    assert_eq!(shop.names_chosen(&[("attribute.Origin", "Kenya")]), [""; 0]);
    assert_eq!(shop.names_chosen(&[("attribute.Origin", "Japan")]), ["Tea"]);
    let rows = [with_attributes(
        numbered("Tee", "T-1"),
        &[("Origin", "Nepal")],
    )];
    for outcome in [RowOutcome::Created, RowOutcome::Unchanged] {
        assert_eq!(shop.import(&rows), Ok(vec![outcome]));
        assert_eq!(shop.names_chosen(&[("attribute.Origin", "Nepal")]), ["Tee"]);
    }
    for product in shop.all() {
        shop.delete(&product, None).unwrap();
    }
    assert_eq!(shop.facet_rows(), 0);
}

#[test]
fn several_names_are_all_asked_for_and_of_one_any_value() {
    let shop = Shop::new();
    for (name, origin, roast) in [
        ("a", "X", "1"),
        ("b", "X", "2"),
        ("c", "Y", "1"),
        ("d", "Z", "2"),
    ] {
        let new = with_attributes(
            new_product(name, 1),
            &[("Origin", origin), ("Roast", roast)],
        );
        let product = shop.create(&new).unwrap();
        shop.enter_option(&product, "option.Size", "S");
        shop.enter_option(&product, "option.Size", name);
    }
    let (x, y) = (("attribute.Origin", "X"), ("attribute.Origin", "Y"));
    let one = ("attribute.Roast", "1");
    assert_eq!(shop.names_chosen(&[x]), ["a", "b"]);
    assert_eq!(shop.names_chosen(&[x, y]), ["a", "b", "c"]);
    assert_eq!(shop.names_chosen(&[x, one, y]), ["a", "c"]);
    assert_eq!(
        shop.names_chosen(&[x, ("attribute.Origin", "?")]),
        ["a", "b"]
    );
    assert_eq!(shop.names_chosen(&[x, ("attribute.Colour", "X")]), [""; 0]);
    // Found once, though it has both values.
    let (small, own) = (("option.Size", "S"), ("option.Size", "a"));
    assert_eq!(shop.names_chosen(&[small, own]), ["a", "b", "c", "d"]);
    assert_eq!(shop.names_chosen(&[own, ("option.Size", "b"), one]), ["a"]);
}

#[test]
fn values_come_by_their_number_and_so_many_at_most() {
    // Facets come in the order of their names.
    let shop = Shop::new();
    for (origin, products) in [("Kenya", 1), ("Äthiopien", 1), ("Peru", 3), ("Japan", 2)] {
        for _ in 0..products {
            let new = with_attributes(new_product("Coffee", 1), &[("Origin", origin)]);
            shop.create(&new).unwrap();
        }
    }
    let (counts, _) = shop.counted(&Filter::default(), &["attribute.Origin", "attribute.Mill"]);
    let expected = vec!["Peru 3", "Japan 2", "Kenya 1", "Äthiopien 1"];
    assert_eq!(counts, [vec![], expected]);
    for number in 0..110 {
        let own = format!("{number:03}");
        let new = with_attributes(new_product("Cup", 1), &[("Number", &own)]);
        shop.create(&new).unwrap();
    }
    let (counts, page) = shop.counted(&Filter::default(), &["attribute.Number"]);
    assert_eq!((counts[0].len(), &*counts[0][99]), (100, "099 1"));
    assert_eq!(page.page.total, Total::counted(117));
    // Nothing is found, and nothing asked for.
    let nothing = Filter {
        min_price: Some("9".parse().unwrap()),
        ..Filter::default()
    };
    let [filtered, searched] = [nothing, lists::searching("nowhere")];
    for filter in [filtered, searched] {
        let (counts, _) = shop.counted(&filter, &["category", "attribute.Origin"]);
        assert_eq!(counts, [[""; 0]; 2]);
        assert_eq!(shop.counted(&filter, &[]).0.len(), 0);
    }
}

#[test]
fn what_is_not_published_is_in_no_count() {
    let shop = Shop::new();
    let teas = shop.category("Tea", None);
    let new = with_attributes(new_product("Tea", 1), &[("Origin", "Kenya")]);
    let tea = shop.create(&in_categories(new, &[&teas])).unwrap();
    let names = ["category", "attribute.Origin"];
    let words = lists::searching("tea");
    let shown = [vec!["tea 1".to_owned()], vec!["Kenya 1".to_owned()]];
    let kenya = choosing(&[("attribute.Origin", "Kenya")]);
    for filter in [&Filter::default(), &words, &kenya] {
        assert_eq!(shop.counted(filter, &names).0, shown);
    }
    for status in [Status::Draft, Status::Archived] {
        shop.update(&tea, &set(status), None).unwrap();
        for filter in [&Filter::default(), &words, &kenya] {
            let (counts, page) = shop.counted(filter, &names);
            assert_eq!((counts, page.page.total.entries), (vec![vec![]; 2], 0));
        }
        // Admins ask for it, or name it.
        let asked = Filter {
            status: Some(status),
            sees_all: true,
            ..kenya.clone()
        };
        assert_eq!(shop.counted(&asked, &names).0, shown);
        let named = Filter {
            ids: Some(vec![tea.id]),
            sees_all: true,
            ..Filter::default()
        };
        assert_eq!(shop.counted(&named, &names).0, shown);
        let nobody = Filter {
            sees_all: false,
            ..named
        };
        assert_eq!(shop.counted(&nobody, &names).0, [[""; 0]; 2]);
    }
}

#[test]
fn so_much_is_asked_for() {
    let shop = Shop::new();
    let pairs: Vec<String> = (0..=CHOICES_MAX)
        .map(|number| format!("option.{number}"))
        .collect();
    let pairs: Vec<(&str, &str)> = pairs.iter().map(|name| (&**name, "x")).collect();
    let list = |pairs| {
        let (page, limit, after) = (1, 1, None);
        let request = PageRequest { page, limit, after };
        shop.list(&choosing(pairs), None, request)
    };
    assert!(list(&pairs[1..]).is_ok());
    let Err(ProductError::Invalid(errors)) = list(&pairs) else {
        panic!("taken");
    };
    assert_eq!((&*errors[0].field, &*errors[0].code), ("option.10", "max"));
}

/// A product that is drawn.
#[derive(Debug, Clone)]
struct Drawn {
    words: &'static str,
    status: Status,
    /// Which of the categories of the test it is put in.
    categories: Vec<usize>,
    origin: Option<&'static str>,
    roast: Option<&'static str>,
    sizes: Vec<&'static str>,
    price: i64,
    stock: u64,
}

/// A filter that is drawn.
#[derive(Debug, Clone)]
struct Question {
    words: Option<&'static str>,
    category: Option<usize>,
    choices: Vec<(&'static str, &'static str)>,
    min_price: Option<i64>,
    in_stock: Option<bool>,
    /// How many of the products are named, when they are.
    named: Option<usize>,
    sort: (usize, bool),
    limit: u32,
}

const CHOICES: [(&str, &str); 8] = [
    ("attribute.Origin", "Kenya"),
    ("attribute.Origin", "Peru"),
    ("attribute.Roast", "dark"),
    ("attribute.Roast", "light"),
    ("option.Size", "S"),
    ("option.Size", "M"),
    ("option.Size", "L"),
    ("option.Colour", "S"),
];

fn drawn() -> impl Strategy<Value = Drawn> {
    let status = select(vec![
        Status::Published,
        Status::Published,
        Status::Published,
        Status::Draft,
    ]);
    (
        select(vec!["tea green", "tea", "coffee"]),
        status,
        subsequence(vec![0, 1, 2], 0..=2),
        proptest::option::of(select(vec!["Kenya", "Peru", "Nepal"])),
        proptest::option::of(select(vec!["dark", "light"])),
        subsequence(vec!["S", "M", "L"], 0..=3),
        0..4_i64,
        0..3_u64,
    )
        .prop_map(
            |(words, status, categories, origin, roast, sizes, price, stock)| Drawn {
                words,
                status,
                categories,
                origin,
                roast,
                sizes,
                price,
                stock,
            },
        )
}

fn question() -> impl Strategy<Value = Question> {
    (
        proptest::option::of(select(vec!["tea", "gre", "coffe", "cofee"])),
        proptest::option::of(0..3_usize),
        subsequence(CHOICES.to_vec(), 0..=3),
        proptest::option::of(0..4_i64),
        proptest::option::of(any::<bool>()),
        proptest::option::of(1..9_usize),
        (0..KEYS.len(), any::<bool>()),
        1..7_u32,
    )
        .prop_map(
            |(words, category, choices, min_price, in_stock, named, sort, limit)| Question {
                words,
                category,
                choices,
                min_price,
                in_stock,
                named: named.filter(|_| words.is_none()),
                sort,
                limit,
            },
        )
}

/// The categories that a product is in, by their places: the second is inside of the first.
fn entered(drawn: &Drawn) -> BTreeSet<usize> {
    let above = drawn.categories.contains(&1).then_some(0);
    drawn.categories.iter().copied().chain(above).collect()
}

impl Drawn {
    fn traits(&self) -> Vec<(&'static str, &'static str)> {
        let one =
            |name: &'static str, value: Option<&'static str>| value.map(|value| (name, value));
        let attributes = [
            one("attribute.Origin", self.origin),
            one("attribute.Roast", self.roast),
        ];
        let sizes = self.sizes.iter().map(|size| ("option.Size", *size));
        attributes.into_iter().flatten().chain(sizes).collect()
    }

    fn passes(&self, question: &Question) -> bool {
        let has = |choice: &(&str, &str)| self.traits().contains(choice);
        let has_one = |(name, _): &(&str, &str)| {
            let mut of_name = question.choices.iter().filter(|(other, _)| other == name);
            of_name.any(&has)
        };
        let has_words = question.words.is_none_or(|words| match words {
            "cofee" => self.words == "coffee",
            words => self.words.split(' ').any(|word| word.starts_with(words)),
        });
        self.status == Status::Published
            && has_words
            && question
                .category
                .is_none_or(|place| entered(self).contains(&place))
            && question.choices.iter().all(has_one)
            && question.min_price.is_none_or(|min| self.price >= min)
            && question
                .in_stock
                .is_none_or(|wanted| wanted == (self.stock > 0))
    }
}

/// A shop with three categories, whose products are drawn again and again.
struct Draw {
    shop: Shop,
    categories: [CategoryView; 3],
}

impl Draw {
    fn new() -> Self {
        let shop = Shop::new();
        let drinks = shop.category("Drinks", None);
        let hot = shop.category("Hot", Some(&drinks));
        let gifts = shop.category("Gifts", None);
        Self {
            shop,
            categories: [drinks, hot, gifts],
        }
    }

    fn add(&self, drawn: &Drawn) -> ProductView {
        let attributes: Vec<(&str, &str)> = drawn
            .traits()
            .into_iter()
            .filter_map(|(name, value)| Some((name.strip_prefix("attribute.")?, value)))
            .collect();
        let product = ProductChanges {
            price: Some(Money::from_units(drawn.price * 10_000)),
            status: Some(drawn.status),
            ..with_attributes(new_product(drawn.words, drawn.stock), &attributes)
        };
        let categories = drawn
            .categories
            .iter()
            .map(|place| &self.categories[*place]);
        let categories: Vec<&CategoryView> = categories.collect();
        let product = self.shop.create(&in_categories(product, &categories));
        let product = product.unwrap();
        for size in &drawn.sizes {
            self.shop.enter_option(&product, "option.Size", size);
        }
        product
    }

    fn filter(&self, question: &Question, products: &[ProductView]) -> Filter {
        let category = question.category.map(|place| &self.categories[place]);
        let named = question.named.map(|number| products.iter().take(number));
        let price = |units: i64| Money::from_units(units * 10_000);
        Filter {
            query: question.words.map(|words| words.parse().unwrap()),
            category: category.map(|one| CategoryKey::Path(one.path.clone())),
            ids: named.map(|named| named.map(|product| product.id).collect()),
            min_price: question.min_price.map(price),
            in_stock: question.in_stock,
            ..choosing(&question.choices)
        }
    }

    /// The products of all pages, by cursor.
    fn walk(&self, filter: &Filter, sort: Sort, limit: u32) -> Vec<ProductId> {
        let (mut seen, mut after) = (Vec::new(), None);
        loop {
            let request = PageRequest {
                page: 1,
                limit,
                after,
            };
            let page = self.shop.list(filter, Some(sort), request).unwrap();
            seen.extend(page.entries.iter().map(|product| product.id));
            after = page.next;
            if after.is_none() {
                assert_eq!(page.total, Total::counted(seen.len() as u64));
                return seen;
            }
        }
    }

    /// The same list with a value more, if it asks nothing of that facet yet.
    fn narrowed(&self, filter: &Filter, facet: &Facet, value: &str) -> Option<Filter> {
        match facet {
            Facet::Category if filter.category.is_none() => Some(Filter {
                category: Some(CategoryKey::from_text(value).unwrap()),
                ..filter.clone()
            }),
            Facet::Named(name) if filter.choices.iter().all(|choice| choice.name != *name) => {
                let own = choices(&[(name.as_str(), value)]);
                let choices = [filter.choices.clone(), own].concat();
                Some(Filter {
                    choices,
                    ..filter.clone()
                })
            }
            _ => None,
        }
    }

    fn look_at(&self, drawn: &[Drawn], products: &[ProductView], question: &Question) {
        let filter = self.filter(question, products);
        let named = question.named.unwrap_or(products.len());
        let both = drawn.iter().zip(products).take(named);
        let passing: Vec<_> = both.filter(|(drawn, _)| drawn.passes(question)).collect();
        let key = KEYS[question.sort.0];
        let sort = Sort {
            key,
            descending: question.sort.1 && key != SortKey::Relevance,
        };
        // The walk, the whole list, and what it has to be.
        let found = self.shop.first_page(&filter, &FACETS, Some(sort));
        let entries = found.page.entries.iter();
        let listed: Vec<ProductId> = entries.map(|product| product.id).collect();
        assert_eq!(self.walk(&filter, sort, question.limit), listed);
        let expected: BTreeSet<ProductId> = passing.iter().map(|(_, one)| one.id).collect();
        assert_eq!(listed.iter().copied().collect::<BTreeSet<_>>(), expected);
        assert_eq!(found.page.total, Total::counted(passing.len() as u64));
        // Each count is what the list has.
        let mut counts: BTreeMap<(String, String), u64> = BTreeMap::new();
        for (drawn, _) in &passing {
            let paths = entered(drawn)
                .into_iter()
                .map(|place| self.categories[place].path.as_str());
            let categories = paths.map(|path| ("category", path));
            for (name, value) in categories.chain(drawn.traits()) {
                *counts
                    .entry((name.to_owned(), value.to_owned()))
                    .or_default() += 1;
            }
        }
        for facet in &found.facets {
            let order = facet
                .values
                .iter()
                .map(|count| (std::cmp::Reverse(count.products), &count.value));
            assert!(order.is_sorted(), "{facet:?}");
            for count in &facet.values {
                let pair = (facet.facet.to_string(), count.value.clone());
                assert_eq!(counts.remove(&pair), Some(count.products), "{pair:?}");
                let narrowed = self.narrowed(&filter, &facet.facet, &count.value);
                if let Some(filter) = narrowed {
                    let total = self.shop.first_page(&filter, &[], Some(sort)).page.total;
                    assert_eq!(total, Total::counted(count.products), "{pair:?}");
                }
            }
        }
        assert_eq!(counts, BTreeMap::new(), "values that were not counted");
    }
}

#[test]
fn counts_of_facets_are_totals_of_their_lists() {
    let draw = Draw::new();
    let catalogues = proptest::collection::vec(drawn(), 1..30);
    let questions = proptest::collection::vec(question(), 4);
    proptest!(ProptestConfig::with_cases(16), |(drawn in catalogues, questions in questions)| {
        let products: Vec<ProductView> = drawn.iter().map(|drawn| draw.add(drawn)).collect();
        for question in &questions {
            draw.look_at(&drawn, &products, question);
        }
        for product in &products {
            draw.shop.delete(product, None).unwrap();
        }
        prop_assert_eq!(draw.shop.facet_rows(), 0);
    });
}

#[test]
fn a_filter_reads_what_has_its_rarest_value_alone() {
    let shop = Shop::on_sqlite();
    let filter = Filter {
        min_price: Some("1".parse().unwrap()),
        ..choosing(&[
            ("attribute.Origin", "Kenya"),
            ("option.Size", "S"),
            ("option.Size", "M"),
        ])
    };
    let request = PageRequest {
        page: 1,
        limit: 10,
        after: None,
    };
    let name = Some(Sort::ascending(SortKey::Name));
    let mut listing = Listing::new(&filter, &facets(&FACETS), name, request).unwrap();
    listing.category = Some(shop.category("Tea", None).id);
    let plans = |connection: &Connection| listing::tests::filter_plans(connection, &listing);
    let plans = shop.read(plans);
    assert_eq!(plans.len(), 4);
    for (driver, plans) in plans {
        for plan in &plans {
            let grows = |step: &&String| {
                let scanned = step.strip_prefix("SCAN ");
                scanned.is_some_and(|table| {
                    [
                        "p",
                        "f",
                        "m",
                        "has",
                        "other",
                        "product_facets",
                        "category_products",
                    ]
                    .contains(&table.split(' ').next().unwrap_or_default())
                })
            };
            assert_eq!(plan.iter().find(grows), None, "{driver}: {plan:?}");
        }
    }
}
