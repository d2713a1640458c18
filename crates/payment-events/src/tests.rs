use super::*;
use serde_json::json;

const EVENT_ID: &str = "01939f6e-8a00-7000-8000-000000000001";
const ORDER_ID: &str = "01939f6e-8a00-7000-8000-000000000002";
const PAYMENT_ID: &str = "01939f6e-8a00-7000-8000-000000000003";

fn event() -> PaymentEvent {
    PaymentEvent {
        id: EVENT_ID.into(),
        event_type: EventType::Succeeded,
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

fn read(message: &Value) -> Result<PaymentEvent, MessageError> {
    PaymentEvent::from_cloud_event_json(message.to_string().as_bytes())
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
fn what_is_written_is_read_again() {
    for event_type in EventType::ALL {
        for reason in [
            None,
            Some("card_declined \"insufficient\" \u{1f4b8}\n".to_owned()),
        ] {
            let event = PaymentEvent {
                event_type,
                reason,
                refunded_amount: 7,
                ..event()
            };
            let read =
                PaymentEvent::from_cloud_event_json(event.to_cloud_event_json("/p").as_bytes());
            assert_eq!(read, Ok(event));
        }
    }
}

#[test]
fn extension_attributes_and_absent_options_are_accepted() {
    let mut message = message();
    message["traceparent"] = "00-1-2-01".into();
    for optional in ["providerReference", "receiptUrl", "reason"] {
        message["data"].as_object_mut().unwrap().remove(optional);
    }
    message.as_object_mut().unwrap().remove("datacontenttype");
    let expected = PaymentEvent {
        provider_reference: None,
        receipt_url: None,
        ..event()
    };
    assert_eq!(read(&message), Ok(expected));
}

#[test]
fn every_required_attribute_is_required() {
    for attribute in [
        "specversion",
        "id",
        "source",
        "type",
        "time",
        "subject",
        "data",
    ] {
        let mut message = message();
        message.as_object_mut().unwrap().remove(attribute);
        let error = read(&message).unwrap_err();
        assert!(
            error.to_string().contains(attribute),
            "{attribute}: {error}"
        );
    }
    for member in ["paymentId", "amount", "refundedAmount", "currency"] {
        let mut message = message();
        message["data"].as_object_mut().unwrap().remove(member);
        let error = read(&message).unwrap_err();
        assert!(error.to_string().contains(member), "{member}: {error}");
    }
}

#[test]
fn a_value_that_breaks_its_rule_is_named() {
    let broken = [
        ("/specversion", json!("0.3"), "specversion"),
        ("/type", json!("payment.exploded"), "payment.exploded"),
        ("/id", json!("1"), "id must be a UUID"),
        ("/subject", json!("../orders"), "subject must be a UUID"),
        ("/source", json!(""), "source"),
        ("/time", json!("yesterday"), "time"),
        ("/time", json!("2026-02-30T00:00:00.000Z"), "time"),
        ("/datacontenttype", json!("text/xml"), "datacontenttype"),
        ("/data/paymentId", json!("x"), "data.paymentId"),
        ("/data/amount", json!(-1), "data.amount"),
        ("/data/amount", json!(10.5), "not a CloudEvent"),
        ("/data/amount", json!(u64::MAX), "not a CloudEvent"),
        ("/data/refundedAmount", json!(2_000), "data.refundedAmount"),
        ("/data/refundedAmount", json!(-1), "data.refundedAmount"),
        ("/data/currency", json!("usd"), "data.currency"),
        ("/data/currency", json!("DOLLAR"), "data.currency"),
        ("/data", json!("text"), "not a CloudEvent"),
    ];
    for (pointer, value, part) in broken {
        let mut message = message();
        *message.pointer_mut(pointer).unwrap() = value.clone();
        let error = read(&message).unwrap_err().to_string();
        assert!(error.contains(part), "{pointer} = {value}: {error}");
    }
}

#[test]
fn rubbish_and_long_messages_are_refused() {
    for rubbish in [
        &b""[..],
        b"\xff\xfe",
        b"null",
        b"[]",
        b"{}",
        b"{\"id\":",
        b"PING",
    ] {
        let read = PaymentEvent::from_cloud_event_json(rubbish);
        assert!(
            matches!(read, Err(MessageError::Malformed(_))),
            "{rubbish:?}: {read:?}"
        );
    }
    let deep = "[".repeat(MESSAGE_MAX_BYTES);
    assert!(matches!(
        PaymentEvent::from_cloud_event_json(deep.as_bytes()),
        Err(MessageError::Malformed(_))
    ));
    let long = " ".repeat(MESSAGE_MAX_BYTES + 1);
    assert_eq!(
        PaymentEvent::from_cloud_event_json(long.as_bytes()),
        Err(MessageError::TooLong(MESSAGE_MAX_BYTES + 1))
    );
}

#[test]
fn channels_and_types_correspond() {
    for event_type in EventType::ALL {
        assert_eq!(
            EventType::from_channel(event_type.channel()),
            Some(event_type)
        );
    }
    assert_eq!(EventType::from_channel("payment.Succeeded"), None);
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
    let long = " ".repeat(MESSAGE_MAX_BYTES + 1);
    assert_eq!(
        read(&long),
        Err(MessageError::TooLong(MESSAGE_MAX_BYTES + 1))
    );
}
