use mercato_tests::shop::Shop;

#[test]
fn the_front_door_says_that_the_shop_is_up() {
    let answer = Shop::shared().nobody().get("/").send().expect(200);
    assert_eq!(answer.text(), "API Gateway is up and running!");
    assert_eq!(
        answer.header("content-type"),
        Some("text/plain; charset=utf-8")
    );
}
