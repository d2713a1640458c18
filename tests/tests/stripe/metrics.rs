use mercato_tests::{
    is_quick,
    metrics::Listener,
    shop::Shop,
    stripe::{FakeStripe, Trouble::Broken},
    wait_until,
};

/// As many tries as one call has; so many failures open the breaker.
const TRIES: usize = 3;

#[test]
fn requests_tried_again_and_the_breaker_are_measured() {
    let stripe = FakeStripe::start();
    let (listener, builder) = Listener::on(stripe.shop());
    let server = builder.start();
    let shop = Shop::on(&server);
    let customer = shop.customer();
    let product = shop.product(1, 5);
    customer.order(&[(&product, 1)]);
    let calm = listener.read();
    for name in [
        "mercato_stripe_retries_total",
        "mercato_stripe_breaker_openings_total",
        "mercato_stripe_breaker_open",
    ] {
        assert_eq!(calm.sum(name), 0.0, "{name}");
    }
    stripe.trouble("POST /v1/checkout/sessions", [Broken; TRIES]);
    customer.try_order(&[(&product, 1)]).expect(503);
    let broken = listener.read();
    assert_eq!(broken.sum("mercato_stripe_retries_total"), 2.0);
    assert_eq!(broken.sum("mercato_stripe_breaker_openings_total"), 1.0);
    assert_eq!(broken.sum("mercato_stripe_breaker_open"), 1.0);
    let open = "mercato_stripe_breaker_open";
    assert_eq!(broken.of(open, "component", "orders-api"), 1.0);
    assert!(
        !server.log().contains(open),
        "metrics are no lines of the log"
    );
    if is_quick() {
        return;
    }
    wait_until("the end of the breaker's pause", || {
        customer.try_order(&[(&product, 1)]);
        (listener.read().sum(open) == 0.0).then_some(())
    });
}
