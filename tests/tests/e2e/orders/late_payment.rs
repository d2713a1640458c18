use mercato_tests::shop::Shop;

use crate::payments::webhook::{completed, provider};

/// The customer was on the provider's page while the order ended: the money came all the same.
#[test]
fn a_payment_of_a_cancelled_order_is_refunded() {
    let Some(provider) = provider() else { return };
    let shop = Shop::shared();
    let (customer, product, order) = shop.pending_order(30, 1);
    customer.cancel(&order.id).expect(200);
    provider.send(&completed(&order, 3_000)).expect(200);
    let payment = shop.wait_for_payment(&order.id, "REFUNDED");
    assert_eq!(payment["refundedAmount"].as_f64(), Some(30.0));
    let seen = customer.read_order(&order.id);
    assert_eq!(seen["status"], "CANCELLED");
    let history = seen["history"].to_string();
    assert!(
        history.contains("succeeded after the order was cancelled"),
        "{history}"
    );
    shop.wait_for_stock(&product, 5, 0, 0);
}
