//! Connections that do nothing, and more of them than there are files.

use std::net::Ipv4Addr;

use mercato_tests::{
    Server, ServerBuilder, load::Latencies, metrics::Listener, raw::Raw, shop::Shop,
};

/// Addresses that the crowd comes from: 127.0.0.2 and the next ones.
const ADDRESSES: u8 = 50;

/// Connections from many addresses that never send anything.
fn idle_crowd(server: &Server, count: usize) -> Vec<Raw> {
    (0..count)
        .map(|number| {
            let last = 2 + u8::try_from(number % usize::from(ADDRESSES)).unwrap();
            Raw::connect_from(server.base_url(), Ipv4Addr::new(127, 0, 0, last)).unwrap()
        })
        .collect()
}

/// How long a product takes for customers that each have a connection of their own.
fn newcomers(server: &Server, path: &str) -> Latencies {
    Latencies::of(100, || {
        let mut client = Raw::connect(server.base_url());
        let request = format!("GET {path} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
        client.send(request).unwrap();
        assert_eq!(client.read_status().unwrap(), 200);
    })
}

/// Newcomers are served as ever while a crowd of connections is open; gives the crowd.
#[track_caller]
fn expect_newcomers_to_be_served(server: &Server, crowd: usize) -> Vec<Raw> {
    let shop = Shop::on(server);
    let path = format!("/api/v1/products/{}", shop.product(5, 10));
    newcomers(server, &path);
    let idle = newcomers(server, &path);
    let crowd = idle_crowd(server, crowd);
    idle.expect_no_slower(99, 10.0, || newcomers(server, &path));
    // Whatever the shop does by itself needs files too.
    let customer = shop.customer();
    let product = shop.product(5, 10);
    shop.buy(&customer, &product, 1);
    crowd
}

fn still_open(crowd: Vec<Raw>) -> usize {
    let is_open = |client: &mut Raw| {
        !client
            .is_closed_within(std::time::Duration::from_millis(1))
            .unwrap()
    };
    crowd
        .into_iter()
        .map(|mut client| is_open(&mut client))
        .filter(|open| *open)
        .count()
}

#[test]
fn the_soft_limit_of_files_is_raised() {
    let _alone = mercato_tests::load::alone();
    let server = Server::builder().soft_file_limit(256).start();
    let crowd = expect_newcomers_to_be_served(&server, 600);
    assert_eq!(still_open(crowd), 600);
}

#[test]
fn idle_connections_make_room_when_files_run_out() {
    let _alone = mercato_tests::load::alone();
    let (metrics, builder) = Listener::on(Server::builder());
    let server = builder.hard_file_limit(1024).start();
    let crowd = expect_newcomers_to_be_served(&server, 1100);
    assert!(still_open(crowd) < 600);
    let now = metrics.read();
    assert!(now.sum("mercato_connections_cut_total") > 400.0);
}

#[test]
fn one_address_takes_only_its_share_of_the_connections() {
    let _alone = mercato_tests::load::alone();
    let server = Server::builder().hard_file_limit(1024).start();
    let crowd: Vec<Raw> = (0..400).map(|_| Raw::connect(server.base_url())).collect();
    server.client().get("/").expect(200);
    let others = idle_crowd(&server, 100);
    assert!((64..=160).contains(&still_open(crowd)));
    assert_eq!(still_open(others), 100);
}

#[test]
fn behind_a_proxy_its_address_may_have_all_connections() {
    let _alone = mercato_tests::load::alone();
    let builder: ServerBuilder = Server::builder().variable("trusted_proxies", "1");
    let server = builder.hard_file_limit(1024).start();
    let crowd: Vec<Raw> = (0..400).map(|_| Raw::connect(server.base_url())).collect();
    server.client().get("/").expect(200);
    assert_eq!(still_open(crowd), 400);
}
