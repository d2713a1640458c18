use std::cell::RefCell;
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use mercato_payment_events::EventType;

use super::*;

const EVENT_ID: &str = "01939f6e-8a00-7000-8000-000000000001";
const OTHER_ID: &str = "01939f6e-8a00-7000-8000-000000000009";

fn event() -> PaymentEvent {
    PaymentEvent {
        id: EVENT_ID.into(),
        event_type: EventType::Succeeded,
        time: 1_700_000_000_123,
        order_id: "01939f6e-8a00-7000-8000-000000000002".into(),
        payment_id: "01939f6e-8a00-7000-8000-000000000003".into(),
        amount: 1_999,
        refunded_amount: 0,
        currency: "USD".into(),
        provider_reference: None,
        receipt_url: None,
        reason: None,
    }
}

/// A shop whose payments waits for some events; notes what is asked of it.
#[derive(Default)]
struct FakeShop {
    pending: Vec<PaymentEvent>,
    broken: &'static str,
    calls: RefCell<Vec<String>>,
}

impl FakeShop {
    fn call(&self, name: &str, detail: &str) -> Result<(), String> {
        self.calls
            .borrow_mut()
            .push(format!("{name} {detail}").trim().to_owned());
        if self.broken == name {
            Err("broken".to_owned())
        } else {
            Ok(())
        }
    }
}

impl Shop for FakeShop {
    type Event = PaymentEvent;

    async fn pending_event(
        &self,
        order_id: &str,
        event_id: &str,
    ) -> Result<Option<PaymentEvent>, String> {
        self.call("look-up", "")?;
        let found = self
            .pending
            .iter()
            .find(|event| event.order_id == order_id && event.id == event_id);
        Ok(found.cloned())
    }

    async fn apply(&self, event: PaymentEvent) -> Result<&'static str, String> {
        self.call("apply", &format!("{} {}", event.id, event.amount))?;
        Ok("applied")
    }

    async fn relay(&self, min_interval_ms: u32) -> Result<(), String> {
        self.call("relay", &min_interval_ms.to_string())
    }

    async fn sweep(&self, min_interval_ms: u32) -> Result<(), String> {
        self.call("sweep", &min_interval_ms.to_string())
    }
}

fn run<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("nothing here waits"),
    }
}

fn receive(shop: &FakeShop, message: &[u8]) -> Outcome {
    run(handle(shop, message))
}

fn waiting() -> FakeShop {
    FakeShop {
        pending: vec![event()],
        ..FakeShop::default()
    }
}

#[test]
fn an_event_that_payments_confirms_is_applied() {
    let shop = waiting();
    assert_eq!(
        receive(&shop, event().to_cloud_event_json("/p").as_bytes()),
        Outcome::Applied
    );
    let expected = [
        "look-up".to_owned(),
        format!("apply {EVENT_ID} 1999"),
        "relay 1000".into(),
        "sweep 1000".into(),
    ];
    assert_eq!(*shop.calls.borrow(), expected);
}

#[test]
fn what_is_applied_is_what_payments_has_and_not_what_the_message_says() {
    let shop = waiting();
    let forged = PaymentEvent {
        amount: 1,
        event_type: EventType::Refunded,
        ..event()
    };
    assert_eq!(
        receive(&shop, forged.to_cloud_event_json("/p").as_bytes()),
        Outcome::Applied
    );
    assert!(
        shop.calls
            .borrow()
            .contains(&format!("apply {EVENT_ID} 1999"))
    );
}

#[test]
fn an_event_that_payments_does_not_know_is_ignored() {
    for stranger in [
        PaymentEvent {
            id: OTHER_ID.into(),
            ..event()
        },
        PaymentEvent {
            order_id: OTHER_ID.into(),
            ..event()
        },
    ] {
        let shop = waiting();
        assert_eq!(
            receive(&shop, stranger.to_cloud_event_json("/p").as_bytes()),
            Outcome::Unconfirmed
        );
        assert_eq!(
            *shop.calls.borrow(),
            ["look-up", "relay 1000", "sweep 1000"]
        );
    }
}

#[test]
fn a_malformed_message_is_dropped_and_the_shop_goes_on() {
    let deep = "[".repeat(60_000);
    for message in [
        &b""[..],
        b"\xff\xfe\x00",
        b"{}",
        b"{\"id\":1}",
        deep.as_bytes(),
    ] {
        let shop = waiting();
        assert_eq!(receive(&shop, message), Outcome::Malformed);
        assert_eq!(*shop.calls.borrow(), ["relay 1000", "sweep 1000"]);
    }
}

#[test]
fn a_part_that_fails_does_not_stop_the_others() {
    for (broken, outcome) in [
        ("look-up", Outcome::Failed),
        ("apply", Outcome::Failed),
        ("relay", Outcome::Applied),
        ("sweep", Outcome::Applied),
    ] {
        let shop = FakeShop {
            broken,
            ..waiting()
        };
        assert_eq!(
            receive(&shop, event().to_cloud_event_json("/p").as_bytes()),
            outcome
        );
        assert_eq!(
            shop.calls.borrow().last().map(String::as_str),
            Some("sweep 1000"),
            "{broken}"
        );
    }
}
