use mercato_tests::{
    shop::{Shop, unknown_id},
    wait_until,
};

#[test]
fn after_a_payment_no_event_stays_under_way() {
    let shop = Shop::shared();
    let (_, _, order) = shop.paid_order(1, 1);
    wait_until("the acknowledgement of the event", || {
        let outbox = shop
            .admin()
            .get("/api/v1/payments/outbox?limit=100")
            .expect_json(200);
        let entries = outbox["data"].as_array().cloned().expect("a list");
        (!entries.iter().any(|entry| entry["orderId"] == order.id)).then_some(())
    });
}

#[test]
fn the_admin_runs_the_relay() {
    let report = Shop::shared()
        .admin()
        .post("/api/v1/payments/outbox/relay")
        .expect_json(200);
    for member in ["published", "failed", "pending"] {
        assert!(report[member].is_u64(), "{report}");
    }
}

#[test]
fn the_outbox_comes_in_pages() {
    let admin = Shop::shared().admin();
    let page = admin
        .get("/api/v1/payments/outbox?page=1&limit=5")
        .expect_json(200);
    assert_eq!(
        (
            page["meta"]["page"].as_u64(),
            page["meta"]["limit"].as_u64()
        ),
        (Some(1), Some(5))
    );
    for member in ["pending", "parked", "oldestMs"] {
        assert!(page["lag"][member].is_u64(), "{page}");
    }
    assert_eq!(page["meta"]["totalIsExact"], true);
    admin
        .get("/api/v1/payments/outbox?page=1002")
        .expect_invalid(&[("page", "max")]);
    admin
        .get("/api/v1/payments/outbox?all=1")
        .expect_invalid(&[("all", "unknown")]);
}

#[test]
fn an_event_that_is_not_under_way_cannot_be_retried() {
    let admin = Shop::shared().admin();
    let path = format!("/api/v1/payments/outbox/{}/retry", unknown_id());
    admin.post(&path).expect_problem(404, "not-found");
    admin
        .post("/api/v1/payments/outbox/1/retry")
        .expect_invalid(&[("eventId", "format")]);
}
