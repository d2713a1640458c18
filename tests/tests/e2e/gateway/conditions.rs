use mercato_tests::{
    Response,
    shop::{Account, Shop, text, unknown_id},
    wait_until,
};
use serde_json::json;

#[track_caller]
fn tag(answer: &Response) -> String {
    answer.expect_header("etag")
}

#[test]
fn a_client_that_knows_one_of_several_tags_is_spared_the_body() {
    let shop = Shop::shared();
    let path = format!("/api/v1/products/{}", shop.product(1, 5));
    let first = shop.nobody().get(&path).expect(200);
    let tag = tag(&first);
    for known in [
        tag.clone(),
        format!("W/{tag}"),
        format!("\"other\", {tag}"),
        format!("\"other\",W/{tag} , \"more\""),
        "*".to_owned(),
    ] {
        for method in ["GET", "HEAD"] {
            let again = shop
                .nobody()
                .request(method, &path)
                .header("if-none-match", &known);
            let again = again.expect(304);
            assert_eq!(again.bytes(), b"", "{known}");
            for name in ["etag", "cache-control", "vary", "content-security-policy"] {
                assert_eq!(again.header(name), first.header(name), "{name} {known}");
            }
        }
    }
    for unknown in ["\"other\"", "W/\"other\"", "other", ""] {
        let again = shop.nobody().get(&path).header("if-none-match", unknown);
        again.expect(200);
    }
}

#[test]
fn a_write_may_name_several_versions_and_one_must_match() {
    let shop = Shop::shared();
    let admin = shop.admin();
    let path = format!("/api/v1/products/{}", shop.product(1, 5));
    let change = |name: &str, tags: &str| {
        let request = admin.patch(&path).header("if-match", tags);
        request.json(&json!({ "name": name })).send()
    };
    let first = tag(&admin.get(&path).expect(200));
    let second = tag(&change("second", &first).expect(200));
    change("refused", &first).expect_problem(412, "version-mismatch");
    change("refused", &format!("{first}, \"77\"")).expect_problem(412, "version-mismatch");
    let third = tag(&change("third", &format!("\"77\", {first},{second}")).expect(200));
    let fourth = tag(&change("fourth", &format!("W/{third}, {third}")).expect(200));
    change("refused", &format!("W/{fourth}")).expect_problem(412, "version-mismatch");
    change("fifth", "*").expect(200);
    assert_eq!(admin.get(&path).send().json()["name"], "fifth");
    let many: Vec<String> = (1..10).map(|version| format!("\"{version}\"")).collect();
    change("refused", &many.join(",")).expect_problem(400, "too-many-entity-tags");
}

#[test]
fn a_tag_from_before_an_order_took_stock_writes_nothing() {
    let shop = Shop::shared();
    let (admin, customer) = (shop.admin(), shop.customer());
    let product = shop.product(1, 5);
    let path = format!("/api/v1/products/{product}");
    let seen = [
        tag(&admin.get(&path).expect(200)),
        tag(&shop.nobody().get(&path).expect(200)),
    ];
    let restock = |tags: &str| {
        let request = admin.patch(&path).header("if-match", tags);
        request.json(&json!({ "stock": 5 })).send()
    };
    let order = customer.order(&[(&product, 3)]);
    for stale in [&seen[0], &seen[1], &seen.join(", ")] {
        restock(stale).expect_problem(412, "version-mismatch");
        admin
            .delete(&path)
            .header("if-match", stale)
            .expect_problem(412, "version-mismatch");
    }
    shop.wait_for_stock(&product, 2, 3, 0);

    // What a shopper sees does not distinguish reserved from sold units: paying changes nothing of it.
    let of_admin = tag(&admin.get(&path).expect(200));
    let of_shopper = tag(&shop.nobody().get(&path).expect(200));
    shop.pay(&order);
    shop.wait_for_stock(&product, 2, 0, 3);
    restock(&of_admin).expect_problem(412, "version-mismatch");
    assert_eq!(restock(&of_shopper).expect(200).json()["stock"], 5);
}

#[test]
fn tags_that_never_were_are_refused() {
    let shop = Shop::shared();
    let (admin, customer) = (shop.admin(), shop.customer());
    let product = shop.product(1, 5);
    let order = customer.order(&[(&product, 1)]);
    let product = format!("/api/v1/products/{product}");
    let order = format!("/api/v1/orders/{}", order.id);
    let user = format!("/api/v1/auth/users/{}", customer.id);
    let me = "/api/v1/auth/me".to_owned();
    for (account, path, body, tags) in [
        (
            &admin,
            &product,
            json!({ "name": "refused" }),
            &[
                "\"1\"",
                "\"1-5\"",
                "\"1-3\"",
                "\"2-4\"",
                "\"1-4-0\"",
                "\"1-4-1-1\"",
                "\"1-4-0-1\"",
                "\"01-4\"",
                "\"1-4-1-0-0\"",
                "\"1-4-br\"",
                "\"1-4\\\"",
                "1-4",
                "\"\"",
            ][..],
        ),
        (
            &customer,
            &me,
            json!({ "name": "refused" }),
            &["\"0\"", "\"2\"", "\"1-1\"", "\"1-97\""],
        ),
        (
            &admin,
            &user,
            json!({ "disabled": true }),
            &["\"0\"", "\"2\"", "\"1-1\"", "\"x\""],
        ),
        (
            &customer,
            &order,
            json!({ "status": "CANCELLED" }),
            &[
                "\"0\"",
                "\"9\"",
                "\"1-1\"",
                "\"1-0-0-0-0\"",
                "\"1-9-9-9-9\"",
            ],
        ),
    ] {
        for tag in tags {
            let change = account.patch(path).header("if-match", tag).json(&body);
            change.expect_problem(412, "version-mismatch");
        }
    }
    assert_eq!(admin.get(&product).send().json()["version"], 1);
    assert_eq!(customer.get(&me).send().json()["version"], 1);
}

#[test]
fn of_changes_with_the_same_tag_one_is_made() {
    let shop = Shop::shared();
    let path = format!("/api/v1/products/{}", shop.product(1, 5));
    let admins: Vec<_> = (0..8).map(|_| shop.admin().on_own_connection()).collect();
    let tag = tag(&admins[0].get(&path).expect(200));
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let change = |admin: &Account, stock: usize| {
            let request = admin.patch(&path).header("if-match", &tag);
            request.json(&json!({ "stock": stock })).send().status()
        };
        let threads = admins.iter().enumerate();
        let threads: Vec<_> = threads
            .map(|(stock, admin)| scope.spawn(move || change(admin, stock)))
            .collect();
        let ended = threads.into_iter().map(|thread| thread.join());
        ended.map(|status| status.expect("an answer")).collect()
    });
    let count = |wanted| statuses.iter().filter(|status| **status == wanted).count();
    assert_eq!((count(200), count(412)), (1, 7), "{statuses:?}");
    assert_eq!(admins[0].get(&path).send().json()["version"], 2);
}

/// The tag is compared in the transaction that writes: an order that comes in between is never overwritten.
#[test]
fn an_order_beside_a_change_is_never_overwritten() {
    let shop = Shop::shared();
    let (admin, customer) = (shop.admin().on_own_connection(), shop.customer());
    let product = shop.product(1, 50);
    let path = format!("/api/v1/products/{product}");
    for _ in 0..10 {
        let before = admin.get(&path).expect(200);
        let free = before.json()["stock"].as_u64().expect("a number");
        let changed = std::thread::scope(|scope| {
            let change = scope.spawn(|| {
                let request = admin.patch(&path).header("if-match", &tag(&before));
                request.json(&json!({ "stock": 50 })).send().status()
            });
            customer.order(&[(&product, 1)]);
            change.join().expect("an answer")
        });
        let expected = match changed {
            200 => 49,
            412 => free - 1,
            status => panic!("{status}"),
        };
        assert_eq!(shop.stock(&product).free, expected);
    }
}

#[test]
fn the_tag_of_an_order_stands_for_its_payment_too() {
    let shop = Shop::shared();
    let (admin, customer) = (shop.admin(), shop.customer());
    let order = shop.buy(&customer, &shop.product(10, 5), 2);
    let details = format!("/api/v1/orders/id/{}", order.id);
    let path = format!("/api/v1/orders/{}", order.id);
    let seen = tag(&admin.get(&details).expect(200));
    let payment = shop.payment_of(&order.id);
    let refund = format!("/api/v1/payments/{}/refund", text(&payment["id"]));
    admin
        .post(&refund)
        .json(&json!({ "amount": 5 }))
        .expect(200);
    let deliver = |tags: &str| {
        let request = admin.patch(&path).header("if-match", tags);
        request.json(&json!({ "status": "DELIVERED" })).send()
    };
    deliver(&seen).expect_problem(412, "version-mismatch");
    // News of the refund may still be on their way to the order.
    let delivered = wait_until("the delivery", || {
        let now = tag(&admin.get(&details).expect(200));
        Some(deliver(&now)).filter(|answer| answer.status() == 200)
    });
    // The answer to the change has a tag, too, of the order alone.
    let again = |tags: &str| {
        let request = admin.patch(&path).header("if-match", tags);
        request.json(&json!({ "status": "CANCELLED" })).send()
    };
    again(&tag(&delivered)).expect_problem(409, "invalid-transition");
    again(&seen).expect_problem(412, "version-mismatch");
}

#[test]
fn a_read_may_ask_for_one_representation_only() {
    let shop = Shop::shared();
    let path = format!("/api/v1/products/{}", shop.product(1, 5));
    let tag = tag(&shop.nobody().get(&path).expect(200));
    let ask = |tags: &str| shop.nobody().get(&path).header("if-match", tags).send();
    for right in ["*", &tag, &format!("\"other\", {tag}")] {
        ask(right).expect(200);
    }
    for other in ["\"1-6\"", "\"other\"", &format!("W/{tag}")] {
        ask(other).expect_problem(412, "version-mismatch");
    }
}

/// What would fail without a condition fails as if there were none (RFC 9110 section 13.2.1).
#[test]
fn what_is_not_there_is_not_found_whatever_the_condition() {
    let admin = Shop::shared().admin();
    let path = format!("/api/v1/products/{}", unknown_id());
    for tags in ["*", "\"1\"", "\"1\", \"2\""] {
        let change = admin.patch(&path).header("if-match", tags);
        change
            .json(&json!({ "name": "a" }))
            .expect_problem(404, "not-found");
    }
}
