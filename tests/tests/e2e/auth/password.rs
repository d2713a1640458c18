use mercato_tests::{
    Response,
    shop::{Account, PASSWORD, Shop},
};
use serde_json::json;

const NEW_PASSWORD: &str = "Another-1-Entirely";

fn change(account: &Account, current: &str, new: &str) -> Response {
    let body = json!({ "currentPassword": current, "newPassword": new });
    account.post("/api/v1/auth/password").json(&body).send()
}

#[test]
fn a_new_password_replaces_the_old_one() {
    let shop = Shop::shared();
    let customer = shop.customer();
    change(&customer, PASSWORD, NEW_PASSWORD).expect(200);
    shop.log_in(&customer.email, NEW_PASSWORD);
    shop.try_log_in(&customer.email, PASSWORD)
        .expect_problem(401, "invalid-credentials");
}

#[test]
fn a_new_password_ends_every_session_and_opens_a_new_one() {
    let shop = Shop::shared();
    let customer = shop.customer();
    let other = shop.log_in(&customer.email, PASSWORD);
    let session = change(&customer, PASSWORD, NEW_PASSWORD).expect(200).json();
    assert_eq!(session["user"]["id"], customer.id);
    for ended in [&customer.refresh_token, &other.refresh_token] {
        shop.refresh(ended)
            .expect_problem(401, "invalid-refresh-token");
    }
    let current = shop.account(&session);
    current.get("/api/v1/auth/me").expect(200);
    shop.refresh(&current.refresh_token).expect(200);
}

#[test]
fn the_current_password_must_be_right() {
    let shop = Shop::shared();
    let customer = shop.customer();
    let answer = change(&customer, "Wrong-Password-1", NEW_PASSWORD);
    assert!(answer.header("www-authenticate").is_some());
    answer.expect_problem(401, "invalid-credentials");
    shop.log_in(&customer.email, PASSWORD);
}

#[test]
fn the_new_password_follows_the_rules() {
    let customer = Shop::shared().customer();
    change(&customer, PASSWORD, "weak").expect_invalid(&[("newPassword", "min")]);
    change(&customer, PASSWORD, "alllowercase1!").expect_invalid(&[("newPassword", "weak")]);
    let too_long = format!("Aa1!{}", "x".repeat(69));
    change(&customer, PASSWORD, &too_long).expect_invalid(&[("newPassword", "max")]);
}

#[test]
fn missing_and_unknown_fields_are_named() {
    let customer = Shop::shared().customer();
    let post = |body| customer.post("/api/v1/auth/password").json(&body).send();
    post(json!({})).expect_invalid(&[("currentPassword", "required"), ("newPassword", "required")]);
    let body =
        json!({ "currentPassword": PASSWORD, "newPassword": NEW_PASSWORD, "email": "a@b.example" });
    post(body).expect_invalid(&[("email", "unknown")]);
}

#[test]
fn a_password_is_the_same_however_its_letters_are_typed() {
    let shop = Shop::shared();
    let customer = shop.customer();
    let (composed, decomposed) = ("S\u{e9}same-Ouvre-1", "Se\u{301}same-Ouvre-1");
    let account = shop.account(&change(&customer, PASSWORD, decomposed).expect(200).json());
    shop.log_in(&customer.email, composed);
    shop.log_in(&customer.email, decomposed);
    change(&account, composed, "Se\u{301}same-Ouvre-2").expect(200);
    shop.log_in(&customer.email, "S\u{e9}same-Ouvre-2");
    // Compatible letters are others.
    let changed = shop.log_in(&customer.email, "S\u{e9}same-Ouvre-2");
    change(&changed, "S\u{e9}same-Ouvre-\u{ff12}", PASSWORD)
        .expect_problem(401, "invalid-credentials");
}
