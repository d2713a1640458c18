use mercato_tests::{
    Response,
    shop::{PASSWORD, Shop, unique_email},
};
use serde_json::{Value, json};

fn log_in(body: &Value) -> Response {
    Shop::shared()
        .nobody()
        .post("/api/v1/auth/login")
        .json(body)
        .send()
}

#[test]
fn a_customer_logs_in_with_address_and_password() {
    let customer = Shop::shared().customer();
    let session = log_in(&json!({ "email": customer.email, "password": PASSWORD }))
        .expect(200)
        .json();
    assert_eq!(session["user"]["id"], customer.id);
    assert_eq!(session["user"]["email"], customer.email);
    assert_eq!(session["tokenType"], "Bearer");
    assert_eq!(session["token"], session["accessToken"]);
    assert_ne!(session["refreshToken"], customer.refresh_token);
}

#[test]
fn capitals_and_blanks_around_the_address_do_not_matter() {
    let customer = Shop::shared().customer();
    let email = format!(" {} ", customer.email.to_uppercase());
    log_in(&json!({ "email": email, "password": PASSWORD })).expect(200);
}

#[test]
fn wrong_passwords_and_unknown_addresses_look_the_same() {
    let customer = Shop::shared().customer();
    let refusal = |email: &str, password: &str| {
        let answer = log_in(&json!({ "email": email, "password": password }));
        assert!(answer.header("www-authenticate").is_some());
        let mut problem = answer.expect_problem(401, "invalid-credentials");
        for own in ["requestId", "timestamp"] {
            problem[own].take();
        }
        problem
    };
    let wrong_password = refusal(&customer.email, "Wrong-Password-1");
    assert_eq!(wrong_password, refusal(&unique_email(), PASSWORD));
    assert_eq!(
        wrong_password,
        refusal(&customer.email, &format!("{PASSWORD} "))
    );
    assert_eq!(
        wrong_password,
        refusal(&customer.email, "short"),
        "rules are for new passwords"
    );
}

#[test]
fn a_password_that_begins_like_the_right_one_is_wrong() {
    let shop = Shop::shared();
    let password = format!("Aa1!{}", "x".repeat(68));
    let body = json!({ "name": "Ada", "email": unique_email(), "password": password });
    shop.nobody()
        .post("/api/v1/auth/register")
        .json(&body)
        .expect(201);
    let cut = json!({ "email": body["email"], "password": format!("{password}y") });
    log_in(&cut).expect_problem(401, "invalid-credentials");
}

#[test]
fn missing_and_unknown_fields_are_named() {
    log_in(&json!({})).expect_invalid(&[("email", "required"), ("password", "required")]);
    let body = json!({ "email": "a@b.example", "password": PASSWORD, "admin": true });
    log_in(&body).expect_invalid(&[("admin", "unknown")]);
    log_in(&json!({ "email": 1, "password": {} }))
        .expect_invalid(&[("email", "type"), ("password", "type")]);
}

#[test]
fn sql_opens_no_door() {
    for email in [
        "' OR '1'='1",
        "admin'--",
        "\" OR 1=1 --",
        "'; DROP TABLE accounts; --",
    ] {
        log_in(&json!({ "email": email, "password": "' OR '1'='1" }))
            .expect_invalid(&[("email", "format")]);
    }
    let customer = Shop::shared().customer();
    for password in ["' OR '1'='1", "' OR 1=1 --"] {
        log_in(&json!({ "email": customer.email, "password": password }))
            .expect_problem(401, "invalid-credentials");
    }
}

#[test]
fn odd_passwords_are_wrong_and_nothing_else() {
    let customer = Shop::shared().customer();
    for password in [
        format!("{PASSWORD}\0"),
        format!("{PASSWORD}\0x"),
        "\u{1f469}".repeat(16_000),
    ] {
        log_in(&json!({ "email": customer.email, "password": password }))
            .expect_problem(401, "invalid-credentials");
    }
}
