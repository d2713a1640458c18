use mercato_tests::{Response, load::all_at_once, shop::Shop};
use serde_json::json;

fn refresh(token: &str) -> Response {
    refresh_with("a browser", token)
}

/// As another client: from the same address, saying that it is something else.
fn refresh_with(user_agent: &str, token: &str) -> Response {
    let body = json!({ "refreshToken": token });
    Shop::shared()
        .nobody()
        .post("/api/v1/auth/refresh")
        .header("user-agent", user_agent)
        .json(&body)
        .send()
}

#[test]
fn a_refresh_token_is_traded_for_a_new_pair() {
    let customer = Shop::shared().customer();
    let session = refresh(&customer.refresh_token).expect(200).json();
    assert_eq!(session["user"]["id"], customer.id);
    assert_eq!(session["token"], session["accessToken"]);
    assert_ne!(session["refreshToken"], customer.refresh_token);
    let renewed = Shop::shared().account(&session);
    renewed.get("/api/v1/auth/me").expect(200);
    refresh(&renewed.refresh_token).expect(200);
}

#[test]
fn another_client_with_a_spent_token_ends_the_whole_family() {
    let shop = Shop::shared();
    let customer = shop.customer();
    let second = shop.account(&refresh(&customer.refresh_token).expect(200).json());
    let third = shop.account(&refresh(&second.refresh_token).expect(200).json());
    refresh_with("a thief", &customer.refresh_token).expect_problem(401, "invalid-refresh-token");
    refresh(&third.refresh_token).expect_problem(401, "invalid-refresh-token");
}

#[test]
fn other_sessions_outlive_the_end_of_a_family() {
    let shop = Shop::shared();
    let customer = shop.customer();
    let other = shop.log_in(&customer.email, mercato_tests::shop::PASSWORD);
    refresh(&customer.refresh_token).expect(200);
    refresh_with("a thief", &customer.refresh_token).expect_problem(401, "invalid-refresh-token");
    refresh(&other.refresh_token).expect(200);
}

#[test]
fn a_client_that_lost_the_answer_gets_the_same_pair_again() {
    let shop = Shop::shared();
    let customer = shop.customer();
    let first = refresh(&customer.refresh_token).expect(200).json();
    let again = refresh(&customer.refresh_token).expect(200).json();
    assert_eq!(again, first);
    let renewed = shop.account(&again);
    renewed.get("/api/v1/auth/verify").expect(200);
    refresh(&renewed.refresh_token).expect(200);
}

/// Two tabs do that.
#[test]
fn of_several_that_refresh_at_once_all_get_the_same_pair() {
    let customer = Shop::shared().customer();
    let pairs = all_at_once(8, |_| refresh(&customer.refresh_token).expect(200).json());
    assert!(pairs.iter().all(|pair| *pair == pairs[0]), "{pairs:?}");
    let pair = Shop::shared().account(&pairs[0]);
    pair.get("/api/v1/auth/me").expect(200);
    refresh(&pair.refresh_token).expect(200);
}

#[test]
fn what_is_no_refresh_token_is_refused() {
    let customer = Shop::shared().customer();
    let too_long = "a".repeat(10_000);
    for token in ["", "nonsense", &customer.token, &too_long, "' OR 1=1 --"] {
        let answer = refresh(token);
        assert!(answer.header("www-authenticate").is_some(), "{token}");
        answer.expect_problem(401, "invalid-refresh-token");
    }
}

#[test]
fn a_refresh_token_opens_no_door() {
    let shop = Shop::shared();
    let customer = shop.customer();
    shop.nobody()
        .get("/api/v1/auth/me")
        .bearer(&customer.refresh_token)
        .expect_problem(401, "unauthorized");
}

#[test]
fn missing_and_unknown_fields_are_named() {
    let nobody = Shop::shared().nobody();
    let post = |body| nobody.post("/api/v1/auth/refresh").json(&body).send();
    post(json!({})).expect_invalid(&[("refreshToken", "required")]);
    post(json!({ "refreshToken": 1, "x": 1 }))
        .expect_invalid(&[("refreshToken", "type"), ("x", "unknown")]);
}
