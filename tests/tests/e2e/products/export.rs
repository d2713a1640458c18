//! The export of the catalogue.

use mercato_tests::shop::{Shop, text, unique};
use serde_json::{Value, json};

const PATH: &str = "/api/v1/products/export";

#[test]
fn importing_an_export_changes_nothing() {
    let (shop, sku) = (Shop::shared(), unique("E").replace(' ', "-"));
    let description = "Two\nlines, \"quoted\"; and more";
    let new = json!({ "name": "Tea", "sku": sku, "description": description, "price": 4.9999, "stock": 3 });
    let product = shop.create_product(&new);
    let path = format!("/api/v1/products/{}", text(&product["id"]));
    for (format, media_type) in [("ndjson", "application/x-ndjson"), ("csv", "text/csv")] {
        let answer = shop.admin().get(&format!("{PATH}?format={format}")).send();
        let file = answer.expect(200).text();
        // Others work in this shop meanwhile: what is imported again is this product alone.
        let is_wanted = |line: &&str| line.starts_with("sku,") || line.contains(&*sku);
        let own = match format {
            // The description has a line break in it.
            "csv" => {
                let mut records = file.split("\r\n");
                let header = records.next().expect("a header").to_owned();
                let own: Vec<&str> = records.filter(|record| record.contains(&*sku)).collect();
                format!("{header}\r\n{}\r\n", own.join("\r\n"))
            }
            _ => file.lines().filter(is_wanted).collect(),
        };
        let admin = shop.admin();
        let import = admin.post("/api/v1/products/import").body(media_type, own);
        let report: Value = import.expect_json(200);
        assert_eq!(
            (&report["unchanged"], &report["failedTotal"]),
            (&json!(1), &json!(0)),
            "{format} {report}"
        );
    }
    assert_eq!(shop.admin().get(&path).expect_json(200)["version"], 1);
}

#[test]
fn an_export_is_a_file_whose_format_is_asked_for() {
    let admin = Shop::shared().admin();
    let csv = admin.get(PATH).header("accept", "text/csv").send();
    let disposition = csv.header("content-disposition").map(str::to_owned);
    assert_eq!(
        disposition.as_deref(),
        Some("attachment; filename=\"products.csv\"")
    );
    assert!(
        csv.expect(200)
            .text()
            .starts_with("sku,slug,name,description,status,price,stock,taxClass,weightGrams,")
    );
    admin
        .get(&format!("{PATH}?format=xlsx"))
        .send()
        .expect_invalid(&[("format", "format")]);
}
