use mercato_tests::shop::Shop;

#[test]
fn the_admin_sees_orders_by_status_and_revenue() {
    let shop = Shop::shared();
    let customer = shop.customer();
    let stats = || shop.admin().get("/api/v1/orders/stats").expect_json(200);
    let before = stats();
    shop.buy(&customer, &shop.product(12.5, 5), 2);
    let after = stats();
    let revenue = |stats: &serde_json::Value| stats["revenue"].as_f64().expect("revenue");
    // Other tests buy and refund at the same time: only what can be said all the same is checked.
    assert_eq!(after["currency"], "USD");
    let gross = |stats: &serde_json::Value| {
        let of = stats["byCurrency"].as_array().expect("currencies");
        let own = of.iter().find(|of| of["currency"] == "USD");
        own.expect("the shop's")["gross"].as_f64().expect("gross")
    };
    assert!(
        revenue(&before) >= 0.0 && gross(&after) >= gross(&before) + 25.0,
        "{before} {after}"
    );
    assert!(
        after["total"].as_u64() > before["total"].as_u64(),
        "{before} {after}"
    );
    let by_status = after["byStatus"].as_object().expect("counts");
    let sum: u64 = by_status
        .values()
        .filter_map(serde_json::Value::as_u64)
        .sum();
    assert_eq!(Some(sum), after["total"].as_u64());
    assert!(
        by_status["PAID"].as_u64().is_some_and(|count| count >= 1),
        "{after}"
    );
}
