//! The yardstick of the other files: a shop that nobody bothers.

use mercato_tests::{Server, load::Latencies};

#[test]
fn an_idle_shop_answers_evenly() {
    let _alone = mercato_tests::load::alone();
    let server = Server::start();
    let client = server.client();
    let live = || {
        client.get("/api/health/live").expect(200);
    };
    live();
    let times = Latencies::of(200, live);
    let ratio = Latencies::ratio(times.p99(), times.p50());
    assert!(ratio <= 50.0, "p99 is {ratio} times the median");
}
