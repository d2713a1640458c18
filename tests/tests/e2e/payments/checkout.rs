use mercato_tests::{
    Response,
    shop::{Placed, Shop, unique},
};
use serde_json::json;

fn path(session_id: &str) -> String {
    format!("/api/v1/payments/mock/checkout/{session_id}")
}

fn submit(session_id: &str, outcome: &str) -> Response {
    let form = format!("outcome={outcome}");
    let request = Shop::shared().nobody().post(&path(session_id));
    request
        .body("application/x-www-form-urlencoded", form)
        .send()
}

fn page_of(order: &Placed) -> String {
    let page = Shop::shared().nobody().get(&path(&order.session_id));
    page.expect(200).text()
}

/// Ends a payment with the form, which leads on, or with JSON, which is answered with the payment in this status.
#[track_caller]
fn end(order: &Placed, outcome: &str, with_form: bool, status: &str) {
    if with_form {
        submit(&order.session_id, outcome).expect(303);
    } else {
        let answer = Shop::shared().check_out(&order.session_id, outcome);
        assert_eq!(answer.expect(200).json()["status"], status);
    }
}

#[test]
fn the_checkout_page_shows_order_total_and_buttons() {
    let shop = Shop::shared();
    let (_, _, order) = shop.pending_order(9.95, 2);
    let page = shop.nobody().get(&path(&order.session_id)).expect(200);
    assert_eq!(
        page.header("content-type"),
        Some("text/html; charset=utf-8")
    );
    let policy = page.header("content-security-policy").unwrap_or_default();
    assert!(
        policy.contains("default-src 'none'") && policy.contains("form-action 'self'"),
        "{policy}"
    );
    let html = page.text();
    let number = order.answer["number"].as_str().expect("a number");
    for part in [
        &*format!("order={}&amp;checkout=cancel", order.id),
        &*format!("Order {number}<"),
        "19.90 USD",
        "value=\"succeed\"",
        "value=\"decline\"",
        "<details",
        "value=\"debit\"",
        "value=\"fail\"",
        "value=\"cancel\"",
    ] {
        assert!(html.contains(part), "no {part:?} in {html}");
    }
    assert!(
        html.contains(&format!("action=\"{}\"", path(&order.session_id))),
        "{html}"
    );
}

#[test]
fn names_are_escaped_on_the_checkout_page() {
    let shop = Shop::shared();
    let name = unique("<script>alert('x')</script> & \"tea\"");
    let body = json!({ "name": name, "price": 1, "stock": 1 });
    let product = shop.create_product(&body);
    let order = shop
        .customer()
        .order(&[(product["id"].as_str().expect("an id"), 1)]);
    let html = page_of(&order);
    assert!(!html.contains("<script>"), "{html}");
    assert!(html.contains("&lt;script&gt;"), "{html}");
}

#[test]
fn a_customer_pays_with_the_form_and_is_sent_to_the_result() {
    let shop = Shop::shared();
    let (customer, _, order) = shop.pending_order(5, 1);
    let answer = submit(&order.session_id, "succeed").expect(303);
    let location = answer.expect_header("location");
    let result = shop.nobody().get(&location).expect(200);
    assert!(result.text().contains("<h1>Paid</h1>"), "{}", result.text());
    assert!(!result.text().contains("<form"), "it is paid");
    customer.wait_for_order(&order.id, "PAID");
}

#[test]
fn a_customer_pays_with_json_and_gets_the_payment() {
    let shop = Shop::shared();
    let (customer, _, order) = shop.pending_order(5, 1);
    let payment = shop.pay(&order);
    assert_eq!(payment["orderId"], order.id);
    assert_eq!(payment["amount"].as_f64(), Some(5.0));
    customer.wait_for_order(&order.id, "PAID");
}

#[test]
fn a_declined_card_ends_nothing_and_another_one_pays() {
    let shop = Shop::shared();
    let (customer, _, order) = shop.pending_order(5, 1);
    for _ in 0..2 {
        let answer = shop.check_out(&order.session_id, "decline").expect(200);
        let payment = answer.json();
        assert_eq!(payment["status"], "PENDING");
        assert_eq!(payment["session"]["id"], order.session_id);
    }
    let answer = submit(&order.session_id, "decline").expect(303);
    let location = answer.expect_header("location");
    let page = shop.nobody().get(&location).expect(200).text();
    assert!(page.contains("Your card was declined."), "{page}");
    assert!(page.contains("value=\"succeed\""), "{page}");
    assert_eq!(customer.read_order(&order.id)["status"], "PENDING");
    shop.pay(&order);
    customer.wait_for_order(&order.id, "PAID");
    shop.check_out(&order.session_id, "decline")
        .expect_problem(409, "conflict");
}

#[test]
fn a_debit_under_way_cannot_be_declined() {
    let shop = Shop::shared();
    let (customer, _, order) = shop.pending_order(5, 1);
    submit(&order.session_id, "debit").expect(303);
    shop.check_out(&order.session_id, "decline")
        .expect_problem(409, "payment-under-way");
    let page = page_of(&order);
    for part in ["Payment under way", "checkout=success", "value=\"fail\""] {
        assert!(page.contains(part), "no {part:?} in {page}");
    }
    submit(&order.session_id, "succeed").expect(303);
    customer.wait_for_order(&order.id, "PAID");
}

#[test]
fn a_failed_payment_cancels_the_order_and_frees_the_stock() {
    for form in [true, false] {
        let shop = Shop::shared();
        let (customer, product, order) = shop.pending_order(5, 3);
        end(&order, "fail", form, "FAILED");
        let seen = customer.wait_for_order(&order.id, "CANCELLED");
        assert_eq!(seen["payment"]["status"], "FAILED");
        assert!(seen["payment"]["reason"].is_string(), "{seen}");
        shop.wait_for_stock(&product, 5, 0, 0);
    }
}

#[test]
fn a_customer_who_leaves_cancels_the_order() {
    for form in [true, false] {
        let shop = Shop::shared();
        let (customer, product, order) = shop.pending_order(5, 1);
        end(&order, "cancel", form, "CANCELLED");
        customer.wait_for_order(&order.id, "CANCELLED");
        shop.wait_for_stock(&product, 5, 0, 0);
    }
}

#[test]
fn an_order_is_paid_without_anybody_reading_it() {
    let shop = Shop::shared();
    let (customer, product, order) = shop.pending_order(5, 1);
    shop.pay(&order);
    shop.wait_for_stock(&product, 4, 0, 1);
    let list = customer.get("/api/v1/orders/PAID").expect_json(200);
    assert_eq!(
        list["data"][0]["id"], order.id,
        "the event came over the channel: {list}"
    );
}

#[test]
fn nobody_pays_twice() {
    let shop = Shop::shared();
    let (customer, product, order) = shop.paid_order(5, 1);
    for outcome in ["succeed", "fail", "cancel"] {
        shop.check_out(&order.session_id, outcome)
            .expect_problem(409, "conflict");
        submit(&order.session_id, outcome).expect_problem(409, "conflict");
    }
    assert_eq!(customer.read_order(&order.id)["status"], "PAID");
    shop.wait_for_stock(&product, 4, 0, 1);
}

#[test]
fn an_unknown_session_is_not_found() {
    let shop = Shop::shared();
    for session in ["cs_test_0", "x", "%27%20OR%201=1"] {
        shop.nobody()
            .get(&path(session))
            .expect_problem(404, "not-found");
        shop.check_out(session, "succeed")
            .expect_problem(404, "not-found");
    }
}

#[test]
fn an_unknown_outcome_changes_nothing() {
    let shop = Shop::shared();
    let (customer, _, order) = shop.pending_order(5, 1);
    shop.check_out(&order.session_id, "explode")
        .expect_invalid(&[("outcome", "format")]);
    submit(&order.session_id, "explode").expect_invalid(&[("outcome", "format")]);
    submit(&order.session_id, "").expect_problem(400, "validation");
    submit(&order.session_id, "succeed&amount=0").expect_invalid(&[("amount", "unknown")]);
    let post = shop.nobody().post(&path(&order.session_id));
    post.body("text/plain", "outcome=succeed")
        .expect_problem(415, "unsupported-media-type");
    assert_eq!(customer.read_order(&order.id)["status"], "PENDING");
}

#[test]
fn a_browser_gets_what_went_wrong_as_a_page() {
    const BROWSER: &str = "text/html,application/xhtml+xml,*/*;q=0.8";
    let shop = Shop::shared();
    let expect_page = |answer: Response, status: u16, title: &str| {
        let answer = answer.expect(status);
        assert_eq!(
            answer.header("content-type"),
            Some("text/html; charset=utf-8")
        );
        let policy = answer.header("content-security-policy").unwrap_or_default();
        assert!(policy.contains("style-src 'sha256-"), "{policy}");
        let html = answer.text();
        assert!(html.contains(&format!("<h1>{title}</h1>")), "{html}");
        html
    };
    let show = |path: &str| {
        let request = shop.nobody().get(path).header("accept", BROWSER);
        request.send()
    };
    expect_page(show(&path("cs_test_0")), 404, "Not found");
    let (customer, _, order) = shop.paid_order(5, 1);
    let checkout = path(&order.session_id);
    expect_page(show(&format!("{checkout}?result=x")), 400, "Not understood");
    let again = shop.nobody().post(&checkout).header("accept", BROWSER);
    let again = again.body("application/x-www-form-urlencoded", "outcome=fail");
    let html = expect_page(again.send(), 409, "Paid");
    assert!(html.contains("Nothing was changed."), "{html}");
    let back = format!("order={}&amp;checkout=success", order.id);
    assert!(html.contains(&back), "{html}");

    let debited = customer.order(&[(&shop.product(5, 5), 1)]);
    shop.check_out(&debited.session_id, "debit").expect(200);
    let pay = shop.nobody().post(&path(&debited.session_id));
    let decline = pay
        .header("accept", BROWSER)
        .body("application/x-www-form-urlencoded", "outcome=decline");
    let html = expect_page(decline.send(), 409, "Payment under way");
    assert!(html.contains("Nothing was changed."), "{html}");
    assert!(html.contains("Please wait"), "{html}");
}

#[test]
fn the_result_page_says_what_happens_next_and_links_the_receipt() {
    let shop = Shop::shared();
    let (_, _, order) = shop.paid_order(1234.5, 2);
    let html = page_of(&order);
    for part in [
        "What happens next",
        "<dt>Paid</dt><dd>2,469.00 USD</dd>",
        "Your receipt",
        &*format!("order={}&amp;checkout=success", order.id),
    ] {
        assert!(html.contains(part), "no {part:?} in {html}");
    }
}

#[test]
fn the_front_door_takes_customers_back_when_no_page_is_named() {
    let shop = Shop::shared();
    let (_, _, order) = shop.pending_order(5, 1);
    for outcome in ["success", "cancel"] {
        let path = format!("/?order={}&checkout={outcome}", order.id);
        shop.nobody().get(&path).expect(200);
    }
    shop.nobody()
        .get("/?colour=red")
        .expect_problem(400, "validation");
}
