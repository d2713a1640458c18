use mercato_tests::{
    is_rfc3339_milliseconds,
    shop::{PASSWORD, Shop, unique_email},
};
use serde_json::json;

const ME: &str = "/api/v1/auth/me";

#[test]
fn a_customer_sees_their_profile() {
    let customer = Shop::shared().customer();
    let me = customer.get(ME).expect_json(200);
    assert_eq!(me["id"], customer.id);
    assert_eq!(me["email"], customer.email);
    assert_eq!(me["role"], "customer");
    for time in ["createdAt", "updatedAt"] {
        assert!(
            me[time].as_str().is_some_and(is_rfc3339_milliseconds),
            "{me}"
        );
    }
    let text = me.to_string().to_lowercase();
    assert!(
        !text.contains("password") && !text.contains("hash"),
        "{text}"
    );
}

#[test]
fn a_customer_changes_name_and_address() {
    let shop = Shop::shared();
    let customer = shop.customer();
    let email = unique_email();
    let changed = customer
        .patch(ME)
        .json(&json!({ "name": " Grace ", "email": email.to_uppercase(), "currentPassword": PASSWORD }))
        .expect_json(200);
    assert_eq!(
        (changed["name"].as_str(), changed["email"].as_str()),
        (Some("Grace"), Some(&*email))
    );
    assert_eq!(customer.get(ME).expect_json(200), changed);
    shop.log_in(&email, PASSWORD);
    shop.try_log_in(&customer.email, PASSWORD)
        .expect_problem(401, "invalid-credentials");
}

#[test]
fn what_is_not_given_stays() {
    let customer = Shop::shared().customer();
    let changed = customer
        .patch(ME)
        .json(&json!({ "name": "Grace" }))
        .expect_json(200);
    assert_eq!(changed["email"], customer.email);
    let same = customer.patch(ME).json(&json!({})).expect_json(200);
    assert_eq!(same["name"], "Grace");
}

#[test]
fn somebody_elses_address_is_taken() {
    let shop = Shop::shared();
    let (ada, grace) = (shop.customer(), shop.customer());
    let body = json!({ "email": grace.email, "currentPassword": PASSWORD });
    ada.patch(ME).json(&body).expect_problem(409, "email-taken");
}

#[test]
fn another_address_needs_the_current_password() {
    let shop = Shop::shared();
    let customer = shop.customer();
    let email = unique_email();
    let change = |body| customer.patch(ME).json(&body).send();
    change(json!({ "email": email })).expect_problem(403, "password-required");
    let wrong = change(json!({ "email": email, "currentPassword": "Wrong-Password-1" }));
    assert!(wrong.header("www-authenticate").is_some());
    wrong.expect_problem(401, "invalid-credentials");
    let me = customer.get(ME).expect_json(200);
    assert_eq!(me["email"], customer.email);
    change(json!({ "email": customer.email.to_uppercase(), "name": "Joan" })).expect(200);
    change(json!({ "email": email, "currentPassword": PASSWORD })).expect(200);
    shop.log_in(&email, PASSWORD);
}

#[test]
fn invalid_and_unknown_fields_are_named() {
    let customer = Shop::shared().customer();
    let body = json!({ "name": "", "email": "nonsense" });
    customer
        .patch(ME)
        .json(&body)
        .expect_invalid(&[("name", "required"), ("email", "format")]);
    for field in ["role", "id", "disabled", "password"] {
        customer
            .patch(ME)
            .json(&json!({ field: "admin" }))
            .expect_invalid(&[(field, "unknown")]);
    }
    customer
        .patch(ME)
        .json(&json!({ "name": null }))
        .expect_invalid(&[("name", "type")]);
}

#[test]
fn a_profile_has_an_entity_tag_that_writes_honour() {
    let customer = Shop::shared().customer();
    let first = customer.get(ME).expect(200);
    let tag = first.expect_header("etag");
    let unchanged = customer.get(ME).header("if-none-match", &tag).expect(304);
    assert_eq!(unchanged.bytes(), b"");
    let rename = |name: &str| {
        customer
            .patch(ME)
            .header("if-match", &tag)
            .json(&json!({ "name": name }))
            .send()
    };
    rename("Grace").expect(200);
    rename("Joan").expect_problem(412, "version-mismatch");
    assert_eq!(customer.get(ME).send().json()["name"], "Grace");
    customer.get(ME).header("if-none-match", &tag).expect(200);
}
