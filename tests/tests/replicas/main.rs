//! Several replicas of the shop on one PostgreSQL: they are one shop, and what was answered is never lost, whatever ends, is cut off
//! or comes back. Left out where there is no PostgreSQL.
#![cfg(unix)]

mod crowd;
mod failover;
mod failures;
mod locks;
#[cfg(target_os = "linux")]
mod partition;
mod secrets;
mod shared;
mod versions;

use mercato_tests::{Postgres, Server, shop::Shop};

/// What makes a PostgreSQL keep what it has answered when it is killed.
const DURABLE: [&str; 2] = ["fsync=on", "synchronous_commit=on"];

/// Replicas on a PostgreSQL of their own. They end before it does.
struct Replicas {
    servers: Vec<Server>,
    postgres: Postgres,
}

impl Replicas {
    /// So many, started one after the other; none where there is no PostgreSQL.
    fn start(count: usize) -> Option<Self> {
        Self::start_on(Postgres::start_with(&DURABLE)?, count)
    }

    fn start_on(postgres: Postgres, count: usize) -> Option<Self> {
        let servers = (0..count).map(|_| Server::builder().postgres(&postgres).start());
        Some(Self {
            servers: servers.collect(),
            postgres,
        })
    }

    /// The shop as one of the replicas shows it.
    fn shop(&self, replica: usize) -> Shop {
        Shop::on(&self.servers[replica])
    }

    fn urls(&self) -> Vec<String> {
        let urls = self.servers.iter().map(Server::base_url);
        urls.map(str::to_owned).collect()
    }
}
