//! On a real PostgreSQL; left out where there is none.

use std::sync::Arc;

use mercato_tests::Postgres;
use mercato_tests::proxy::Proxy;
use wasmtime::component::{Accessor, Linker, Resource, ResourceTable};
use wasmtime::{Config, Engine, Store};

use super::host::{PostgresCapability, PostgresCtx, PostgresCtxView, PostgresView};
use super::servers::Servers;
use crate::capabilities::bindings::spin::postgres::postgres::{
    Connection, DbDataType, DbValue, Error, HostConnection, HostConnectionBuilder,
    HostConnectionWithStore as _, ParameterValue, QueryError, RowSet,
};
use crate::capabilities::faults::Faults;
use crate::capabilities::host_context::HostContext;
use crate::manifest::allowed_hosts::AllowedHosts;
use crate::observe::metrics::Metrics;

/// A store with nothing but the capability: the test calls what a guest would.
struct Instance {
    ctx: PostgresCtx,
    table: ResourceTable,
    host: HostContext,
}

impl PostgresView for Instance {
    fn postgres(&mut self) -> PostgresCtxView<'_> {
        PostgresCtxView {
            ctx: &mut self.ctx,
            table: &mut self.table,
            host: &self.host,
        }
    }
}

/// What instances of a component share.
struct Shop {
    servers: Arc<Servers>,
    metrics: Arc<Metrics>,
    hosts: Arc<AllowedHosts>,
}

impl Shop {
    fn new(connections_max: usize) -> Self {
        let metrics = Arc::new(Metrics::new(crate::LogLosses::default()));
        let hosts = AllowedHosts::parse(["postgres://127.0.0.1:*"], &[]).unwrap();
        Self {
            servers: Arc::new(Servers::new(connections_max, &metrics)),
            metrics,
            hosts: Arc::new(hosts),
        }
    }

    fn instance(&self) -> Instance {
        Instance {
            ctx: PostgresCtx::new(&self.hosts, &self.servers),
            table: ResourceTable::new(),
            host: HostContext {
                component: "test".into(),
                faults: Faults::default(),
                stop: Arc::default(),
                metrics: Arc::clone(&self.metrics),
                request: Arc::default(),
            },
        }
    }
}

impl Instance {
    async fn open(&mut self, address: &str) -> Resource<Connection> {
        let opened = self.postgres().open(address.to_owned()).await.unwrap();
        opened.unwrap()
    }

    async fn execute(&mut self, c: &Resource<Connection>, statement: &str) -> Result<u64, Error> {
        let (c, statement) = (same(c), statement.to_owned());
        self.postgres().execute(c, statement, vec![]).await.unwrap()
    }

    async fn query(
        &mut self,
        c: &Resource<Connection>,
        statement: &str,
        parameters: Vec<ParameterValue>,
    ) -> Result<RowSet, Error> {
        let (c, statement) = (same(c), statement.to_owned());
        self.postgres()
            .query(c, statement, parameters)
            .await
            .unwrap()
    }

    async fn count(&mut self, c: &Resource<Connection>) -> i64 {
        let rows = self.query(c, "SELECT COUNT(*) FROM things", vec![]);
        match rows.await.unwrap().rows[0][0] {
            DbValue::Int64(count) => count,
            ref other => panic!("{other:?}"),
        }
    }
}

fn same(connection: &Resource<Connection>) -> Resource<Connection> {
    Resource::new_borrow(connection.rep())
}

async fn server() -> Option<Postgres> {
    tokio::task::spawn_blocking(Postgres::start_if_there)
        .await
        .unwrap()
}

/// A server with a table, an instance and a connection.
async fn things(shop: &Shop) -> Option<(Postgres, Instance, Resource<Connection>)> {
    let server = server().await?;
    let mut instance = shop.instance();
    let c = instance.open(&server.url()).await;
    let made = instance.execute(&c, "CREATE TABLE things (id BIGINT PRIMARY KEY)");
    made.await.unwrap();
    Some((server, instance, c))
}

#[tokio::test]
async fn values_come_back_as_they_went_in() {
    let Some(server) = server().await else { return };
    let mut instance = Shop::new(2).instance();
    let c = instance.open(&server.url()).await;
    let statement = "SELECT CAST($1 AS BIGINT) AS a, CAST($2 AS TEXT), CAST($3 AS BYTEA), CAST($4 AS BOOLEAN), \
         CAST($5 AS BIGINT[]), CAST($6 AS TEXT), CAST($7 AS FLOAT8), CAST($8 AS INTEGER)";
    let parameters = vec![
        ParameterValue::Int64(i64::MIN),
        ParameterValue::Str("ё '\"".into()),
        ParameterValue::Binary(vec![0, 255]),
        ParameterValue::Boolean(true),
        ParameterValue::ArrayInt64(vec![Some(1), None]),
        ParameterValue::DbNull,
        ParameterValue::Floating64(0.5),
        ParameterValue::Int32(-1),
    ];
    let found = instance.query(&c, statement, parameters).await.unwrap();
    assert_eq!(found.columns[0].name, "a");
    assert!(matches!(found.columns[0].data_type, DbDataType::Int64));
    assert!(
        matches!(
            &found.rows[0][..],
            [
                DbValue::Int64(i64::MIN),
                DbValue::Str(text),
                DbValue::Binary(bytes),
                DbValue::Boolean(true),
                DbValue::ArrayInt64(numbers),
                DbValue::DbNull,
                DbValue::Floating64(half),
                DbValue::Int32(-1),
            ] if text == "ё '\"" && bytes == &[0, 255] && numbers == &[Some(1), None] && (*half - 0.5).abs() < f64::EPSILON
        ),
        "{found:?}"
    );
    let unfit = vec![ParameterValue::Int64(1)];
    let unfit = instance.query(&c, "SELECT CAST($1 AS TEXT)", unfit).await;
    assert!(
        matches!(unfit, Err(Error::QueryFailed(QueryError::Text(_)))),
        "{unfit:?}"
    );
    let date = instance.query(&c, "SELECT CURRENT_DATE", vec![]).await;
    assert!(
        matches!(date, Err(Error::ValueConversionFailed(_))),
        "{date:?}"
    );
}

#[tokio::test]
async fn a_transaction_is_one_connections() {
    let shop = Shop::new(2);
    let Some((server, mut one, c)) = things(&shop).await else {
        return;
    };
    let mut other = shop.instance();
    let d = other.open(&server.url()).await;
    one.execute(&c, "BEGIN").await.unwrap();
    assert_eq!(
        one.execute(&c, "INSERT INTO things VALUES (1)")
            .await
            .unwrap(),
        1
    );
    assert!(one.ctx.has_transaction());
    assert_eq!((one.count(&c).await, other.count(&d).await), (1, 0));
    one.execute(&c, "COMMIT").await.unwrap();
    assert!(!one.ctx.has_transaction());
    assert_eq!(other.count(&d).await, 1);
    one.execute(&c, "BEGIN").await.unwrap();
    one.execute(&c, "INSERT INTO things VALUES (2)")
        .await
        .unwrap();
    one.execute(&c, "ROLLBACK").await.unwrap();
    assert_eq!(other.count(&d).await, 1);
}

#[tokio::test]
async fn what_an_instance_leaves_open_is_taken_back() {
    let shop = Shop::new(1);
    let Some((server, mut one, c)) = things(&shop).await else {
        return;
    };
    // At the end of its request, when it drops its handle, and when it ends.
    one.execute(&c, "BEGIN").await.unwrap();
    one.execute(&c, "INSERT INTO things VALUES (1)")
        .await
        .unwrap();
    assert!(one.ctx.roll_back());
    assert!(!one.ctx.roll_back());
    let d = one.open(&server.url()).await;
    one.execute(&d, "BEGIN").await.unwrap();
    one.execute(&d, "INSERT INTO things VALUES (2)")
        .await
        .unwrap();
    HostConnection::drop(&mut one.postgres(), d).unwrap();
    one.execute(&c, "BEGIN").await.unwrap();
    one.execute(&c, "INSERT INTO things VALUES (3)")
        .await
        .unwrap();
    drop(one);
    let mut next = shop.instance();
    let c = next.open(&server.url()).await;
    assert_eq!(next.count(&c).await, 0);
}

#[tokio::test]
async fn few_connections_do_for_many_instances() {
    let shop = Shop::new(1);
    let Some((server, mut one, c)) = things(&shop).await else {
        return;
    };
    let mut others = Vec::new();
    for _ in 0..8 {
        let mut other = shop.instance();
        let d = other.open(&server.url()).await;
        assert_eq!(other.count(&d).await, 0);
        others.push((other, d));
    }
    assert_eq!(shop.metrics.postgres_connections.get(), 1);
    assert_eq!(shop.metrics.postgres_waits.get(), 0);
    one.execute(&c, "BEGIN").await.unwrap();
    one.execute(&c, "INSERT INTO things VALUES (1)")
        .await
        .unwrap();
    let (mut other, d) = others.pop().unwrap();
    let waiting = tokio::spawn(async move { other.count(&d).await });
    while shop.metrics.postgres_waits.get() == 0 {
        tokio::task::yield_now().await;
    }
    one.execute(&c, "COMMIT").await.unwrap();
    assert_eq!(waiting.await.unwrap(), 1);
}

#[tokio::test]
async fn a_broken_rule_is_told_with_its_name() {
    let shop = Shop::new(1);
    let Some((_server, mut one, c)) = things(&shop).await else {
        return;
    };
    one.execute(&c, "INSERT INTO things VALUES (1)")
        .await
        .unwrap();
    let broken = one.execute(&c, "INSERT INTO things VALUES (1)").await;
    let Err(Error::QueryFailed(QueryError::DbError(said))) = broken else {
        panic!("{broken:?}");
    };
    assert_eq!(said.code, "23505");
    let named = ("constraint".to_owned(), "things_pkey".to_owned());
    assert!(said.extras.contains(&named), "{:?}", said.extras);
    // Outside of a transaction nothing is left of it.
    assert_eq!(one.count(&c).await, 1);
}

#[tokio::test]
async fn after_its_connection_is_lost_nothing_of_a_transaction_happens() {
    let shop = Shop::new(2);
    let Some((mut server, mut one, c)) = things(&shop).await else {
        return;
    };
    one.execute(&c, "BEGIN").await.unwrap();
    one.execute(&c, "INSERT INTO things VALUES (1)")
        .await
        .unwrap();
    tokio::task::spawn_blocking(move || {
        server.restart();
        server
    })
    .await
    .unwrap();
    for statement in [
        "INSERT INTO things VALUES (2)",
        "INSERT INTO things VALUES (3)",
        "COMMIT",
    ] {
        assert!(one.execute(&c, statement).await.is_err(), "{statement}");
    }
    assert!(!one.ctx.has_transaction());
}

#[tokio::test]
async fn a_server_that_comes_back_is_used_again() {
    let shop = Shop::new(2);
    let Some((server, mut one, c)) = things(&shop).await else {
        return;
    };
    let server = tokio::task::spawn_blocking(move || {
        let mut server = server;
        server.kill();
        server
    });
    let mut server = server.await.unwrap();
    // The first may find a lost connection, the second a server that is not there, the third that it was not a moment ago.
    for _ in 0..3 {
        let failed = one.query(&c, "SELECT 1", vec![]).await;
        assert!(failed.is_err(), "{failed:?}");
    }
    let _server = tokio::task::spawn_blocking(move || {
        server.restart();
        server
    })
    .await
    .unwrap();
    tokio::time::sleep(crate::limits::POSTGRES_PAUSE).await;
    // What was not written through is gone with the server.
    assert!(one.query(&c, "SELECT 1", vec![]).await.is_ok());
}

#[tokio::test]
async fn a_line_that_goes_silent_is_given_up() {
    let shop = Shop::new(1);
    let Some((server, mut one, c)) = things(&shop).await else {
        return;
    };
    let proxy = Proxy::before(server.port());
    let address = server
        .url()
        .replace(&server.port().to_string(), &proxy.port().to_string());
    let d = one.open(&address).await;
    assert_eq!(one.count(&d).await, 0);
    one.execute(&d, "BEGIN").await.unwrap();
    one.execute(&d, "LOCK TABLE things").await.unwrap();
    proxy.cut();
    let silent = one.query(&d, "SELECT 1", vec![]).await;
    assert!(
        matches!(silent, Err(Error::ConnectionFailed(_))),
        "{silent:?}"
    );
    // The server takes the transaction back by itself, and others go on.
    assert_eq!(one.count(&c).await, 0);
}

#[tokio::test]
async fn servers_that_are_not_granted_are_not_reached() {
    let mut one = Shop::new(1).instance();
    for address in ["postgres://a:b@10.0.0.1/c", "host=/tmp user=a", "nonsense"] {
        let refused = one.postgres().open(address.into()).await.unwrap();
        assert!(
            matches!(refused, Err(Error::ConnectionFailed(_))),
            "{address}"
        );
    }
}

#[tokio::test]
async fn a_root_certificate_must_be_one() {
    let mut one = Shop::new(1).instance();
    let builder = one
        .postgres()
        .new("postgres://a:b@127.0.0.1/c".into())
        .unwrap();
    let refused = one
        .postgres()
        .set_ca_root(Resource::new_borrow(builder.rep()), "nonsense".into())
        .unwrap();
    assert!(matches!(refused, Err(Error::Other(_))), "{refused:?}");
    let handle = Resource::new_borrow(builder.rep());
    let built = one.postgres().build(handle).await.unwrap();
    assert!(built.is_ok());
    HostConnectionBuilder::drop(&mut one.postgres(), builder).unwrap();
}

#[tokio::test]
async fn the_functions_that_do_not_block_do_the_same() {
    let Some(server) = server().await else { return };
    let shop = Shop::new(1);
    let mut config = Config::new();
    config.wasm_component_model_async(true);
    let engine = Engine::new(&config).unwrap();
    let mut store = Store::new(&engine, shop.instance());
    let mut linker = Linker::new(&engine);
    super::host::add_to_linker::<Instance>(&mut linker).unwrap();
    let checks = async |guest: &Accessor<Instance>| {
        let guest = &guest.with_getter::<PostgresCapability>(Instance::postgres);
        let c = PostgresCapability::open_async(guest, server.url()).await??;
        let make = "CREATE TABLE things AS SELECT 1 AS id UNION SELECT 2".into();
        let made = PostgresCapability::execute_async(guest, same(&c), make, vec![]).await??;
        assert_eq!(made, 2);
        let select = "SELECT id FROM things".into();
        let (columns, _rows, _end) =
            PostgresCapability::query_async(guest, same(&c), select, vec![]).await??;
        assert_eq!(columns[0].name, "id");
        let nothing = "SELECT nothing".into();
        let failed = PostgresCapability::query_async(guest, same(&c), nothing, vec![]).await?;
        assert!(failed.is_err());
        wasmtime::error::Ok(())
    };
    store.run_concurrent(checks).await.unwrap().unwrap();
}
