//! Replicas whose secrets differ.

use mercato_tests::{JWT_SECRET, Postgres, Server, shop::Shop};

use crate::DURABLE;

const OTHER_SECRET: &str = "another secret of forty bytes, for tests";

#[test]
fn a_replica_with_another_key_is_not_ready() {
    let Some(postgres) = Postgres::start_with(&DURABLE) else {
        return;
    };
    let start = |secret: &str, previous: &str| {
        let server = Server::builder()
            .postgres(&postgres)
            .variable("jwt_secret", secret)
            .variable("jwt_previous_secret", previous);
        server.start()
    };
    let ready = |server: &Server| {
        let answer = server.client().get("/api/health/ready").send();
        answer.status()
    };
    let first = start(JWT_SECRET, "");
    assert_eq!(ready(&first), 200, "{}", first.log());
    let customer = Shop::on(&first).customer();
    let odd = start(OTHER_SECRET, "");
    assert_eq!(ready(&odd), 503);
    assert!(odd.log().contains("give all the same jwt_secret"));
    assert!(!odd.log().contains(OTHER_SECRET));
    // It harms nobody: who holds the key goes on with it.
    assert_eq!(ready(&first), 200, "{}", first.log());
    // The key is replaced one replica after the other: the first new one takes over, and knows the old tokens.
    let new = start(OTHER_SECRET, JWT_SECRET);
    assert_eq!(ready(&new), 200, "{}", new.log());
    let client = new.client();
    let own = client.get("/api/v1/auth/verify");
    own.bearer(&customer.token).expect(200);
    assert_eq!(ready(&odd), 200, "{}", odd.log());
    assert_eq!(ready(&first), 503);
}
