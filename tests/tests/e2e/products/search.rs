use mercato_tests::shop::{Shop, text, unique};
use serde_json::{Value, json};

/// A word that no other product has.
/// Of letters alone: digits begin words of their own.
fn word() -> String {
    let letter = |character: char| match character.to_digit(10) {
        Some(digit) => "ghijklmnop".chars().nth(digit as usize),
        None => Some(character).filter(char::is_ascii_alphabetic),
    };
    unique("w").chars().filter_map(letter).collect()
}

fn add(name: &str, description: &str, price: u64, stock: u64) -> String {
    let body = json!({ "name": name, "description": description, "price": price, "stock": stock });
    let product = Shop::shared().create_product(&body);
    text(&product["id"])
}

fn list(query: &str) -> Value {
    let path = format!("/api/v1/products?{query}");
    Shop::shared().nobody().get(&path).expect_json(200)
}

fn names(query: &str) -> Vec<String> {
    let list = list(query);
    let products = list["data"].as_array().expect("a list");
    products
        .iter()
        .map(|product| text(&product["name"]))
        .collect()
}

#[test]
fn what_has_every_word_is_found_and_names_weigh_more() {
    let word = word();
    add("Kettle", &format!("for green tea {word}"), 1, 1);
    add(&format!("Tea towel {word}"), "green", 1, 1);
    add(&format!("Green tea {word}"), "", 1, 1);
    add(&format!("Black tea {word}"), "", 1, 1);
    let found = names(&format!("q=green+tea+{word}"));
    assert_eq!(
        found,
        [
            format!("Green tea {word}"),
            format!("Tea towel {word}"),
            "Kettle".to_owned()
        ]
    );
    assert_eq!(list(&format!("q={word}"))["meta"]["total"], 4);
    let beginning = &word[..word.len() - 1];
    assert_eq!(list(&format!("q={beginning}"))["meta"]["total"], 4);
    assert_eq!(list(&format!("q={beginning}+tea"))["meta"]["total"], 0);
}

#[test]
fn accents_and_capitals_do_not_matter_and_numbers_are_found_too() {
    let word = word();
    let sku = format!("{word}-100");
    let body = json!({ "name": "Grüner Tee", "sku": sku, "price": 1 });
    let admin = Shop::shared().admin();
    admin.post("/api/v1/products").json(&body).expect(201);
    for query in [
        format!("q=GRUNER+{word}"),
        format!("q=gr%C3%BCner+{}", word.to_uppercase()),
        format!("q={sku}"),
    ] {
        assert_eq!(names(&query), ["Grüner Tee"], "{query}");
    }
}

#[test]
fn words_mean_what_their_readers_mean() {
    let word = word();
    let name = format!("Straßen-T-Shirt {word} 250 g 緑茶碗");
    add(&name, "", 1, 1);
    for query in [
        "strassen",
        "tshirt",
        "t-shirt",
        "250g",
        "250+g",
        "%E8%8C%B6",
        "%E8%8C%B6%E7%A2%97",
    ] {
        assert_eq!(names(&format!("q={word}+{query}")), [&*name], "{query}");
    }
}

#[test]
fn a_typo_is_forgiven_and_said_to_be() {
    // Letters alone, for typos in numbers are not forgiven, and no word that others have.
    let digit =
        |letter: char| char::from_u32(u32::from(letter) + 0x31).filter(char::is_ascii_lowercase);
    let letters: String = word()
        .chars()
        .skip(1)
        .map(|letter| digit(letter).unwrap_or('x'))
        .collect();
    let name = format!("zq{}", &letters[..letters.len().min(16)]);
    add(&name, "", 1, 1);
    let found = list(&format!("q={name}q"));
    assert_eq!(
        (&found["meta"]["total"], &found["meta"]["corrected"]),
        (&json!(1), &json!(name))
    );
    let found = list(&format!("q={name}"));
    assert_eq!(found["meta"].get("corrected"), None);
}

#[test]
fn a_search_goes_with_filters_orders_pages_and_cursors() {
    let word = word();
    for number in 0..5 {
        add(&format!("Tea {number} {word}"), "", 10 + number, number % 2);
    }
    let query = |rest: &str| names(&format!("q={word}&{rest}"));
    let tea = |numbers: &[u64]| -> Vec<String> {
        numbers
            .iter()
            .map(|number| format!("Tea {number} {word}"))
            .collect()
    };
    assert_eq!(
        query("sort=-price&minPrice=11&maxPrice=13"),
        tea(&[3, 2, 1])
    );
    assert_eq!(query("sort=name&inStock=true"), tea(&[1, 3]));
    assert_eq!(query("sort=price&page=2&limit=2"), tea(&[2, 3]));
    for sort in ["relevance", "name", "-price", "createdAt", "-stock"] {
        let whole = query(&format!("sort={sort}"));
        let (mut walked, mut after) = (Vec::new(), String::new());
        loop {
            let page = list(&format!("q={word}&sort={sort}&limit=2{after}"));
            let products = page["data"].as_array().expect("a list");
            walked.extend(products.iter().map(|product| product["name"].clone()));
            match page["meta"]["next"].as_str() {
                Some(next) => after = format!("&after={next}"),
                None => break,
            }
        }
        assert_eq!(walked, whole, "{sort}");
    }
}

#[test]
fn the_search_knows_every_change_at_once() {
    let (old, new) = (word(), word());
    let path = format!("/api/v1/products/{}", add(&format!("Tea {old}"), "", 1, 1));
    let admin = Shop::shared().admin();
    let count = |word: &str| list(&format!("q={word}"))["meta"]["total"].clone();
    assert_eq!(count(&old), 1);
    let body = json!({ "name": format!("Chai {new}") });
    admin.patch(&path).json(&body).expect(200);
    assert_eq!((count(&old), count(&new)), (json!(0), json!(1)));
    admin.delete(&path).expect(204);
    assert_eq!(count(&new), 0);
}

#[test]
fn nothing_a_shopper_types_is_query_language() {
    for query in [
        "%22",
        "%22%22%22",
        "*",
        "(",
        "-",
        "%5Etea",
        "a%22b*",
        "NEAR(",
        "name%3A",
        "%27)%3B+DROP+TABLE+products%3B--",
        "tea%22+OR+%22x",
        "%F0%9F%8D%B5",
        "AND+OR+NOT",
        "%7Bname%7D+%3A+x",
    ] {
        list(&format!("q={query}"));
    }
    for query in ["-", "***", "%F0%9F%8D%B5"] {
        let found = list(&format!("q={query}"));
        assert_eq!(
            (&found["data"], &found["meta"]["total"]),
            (&json!([]), &json!(0)),
            "{query}"
        );
    }
}

#[test]
fn words_are_1_to_200_characters_without_control_characters() {
    let nobody = Shop::shared().nobody();
    let ask = |query: &str| nobody.get(&format!("/api/v1/products?q={query}")).send();
    ask(&"x".repeat(200)).expect(200);
    ask(&format!("+{}+", "%C3%A9".repeat(200))).expect(200);
    for (query, code) in [
        (String::new(), "required"),
        ("+++".to_owned(), "required"),
        ("x".repeat(201), "max"),
        ("a%00b".to_owned(), "control-characters"),
        ("a%0Ab".to_owned(), "control-characters"),
    ] {
        ask(&query).expect_invalid(&[("q", code)]);
    }
}
