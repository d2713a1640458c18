use mercato_tests::shop::{PASSWORD, Shop};

#[test]
fn a_logout_ends_the_session() {
    let shop = Shop::shared();
    let customer = shop.customer();
    let answer = shop.log_out(&customer.refresh_token).expect(204);
    assert_eq!(answer.bytes(), b"");
    shop.refresh(&customer.refresh_token)
        .expect_problem(401, "invalid-refresh-token");
}

#[test]
fn a_logout_leaves_other_sessions_alone() {
    let shop = Shop::shared();
    let customer = shop.customer();
    let other = shop.log_in(&customer.email, PASSWORD);
    shop.log_out(&customer.refresh_token).expect(204);
    shop.refresh(&other.refresh_token).expect(200);
}

#[test]
fn a_second_logout_and_an_unknown_token_are_no_errors() {
    let shop = Shop::shared();
    let customer = shop.customer();
    shop.log_out(&customer.refresh_token).expect(204);
    shop.log_out(&customer.refresh_token).expect(204);
    shop.log_out("never seen").expect(204);
}
