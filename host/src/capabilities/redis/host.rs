//! The functions of `spin:redis` that guests call.

use std::sync::Arc;

use redis::{Cmd, ErrorKind, FromRedisValue, RedisError, Value};
use wasmtime::component::{Accessor, HasData, Linker, Resource, ResourceTable};

use super::broker::Broker;
use super::link::Link;
use crate::capabilities::bindings::spin::redis::redis::{
    self as interface, Connection as ConnectionResource, Error, Host, HostConnection,
    HostConnectionWithStore, RedisParameter, RedisResult,
};
use crate::capabilities::faults::{CallKind, Fault, Stopped};
use crate::capabilities::host_context::HostContext;
use crate::limits::CONNECTIONS_PER_INSTANCE;
use crate::manifest::allowed_hosts::AllowedHosts;

/// What a guest is answered that asks for more than pub/sub when there is no server.
const NO_SERVER: &str =
    "without a Redis server only publish is offered; start the runner with --redis URL";

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

/// Where a command goes.
enum Route {
    Local,
    Server(Arc<Link>),
}

/// What the Redis connections of one instance share.
pub(crate) struct RedisCtx {
    /// The hosts that the component was granted.
    hosts: Arc<AllowedHosts>,
    broker: Arc<Broker>,
    connections: usize,
}

impl RedisCtx {
    pub(crate) fn new(hosts: &Arc<AllowedHosts>, broker: &Arc<Broker>) -> Self {
        Self {
            hosts: Arc::clone(hosts),
            broker: Arc::clone(broker),
            connections: 0,
        }
    }
}

/// Gives the linker access to the Redis connections in a store's data.
pub(crate) trait RedisView: Send {
    fn redis(&mut self) -> RedisCtxView<'_>;
}

/// What the functions need of a store's data.
pub(crate) struct RedisCtxView<'a> {
    pub ctx: &'a mut RedisCtx,
    pub table: &'a mut ResourceTable,
    pub host: &'a HostContext,
}

/// Names the capability to the generated code.
struct RedisCapability;

impl HasData for RedisCapability {
    type Data<'a> = RedisCtxView<'a>;
}

/// Adds the interface to a linker.
pub(crate) fn add_to_linker<T: RedisView + 'static>(
    linker: &mut Linker<T>,
) -> wasmtime::Result<()> {
    interface::add_to_linker::<T, RedisCapability>(linker, T::redis)
}

/// What stands behind a guest's handle: an address that was granted.
type Address = Arc<str>;

impl RedisCtxView<'_> {
    fn open_address(
        &mut self,
        address: &str,
    ) -> wasmtime::Result<Result<Resource<ConnectionResource>, Error>> {
        if !self.ctx.hosts.allows_address(address, "redis") {
            tracing::warn!(component = %self.host.component, "Redis connection denied; grant the address in allowed_outbound_hosts");
            return Ok(Err(Error::InvalidAddress));
        }
        if redis::Client::open(address).is_err() {
            return Ok(Err(Error::InvalidAddress));
        }
        if self.ctx.connections >= CONNECTIONS_PER_INSTANCE {
            return Ok(Err(Error::TooManyConnections));
        }
        self.ctx.connections += 1;
        let handle = self.table.push(Address::from(address))?;
        Ok(Ok(Resource::new_own(handle.rep())))
    }

    fn route(&self, connection: &Resource<ConnectionResource>) -> Result<Route, Error> {
        let address = Resource::<Address>::new_borrow(connection.rep());
        let address = self
            .table
            .get(&address)
            .map_err(|_| Error::Other("could not find connection for resource".into()))?;
        match &*self.ctx.broker {
            Broker::Local(_) => Ok(Route::Local),
            Broker::Servers(servers) => {
                self.host.request.cpu.release_permits();
                let link = servers.link(address).map_err(|_| Error::InvalidAddress)?;
                Ok(Route::Server(link))
            }
        }
    }
}

/// Runs a command that only a real server understands.
async fn command<R: FromRedisValue, T: Send + 'static>(
    accessor: &Accessor<T, RedisCapability>,
    connection: Resource<ConnectionResource>,
    command: Cmd,
) -> wasmtime::Result<Result<R, Error>> {
    match accessor.with(|mut access| access.get().route(&connection)) {
        Ok(Route::Server(link)) => Ok(run(&link, command).await),
        Ok(Route::Local) => Ok(Err(Error::Other(NO_SERVER.into()))),
        Err(error) => Ok(Err(error)),
    }
}

async fn publish<T: Send + 'static>(
    accessor: &Accessor<T, RedisCapability>,
    connection: Resource<ConnectionResource>,
    channel: &str,
    payload: &[u8],
) -> wasmtime::Result<Result<(), Error>> {
    let (route, host, broker) = accessor.with(|mut access| {
        let view = access.get();
        let route = view.route(&connection);
        (route, view.host.clone(), Arc::clone(&view.ctx.broker))
    });
    host.stop.check()?;
    let route = match route {
        Ok(route) => route,
        Err(error) => return Ok(Err(error)),
    };
    let fault = host.ask(CallKind::Publish, channel, payload).await;
    match &fault {
        Fault::Pass | Fault::StopAfter | Fault::Then(_) => {}
        Fault::Pretend => return Ok(Ok(())),
        Fault::Fail(reason) => return Ok(Err(Error::Other(reason.clone()))),
        Fault::Stop => return Err(Stopped.into()),
    }
    let result = match (route, &*broker) {
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
    host.metrics.redis_publish(result.is_ok());
    if fault == Fault::StopAfter {
        Err(Stopped.into())
    } else {
        Ok(result)
    }
}

impl Host for RedisCtxView<'_> {}

impl HostConnection for RedisCtxView<'_> {
    fn drop(&mut self, connection: Resource<ConnectionResource>) -> wasmtime::Result<()> {
        self.table
            .delete(Resource::<Address>::new_own(connection.rep()))?;
        self.ctx.connections = self.ctx.connections.saturating_sub(1);
        Ok(())
    }
}

impl<T: Send + 'static> HostConnectionWithStore<T> for RedisCapability {
    async fn open(
        accessor: &Accessor<T, Self>,
        address: String,
    ) -> wasmtime::Result<Result<Resource<ConnectionResource>, Error>> {
        accessor.with(|mut access| access.get().open_address(&address))
    }

    async fn publish(
        accessor: &Accessor<T, Self>,
        connection: Resource<ConnectionResource>,
        channel: String,
        payload: Vec<u8>,
    ) -> wasmtime::Result<Result<(), Error>> {
        publish(accessor, connection, &channel, &payload).await
    }

    async fn get(
        accessor: &Accessor<T, Self>,
        connection: Resource<ConnectionResource>,
        key: String,
    ) -> wasmtime::Result<Result<Option<Vec<u8>>, Error>> {
        command(accessor, connection, Cmd::get(key)).await
    }

    async fn set(
        accessor: &Accessor<T, Self>,
        connection: Resource<ConnectionResource>,
        key: String,
        value: Vec<u8>,
    ) -> wasmtime::Result<Result<(), Error>> {
        command(accessor, connection, Cmd::set(key, value)).await
    }

    async fn incr(
        accessor: &Accessor<T, Self>,
        connection: Resource<ConnectionResource>,
        key: String,
    ) -> wasmtime::Result<Result<i64, Error>> {
        command(accessor, connection, Cmd::incr(key, 1)).await
    }

    async fn del(
        accessor: &Accessor<T, Self>,
        connection: Resource<ConnectionResource>,
        keys: Vec<String>,
    ) -> wasmtime::Result<Result<u32, Error>> {
        command(accessor, connection, Cmd::del(keys)).await
    }

    async fn sadd(
        accessor: &Accessor<T, Self>,
        connection: Resource<ConnectionResource>,
        key: String,
        values: Vec<String>,
    ) -> wasmtime::Result<Result<u32, Error>> {
        command(accessor, connection, Cmd::sadd(key, values)).await
    }

    async fn smembers(
        accessor: &Accessor<T, Self>,
        connection: Resource<ConnectionResource>,
        key: String,
    ) -> wasmtime::Result<Result<Vec<String>, Error>> {
        command(accessor, connection, Cmd::smembers(key)).await
    }

    async fn srem(
        accessor: &Accessor<T, Self>,
        connection: Resource<ConnectionResource>,
        key: String,
        values: Vec<String>,
    ) -> wasmtime::Result<Result<u32, Error>> {
        command(accessor, connection, Cmd::srem(key, values)).await
    }

    async fn execute(
        accessor: &Accessor<T, Self>,
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
        let answer = command::<Value, _>(accessor, connection, any).await?;
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
    use mercato_tests::Redis;
    use tokio::sync::mpsc;
    use wasmtime::{Config, Engine, Store};

    use super::*;
    use crate::capabilities::faults::Faults;
    use crate::capabilities::redis::broker::{LocalBus, Servers};
    use crate::observe::metrics::Metrics;

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

    /// A store with nothing but the capability: the test calls what a guest would.
    struct Instance {
        ctx: RedisCtx,
        table: ResourceTable,
        host: HostContext,
    }

    impl RedisView for Instance {
        fn redis(&mut self) -> RedisCtxView<'_> {
            RedisCtxView {
                ctx: &mut self.ctx,
                table: &mut self.table,
                host: &self.host,
            }
        }
    }

    /// An instance that may reach one server.
    fn store(granted: &str, broker: Broker) -> Store<Instance> {
        let hosts = Arc::new(AllowedHosts::parse([granted], &[]).unwrap());
        let instance = Instance {
            ctx: RedisCtx::new(&hosts, &Arc::new(broker)),
            table: ResourceTable::new(),
            host: HostContext {
                component: "test".into(),
                faults: Faults::new(None),
                stop: Arc::default(),
                metrics: Arc::new(Metrics::default()),
                request: Arc::default(),
            },
        };
        let mut config = Config::new();
        config.wasm_component_model_async(true);
        Store::new(&Engine::new(&config).unwrap(), instance)
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
        let checks = async |guest: &Accessor<Instance>| {
            let guest = &guest.with_getter::<RedisCapability>(Instance::redis);
            let c = RedisCapability::open(guest, redis.url()).await??;
            assert_eq!(
                RedisCapability::get(guest, same(&c), "k".into()).await??,
                None
            );
            RedisCapability::set(guest, same(&c), "k".into(), b"\0\xff".to_vec()).await??;
            let value = RedisCapability::get(guest, same(&c), "k".into()).await??;
            assert_eq!(value.as_deref(), Some(&b"\0\xff"[..]));
            assert_eq!(
                RedisCapability::incr(guest, same(&c), "n".into()).await??,
                1
            );
            assert_eq!(
                RedisCapability::incr(guest, same(&c), "n".into()).await??,
                2
            );
            let members = vec!["a".to_owned(), "b".to_owned()];
            assert_eq!(
                RedisCapability::sadd(guest, same(&c), "s".into(), members).await??,
                2
            );
            assert_eq!(
                RedisCapability::srem(guest, same(&c), "s".into(), vec!["a".into()]).await??,
                1
            );
            assert_eq!(
                RedisCapability::smembers(guest, same(&c), "s".into()).await??,
                ["b"]
            );
            let wrong = RedisCapability::get(guest, same(&c), "s".into()).await?;
            assert!(matches!(wrong, Err(Error::TypeError)), "{wrong:?}");
            let gone = vec!["k".to_owned(), "n".to_owned(), "nothing".to_owned()];
            assert_eq!(RedisCapability::del(guest, same(&c), gone).await??, 2);
            RedisCapability::publish(guest, same(&c), "channel".into(), b"1".to_vec()).await??;
            wasmtime::error::Ok(())
        };
        store.run_concurrent(checks).await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn a_guest_executes_any_command_on_a_real_server() {
        let redis = tokio::task::spawn_blocking(Redis::start).await.unwrap();
        let mut store = store(&redis.url(), Broker::Servers(Servers::default()));
        let checks = async |guest: &Accessor<Instance>| {
            let guest = &guest.with_getter::<RedisCapability>(Instance::redis);
            let c = RedisCapability::open(guest, redis.url()).await??;
            let push = vec![binary("l"), binary("x"), RedisParameter::Int64(7)];
            let pushed = RedisCapability::execute(guest, same(&c), "rpush".into(), push).await??;
            assert!(matches!(pushed[..], [RedisResult::Int64(2)]), "{pushed:?}");
            let range = vec![
                binary("l"),
                RedisParameter::Int64(0),
                RedisParameter::Int64(-1),
            ];
            let all = RedisCapability::execute(guest, same(&c), "lrange".into(), range).await??;
            assert!(
                matches!(&all[..], [RedisResult::Binary(x), RedisResult::Binary(seven)] if x == b"x" && seven == b"7"),
                "{all:?}"
            );
            let ping = RedisCapability::execute(guest, same(&c), "ping".into(), vec![]).await??;
            assert!(
                matches!(&ping[..], [RedisResult::Status(pong)] if pong == "PONG"),
                "{ping:?}"
            );
            let nothing = vec![binary("nothing")];
            let nil = RedisCapability::execute(guest, same(&c), "get".into(), nothing).await??;
            assert!(matches!(nil[..], [RedisResult::Nil]), "{nil:?}");
            let unknown =
                RedisCapability::execute(guest, same(&c), "nonsense".into(), vec![]).await?;
            assert!(matches!(unknown, Err(Error::Other(_))), "{unknown:?}");
            wasmtime::error::Ok(())
        };
        store.run_concurrent(checks).await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn servers_that_are_not_granted_or_gone_are_errors() {
        let mut redis = tokio::task::spawn_blocking(Redis::start).await.unwrap();
        let url = redis.url();
        redis.kill();
        let mut store = store(&url, Broker::Servers(Servers::default()));
        let checks = async |guest: &Accessor<Instance>| {
            let guest = &guest.with_getter::<RedisCapability>(Instance::redis);
            let other = RedisCapability::open(guest, "redis://127.0.0.1:1".into()).await?;
            assert!(matches!(other, Err(Error::InvalidAddress)), "{other:?}");
            let c = RedisCapability::open(guest, url.clone()).await??;
            let value = RedisCapability::get(guest, same(&c), "k".into()).await?;
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
        let checks = async |guest: &Accessor<Instance>| {
            let guest = &guest.with_getter::<RedisCapability>(Instance::redis);
            let c = RedisCapability::open(guest, url.into()).await??;
            RedisCapability::publish(guest, same(&c), "channel".into(), b"1".to_vec()).await??;
            let value = RedisCapability::get(guest, same(&c), "k".into()).await?;
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
