use mercato_tests::shop::Shop;

#[test]
fn a_token_is_verified_and_renewed() {
    let shop = Shop::shared();
    let customer = shop.customer();
    let answer = customer.get("/api/v1/auth/verify").expect_json(200);
    assert_eq!(answer["user"]["id"], customer.id);
    assert_eq!(answer["user"]["email"], customer.email);
    let renewed = answer["token"].as_str().expect("a token");
    assert_ne!(renewed, customer.token);
    shop.nobody()
        .get("/api/v1/auth/me")
        .bearer(renewed)
        .expect(200);
}

#[test]
fn without_a_token_there_is_nothing_to_verify() {
    let answer = Shop::shared().nobody().get("/api/v1/auth/verify").send();
    assert_eq!(
        answer.header("www-authenticate"),
        Some("Bearer realm=\"mercato\"")
    );
    answer.expect_problem(401, "unauthorized");
}
