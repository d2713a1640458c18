//! Messages to components: from the bus inside the process, or from a Redis server.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use redis::aio::PubSub;
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::capabilities::faults::Stopped;
use crate::engine::guest::{Guest, Services};
use crate::engine::pool::{Instance, Lane, NoInstance, Pool};
use crate::error::one_line;
use crate::http::request_id::Purpose;
use crate::limits::{POST_RETURN_TIME, REDIS_BACKOFF, REDIS_PING, REDIS_SILENCE_TIME};
use crate::manifest::allowed_hosts::Target;
use crate::shutdown::Activity;

/// A component that handles messages.
pub(crate) struct MessageComponent {
    pub id: String,
    pub pool: Arc<Pool>,
    pub services: Arc<Services>,
    pub activity: Activity,
    pub request_time: Duration,
}

/// Which components a server's channels lead to.
pub(crate) type Subscriptions = BTreeMap<String, Vec<mpsc::Sender<Vec<u8>>>>;

impl MessageComponent {
    /// Handles the messages of a queue, one after another, until the shop closes and the queue is empty.
    pub(crate) async fn run(self, mut queue: mpsc::Receiver<Vec<u8>>) {
        let closing = self.activity.closing();
        tokio::pin!(closing);
        loop {
            let message = tokio::select! {
                biased;
                message = queue.recv() => message,
                () = &mut closing => return,
            };
            let Some(message) = message else { return };
            let guard = self.activity.begin();
            self.handle(message).await;
            drop(guard);
        }
    }

    /// A message is handled once or not at all: what fails is logged and dropped, as under Spin.
    async fn handle(&self, message: Vec<u8>) {
        let request_id = Purpose::Message.new_id();
        let handled = match self.pool.lease(Lane::Client, None).await {
            Err(NoInstance::Busy) => Err("all instances are busy".to_owned()),
            Err(NoInstance::Broken(cause)) => Err(one_line(&format!("{cause:#}"))),
            Ok(mut lease) => {
                let guest = Guest::of_mut(lease.instance.store.data_mut());
                guest.begin(&request_id, None, 0);
                match timeout(self.request_time, call(&mut lease.instance, message)).await {
                    Err(_) => Err("it took too long; its instance is ended".to_owned()),
                    Ok(Err(cause)) => {
                        self.services.metrics.traps.inc();
                        Err(one_line(&format!("the instance trapped: {cause:#}")))
                    }
                    Ok(Ok((answer, settled))) => {
                        if settled {
                            self.pool.give_back(lease);
                        }
                        answer
                    }
                }
            }
        };
        self.services.metrics.message(&self.id, handled.is_ok());
        if let Err(reason) = handled {
            tracing::error!(component = %self.id, request_id, "message dropped: {reason}");
        }
    }
}

/// Calls the handler; also says whether the instance can be used again.
async fn call(
    instance: &mut Instance,
    message: Vec<u8>,
) -> wasmtime::Result<(Result<(), String>, bool)> {
    let Instance {
        store, messages, ..
    } = instance;
    let handler = messages
        .as_ref()
        .ok_or_else(|| wasmtime::Error::msg("the component does not handle messages"))?;
    let host = &Guest::of(store.data()).host;
    let (stop, is_planned) = (Arc::clone(&host.stop), host.faults.are_planned());
    let run = store.run_concurrent(async |accessor| {
        let answer = handler
            .spin_redis_inbound_redis()
            .call_handle_message(accessor, message)
            .await?;
        let idle = std::future::poll_fn(|cx| accessor.poll_no_interesting_tasks(cx));
        // Under a fault plan nothing depends on how long things take.
        let settled = if is_planned {
            idle.await;
            true
        } else {
            timeout(POST_RETURN_TIME, idle).await.is_ok()
        };
        Ok((
            answer.map_err(|error| format!("the handler returned {error:?}")),
            settled,
        ))
    });
    tokio::select! {
        biased;
        () = stop.seen() => Err(Stopped.into()),
        done = run => done?,
    }
}

/// Listens to a server until the shop closes: when the connection is lost, it is made again and subscribed again.
pub(crate) async fn listen(address: String, subscriptions: Subscriptions, activity: Activity) {
    let closing = activity.closing();
    tokio::pin!(closing);
    let mut state = Listener {
        server: server_name(&address),
        address,
        subscriptions,
        reachable: None,
    };
    tokio::select! {
        () = state.run() => {}
        () = &mut closing => {}
    }
}

struct Listener {
    address: String,
    /// The address without credentials, for the log.
    server: String,
    subscriptions: Subscriptions,
    /// What the log says so far.
    reachable: Option<bool>,
}

impl Listener {
    async fn run(&mut self) {
        let (shortest, longest) = REDIS_BACKOFF;
        let mut pause = shortest;
        loop {
            match self.subscribe().await {
                Ok(subscribed) => {
                    self.note(true, "");
                    pause = shortest;
                    let lost = self.receive(subscribed).await;
                    self.note(false, &lost);
                }
                Err(cause) => self.note(false, &cause),
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(longest);
        }
    }

    /// One line in the log when the server goes, and one when it is back.
    fn note(&mut self, reachable: bool, cause: &str) {
        match (self.reachable, reachable) {
            (None | Some(true), false) => {
                tracing::warn!(server = %self.server, "Redis is not reachable, trying again: {cause}")
            }
            (Some(false), true) => {
                tracing::info!(server = %self.server, "Redis is back, subscribed again")
            }
            (None, true) => tracing::info!(server = %self.server, "subscribed to Redis"),
            _ => {}
        }
        self.reachable = Some(reachable);
    }

    async fn subscribe(&self) -> Result<PubSub, String> {
        let connect = async {
            let client = redis::Client::open(self.address.as_str())?;
            let mut subscribed = client.get_async_pubsub().await?;
            // All at once: over a slow network each command is a journey.
            let channels: Vec<&String> = self.subscriptions.keys().collect();
            subscribed.subscribe(channels).await?;
            Ok::<_, redis::RedisError>(subscribed)
        };
        match timeout(REDIS_SILENCE_TIME, connect).await {
            Ok(result) => result.map_err(|cause| one_line(&cause.to_string())),
            Err(_) => Err("no answer in time".into()),
        }
    }

    /// Hands out messages until the connection ends; says why it did.
    async fn receive(&self, subscribed: PubSub) -> String {
        let (mut sink, mut messages) = subscribed.split();
        loop {
            match timeout(REDIS_PING, messages.next()).await {
                Ok(Some(message)) => {
                    self.hand_out(message.get_channel_name(), message.get_payload_bytes())
                }
                Ok(None) => return "the connection was closed".into(),
                // Nothing for a while: a half-open connection would stay silent for ever.
                Err(_) => match timeout(REDIS_SILENCE_TIME, sink.ping::<redis::Value>()).await {
                    Ok(Ok(_)) => {}
                    Ok(Err(cause)) => return one_line(&cause.to_string()),
                    Err(_) => return "no answer to a ping".into(),
                },
            }
        }
    }

    fn hand_out(&self, channel: &str, payload: &[u8]) {
        for queue in self.subscriptions.get(channel).into_iter().flatten() {
            if queue.try_send(payload.to_vec()).is_err() {
                tracing::warn!(
                    channel,
                    "message dropped: a component's queue is full or closed"
                );
            }
        }
    }
}

/// Host and port of an address, for messages: never its credentials.
pub(crate) fn server_name(address: &str) -> String {
    Target::parse(address, "redis").map_or_else(
        || "a Redis server".to_owned(),
        |target| format!("{}:{}", target.host, target.port.unwrap_or_default()),
    )
}

/// All channels of all servers, for the log.
pub(crate) fn channels(subscriptions: &Subscriptions) -> BTreeSet<&str> {
    subscriptions.keys().map(String::as_str).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_stay_out_of_the_log() {
        assert_eq!(
            server_name("redis://user:hunter2@cache.example:7000/1"),
            "cache.example:7000"
        );
        assert_eq!(server_name("redis://127.0.0.1"), "127.0.0.1:6379");
        assert_eq!(server_name("://"), "a Redis server");
    }
}
