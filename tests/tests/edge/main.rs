//! The application for hosted platforms: on PostgreSQL, without Redis and without timers. Left out where there is no PostgreSQL.
#![cfg(unix)]

mod costs;
mod events;

use mercato_tests::{Postgres, Server, proxy::Proxy, shop::Shop};

/// A shop whose orders are kept behind a proxy, which can put them out of reach. The server ends before the database does.
struct Edge {
    server: Server,
    /// The way to the database of orders.
    orders: Proxy,
    postgres: Postgres,
}

impl Edge {
    /// None where there is no PostgreSQL.
    fn start() -> Option<Self> {
        let postgres = Postgres::start_if_there()?;
        let orders = Proxy::before(postgres.port());
        let variables = postgres.shop(orders.port());
        let address = |name: &str| {
            let found = variables.iter().find(|(known, _)| known == name);
            found.expect("a variable").1.clone()
        };
        let server = Server::builder()
            .edge(&postgres)
            .variable("database_standby_host", &address("database_host"))
            .variable("orders_database_url", &address("orders_database_url"))
            .start();
        Some(Self {
            server,
            orders,
            postgres,
        })
    }

    fn shop(&self) -> Shop {
        Shop::on(&self.server)
    }

    /// What is stored of an order. Asking the shop would make it look for events.
    fn stored_status(&self, order_id: &str) -> String {
        let statement = format!("SELECT status FROM orders WHERE id = '{order_id}'");
        self.postgres.run("mercato_orders", &statement)
    }
}
