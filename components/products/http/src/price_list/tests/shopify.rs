//! Shopify's product CSV, recognised by its header.

use products::domain::values::{Description, NAME_CHARS_MAX, Name};

use super::*;

const HEADER: &str = "Handle,Title,Body (HTML),Vendor,Option1 Name,Option1 Value,Option2 Name,Option2 Value,Variant SKU,Variant Grams,Variant Inventory Qty,Variant Price,Image Src,Status\n";

fn shop(rows: &str) -> Seen {
    csv(format!("{HEADER}{rows}"))
}

/// Number, name and description of what is imported.
fn variants(seen: &Seen) -> Vec<(&str, &str, &str)> {
    let rows = seen.iter().filter_map(|(_, row)| row.as_ref().ok());
    rows.map(|row| {
        let name = row.name.as_ref().map_or("", Name::as_str);
        let description = row.description.as_ref().map_or("", Description::as_str);
        (sku(row), name, description)
    })
    .collect()
}

#[test]
fn an_export_is_recognised_by_its_header() {
    let text = include_str!("../../../../../../tests/tests/data/exports/shopify.csv");
    let mut reader = csv_reader();
    let mut input = text.as_bytes();
    let mut seen = Vec::new();
    while let Some(line) = reader.next(&mut input).unwrap() {
        seen.push((line.lines.first, line.row));
    }
    let body = "<p>A desk of \"oiled\" oak,\nmade to last.</p>";
    assert_eq!(
        variants(&seen),
        [
            ("DSK-3", "Oak desk, 3 ft", body),
            ("LMP-6", "Reading lamp – 6\" cable", "<p>Warm light.</p>"),
        ]
    );
    let desk = seen[0].1.as_ref().unwrap();
    assert_eq!(desk.weight.map(|weight| weight.grams()), Some(18_000));
    assert_eq!(desk.price.map(Money::units), Some(2_490_000));
    assert_eq!(desk.stock, Some(StockChange::Absolute(4)));
    let failed: Vec<_> = refused(&seen)
        .into_iter()
        .map(|(line, _, message)| (line, message))
        .collect();
    assert_eq!(failed, [(6, "stock must not be less than 0".to_owned())]);
    let ignored = reader.ignored();
    assert!(ignored.contains(&"Vendor".to_owned()) && !ignored.contains(&"Title".to_owned()));
}

#[test]
fn every_variant_has_the_texts_of_its_product() {
    let seen = shop(
        "tee,T-shirt,Soft,V,Size,S,Colour,Red,T-S-R,120,3,19,,active\n\
         tee,,,,,M,,Red,T-M-R,120,4,19,,\n\
         tee,,,,,,,,,,,,https://images.example/tee.jpg,\n\
         tee,,,,,M,,Blue,T-M-B,,,21.5,,\n",
    );
    assert_eq!(
        variants(&seen),
        [
            ("T-S-R", "T-shirt – S / Red", "Soft"),
            ("T-M-R", "T-shirt – M / Red", "Soft"),
            ("T-M-B", "T-shirt – M / Blue", "Soft"),
        ]
    );
    assert_eq!(seen.len(), 3, "a picture is no row of its own");
}

#[test]
fn products_that_customers_do_not_see_are_not_imported() {
    let seen = shop(
        "a,Draft,,,Title,Default Title,,,A,,1,1,,draft\n\
         b,Old,,,Size,S,,,B-S,,1,1,,archived\n\
         b,,,,,M,,,B-M,,1,1,,\n\
         c,Live,,,Title,Default Title,,,C,,1,1,,Active\n\
         d,No status,,,Title,Default Title,,,D,,1,1,,\n",
    );
    let imported: Vec<_> = variants(&seen).into_iter().map(|(sku, ..)| sku).collect();
    assert_eq!(imported, ["C", "D"]);
    let codes: Vec<_> = refused(&seen)
        .into_iter()
        .map(|(line, code, _)| (line, code))
        .collect();
    assert_eq!(
        codes,
        [(2, "not-active"), (3, "not-active"), (4, "not-active")]
    );
}

#[test]
fn a_variant_is_never_taken_for_one_of_another_product() {
    let seen = shop(
        "a,First,,,Size,S,,,A-S,,1,1,,\n\
         b,,,,,M,,,B-M,,1,1,,\n\
         c,Third 5\" tea,,,Size,S,,,C-S,,1,1,,\n\
         c,,,,,M,,,C-M,,1,1,,\n\
         a,,,,,M,,,A-M,,1,1,,\n\
         a,Again,,,Size,L,,,A-L,,1,1,,\n\
         a,,,,Size\n\
         a,,,,,XL,,,A-XL,,1,1,,\n",
    );
    let imported: Vec<_> = variants(&seen).into_iter().map(|(sku, ..)| sku).collect();
    assert_eq!(imported, ["A-S", "A-L"]);
    let codes: Vec<_> = refused(&seen)
        .into_iter()
        .map(|(line, code, _)| (line, code))
        .collect();
    let expected = [
        (3, "no-product"),
        (4, "malformed-csv"),
        (5, "no-product"),
        (6, "no-product"),
        (8, "malformed-csv"),
        (9, "no-product"),
    ];
    assert_eq!(codes, expected);
}

#[test]
fn a_variant_needs_a_number() {
    let seen = shop("a,First,,,Size,S,,,,,1,1,,\n");
    let refused = refused(&seen);
    assert_eq!((refused[0].0, refused[0].1), (2, "validation"));
    assert!(refused[0].2.contains("sku"), "{}", refused[0].2);
}

#[test]
fn long_titles_make_room_for_options() {
    let title = "x".repeat(NAME_CHARS_MAX + 20);
    let seen = shop(&format!("a,{title},,,Size,Large,,,A,,1,1,,\n"));
    let (_, name, _) = variants(&seen)[0];
    assert!(name.ends_with("x – Large"), "{name}");
    assert_eq!(name.chars().count(), NAME_CHARS_MAX);
}

#[test]
fn a_header_with_a_column_twice_is_refused() {
    let errors = header_errors("Handle,Title,Variant SKU,Variant Price,title\n");
    assert_eq!(errors, [("Title".to_owned(), "repeated".to_owned())]);
    // Without what Shopify's has, it is a file like any other.
    let errors = header_errors("Handle,Title,Variant SKU\n");
    assert_eq!(errors.len(), 4);
}
