//! Which products a search finds, on a real SQLite.

use mercato_kernel::PageRequest;
use proptest::prelude::*;

use super::lists::searching;
use super::*;
use crate::application::commands::renew_words;
use crate::domain::listing::{Filter, Sort, SortKey};
use crate::domain::search::SearchWords;
use crate::domain::values::{Description, Name};

#[test]
fn words_are_found_in_all_texts_whatever_accents_and_capitals() {
    let shop = Shop::new();
    shop.describe("Grüner Tee", "Blätter aus Uji", Some("GT-100"));
    shop.describe("Café crème", "mit Milch", None);
    shop.describe("茶", "", None);
    for (words, expected) in [
        ("gruner", vec!["Grüner Tee"]),
        ("GRÜNER tee", vec!["Grüner Tee"]),
        ("uji", vec!["Grüner Tee"]),
        ("gt-100", vec!["Grüner Tee"]),
        ("gt 100", vec!["Grüner Tee"]),
        ("GT-1", vec!["Grüner Tee"]),
        ("creme cafe", vec!["Café crème"]),
        ("茶", vec!["茶"]),
        ("ＴＥＥ　ｕｊｉ", vec!["Grüner Tee"]),
        ("tee milch", vec![]),
        ("tee kaffee", vec![]),
    ] {
        assert_eq!(shop.found(words), expected, "{words}");
    }
}

#[test]
fn only_the_last_word_may_be_a_beginning() {
    let shop = Shop::new();
    shop.describe("Teapot", "made of iron", None);
    for beginning in ["t", "te", "tea", "teap", "TEAPO", "teapot"] {
        assert_eq!(shop.found(beginning), ["Teapot"], "{beginning}");
    }
    assert_eq!(shop.found("iron teap"), ["Teapot"]);
    assert_eq!(shop.found("iro teapot"), [""; 0]);
    assert_eq!(shop.found("apot"), [""; 0]);
}

#[test]
fn words_in_the_name_and_short_names_come_first() {
    let shop = Shop::new();
    shop.describe("Kettle", "for green tea", None);
    shop.describe("Tea towel", "green", None);
    shop.describe("Green tea from Uji", "", None);
    shop.describe("Green tea", "", None);
    assert_eq!(
        shop.found("green tea"),
        ["Green tea", "Green tea from Uji", "Tea towel", "Kettle"]
    );
}

#[test]
fn nothing_a_shopper_types_is_query_language() {
    let shop = Shop::new();
    shop.describe("Tea OR coffee", "near the \"AND\" gate", Some("name:tea*"));
    for (words, expected) in [
        ("tea OR milk", 0),
        ("tea OR coffee", 1),
        ("tea NOT milk", 0),
        ("tea AND", 1),
        ("NEAR(tea coffee)", 0),
        ("name : tea", 1),
        ("milk : tea", 0),
        ("{name} : tea", 1),
        ("^coffee", 1),
        ("name:tea*", 1),
    ] {
        assert_eq!(shop.found(words).len(), expected, "{words}");
    }
    for words in [
        "\"",
        "\"\"\"",
        "*",
        "a\"b*",
        "'); DROP TABLE products; --",
        "tea\" OR \"x",
        "(",
        "-",
        "+ : ^",
    ] {
        assert!(shop.found(words).is_empty(), "{words}");
    }
}

#[test]
fn any_text_can_be_searched_and_a_name_finds_itself() {
    let shop = Shop::new();
    proptest!(|(text in "\\PC{1,40}|[\"*^(){}:+ a-z-]{1,40}|(AND|OR|NOT|NEAR|tea|\"| ){1,9}")| {
        let list = |text: &str| {
            let request = PageRequest { page: 1, limit: 1, after: None };
            shop.list(&searching(text), None, request)
        };
        prop_assume!(text.parse::<SearchWords>().is_ok());
        prop_assert!(list(&text).unwrap().total.entries <= 1);
        // Letters of today's alphabets that SQLite knows: what it does not know, it takes for a space.
        let is_known = text.is_ascii();
        if is_known && text.chars().any(char::is_alphanumeric) {
            let product = shop.describe(&text, "", None);
            prop_assert_eq!(list(&text).unwrap().total.entries, 1);
            shop.delete(&product, None).unwrap();
        }
    });
}

#[test]
fn words_mean_what_their_readers_mean() {
    let shop = Shop::new();
    for (name, description) in [
        ("Ёлка", ""),
        ("Straßenkreide", ""),
        ("Kaffee 250 g", ""),
        ("Kaffee 250er, grob", ""),
        ("Levi's Baby-T-Shirt", ""),
        ("Smørrebrød", "Łódź, œuvre, Ægir, Đặng"),
        ("有機緑茶ティーバッグ", "ｾｯﾄ"),
        ("녹차 세트", "한국어"),
        ("ชาเขียว", ""),
        ("שָׁלוֹם", "مُحَمَّد"),
    ] {
        shop.describe(name, description, None);
    }
    for (words, expected) in [
        ("елка", "Ёлка"),
        ("ЁЛКА", "Ёлка"),
        ("strassenkreide", "Straßenkreide"),
        ("STRAẞENKREIDE", "Straßenkreide"),
        ("250g", "Kaffee 250 g"),
        ("250 g", "Kaffee 250 g"),
        ("250 G kaffee", "Kaffee 250 g"),
        ("２５０ｇ", "Kaffee 250 g"),
        ("tshirt", "Levi's Baby-T-Shirt"),
        ("t-shirt", "Levi's Baby-T-Shirt"),
        ("shirt levis", "Levi's Baby-T-Shirt"),
        ("levi’s", "Levi's Baby-T-Shirt"),
        ("babytshirt", "Levi's Baby-T-Shirt"),
        ("smorrebrod", "Smørrebrød"),
        ("lodz oeuvre aegir dang", "Smørrebrød"),
        ("緑茶", "有機緑茶ティーバッグ"),
        ("茶", "有機緑茶ティーバッグ"),
        ("ティーバッグ", "有機緑茶ティーバッグ"),
        ("バ", "有機緑茶ティーバッグ"),
        ("セット 緑茶", "有機緑茶ティーバッグ"),
        ("차", "녹차 세트"),
        ("국어", "녹차 세트"),
        ("เขียว", "ชาเขียว"),
        ("שלום", "שָׁלוֹם"),
        ("محمد", "שָׁלוֹם"),
    ] {
        assert_eq!(shop.found(words), [expected], "{words}");
    }
    for words in ["緑機", "茶緑", "250 kaffee grobes", "shirtxx"] {
        assert_eq!(shop.found(words), [""; 0], "{words}");
    }
}

#[test]
fn one_typo_is_forgiven_when_nothing_else_is_found() {
    let shop = Shop::new();
    for name in [
        "Espresso cup",
        "Espresso saucer",
        "Teapot",
        "Teapots",
        "Ёлка большая",
    ] {
        shop.describe(name, "", None);
    }
    let found = |words: &str| {
        let (page, limit, after) = (1, 10, None);
        let page = PageRequest { page, limit, after };
        let found = shop.find_counted(&searching(words), &[], None, page);
        let found = found.unwrap();
        (found.page.total.entries, found.corrected)
    };
    for (words, number, corrected) in [
        ("espreso", 2, Some("espresso")),
        ("expresso cup", 1, Some("espresso cup")),
        ("Epsresso CUP", 1, Some("espresso CUP")),
        ("cup esprezso", 1, Some("cup espresso")),
        // In most products, and among equals the longest.
        ("taepot", 2, Some("teapot")),
        // Still being typed.
        ("cup esprx", 1, Some("cup espre")),
        ("болшая", 1, Some("большая")),
        // What is found needs no correction, nor what is two typos away or too short.
        ("espresso", 2, None),
        ("espresso teapot", 0, None),
        ("exprezso", 0, None),
        ("cupp", 0, None),
        ("espreso cupp", 0, None),
        ("espreso taepot", 0, None),
    ] {
        let corrected = corrected.map(str::to_owned);
        assert_eq!(found(words), (number, corrected), "{words}");
    }
}

#[test]
fn a_corrected_search_is_walked_as_any_other() {
    let shop = Shop::new();
    for number in 0..7 {
        shop.describe(&format!("Espresso {number}"), "", None);
    }
    let names = shop.walk(&searching("expresso"), None, 3, |_| ());
    assert_eq!(names.len(), 7);
}

#[test]
fn words_that_nobody_has_made_are_made_later() {
    let shop = Shop::new();
    shop.describe("Grüner Tee", "250 g", Some("GT-1"));
    shop.forget_words();
    let gone = "UPDATE products SET name_key = ''";
    shop.execute(gone, params![]).unwrap();
    assert_eq!(renew_words::handle(&shop.products, 10), Ok(1));
    assert_eq!(shop.found("gruner 250g gt1"), ["Grüner Tee"]);
    assert_eq!(
        shop.number("SELECT COUNT(*) FROM products WHERE name_key <> ''"),
        1
    );
    assert_eq!(renew_words::handle(&shop.products, 10), Ok(0));
    shop.assert_search_is_in_step();
}

/// What people write, in pieces that meet often: capitals, accents, numbers that are cut, other alphabets, characters of no word.
const WRITTEN: &str =
    "((Tea|tea|Té|te|T|GREEN|grün|12e3|4|g|-|'|/|\\.|茶|お|한|ก|\u{301}|ß|İ|\\PC)( ?)){1,8}";

#[test]
fn both_databases_find_the_same() {
    if !mercato_sql::is_tested_on_postgres() {
        println!("left out: there is one database only");
        return;
    }
    let shops = [Shop::on_sqlite(), Shop::new()];
    let products = proptest::collection::vec((WRITTEN, WRITTEN), 1..4);
    proptest!(ProptestConfig::with_cases(200), |(products in products, words in proptest::collection::vec(WRITTEN, 4))| {
        let fit = |text: &str| text.parse::<Name>().is_ok() && text.parse::<Description>().is_ok();
        prop_assume!(products.iter().all(|(name, description)| fit(name) && fit(description)));
        let added = shops.each_ref().map(|shop| -> Vec<ProductView> {
            let add = |(name, description): &(String, String)| shop.describe(name, description, None);
            products.iter().map(add).collect()
        });
        for words in words.iter().filter(|words| words.parse::<SearchWords>().is_ok()) {
            let [one, other] = shops.each_ref().map(|shop| shop.found(words));
            prop_assert_eq!(one, other, "{}", words);
        }
        for (shop, added) in shops.iter().zip(added) {
            added.iter().for_each(|product| shop.delete(product, None).unwrap());
        }
    });
}

#[test]
fn a_search_without_a_letter_or_digit_finds_nothing() {
    let shop = Shop::new();
    shop.add("Tea", "1", 1);
    for words in ["-", "***", "\u{1f375}", "\u{301}"] {
        assert_eq!(shop.found(words), [""; 0], "{words}");
    }
    assert_eq!(shop.found("\u{1f375} tea"), ["Tea"]);
}

#[test]
fn the_search_follows_every_change_of_a_product() {
    let shop = Shop::new();
    let tea = shop.describe("Tea", "green", Some("T-1"));
    let set = |changes: ProductChanges| shop.update(&tea, &changes, None).unwrap();
    set(ProductChanges {
        name: Some("Chai".parse().unwrap()),
        sku: Some(None),
        description: Some("black".parse().unwrap()),
        ..ProductChanges::default()
    });
    for gone in ["tea", "T-1", "green"] {
        assert_eq!(shop.found(gone), [""; 0], "{gone}");
    }
    assert_eq!(shop.found("black chai"), ["Chai"]);
    set(ProductChanges {
        stock: Some(StockChange::Delta(5)),
        ..ProductChanges::default()
    });
    shop.reserve(1, &[line(&tea, 1)]).unwrap();
    assert_eq!(shop.found("chai"), ["Chai"]);
    shop.assert_search_is_in_step();
    shop.delete(&tea, None).unwrap();
    assert_eq!(shop.found("chai"), [""; 0]);
    shop.assert_search_is_in_step();
}

#[test]
fn what_is_taken_back_was_never_in_the_search() {
    let shop = Shop::new();
    let tea = shop.add("Tea", "1", 1);
    let milk = ProductView {
        id: ProductId::parse("01890a5d-ac96-774b-bcce-ffffffffffff").unwrap(),
        name: "Milk".parse().unwrap(),
        ..tea.clone()
    };
    let failed = shop
        .products
        .store
        .write::<(), _>(of_a_test(), |transaction| {
            transaction.save_product(&Product::restore(tea.clone()).delete(9))?;
            transaction.insert_products(&[&Product::restore(milk.clone())])?;
            Err(StoreError::Fault("the power is out".to_owned()))
        });
    assert!(failed.is_err());
    assert_eq!(shop.found("tea"), ["Tea"]);
    assert_eq!(shop.found("milk"), [""; 0]);
    shop.assert_search_is_in_step();
}

#[test]
fn a_product_that_comes_back_is_found_an_erased_one_is_not() {
    let shop = Shop::new();
    let tea = shop.add("Tea", "1", 0);
    shop.delete(&tea, None).unwrap();
    let back = Product::restore(tea.clone());
    let saved = shop
        .products
        .store
        .write(of_a_test(), |transaction| transaction.save_product(&back));
    saved.unwrap();
    assert_eq!(shop.found("tea"), ["Tea"]);
    shop.assert_search_is_in_step();
    let erase = "DELETE FROM products WHERE id = ?";
    let erased = shop.execute(erase, &[key(tea.id)]);
    assert_eq!(erased, Ok(1));
    assert_eq!(shop.found("tea"), [""; 0]);
    shop.assert_search_is_in_step();
}

/// How the first version of the schema is written, which knew no later columns.
const INSERT_INTO_FIRST_SCHEMA: &str = "\
INSERT INTO products
  (id, name, name_key, description, sku, price, stock, reserved, sold, version, created_at, updated_at, deleted_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";

#[test]
fn products_from_before_the_search_are_found() {
    let before = Database::in_memory(DATABASE_LABEL, &MIGRATIONS.sqlite[..1]).unwrap();
    let insert = |name: &str, deleted_at: Option<u64>, number: u64| {
        let id = format!("01890a5d-ac96-774b-bcce-{number:012x}");
        let statement = INSERT_INTO_FIRST_SCHEMA;
        let parameters = params![
            id,
            name,
            name,
            "green",
            None::<i64>,
            1,
            1,
            0,
            0,
            1,
            number,
            number,
            deleted_at
        ];
        before.write::<_, Error>(of_a_test(), |connection| {
            connection.execute(statement, parameters)
        })
    };
    insert("Tea", None, 1).unwrap();
    insert("Tea of old", Some(9), 2).unwrap();
    insert("Teapot", None, 3).unwrap();
    insert("Grüner Tee", None, 4).unwrap();
    let later = MIGRATIONS.sqlite[1..].iter();
    for statement in later.flat_map(|migration| migration.sql.split(";\n\n")) {
        before
            .write::<_, Error>(of_a_test(), |connection| {
                connection.execute(statement, params![])
            })
            .unwrap();
    }
    let mut shop = Shop::new();
    shop.products.store = SqlStore(before);
    assert_eq!(shop.found("green te"), ["Tea", "Teapot", "Grüner Tee"]);
    assert_eq!(shop.found("old"), [""; 0]);
    assert_eq!(shop.found("gruner"), [""; 0]);
    assert_eq!(renew_words::handle(&shop.products, 10), Ok(3));
    assert_eq!(shop.found("gruner"), ["Grüner Tee"]);
    let by_name = Sort::ascending(SortKey::Name);
    let (names, _) = shop.names(&Filter::default(), by_name, 1, 10);
    assert_eq!(names, ["Grüner Tee", "Tea", "Teapot"]);
    shop.assert_search_is_in_step();
}

#[test]
fn vacuum_changes_nothing_of_what_is_found() {
    let shop = Shop::on_sqlite();
    for number in 0..20 {
        let product = shop.add(&format!("Tea {number}"), "1", 1);
        if number % 2 == 0 {
            shop.delete(&product, None).unwrap();
        }
    }
    let before = shop.found("tea");
    shop.read(|connection| connection.execute("VACUUM", params![]));
    assert_eq!(shop.found("tea"), before);
    assert_eq!(before.len(), 10);
    assert_eq!(shop.found("tea 7"), ["Tea 7"]);
}
