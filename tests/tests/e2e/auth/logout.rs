use mercato_tests::shop::{PASSWORD, Shop};
use serde_json::json;

fn post(path: &str, token: &str) -> mercato_tests::Response {
    Shop::shared()
        .nobody()
        .post(path)
        .json(&json!({ "refreshToken": token }))
        .send()
}

#[test]
fn a_logout_ends_the_session() {
    let customer = Shop::shared().customer();
    let answer = post("/api/v1/auth/logout", &customer.refresh_token).expect(204);
    assert_eq!(answer.bytes(), b"");
    post("/api/v1/auth/refresh", &customer.refresh_token)
        .expect_problem(401, "invalid-refresh-token");
}

#[test]
fn a_logout_leaves_other_sessions_alone() {
    let shop = Shop::shared();
    let customer = shop.customer();
    let other = shop.log_in(&customer.email, PASSWORD);
    post("/api/v1/auth/logout", &customer.refresh_token).expect(204);
    post("/api/v1/auth/refresh", &other.refresh_token).expect(200);
}

#[test]
fn a_second_logout_and_an_unknown_token_are_no_errors() {
    let customer = Shop::shared().customer();
    post("/api/v1/auth/logout", &customer.refresh_token).expect(204);
    post("/api/v1/auth/logout", &customer.refresh_token).expect(204);
    post("/api/v1/auth/logout", "never seen").expect(204);
}
