use mercato_kernel::{AccountId, Caller, OrderId};

use super::*;
use crate::domain::PaymentError;

const PAYMENT: &str = "01890a5d-ac96-774b-bcce-000000000003";

fn account(number: u8) -> AccountId {
    AccountId::parse(&format!("01890a5d-ac96-774b-bcce-{number:012}")).unwrap()
}

fn payment(amount: i64) -> Payment {
    let new = NewPayment {
        order_id: OrderId::parse("01890a5d-ac96-774b-bcce-000000000002").unwrap(),
        order_number: "M-7K3F-29QD".to_owned(),
        customer_id: account(1),
        amount: MinorUnits::new(amount).unwrap(),
        currency: "USD".parse().unwrap(),
        lines: vec![],
        details: None,
        expires_at: 1_000,
    };
    Payment::open(
        PaymentId::parse(PAYMENT).unwrap(),
        "stripe-mock".into(),
        &new,
        10,
    )
}

fn units(units: i64) -> MinorUnits {
    MinorUnits::new(units).unwrap()
}

fn told(total: i64) -> [RefundTotal; 1] {
    [RefundTotal {
        since: 1,
        until: 1,
        total: units(total),
    }]
}

fn failed(amount: i64) -> ProviderRefund {
    ProviderRefund {
        id: "re_1".into(),
        amount: units(amount),
        created_at: 1,
        failure: Some(crate::domain::RefundFailure {
            at: 2,
            reason: "the card is gone".into(),
        }),
    }
}

fn charge() -> Charge {
    Charge {
        reference: Some("pi_1".into()),
        receipt_url: Some("https://receipt".into()),
    }
}

#[test]
fn a_pending_payment_is_decided_once() {
    type Decide = fn(&mut Payment) -> bool;
    let decisions: [(Decide, PaymentStatus); 3] = [
        (|p| p.succeed(&charge(), 20), PaymentStatus::Succeeded),
        (|p| p.fail("declined", 20), PaymentStatus::Failed),
        (|p| p.cancel("expired", 20), PaymentStatus::Cancelled),
    ];
    for (decide, status) in decisions {
        let mut payment = payment(100);
        assert!(decide(&mut payment));
        assert_eq!(
            (payment.status, payment.version, payment.updated_at),
            (status, 2, 20)
        );
        assert!(!decide(&mut payment));
        assert!(!payment.fail("again", 30));
        assert!(!payment.cancel("again", 30));
        assert_eq!(
            (payment.status, payment.version, payment.updated_at),
            (status, 2, 20)
        );
    }
}

#[test]
fn money_on_its_way_is_awaited_until_it_is_decided() {
    let mut payment = payment(100);
    let session = CheckoutSession {
        id: "cs_1".into(),
        url: "https://pay".into(),
        expires_at: 1_000,
    };
    payment.record_session(1, session, 20);
    assert!(payment.await_money(20) && !payment.await_money(21));
    assert!(payment.is_processing && payment.is_pending());
    assert_eq!(payment.usable_session(30), None);
    let mut failed = payment.clone();
    assert!(failed.fail("declined", 30) && !failed.is_processing);
    assert!(payment.succeed(&charge(), 30) && !payment.is_processing);
    assert!(!payment.await_money(40) && !failed.await_money(40));
}

#[test]
fn money_taken_after_all_is_never_ignored() {
    let mut payment = payment(100);
    payment.cancel("expired", 20);
    assert!(payment.succeed(&charge(), 30));
    assert_eq!(
        (payment.status, payment.reason.clone()),
        (PaymentStatus::Succeeded, None)
    );
}

#[test]
fn refunds_add_up_to_the_amount_and_no_further() {
    let mut payment = payment(100);
    assert_eq!(
        payment.amount_to_refund(None),
        Err(PaymentError::Conflict(PaymentStatus::Pending))
    );
    assert!(!payment.record_refunds(&[], &told(50), 15));
    payment.succeed(&charge(), 20);
    assert_eq!(
        payment.amount_to_refund(Some(units(101))),
        Err(PaymentError::RefundExceedsAmount(units(100)))
    );
    assert!(payment.record_refunds(&[], &told(30), 30));
    assert_eq!(
        (payment.status, payment.refundable()),
        (PaymentStatus::Succeeded, units(70))
    );
    assert!(
        !payment.record_refunds(&[], &told(30), 40),
        "the same sum again is no news"
    );
    assert_eq!(
        payment.amount_to_refund(Some(units(71))),
        Err(PaymentError::RefundExceedsAmount(units(70)))
    );
    assert_eq!(payment.amount_to_refund(None), Ok(units(70)));
    assert!(payment.record_refunds(&[], &told(1_000), 50));
    assert_eq!(
        (payment.status, payment.refunded),
        (PaymentStatus::Refunded, units(100))
    );
    assert_eq!(
        payment.amount_to_refund(None),
        Err(PaymentError::Conflict(PaymentStatus::Refunded))
    );
}

/// Lines and shipping of quotes given back one by one, in whole minor units: together they are the amount, and the last of them can be given
/// back. Units rounded each by itself come to more (WooCommerce 26734, 30263, 64668): then the last is refused, and what is left is named.
#[test]
fn parts_given_back_one_by_one_end_at_the_amount() {
    // 23.90 × 10 − 25 % = 179.25, which is 17.925 a unit: five of 17.93 and five of 17.92.
    let units_of_ten = [[1_793; 5], [1_792; 5]].concat();
    for parts in [
        units_of_ten.as_slice(),
        &[666, 667, 667],
        &[210, 210],
        &[2_142, 490],
        &[1],
    ] {
        let mut payment = payment(parts.iter().sum());
        payment.succeed(&charge(), 20);
        let mut given_back = 0;
        for part in parts {
            assert_eq!(
                payment.amount_to_refund(Some(units(*part))),
                Ok(units(*part))
            );
            given_back += part;
            assert!(payment.record_refunds(&[], &told(given_back), 30));
            let left = payment.amount.get() - given_back;
            assert_eq!(payment.refundable(), units(left));
            if left > 0 {
                assert_eq!(
                    payment.amount_to_refund(Some(units(left + 1))),
                    Err(PaymentError::RefundExceedsAmount(units(left)))
                );
            }
        }
        assert_eq!(payment.status, PaymentStatus::Refunded, "{parts:?}");
    }
    let mut payment = payment(17_925);
    payment.succeed(&charge(), 20);
    payment.record_refunds(&[], &told(9 * 1_793), 30);
    // 179.25 − 9 × 17.93 = 17.88.
    assert_eq!(
        payment.amount_to_refund(Some(units(1_793))),
        Err(PaymentError::RefundExceedsAmount(units(1_788)))
    );
}

#[test]
fn a_refund_that_fails_later_is_taken_back() {
    for (refunded, left) in [(100, 0), (30, 0), (130, 30)] {
        let mut payment = payment(200);
        payment.succeed(&charge(), 20);
        payment.record_refunds(&[], &told(refunded), 30);
        let version = payment.version;
        let failed = [failed(refunded - left)];
        assert!(payment.record_refunds(&failed, &told(refunded), 40));
        assert_eq!(
            (payment.status, payment.refunded, payment.failed_refunds),
            (
                PaymentStatus::Succeeded,
                units(left),
                units(refunded - left)
            )
        );
        assert_eq!(payment.refund_failure.as_deref(), Some("the card is gone"));
        assert_eq!(payment.version, version + 1);
        assert!(!payment.record_refunds(&failed, &told(refunded), 50));
        assert_eq!(payment.version, version + 1);
        assert_eq!(payment.amount_to_refund(None), Ok(units(200 - left)));
    }
}

#[test]
fn a_whole_refund_that_fails_leaves_the_payment_paid() {
    let mut payment = payment(100);
    payment.succeed(&charge(), 20);
    payment.record_refunds(&[], &told(100), 30);
    assert_eq!(payment.status, PaymentStatus::Refunded);
    payment.record_refunds(&[failed(100)], &told(100), 40);
    assert_eq!(payment.status, PaymentStatus::Succeeded);
}

#[test]
fn a_payment_of_nothing_can_be_refunded_once() {
    let mut payment = payment(0);
    payment.succeed(&Charge::default(), 20);
    assert_eq!(payment.amount_to_refund(None), Ok(MinorUnits::ZERO));
    assert!(payment.give_nothing_back(30));
    assert!(!payment.give_nothing_back(40));
    assert_eq!(payment.status, PaymentStatus::Refunded);
}

#[test]
fn a_late_success_fills_in_what_was_not_known() {
    let mut payment = payment(100);
    payment.succeed(&Charge::default(), 20);
    payment.record_refunds(&[], &told(100), 30);
    assert!(!payment.succeed(&charge(), 40));
    assert_eq!(payment.provider_reference.as_deref(), Some("pi_1"));
    assert_eq!(
        (payment.status, payment.version),
        (PaymentStatus::Refunded, 4)
    );
}

#[test]
fn only_the_newest_session_takes_the_providers_answer() {
    let mut payment = payment(100);
    let session = CheckoutSession {
        id: "cs_1".into(),
        url: "https://pay".into(),
        expires_at: 1_000,
    };
    assert_eq!(
        payment.session_idempotency_key(),
        format!("{PAYMENT}:session:1")
    );
    assert!(payment.record_session(1, session.clone(), 20));
    assert!(!payment.record_session(1, session.clone(), 20));
    assert_eq!(payment.usable_session(999), Some(&session));
    assert_eq!(payment.usable_session(1_000), None);
    assert!(payment.session_has_expired(1_000));
    payment.begin_next_session(2_000, 1_000);
    assert!(!payment.record_session(1, session, 1_001));
    assert_eq!(
        payment.session_idempotency_key(),
        format!("{PAYMENT}:session:2")
    );
    assert!(!payment.session_has_expired(1_001));
}

#[test]
fn customers_see_only_their_own() {
    let payment = payment(100);
    assert!(payment.is_visible_to(&Caller::Customer(account(1))));
    assert!(!payment.is_visible_to(&Caller::Customer(account(2))));
    assert!(
        payment.is_visible_to(&Caller::Admin(account(2))) && payment.is_visible_to(&Caller::System)
    );
}
