//! Replicas of two versions on one schema.

use crate::Replicas;

/// Makes the schema one of a later version.
fn set_version(replicas: &Replicas, oldest_program: u32) {
    replicas.postgres.run(
        "mercato_orders",
        &format!(
            "UPDATE schema_version SET version = version + 1, oldest_program = {oldest_program}"
        ),
    );
}

#[test]
fn a_newer_schema_is_used_as_long_as_nothing_is_taken_away() {
    let Some(mut replicas) = Replicas::start(1) else {
        return;
    };
    let ready = replicas.servers[0].client().get("/api/health/ready").send();
    assert_eq!(ready.status(), 200, "every database has its schema");
    let customer = replicas.shop(0).customer();
    let product = replicas.shop(0).product(1, 9);
    let known: u32 = replicas
        .postgres
        .run("mercato_orders", "SELECT version FROM schema_version")
        .parse()
        .expect("a version");
    set_version(&replicas, known);
    replicas.servers[0].restart();
    let client = replicas.servers[0].client();
    assert_eq!(client.get("/api/health/ready").send().status(), 200);
    let token = &customer.token;
    let order = |client: &mercato_tests::Client| {
        let body = mercato_tests::shop::order_of(&[(&product, 1)]);
        client
            .post("/api/v1/orders")
            .bearer(token)
            .json(&body)
            .send()
    };
    assert_eq!(order(&client).status(), 201);
    set_version(&replicas, known + 1);
    replicas.servers[0].restart();
    let refused = order(&client);
    assert!(refused.status() >= 500, "{}", refused.status());
    assert_eq!(client.get("/api/health/ready").send().status(), 503);
    assert!(replicas.servers[0].log().contains("schema version"));
}
