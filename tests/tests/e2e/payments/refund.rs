use mercato_tests::{
    Response,
    load::all_at_once,
    shop::{Account, Placed, Shop, text, unique, unknown_id},
};
use serde_json::{Value, json};

struct Sale {
    customer: Account,
    product: String,
    order: Placed,
    payment: String,
}

impl Sale {
    /// Two units at 10.00 each, paid.
    fn new() -> Self {
        let shop = Shop::shared();
        let (customer, product, order) = shop.paid_order(10, 2);
        let payment = text(&shop.payment_of(&order.id)["id"]);
        Self {
            customer,
            product,
            order,
            payment,
        }
    }

    #[track_caller]
    fn expect_refunded(&self, amount: f64) {
        let payment = Shop::shared().payment_of(&self.order.id);
        assert_eq!(payment["refundedAmount"].as_f64(), Some(amount));
    }

    fn path(&self) -> String {
        format!("/api/v1/payments/{}/refund", self.payment)
    }

    fn refund(&self, body: Value) -> Response {
        Shop::shared().admin().post(&self.path()).json(&body).send()
    }

    fn refund_with_key(&self, key: &str, body: Value) -> Response {
        let request = Shop::shared().admin();
        let request = request.on_own_connection();
        request
            .post(&self.path())
            .header("idempotency-key", key)
            .json(&body)
            .send()
    }
}

fn new_key() -> String {
    unique("refund").replace(' ', "-")
}

#[test]
fn a_refund_may_be_meant_for_the_payment_as_it_was_read() {
    let sale = Sale::new();
    let admin = Shop::shared().admin();
    let read = admin.get(&format!("/api/v1/payments/{}", sale.payment));
    let read = read.expect(200);
    let tag = read.expect_header("etag");
    let refund = |tag: &str| {
        let request = admin.post(&sale.path()).header("if-match", tag);
        request.json(&json!({ "amount": 1 })).send()
    };
    refund("\"0\"").expect_problem(412, "version-mismatch");
    refund(&tag).expect(200);
    refund(&tag).expect_problem(412, "version-mismatch");
    let seen = Shop::shared().payment_of(&sale.order.id);
    assert_eq!(seen["refundedAmount"], 1);
}

#[test]
fn a_refund_without_an_amount_gives_everything_back() {
    let sale = Sale::new();
    let payment = sale
        .refund(json!({ "reason": "Broken" }))
        .expect(200)
        .json();
    assert_eq!(payment["status"], "REFUNDED");
    assert_eq!(payment["refundedAmount"].as_f64(), Some(20.0));
    let seen = sale.customer.wait_for_order(&sale.order.id, "REFUNDED");
    assert_eq!(seen["payment"]["status"], "REFUNDED");
    Shop::shared().wait_for_stock(&sale.product, 5, 0, 0);
}

#[test]
fn a_refund_needs_no_body() {
    let sale = Sale::new();
    let payment = Shop::shared().admin().post(&sale.path()).expect_json(200);
    assert_eq!(payment["status"], "REFUNDED");
}

#[test]
fn refunds_in_part_leave_the_order_paid_until_all_is_back() {
    let sale = Sale::new();
    let payment = sale.refund(json!({ "amount": 5.5 })).expect(200).json();
    assert_eq!(payment["status"], "SUCCEEDED");
    assert_eq!(payment["refundedAmount"].as_f64(), Some(5.5));
    let payment = sale.refund(json!({ "amount": 0.01 })).expect(200).json();
    assert_eq!(payment["refundedAmount"].as_f64(), Some(5.51));
    assert_eq!(sale.customer.read_order(&sale.order.id)["status"], "PAID");
    let payment = sale.refund(json!({ "amount": 14.49 })).expect(200).json();
    assert_eq!(payment["status"], "REFUNDED");
    sale.customer.wait_for_order(&sale.order.id, "REFUNDED");
}

#[test]
fn more_than_what_is_left_is_refused() {
    let sale = Sale::new();
    let problem = sale
        .refund(json!({ "amount": 20.01 }))
        .expect_problem(409, "refund-exceeds-amount");
    assert_eq!(problem["refundable"].as_f64(), Some(20.0));
    sale.refund(json!({ "amount": 15 })).expect(200);
    let problem = sale
        .refund(json!({ "amount": 5.01 }))
        .expect_problem(409, "refund-exceeds-amount");
    assert_eq!(problem["refundable"].as_f64(), Some(5.0));
    sale.expect_refunded(15.0);
}

#[test]
fn what_is_refunded_in_whole_cannot_be_refunded_again() {
    let sale = Sale::new();
    sale.refund(json!({})).expect(200);
    sale.refund(json!({})).expect_problem(409, "conflict");
    sale.refund(json!({ "amount": 1 }))
        .expect_problem(409, "conflict");
}

#[test]
fn only_a_paid_payment_can_be_refunded() {
    let shop = Shop::shared();
    let (customer, _, order) = shop.pending_order(1, 1);
    let path = shop.refund_path(&order.id);
    shop.admin()
        .post(&path)
        .json(&json!({}))
        .expect_problem(409, "conflict");
    customer.cancel(&order.id).expect(200);
    shop.admin()
        .post(&path)
        .json(&json!({}))
        .expect_problem(409, "conflict");
}

#[test]
fn a_delivered_order_can_be_refunded_and_its_units_stay_sold() {
    let sale = Sale::new();
    Shop::shared().admin().deliver(&sale.order.id).expect(200);
    sale.refund(json!({})).expect(200);
    sale.customer.wait_for_order(&sale.order.id, "REFUNDED");
    Shop::shared().wait_for_stock(&sale.product, 3, 0, 2);
}

#[test]
fn a_repeated_refund_with_its_key_gives_the_money_back_once() {
    let sale = Sale::new();
    let key = new_key();
    let first = sale
        .refund_with_key(&key, json!({ "amount": 5 }))
        .expect(200);
    sale.refund(json!({ "amount": 1 })).expect(200);
    for _ in 0..2 {
        let again = sale
            .refund_with_key(&key, json!({ "amount": 5 }))
            .expect(200);
        assert_eq!(
            again.bytes(),
            first.bytes(),
            "whatever was refunded after it"
        );
        assert_eq!(again.header("etag"), first.header("etag"));
    }
    sale.refund_with_key(&key, json!({ "amount": 6 }))
        .expect_problem(422, "idempotency-key-reused");
    sale.expect_refunded(6.0);
}

#[test]
fn one_key_at_the_same_time_gives_the_money_back_once() {
    let sale = Sale::new();
    let key = new_key();
    let bodies = all_at_once(8, |_| {
        let answer = sale.refund_with_key(&key, json!({ "amount": 2.5 }));
        answer.expect(200).bytes().to_vec()
    });
    assert!(bodies.iter().all(|body| *body == bodies[0]));
    sale.expect_refunded(2.5);
}

#[test]
fn an_amount_must_be_one() {
    let sale = Sale::new();
    for (amount, code) in [
        (json!(0), "min"),
        (json!(-1), "min"),
        (json!(1.001), "precision"),
        (json!("1"), "type"),
    ] {
        let problem = sale
            .refund(json!({ "amount": amount }))
            .expect_problem(400, "validation");
        assert_eq!(problem["errors"][0]["field"], "amount", "{problem}");
        assert_eq!(problem["errors"][0]["code"], code, "{problem}");
    }
    sale.refund(json!({ "amount": 1, "to": "me" }))
        .expect_invalid(&[("to", "unknown")]);
    sale.refund(json!({ "reason": "x".repeat(501) }))
        .expect_invalid(&[("reason", "max")]);
    sale.expect_refunded(0.0);
}

#[test]
fn an_unknown_payment_is_not_found() {
    let path = format!("/api/v1/payments/{}/refund", unknown_id());
    Shop::shared()
        .admin()
        .post(&path)
        .json(&json!({}))
        .expect_problem(404, "not-found");
}
