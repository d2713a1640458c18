//! Payments of orders that were checkouts.

use super::shop::{
    AMOUNT, SESSION_MS, Shop, Side, UNPAID_KEPT_MS, cancellation, new_payment, run, units,
};
use crate::application::commands::{Cancellation, OUTLIVES_ORDER_MS, cancel_payment};
use crate::application::{commands, queries};
use crate::domain::{
    ADJUSTMENTS_MAX, Address, Adjustment, AdjustmentKind, CheckoutDetails, EMAIL_MAX_CHARS,
    EventType, LineAmount, NewPayment, Payment, PaymentError, PaymentStatus,
};

fn adjustment(kind: AdjustmentKind, amount: i64) -> Adjustment {
    Adjustment {
        kind,
        label: "a label".to_owned(),
        amount: units(amount),
    }
}

/// An address with all of its parts.
fn address(name: &str) -> Address {
    let some = |text: &str| Some(text.to_owned());
    Address {
        name: name.to_owned(),
        company: some("Engines"),
        line1: "1 Infinite Loop".to_owned(),
        line2: some("Stairs 2"),
        postal_code: some("95014"),
        city: some("Cupertino"),
        region: some("CA"),
        country: "US".to_owned(),
    }
}

/// Three times 4.995 come to 14.99, and once 5.005 to 5.01, as checkouts round; a tenth goes off, and shipping costs 4.90.
fn quoted() -> NewPayment {
    let line = |amount, discount| LineAmount {
        amount: units(amount),
        discount: units(discount),
    };
    NewPayment {
        amount: units(2_290),
        details: Some(CheckoutDetails {
            email: "ada@example.com".to_owned(),
            shipping_address: Some(address("Ada")),
            billing_address: None,
            line_amounts: vec![line(1_499, 150), line(501, 50)],
            adjustments: vec![
                adjustment(AdjustmentKind::Discount, 200),
                adjustment(AdjustmentKind::Shipping, 490),
                adjustment(AdjustmentKind::IncludedTax, 382),
            ],
        }),
        ..new_payment()
    }
}

/// The same with a code that takes all of it off.
fn free() -> NewPayment {
    let mut new = quoted();
    new.amount = units(0);
    let details = new.details.as_mut().unwrap();
    details.adjustments = vec![adjustment(AdjustmentKind::Discount, 2_000)];
    for line in &mut details.line_amounts {
        line.discount = line.amount;
    }
    new
}

fn create(shop: &Shop, new: &NewPayment) -> Result<Payment, PaymentError> {
    run(commands::create_session::handle(shop, new))
}

fn only_request(shop: &Shop, number: usize) -> Option<CheckoutDetails> {
    let sessions = shop.provider.sessions.borrow();
    sessions.values().nth(number).unwrap().details.clone()
}

#[test]
fn the_provider_is_told_how_the_amount_comes_about() {
    let shop = Shop::new();
    let payment = create(&shop, &quoted()).unwrap();
    assert_eq!(only_request(&shop, 0), quoted().details);
    let checkout = queries::find_checkout(&shop, &shop.newest_session()).unwrap();
    assert_eq!(checkout.details, quoted().details);
    assert_eq!(create(&shop, &quoted()).unwrap(), payment);
}

#[test]
fn details_cost_no_statement() {
    let plain = Shop::new().cost_of(Shop::create).1;
    let (opened, spent) = Shop::new().cost_of(|shop| create(shop, &quoted()));
    assert!(opened.is_ok());
    assert_eq!(spent, plain);
}

#[test]
fn a_later_session_is_asked_for_with_the_same_details() {
    let shop = Shop::new();
    create(&shop, &quoted()).unwrap();
    shop.advance(SESSION_MS);
    shop.open_session().unwrap();
    assert_eq!(shop.provider.sessions.borrow().len(), 2);
    assert_eq!(only_request(&shop, 1), quoted().details);
}

#[test]
fn addresses_are_kept_whole_or_in_part() {
    let least = Address {
        company: None,
        line2: None,
        postal_code: None,
        city: None,
        region: None,
        ..address("Byron")
    };
    for (shipping, billing) in [
        (Some(address("Ada")), Some(least.clone())),
        (Some(least.clone()), None),
        (None, Some(least.clone())),
        (None, None),
    ] {
        let shop = Shop::new();
        let mut new = quoted();
        let details = new.details.as_mut().unwrap();
        (details.shipping_address, details.billing_address) = (shipping, billing);
        create(&shop, &new).unwrap();
        let checkout = queries::find_checkout(&shop, &shop.newest_session()).unwrap();
        assert_eq!(checkout.details, new.details);
    }
}

#[test]
fn nothing_of_a_customer_stays_of_a_payment_that_is_removed() {
    let shop = Shop::new();
    create(&shop, &quoted()).unwrap();
    let database = &shop.store.database;
    let tables = ["payments", "payment_contents"];
    assert!(tables.iter().all(|table| database.count(table) > 0));
    shop.cancel().unwrap();
    shop.acknowledge_all();
    shop.advance(UNPAID_KEPT_MS + OUTLIVES_ORDER_MS);
    shop.relay();
    for table in tables {
        assert_eq!(database.count(table), 0, "{table}");
    }
}

#[test]
fn a_payment_without_details_has_none() {
    let shop = Shop::with_pending_order();
    let checkout = queries::find_checkout(&shop, &shop.newest_session()).unwrap();
    assert_eq!(checkout.details, None);
    assert_eq!(only_request(&shop, 0), None);
}

#[test]
fn nothing_to_pay_is_paid_at_once_and_without_the_provider() {
    let shop = Shop::new();
    let payment = create(&shop, &free()).unwrap();
    assert_eq!(payment.status, PaymentStatus::Succeeded);
    assert_eq!(payment.session.opened, None);
    assert!(shop.provider.sessions.borrow().is_empty());
    assert!(!shop.has_session_to_end());
    assert_eq!(shop.event_types(), [EventType::Succeeded]);
    assert_eq!(shop.published_types(), [EventType::Succeeded]);
    assert_eq!(create(&shop, &free()).unwrap(), payment);
    shop.relay();
    assert_eq!(shop.event_types(), [EventType::Succeeded]);
    assert!(shop.provider.sessions.borrow().is_empty());
}

#[test]
fn nothing_without_details_is_still_paid_at_the_provider() {
    let shop = Shop::new();
    let mut new = new_payment();
    new.amount = units(0);
    for line in &mut new.lines {
        line.unit_price = mercato_money::Money::ZERO;
    }
    let payment = create(&shop, &new).unwrap();
    assert_eq!(payment.status, PaymentStatus::Pending);
    assert!(payment.session.opened.is_some());
}

#[test]
fn a_payment_of_nothing_is_refunded_without_the_provider() {
    let shop = Shop::new();
    create(&shop, &free()).unwrap();
    shop.acknowledge_all();
    let refunded = shop.refund(None, None).unwrap();
    assert_eq!(refunded.status, PaymentStatus::Refunded);
    assert_eq!(shop.event_types(), [EventType::Refunded]);
    assert!(shop.provider.refunds.borrow().is_empty());
}

#[test]
fn a_crash_leaves_it_paid_once_or_not_at_all() {
    for (call, side) in [(0, Side::Before), (0, Side::After), (1, Side::Before)] {
        let shop = Shop::new();
        shop.crash_at(call, side, |shop| create(shop, &free()));
        assert_eq!(
            create(&shop, &free()).unwrap().status,
            PaymentStatus::Succeeded
        );
        assert_eq!(
            shop.event_types(),
            [EventType::Succeeded],
            "{call} {side:?}"
        );
    }
}

#[test]
fn an_order_that_was_cancelled_is_not_paid_with_nothing() {
    let shop = Shop::new();
    let cancelled = Cancellation {
        opening: Some(free()),
        ..cancellation("order cancelled")
    };
    assert_eq!(
        run(cancel_payment::handle(&shop, &cancelled)),
        Err(PaymentError::NotFound)
    );
    assert!(shop.provider.sessions.borrow().is_empty());
    assert_eq!(
        create(&shop, &free()),
        Err(PaymentError::Conflict(PaymentStatus::Cancelled))
    );
    assert!(shop.event_types().is_empty());
}

#[test]
fn a_cancelled_opening_ends_the_session_with_its_details() {
    let shop = Shop::new();
    shop.crash_at(0, Side::After, |shop| create(shop, &quoted()));
    let cancelled = Cancellation {
        opening: Some(quoted()),
        ..cancellation("order cancelled")
    };
    let payment = run(cancel_payment::handle(&shop, &cancelled)).unwrap();
    assert_eq!(payment.status, PaymentStatus::Cancelled);
    assert_eq!(shop.provider.sessions.borrow().len(), 1, "the same one");
    assert_eq!(shop.provider.expired.borrow().len(), 1);
}

#[test]
fn details_that_do_not_add_up_open_nothing() {
    let shop = Shop::new();
    let with = |change: fn(&mut CheckoutDetails)| {
        let mut new = quoted();
        change(new.details.as_mut().unwrap());
        new
    };
    for (field, new) in [
        ("email", with(|it| it.email.clear())),
        (
            "email",
            with(|it| it.email = "a".repeat(EMAIL_MAX_CHARS + 1)),
        ),
        (
            "shippingAddress",
            with(|it| it.shipping_address.as_mut().unwrap().line1.clear()),
        ),
        (
            "billingAddress",
            with(|it| it.billing_address = Some(address(""))),
        ),
        ("lineAmounts", with(|it| it.line_amounts.truncate(1))),
        (
            "lineAmounts",
            with(|it| it.line_amounts[0].discount = units(1_500)),
        ),
        ("adjustments", with(|it| it.adjustments[0].label.clear())),
        (
            "adjustments",
            with(|it| {
                let tax = adjustment(AdjustmentKind::IncludedTax, 0);
                it.adjustments.resize(ADJUSTMENTS_MAX + 1, tax);
            }),
        ),
        ("amount", with(|it| it.adjustments[1].amount = units(491))),
        (
            "amount",
            NewPayment {
                amount: units(AMOUNT),
                ..quoted()
            },
        ),
    ] {
        let Err(PaymentError::Invalid(errors)) = create(&shop, &new) else {
            panic!("{new:?}")
        };
        assert_eq!(errors[0].field, field, "{errors:?}");
    }
    assert!(shop.provider.sessions.borrow().is_empty());
}
