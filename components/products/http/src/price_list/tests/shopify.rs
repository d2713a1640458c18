//! Shopify's product CSV, recognised by its header.

use products::application::commands::import_products::ImportRow;
use products::domain::presentation::Status;
use products::domain::values::Name;

use super::*;

const HEADER: &str = "Handle,Title,Body (HTML),Vendor,Option1 Name,Option1 Value,Option2 Name,Option2 Value,Variant SKU,Variant Grams,Variant Inventory Qty,Variant Price,Image Src,Status\n";

type Rows = Vec<(u64, Result<ImportRow, Refusal>)>;

fn rows_of(text: &str) -> Rows {
    let lines = read_lines(csv_reader(), [text.as_bytes()]).unwrap();
    let lines = lines.into_iter();
    lines.map(|line| (line.lines.first, line.row)).collect()
}

fn shop(rows: &str) -> Rows {
    rows_of(&format!("{HEADER}{rows}"))
}

fn failed(seen: &Rows) -> Vec<(u64, &'static str, String)> {
    let failed = seen.iter().filter_map(|(line, row)| {
        let refusal = row.as_ref().err()?;
        Some((*line, refusal.code, refusal.message.clone()))
    });
    failed.collect()
}

/// Slug, number, name, description and options of what is imported.
fn variants(seen: &Rows) -> Vec<[String; 5]> {
    let rows = seen.iter().filter_map(|(_, row)| row.as_ref().ok());
    rows.map(|row| {
        let changes = &row.changes;
        let name = changes.name.as_ref().map_or("", Name::as_str);
        let description = changes.description.as_ref();
        let choices = row.choices.iter();
        let choices: Vec<_> = choices
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        [
            changes.slug.as_ref().unwrap().as_str().to_owned(),
            changes
                .sku
                .as_ref()
                .map_or(String::new(), |_| sku(changes).to_owned()),
            name.to_owned(),
            description.map_or(String::new(), |text| text.as_str().to_owned()),
            choices.join(" "),
        ]
    })
    .collect()
}

fn skus(seen: &Rows) -> Vec<String> {
    variants(seen).into_iter().map(|[_, sku, ..]| sku).collect()
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
            ["oak-desk", "DSK-3", "Oak desk, 3 ft", body, ""],
            ["oak-desk", "", "", "", ""],
            [
                "reading-lamp",
                "LMP-6",
                "Reading lamp",
                "<p>Warm light.</p>",
                "Cable=6\" cable"
            ],
        ]
    );
    let desk = seen[0].1.as_ref().unwrap();
    let changes = &desk.changes;
    assert_eq!(changes.weight.map(|weight| weight.grams()), Some(18_000));
    assert_eq!(changes.price.map(Money::units), Some(2_490_000));
    assert_eq!(changes.stock, Some(StockChange::Absolute(4)));
    assert_eq!(changes.status, Some(Status::Published));
    let media = |place: usize| seen[place].1.as_ref().unwrap().medium.as_ref();
    assert_eq!(media(0).unwrap().url, "https://images.example/desk.jpg");
    assert_eq!(media(1).unwrap().alt, "The desk, from its side");
    let failed: Vec<_> = failed(&seen)
        .into_iter()
        .map(|(line, _, message)| (line, message))
        .collect();
    assert_eq!(failed, [(6, "stock must not be less than 0".to_owned())]);
    let ignored = reader.ignored();
    assert!(ignored.contains(&"Vendor".to_owned()) && !ignored.contains(&"Title".to_owned()));
}

#[test]
fn every_variant_is_one_of_its_product() {
    let seen = shop(
        "tee,T-shirt,Soft,V,Size,S,Colour,Red,T-S-R,120,3,19,,active\n\
         tee,,,,,M,,Red,,120,4,19,,\n\
         tee,,,,,,,,,,,,https://images.example/tee.jpg,\n\
         tee,,,,,M,,Blue,T-M-B,,,21.5,,\n",
    );
    assert_eq!(
        variants(&seen),
        [
            ["tee", "T-S-R", "T-shirt", "Soft", "Size=S Colour=Red"],
            ["tee", "", "T-shirt", "Soft", "Size=M Colour=Red"],
            ["tee", "", "", "", ""],
            ["tee", "T-M-B", "T-shirt", "Soft", "Size=M Colour=Blue"],
        ]
    );
}

#[test]
fn what_customers_do_not_see_there_they_do_not_see_here() {
    let seen = shop(
        "a,Draft,,,Title,Default Title,,,A,,1,1,,draft\n\
         b,Old,,,Size,S,,,B-S,,1,1,,archived\n\
         b,,,,,M,,,B-M,,1,1,,\n\
         c,Live,,,Title,Default Title,,,C,,1,1,,Active\n\
         d,No status,,,Title,Default Title,,,D,,1,1,,\n\
         e,Strange,,,Title,Default Title,,,E,,1,1,,unlisted\n",
    );
    let rows = seen.iter().filter_map(|(_, row)| row.as_ref().ok());
    let statuses: Vec<_> = rows.map(|row| row.changes.status.unwrap()).collect();
    use Status::{Archived, Draft, Published};
    assert_eq!(statuses, [Draft, Archived, Archived, Published, Published]);
    let codes: Vec<_> = failed(&seen)
        .into_iter()
        .map(|(line, code, _)| (line, code))
        .collect();
    assert_eq!(codes, [(7, "unknown-status")]);
    let hidden = rows_of("Handle,Title,Published,Variant SKU,Variant Price\na,Hidden,FALSE,A,1\n");
    assert_eq!(hidden[0].1.as_ref().unwrap().changes.status, Some(Draft));
}

#[test]
fn handles_are_made_slugs() {
    let seen = shop(
        "Größe_M,First,,,Title,Default Title,,,A,,1,1,,\n\
         緑茶,Second,,,Title,Default Title,,,B,,1,1,,\n",
    );
    assert_eq!(variants(&seen)[0][0], "grosse-m");
    assert_eq!(failed(&seen)[0].1, "no-product");
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
    assert_eq!(skus(&seen), ["A-S", "A-L"]);
    let codes: Vec<_> = failed(&seen)
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
fn a_header_with_a_column_twice_is_refused() {
    let errors = header_errors("Handle,Title,Variant SKU,Variant Price,title\n");
    assert_eq!(errors, [("Title".to_owned(), "repeated".to_owned())]);
    // Without what Shopify's has, it is a file like any other.
    let errors = header_errors("Handle,Title,Variant SKU\n");
    assert_eq!(errors.len(), 4);
}
