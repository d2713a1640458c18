//! Which component receives the messages of which channel.

use std::collections::BTreeMap;

use tokio::sync::mpsc;

use super::plan::{Plan, check_redis};
use crate::capabilities::redis::broker::{Broker, LocalBus, Servers};
use crate::error::Result;
use crate::limits::MESSAGES_QUEUED;
use crate::triggers::redis::Subscriptions;

/// How messages travel.
pub(super) struct Wiring {
    pub broker: Broker,
    /// What each component receives.
    pub queues: Vec<(String, mpsc::Receiver<Vec<u8>>)>,
    /// By server address; empty when messages stay in the process.
    pub subscriptions: BTreeMap<String, Subscriptions>,
}

impl Wiring {
    pub(super) fn new(plan: &Plan) -> Result<Self> {
        let mut senders: BTreeMap<&str, mpsc::Sender<Vec<u8>>> = BTreeMap::new();
        let mut queues = Vec::new();
        let mut bus = LocalBus::default();
        let mut subscriptions: BTreeMap<String, Subscriptions> = BTreeMap::new();
        for trigger in &plan.manifest.trigger.redis {
            let queue = senders.entry(&trigger.component).or_insert_with(|| {
                let (sender, queue) = mpsc::channel(MESSAGES_QUEUED);
                queues.push((trigger.component.clone(), queue));
                sender
            });
            let channel = plan.fill(&trigger.channel)?;
            let template = trigger.address.as_ref().or(plan
                .manifest
                .application
                .trigger
                .redis
                .as_ref()
                .map(|redis| &redis.address));
            let address = plan.fill(template.map_or("", String::as_str))?;
            check_redis(&address)?;
            if plan.settings.redis.is_some() {
                subscriptions
                    .entry(address)
                    .or_default()
                    .entry(channel)
                    .or_default()
                    .push(queue.clone());
            } else {
                bus.subscribe(&channel, &trigger.component, queue.clone());
            }
        }
        let broker = if plan.settings.redis.is_some() {
            Broker::Servers(Servers::default())
        } else {
            Broker::Local(bus)
        };
        Ok(Self {
            broker,
            queues,
            subscriptions,
        })
    }
}
