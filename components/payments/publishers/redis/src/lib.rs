//! Events over Redis pub/sub: the port `mercato:payments/publisher`.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use mercato_contracts::redis::redis::{Connection, Error};
use mercato_contracts::time::within;
use mercato_contracts::variables::variables;

mercato_contracts::component!(
    Component,
    "mercato:shop/payment-publisher",
    "../../../../wit"
);

use bindings::exports::mercato::payments::publisher::Guest;

/// How long one event may take, connecting included. Redis answers within a few milliseconds or is in trouble, and
/// customers are waiting meanwhile.
const TIMEOUT: Duration = Duration::from_secs(1);

/// What the world `payment-publisher` exports.
pub struct Component;

thread_local! {
    /// Kept until it fails.
    static CONNECTION: RefCell<Option<Rc<Connection>>> = const { RefCell::new(None) };
}

impl Guest for Component {
    async fn publish(channel: String, message: Vec<u8>) -> Result<(), String> {
        let sent = within(TIMEOUT, send(channel, message)).await;
        let result = sent.unwrap_or_else(|| {
            Err(format!(
                "Redis did not answer within {} ms",
                TIMEOUT.as_millis()
            ))
        });
        if result.is_err() {
            CONNECTION.set(None);
        }
        result
    }
}

async fn send(channel: String, message: Vec<u8>) -> Result<(), String> {
    let connection = connection().await?;
    connection.publish(channel, message).await.map_err(describe)
}

async fn connection() -> Result<Rc<Connection>, String> {
    if let Some(connection) = CONNECTION.with_borrow(Clone::clone) {
        return Ok(connection);
    }
    let connection = Rc::new(Connection::open(address().await?).await.map_err(describe)?);
    CONNECTION.set(Some(Rc::clone(&connection)));
    Ok(connection)
}

/// Where Redis is.
async fn address() -> Result<String, String> {
    variables::get("redis_url".to_owned())
        .await
        .map_err(|error| {
            let cause = match error {
                variables::Error::InvalidName(cause)
                | variables::Error::Undefined(cause)
                | variables::Error::Provider(cause)
                | variables::Error::Other(cause) => cause,
            };
            format!("the variable redis_url cannot be read ({cause}); grant it in spin.toml")
        })
}

fn describe(error: Error) -> String {
    match error {
        Error::InvalidAddress => {
            "redis_url is not an address this component may reach: see allowed_outbound_hosts"
                .to_owned()
        }
        Error::TooManyConnections => "too many connections to Redis".to_owned(),
        Error::TypeError => "Redis answered with another type".to_owned(),
        Error::Other(cause) => cause,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_out_of_reach_is_said_to_be_one() {
        let cause = describe(Error::InvalidAddress);
        assert!(cause.contains("allowed_outbound_hosts"), "{cause}");
        assert_eq!(describe(Error::Other("no route".to_owned())), "no route");
    }
}
