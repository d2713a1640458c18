//! A machine that sleeps in the middle of a request: whatever was checked before may not be true any more afterwards.

use std::time::Duration;

use mercato_reliability::Storage;
use mercato_reliability::client::{CUSTOMER_EMAIL, Memory, PASSWORD, Story};
use mercato_reliability::scenarios::opening;
use mercato_reliability::world::{ADMIN_EMAIL, ADMIN_PASSWORD, Provider, World};
use mercato_tests::{Response, is_quick};
use serde_json::json;

/// After that, no component takes an access token of a session that has ended.
const REVOKED_WITHIN: Duration = Duration::from_secs(31);

/// Longer than an access token is good for, and than its revocation is kept: 16 minutes.
const SLEEP: Duration = Duration::from_secs(45 * 60);

/// Calls that a request makes at most.
const CALLS_MAX: u64 = 200;

/// Requests that need a session that has not ended: who sends them, method and path, to each component that learns from others which have.
const REQUESTS: [(&str, &str, &str, &str); 3] = [
    (CUSTOMER_EMAIL, PASSWORD, "POST", "/api/v1/orders"),
    (CUSTOMER_EMAIL, PASSWORD, "POST", "/api/v1/payments/session"),
    (ADMIN_EMAIL, ADMIN_PASSWORD, "POST", "/api/v1/products"),
];

#[test]
fn an_ended_session_is_of_no_use_to_who_sleeps_in_between() {
    if is_quick() {
        return;
    }
    let world = World::new(Provider::Mock, Storage::Sqlite);
    let mut story = Story::resume(&world, &Memory::default());
    opening(&mut story);
    let beginning = world.snapshot();
    for (email, password, method, path) in REQUESTS {
        let mut calls = CALLS_MAX;
        let mut call = 0;
        while call < calls {
            world.rewind(&beginning, None);
            let session = story.log_in(email, password);
            let send = || -> Response {
                story.send(|client| {
                    let request = client.request(method, path).bearer(&session.token);
                    request.json(&json!({}))
                })
            };
            // The component has a list of revocations, in which this session is not named.
            assert_eq!(send().status(), 400, "{path}: the session lives");
            let body = json!({ "refreshToken": session.refresh_token });
            let left = story.send(|client| client.post("/api/v1/auth/logout").json(&body));
            left.expect(204);
            world.clock.advance(REVOKED_WITHIN);
            world.plan.arm_stall(call, &world.clock, SLEEP);
            let answer = send();
            let made = world.plan.calls();
            world.plan.disarm();
            let reached = made.get(usize::try_from(call).expect("not that many"));
            assert_eq!(
                answer.status(),
                401,
                "{path}, asleep before call {call} ({reached:?}): {}",
                answer.text()
            );
            calls = u64::try_from(made.len()).expect("not that many");
            call += 1;
        }
        assert!(calls > 5, "{path}: there are calls: {calls}");
    }
}
