use mercato_tests::{
    assert_members,
    shop::{Account, Shop, text, unknown_id},
};
use serde_json::{Value, json};

fn list(account: &Account, path: &str) -> Value {
    account
        .get(&format!("/api/v1/orders{path}"))
        .expect_json(200)
}

fn ids(list: &Value) -> Vec<String> {
    let orders = list["data"].as_array().expect("a list");
    orders.iter().map(|order| text(&order["id"])).collect()
}

#[test]
fn a_customer_sees_their_own_orders_newest_first_in_pages() {
    let shop = Shop::shared();
    let (customer, other) = (shop.customer(), shop.customer());
    let product = shop.product(2.5, 100);
    let placed: Vec<String> = (0..3)
        .map(|_| {
            // Orders of one millisecond have no order in time.
            std::thread::sleep(std::time::Duration::from_millis(2));
            customer.order(&[(&product, 1)]).id
        })
        .collect();
    other.order(&[(&product, 1)]);
    let all = list(&customer, "");
    assert_eq!(
        ids(&all),
        [placed[2].clone(), placed[1].clone(), placed[0].clone()]
    );
    assert_members(&all["meta"], &json!({ "total": 3, "limit": 10 }));
    assert_eq!(all["data"][0]["items"][0]["productId"], product);
    let second = list(&customer, "?page=2&limit=2");
    assert_eq!(ids(&second), [placed[0].clone()]);
    assert_members(&second["meta"], &json!({ "page": 2, "lastPage": 2 }));
    assert_eq!(
        ids(&list(&customer, "?page=3&limit=2")),
        Vec::<String>::new()
    );
}

#[test]
fn a_new_customer_has_no_orders() {
    let customer = Shop::shared().customer();
    assert_eq!(list(&customer, "")["data"], json!([]));
}

#[test]
fn orders_can_be_asked_for_by_status() {
    let shop = Shop::shared();
    let customer = shop.customer();
    let product = shop.product(1, 10);
    let pending = customer.order(&[(&product, 1)]).id;
    let paid = shop.buy(&customer, &product, 1).id;
    let cancelled = customer.order(&[(&product, 1)]).id;
    customer.cancel(&cancelled).expect(200);
    for (status, id) in [
        ("PENDING", &pending),
        ("PAID", &paid),
        ("CANCELLED", &cancelled),
    ] {
        for path in [
            format!("/{status}"),
            format!("?status={status}"),
            format!("/{}", status.to_lowercase()),
        ] {
            assert_eq!(
                ids(&list(&customer, &path)),
                std::slice::from_ref(id),
                "{path}"
            );
        }
    }
    assert_eq!(list(&customer, "/REFUNDED")["meta"]["total"], 0);
    assert_eq!(
        list(&customer, "/PENDING?limit=1&page=2")["data"],
        json!([])
    );
}

#[test]
fn the_admin_sees_everybodys_orders_or_those_of_one() {
    let shop = Shop::shared();
    let customer = shop.customer();
    let order = customer.order(&[(&shop.product(1, 10), 1)]).id;
    let admin = shop.admin();
    assert_eq!(
        ids(&list(&admin, &format!("?userId={}", customer.id))),
        std::slice::from_ref(&order)
    );
    assert_eq!(
        ids(&list(&admin, &format!("/PENDING?userId={}", customer.id))),
        [order]
    );
    assert_eq!(
        list(&admin, &format!("?userId={}", unknown_id()))["meta"]["total"],
        0
    );
    assert!(
        list(&admin, "")["meta"]["total"]
            .as_u64()
            .is_some_and(|total| total >= 1)
    );
}

#[test]
fn a_customer_cannot_ask_for_somebody_elses_orders() {
    let shop = Shop::shared();
    let (customer, other) = (shop.customer(), shop.customer());
    other.order(&[(&shop.product(1, 10), 1)]);
    customer
        .get(&format!("/api/v1/orders?userId={}", other.id))
        .expect_invalid(&[("userId", "unknown")]);
}

#[test]
fn parameters_that_are_wrong_are_named() {
    let shop = Shop::shared();
    let customer = shop.customer();
    for (path, field, code) in [
        ("?status=LOST", "status", "format"),
        ("/LOST", "status", "format"),
        ("?sort=id", "sort", "format"),
        ("/PAID?status=PAID", "status", "unknown"),
    ] {
        customer
            .get(&format!("/api/v1/orders{path}"))
            .expect_invalid(&[(field, code)]);
    }
    shop.admin()
        .get("/api/v1/orders?userId=1")
        .expect_invalid(&[("userId", "format")]);
}

/// Follows the cursors from the first page on; `meanwhile` happens between two pages.
fn walk(account: &Account, path: &str, mut meanwhile: impl FnMut()) -> Vec<String> {
    let mut seen = Vec::new();
    let mut page = list(account, path);
    for number in 1_u64.. {
        assert_eq!(page["meta"]["page"], number, "{page}");
        seen.extend(ids(&page));
        let Some(next) = page["meta"]["next"].as_str() else {
            assert_eq!(page["meta"]["next"], Value::Null);
            break;
        };
        meanwhile();
        page = list(account, &format!("{path}&after={next}"));
    }
    seen
}

#[test]
fn a_walk_by_cursor_sees_every_order_once_while_others_come_in() {
    let shop = Shop::shared();
    let customer = shop.customer();
    let product = shop.product(1, 1_000);
    let mut placed: Vec<String> = (0..5)
        .map(|_| {
            // Orders of one millisecond have no order in time.
            std::thread::sleep(std::time::Duration::from_millis(2));
            customer.order(&[(&product, 1)]).id
        })
        .collect();
    placed.reverse();
    let place = || {
        customer.order(&[(&product, 1)]);
    };
    assert_eq!(walk(&customer, "?limit=2", place), placed);
    let total = list(&customer, "?limit=1")["meta"]["total"].clone();
    assert_eq!(total, 7, "two came in meanwhile");
}

#[test]
fn a_walk_by_cursor_keeps_to_its_status_and_its_customer() {
    let shop = Shop::shared();
    let (customer, other) = (shop.customer(), shop.customer());
    let product = shop.product(1, 100);
    let mut paid: Vec<String> = (0..3)
        .map(|_| {
            // Orders of one millisecond have no order in time.
            std::thread::sleep(std::time::Duration::from_millis(2));
            let paid = shop.buy(&customer, &product, 1).id;
            customer.order(&[(&product, 1)]);
            other.order(&[(&product, 1)]);
            paid
        })
        .collect();
    paid.reverse();
    let admin = shop.admin();
    let of_customer = format!("userId={}", customer.id);
    for (account, path) in [
        (&customer, "/PAID?limit=1".to_owned()),
        (&customer, "?status=PAID&limit=1".to_owned()),
        (&admin, format!("/PAID?limit=2&{of_customer}")),
        (&admin, format!("?status=PAID&limit=1&{of_customer}")),
    ] {
        assert_eq!(walk(account, &path, || {}), paid, "{path}");
    }
}

#[test]
fn a_cursor_of_another_list_or_beside_a_page_is_refused() {
    let shop = Shop::shared();
    let customer = shop.customer();
    let product = shop.product(1, 10);
    for _ in 0..2 {
        customer.order(&[(&product, 1)]);
    }
    let next = list(&customer, "?limit=1")["meta"]["next"].clone();
    let next = next.as_str().expect("a cursor");
    for (path, code) in [
        ("?after=nonsense".to_owned(), "format"),
        ("/PENDING?after=".to_owned(), "format"),
        (format!("?after={next}A"), "format"),
        (format!("?after={next}&page=2"), "exclusive"),
    ] {
        customer
            .get(&format!("/api/v1/orders{path}"))
            .expect_invalid(&[("after", code)]);
    }
    shop.admin()
        .get(&format!("/api/v1/payments/outbox?after={next}"))
        .expect_invalid(&[("after", "format")]);
}

#[test]
fn orders_are_found_by_time_and_by_their_last_change() {
    let shop = Shop::shared();
    let customer = shop.customer();
    let product = shop.product(2, 100);
    let placed: Vec<Value> = (0..3)
        .map(|_| {
            std::thread::sleep(std::time::Duration::from_millis(5));
            customer.order(&[(&product, 1)]).answer["order"].clone()
        })
        .collect();
    let id = |index: usize| placed[index]["id"].as_str().expect("an id").to_owned();
    let created = |index: usize| {
        placed[index]["createdAt"]
            .as_str()
            .expect("a time")
            .to_owned()
    };
    for (query, expected) in [
        (format!("?createdAfter={}", created(0)), vec![id(2), id(1)]),
        (format!("?createdBefore={}", created(2)), vec![id(1), id(0)]),
        (
            format!("?createdAfter={}&createdBefore={}", created(0), created(2)),
            vec![id(1)],
        ),
        ("?sort=createdAt".to_owned(), vec![id(0), id(1), id(2)]),
        (
            "?status=PAID&createdAfter=2020-01-01T00:00:00Z".to_owned(),
            vec![],
        ),
        (
            "?createdAfter=2999-12-31T23:59:59%2B02:00".to_owned(),
            vec![],
        ),
    ] {
        assert_eq!(ids(&list(&customer, &query)), expected, "{query}");
    }
    customer.change_order(&id(0), "CANCELLED").expect(200);
    assert_eq!(
        ids(&list(&customer, "?sort=-updatedAt")),
        [id(0), id(2), id(1)]
    );
    let changed = format!("?updatedAfter={}", created(2));
    for query in [changed.clone(), format!("{changed}&sort=updatedAt")] {
        assert!(ids(&list(&customer, &query)).contains(&id(0)), "{query}");
        assert!(!ids(&list(&customer, &query)).contains(&id(1)), "{query}");
    }
    let first = list(&customer, "?sort=updatedAt&limit=1");
    let next = first["meta"]["next"].as_str().expect("a next page");
    let second = list(&customer, &format!("?sort=updatedAt&limit=1&after={next}"));
    assert_eq!([ids(&first), ids(&second)].concat(), [id(1), id(2)]);
    customer
        .get(&format!("/api/v1/orders?after={next}"))
        .expect_problem(400, "validation");
    for wrong in [
        "createdAfter=today",
        "createdBefore=1",
        "updatedAfter=",
        "sort=total",
    ] {
        let refused = customer
            .get(&format!("/api/v1/orders?{wrong}"))
            .expect_problem(400, "validation");
        let field = wrong.split('=').next().expect("a name");
        assert_eq!(refused["errors"][0]["field"], field);
    }
}

#[test]
fn orders_are_found_by_the_number_that_people_read_out() {
    let shop = Shop::shared();
    let (customer, other) = (shop.customer(), shop.customer());
    let product = shop.product(2, 100);
    let placed = customer.order(&[(&product, 1)]);
    let number = text(&placed.answer["number"]);
    assert_eq!(number.len(), "M-7K3F-29QD".len());
    assert!(number.starts_with("M-"), "{number}");
    assert!(!number.contains(['I', 'L', 'O', 'U']), "{number}");
    assert_eq!(placed.answer["order"]["number"], json!(number));
    assert_eq!(customer.read_order(&placed.id)["number"], json!(number));
    assert_eq!(list(&customer, "")["data"][0]["number"], json!(number));
    let bare = number.replace('-', "").to_lowercase();
    for text in [number.clone(), bare.clone(), bare[1..].to_owned()] {
        let query = format!("?number={text}");
        assert_eq!(
            ids(&list(&customer, &query)),
            std::slice::from_ref(&placed.id),
            "{query}"
        );
        assert_eq!(
            ids(&list(&shop.admin(), &query)),
            std::slice::from_ref(&placed.id)
        );
        assert_eq!(ids(&list(&other, &query)), Vec::<String>::new());
    }
    let changed = customer.cancel(&placed.id).expect(200).json();
    assert_eq!(changed["number"], json!(number));
    let wrong = customer
        .get("/api/v1/orders?number=7")
        .expect_problem(400, "validation");
    assert_eq!(wrong["errors"][0]["field"], "number");
}
