use super::*;

const ORDER: &str = "01890a5d-ac96-774b-bcce-b302099a8057";
const OTHER_ORDER: &str = "01890a5d-ac96-774b-bcce-b302099a8058";

fn read(event_type: &str, object: &str) -> Result<WebhookContent, String> {
    let body = format!(
        r#"{{"id":"evt_1","type":"{event_type}","created":1,"data":{{"object":{object}}}}}"#
    );
    super::read(body.as_bytes())
}

fn event(event_type: &str, object: &str) -> ProviderEvent {
    match read(event_type, object) {
        Ok(WebhookContent::Event(event)) => event,
        other => panic!("{other:?}"),
    }
}

fn units(units: i64) -> MinorUnits {
    MinorUnits::new(units).unwrap()
}

#[test]
fn a_completed_session_is_a_payment() {
    let event = event(
        "checkout.session.completed",
        &format!(
            r#"{{"id":"cs_1","client_reference_id":"{}","metadata":{{"order_id":"{ORDER}","payment_id":"p"}},
            "amount_total":1999,"currency":"usd","payment_status":"paid","payment_intent":"pi_1",
            "receipt_url":"https://receipt","unknown":[1]}}"#,
            ORDER.to_uppercase()
        ),
    );
    assert_eq!(
        (event.order_id, event.payment_id.as_deref()),
        (OrderId::parse(ORDER).ok(), Some("p"))
    );
    assert_eq!(event.currency, Some("USD".parse().unwrap()));
    let charge = Charge {
        reference: Some("pi_1".to_owned()),
        receipt_url: Some("https://receipt".to_owned()),
    };
    assert_eq!(
        event.fact,
        Fact::Paid {
            amount: units(1999),
            charge
        }
    );
}

#[test]
fn a_completed_session_that_is_unpaid_waits_for_its_money() {
    let object = format!(
        r#"{{"id":"cs_1","client_reference_id":"{ORDER}","amount_total":1,"currency":"usd","payment_status":"unpaid"}}"#
    );
    assert_eq!(
        event("checkout.session.completed", &object).fact,
        Fact::Processing {
            amount: Some(units(1))
        }
    );
    let paid = object.replace("unpaid", "paid");
    assert!(matches!(
        event("checkout.session.async_payment_succeeded", &paid).fact,
        Fact::Paid { .. }
    ));
}

#[test]
fn ends_of_sessions_and_refunds_are_read() {
    let session =
        format!(r#"{{"id":"cs_1","metadata":{{"order_id":"{ORDER}"}},"amount_total":5}}"#);
    let amount = Some(units(5));
    assert_eq!(
        event("checkout.session.expired", &session).fact,
        Fact::SessionExpired { amount }
    );
    assert_eq!(
        event("checkout.session.async_payment_failed", &session).fact,
        Fact::PaymentFailed { amount }
    );
    let charge = format!(
        r#"{{"id":"ch_1","metadata":{{"order_id":"{ORDER}"}},"amount":10,"amount_refunded":4,"currency":"eur"}}"#
    );
    let fact = event("charge.refunded", &charge).fact;
    let charge = Charge {
        reference: Some("ch_1".to_owned()),
        receipt_url: None,
    };
    assert_eq!(
        fact,
        Fact::Refunded {
            amount: units(10),
            refunded: RefundTotal {
                since: 1,
                until: 1,
                total: units(4),
            },
            charge
        }
    );
}

/// When the recorded refund was told.
const REFUNDED_AT: u64 = 1_700_000_067;
const PAYMENT: &str = "01890a5d-ac96-774b-bcce-b302099a8058";
const INTENT: &str = "pi_3MercatoPaymentIntent0001";
const SESSION: &str = "cs_test_a1Mercato0000000000000000000000000000000000000000000000000";

/// An event in full, as Stripe's documentation shows it.
fn recorded(body: &str) -> Result<WebhookContent, String> {
    super::read(body.as_bytes())
}

fn charge(receipt: bool) -> Charge {
    Charge {
        reference: Some(INTENT.to_owned()),
        receipt_url: receipt
            .then(|| "https://pay.stripe.com/receipts/payment/Mercato0001?s=ap".to_owned()),
    }
}

fn refund_of(failed_at: Option<u64>) -> Fact {
    Fact::Refund(ProviderRefund {
        id: "re_3MercatoRefund0001".to_owned(),
        amount: units(1999),
        created_at: 1_700_000_065,
        failure: failed_at.map(|at| RefundFailure {
            at,
            reason: "lost_or_stolen_card".to_owned(),
        }),
    })
}

#[test]
fn events_are_understood_as_stripe_sends_them() {
    let amount = units(1999);
    for (body, fact) in [
        (
            include_str!("../../../../../../tests/stripe/events/checkout.session.completed.json"),
            Fact::Paid {
                amount,
                charge: charge(false),
            },
        ),
        (
            include_str!(
                "../../../../../../tests/stripe/events/checkout.session.async_payment_succeeded.json"
            ),
            Fact::Paid {
                amount,
                charge: charge(false),
            },
        ),
        (
            include_str!(
                "../../../../../../tests/stripe/events/checkout.session.completed.unpaid.json"
            ),
            Fact::Processing {
                amount: Some(amount),
            },
        ),
        (
            include_str!("../../../../../../tests/stripe/events/charge.succeeded.json"),
            Fact::Paid {
                amount,
                charge: charge(true),
            },
        ),
        (
            include_str!(
                "../../../../../../tests/stripe/events/checkout.session.async_payment_failed.json"
            ),
            Fact::PaymentFailed {
                amount: Some(amount),
            },
        ),
        (
            include_str!("../../../../../../tests/stripe/events/checkout.session.expired.json"),
            Fact::SessionExpired {
                amount: Some(amount),
            },
        ),
        (
            include_str!("../../../../../../tests/stripe/events/refund.created.json"),
            refund_of(None),
        ),
        (
            include_str!("../../../../../../tests/stripe/events/refund.failed.json"),
            refund_of(Some(1_700_432_065)),
        ),
        (
            include_str!("../../../../../../tests/stripe/events/charge.refund.updated.json"),
            refund_of(Some(1_700_432_065)),
        ),
        (
            include_str!("../../../../../../tests/stripe/events/charge.refunded.json"),
            Fact::Refunded {
                amount,
                refunded: RefundTotal {
                    since: REFUNDED_AT,
                    until: REFUNDED_AT,
                    total: units(500),
                },
                charge: charge(true),
            },
        ),
    ] {
        match recorded(body) {
            Ok(WebhookContent::Event(event)) => {
                let subject = if !event.name.starts_with("checkout.") {
                    Subject::Charge(INTENT.to_owned())
                } else {
                    Subject::Session(SESSION.to_owned())
                };
                assert_eq!((event.fact, event.subject), (fact, subject));
                assert_eq!(event.order_id, OrderId::parse(ORDER).ok());
                assert_eq!(event.payment_id.as_deref(), Some(PAYMENT));
                assert_eq!(event.currency, Some("USD".parse().unwrap()));
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn disputes_are_understood_as_stripe_sends_them() {
    for (body, status, told_at) in [
        (
            include_str!("../../../../../../tests/stripe/events/charge.dispute.created.json"),
            DisputeStatus::Open,
            1_700_100_000,
        ),
        (
            include_str!("../../../../../../tests/stripe/events/charge.dispute.closed.json"),
            DisputeStatus::Lost,
            1_702_700_000,
        ),
    ] {
        let Ok(WebhookContent::Event(event)) = recorded(body) else {
            panic!("{body}");
        };
        let dispute = Dispute {
            id: "du_1MercatoDispute0001".to_owned(),
            amount: units(1999),
            currency: "USD".parse().unwrap(),
            reason: "fraudulent".to_owned(),
            status,
            told_at,
            created_at: 1_700_100_000,
        };
        assert_eq!(event.fact, Fact::Dispute(dispute));
        assert_eq!(event.subject, Subject::Charge(INTENT.to_owned()));
        assert_eq!(event.order_id, None, "a dispute knows its charge alone");
    }
}

#[test]
fn a_dispute_of_an_unknown_status_goes_on() {
    let created = include_str!("../../../../../../tests/stripe/events/charge.dispute.created.json");
    for (status, expected) in [
        ("warning_needs_response", DisputeStatus::Open),
        ("warning_under_review", DisputeStatus::Open),
        ("under_review", DisputeStatus::Open),
        ("some_new_status", DisputeStatus::Open),
        ("warning_closed", DisputeStatus::Closed),
        ("prevented", DisputeStatus::Closed),
        ("charge_refunded", DisputeStatus::Closed),
        ("won", DisputeStatus::Won),
        ("lost", DisputeStatus::Lost),
    ] {
        let body = created.replace("needs_response", status);
        let Ok(WebhookContent::Event(event)) = recorded(&body) else {
            panic!("{body}");
        };
        assert!(
            matches!(&event.fact, Fact::Dispute(dispute) if dispute.status == expected),
            "{status}"
        );
    }
}

#[test]
fn a_dispute_that_was_closed_has_ended_whatever_its_status() {
    let closed = include_str!("../../../../../../tests/stripe/events/charge.dispute.closed.json");
    let body = closed.replace(r#""status": "lost""#, r#""status": "some_new_end""#);
    assert_ne!(body, closed);
    let Ok(WebhookContent::Event(event)) = recorded(&body) else {
        panic!("{body}");
    };
    assert!(
        matches!(&event.fact, Fact::Dispute(dispute) if dispute.status == DisputeStatus::Closed)
    );
}

#[test]
fn amounts_that_no_money_can_hold_are_refused() {
    let created = include_str!("../../../../../../tests/stripe/events/charge.dispute.created.json");
    for (amount, is_taken) in [
        ("0", true),
        ("922337203685477", true),
        ("922337203685478", false),
        ("9223372036854775807", false),
        ("-1", false),
    ] {
        let body = created.replace(r#""amount": 1999"#, &format!(r#""amount": {amount}"#));
        assert_eq!(recorded(&body).is_ok(), is_taken, "{amount}");
    }
}

#[test]
fn money_that_is_only_set_aside_is_no_payment() {
    let charged = include_str!("../../../../../../tests/stripe/events/charge.succeeded.json");
    let authorized = charged.replace(r#""captured": true"#, r#""captured": false"#);
    assert_ne!(authorized, charged);
    assert!(matches!(
        recorded(&authorized),
        Ok(WebhookContent::Irrelevant(_))
    ));
}

#[test]
fn other_types_and_other_subjects_are_irrelevant() {
    for (event_type, object) in [
        ("customer.created", "{}"),
        ("payment_intent.succeeded", r#"{"anything":[]}"#),
        (
            "checkout.session.completed",
            r#"{"id":"cs_1","amount_total":1,"currency":"usd"}"#,
        ),
        (
            "charge.refunded",
            r#"{"id":"ch_1","metadata":{"order_id":"not an id"}}"#,
        ),
    ] {
        let content = read(event_type, object);
        assert!(
            matches!(content, Ok(WebhookContent::Irrelevant(_))),
            "{event_type}: {content:?}"
        );
    }
}

#[test]
fn events_of_other_types_are_irrelevant_whatever_their_shape() {
    let thin = r#"{"id":"evt_test_65R","object":"v2.core.event","created":"2026-03-05T17:55:26.123Z","livemode":false,
        "type":"v1.billing.meter.error_report_triggered",
        "related_object":{"id":"mtr_1","type":"billing.meter","url":"/v1/billing/meters/mtr_1"}}"#;
    for body in [
        thin,
        r#"{"type":"v2.core.account.updated"}"#,
        r#"{"id":7,"type":"customer.created","data":null}"#,
        r#"{"id":"evt_1","type":"customer.created","data":{"object":null}}"#,
        r#"{"id":"evt_1","type":"customer.created","data":[1]}"#,
        r#"{"id":"evt_1","type":"","data":{}}"#,
    ] {
        let content = recorded(body);
        assert!(
            matches!(content, Ok(WebhookContent::Irrelevant(_))),
            "{body}: {content:?}"
        );
    }
}

#[test]
fn what_cannot_be_read_is_refused() {
    for body in [
        "",
        "{",
        "[]",
        "{}",
        r#"{"id":"evt_1","type":["charge.refunded"]}"#,
        r#"{"id":"evt_1","type":"charge.refunded"}"#,
        r#"{"id":"evt_1","type":"charge.refunded","data":null}"#,
        r#"{"id":"","type":"charge.refunded","data":{"object":{}}}"#,
    ] {
        assert!(super::read(body.as_bytes()).is_err(), "{body}");
    }
    for (event_type, object) in [
        (
            "checkout.session.completed",
            format!(r#"{{"id":"cs_1","client_reference_id":"{ORDER}","currency":"usd"}}"#),
        ),
        (
            "checkout.session.completed",
            format!(r#"{{"id":"cs_1","client_reference_id":"{ORDER}","amount_total":1}}"#),
        ),
        (
            "checkout.session.completed",
            format!(
                r#"{{"id":"cs_1","client_reference_id":"{ORDER}","amount_total":-1,"currency":"usd"}}"#
            ),
        ),
        (
            "checkout.session.completed",
            format!(
                r#"{{"id":"cs_1","client_reference_id":"{ORDER}","amount_total":1.5,"currency":"usd"}}"#
            ),
        ),
        (
            "checkout.session.expired",
            format!(
                r#"{{"id":"cs_1","client_reference_id":"{ORDER}","metadata":{{"order_id":"{OTHER_ORDER}"}}}}"#
            ),
        ),
        (
            "charge.refunded",
            format!(
                r#"{{"id":"ch_1","metadata":{{"order_id":"{ORDER}"}},"amount":1,"currency":"usd"}}"#
            ),
        ),
        (
            "charge.refunded",
            format!(
                r#"{{"id":"ch_1","metadata":{{"order_id":"{ORDER}"}},"amount":1,"amount_refunded":1,"currency":"x"}}"#
            ),
        ),
    ] {
        assert!(read(event_type, &object).is_err(), "{event_type}: {object}");
    }
}
