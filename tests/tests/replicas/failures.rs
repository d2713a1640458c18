//! A replica ends or is cut off, the server restarts: who goes on, goes on, and nothing that was answered is lost.

use std::{
    thread,
    time::{Duration, Instant},
};

use mercato_tests::{Postgres, Server, is_quick, proxy::Proxy, wait_until};

use crate::{DURABLE, Replicas, crowd::Crowd};

const BUYERS: usize = 8;

/// How long a replica is cut off.
const CUT_TIME: Duration = Duration::from_secs(12);

/// How soon a replica must say that it does not reach its database, with some time for a busy machine.
const NOTICE_TIME: Duration = Duration::from_secs(6);

#[test]
fn a_replica_that_is_killed_takes_nothing_along() {
    if is_quick() {
        return;
    }
    let Some(mut replicas) = Replicas::start(2) else {
        return;
    };
    let crowd = Crowd::of(&replicas, BUYERS);
    let second = &mut replicas.servers[1];
    let purchases = crowd.buy(|| {
        for _ in 0..3 {
            crowd.wait_for(20);
            second.kill();
            crowd.wait_for(20);
            second.restart();
        }
        crowd.wait_for(20);
    });
    crowd.check(&replicas.shop(0), &purchases);
    crowd.check(&replicas.shop(1), &purchases);
}

#[test]
fn a_replica_that_is_drained_loses_no_request() {
    if is_quick() {
        return;
    }
    let Some(postgres) = Postgres::start_with(&DURABLE) else {
        return;
    };
    let mut server = Server::builder()
        .postgres(&postgres)
        .argument("--drain-seconds")
        .argument("3")
        .start();
    let client = server.client();
    assert_eq!(client.get("/api/health/ready").send().status(), 200);
    thread::scope(|scope| {
        let ending = scope.spawn(|| server.stop());
        let noticed = wait_until("a replica that is not ready", || {
            let answer = client.get("/api/health/ready").try_send().ok()?;
            (answer.status() == 503).then_some(answer)
        });
        noticed.expect_problem(503, "not-ready");
        // Who has not noticed yet is answered all the same.
        assert_eq!(client.get("/api/health/live").send().status(), 200);
        assert_eq!(client.get("/api/v1/products").send().status(), 200);
        assert!(ending.join().expect("an end"), "the exit code is 0");
    });
}

#[test]
fn a_server_that_restarts_loses_nothing() {
    if is_quick() {
        return;
    }
    let Some(mut replicas) = Replicas::start(2) else {
        return;
    };
    let crowd = Crowd::of(&replicas, BUYERS);
    let postgres = &mut replicas.postgres;
    let purchases = crowd.buy(|| {
        crowd.wait_for(20);
        postgres.restart();
        crowd.wait_for(20);
        postgres.kill();
        postgres.restart();
        crowd.wait_for(20);
    });
    crowd.check(&replicas.shop(0), &purchases);
}

#[test]
fn a_replica_that_is_cut_off_does_not_hold_up_the_other() {
    if is_quick() {
        return;
    }
    let Some(postgres) = Postgres::start_with(&DURABLE) else {
        return;
    };
    let proxy = Proxy::before(postgres.port());
    let cut_off = Server::builder()
        .postgres_through(&postgres, proxy.port())
        .start();
    let Some(mut replicas) = Replicas::start_on(postgres, 1) else {
        return;
    };
    let alone = Crowd::of(&replicas, BUYERS);
    replicas.servers.push(cut_off);
    let both = Crowd::of(&replicas, BUYERS);
    let [healthy, cut] = [0, 1].map(|replica| replicas.servers[replica].client());
    let mut bought_by_both = Vec::new();
    let purchases = alone.buy(|| {
        let before = alone.orders_in(CUT_TIME / 2);
        // Work of the other one is under way when it is cut off.
        bought_by_both = both.buy(|| {
            both.wait_for(10);
            proxy.cut();
            let cut_at = Instant::now();
            wait_until("a replica that is not ready", || {
                let answer = cut.get("/api/health/ready").send();
                (answer.status() == 503).then_some(())
            });
            assert!(cut_at.elapsed() < NOTICE_TIME, "{:?}", cut_at.elapsed());
            let during = alone.orders_in(CUT_TIME / 2);
            // As many others buy there as before; half is what a busy machine may make of it.
            assert!(
                during * 4 > before,
                "{during} orders while one was cut off, {before} before"
            );
            assert_eq!(healthy.get("/api/health/ready").send().status(), 200);
            proxy.mend();
            wait_until("a replica that is ready again", || {
                let answer = cut.get("/api/health/ready").send();
                (answer.status() == 200).then_some(())
            });
        });
    });
    alone.check(&replicas.shop(1), &purchases);
    both.check(&replicas.shop(0), &bought_by_both);
}
