//! Liveness, which the runner answers, and readiness.

use mercato_tests::{Response, Server};

/// Headers that differ from answer to answer.
const PASSING: [&str; 2] = ["date", "x-request-id"];

fn lasting(answer: &Response) -> (u16, Vec<(String, String)>, Vec<u8>) {
    let headers = answer.headers().iter().map(|(name, value)| {
        let value = value.to_str().expect("a header");
        (name.as_str().to_owned(), value.to_owned())
    });
    let mut headers: Vec<(String, String)> = headers
        .filter(|(name, _)| !PASSING.contains(&name.as_str()))
        .collect();
    headers.sort();
    (answer.status(), headers, answer.bytes().to_vec())
}

#[test]
fn the_runner_repeats_exactly_what_the_box_says_of_being_alive() {
    let _alone = mercato_tests::load::alone();
    let server = Server::start();
    let client = server.client();
    for method in ["GET", "HEAD"] {
        let ask = || client.request(method, "/api/health/live");
        // What a client has already is compared by the box itself.
        let boxes = ask().header("if-none-match", "\"another\"").send();
        let repeated = ask().header("x-request-id", "probe.1").send();
        assert_eq!(lasting(&repeated.clone().expect(200)), lasting(&boxes));
        assert_eq!(repeated.header("x-request-id"), Some("probe.1"));
    }
    let unknown = client.get("/api/health/live?x=1").send();
    unknown.expect_problem(400, "validation");
    client.post("/api/health/live").send().expect(405);
}
