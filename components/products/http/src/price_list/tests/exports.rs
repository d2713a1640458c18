//! Files as other shops export them, of the width and with the columns that they have.

use products::domain::values::{Description, Name};

use super::*;

/// What is read of a product: its number, name, price in 1/10,000 and stock.
type Product<'a> = (&'a str, Option<&'a str>, Option<i64>, Option<u64>);

fn products(seen: &Seen) -> Vec<Product<'_>> {
    let rows = seen.iter().filter_map(|(_, row)| row.as_ref().ok());
    let units = |row: &ProductChanges| match row.stock? {
        StockChange::Absolute(units) => Some(units),
        other => panic!("{other:?}"),
    };
    let seen = rows.map(|row| {
        let price = row.price.map(Money::units);
        (
            sku(row),
            row.name.as_ref().map(Name::as_str),
            price,
            units(row),
        )
    });
    seen.collect()
}

#[test]
fn an_export_of_shopify_is_read() {
    let text = include_str!("../../../../../../tests/tests/data/exports/shopify.csv");
    let query = "unknown=ignore&columns=sku:Variant+SKU,name:Title,description:Body+(HTML),price:Variant+Price,stock:Variant+Inventory+Qty";
    let seen = csv_with(query, text);
    assert_eq!(
        products(&seen),
        [
            ("DSK-3", Some("Oak desk, 3 ft"), Some(2_490_000), Some(4)),
            ("LMP-6", Some("Reading lamp"), Some(399_000), Some(12)),
        ]
    );
    let desk = seen[0].1.as_ref().unwrap();
    assert_eq!(
        desk.description.as_ref().map(Description::as_str),
        Some("<p>A desk of \"oiled\" oak,\nmade to last.</p>")
    );
    // The row of a second picture says nothing of what is read; fewer than no units are none that can be sold.
    let failed: Vec<_> = refused(&seen)
        .into_iter()
        .map(|(line, _, message)| (line, message))
        .collect();
    assert_eq!(failed, [(6, "stock must not be less than 0".to_owned())]);
}

#[test]
fn an_export_of_woocommerce_is_read() {
    let text = include_str!("../../../../../../tests/tests/data/exports/woocommerce.csv");
    let seen = csv_with("unknown=ignore&columns=price:Regular+price", text);
    assert_eq!(
        products(&seen),
        [
            ("CUP-W", Some("Café cup \"Nona\""), Some(95_000), Some(30)),
            ("TEE-W", Some("Tee"), None, None),
            ("TEE-W-RED", Some("Tee - Red"), Some(190_000), Some(5)),
        ]
    );
    assert_eq!(seen.len(), 3);
}

#[test]
fn an_export_of_magento_is_read() {
    let text = include_str!("../../../../../../tests/tests/data/exports/magento.csv");
    let seen = csv_with("unknown=ignore&columns=stock:qty", text);
    assert_eq!(
        products(&seen),
        [("BAG-M", Some("Canvas bag"), Some(340_000), Some(100))]
    );
    let failed: Vec<_> = refused(&seen)
        .into_iter()
        .map(|(line, _, message)| (line, message))
        .collect();
    assert_eq!(failed, [(6, "stock must be a whole number".to_owned())]);
}

#[test]
fn an_export_is_refused_when_nothing_says_which_columns_count() {
    let text = include_str!("../../../../../../tests/tests/data/exports/magento.csv");
    let errors = header_errors(text);
    // As many as an answer lists.
    assert_eq!(errors.len(), mercato_edge::MAX_LISTED_ERRORS);
    assert!(errors.iter().all(|(_, code)| code == "unknown"));
}
