use mercato_kernel::Caller;

use super::shop::{AMOUNT, ORDER, Shop, account, admin, id_of, run, units};
use crate::application::commands::{IDEMPOTENCY_KEY_TTL_MS, RefundOutcome, refund_payment};
use crate::domain::{EventType, PaymentError, PaymentStatus};

/// Longer than any pause before a refund is taken up again.
const LATER_MS: u64 = 10 * 60 * 1_000;

#[test]
fn a_whole_refund_ends_the_payment() {
    let shop = Shop::with_paid_order();
    let refunded = shop.refund(None, None).unwrap();
    assert_eq!(
        (refunded.status, refunded.refunded),
        (PaymentStatus::Refunded, units(AMOUNT))
    );
    assert_eq!(shop.published_types(), [EventType::Refunded]);
    assert_eq!(
        shop.refund(None, None),
        Err(PaymentError::Conflict(PaymentStatus::Refunded))
    );
    assert_eq!(shop.provider.refunded(), AMOUNT);
}

#[test]
fn refunds_in_part_never_exceed_the_amount() {
    let shop = Shop::with_paid_order();
    assert_eq!(
        shop.refund(Some(1_000), None).unwrap().status,
        PaymentStatus::Succeeded
    );
    assert_eq!(
        shop.refund(Some(1_000), None),
        Err(PaymentError::RefundExceedsAmount(units(999)))
    );
    assert_eq!(shop.refund(Some(900), None).unwrap().refunded, units(1_900));
    assert_eq!(
        shop.refund(None, None).unwrap().status,
        PaymentStatus::Refunded
    );
    assert_eq!(shop.provider.refunded(), AMOUNT);
    let sums: Vec<_> = shop
        .entries()
        .iter()
        .map(|entry| entry.event.refunded.get())
        .collect();
    assert_eq!(sums, [1_000, 1_900, AMOUNT]);
}

#[test]
fn only_a_paid_payment_can_be_refunded() {
    let shop = Shop::with_pending_order();
    assert_eq!(
        shop.refund(None, None),
        Err(PaymentError::Conflict(PaymentStatus::Pending))
    );
    shop.cancel().unwrap();
    assert_eq!(
        shop.refund(None, None),
        Err(PaymentError::Conflict(PaymentStatus::Cancelled))
    );
    assert_eq!(shop.provider.refunded(), 0);
}

#[test]
fn a_refund_of_an_older_version_is_refused_unless_it_was_made() {
    let shop = Shop::with_paid_order();
    let version = shop.payment().version;
    let refund = |version: u64, key: &str| {
        let command = refund_payment::Command {
            requested_by: admin(),
            payment_id: shop.payment().id,
            amount: Some(100),
            reason: None,
            idempotency_key: Some(key.to_owned()),
            expected_version: Some(version),
        };
        run(refund_payment::handle(&shop, command)).map(drop)
    };
    for other in [version - 1, version + 1] {
        assert_eq!(refund(other, "other"), Err(PaymentError::VersionMismatch));
    }
    assert_eq!(shop.provider.refunded(), 0);
    assert_eq!(refund(version, "first"), Ok(()));
    assert_eq!(refund(version, "first"), Ok(()), "the same request again");
    assert_eq!(refund(version, "late"), Err(PaymentError::VersionMismatch));
    assert_eq!(refund(shop.payment().version, "next"), Ok(()));
    assert_eq!(shop.provider.refunded(), 200);
}

#[test]
fn a_request_that_breaks_a_rule_refunds_nothing() {
    let shop = Shop::with_paid_order();
    let valid = refund_payment::Command {
        requested_by: admin(),
        payment_id: shop.payment().id,
        amount: Some(1),
        reason: None,
        idempotency_key: None,
        expected_version: None,
    };
    for (field, command) in [
        (
            "amount",
            refund_payment::Command {
                amount: Some(0),
                ..valid.clone()
            },
        ),
        (
            "amount",
            refund_payment::Command {
                amount: Some(-1),
                ..valid.clone()
            },
        ),
        (
            "reason",
            refund_payment::Command {
                reason: Some(" ".to_owned()),
                ..valid.clone()
            },
        ),
        (
            "reason",
            refund_payment::Command {
                reason: Some("a\nb".to_owned()),
                ..valid.clone()
            },
        ),
        (
            "reason",
            refund_payment::Command {
                reason: Some("x".repeat(501)),
                ..valid.clone()
            },
        ),
        (
            "Idempotency-Key",
            refund_payment::Command {
                idempotency_key: Some(String::new()),
                ..valid.clone()
            },
        ),
        (
            "Idempotency-Key",
            refund_payment::Command {
                idempotency_key: Some("a b".to_owned()),
                ..valid.clone()
            },
        ),
        (
            "Idempotency-Key",
            refund_payment::Command {
                idempotency_key: Some("k".repeat(256)),
                ..valid.clone()
            },
        ),
    ] {
        match run(refund_payment::handle(&shop, command)) {
            Err(PaymentError::Invalid(errors)) => assert_eq!(errors[0].field, field),
            other => panic!("{field}: {other:?}"),
        }
    }
    let unknown = refund_payment::Command {
        payment_id: id_of(ORDER),
        ..valid
    };
    assert_eq!(
        run(refund_payment::handle(&shop, unknown)),
        Err(PaymentError::NotFound)
    );
    assert_eq!(shop.provider.refunded(), 0);
}

#[test]
fn an_idempotency_key_refunds_once_what_it_was_used_for() {
    let shop = Shop::with_paid_order();
    let first = shop.refund(Some(500), Some("key")).unwrap();
    assert_eq!(shop.refund(Some(500), Some("key")).unwrap(), first);
    assert_eq!(
        shop.refund(Some(501), Some("key")),
        Err(PaymentError::IdempotencyKeyReused)
    );
    assert_eq!(
        shop.refund(None, Some("key")),
        Err(PaymentError::IdempotencyKeyReused)
    );
    assert_eq!(shop.provider.refunded(), 500);
    shop.advance(IDEMPOTENCY_KEY_TTL_MS - 1);
    assert_eq!(shop.refund(Some(500), Some("key")).unwrap(), first);
    shop.advance(1);
    assert_eq!(
        shop.refund(Some(500), Some("key")).unwrap().refunded,
        units(1_000)
    );
    assert_eq!(
        shop.refund(Some(500), Some("key")).unwrap().refunded,
        units(1_000)
    );
}

#[test]
fn a_whole_refund_can_be_repeated_by_its_key() {
    let shop = Shop::with_paid_order();
    let first = shop.refund(None, Some("key")).unwrap();
    assert_eq!(shop.refund(None, Some("key")).unwrap(), first);
    assert_eq!(shop.event_types(), [EventType::Refunded]);
}

#[test]
fn a_refund_waits_for_a_provider_that_is_down() {
    let shop = Shop::with_paid_order();
    shop.provider.down.set(true);
    assert_eq!(
        shop.refund(Some(500), Some("key")),
        Err(PaymentError::ProviderUnavailable)
    );
    assert_eq!(shop.payment().refunded, units(0));
    shop.provider.down.set(false);
    assert_eq!(
        shop.refund(Some(500), Some("key")).unwrap().refunded,
        units(500)
    );
    assert_eq!(shop.provider.refunds.borrow().len(), 1);
}

#[test]
fn the_relay_takes_up_a_refund_that_nobody_finished() {
    let shop = Shop::with_paid_order();
    shop.provider.down.set(true);
    assert!(shop.refund(Some(500), None).is_err());
    shop.advance(LATER_MS);
    shop.relay();
    assert_eq!(
        shop.payment().refunded,
        units(0),
        "the provider is still down"
    );
    shop.provider.down.set(false);
    shop.relay();
    assert_eq!(
        shop.payment().refunded,
        units(0),
        "its next attempt is not due yet"
    );
    shop.advance(LATER_MS);
    shop.relay();
    assert_eq!(shop.payment().refunded, units(500));
    assert_eq!(shop.published_types(), [EventType::Refunded]);
}

#[test]
fn the_next_refund_finishes_the_one_before_it() {
    let shop = Shop::with_paid_order();
    shop.provider.down.set(true);
    assert!(shop.refund(Some(1_500), Some("first")).is_err());
    assert_eq!(
        shop.refund(Some(400), Some("second")),
        Err(PaymentError::Unavailable)
    );
    shop.provider.down.set(false);
    assert_eq!(
        shop.refund(Some(400), Some("second")).unwrap().refunded,
        units(1_900)
    );
    assert_eq!(
        shop.refund(Some(100), Some("third")),
        Err(PaymentError::RefundExceedsAmount(units(99)))
    );
    assert_eq!(shop.provider.refunded(), 1_900);
}

#[test]
fn without_a_key_the_same_request_under_way_is_a_repetition() {
    let shop = Shop::with_paid_order();
    shop.provider.down.set(true);
    assert!(shop.refund(Some(500), None).is_err());
    shop.provider.down.set(false);
    assert_eq!(shop.refund(Some(500), None).unwrap().refunded, units(500));
    assert_eq!(
        shop.refund(Some(500), None).unwrap().refunded,
        units(1_000),
        "a new one afterwards"
    );
}

#[test]
fn a_refused_refund_stays_refused_and_blocks_nobody() {
    let shop = Shop::with_paid_order();
    shop.provider.refuses.set(true);
    let refused = Err(PaymentError::ProviderRejected("no".to_owned()));
    assert_eq!(shop.refund(Some(500), Some("key")), refused);
    shop.provider.refuses.set(false);
    assert_eq!(shop.refund(Some(500), Some("key")), refused);
    assert_eq!(
        shop.refund(Some(600), Some("other")).unwrap().refunded,
        units(600)
    );
    assert_eq!(shop.event_types(), [EventType::Refunded]);
}

#[test]
fn a_refund_that_the_webhook_told_first_is_not_counted_twice() {
    let shop = Shop::with_paid_order();
    let refund = |shop: &Shop| shop.refund(Some(500), Some("key"));
    assert_eq!(shop.crash_at(1, super::shop::Side::After, refund), None);
    assert_eq!(
        shop.provider.refunded(),
        500,
        "done, but its answer was lost"
    );
    shop.webhook(&shop.refunded_event("evt_2", 500)).unwrap();
    assert_eq!(
        shop.refund(Some(500), Some("key")).unwrap().refunded,
        units(500)
    );
    assert_eq!(shop.event_types(), [EventType::Refunded]);
}

#[test]
fn a_refund_is_answered_again_byte_for_byte() {
    let shop = Shop::with_paid_order();
    let asked = || shop.refund_by(&admin(), Some(500), Some("key"));
    assert!(matches!(asked(), Ok(RefundOutcome::Refunded(_))));
    let kept = shop.record_answer("key", 200, b"first \xff bytes");
    assert_eq!(shop.record_answer("key", 200, b"second"), kept);
    shop.refund(Some(100), None).unwrap();
    assert_eq!(asked(), Ok(RefundOutcome::Replayed(kept)));
    assert_eq!(
        shop.refund_by(&admin(), Some(501), Some("key")),
        Err(PaymentError::IdempotencyKeyReused)
    );
    assert_eq!(shop.provider.refunded(), 600);
}

#[test]
fn a_refund_that_has_not_ended_keeps_no_answer() {
    let shop = Shop::with_paid_order();
    assert_eq!(shop.record_answer("unknown", 200, b"x").body, b"x");
    shop.provider.down.set(true);
    assert!(shop.refund(Some(500), Some("key")).is_err());
    assert_eq!(shop.record_answer("key", 202, b"waits").body, b"waits");
    shop.provider.down.set(false);
    assert_eq!(
        shop.refund(Some(500), Some("key")).unwrap().refunded,
        units(500)
    );
}

#[test]
fn a_key_belongs_to_one_person() {
    let shop = Shop::with_paid_order();
    let another = Caller::Admin(account("01890a5d-ac96-774b-bcce-000000000003"));
    shop.refund(Some(500), Some("key")).unwrap();
    for requested_by in [another, Caller::System] {
        let other = shop.refund_by(&requested_by, Some(10), Some("key"));
        assert!(matches!(other, Ok(RefundOutcome::Refunded(_))));
    }
    assert_eq!(shop.provider.refunded(), 520);
}

#[test]
fn a_key_is_kept_for_a_day_after_its_refund_has_ended() {
    let shop = Shop::with_paid_order();
    shop.provider.down.set(true);
    assert!(shop.refund(Some(500), Some("key")).is_err());
    shop.advance(IDEMPOTENCY_KEY_TTL_MS);
    shop.provider.down.set(false);
    shop.relay();
    assert_eq!(shop.provider.refunded(), 500, "at last");
    shop.advance(IDEMPOTENCY_KEY_TTL_MS - 1);
    let again = shop.refund(Some(500), Some("key")).unwrap();
    assert_eq!(again.refunded, units(500));
    shop.advance(1);
    let anew = shop.refund(Some(500), Some("key")).unwrap();
    assert_eq!(anew.refunded, units(1_000));
}
