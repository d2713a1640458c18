use mercato_tests::shop::{Account, Shop, unknown_id};
use serde_json::{Value, json};

fn list(account: &Account, path: &str) -> Value {
    account
        .get(&format!("/api/v1/orders{path}"))
        .send()
        .expect(200)
        .json()
}

fn ids(list: &Value) -> Vec<String> {
    let orders = list["data"].as_array().expect("a list");
    orders
        .iter()
        .map(|order| order["id"].as_str().expect("an id").to_owned())
        .collect()
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
    assert_eq!(
        (&all["meta"]["total"], &all["meta"]["limit"]),
        (&json!(3), &json!(10))
    );
    assert_eq!(all["data"][0]["items"][0]["productId"], product);
    let second = list(&customer, "?page=2&limit=2");
    assert_eq!(ids(&second), [placed[0].clone()]);
    assert_eq!(
        (&second["meta"]["page"], &second["meta"]["lastPage"]),
        (&json!(2), &json!(2))
    );
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
    let paid = shop.paid_order(&customer, &product, 1).id;
    let cancelled = customer.order(&[(&product, 1)]).id;
    customer.change_order(&cancelled, "CANCELLED").expect(200);
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
    let answer = customer
        .get(&format!("/api/v1/orders?userId={}", other.id))
        .send();
    answer.expect_invalid(&[("userId", "unknown")]);
}

#[test]
fn parameters_that_are_wrong_are_named() {
    let shop = Shop::shared();
    let customer = shop.customer();
    for (path, field, code) in [
        ("?page=0", "page", "min"),
        ("?page=102&limit=100", "page", "max"),
        ("/PAID?page=10002&limit=1", "page", "max"),
        ("?limit=101", "limit", "max"),
        ("?status=LOST", "status", "format"),
        ("/LOST", "status", "format"),
        ("?sort=id", "sort", "unknown"),
        ("/PAID?status=PAID", "status", "unknown"),
    ] {
        customer
            .get(&format!("/api/v1/orders{path}"))
            .send()
            .expect_invalid(&[(field, code)]);
    }
    shop.admin()
        .get("/api/v1/orders?userId=1")
        .send()
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
            let paid = shop.paid_order(&customer, &product, 1).id;
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
            .send()
            .expect_invalid(&[("after", code)]);
    }
    shop.admin()
        .get(&format!("/api/v1/payments/outbox?after={next}"))
        .send()
        .expect_invalid(&[("after", "format")]);
}
