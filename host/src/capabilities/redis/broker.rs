//! How messages travel between components: inside this process, or over real servers.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use redis::RedisResult;
use tokio::sync::mpsc;

use super::link::Link;
use crate::sync::lock;

/// Carries messages between components.
pub(crate) enum Broker {
    /// Inside this process.
    Local(LocalBus),
    /// Over real servers.
    Servers(Servers),
}

/// A component's id and its queue.
type Subscriber = (String, mpsc::Sender<Vec<u8>>);

/// Pub/sub inside the process: at most once, like Redis.
#[derive(Default)]
pub(crate) struct LocalBus {
    subscribers: HashMap<String, Vec<Subscriber>>,
}

impl LocalBus {
    /// Lets a component's queue receive the messages of a channel.
    pub(crate) fn subscribe(
        &mut self,
        channel: &str,
        component: &str,
        queue: mpsc::Sender<Vec<u8>>,
    ) {
        self.subscribers
            .entry(channel.to_owned())
            .or_default()
            .push((component.to_owned(), queue));
    }

    /// Hands the message to every subscriber; one whose queue is full loses it.
    pub(crate) fn publish(&self, channel: &str, payload: &[u8]) {
        for (component, queue) in self.subscribers.get(channel).into_iter().flatten() {
            if queue.try_send(payload.to_vec()).is_err() {
                tracing::warn!(%component, channel, "message dropped: the component's queue is full or closed");
            }
        }
    }

    /// Whether every message has been taken.
    pub(crate) fn is_empty(&self) -> bool {
        let mut queues = self.subscribers.values().flatten();
        queues.all(|(_, queue)| queue.capacity() == queue.max_capacity())
    }
}

/// Connections to real servers, one per address, shared by all instances and made again when lost.
#[derive(Default)]
pub(crate) struct Servers(Mutex<HashMap<String, Arc<Link>>>);

impl Servers {
    pub(super) fn link(&self, address: &str) -> RedisResult<Arc<Link>> {
        let mut links = lock(&self.0);
        if let Some(link) = links.get(address) {
            return Ok(Arc::clone(link));
        }
        let link = Arc::new(Link::to(address)?);
        links.insert(address.to_owned(), Arc::clone(&link));
        Ok(link)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_reaches_the_subscribers_of_its_channel_only() {
        let mut bus = LocalBus::default();
        let (paid, mut paid_messages) = mpsc::channel(2);
        let (failed, mut failed_messages) = mpsc::channel(2);
        bus.subscribe("payment.succeeded", "a", paid);
        bus.subscribe("payment.failed", "b", failed);
        bus.publish("payment.succeeded", b"1");
        bus.publish("nobody", b"2");
        assert_eq!(paid_messages.try_recv().unwrap(), b"1");
        assert!(failed_messages.try_recv().is_err());
    }

    #[test]
    fn a_full_queue_drops_the_message_and_does_not_block() {
        let mut bus = LocalBus::default();
        let (queue, mut messages) = mpsc::channel(1);
        bus.subscribe("c", "a", queue);
        bus.publish("c", b"1");
        bus.publish("c", b"2");
        assert_eq!(messages.try_recv().unwrap(), b"1");
        assert!(messages.try_recv().is_err());
    }
}
