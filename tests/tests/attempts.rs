//! What guessing passwords costs: how many attempts there are, for whom, and how long they take.
//!
//! These shops are of their own and take `X-Forwarded-For` for true, so that every test can come from where it likes.
#![cfg(unix)]

use std::{
    fs,
    time::{Duration, Instant},
};

use mercato_tests::{
    Response, Server, is_quick,
    load::all_at_once,
    shop::{Account, PASSWORD, Shop, unique_email},
};
use serde_json::{Value, json};

const WRONG: &str = "Wrong-Password-1";
const NEW_PASSWORD: &str = "Another-1-Entirely";

/// Wrong passwords for one account from one client until there is a wait.
const PAIR_FAILURES: usize = 10;
/// Wrong passwords from one client for all accounts until there is a wait.
const CLIENT_FAILURES: usize = 100;
/// The first wait, in seconds.
const FIRST_WAIT: u64 = 60;

/// Addresses for documentation (RFC 5737, RFC 3849).
const HERE: &str = "192.0.2.1";
const ELSEWHERE: &str = "198.51.100.1";

fn behind_a_proxy() -> Server {
    Server::builder().variable("trusted_proxies", "1").start()
}

fn log_in(shop: &Shop, client: &str, email: &str, password: &str) -> Response {
    shop.nobody()
        .post("/api/v1/auth/login")
        .header("x-forwarded-for", client)
        .json(&json!({ "email": email, "password": password }))
        .send()
}

fn change_password(account: &Account, client: &str, current: &str) -> Response {
    account
        .post("/api/v1/auth/password")
        .header("x-forwarded-for", client)
        .json(&json!({ "currentPassword": current, "newPassword": NEW_PASSWORD }))
        .send()
}

fn change_address(account: &Account, client: &str, email: &str, current: &str) -> Response {
    account
        .patch("/api/v1/auth/me")
        .header("x-forwarded-for", client)
        .json(&json!({ "email": email, "currentPassword": current }))
        .send()
}

fn register(shop: &Shop, client: &str, email: &str) -> Response {
    shop.nobody()
        .post("/api/v1/auth/register")
        .header("x-forwarded-for", client)
        .json(&json!({ "name": "Ada", "email": email, "password": PASSWORD }))
        .send()
}

fn guess(shop: &Shop, client: &str, email: &str, times: usize) {
    for _ in 0..times {
        log_in(shop, client, email, WRONG).expect_problem(401, "invalid-credentials");
    }
}

/// Checks that the answer asks to wait, and returns its seconds and what it says beside its own id and time.
#[track_caller]
fn expect_wait(answer: Response) -> (u64, Value) {
    let header = answer.header("retry-after").map(str::to_owned);
    let seconds = header.and_then(|text| text.parse().ok());
    let mut problem = answer.expect_problem(429, "too-many-attempts");
    for own in ["requestId", "timestamp", "detail", "message"] {
        problem[own].take();
    }
    (seconds.expect("seconds in Retry-After"), problem)
}

#[test]
fn after_ten_wrong_passwords_only_that_account_has_to_wait() {
    let server = behind_a_proxy();
    let shop = Shop::on(&server);
    let customer = shop.customer();
    guess(&shop, HERE, &customer.email, PAIR_FAILURES);
    let (seconds, known) = expect_wait(log_in(&shop, HERE, &customer.email, PASSWORD));
    assert!((1..=FIRST_WAIT).contains(&seconds), "{seconds}");
    expect_wait(log_in(
        &shop,
        HERE,
        &customer.email.to_uppercase(),
        PASSWORD,
    ));

    let nobody = unique_email();
    guess(&shop, HERE, &nobody, PAIR_FAILURES);
    let (seconds, unknown) = expect_wait(log_in(&shop, HERE, &nobody, WRONG));
    assert!((1..=FIRST_WAIT).contains(&seconds), "{seconds}");
    assert_eq!(known, unknown, "who has an account cannot be seen");

    log_in(&shop, ELSEWHERE, &customer.email, PASSWORD).expect(200);
    log_in(&shop, HERE, &shop.customer().email, PASSWORD).expect(200);
    customer.get("/api/v1/auth/me").expect(200);
}

#[test]
fn a_login_gives_all_attempts_back() {
    let server = behind_a_proxy();
    let shop = Shop::on(&server);
    let customer = shop.customer();
    for _ in 0..3 {
        guess(&shop, HERE, &customer.email, PAIR_FAILURES - 1);
        log_in(&shop, HERE, &customer.email, PASSWORD).expect(200);
    }
}

#[test]
fn guesses_at_the_same_time_do_not_slip_through() {
    let server = behind_a_proxy();
    let shop = Shop::on(&server);
    for email in [shop.customer().email, unique_email()] {
        let statuses = all_at_once(4 * PAIR_FAILURES, |_| {
            log_in(&shop, HERE, &email, WRONG).status()
        });
        let count = |status| statuses.iter().filter(|found| **found == status).count();
        assert_eq!(
            (count(401), count(429)),
            (PAIR_FAILURES, 3 * PAIR_FAILURES),
            "{statuses:?}"
        );
    }
}

#[test]
fn a_wait_outlives_a_crash() {
    let mut server = behind_a_proxy();
    let customer = Shop::on(&server).customer();
    guess(&Shop::on(&server), HERE, &customer.email, PAIR_FAILURES);
    server.restart();
    let shop = Shop::on(&server);
    expect_wait(log_in(&shop, HERE, &customer.email, PASSWORD));
    log_in(&shop, ELSEWHERE, &customer.email, PASSWORD).expect(200);
}

#[test]
fn whoever_tries_many_addresses_has_to_wait_and_nobody_else() {
    let server = behind_a_proxy();
    let shop = Shop::on(&server);
    for _ in 0..CLIENT_FAILURES {
        guess(&shop, HERE, &unique_email(), 1);
        log_in(&shop, ELSEWHERE, &unique_email(), "").expect(400);
    }
    let customer = shop.customer();
    expect_wait(log_in(&shop, HERE, &customer.email, PASSWORD));
    log_in(&shop, ELSEWHERE, &customer.email, PASSWORD).expect(200);
}

#[test]
fn wrong_current_passwords_count_too() {
    let server = behind_a_proxy();
    let shop = Shop::on(&server);
    let customer = shop.customer();
    for _ in 0..PAIR_FAILURES {
        change_password(&customer, HERE, WRONG).expect_problem(401, "invalid-credentials");
    }
    expect_wait(change_password(&customer, HERE, PASSWORD));
    expect_wait(log_in(&shop, HERE, &customer.email, PASSWORD));
    let email = unique_email();
    expect_wait(change_address(&customer, HERE, &email, PASSWORD));
    change_address(&customer, ELSEWHERE, &email, PASSWORD).expect(200);
    expect_wait(change_password(&customer, HERE, PASSWORD));
    change_password(&customer, ELSEWHERE, PASSWORD).expect(200);
}

#[test]
fn a_new_address_that_is_taken_counts_like_a_wrong_password() {
    let server = behind_a_proxy();
    let shop = Shop::on(&server);
    let (customer, other) = (shop.customer(), shop.customer());
    for _ in 0..PAIR_FAILURES {
        change_address(&customer, HERE, &other.email, PASSWORD).expect_problem(409, "email-taken");
    }
    let (_, taken) = expect_wait(change_address(&customer, HERE, &other.email, PASSWORD));
    let (_, free) = expect_wait(change_address(&customer, HERE, &unique_email(), PASSWORD));
    assert_eq!(taken, free, "who has an account cannot be seen");
}

#[test]
fn whoever_registers_taken_addresses_alone_has_to_wait() {
    let server = behind_a_proxy();
    let shop = Shop::on(&server);
    let email = shop.customer().email;
    for _ in 0..CLIENT_FAILURES {
        register(&shop, HERE, &email).expect_problem(409, "email-taken");
    }
    let (seconds, taken) = expect_wait(register(&shop, HERE, &email));
    assert!((1..=FIRST_WAIT).contains(&seconds), "{seconds}");
    let (_, free) = expect_wait(register(&shop, HERE, &unique_email()));
    assert_eq!(taken, free, "who has an account cannot be seen");
    register(&shop, ELSEWHERE, &unique_email()).expect(201);
    log_in(&shop, HERE, &email, PASSWORD).expect(200);
}

#[test]
fn registrations_are_counted_by_client_and_in_all() {
    const PER_CLIENT: usize = 6;
    const IN_ALL: usize = 8;
    let server = Server::builder()
        .variable("trusted_proxies", "1")
        .variable("registrations_per_client", &PER_CLIENT.to_string())
        .variable("registrations_per_minute", &IN_ALL.to_string())
        .start();
    let shop = Shop::on(&server);
    let register = |client: &str| register(&shop, client, &unique_email());
    for _ in 0..PER_CLIENT {
        register(HERE).expect(201);
    }
    let (seconds, _) = expect_wait(register(HERE));
    assert!(
        seconds > FIRST_WAIT,
        "{seconds}: until the quarter of an hour ends"
    );
    for number in 0..2 * IN_ALL - PER_CLIENT {
        register(&format!("203.0.113.{number}")).expect(201);
    }
    let (seconds, _) = expect_wait(register(ELSEWHERE));
    assert!((1..=FIRST_WAIT).contains(&seconds), "{seconds}");
}

#[test]
fn addresses_of_a_network_are_one_client_nonsense_is_the_proxy() {
    let server = behind_a_proxy();
    let shop = Shop::on(&server);
    let email = unique_email();
    for number in 0..PAIR_FAILURES {
        guess(&shop, &format!("2001:db8::{number:x}"), &email, 1);
    }
    expect_wait(log_in(&shop, "[2001:db8::ffff]:80", &email, WRONG));
    guess(&shop, "2001:db8:0:1::1", &email, 1);

    let email = unique_email();
    for number in 0..PAIR_FAILURES {
        guess(&shop, &format!("nonsense-{number}"), &email, 1);
    }
    expect_wait(log_in(&shop, "unknown", &email, WRONG));
    let forged = format!("{HERE}, 203.0.113.7");
    guess(&shop, &forged, &email, PAIR_FAILURES);
    expect_wait(log_in(&shop, "203.0.113.7", &email, WRONG));
}

#[test]
fn without_a_proxy_nobody_can_say_where_they_come_from() {
    let server = Server::start();
    let shop = Shop::on(&server);
    let email = unique_email();
    let from = |number: usize| {
        let address = format!("203.0.113.{number}");
        shop.nobody()
            .post("/api/v1/auth/login")
            .header("x-forwarded-for", &address)
            .header("spin-client-addr", &format!("{address}:80"))
            .json(&json!({ "email": email, "password": WRONG }))
            .send()
    };
    for number in 0..PAIR_FAILURES {
        from(number).expect(401);
    }
    expect_wait(from(PAIR_FAILURES));
}

#[test]
fn neither_database_nor_log_shows_who_was_tried_and_with_what() {
    let mut server = behind_a_proxy();
    let shop = Shop::on(&server);
    let (customer, tried) = (shop.customer(), unique_email());
    guess(&shop, HERE, &tried, PAIR_FAILURES);
    expect_wait(log_in(&shop, HERE, &tried, WRONG));
    guess(&shop, HERE, &customer.email, 1);
    change_password(&customer, HERE, PASSWORD).expect(200);
    assert!(server.stop(), "the exit code is 0");

    let database = fs::read(server.folder().join("auth.db")).expect("the database");
    let is_in_it = |text: &str| {
        database
            .windows(text.len())
            .any(|part| part == text.as_bytes())
    };
    assert!(is_in_it(&customer.email), "the right file was read");
    for text in [
        &*tried,
        HERE,
        WRONG,
        PASSWORD,
        NEW_PASSWORD,
        &customer.refresh_token,
    ] {
        assert!(!is_in_it(text), "{text} is in the database");
    }
    let log = server.log();
    assert!(log.contains("/api/v1/auth/login"), "the right log was read");
    for text in [
        &*tried,
        &customer.email,
        WRONG,
        PASSWORD,
        NEW_PASSWORD,
        &customer.token,
        &customer.refresh_token,
    ] {
        assert!(!log.contains(text), "{text} is in the log");
    }
}

/// How long a refusal takes must not show why. Medians of attempts in turn, so that a busy machine slows all of them.
#[test]
fn a_refusal_takes_the_same_time_whatever_its_cause() {
    const ROUNDS: usize = 15;
    if is_quick() {
        return;
    }
    let mut server = Server::builder()
        .variable("trusted_proxies", "1")
        .variable("bcrypt_cost", "8")
        .start();
    let shop = Shop::on(&server);
    let (old, old_disabled) = (shop.customer(), shop.customer());
    disable(&shop, &old_disabled);
    server.set_variable("bcrypt_cost", "10");
    server.restart();
    let shop = Shop::on(&server);
    let (new, disabled) = (shop.customer(), shop.customer());
    disable(&shop, &disabled);

    let attempts = [
        ("an unknown address", unique_email(), PASSWORD),
        ("a wrong password", new.email, WRONG),
        ("a wrong password of an older hash", old.email, WRONG),
        ("a disabled account", disabled.email, PASSWORD),
        (
            "a disabled account of an older hash",
            old_disabled.email,
            PASSWORD,
        ),
    ];
    let mut times = vec![Vec::new(); attempts.len()];
    for round in 0..ROUNDS {
        let client = format!("192.0.2.{round}");
        for (times, (_, email, password)) in times.iter_mut().zip(&attempts) {
            let started = Instant::now();
            log_in(&shop, &client, email, password).expect(401);
            times.push(started.elapsed());
        }
    }
    let medians: Vec<Duration> = times.into_iter().map(median).collect();
    for ((cause, ..), median) in attempts.iter().zip(&medians) {
        let ratio = median.as_secs_f64() / medians[0].as_secs_f64();
        assert!((0.6..1.6).contains(&ratio), "{cause}: {medians:?}");
    }
}

fn disable(shop: &Shop, account: &Account) {
    let path = format!("/api/v1/auth/users/{}", account.id);
    let body = json!({ "disabled": true });
    shop.admin().patch(&path).json(&body).expect(200);
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}
