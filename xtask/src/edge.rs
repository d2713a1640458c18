//! The application for hosted platforms: its HTTP components alone, on PostgreSQL, with events that go from component to component
//! instead of over Redis, and without timers.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result};
use toml_edit::{DocumentMut, Item, Table, Value};

use crate::{stripe::template, variant::Events};

/// How a composition makes what events leave by, and how where there is no Redis.
const PUBLISHERS: [&str; 2] = [
    "new mercato:redis-publisher ",
    "new mercato:orders-publisher ",
];

/// What only a composition that Redis calls exports.
const REDIS_EXPORT: &str = "spin:redis/inbound-redis";

/// The variable with the address of Redis.
const REDIS_URL: &str = "redis_url";

/// The component that events go to, as a host that others may ask.
const ORDERS: &str = "http://orders-api.spin.internal";

/// What the runner's timers are set by.
const TIMER: [&str; 2] = ["every_ms", "path"];

/// A composition with each way for events; with none when it publishes none. What Redis calls is there with Redis alone.
pub fn compositions(source: String) -> Vec<(Option<Events>, String)> {
    let [over_redis, over_http] = PUBLISHERS;
    if !source.contains(over_redis) {
        return vec![(None, source)];
    }
    if source.contains(REDIS_EXPORT) {
        return vec![(Some(Events::Redis), source)];
    }
    let direct = source.replace(over_redis, over_http);
    vec![(Some(Events::Http), direct), (Some(Events::Redis), source)]
}

/// Makes a manifest one without Redis and timers: what was granted Redis may ask orders instead.
#[allow(clippy::indexing_slicing, reason = "what is missing is added")]
pub fn change(manifest: &mut DocumentMut) -> Result<()> {
    remove(&mut manifest["application"], &["trigger"]);
    remove(&mut manifest["trigger"], &["redis"]);
    remove(&mut manifest["variables"], &[REDIS_URL]);
    let called = called(manifest)?;
    let components = manifest["component"].as_table_mut();
    let components = components.context("the manifest has no components")?;
    components.retain(|name, _| called.contains(name));
    for (_, component) in components.iter_mut() {
        remove(&mut component["variables"], &[REDIS_URL]);
        let hosts = component["allowed_outbound_hosts"].as_array_mut();
        for host in hosts.into_iter().flat_map(|hosts| hosts.iter_mut()) {
            if host.as_str() == Some(&template(REDIS_URL)) {
                *host = Value::from(ORDERS).decorated(" ", "");
            }
        }
        let Some(tool) = component["tool"]["mercato"].as_table_mut() else {
            continue;
        };
        if TIMER.iter().any(|key| tool.contains_key(key)) {
            TIMER.iter().for_each(|key| drop(tool.remove(key)));
            // What the comment says of timers.
            tool.decor_mut().set_prefix("\n");
        }
    }
    Ok(())
}

fn remove(item: &mut Item, keys: &[&str]) {
    if let Some(table) = item.as_table_mut() {
        keys.iter().for_each(|key| drop(table.remove(key)));
    }
}

/// The components that have a route.
fn called(manifest: &DocumentMut) -> Result<BTreeSet<String>> {
    let triggers = manifest.get("trigger").and_then(Item::as_table);
    let routes = triggers.and_then(|triggers| triggers.get("http")?.as_array_of_tables());
    let routes = routes.context("the manifest has no routes")?.iter();
    let component = |route: &Table| Some(route.get("component")?.as_str()?.to_owned());
    Ok(routes.filter_map(component).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPIN: &str = include_str!("../../spin.toml");

    fn changed() -> DocumentMut {
        let mut manifest = SPIN.parse().unwrap();
        change(&mut manifest).unwrap();
        manifest
    }

    #[test]
    fn nothing_is_left_of_redis_and_of_timers() {
        let text = changed().to_string();
        for gone in ["redis", "every_ms", "order-events", "/internal/sweep"] {
            assert!(!text.contains(gone), "{gone}");
        }
        assert!(text.contains("admit = "));
    }

    #[test]
    fn who_was_granted_redis_may_ask_orders_and_nobody_else() {
        let original: DocumentMut = SPIN.parse().unwrap();
        let manifest = changed();
        for (name, component) in manifest["component"].as_table().unwrap() {
            let hosts = |item: &Item| {
                let hosts = item.get("allowed_outbound_hosts").and_then(Item::as_array);
                let hosts = hosts.into_iter().flatten();
                let names: BTreeSet<_> = hosts
                    .map(|host| host.as_str().unwrap().to_owned())
                    .collect();
                names
            };
            let mut expected = hosts(&original["component"][name]);
            if expected.remove(&template(REDIS_URL)) {
                expected.insert(ORDERS.to_owned());
            }
            assert_eq!(hosts(component), expected, "{name}");
        }
    }

    #[test]
    fn what_redis_calls_is_composed_with_redis_alone() {
        let publishes = "let a = new mercato:redis-publisher { ... };";
        let direct = "let a = new mercato:orders-publisher { ... };";
        let both = [
            (Some(Events::Http), direct.to_owned()),
            (Some(Events::Redis), publishes.to_owned()),
        ];
        assert_eq!(compositions(publishes.to_owned()), both);
        let called = format!("{publishes}\nexport a[\"spin:redis/inbound-redis@3.0.0\"];");
        assert_eq!(
            compositions(called.clone()),
            [(Some(Events::Redis), called)]
        );
        let other = "let a = new mercato:gateway { ... };".to_owned();
        assert_eq!(compositions(other.clone()), [(None, other)]);
    }
}
