//! Events without a broker: the port `mercato:payments/publisher` by a request to orders, which applies the event before it answers.
//!
//! Orders believe nothing of a message but the ids that it names, as over Redis, so whoever reaches that path can cause nothing
//! that payments has not recorded.

use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::{Method, Request, StatusCode};
use mercato_contracts::time::within;
use spin_sdk::http::{FullBody, send};

mercato_contracts::component!(
    Component,
    "mercato:shop/payment-publisher",
    "../../../../wit"
);

use bindings::exports::mercato::payments::publisher::Guest;

/// Where orders take events: a path that no public route leads to.
const ADDRESS: &str = "http://orders-api.spin.internal/internal/events";

/// How long orders may take over one event. Applying one takes some twenty statements, which are two round trips each under Spin: at 50
/// ms to the database two seconds. Shorter than the lease of a relay's batch leaves it (`publish_events.rs` of payments).
const TIMEOUT: Duration = Duration::from_secs(3);

/// What the world `payment-publisher` exports.
pub struct Component;

impl Guest for Component {
    /// Orders read the type from the message, so the channel says nothing new.
    async fn publish(_channel: String, message: Vec<u8>) -> Result<(), String> {
        let answered = within(TIMEOUT, hand_over(message)).await;
        answered.unwrap_or_else(|| {
            Err(format!(
                "orders did not answer within {} ms",
                TIMEOUT.as_millis()
            ))
        })
    }
}

async fn hand_over(message: Vec<u8>) -> Result<(), String> {
    let request = Request::builder()
        .method(Method::POST)
        .uri(ADDRESS)
        .header(CONTENT_TYPE, "application/json")
        .header(CONTENT_LENGTH, message.len())
        .body(FullBody::new(Bytes::from(message)))
        .map_err(|error| error.to_string())?;
    let response = send(request)
        .await
        .map_err(|error| format!("orders cannot be asked: {error}"))?;
    outcome(response.status())
}

/// What an answer means. Orders that fail over one event are there for the others: that event stays in the outbox and comes again with
/// growing pauses. Orders that are not there, or cannot be reached, are spared for a while.
fn outcome(status: StatusCode) -> Result<(), String> {
    if status.is_success() || status == StatusCode::INTERNAL_SERVER_ERROR {
        Ok(())
    } else {
        Err(format!("orders answered {}", status.as_u16()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_that_fail_over_one_event_are_there_for_others() {
        for taken in [200, 204, 500] {
            let status = StatusCode::from_u16(taken).unwrap();
            assert_eq!(outcome(status), Ok(()), "{taken}");
        }
        for away in [404, 429, 502, 503, 504] {
            let error = outcome(StatusCode::from_u16(away).unwrap()).unwrap_err();
            assert_eq!(error, format!("orders answered {away}"));
        }
    }
}
