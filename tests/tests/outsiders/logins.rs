//! Crowds that log in and register: few passwords are hashed at a time, few wait, everybody else is asked to come back.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use mercato_tests::{
    ADMIN_EMAIL, ADMIN_PASSWORD, Client, Response, Server,
    load::{Crowd, Latencies},
    shop::{PASSWORD, unique_email},
    wait_until,
};
use rusqlite::{Connection, OpenFlags};
use serde_json::json;

const LOGINS: usize = 40;
const REGISTRATIONS: usize = 12;
/// A hash of this cost takes about a tenth of a second.
const BCRYPT_COST: &str = "10";
/// Slots that are open to everybody, and as many again kept for the familiar and for admins.
const SLOTS_IN_ALL: i64 = 4;
const LINE_MAX: i64 = 64;
/// So many wait at least, unless the machine is so slow that the line is shorter and somebody is refused.
const LINE_LONG: i64 = 20;
/// Where the admin usually is (RFC 5737).
const OFFICE: &str = "192.0.2.1";

/// Times as long as in an idle shop that an admin's login may take: it waits for those that hash already, at low priority.
const RATIO_MAX: f64 = 40.0;
/// Of an admin's login among the crowds, with all its attempts.
const ADMIN_LOGIN_MAX: Duration = Duration::from_secs(5);

fn post(client: &Client, path: &str, from: &str, body: &serde_json::Value) -> Response {
    client
        .post(path)
        .header("x-forwarded-for", from)
        .json(body)
        .send()
}

fn log_in(client: &Client, from: &str, email: &str, password: &str) -> Response {
    let body = json!({ "email": email, "password": password });
    post(client, "/api/v1/auth/login", from, &body)
}

fn seconds_to_wait(answer: &Response) -> Option<u64> {
    answer.header("retry-after")?.parse().ok()
}

/// Logs in, coming back when asked to; returns how long all of it took.
fn log_in_patiently(client: &Client, from: &str) -> Duration {
    let started = Instant::now();
    loop {
        let answer = log_in(client, from, ADMIN_EMAIL, ADMIN_PASSWORD);
        if answer.status() == 200 {
            return started.elapsed();
        }
        assert_eq!(answer.status(), 503, "{}", answer.text());
        let seconds = seconds_to_wait(&answer).expect("Retry-After");
        let asked = Instant::now();
        wait_until("the time to come back", || {
            (asked.elapsed() >= Duration::from_secs(seconds)).then_some(())
        });
    }
}

/// How many hash and how many wait.
fn turns(folder: &Path) -> (i64, i64) {
    let file = folder.join("auth.db");
    let database = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY);
    let database = database.expect("the database of accounts");
    let count = |is_waiting: u32| {
        let sql = "SELECT COUNT(*) FROM hashing_turns WHERE is_waiting = ?";
        database.query_row(sql, [is_waiting], |row| row.get(0))
    };
    (count(0).expect("a number"), count(1).expect("a number"))
}

#[derive(Default)]
struct Seen {
    hashed: AtomicUsize,
    refused: AtomicUsize,
    wrong: AtomicUsize,
}

impl Seen {
    /// An answer to somebody in a crowd: 401 or 201 after hashing, else 503 or 429 with `Retry-After`.
    fn note(&self, answer: &Response) {
        let waits = seconds_to_wait(answer).is_some_and(|seconds| seconds > 0);
        let kind = match answer.status() {
            401 | 201 => &self.hashed,
            503 | 429 if waits => &self.refused,
            _ => &self.wrong,
        };
        kind.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn an_admin_logs_in_among_crowds_that_log_in_and_register() {
    let _alone = mercato_tests::load::alone();
    let server = Server::builder()
        .variable("trusted_proxies", "1")
        .variable("bcrypt_cost", BCRYPT_COST)
        .variable("hashing_slots", "2")
        .start();
    let admin = server.client();
    log_in(&admin, OFFICE, ADMIN_EMAIL, ADMIN_PASSWORD).expect(200);
    let idle = Latencies::of(5, || {
        log_in_patiently(&admin, OFFICE);
    });

    let seen = Arc::new(Seen::default());
    let url = server.client().base_url().to_owned();
    let crowd = {
        let seen = Arc::clone(&seen);
        Crowd::start(LOGINS + REGISTRATIONS, move |number| {
            // A client of its own for each, so that no counter holds them up.
            let (client, from) = (Client::new(&url), format!("203.0.113.{number}"));
            let answer = if number < LOGINS {
                log_in(&client, &from, &unique_email(), PASSWORD)
            } else {
                let body = json!({ "name": "Ada", "email": unique_email(), "password": PASSWORD });
                post(&client, "/api/v1/auth/register", &from, &body)
            };
            seen.note(&answer);
        })
    };
    let folder = server.folder();
    wait_until("a long line, or somebody to be refused", || {
        let is_refused = seen.refused.load(Ordering::Relaxed) > 0;
        (is_refused || turns(folder).1 >= LINE_LONG).then_some(())
    });
    idle.expect_no_slower(50, RATIO_MAX, || {
        let among = Latencies::of(5, || {
            let (hashing, waiting) = turns(folder);
            assert!(hashing <= SLOTS_IN_ALL, "{hashing} hash at a time");
            assert!(waiting <= LINE_MAX, "{waiting} wait");
            log_in_patiently(&admin, OFFICE);
        });
        let slowest = among.percentile(100);
        assert!(slowest < ADMIN_LOGIN_MAX, "{slowest:?}");
        among
    });
    drop(crowd);
    assert_eq!(seen.wrong.load(Ordering::Relaxed), 0);
    assert!(seen.hashed.load(Ordering::Relaxed) > 0, "the crowds get on");

    wait_until("the end of all turns", || {
        (turns(folder) == (0, 0)).then_some(())
    });
    log_in(&admin, "198.51.100.1", ADMIN_EMAIL, ADMIN_PASSWORD).expect(200);
}
