//! `spin:redis`: to a real server, or, without one, publish only and inside this process.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use redis::{Cmd, ErrorKind, FromRedisValue, RedisError, Value};
use tokio::sync::mpsc;
use wasmtime::component::{Accessor, HasSelf, Resource};

use crate::bindings::spin::redis::redis::{
    Connection as ConnectionResource, Error, Host, HostConnection, HostConnectionWithStore,
    RedisParameter, RedisResult,
};
use crate::faults::{CallKind, Fault, Stopped};
use crate::guest::Guest;
use crate::limits::CONNECTIONS_PER_INSTANCE;

mod link;

use link::Link;

/// What a guest hears when it asks for more than pub/sub and there is no server.
const NO_SERVER: &str =
    "without a Redis server only publish is offered; start the runner with --redis URL";

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
    fn link(&self, address: &str) -> Result<Arc<Link>, Error> {
        let mut links = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(link) = links.get(address) {
            return Ok(Arc::clone(link));
        }
        let link = Arc::new(Link::to(address).map_err(|_| Error::InvalidAddress)?);
        links.insert(address.to_owned(), Arc::clone(&link));
        Ok(link)
    }
}

/// Runs a command on a server.
async fn run<T: FromRedisValue>(link: &Arc<Link>, command: Cmd) -> Result<T, Error> {
    let answer = link.run(command).await;
    answer
        .and_then(|value| Ok(redis::from_redis_value(value)?))
        .map_err(|error| to_error(&error))
}

fn to_error(error: &RedisError) -> Error {
    if error.kind() == ErrorKind::UnexpectedReturnType || error.code() == Some("WRONGTYPE") {
        Error::TypeError
    } else {
        Error::Other(error.to_string())
    }
}

/// A guest's connection: an address that was granted.
pub struct GuestConnection {
    address: Arc<str>,
}

/// Where a command goes.
enum Route {
    Local,
    Server(Arc<Link>),
}

impl Guest {
    fn open_redis(
        &mut self,
        address: &str,
    ) -> wasmtime::Result<Result<Resource<ConnectionResource>, Error>> {
        if !self.component.hosts.allows_address(address, "redis") {
            tracing::warn!(component = %self.component.id, "Redis connection denied; grant the address in allowed_outbound_hosts");
            return Ok(Err(Error::InvalidAddress));
        }
        if redis::Client::open(address).is_err() {
            return Ok(Err(Error::InvalidAddress));
        }
        if self.handles >= CONNECTIONS_PER_INSTANCE {
            return Ok(Err(Error::TooManyConnections));
        }
        self.handles += 1;
        Ok(Ok(self.table.push(GuestConnection {
            address: address.into(),
        })?))
    }

    fn route(&self, connection: &Resource<ConnectionResource>) -> Result<Route, Error> {
        let connection = self
            .table
            .get(connection)
            .map_err(|_| Error::Other("could not find connection for resource".into()))?;
        match &self.services.broker {
            Broker::Local(_) => Ok(Route::Local),
            Broker::Servers(servers) => {
                self.pace.let_go();
                servers.link(&connection.address).map(Route::Server)
            }
        }
    }
}

/// Runs a command that only a real server understands.
async fn command<T: FromRedisValue>(
    accessor: &Accessor<Guest, HasSelf<Guest>>,
    connection: Resource<ConnectionResource>,
    command: Cmd,
) -> wasmtime::Result<Result<T, Error>> {
    match accessor.with(|mut access| access.get().route(&connection)) {
        Ok(Route::Server(link)) => Ok(run(&link, command).await),
        Ok(Route::Local) => Ok(Err(Error::Other(NO_SERVER.into()))),
        Err(error) => Ok(Err(error)),
    }
}

async fn publish(
    accessor: &Accessor<Guest, HasSelf<Guest>>,
    connection: Resource<ConnectionResource>,
    channel: &str,
    payload: &[u8],
) -> wasmtime::Result<Result<(), Error>> {
    let (stop, route, services, component) = accessor.with(|mut access| {
        let guest = access.get();
        (
            guest.stop(),
            guest.route(&connection),
            Arc::clone(&guest.services),
            Arc::clone(&guest.component),
        )
    });
    stop.check()?;
    let route = match route {
        Ok(route) => route,
        Err(error) => return Ok(Err(error)),
    };
    let fault = services
        .faults
        .ask(&component.id, CallKind::Publish, channel, payload)
        .await;
    match &fault {
        Fault::Pass | Fault::StopAfter | Fault::Then(_) => {}
        Fault::Pretend => return Ok(Ok(())),
        Fault::Fail(reason) => return Ok(Err(Error::Other(reason.clone()))),
        Fault::Stop => return Err(Stopped.into()),
    }
    let result = match (route, &services.broker) {
        (Route::Server(link), _) => {
            let mut command = Cmd::new();
            command.arg("PUBLISH").arg(channel).arg(payload);
            run::<i64>(&link, command).await.map(drop)
        }
        (Route::Local, Broker::Local(bus)) => {
            bus.publish(channel, payload);
            Ok(())
        }
        (Route::Local, Broker::Servers(_)) => Err(Error::Other(NO_SERVER.into())),
    };
    services.metrics.redis_publish(result.is_ok());
    if fault == Fault::StopAfter {
        Err(Stopped.into())
    } else {
        Ok(result)
    }
}

impl Host for Guest {}

impl HostConnection for Guest {
    fn drop(&mut self, connection: Resource<ConnectionResource>) -> wasmtime::Result<()> {
        self.table.delete(connection)?;
        self.handles = self.handles.saturating_sub(1);
        Ok(())
    }
}

impl HostConnectionWithStore<Guest> for HasSelf<Guest> {
    async fn open(
        accessor: &Accessor<Guest, Self>,
        address: String,
    ) -> wasmtime::Result<Result<Resource<ConnectionResource>, Error>> {
        accessor.with(|mut access| access.get().open_redis(&address))
    }

    async fn publish(
        accessor: &Accessor<Guest, Self>,
        connection: Resource<ConnectionResource>,
        channel: String,
        payload: Vec<u8>,
    ) -> wasmtime::Result<Result<(), Error>> {
        publish(accessor, connection, &channel, &payload).await
    }

    async fn get(
        accessor: &Accessor<Guest, Self>,
        connection: Resource<ConnectionResource>,
        key: String,
    ) -> wasmtime::Result<Result<Option<Vec<u8>>, Error>> {
        command(accessor, connection, Cmd::get(key)).await
    }

    async fn set(
        accessor: &Accessor<Guest, Self>,
        connection: Resource<ConnectionResource>,
        key: String,
        value: Vec<u8>,
    ) -> wasmtime::Result<Result<(), Error>> {
        command(accessor, connection, Cmd::set(key, value)).await
    }

    async fn incr(
        accessor: &Accessor<Guest, Self>,
        connection: Resource<ConnectionResource>,
        key: String,
    ) -> wasmtime::Result<Result<i64, Error>> {
        command(accessor, connection, Cmd::incr(key, 1)).await
    }

    async fn del(
        accessor: &Accessor<Guest, Self>,
        connection: Resource<ConnectionResource>,
        keys: Vec<String>,
    ) -> wasmtime::Result<Result<u32, Error>> {
        command(accessor, connection, Cmd::del(keys)).await
    }

    async fn sadd(
        accessor: &Accessor<Guest, Self>,
        connection: Resource<ConnectionResource>,
        key: String,
        values: Vec<String>,
    ) -> wasmtime::Result<Result<u32, Error>> {
        command(accessor, connection, Cmd::sadd(key, values)).await
    }

    async fn smembers(
        accessor: &Accessor<Guest, Self>,
        connection: Resource<ConnectionResource>,
        key: String,
    ) -> wasmtime::Result<Result<Vec<String>, Error>> {
        command(accessor, connection, Cmd::smembers(key)).await
    }

    async fn srem(
        accessor: &Accessor<Guest, Self>,
        connection: Resource<ConnectionResource>,
        key: String,
        values: Vec<String>,
    ) -> wasmtime::Result<Result<u32, Error>> {
        command(accessor, connection, Cmd::srem(key, values)).await
    }

    async fn execute(
        accessor: &Accessor<Guest, Self>,
        connection: Resource<ConnectionResource>,
        name: String,
        arguments: Vec<RedisParameter>,
    ) -> wasmtime::Result<Result<Vec<RedisResult>, Error>> {
        let mut any = Cmd::new();
        any.arg(name);
        for argument in arguments {
            match argument {
                RedisParameter::Int64(integer) => any.arg(integer),
                RedisParameter::Binary(bytes) => any.arg(bytes),
            };
        }
        let answer = command::<Value>(accessor, connection, any).await?;
        Ok(answer.and_then(|value| {
            let mut results = Vec::new();
            flatten(value, &mut results)?;
            Ok(results)
        }))
    }
}

/// Redis answers can be nested; the interface has a flat list.
fn flatten(value: Value, into: &mut Vec<RedisResult>) -> Result<(), Error> {
    match value {
        Value::Nil => into.push(RedisResult::Nil),
        Value::Int(integer) => into.push(RedisResult::Int64(integer)),
        Value::BulkString(bytes) => into.push(RedisResult::Binary(bytes)),
        Value::SimpleString(text) => into.push(RedisResult::Status(text)),
        Value::Okay => into.push(RedisResult::Status("OK".into())),
        Value::Array(values) | Value::Set(values) => {
            for value in values {
                flatten(value, into)?;
            }
        }
        other => {
            return Err(Error::Other(format!(
                "the interface cannot carry the answer {other:?}"
            )));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Weak;

    use mercato_tests::Redis;
    use wasmtime::component::HasSelf as Interface;
    use wasmtime::{Config, Engine, Store};

    use super::*;
    use crate::clock::SystemClock;
    use crate::faults::Faults;
    use crate::grants::AllowedHosts;
    use crate::guest::{ComponentGrants, Services};
    use crate::limits::Limits;
    use crate::memory::Memory;
    use crate::metrics::Metrics;

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

    #[test]
    fn nested_answers_become_flat() {
        let mut results = Vec::new();
        let nested = Value::Array(vec![
            Value::Int(1),
            Value::Array(vec![Value::Nil, Value::Okay]),
        ]);
        flatten(nested, &mut results).unwrap();
        assert!(matches!(
            results[..],
            [
                RedisResult::Int64(1),
                RedisResult::Nil,
                RedisResult::Status(_)
            ]
        ));
    }

    /// An instance that may reach one server, without a guest in it: the test calls what a guest would.
    fn store(granted: &str, broker: Broker) -> Store<Guest> {
        let grants = ComponentGrants {
            id: "test".into(),
            environment: BTreeMap::new(),
            variables: BTreeMap::new(),
            hosts: AllowedHosts::parse([granted], &[]).unwrap(),
            databases: BTreeMap::new(),
        };
        let metrics = Arc::new(Metrics::new());
        let services = Services {
            broker,
            clock: Arc::new(SystemClock),
            faults: Faults::new(None),
            memory: Arc::new(Memory::new(&Limits::default(), Arc::clone(&metrics))),
            metrics,
            network: None,
            random: None,
            long_reads: None,
            heavy_guests: None,
            gate: None,
        };
        let guest = Guest::new(
            &Arc::new(grants),
            &Arc::new(services),
            &Weak::new(),
            usize::MAX,
        );
        let mut config = Config::new();
        config.wasm_component_model_async(true);
        Store::new(&Engine::new(&config).unwrap(), guest)
    }

    fn binary(text: &str) -> RedisParameter {
        RedisParameter::Binary(text.into())
    }

    /// A further handle to the same connection.
    fn same(connection: &Resource<ConnectionResource>) -> Resource<ConnectionResource> {
        Resource::new_borrow(connection.rep())
    }

    #[tokio::test]
    async fn a_guest_reads_and_writes_values_on_a_real_server() {
        let redis = tokio::task::spawn_blocking(Redis::start).await.unwrap();
        let mut store = store(&redis.url(), Broker::Servers(Servers::default()));
        let checks = async |guest: &Accessor<Guest>| {
            let c = Interface::<Guest>::open(guest, redis.url()).await??;
            assert_eq!(
                Interface::<Guest>::get(guest, same(&c), "k".into()).await??,
                None
            );
            Interface::<Guest>::set(guest, same(&c), "k".into(), b"\0\xff".to_vec()).await??;
            let value = Interface::<Guest>::get(guest, same(&c), "k".into()).await??;
            assert_eq!(value.as_deref(), Some(&b"\0\xff"[..]));
            assert_eq!(
                Interface::<Guest>::incr(guest, same(&c), "n".into()).await??,
                1
            );
            assert_eq!(
                Interface::<Guest>::incr(guest, same(&c), "n".into()).await??,
                2
            );
            let members = vec!["a".to_owned(), "b".to_owned()];
            assert_eq!(
                Interface::<Guest>::sadd(guest, same(&c), "s".into(), members).await??,
                2
            );
            assert_eq!(
                Interface::<Guest>::srem(guest, same(&c), "s".into(), vec!["a".into()]).await??,
                1
            );
            assert_eq!(
                Interface::<Guest>::smembers(guest, same(&c), "s".into()).await??,
                ["b"]
            );
            let wrong = Interface::<Guest>::get(guest, same(&c), "s".into()).await?;
            assert!(matches!(wrong, Err(Error::TypeError)), "{wrong:?}");
            let gone = vec!["k".to_owned(), "n".to_owned(), "nothing".to_owned()];
            assert_eq!(Interface::<Guest>::del(guest, same(&c), gone).await??, 2);
            Interface::<Guest>::publish(guest, same(&c), "channel".into(), b"1".to_vec()).await??;
            wasmtime::error::Ok(())
        };
        store.run_concurrent(checks).await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn a_guest_executes_any_command_on_a_real_server() {
        let redis = tokio::task::spawn_blocking(Redis::start).await.unwrap();
        let mut store = store(&redis.url(), Broker::Servers(Servers::default()));
        let checks = async |guest: &Accessor<Guest>| {
            let c = Interface::<Guest>::open(guest, redis.url()).await??;
            let push = vec![binary("l"), binary("x"), RedisParameter::Int64(7)];
            let pushed =
                Interface::<Guest>::execute(guest, same(&c), "rpush".into(), push).await??;
            assert!(matches!(pushed[..], [RedisResult::Int64(2)]), "{pushed:?}");
            let range = vec![
                binary("l"),
                RedisParameter::Int64(0),
                RedisParameter::Int64(-1),
            ];
            let all =
                Interface::<Guest>::execute(guest, same(&c), "lrange".into(), range).await??;
            assert!(
                matches!(&all[..], [RedisResult::Binary(x), RedisResult::Binary(seven)] if x == b"x" && seven == b"7"),
                "{all:?}"
            );
            let ping =
                Interface::<Guest>::execute(guest, same(&c), "ping".into(), vec![]).await??;
            assert!(
                matches!(&ping[..], [RedisResult::Status(pong)] if pong == "PONG"),
                "{ping:?}"
            );
            let nothing = vec![binary("nothing")];
            let nil = Interface::<Guest>::execute(guest, same(&c), "get".into(), nothing).await??;
            assert!(matches!(nil[..], [RedisResult::Nil]), "{nil:?}");
            let unknown =
                Interface::<Guest>::execute(guest, same(&c), "nonsense".into(), vec![]).await?;
            assert!(matches!(unknown, Err(Error::Other(_))), "{unknown:?}");
            wasmtime::error::Ok(())
        };
        store.run_concurrent(checks).await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn a_server_that_is_not_granted_cannot_be_reached_and_one_that_is_gone_is_an_error() {
        let mut redis = tokio::task::spawn_blocking(Redis::start).await.unwrap();
        let url = redis.url();
        redis.kill();
        let mut store = store(&url, Broker::Servers(Servers::default()));
        let checks = async |guest: &Accessor<Guest>| {
            let other = Interface::<Guest>::open(guest, "redis://127.0.0.1:1".into()).await?;
            assert!(matches!(other, Err(Error::InvalidAddress)), "{other:?}");
            let c = Interface::<Guest>::open(guest, url.clone()).await??;
            let value = Interface::<Guest>::get(guest, same(&c), "k".into()).await?;
            assert!(matches!(value, Err(Error::Other(_))), "{value:?}");
            wasmtime::error::Ok(())
        };
        store.run_concurrent(checks).await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn without_a_server_a_guest_can_only_publish() {
        let url = "redis://127.0.0.1:6379";
        let mut bus = LocalBus::default();
        let (queue, mut messages) = mpsc::channel(1);
        bus.subscribe("channel", "a", queue);
        let mut store = store(url, Broker::Local(bus));
        let checks = async |guest: &Accessor<Guest>| {
            let c = Interface::<Guest>::open(guest, url.into()).await??;
            Interface::<Guest>::publish(guest, same(&c), "channel".into(), b"1".to_vec()).await??;
            let value = Interface::<Guest>::get(guest, same(&c), "k".into()).await?;
            assert!(
                matches!(&value, Err(Error::Other(why)) if why == NO_SERVER),
                "{value:?}"
            );
            wasmtime::error::Ok(())
        };
        store.run_concurrent(checks).await.unwrap().unwrap();
        assert_eq!(messages.recv().await.unwrap(), b"1");
    }
}
