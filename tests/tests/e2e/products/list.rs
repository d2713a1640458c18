use mercato_tests::{
    assert_members,
    shop::{Account, Shop, text, unique},
};
use serde_json::{Value, json};

/// Products at prices of their own, so that filters find them and nothing else, whatever else the shop sells.
struct Shelf {
    admin: Account,
    name: String,
    lowest: u64,
}

const PRODUCTS: u64 = 5;

/// A little more than the precision of `createdAt`.
const CLOCK_STEP: std::time::Duration = std::time::Duration::from_millis(2);

impl Shelf {
    fn new() -> Self {
        use std::sync::atomic::{AtomicU64, Ordering};
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let shop = Shop::shared();
        // A whole thousand nobody else uses: from the number of products there are, which only grows.
        let count = shop
            .admin()
            .get("/api/v1/products?limit=1")
            .expect_json(200);
        let total = count["meta"]["total"].as_u64().expect("a total");
        let shelf = Self {
            admin: shop.admin(),
            name: unique("Shelf"),
            lowest: 100_000
                + 1_000 * (total * 20 + NEXT.fetch_add(1, Ordering::Relaxed)) % 900_000_000,
        };
        for number in 0..PRODUCTS {
            let letter =
                ["c", "A", "e", "B", "d"][usize::try_from(number).expect("a small number")];
            let body = json!({
                "name": format!("{} {letter}", shelf.name),
                "price": shelf.lowest + number,
                "stock": number % 2,
            });
            shelf.admin.post("/api/v1/products").json(&body).expect(201);
            // Products of one millisecond have no order in time: let the next one begin.
            std::thread::sleep(CLOCK_STEP);
        }
        shelf
    }

    fn list(&self, query: &str) -> Value {
        let range = format!(
            "minPrice={}&maxPrice={}",
            self.lowest,
            self.lowest + PRODUCTS - 1
        );
        let path = format!("/api/v1/products?{range}&{query}");
        Shop::shared().nobody().get(&path).expect_json(200)
    }

    /// How far above the lowest price the listed products are; those of former runs left out.
    fn prices(&self, query: &str) -> Vec<u64> {
        let list = self.list(query);
        let products = list["data"].as_array().expect("a list");
        let own = products.iter().filter(|product| {
            product["name"]
                .as_str()
                .is_some_and(|name| name.starts_with(&self.name))
        });
        own.map(|product| product["price"].as_u64().expect("a whole price") - self.lowest)
            .collect()
    }
}

#[test]
fn a_list_comes_in_pages_with_totals() {
    let shelf = Shelf::new();
    let first = shelf.list("limit=2&sort=price");
    assert_eq!(first["data"].as_array().map(Vec::len), Some(2));
    assert_eq!(first["meta"]["total"], PRODUCTS);
    assert_eq!(first["meta"]["page"], 1);
    assert_eq!(first["meta"]["limit"], 2);
    assert_eq!(first["meta"]["lastPage"], 3);
    assert_eq!(shelf.prices("limit=2&sort=price"), [0, 1]);
    assert_eq!(shelf.prices("limit=2&sort=price&page=2"), [2, 3]);
    assert_eq!(shelf.prices("limit=2&sort=price&page=3"), [4]);
    let beyond = shelf.list("limit=2&page=4");
    assert_eq!(beyond["data"], json!([]));
    assert_eq!(beyond["meta"]["total"], PRODUCTS);
}

#[test]
fn without_a_limit_a_page_has_ten() {
    let list = Shop::shared()
        .nobody()
        .get("/api/v1/products")
        .expect_json(200);
    assert_eq!(list["meta"]["page"], 1);
    assert_eq!(list["meta"]["limit"], 10);
    assert!(
        list["data"]
            .as_array()
            .is_some_and(|products| products.len() <= 10)
    );
}

#[test]
fn an_empty_list_has_one_empty_page() {
    let list = Shop::shared()
        .nobody()
        .get("/api/v1/products?minPrice=999999999.9998&maxPrice=999999999.9998")
        .expect_json(200);
    assert_eq!(list["data"], json!([]));
    assert_members(&list["meta"], &json!({ "total": 0, "lastPage": 1 }));
}

#[test]
fn prices_and_stock_filter_a_list() {
    let shelf = Shelf::new();
    assert_eq!(shelf.prices("sort=price"), [0, 1, 2, 3, 4]);
    assert_eq!(shelf.prices("sort=price&inStock=true"), [1, 3]);
    assert_eq!(shelf.prices("sort=price&inStock=false"), [0, 2, 4]);
    let narrow = format!(
        "/api/v1/products?minPrice={0}.5&maxPrice={0}.9999",
        shelf.lowest
    );
    assert_eq!(
        Shop::shared().nobody().get(&narrow).expect_json(200)["meta"]["total"],
        0
    );
}

#[test]
fn a_list_can_be_sorted() {
    let shelf = Shelf::new();
    assert_eq!(shelf.prices("sort=price"), [0, 1, 2, 3, 4]);
    assert_eq!(shelf.prices("sort=-price"), [4, 3, 2, 1, 0]);
    assert_eq!(shelf.prices("sort=createdAt"), [0, 1, 2, 3, 4]);
    assert_eq!(shelf.prices("sort=-createdAt"), [4, 3, 2, 1, 0]);
    assert_eq!(shelf.prices(""), [4, 3, 2, 1, 0], "newest first");
    assert_eq!(
        shelf.prices("sort=name"),
        [1, 3, 0, 4, 2],
        "capitals do not matter"
    );
    assert_eq!(shelf.prices("sort=-name"), [2, 4, 0, 3, 1]);
    assert_eq!(shelf.prices("sort=updatedAt"), [0, 1, 2, 3, 4]);
    assert_eq!(shelf.prices("sort=-updatedAt"), [4, 3, 2, 1, 0]);
    let in_stock = |sort: &str| shelf.prices(&format!("limit=2&sort={sort}"));
    assert!(in_stock("-stock").iter().all(|price| price % 2 == 1));
    assert!(in_stock("stock").iter().all(|price| price % 2 == 0));
    assert_eq!(
        shelf.prices("sort=relevance"),
        [4, 3, 2, 1, 0],
        "without words, newest first"
    );
}

const SORTS: [&str; 10] = [
    "createdAt",
    "-createdAt",
    "updatedAt",
    "-updatedAt",
    "name",
    "-name",
    "price",
    "-price",
    "stock",
    "-stock",
];

#[test]
fn a_walk_by_cursor_is_the_whole_list_in_every_order() {
    let shelf = Shelf::new();
    for sort in SORTS {
        let whole = shelf.prices(&format!("sort={sort}"));
        let (mut walked, mut query, mut page) = (Vec::new(), format!("sort={sort}&limit=2"), 1);
        loop {
            let meta = shelf.list(&query)["meta"].clone();
            assert_members(&meta, &json!({ "page": page, "total": PRODUCTS }));
            walked.extend(shelf.prices(&query));
            let Some(next) = meta["next"].as_str() else {
                break;
            };
            query = format!("sort={sort}&limit=2&after={next}");
            page += 1;
        }
        assert_eq!(walked, whole, "{sort}");
        assert_eq!(page, 3, "{sort}");
    }
}

#[test]
fn a_walk_by_cursor_sees_once_what_stays_while_others_change() {
    let shelf = Shelf::new();
    let first = shelf.list("sort=price&limit=2");
    let next = text(&first["meta"]["next"]);
    let id = |index: usize| {
        first["data"][index]["id"]
            .as_str()
            .expect("an id")
            .to_owned()
    };
    // What has been seen goes, also the product that the cursor names, and a newcomer stands before it.
    for index in [0, 1] {
        let path = format!("/api/v1/products/{}", id(index));
        shelf.admin.delete(&path).expect(204);
    }
    let newcomer = json!({ "name": format!("{} new", shelf.name), "price": shelf.lowest });
    shelf
        .admin
        .post("/api/v1/products")
        .json(&newcomer)
        .expect(201);
    let behind = json!({ "name": format!("{} z", shelf.name), "price": shelf.lowest + 4 });
    shelf
        .admin
        .post("/api/v1/products")
        .json(&behind)
        .expect(201);
    let query = format!("sort=price&limit=10&after={next}");
    assert_eq!(shelf.prices(&query), [2, 3, 4, 4]);
    assert_eq!(shelf.list(&query)["meta"]["next"], Value::Null);
}

#[test]
fn a_cursor_of_another_order_is_refused() {
    let shelf = Shelf::new();
    let next = shelf.list("sort=price&limit=2")["meta"]["next"].clone();
    let next = next.as_str().expect("a cursor");
    for sort in ["-price", "name", "relevance"] {
        let path = format!("/api/v1/products?sort={sort}&after={next}");
        Shop::shared()
            .nobody()
            .get(&path)
            .expect_invalid(&[("after", "format")]);
    }
}

#[test]
fn parameters_that_are_wrong_are_named() {
    let nobody = Shop::shared().nobody();
    for (query, errors) in [
        (
            "page=1.5&limit=ten",
            vec![("page", "type"), ("limit", "type")],
        ),
        ("sort=colour", vec![("sort", "format")]),
        ("sort=-relevance", vec![("sort", "format")]),
        ("sort=price;DROP%20TABLE", vec![("sort", "format")]),
        ("inStock=yes", vec![("inStock", "type")]),
        ("minPrice=cheap", vec![("minPrice", "type")]),
        ("minPrice=2&maxPrice=1", vec![("maxPrice", "min")]),
        ("minPrice=-1", vec![("minPrice", "min")]),
        (
            "ids=x&minPrice=1000000001",
            vec![("ids", "format"), ("minPrice", "max")],
        ),
        (
            "q=%20&ids=x&page=10001&limit=100",
            vec![("ids", "format"), ("q", "required"), ("page", "max")],
        ),
        (
            "colour=red&size=1",
            vec![("colour", "unknown"), ("size", "unknown")],
        ),
    ] {
        nobody
            .get(&format!("/api/v1/products?{query}"))
            .expect_invalid(&errors);
    }
}

#[test]
fn the_last_page_that_may_be_asked_for_can_be_empty() {
    let list = Shop::shared()
        .nobody()
        .get("/api/v1/products?page=101&limit=100&sort=createdAt")
        .expect_json(200);
    assert_eq!(list["data"], json!([]));
    assert_eq!(list["meta"]["totalIsExact"], true);
}

#[test]
fn a_page_too_deep_is_refused_in_favour_of_the_cursor() {
    let nobody = Shop::shared().nobody();
    for query in [
        "page=102&limit=100",
        "page=4294967295",
        "q=tea&page=1002&sort=price",
    ] {
        let problem = nobody
            .get(&format!("/api/v1/products?{query}"))
            .expect_json(400);
        assert_eq!(problem["errors"][0]["field"], "page", "{problem}");
        assert_eq!(problem["errors"][0]["code"], "max", "{problem}");
        let message = problem["errors"][0]["message"].as_str();
        assert!(
            message.is_some_and(|text| text.contains("after")),
            "{problem}"
        );
    }
}

#[test]
fn a_word_counts_once_and_the_first_eight_count() {
    let shop = Shop::shared();
    let name = unique("Eight");
    let body = json!({ "name": name, "description": "a b c d e f g", "price": 1, "stock": 1 });
    shop.create_product(&body);
    let total = |words: &str| {
        let query = words.replace(' ', "+");
        shop.nobody()
            .get(&format!("/api/v1/products?q={query}"))
            .expect_json(200)["meta"]["total"]
            .clone()
    };
    assert_eq!(total(&[&*name; 4].join(" ")), 1);
    assert_eq!(total(&format!("{name} {name} nowhere")), 0);
    assert_eq!(total(&format!("a b c d e f {name} nowhere")), 1);
}

#[test]
fn products_are_found_by_their_ids_and_by_their_number() {
    let shop = Shop::shared();
    let sku = unique("SKU").replace(' ', "-");
    let body = json!({ "name": unique("Cup"), "sku": sku, "price": 3, "stock": 1 });
    let cup = shop.admin().post("/api/v1/products").json(&body).send();
    let cup = text(&cup.expect(201).json()["id"]);
    let (tea, pot) = (shop.product(1, 0), shop.product(2, 5));
    let found = |query: &str| -> Vec<String> {
        let path = format!("/api/v1/products?{query}");
        let list = shop.nobody().get(&path).expect_json(200);
        let products = list["data"].as_array().expect("a list");
        products
            .iter()
            .map(|product| text(&product["id"]))
            .collect()
    };
    let ids = format!("{cup},{tea},{pot},{}", mercato_tests::shop::unknown_id());
    assert_eq!(
        found(&format!("ids={ids}&sort=price")),
        [tea.clone(), pot.clone(), cup.clone()]
    );
    assert_eq!(
        found(&format!("ids={ids}&inStock=true&sort=-price")),
        [cup.clone(), pot.clone()]
    );
    assert_eq!(
        found(&format!("ids={ids}&limit=1&page=3&sort=price")),
        std::slice::from_ref(&cup)
    );
    assert_eq!(found(&format!("sku={sku}")), [cup]);
    assert_eq!(found("sku=nobody-has-it"), Vec::<String>::new());
    let many: Vec<String> = (0..30).map(|_| shop.product(1, 1)).collect();
    assert_eq!(
        found(&format!("ids={}", many.join(","))).len(),
        30,
        "no limit given"
    );
    let too_many = vec![tea.as_str(); 101].join(",");
    for (query, field) in [
        ("ids=".to_owned(), "ids"),
        ("ids=1".to_owned(), "ids"),
        (format!("ids={too_many}"), "ids"),
        (format!("ids={tea}&q=tea"), "ids"),
        ("sku=".to_owned(), "sku"),
    ] {
        let refused = shop
            .nobody()
            .get(&format!("/api/v1/products?{query}"))
            .expect_problem(400, "validation");
        assert_eq!(refused["errors"][0]["field"], field, "{query}");
    }
}
