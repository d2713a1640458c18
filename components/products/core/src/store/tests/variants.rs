//! Options, variants, and stock that several of them share.

use super::*;
use crate::application::commands::import_products::{self, ImportRow};
use crate::application::queries::find_products;
use crate::domain::listing::{Filter, Sort, SortKey};
use crate::domain::reservation::RejectionReason;
use crate::domain::values::Price;
use crate::domain::variant::{DrawsDraft, ProductOption, VariantDraft};
use mercato_kernel::{CheckoutId, FieldError, PageRequest};

fn option(name: &str, values: &[&str]) -> ProductOption {
    ProductOption {
        name: name.to_owned(),
        values: values.iter().map(|value| (*value).to_owned()).collect(),
    }
}

fn draft(sku: &str, price: &str, options: &[(&str, &str)]) -> VariantDraft {
    let pair = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    VariantDraft {
        sku: Some(Some(sku.parse().unwrap())),
        price: Some(price.parse().unwrap()),
        options: Some(options.iter().map(pair).collect()),
        ..VariantDraft::default()
    }
}

fn with_stock(draft: VariantDraft, units: u64) -> VariantDraft {
    VariantDraft {
        stock: Some(StockChange::Absolute(units)),
        ..draft
    }
}

fn drawing(draft: VariantDraft, sku: &str, units: u32) -> VariantDraft {
    let sku = sku.parse().unwrap();
    VariantDraft {
        draws: Some(Some(DrawsDraft { sku, units })),
        ..draft
    }
}

/// A coffee in bags of two sizes with stocks of their own; the small ones whole or ground, from the same bags.
fn coffee() -> ProductChanges {
    let of = |size, grind| [("Size", size), ("Grind", grind)];
    ProductChanges {
        name: Some("Yirgacheffe".parse().unwrap()),
        weight: Weight::parse(250).ok(),
        options: Some(vec![
            option("Size", &["250 g", "1 kg"]),
            option("Grind", &["whole beans", "filter"]),
        ]),
        variants: Some(vec![
            with_stock(draft("Y-250", "9.50", &of("250 g", "whole beans")), 10),
            drawing(draft("Y-250-F", "9.90", &of("250 g", "filter")), "Y-250", 1),
            drawing(
                draft("Y-1000", "34", &of("1 kg", "whole beans")),
                "Y-250",
                4,
            ),
        ]),
        ..ProductChanges::default()
    }
}

fn variants(changes: Vec<VariantDraft>) -> ProductChanges {
    ProductChanges {
        variants: Some(changes),
        ..ProductChanges::default()
    }
}

fn named(error: ProductError) -> Vec<(String, String)> {
    match error {
        ProductError::Invalid(errors) => {
            let named = |error: FieldError| (error.field, error.code.into_owned());
            errors.into_iter().map(named).collect()
        }
        other => panic!("{other:?}"),
    }
}

/// A line of a request for the variant at that place.
fn of_variant(product: &ProductView, place: usize, quantity: u32) -> RequestedLine {
    RequestedLine {
        product_id: product.variants()[place].id.to_string(),
        quantity,
        expected_price: None,
    }
}

fn free_of(shop: &Shop, product: &ProductView) -> Vec<u64> {
    let now = shop.find(product).unwrap();
    let free = now.variants().iter().map(|variant| variant.available());
    free.collect()
}

fn assert_offered(shop: &Shop) {
    for product in shop.all().iter().filter(|one| one.has_options()) {
        let offered = crate::domain::variant::offered(product.variants());
        assert_eq!(product.offered, Some(offered), "{}", product.name.as_str());
    }
    shop.assert_books_agree();
}

impl Shop {
    fn named(&self, filter: &Filter, sort: SortKey) -> Vec<(String, u64)> {
        let request = PageRequest {
            page: 1,
            limit: 100,
            after: None,
        };
        let page = self.list(filter, Some(Sort::ascending(sort)), request);
        let entries = page.unwrap().entries.into_iter();
        entries
            .map(|one| (one.name.as_str().to_owned(), one.available()))
            .collect()
    }
}

#[test]
fn variants_come_back_as_they_went_in() {
    let shop = Shop::new();
    let created = shop.create(&coffee()).unwrap();
    let found = shop.find(&created).unwrap();
    assert_eq!(found, created);
    assert_eq!((found.version, found.variants().len()), (1, 3));
    let titles: Vec<String> = found.variants().iter().map(|one| one.title()).collect();
    assert_eq!(
        titles,
        ["250 g, whole beans", "250 g, filter", "1 kg, whole beans"]
    );
    let price = |price: Price| price.amount().to_string();
    assert_eq!(price(found.price), "9.5");
    assert_eq!(found.price_to.map(price).as_deref(), Some("34"));
    // Ten bags of 250 g, whichever way they are sold.
    assert_eq!(free_of(&shop, &found), [10, 10, 2]);
    assert_eq!((found.available(), found.offered), (10, Some(10)));
    assert_eq!(shop.book_total(), 10);
    assert_offered(&shop);
}

#[test]
fn a_product_of_many_variants_is_one_in_every_list() {
    let shop = Shop::new();
    let coffee = shop.create(&coffee()).unwrap();
    shop.add("Tea", "20", 3);
    let all = [("Yirgacheffe".to_owned(), 10), ("Tea".to_owned(), 3)];
    assert_eq!(shop.named(&Filter::default(), SortKey::Price), all);
    assert_eq!(shop.named(&Filter::default(), SortKey::Created), all);
    let by_stock = shop.named(&Filter::default(), SortKey::Stock);
    assert_eq!(by_stock, [all[1].clone(), all[0].clone()]);
    let with = |filter: Filter| shop.named(&filter, SortKey::Price).len();
    let in_stock = |in_stock| Filter {
        in_stock: Some(in_stock),
        ..Filter::default()
    };
    assert_eq!((with(in_stock(true)), with(in_stock(false))), (2, 0));
    shop.reserve(1, &[of_variant(&coffee, 0, 10)]).unwrap();
    assert_eq!((with(in_stock(true)), with(in_stock(false))), (1, 1));
    // It is found by what its variants are called, too.
    for filter in [
        Filter {
            sku: Some("Y-1000".parse().unwrap()),
            ..Filter::default()
        },
        Filter {
            ids: Some(vec![coffee.variants()[1].id]),
            ..Filter::default()
        },
    ] {
        assert_eq!(with(filter), 1);
    }
    for words in ["Y-250-F", "whole beans", "1kg", "yirgacheffe filter"] {
        assert_eq!(shop.found(words), ["Yirgacheffe"], "{words}");
    }
    shop.forget_words();
    let renewed = crate::application::commands::renew_words::handle(&shop.products, 10);
    assert_eq!(renewed, Ok(2));
    assert_eq!(shop.found("y-250-f filter"), ["Yirgacheffe"]);
}

#[test]
fn variants_of_one_stock_sell_the_same_units() {
    let shop = Shop::new();
    let coffee = shop.create(&coffee()).unwrap();
    // 3 whole, 3 ground and a kilogram: 3 + 3 + 4 bags.
    let lines = [
        of_variant(&coffee, 0, 3),
        of_variant(&coffee, 1, 3),
        of_variant(&coffee, 2, 1),
    ];
    let reserved = shop.reserve(1, &lines).unwrap();
    let titles: Vec<_> = reserved
        .iter()
        .map(|line| crate::domain::variant::title(&line.choices))
        .collect();
    assert_eq!(titles[1], "250 g, filter");
    assert_eq!(reserved[2].name.as_str(), "Yirgacheffe");
    assert_eq!(reserved[2].item_units(), (coffee.variants()[0].id, 4));
    assert_eq!(free_of(&shop, &coffee), [0, 0, 0]);
    assert_offered(&shop);
    // The same order again gets the same answer.
    assert_eq!(shop.reserve(1, &lines), Ok(reserved));
    let Err(InventoryError::Rejected(rejected)) = shop.reserve(2, &lines[..1]) else {
        panic!("reserved")
    };
    assert_eq!(rejected[0].reason, RejectionReason::InsufficientStock);
    shop.settle(1, Settlement::Commit).unwrap();
    assert_offered(&shop);
    shop.settle(1, Settlement::Restock).unwrap();
    assert_eq!(free_of(&shop, &coffee), [10, 10, 2]);
    assert_offered(&shop);
    // What one line takes the next one has not, and all of them are named.
    let lines = [of_variant(&coffee, 2, 2), of_variant(&coffee, 1, 3)];
    let Err(InventoryError::Rejected(rejected)) = shop.reserve(3, &lines) else {
        panic!("reserved")
    };
    assert_eq!((rejected.len(), rejected[0].available), (1, 2));
    shop.settle(3, Settlement::Release).unwrap();
    assert_offered(&shop);
}

#[test]
fn what_a_checkout_holds_of_a_shared_stock_is_free_for_it() {
    let shop = Shop::new();
    let coffee = shop.create(&coffee()).unwrap();
    let checkout = CheckoutId::parse("01890a5d-ac96-774b-bcce-000000000001").unwrap();
    shop.reserve_for(Some(checkout), 1, &[of_variant(&coffee, 2, 2)])
        .unwrap();
    let ids: Vec<_> = coffee.variants().iter().map(|one| one.id).collect();
    let units = |holder| {
        let mut found = find_products::for_checkout(&shop.products, &ids, holder).unwrap();
        found.sort_by_key(|(one, _)| ids.iter().position(|id| *id == one.id));
        found.iter().map(|(_, units)| *units).collect::<Vec<_>>()
    };
    assert_eq!(units(None), [2, 2, 0]);
    assert_eq!(units(Some(checkout)), [10, 10, 2]);
    // The weight that a variant does not say is the product's.
    let found = find_products::handle(&shop.products, &ids).unwrap();
    assert!(found.iter().all(|one| one.weight.grams() == 250));
    assert!(found.iter().all(|one| one.variant_of == Some(coffee.id)));
}

#[test]
fn only_variants_of_what_is_published_can_be_ordered() {
    let shop = Shop::new();
    let coffee = shop.create(&coffee()).unwrap();
    let unknown = |lines: &[RequestedLine]| {
        let Err(InventoryError::Rejected(rejected)) = shop.reserve(9, lines) else {
            panic!("reserved")
        };
        assert_eq!(rejected[0].reason, RejectionReason::UnknownProduct);
    };
    // Which variant is meant by the product is not clear.
    unknown(&[line(&coffee, 1)]);
    let find = |id| find_product::handle(&shop.products, &ProductKey::Id(id), false);
    let variant = coffee.variants()[1].id;
    assert_eq!(find(variant), Ok(Found::Moved(coffee.slug.clone())));
    shop.update(&coffee, &crate::testing::set(Status::Draft), None)
        .unwrap();
    unknown(&[of_variant(&coffee, 0, 1)]);
    assert_eq!(find(variant), Err(ProductError::NotFound));
    shop.delete(&coffee, None).unwrap();
    assert_eq!(
        find_product::handle(&shop.products, &ProductKey::Id(variant), true),
        Err(ProductError::NotFound)
    );
    assert_eq!(
        shop.number("SELECT COUNT(*) FROM products WHERE deleted_at IS NULL"),
        0
    );
    // Their numbers are free again.
    shop.create(&self::coffee()).unwrap();
    assert_offered(&shop);
}

#[test]
fn a_variant_changes_by_its_own_id_and_its_product_with_it() {
    let shop = Shop::new();
    let coffee = shop.create(&coffee()).unwrap();
    let as_product = |place: usize| ProductView {
        id: coffee.variants()[place].id,
        ..coffee.clone()
    };
    let dearer = ProductChanges {
        price: Some("8".parse().unwrap()),
        stock: Some(StockChange::Delta(5)),
        ..ProductChanges::default()
    };
    let changed = shop
        .update(&as_product(0), &dearer, Some(seen(&coffee)))
        .unwrap();
    assert_eq!((changed.id, changed.version), (coffee.id, 2));
    let versions: Vec<u64> = changed.variants().iter().map(|one| one.version).collect();
    assert_eq!(versions, [2, 1, 1]);
    assert_eq!(changed.price.amount().to_string(), "8");
    assert_eq!(free_of(&shop, &coffee), [15, 15, 3]);
    assert_eq!(shop.find(&coffee), Some(changed.clone()));
    assert_eq!(shop.book_total(), 15);
    assert_offered(&shop);
    // What was seen before is not so any more: neither the version, nor the units when an order has moved them.
    let stale = shop.update(&as_product(1), &dearer, Some(seen(&coffee)));
    assert_eq!(stale, Err(ProductError::VersionMismatch));
    shop.reserve(1, &[of_variant(&coffee, 1, 1)]).unwrap();
    let stale = shop.update(&coffee, &ProductChanges::default(), Some(seen(&changed)));
    assert_eq!(stale, Err(ProductError::VersionMismatch));
    // What is its product's cannot be changed by it, nor stock that is another one's.
    let renamed = ProductChanges {
        name: Some("Sidamo".parse().unwrap()),
        ..ProductChanges::default()
    };
    let refused = shop.update(&as_product(0), &renamed, None).unwrap_err();
    assert_eq!(named(refused), [("id".to_owned(), "variant".to_owned())]);
    let refused = shop.update(&as_product(1), &dearer, None).unwrap_err();
    assert_eq!(named(refused), [("stock".to_owned(), "draws".to_owned())]);
    // Nor can the price of all of them at once.
    let refused = shop.update(&coffee, &dearer, None).unwrap_err();
    assert_eq!(
        named(refused),
        [("price".to_owned(), "variants".to_owned())]
    );
}

#[test]
fn variants_are_replaced_by_those_that_are_sent() {
    let shop = Shop::new();
    let coffee = shop.create(&coffee()).unwrap();
    shop.reserve(1, &[of_variant(&coffee, 0, 4)]).unwrap();
    let keep = |place: usize| VariantDraft {
        id: Some(coffee.variants()[place].id),
        ..VariantDraft::default()
    };
    let large = [("Size", "1 kg"), ("Grind", "filter")];
    let new = drawing(draft("Y-1000-F", "35", &large), "Y-250", 4);
    let changed = shop
        .update(&coffee, &variants(vec![new, keep(2), keep(0)]), None)
        .unwrap();
    let skus: Vec<_> = changed
        .variants()
        .iter()
        .map(|one| one.sku.as_ref().unwrap().as_str())
        .collect();
    assert_eq!(skus, ["Y-1000-F", "Y-1000", "Y-250"]);
    assert_eq!(shop.find(&coffee), Some(changed));
    assert_eq!(free_of(&shop, &coffee), [1, 1, 6]);
    assert_offered(&shop);
    // What is gone goes on to be held for its orders, and what they release comes back to its stock.
    shop.settle(1, Settlement::Release).unwrap();
    assert_eq!(free_of(&shop, &coffee), [2, 2, 10]);
    assert_offered(&shop);
    // The stock that others draw on cannot go.
    let refused = shop.update(&coffee, &variants(vec![keep(2)]), None);
    assert_eq!(refused, Err(ProductError::StockIsDrawn));
    let as_product = ProductView {
        id: coffee.variants()[0].id,
        ..coffee.clone()
    };
    assert_eq!(
        shop.delete(&as_product, None),
        Err(ProductError::StockIsDrawn)
    );
    let as_product = ProductView {
        id: coffee.variants()[2].id,
        ..coffee.clone()
    };
    shop.delete(&as_product, None).unwrap();
    assert_eq!(free_of(&shop, &coffee), [2, 10]);
    assert_offered(&shop);
    let tea = ProductChanges {
        name: Some("Tea".parse().unwrap()),
        options: Some(vec![option("Cut", &["leaf"])]),
        variants: Some(vec![draft("T", "1", &[("Cut", "leaf")])]),
        ..ProductChanges::default()
    };
    let tea = shop.create(&tea).unwrap();
    let only = ProductView {
        id: tea.variants()[0].id,
        ..tea.clone()
    };
    assert_eq!(shop.delete(&only, None), Err(ProductError::LastVariant));
    shop.update(&tea, &crate::testing::set(Status::Draft), None)
        .unwrap();
    shop.delete(&only, None).unwrap();
    assert_eq!(shop.find(&tea).unwrap().variants(), []);
}

#[test]
fn numbers_move_between_variants() {
    let shop = Shop::new();
    let coffee = shop.create(&coffee()).unwrap();
    let numbered = |place: usize, sku: &str| VariantDraft {
        id: Some(coffee.variants()[place].id),
        sku: Some(Some(sku.parse().unwrap())),
        ..VariantDraft::default()
    };
    let swapped = variants(vec![
        numbered(1, "Y-1000"),
        numbered(2, "Y-250-F"),
        numbered(0, "Y-250"),
    ]);
    let changed = shop.update(&coffee, &swapped, None).unwrap();
    assert_eq!(shop.find(&coffee), Some(changed));
    // That of one which goes is free at once.
    let fewer = variants(vec![numbered(0, "Y-250"), numbered(1, "Y-250-F")]);
    let changed = shop.update(&coffee, &fewer, None).unwrap();
    assert_eq!(shop.find(&coffee), Some(changed));
    assert_offered(&shop);
}

#[test]
fn several_products_may_draw_on_one_stock() {
    let shop = Shop::new();
    // Green beans by the kilogram, which nobody can buy.
    let beans = ProductChanges {
        status: Some(Status::Draft),
        stock: Some(StockChange::Absolute(12)),
        ..numbered("Green beans", "BEANS")
    };
    let beans = shop.create(&beans).unwrap();
    let roasted = |name: &str, sku: &str, units| ProductChanges {
        name: Some(name.parse().unwrap()),
        options: Some(vec![option("Roast", &["light"])]),
        variants: Some(vec![drawing(
            draft(sku, "5", &[("Roast", "light")]),
            "BEANS",
            units,
        )]),
        ..ProductChanges::default()
    };
    let small = shop.create(&roasted("Small", "S", 1)).unwrap();
    let large = shop.create(&roasted("Large", "L", 5)).unwrap();
    assert_eq!((small.offered, large.offered), (Some(12), Some(2)));
    shop.reserve(1, &[of_variant(&large, 0, 2)]).unwrap();
    assert_eq!(
        (free_of(&shop, &small), free_of(&shop, &large)),
        (vec![2], vec![0])
    );
    assert_offered(&shop);
    // Low stock is that of the beans, not of what is made of them.
    let stats = stock_stats::handle(&shop.products).unwrap();
    let low: Vec<_> = stats
        .low_stock
        .iter()
        .map(|low| low.product.name.as_str())
        .collect();
    assert_eq!((low, stats.out_of_stock), (vec!["Green beans"], 0));
    assert_eq!(shop.delete(&beans, None), Err(ProductError::StockIsDrawn));
    shop.delete(&small, None).unwrap();
    shop.delete(&large, None).unwrap();
    shop.delete(&beans, None).unwrap();
    shop.settle(1, Settlement::Release).unwrap();
    shop.assert_books_agree();
}

#[test]
fn stats_name_variants_that_run_out() {
    let shop = Shop::new();
    let coffee = shop.create(&coffee()).unwrap();
    shop.reserve(1, &[of_variant(&coffee, 0, 10)]).unwrap();
    let stats = stock_stats::handle(&shop.products).unwrap();
    assert_eq!((stats.products, stats.out_of_stock), (1, 1));
    let low = &stats.low_stock[0];
    assert_eq!(low.product.name.as_str(), "Yirgacheffe");
    assert_eq!(low.product.sku.as_ref().unwrap().as_str(), "Y-250");
    assert_eq!((low.variant_of, low.choices.len()), (Some(coffee.id), 2));
    assert_eq!(low.product.stock, Stock::restore(0, 10, 0));
}

#[test]
fn a_product_gets_options_and_its_units_are_drawn_on() {
    let shop = Shop::new();
    let tea = shop.create(&ProductChanges {
        stock: Some(StockChange::Absolute(6)),
        ..numbered("Tea", "T")
    });
    let tea = tea.unwrap();
    shop.reserve(1, &[line(&tea, 1)]).unwrap();
    let options = ProductChanges {
        options: Some(vec![option("Cut", &["leaf", "bag"])]),
        variants: Some(vec![
            drawing(draft("T-L", "5", &[("Cut", "leaf")]), "T", 1),
            drawing(draft("T-B", "6", &[("Cut", "bag")]), "T", 2),
        ]),
        ..ProductChanges::default()
    };
    let with_options = shop.update(&tea, &options, None).unwrap();
    assert_eq!(free_of(&shop, &tea), [5, 2]);
    // An order of before goes on.
    shop.settle(1, Settlement::Release).unwrap();
    assert_eq!(free_of(&shop, &tea), [6, 3]);
    shop.reserve(2, &[of_variant(&with_options, 1, 2)]).unwrap();
    assert_eq!(shop.stock(&tea), Stock::restore(2, 4, 0));
    assert_offered(&shop);
    // Without options it is again what it was.
    let none = ProductChanges {
        options: Some(vec![]),
        variants: Some(vec![]),
        ..ProductChanges::default()
    };
    let plain = shop.update(&tea, &none, None).unwrap();
    assert_eq!((plain.available(), plain.variants().len()), (2, 0));
    shop.reserve(3, &[line(&plain, 2)]).unwrap();
    shop.settle(2, Settlement::Commit).unwrap();
    assert_eq!(shop.stock(&tea), Stock::restore(0, 2, 4));
    shop.assert_books_agree();
}

#[test]
fn what_breaks_a_rule_of_variants_is_named_by_its_path() {
    let shop = Shop::new();
    let of = |size, grind| [("Size", size), ("Grind", grind)];
    let first = || draft("A", "1", &of("250 g", "filter"));
    let refused = |drafts: Vec<VariantDraft>| {
        let new = ProductChanges {
            variants: Some(drafts),
            ..coffee()
        };
        let error = shop.create(&new).unwrap_err();
        let named = named(error).into_iter();
        named
            .map(|(field, code)| format!("{field} {code}"))
            .collect::<Vec<_>>()
    };
    let unpriced = VariantDraft {
        price: None,
        ..first()
    };
    for (drafts, expected) in [
        (vec![], "price required"),
        (
            vec![first(), draft("B", "2", &of("250 g", "filter"))],
            "variants[1].options repeated",
        ),
        (
            vec![first(), draft("A", "2", &of("1 kg", "filter"))],
            "variants[1].sku repeated",
        ),
        (
            vec![draft("A", "1", &of("2 kg", "filter"))],
            "variants[0].options.Size unknown",
        ),
        (
            vec![draft("A", "1", &[("Size", "1 kg")])],
            "variants[0].options.Grind required",
        ),
        (
            vec![draft(
                "A",
                "1",
                &[("Size", "1 kg"), ("Grind", "filter"), ("Roast", "x")],
            )],
            "variants[0].options.Roast unknown",
        ),
        (
            vec![draft("A", "-1", &of("1 kg", "filter"))],
            "variants[0].price min",
        ),
        (vec![unpriced], "price required"),
        (
            vec![with_stock(first(), 2_000_000_000)],
            "variants[0].stock max",
        ),
        (
            vec![drawing(first(), "NONE", 1)],
            "variants[0].draws.sku unknown",
        ),
        (
            vec![drawing(first(), "A", 1)],
            "variants[0].draws.sku chain",
        ),
        (
            vec![drawing(first(), "A", 0)],
            "variants[0].draws.units range",
        ),
        (
            vec![
                first(),
                drawing(draft("B", "2", &of("1 kg", "filter")), "A", 2),
                drawing(draft("C", "2", &of("1 kg", "whole beans")), "B", 2),
            ],
            "variants[2].draws.sku chain",
        ),
        (
            vec![with_stock(drawing(first(), "A", 1), 1)],
            "variants[0].stock exclusive",
        ),
        (
            vec![VariantDraft {
                id: Some(ProductId::parse("01890a5d-ac96-774b-bcce-ffffffffffff").unwrap()),
                ..first()
            }],
            "variants[0].id unknown",
        ),
    ] {
        assert_eq!(refused(drafts), [expected]);
    }
    let options = |options| ProductChanges {
        options: Some(options),
        ..coffee()
    };
    for (wanted, expected) in [
        (vec![option("A", &[])], "options[0].values"),
        (vec![option("", &["x"])], "options[0].name"),
        (vec![option("A", &["x", "x"])], "options[0].values[1]"),
        (
            vec![option("A", &["x"]), option("A", &["y"])],
            "options[1].name",
        ),
        (
            (0..4).map(|n| option(&n.to_string(), &["x"])).collect(),
            "options",
        ),
    ] {
        let refused = named(shop.create(&options(wanted)).unwrap_err());
        assert_eq!(refused[0].0, expected);
    }
    assert_eq!(shop.all(), []);
    // A number is one product's or one variant's.
    let coffee = shop.create(&coffee()).unwrap();
    assert_eq!(
        shop.create(&numbered("Tea", "Y-250")),
        Err(ProductError::SkuTaken)
    );
    shop.create(&numbered("Tea", "T")).unwrap();
    let mut taken = coffee.variants().iter().map(|one| VariantDraft {
        id: Some(one.id),
        ..VariantDraft::default()
    });
    let mut taken: Vec<_> = taken.by_ref().collect();
    taken[1].sku = Some(Some("T".parse().unwrap()));
    assert_eq!(
        shop.update(&coffee, &variants(taken), None),
        Err(ProductError::SkuTaken)
    );
    // Options that variants have stay.
    let fewer = ProductChanges {
        options: Some(vec![option("Size", &["250 g", "1 kg"])]),
        ..ProductChanges::default()
    };
    let refused = named(shop.update(&coffee, &fewer, None).unwrap_err());
    assert_eq!(refused, [("options".to_owned(), "in-use".to_owned())]);
    let none = variants(vec![]);
    let refused = named(shop.update(&coffee, &none, None).unwrap_err());
    assert_eq!(refused, [("variants".to_owned(), "min".to_owned())]);
    assert_offered(&shop);
}

fn row(slug: &str, sku: &str, name: Option<&str>, size: &str, stock: u64) -> ImportRow {
    let changes = ProductChanges {
        slug: Some(slug.parse().unwrap()),
        sku: Some(Some(sku.parse().unwrap())),
        name: name.map(|name| name.parse().unwrap()),
        price: Some("7".parse().unwrap()),
        stock: Some(StockChange::Absolute(stock)),
        ..ProductChanges::default()
    };
    ImportRow {
        changes,
        choices: vec![("Size".to_owned(), size.to_owned())],
        ..ImportRow::default()
    }
}

#[test]
fn rows_of_one_slug_are_the_variants_of_one_product() {
    let shop = Shop::new();
    let import = |rows: &[ImportRow]| import_products::handle(&shop.products, rows).unwrap();
    let mut rows = vec![
        row("shirt", "S", Some("Shirt"), "S", 3),
        row("shirt", "M", None, "M", 4),
        row("sock", "SOCK", Some("Sock"), "one", 1),
    ];
    rows.push(ImportRow {
        changes: ProductChanges {
            stock: None,
            ..row("shirt", "L", None, "L", 0).changes
        },
        draws: Some(DrawsDraft {
            sku: "M".parse().unwrap(),
            units: 2,
        }),
        ..row("shirt", "L", None, "L", 0)
    });
    let created = [const { RowOutcome::Created }; 4];
    assert_eq!(
        import_products::rehearse(&shop.products, &rows).unwrap(),
        created
    );
    assert_eq!(import(&rows), created);
    let shirt = shop
        .all()
        .into_iter()
        .find(|one| one.slug.as_str() == "shirt");
    let shirt = shirt.unwrap();
    assert_eq!(free_of(&shop, &shirt), [3, 4, 2]);
    assert_eq!(shirt.options, [option("Size", &["S", "M", "L"])]);
    assert_eq!(import(&rows), [const { RowOutcome::Unchanged }; 4]);
    assert_offered(&shop);
    // A row without options that has a variant's number is about that variant.
    let price = ProductChanges {
        sku: Some(Some("M".parse().unwrap())),
        price: Some("6.5".parse().unwrap()),
        stock: Some(StockChange::Absolute(9)),
        ..ProductChanges::default()
    };
    assert_eq!(import(&[price.into()]), [RowOutcome::Updated]);
    assert_eq!(free_of(&shop, &shirt), [3, 9, 4]);
    // A further row adds a variant, in a later batch, too; one that contradicts what there is fails by itself.
    let outcomes = import(&[
        row("shirt", "XL", None, "XL", 1),
        row("sock", "S", None, "S", 1),
        row("shirt", "S2", None, "S", 5),
    ]);
    assert_eq!(outcomes[0], RowOutcome::Created);
    assert!(matches!(&outcomes[1], RowOutcome::Refused(errors) if errors[0].field == "slug"));
    assert_eq!(
        outcomes[2],
        RowOutcome::Updated,
        "the variant of that size has another number"
    );
    assert_offered(&shop);
}
