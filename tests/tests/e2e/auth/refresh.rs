use mercato_tests::{Response, shop::Shop};
use serde_json::json;

fn refresh(token: &str) -> Response {
    let body = json!({ "refreshToken": token });
    Shop::shared()
        .nobody()
        .post("/api/v1/auth/refresh")
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
    renewed.get("/api/v1/auth/me").send().expect(200);
    refresh(&renewed.refresh_token).expect(200);
}

#[test]
fn using_a_spent_refresh_token_ends_the_whole_family() {
    let shop = Shop::shared();
    let customer = shop.customer();
    let second = shop.account(&refresh(&customer.refresh_token).expect(200).json());
    let third = shop.account(&refresh(&second.refresh_token).expect(200).json());
    refresh(&customer.refresh_token).expect_problem(401, "invalid-refresh-token");
    refresh(&third.refresh_token).expect_problem(401, "invalid-refresh-token");
}

#[test]
fn other_sessions_outlive_the_end_of_a_family() {
    let shop = Shop::shared();
    let customer = shop.customer();
    let other = shop.log_in(&customer.email, mercato_tests::shop::PASSWORD);
    refresh(&customer.refresh_token).expect(200);
    refresh(&customer.refresh_token).expect_problem(401, "invalid-refresh-token");
    refresh(&other.refresh_token).expect(200);
}

/// One of them may be a thief, and nobody can tell which: the session ends.
#[test]
fn of_several_that_spend_a_token_at_the_same_time_one_gets_a_pair_and_the_session_ends() {
    let customer = Shop::shared().customer();
    let answers = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| refresh(&customer.refresh_token)))
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().expect("an answer"))
            .collect::<Vec<_>>()
    });
    let statuses: Vec<u16> = answers.iter().map(Response::status).collect();
    let count = |status| statuses.iter().filter(|found| **found == status).count();
    assert_eq!((count(200), count(401)), (1, 7), "{statuses:?}");
    let winner = answers.iter().find(|answer| answer.status() == 200);
    let pair = Shop::shared().account(&winner.expect("one pair").json());
    pair.get("/api/v1/auth/me").send().expect(200);
    refresh(&pair.refresh_token).expect_problem(401, "invalid-refresh-token");
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
    let answer = shop
        .nobody()
        .get("/api/v1/auth/me")
        .bearer(&customer.refresh_token)
        .send();
    answer.expect_problem(401, "unauthorized");
}

#[test]
fn missing_and_unknown_fields_are_named() {
    let nobody = Shop::shared().nobody();
    let post = |body| nobody.post("/api/v1/auth/refresh").json(&body).send();
    post(json!({})).expect_invalid(&[("refreshToken", "required")]);
    post(json!({ "refreshToken": 1, "x": 1 }))
        .expect_invalid(&[("refreshToken", "type"), ("x", "unknown")]);
}
