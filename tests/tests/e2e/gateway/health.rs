use mercato_tests::shop::Shop;
use serde_json::json;

#[test]
fn the_shop_is_alive() {
    let answer = Shop::shared().nobody().get("/api/health/live").expect(200);
    assert_eq!(answer.json()["status"], "ok");
}

#[test]
fn the_shop_is_ready_when_components_reach_their_databases() {
    let answer = Shop::shared()
        .nobody()
        .get("/api/health/ready")
        .expect_json(200);
    assert_eq!(answer["status"], "ok");
    let all_up = json!({
        "auth-api": "up", "checkout-api": "up", "orders-api": "up", "payments-api": "up",
        "products-api": "up",
    });
    assert_eq!(answer["boxes"], all_up);
    for member in ["pending", "parked", "oldestMs"] {
        assert!(answer["outbox"][member].is_u64(), "{answer}");
    }
}

#[test]
fn internal_paths_cannot_be_reached_from_outside() {
    let nobody = Shop::shared().nobody();
    for path in [
        "/internal/ready",
        "/internal/metrics",
        "/api/v1/payments/internal/metrics",
        "/api/v1/orders/internal/ready",
        "/api/v1/payments/internal/relay",
        "/api/v1/auth/../../../internal/ready",
        "/api/v1/auth/%2e%2e/%2e%2e/%2e%2e/internal/ready",
        "//internal/metrics",
        "/./internal/metrics",
        "/%69nternal/metrics",
        "/internal%2fmetrics",
        "/internal/metrics/",
        "/api/v1/payments//internal/metrics",
        "/api/v1/payments/..%2f..%2f..%2finternal/metrics",
    ] {
        nobody.get(path).expect_problem(404, "not-found");
    }
    for path in ["/internal/sweep", "/internal/relay"] {
        nobody.post(path).expect_problem(404, "not-found");
    }
}
