use super::*;
use serde_json::json;

const EVENT_ID: &str = "01939f6e-8a00-7000-8000-000000000001";
const ORDER_ID: &str = "01939f6e-8a00-7000-8000-000000000002";
const PAYMENT_ID: &str = "01939f6e-8a00-7000-8000-000000000003";

fn event() -> PaymentEvent {
    PaymentEvent {
        id: EVENT_ID.into(),
        event_type: "payment.succeeded",
        time: 1_700_000_000_123,
        order_id: ORDER_ID.into(),
        payment_id: PAYMENT_ID.into(),
        amount: 1_999,
        refunded_amount: 0,
        currency: "USD".into(),
        provider_reference: Some("ch_1".into()),
        receipt_url: Some("https://shop.example/receipts/1".into()),
        reason: None,
    }
}

fn message() -> Value {
    serde_json::from_str(&event().to_cloud_event_json("/mercato/payments")).unwrap()
}

#[test]
fn an_event_is_a_cloud_event() {
    assert_eq!(
        message(),
        json!({
            "specversion": "1.0", "id": EVENT_ID, "source": "/mercato/payments", "type": "payment.succeeded",
            "time": "2023-11-14T22:13:20.123Z", "subject": ORDER_ID, "datacontenttype": "application/json",
            "data": {
                "paymentId": PAYMENT_ID, "amount": 1999, "refundedAmount": 0, "currency": "USD",
                "providerReference": "ch_1", "receiptUrl": "https://shop.example/receipts/1", "reason": null,
            },
        })
    );
}

#[test]
fn a_reason_may_be_any_text() {
    let reason = "card_declined \"insufficient\" \u{1f4b8}\n";
    let event = PaymentEvent {
        reason: Some(reason.to_owned()),
        ..event()
    };
    let written: Value = serde_json::from_str(&event.to_cloud_event_json("/p")).unwrap();
    assert_eq!(written["data"]["reason"], reason);
}

#[test]
fn rubbish_and_long_messages_are_refused() {
    let read = EventReference::from_cloud_event_json;
    for rubbish in [
        &b""[..],
        b"\xff\xfe",
        b"null",
        b"[]",
        b"{}",
        b"{\"id\":",
        b"PING",
    ] {
        let read = read(rubbish);
        assert!(
            matches!(read, Err(MessageError::Malformed(_))),
            "{rubbish:?}: {read:?}"
        );
    }
    let deep = "[".repeat(MESSAGE_MAX_BYTES);
    assert!(matches!(
        read(deep.as_bytes()),
        Err(MessageError::Malformed(_))
    ));
    let long = " ".repeat(MESSAGE_MAX_BYTES + 1);
    assert_eq!(
        read(long.as_bytes()),
        Err(MessageError::TooLong(MESSAGE_MAX_BYTES + 1))
    );
}

#[test]
fn a_receiver_reads_the_event_and_its_order_and_nothing_else() {
    let reference = EventReference {
        id: EVENT_ID.into(),
        subject: ORDER_ID.into(),
    };
    let read = |text: &str| EventReference::from_cloud_event_json(text.as_bytes());
    let written = event().to_cloud_event_json("/p");
    assert_eq!(read(&written), Ok(reference.clone()));
    let forged = json!({"id": EVENT_ID.to_uppercase(), "subject": ORDER_ID, "data": "forged"});
    assert_eq!(read(&forged.to_string()), Ok(reference));
    for (broken, part) in [
        (json!({"subject": ORDER_ID}), "id"),
        (json!({"id": EVENT_ID}), "subject"),
        (json!({"id": 1, "subject": ORDER_ID}), "not a CloudEvent"),
        (json!({"id": "1", "subject": ORDER_ID}), "id must be a UUID"),
        (
            json!({"id": EVENT_ID, "subject": "../orders"}),
            "subject must be a UUID",
        ),
    ] {
        let error = read(&broken.to_string()).unwrap_err().to_string();
        assert!(error.contains(part), "{broken}: {error}");
    }
}
