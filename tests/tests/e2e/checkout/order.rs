use mercato_tests::shop::text;
use serde_json::{Value, json};

use super::{Checkout, code, holder_of, line, read_order, shop, uses, vienna};

#[test]
fn a_price_that_has_moved_orders_nothing_and_is_told() {
    let shop = shop();
    let product = shop.product(10, 5);
    let mut checkout = Checkout::guest(shop, &vienna(json!([line(&product, 1)])));
    let path = format!("/api/v1/products/{product}");
    shop.admin()
        .patch(&path)
        .json(&json!({ "price": 12 }))
        .expect(200);
    let problem = checkout.order().expect_problem(409, "quote-changed");
    let changed = &problem["checkout"];
    assert_eq!(changed["totals"]["total"], 16.9);
    // It is shown as the checkout itself is.
    checkout.look();
    for member in ["messages", "email", "shippingAddress", "lines"] {
        assert_eq!(changed[member], checkout.shown[member], "{member}");
    }
    assert_eq!(shop.stock(&product).free, 5);
    // What it is now can be ordered by the name that the problem gives.
    checkout.look();
    assert_eq!(checkout.shown["quote"], changed["quote"]);
    assert_eq!(checkout.shown["messages"][0]["code"], "price-changed");
    assert_eq!(checkout.placed().answer["order"]["totalAmount"], 16.9);
}

#[test]
fn the_payment_page_says_for_whom_and_where_to() {
    let shop = shop();
    let product = shop.product(10, 5);
    let mut content = vienna(json!([line(&product, 1)]));
    content["shippingAddress"]["name"] = json!("<i>Ada</i> & \"Co\"");
    content["shippingAddress"]["phone"] = json!("+43 1 234567");
    content["billingAddress"] = json!({
        "name": "Byron", "line1": "Gasse 2", "postalCode": "4020", "city": "Linz", "country": "AT"
    });
    let order = Checkout::guest(shop, &content).placed();
    let path = format!("/api/v1/payments/mock/checkout/{}", order.session_id);
    let page = || shop.nobody().get(&path).expect(200).text();
    let open = page();
    let paid = shop.check_out(&order.session_id, "succeed").expect(200);
    for page in [open, page()] {
        for part in [
            &*format!("Order {}<", text(&order.answer["number"])),
            "<dt>E-mail</dt>",
            "&lt;i&gt;Ada&lt;/i&gt; &amp; &quot;Co&quot;<br>Ring 1<br>1010 Wien<br>AT</dd>",
            "Byron<br>Gasse 2<br>4020 Linz<br>AT</dd>",
        ] {
            assert!(page.contains(part), "no {part:?} in {page}");
        }
        assert!(!page.contains("<i>") && !page.contains("234567"), "{page}");
    }
    // What is answered to a script has no part of it.
    let payment = paid.json().to_string();
    for part in ["Ada", "Byron", "xample.com"] {
        assert!(!payment.contains(part), "{payment}");
    }
}

#[test]
fn what_is_missing_is_named() {
    let shop = shop();
    let product = shop.product(10, 5);
    let mut content = vienna(json!([line(&product, 1)]));
    content["email"] = Value::Null;
    content["shippingOption"] = Value::Null;
    let checkout = Checkout::guest(shop, &content);
    let problem = checkout.order().expect_problem(422, "checkout-incomplete");
    assert_eq!(problem["missing"], json!(["email", "shippingOption"]));
    assert_eq!(problem["missing"], checkout.shown["missing"]);
    let empty = Checkout::guest(shop, &vienna(json!([])));
    let problem = empty.order().expect_problem(422, "checkout-incomplete");
    assert_eq!(problem["missing"], json!(["items", "shippingOption"]));
}

#[test]
fn what_is_sold_out_meanwhile_is_not_ordered() {
    let shop = shop();
    let product = shop.product(10, 1);
    let checkout = Checkout::guest(shop, &vienna(json!([line(&product, 1)])));
    let path = format!("/api/v1/products/{product}");
    shop.admin()
        .patch(&path)
        .json(&json!({ "stock": 0 }))
        .expect(200);
    let problem = checkout.order().expect_problem(409, "lines-unavailable");
    let sold_out = json!([{
        "productId": product, "variantId": product, "code": "insufficient-stock", "requested": 1, "available": 0
    }]);
    assert_eq!(problem["lines"], sold_out);
    assert_eq!(shop.stock(&product).total(), 0);
}

#[test]
fn a_pending_order_goes_on_when_another_one_is_refused() {
    let shop = shop();
    let product = shop.product(10, 5);
    let mut checkout = Checkout::guest(shop, &vienna(json!([line(&product, 1)])));
    let placed = checkout.placed();
    let path = format!("/api/v1/products/{product}");
    let set_price = |price| {
        let body = json!({ "price": price });
        shop.admin().patch(&path).json(&body).expect(200);
    };
    set_price(12);
    checkout.order().expect_problem(409, "quote-changed");
    assert_eq!(shop.admin().read_order(&placed.id)["status"], "PENDING");
    // What the customer saw is right again, and the order takes the place of the other one.
    set_price(10);
    let again = checkout.placed();
    assert_eq!(shop.admin().read_order(&placed.id)["status"], "CANCELLED");
    shop.pay(&again);
    shop.admin().wait_for_order(&again.id, "PAID");
    checkout.look();
}

#[test]
fn ordering_anew_takes_the_place_of_the_pending_order() {
    let shop = shop();
    let product = shop.product(10, 1);
    let code = code(shop, json!({ "amount": 1, "limit": 1 }));
    let mut content = vienna(json!([line(&product, 1)]));
    content["codes"] = json!([code]);
    let mut checkout = Checkout::guest(shop, &content);
    let quote = checkout.shown["quote"].clone();
    let first = checkout.placed();
    // The last unit and the last use are its own: nothing stands in the way of looking again, and of ordering again.
    let shown = checkout.look();
    assert_eq!((&shown["quote"], &shown["messages"]), (&quote, &json!([])));
    let others = Checkout::guest(shop, &content);
    let codes: Vec<_> = others.shown["messages"]
        .as_array()
        .expect("messages")
        .iter()
        .collect();
    let codes: Vec<_> = codes
        .iter()
        .map(|message| message["code"].as_str())
        .collect();
    assert_eq!(codes, [Some("insufficient-stock"), Some("code-used-up")]);
    let second = checkout.placed();
    assert_ne!(first.id, second.id);
    let admin = shop.admin();
    assert_eq!(admin.read_order(&first.id)["status"], "CANCELLED");
    assert_eq!(uses(shop, &code), 1);
    let stock = shop.stock(&product);
    assert_eq!((stock.free, stock.reserved), (0, 1));
    shop.check_out(&first.session_id, "succeed").expect(409);
    shop.pay(&second);
    admin.wait_for_order(&second.id, "PAID");
    let problem = checkout.order().expect_problem(409, "already-ordered");
    assert_eq!(problem["orderedAs"], second.id);
}

#[test]
fn a_cancelled_order_gives_stock_and_code_back() {
    let shop = shop();
    let product = shop.product(10, 1);
    let code = code(shop, json!({ "freeShipping": true, "limit": 1 }));
    let mut content = vienna(json!([line(&product, 1)]));
    content["codes"] = json!([code]);
    let checkout = Checkout::guest(shop, &content);
    assert_eq!(checkout.shown["totals"]["total"], 10);
    let order = checkout.placed();
    assert_eq!(uses(shop, &code), 1);
    shop.admin().cancel(&order.id).expect(200);
    assert_eq!(uses(shop, &code), 0);
    shop.wait_for_stock(&product, 1, 0, 0);
    // It may be ordered again.
    checkout.placed();
}

#[test]
fn a_refund_in_whole_gives_the_code_back() {
    let shop = shop();
    let product = shop.product(10, 1);
    let code = code(shop, json!({ "percent": 50, "limit": 1 }));
    let mut content = vienna(json!([line(&product, 1)]));
    content["codes"] = json!([code]);
    let order = Checkout::guest(shop, &content).placed();
    shop.pay(&order);
    let admin = shop.admin();
    admin.wait_for_order(&order.id, "PAID");
    assert_eq!(uses(shop, &code), 1);
    let path = shop.refund_path(&order.id);
    admin.post(&path).json(&json!({})).expect(200);
    admin.wait_for_order(&order.id, "REFUNDED");
    shop.wait_for_stock(&product, 1, 0, 0);
    mercato_tests::wait_until("the code is given back", || {
        (uses(shop, &code) == 0).then_some(())
    });
}

#[test]
fn nothing_to_pay_is_paid_at_once_without_a_session() {
    let shop = shop();
    let product = shop.product(10, 2);
    let all = code(shop, json!({ "percent": 100, "combinable": true }));
    let shipping = code(shop, json!({ "freeShipping": true, "combinable": true }));
    let mut content = vienna(json!([line(&product, 1)]));
    content["codes"] = json!([all, shipping]);
    let checkout = Checkout::guest(shop, &content);
    assert_eq!(checkout.shown["totals"]["total"], 0);
    let answer = checkout.order().expect_json(201);
    assert_eq!(answer.get("paymentSession"), None);
    assert_eq!(answer["order"]["status"], "PAID");
    assert!(answer["order"]["receipt"]["id"].is_string(), "{answer}");
    let order = read_order(&holder_of(shop, &answer), &text(&answer["id"]));
    assert_eq!(order["payment"]["status"], "SUCCEEDED");
    assert_eq!(order["payment"]["amount"], 0);
    shop.wait_for_stock(&product, 1, 0, 1);
    assert_eq!((uses(shop, &all), uses(shop, &shipping)), (1, 1));
    // It is undone by a refund, as any other.
    let path = shop.refund_path(&text(&answer["id"]));
    shop.admin().post(&path).json(&json!({})).expect(200);
    shop.admin()
        .wait_for_order(&text(&answer["id"]), "REFUNDED");
    shop.wait_for_stock(&product, 2, 0, 0);
}

#[test]
fn two_rates_add_up_line_by_line() {
    let shop = shop();
    let food = shop.create_product(&json!({ "name": "Bread", "price": 3.35, "stock": 9, "taxClass": "food", "weightGrams": 900 }));
    let (food, cup) = (text(&food["id"]), shop.product(0.3333, 9));
    let code = code(shop, json!({ "amount": 1 }));
    let mut content = vienna(json!([line(&food, 3), line(&cup, 3)]));
    content["codes"] = json!([code]);
    let order = Checkout::guest(shop, &content).placed();
    let checkout = &order.answer["order"]["checkout"];
    // 3 × 900 g are beyond the first step.
    assert_eq!(checkout["totals"]["shipping"], 9.9);
    assert_eq!(
        checkout["totals"]["total"], 19.95,
        "10.05 + 1.00 − 1.00 + 9.90"
    );
    let cents = |value: &Value| (value.as_f64().expect("a number") * 100.0).round();
    let sum = |list: &Value, member: &str| -> f64 {
        let entries = list.as_array().expect("a list");
        entries.iter().map(|entry| cents(&entry[member])).sum()
    };
    for line in checkout["lines"].as_array().expect("lines") {
        assert_eq!(
            cents(&line["total"]),
            cents(&line["net"]) + cents(&line["tax"])
        );
        assert_eq!(
            cents(&line["total"]),
            cents(&line["amount"]) - cents(&line["discount"])
        );
    }
    let shipping = &checkout["shipping"];
    for member in ["net", "tax", "total"] {
        let all = sum(&checkout["lines"], member) + cents(&shipping[member]);
        let expected = match member {
            "total" => cents(&checkout["totals"]["total"]),
            member => sum(&checkout["taxes"], member),
        };
        assert_eq!(all, expected, "{member}");
    }
    assert_eq!(checkout["taxes"].as_array().map(Vec::len), Some(2));
    assert_eq!(shop.payment_of(&order.id)["amount"], 19.95);
}

#[test]
fn an_order_of_a_checkout_names_it_and_its_quote_alone() {
    let shop = shop();
    let product = shop.product(10, 5);
    let checkout = Checkout::guest(shop, &vienna(json!([line(&product, 1)])));
    let order = |body: Value| checkout.holder.post("/api/v1/orders").json(&body).send();
    let id = checkout.id();
    order(json!({ "checkout": id })).expect_invalid(&[("quote", "required")]);
    order(json!({ "checkout": "1", "quote": "q_1" }))
        .expect_invalid(&[("checkout", "format"), ("quote", "format")]);
    let mut both = checkout.body();
    both["items"] = json!([line(&product, 1)]);
    both["expectedTotal"] = json!(10);
    order(both).expect_invalid(&[("items", "unknown"), ("expectedTotal", "unknown")]);
}
