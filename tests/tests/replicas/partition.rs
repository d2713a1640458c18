//! A replica whose network is gone for a while: nothing is refused or reset, packets just vanish. On hosts of their own, which are network
//! namespaces; see [`mercato_tests::network`].

use std::{
    fs,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use mercato_tests::{
    Folder, Postgres, Server, is_quick,
    network::{Cut, Host, Network},
    shop::Shop,
    wait_until,
};

use crate::{DURABLE, crowd::Crowd};

const BUYERS: usize = 4;

/// How long a replica is cut off.
const CUT_TIME: Duration = Duration::from_secs(8);

/// How soon a replica must say that it does not reach its database.
const NOTICE_TIME: Duration = Duration::from_secs(3);

/// Roles log in from other hosts, too.
const WHO_MAY_CONNECT: &str = "host all all all scram-sha-256\n";

/// A replica on a host of its own.
struct Replica {
    server: Server,
    host: Arc<Host>,
}

impl Replica {
    fn start(host: &Arc<Host>, variables: &[(String, String)]) -> Self {
        let builder = Server::builder()
            .argument("--app")
            .argument("spin.postgres.toml");
        let builder = variables.iter().fold(builder, |builder, (name, value)| {
            builder.variable(name, value)
        });
        Self {
            server: host.inside(|| builder.start()),
            host: Arc::clone(host),
        }
    }

    fn crowd(&self) -> Crowd {
        let urls = vec![self.server.base_url().to_owned()];
        let crowd = || Crowd::at(&Shop::on(&self.server), urls, BUYERS);
        let host = Arc::clone(&self.host);
        let crowd = self.host.inside(crowd);
        crowd.beginning_with(move || host.enter())
    }

    fn readiness(&self) -> u16 {
        let ready = || {
            self.server
                .client()
                .get("/api/health/ready")
                .send()
                .status()
        };
        self.host.inside(ready)
    }

    fn wait_for_readiness(&self, status: u16) -> Duration {
        let since = Instant::now();
        let name = format!("a replica whose readiness is {status}");
        wait_until(&name, || (self.readiness() == status).then_some(()));
        since.elapsed()
    }
}

/// A server that other hosts reach.
fn postgres_on(host: &Host, folder: &Folder) -> Option<Postgres> {
    let rules = folder.path().join("pg_hba.conf");
    fs::write(&rules, WHO_MAY_CONNECT).expect("a file");
    let options = [
        format!("listen_addresses=127.0.0.1,{}", host.address()),
        format!("hba_file={}", rules.display()),
    ];
    let options: Vec<&str> = options.iter().map(String::as_str).chain(DURABLE).collect();
    host.inside(|| Postgres::start_with(&options))
}

#[test]
fn a_replica_whose_network_is_gone_comes_back_in_order() {
    if is_quick() || !Postgres::is_there() {
        return;
    }
    let Some(network) = Network::of(3) else {
        return;
    };
    let folder = Folder::new("rules");
    let host = network.host(0);
    let postgres = postgres_on(host, &folder).expect("a PostgreSQL");
    let variables = host.inside(|| postgres.shop_at(host.address()));
    let [healthy, cut] = [1, 2].map(|place| Replica::start(network.host(place), &variables));
    let (alone, cut_off) = (healthy.crowd(), cut.crowd());
    let mut bought_there = Vec::new();
    let bought = alone.buy(|| {
        // Its orders are under way when it is cut off.
        bought_there = cut_off.buy(|| {
            for how in [Cut::Silent, Cut::Unplugged] {
                let before = alone.orders_in(CUT_TIME / 2);
                cut_off.wait_for(10);
                cut.host.cut(how);
                let cut_at = Instant::now();
                let noticed = cut.wait_for_readiness(503);
                println!("{how:?}: noticed after {noticed:?}");
                assert!(noticed < NOTICE_TIME, "{how:?}: {noticed:?}");
                let during = alone.orders_in(CUT_TIME / 2);
                // As many buy there as before; a quarter is what a busy machine may make of it.
                assert!(
                    during * 4 > before,
                    "{how:?}: {during} orders while one was cut off, {before} before"
                );
                assert_eq!(healthy.readiness(), 200, "{how:?}");
                thread::sleep(CUT_TIME.saturating_sub(cut_at.elapsed()));
                cut.host.mend();
                let back = cut.wait_for_readiness(200);
                println!("{how:?}: back after {back:?}");
                cut_off.wait_for(10);
            }
        });
    });
    // Either replica sees all of it.
    for (seen_by, other) in [(&healthy, &cut), (&cut, &healthy)] {
        let check = || {
            let shop = Shop::on(&seen_by.server);
            alone.check(&shop, &bought);
            cut_off.check(&shop, &bought_there);
        };
        seen_by.host.inside(check);
        assert_eq!(other.readiness(), 200);
    }
}
