//! Samples of quotes as invoices in UBL 2.1, for whoever judges documents and not models: `tests/tests/tools/invoices.rs` holds them
//! against the rules that CEN publishes.
//!
//! They are checked in. `MERCATO_WRITE_SAMPLES=1 cargo test -p checkout samples` writes them anew.

use std::{env, fs, path::Path};

use en16931::{En16931, Validated};
use en16931_formats::{Syntax, read, write};

use super::invoice::{Discounts, REASONS, invoice};
use super::{Cart, money, percent};
use crate::domain::Benefit;

const FOLDER: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/src/domain/quote/tests/samples"
);

/// A shop with two rates in which shipping costs something.
fn shop(currency: &str, prices_include_tax: bool) -> Cart {
    Cart::new(currency, prices_include_tax)
        .tax("standard", "20")
        .tax("food", "10")
}

/// Each sample by its name.
fn samples() -> Vec<(&'static str, Cart, Discounts)> {
    use Discounts::{OfDocument, OfLines};
    let tenth = Benefit::Percent(percent("10"));
    let all = Benefit::Percent(percent("100"));
    let mut reasons = Cart::new("EUR", false).tax("standard", "20");
    reasons = reasons.item("10", 1, "standard").shipping("4.9", None);
    for (index, reason) in REASONS.iter().enumerate() {
        let class = format!("class-{index}");
        reasons = reasons.untaxed(&class, reason).item("3.33", 2, &class);
    }
    let thirds = |prices_include_tax| {
        shop("EUR", prices_include_tax)
            .item("10", 1, "standard")
            .item("10", 1, "food")
            .item("10", 1, "standard")
            .code("TEN", Benefit::Fixed(money("10")))
    };
    vec![
        (
            "inside-two-rates",
            shop("EUR", true)
                .item("11.9", 2, "food")
                .item("0.03", 1, "standard")
                .shipping("4.9", None)
                .code("ROAST10", tenth),
            OfLines,
        ),
        (
            "outside-two-rates",
            shop("EUR", false)
                .item("11.9", 2, "food")
                .item("0.0125", 300, "standard")
                .shipping("4.9", None)
                .code("ROAST10", tenth),
            OfDocument,
        ),
        ("inside-thirds", thirds(true), OfLines),
        ("outside-thirds", thirds(false), OfLines),
        ("outside-thirds-of-document", thirds(false), OfDocument),
        (
            "free-of-charge",
            shop("EUR", true)
                .item("19.99", 3, "standard")
                .code("ALL", all),
            OfLines,
        ),
        (
            "free-shipping-and-a-free-line",
            shop("EUR", false)
                .item("0", 1, "standard")
                .item("51", 1, "food")
                .shipping("4.9", Some("50")),
            OfDocument,
        ),
        ("every-reason", reasons, OfDocument),
        (
            "yen",
            shop("JPY", false)
                .item("980", 3, "food")
                .item("333", 1, "standard")
                .shipping("550", None)
                .code("ROAST10", tenth),
            OfDocument,
        ),
        (
            "large",
            shop("EUR", false).item("999999999.9999", 10_000, "standard"),
            OfLines,
        ),
    ]
}

#[test]
fn samples_are_what_quotes_are_as_documents() {
    let is_writing = env::var_os("MERCATO_WRITE_SAMPLES").is_some();
    let mut names = Vec::new();
    for (name, cart, discounts) in samples() {
        let invoice = invoice(&cart.quote(), discounts);
        let valid: Validated<En16931> = Validated::new(invoice.clone()).expect(name);
        let written = write(&valid, Syntax::Ubl);
        assert!(written.entries.is_empty(), "{name}: {:?}", written.entries);
        let again = read(written.xml.as_bytes()).expect(name).invoice;
        assert_eq!(again, invoice, "{name}: nothing gets lost");
        let file = format!("{name}.xml");
        let path = Path::new(FOLDER).join(&file);
        if is_writing {
            fs::create_dir_all(FOLDER).expect("a folder");
            fs::write(&path, &written.xml).expect(name);
        }
        let kept = fs::read_to_string(&path).expect(name);
        assert_eq!(
            kept, written.xml,
            "{name}: see the head of this file for how it is written anew"
        );
        names.push(file);
    }
    names.sort();
    let entries = fs::read_dir(FOLDER).expect("the samples");
    let mut kept: Vec<_> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    kept.sort();
    assert_eq!(kept, names);
}
