//! Events over Redis pub/sub.

use std::cell::RefCell;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use mercato_payment_events as wire;

use crate::application::ports::{PublishError, Publisher};
use crate::domain::PaymentEvent;
use crate::settings::VariableSettings;
use mercato_contracts::redis::redis::{Connection, Error};

/// How long one event may take, connecting included. Redis answers within a few milliseconds or is in trouble, and
/// customers are waiting meanwhile.
const TIMEOUT: Duration = Duration::from_secs(1);

/// The `source` of our CloudEvents.
const SOURCE: &str = "/mercato/payments";

/// Publishes to Redis over one connection, kept until it fails.
#[derive(Default)]
pub struct RedisPublisher {
    settings: VariableSettings,
    connection: RefCell<Option<Rc<Connection>>>,
}

impl Publisher for RedisPublisher {
    async fn publish(&self, event: &PaymentEvent) -> Result<(), PublishError> {
        let channel = event.event_type.channel();
        let message = message(event).into_bytes();
        let sent = within(TIMEOUT, self.send(channel, message)).await;
        let result = sent.unwrap_or_else(|| {
            Err(PublishError(format!(
                "Redis did not answer within {} ms",
                TIMEOUT.as_millis()
            )))
        });
        if result.is_err() {
            self.connection.replace(None);
        }
        result
    }
}

impl RedisPublisher {
    async fn send(&self, channel: &str, message: Vec<u8>) -> Result<(), PublishError> {
        let connection = self.connection().await?;
        connection
            .publish(channel.to_owned(), message)
            .await
            .map_err(describe)
    }

    async fn connection(&self) -> Result<Rc<Connection>, PublishError> {
        if let Some(connection) = self.connection.borrow().clone() {
            return Ok(connection);
        }
        let address = self.settings.redis_url().await.map_err(PublishError)?;
        let connection = Rc::new(Connection::open(address).await.map_err(describe)?);
        self.connection.replace(Some(Rc::clone(&connection)));
        Ok(connection)
    }
}

fn describe(error: Error) -> PublishError {
    PublishError(match error {
        Error::InvalidAddress => {
            "redis_url is not an address this component may reach: see allowed_outbound_hosts"
                .to_owned()
        }
        Error::TooManyConnections => "too many connections to Redis".to_owned(),
        Error::TypeError => "Redis answered with another type".to_owned(),
        Error::Other(cause) => cause,
    })
}

/// What `work` gives, or `None` when it takes longer than `limit`; it is dropped then.
async fn within<T>(limit: Duration, work: impl Future<Output = T>) -> Option<T> {
    let mut work = pin!(work);
    let mut timer = pin!(mercato_contracts::time::sleep(limit));
    poll_fn(|context| {
        if let Poll::Ready(value) = work.as_mut().poll(context) {
            return Poll::Ready(Some(value));
        }
        timer.as_mut().poll(context).map(|()| None)
    })
    .await
}

fn message(event: &PaymentEvent) -> String {
    let event = wire::PaymentEvent {
        id: event.id.to_string(),
        event_type: event.event_type.channel(),
        time: event.time,
        order_id: event.order_id.to_string(),
        payment_id: event.payment_id.to_string(),
        amount: event.amount.get(),
        refunded_amount: event.refunded.get(),
        currency: event.currency.to_string(),
        provider_reference: event.provider_reference.clone(),
        receipt_url: event.receipt_url.clone(),
        reason: event.reason.clone(),
    };
    event.to_cloud_event_json(SOURCE)
}

#[cfg(test)]
mod tests {
    use mercato_kernel::FromText;
    use serde_json::{Value, json};

    use super::*;
    use crate::domain::{EventType, MinorUnits};

    fn id<T: FromText>(text: &str) -> T {
        T::from_text(text).unwrap()
    }

    #[test]
    fn a_message_says_what_the_event_says() {
        let event = PaymentEvent {
            id: id("01890a5d-ac96-774b-bcce-b302099a8057"),
            event_type: EventType::Refunded,
            time: 1_700_000_000_123,
            order_id: id("01890a5d-ac96-774b-bcce-b302099a8058"),
            payment_id: id("01890a5d-ac96-774b-bcce-b302099a8059"),
            amount: MinorUnits::new(1999).unwrap(),
            refunded: MinorUnits::new(500).unwrap(),
            payment_version: 3,
            currency: "EUR".parse().unwrap(),
            provider_reference: Some("pi_1".to_owned()),
            receipt_url: None,
            reason: Some("two \"words\"".to_owned()),
        };
        let message: Value = serde_json::from_str(&message(&event)).unwrap();
        assert_eq!(
            message,
            json!({
                "specversion": "1.0",
                "id": event.id,
                "source": SOURCE,
                "type": "payment.refunded",
                "time": "2023-11-14T22:13:20.123Z",
                "subject": event.order_id,
                "datacontenttype": "application/json",
                "data": {
                    "paymentId": event.payment_id,
                    "amount": 1999,
                    "refundedAmount": 500,
                    "currency": "EUR",
                    "providerReference": "pi_1",
                    "receiptUrl": null,
                    "reason": "two \"words\"",
                },
            })
        );
    }
}
