use mercato_tests::shop::{Shop, text, unique};
use serde_json::{Value, json};

/// Three products of a line of their own, which is an attribute.
struct Line {
    name: String,
}

impl Line {
    fn new() -> Self {
        let name = unique("Line").replace(' ', "-");
        for (number, origin) in [(1, "Kenya"), (2, "Kenya"), (3, "Côte d'Ivoire")] {
            let body = json!({
                "name": format!("Coffee {number} of {name}"),
                "price": number,
                "stock": 1,
                "attributes": { "Line": name, "Origin": origin },
            });
            Shop::shared().create_product(&body);
        }
        Self { name }
    }

    fn list(&self, query: &str) -> Value {
        let path = format!("/api/v1/products?attribute.Line={}&{query}", self.name);
        Shop::shared().nobody().get(&path).expect_json(200)
    }

    fn prices(&self, query: &str) -> Vec<u64> {
        let list = self.list(&format!("sort=price&{query}"));
        let products = list["data"].as_array().expect("a list").iter();
        products
            .map(|product| product["price"].as_u64().expect("a whole price"))
            .collect()
    }
}

#[test]
fn attributes_filter_lists_and_searches() {
    let line = Line::new();
    assert_eq!(line.prices(""), [1, 2, 3]);
    assert_eq!(line.prices("attribute.Origin=Kenya"), [1, 2]);
    assert_eq!(line.prices("attribute.Origin=C%C3%B4te+d%27Ivoire"), [3]);
    let either = "attribute.Origin=Kenya&attribute.Origin=C%C3%B4te+d%27Ivoire";
    assert_eq!(line.prices(either), [1, 2, 3]);
    assert_eq!(line.prices("attribute.Origin=Kenya&minPrice=2"), [2]);
    assert_eq!(line.prices("attribute.Origin=Kenya&q=coffee"), [1, 2]);
    assert_eq!(line.prices("option.Size=S"), [0; 0]);
    let first = line.list("attribute.Origin=Kenya&limit=1&sort=-price");
    assert_eq!(first["meta"]["total"], 2);
    let next = text(&first["meta"]["next"]);
    let second = line.list(&format!(
        "attribute.Origin=Kenya&limit=1&sort=-price&after={next}"
    ));
    assert_eq!(second["data"][0]["price"], 1);
}

#[test]
fn facets_count_what_the_filter_finds() {
    let line = Line::new();
    let facets = |query: &str| {
        let list = line.list(&format!(
            "facets=attribute.Origin,category,option.Size&{query}"
        ));
        list["meta"]["facets"].clone()
    };
    let kenya = |count: u64| json!({ "value": "Kenya", "count": count });
    let ivory = json!({ "value": "Côte d'Ivoire", "count": 1 });
    let of =
        |values: Value| json!({ "attribute.Origin": values, "category": [], "option.Size": [] });
    assert_eq!(facets(""), of(json!([kenya(2), ivory])));
    assert_eq!(facets("maxPrice=1&limit=1"), of(json!([kenya(1)])));
    assert_eq!(facets("q=coffee"), of(json!([kenya(2), ivory])));
    assert_eq!(facets("minPrice=9"), of(json!([])));
    assert_eq!(line.list("")["meta"].get("facets"), None);
}

#[test]
fn drafts_are_in_no_facet_but_for_admins_who_ask_for_them() {
    let line = Line::new();
    let path = format!(
        "/api/v1/products?attribute.Line={}&facets=attribute.Line",
        line.name
    );
    let admin = Shop::shared().admin();
    let cheapest = line.list("sort=price")["data"][0]["id"].clone();
    let draft = json!({ "status": "draft" });
    let product = format!("/api/v1/products/{}", text(&cheapest));
    admin.patch(&product).json(&draft).expect(200);
    let counts = |list: &Value| list["meta"]["facets"]["attribute.Line"][0]["count"].clone();
    let nobody = Shop::shared().nobody();
    for list in [nobody.get(&path), admin.get(&path)] {
        assert_eq!(counts(&list.expect_json(200)), 2);
    }
    let drafts = admin.get(&format!("{path}&status=draft")).expect_json(200);
    assert_eq!(counts(&drafts), 1);
}

#[test]
fn what_is_wrong_with_a_filter_is_named() {
    let nobody = Shop::shared().nobody();
    let many = |name: &str, count: usize| -> String {
        let pairs = (0..count).map(|number| name.replace('#', &number.to_string()));
        pairs.collect::<Vec<_>>().join("&")
    };
    for (query, field, code) in [
        ("attribute.=x", "attribute.", "required"),
        ("option.Size=", "option.Size", "required"),
        ("attribute=x", "attribute", "unknown"),
        ("facets=colour", "facets", "format"),
        (&*many("option.#=x", 11), "option.10", "max"),
        (&*many("option.Size=#", 21), "option.Size", "max"),
    ] {
        let path = format!("/api/v1/products?{query}");
        nobody.get(&path).expect_invalid(&[(field, code)]);
    }
}
