//! Orders that nobody pays: they are given back faster than one account can make them, and what is left of them goes.

use std::time::{Duration, Instant};

use mercato_reliability::client::{CUSTOMER_EMAIL, Memory, Story};
use mercato_reliability::world::{RESERVATION_TTL_SECONDS, UNPAID_RETENTION_SECONDS, World};
use mercato_tests::shop::text;
use serde_json::Value;

/// The list of cancelled orders.
const CANCELLED: &str = "/api/v1/orders?status=CANCELLED&limit=1";

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const TIMED: [&str; 2] = ["orders-api", "payments-api"];
/// Calls of the timers within which everything must have come to its end.
const CALLS_MAX: usize = 200;

fn opened(world: &World) -> Story<'_> {
    let mut story = Story::resume(world, &Memory::default());
    story.log_in_as_admin();
    story.register(CUSTOMER_EMAIL);
    story.stock_product("CUP", "12.5", 100_000);
    story
}

/// So many orders, none of which is paid.
fn hoard(story: &mut Story<'_>, first: usize, count: usize) {
    let product = story.products[0].clone();
    for number in first..first + count {
        story.order(&format!("order-{number}"), &[(&product, 1)]);
    }
}

fn reserved(story: &Story<'_>) -> Value {
    let product = &story.products[0];
    story.read_as_admin(&format!("/api/v1/products/{product}"))["reserved"].clone()
}

fn total(story: &Story<'_>, path: &str) -> Value {
    story.read_as_admin(path)["meta"]["total"].clone()
}

#[test]
fn orders_that_run_out_are_given_back_faster_than_they_are_made() {
    const ORDERS: usize = 300;
    let world = World::without_limits();
    let mut story = opened(&world);
    let started = Instant::now();
    hoard(&mut story, 0, ORDERS);
    let made = started.elapsed();
    world
        .clock
        .advance(Duration::from_secs(RESERVATION_TTL_SECONDS));
    story.log_in_as_admin();
    assert_eq!(reserved(&story), ORDERS);
    let started = Instant::now();
    let mut calls = 0;
    while reserved(&story) != 0 {
        world.fire_timer("orders-api");
        calls += 1;
        assert!(calls < CALLS_MAX, "{} are left", reserved(&story));
    }
    let given_back = started.elapsed();
    let ratio = made.as_secs_f64() / given_back.as_secs_f64();
    assert!(
        ratio > 2.0,
        "made in {made:?}, given back in {given_back:?}"
    );
    assert_eq!(
        total(&story, "/api/v1/orders?status=CANCELLED&limit=1"),
        ORDERS
    );
    assert_eq!(total(&story, "/api/v1/payments/outbox"), 0);
}

/// The timers are called until they have nothing more to do.
fn run_timers(world: &World, times: usize) {
    for _ in 0..times {
        for component in TIMED {
            world.fire_timer(component);
        }
    }
}

#[test]
fn what_nobody_paid_is_removed_and_the_databases_stop_growing() {
    const ORDERS: usize = 60;
    let world = World::without_limits();
    let mut story = opened(&world);
    let retention = Duration::from_secs(UNPAID_RETENTION_SECONDS);
    let empty = world.stored_bytes();
    let mut sizes = Vec::new();
    for round in 0..3 {
        let product = story.products[0].clone();
        let paid = story.order(&format!("paid-{round}"), &[(&product, 1)]);
        story.check_out(&paid, "succeed");
        hoard(&mut story, round * ORDERS, ORDERS);
        let cancelled = story.facts.placed[&format!("order-{}", round * ORDERS)].clone();
        story.cancel(&cancelled);
        world
            .clock
            .advance(Duration::from_secs(RESERVATION_TTL_SECONDS + 60));
        run_timers(&world, 5);
        story.log_in_as_admin();
        assert_eq!(
            total(&story, CANCELLED),
            ORDERS,
            "those of the rounds before are gone"
        );
        sizes.push(world.stored_bytes());
        // Orders go first, and their payments a day later.
        world.clock.advance(retention - Duration::from_secs(3_600));
        run_timers(&world, 5);
        story.log_in_as_admin();
        assert_eq!(total(&story, CANCELLED), ORDERS, "they are kept that long");
        world.clock.advance(DAY);
        run_timers(&world, 10);
        story.log_in_as_admin();
        let order = text(&cancelled["id"]);
        let gone = story.send(|client| {
            let path = format!("/api/v1/orders/id/{order}");
            client.get(&path).bearer(&story.admin.token)
        });
        assert_eq!(gone.status(), 404);
        let payment = format!("/api/v1/payments/order/{order}");
        story.read_as_admin(&payment);
        world.clock.advance(2 * DAY);
        run_timers(&world, 10);
        story.log_in_as_admin();
        let gone = story.send(|client| client.get(&payment).bearer(&story.admin.token));
        assert_eq!(gone.status(), 404);
        assert_eq!(total(&story, "/api/v1/orders?limit=1"), round + 1);
        story.customer = story.log_in(CUSTOMER_EMAIL, mercato_reliability::client::PASSWORD);
    }
    let grown = |from: u64, to: u64| to.saturating_sub(from);
    let first = grown(empty, sizes[0]);
    let later = grown(sizes[0], sizes[2]);
    assert!(
        later * 3 < first,
        "{ORDERS} orders take {first} bytes at first, and {later} more in two further rounds"
    );
    assert_eq!(reserved(&story), 0);
}
