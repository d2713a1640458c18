use std::cell::RefCell;
use std::time::Duration;

use super::*;
use crate::adapter::tests::{Script, StoppedClock, refuses, says, script, with_client};
use crate::breaker::{FAILURES_MAX, OPEN_MS};

fn call() -> Call {
    Call {
        method: Method::Post,
        path: "/v1/refunds".to_owned(),
        form: "amount=1".to_owned(),
        idempotency_key: Some("refund:1".to_owned()),
    }
}

fn text(body: &[u8]) -> Result<String, String> {
    match String::from_utf8(body.to_vec()) {
        Ok(text) if text != "garbage" => Ok(text),
        _ => Err("garbage".to_owned()),
    }
}

async fn ask(client: &Client<'_, Script, StoppedClock>) -> Result<String, Failure> {
    client
        .call(&call(), Deadline::from_now(client.pace), text)
        .await
}

fn send(script: &Script) -> Result<String, Failure> {
    with_client(script, &RefCell::default(), ask)
}

fn cause(result: Result<String, Failure>) -> String {
    match result {
        Err(Failure::Undecided(cause)) => cause,
        other => panic!("{other:?}"),
    }
}

fn told(status: u16, change: impl FnOnce(&mut Answer)) -> Result<Answer, TransportError> {
    let mut answer = refuses(status, "api_error", "", "busy").unwrap();
    change(&mut answer);
    Ok(answer)
}

#[test]
fn every_request_says_who_asks_and_in_which_version() {
    let script = script([says(200, "yes")]);
    assert_eq!(send(&script), Ok("yes".to_owned()));
    let request = script.requests.borrow()[0].clone();
    assert_eq!(request.url, "https://api.stripe.test/v1/refunds");
    for header in [
        ("authorization", "Bearer sk_test_secret"),
        ("stripe-version", API_VERSION),
        ("content-type", "application/x-www-form-urlencoded"),
        ("idempotency-key", "refund:1"),
    ] {
        let header = (header.0, header.1.to_owned());
        assert!(request.headers.contains(&header), "{header:?}");
    }
    assert_eq!(request.body, "amount=1");
}

#[test]
fn whatever_decides_nothing_is_tried_again() {
    let lost = || Err(TransportError::TimedOut);
    for first in [
        lost(),
        Err(TransportError::Failed("reset".to_owned())),
        says(200, "garbage"),
        says(302, ""),
        says(404, "<html>no such page at the proxy"),
        refuses(409, "invalid_request_error", "lock_timeout", "locked"),
        refuses(409, "idempotency_error", "idempotency_key_in_use", "in use"),
        refuses(429, "invalid_request_error", "rate_limit", "slow down"),
        refuses(500, "api_error", "", "broken"),
        says(503, ""),
    ] {
        let script = script([first.clone(), lost(), says(200, "yes")]);
        assert_eq!(send(&script), Ok("yes".to_owned()), "{first:?}");
    }
}

#[test]
fn a_definite_no_is_not_asked_about_again() {
    for (status, kind, code) in [
        (400, "invalid_request_error", "amount_too_small"),
        (402, "card_error", "card_declined"),
        (404, "invalid_request_error", "resource_missing"),
        (400, "idempotency_error", ""),
    ] {
        let script = script([refuses(status, kind, code, "no")]);
        match send(&script) {
            Err(Failure::Refused(refusal)) => {
                assert_eq!((refusal.status, refusal.kind.as_str()), (status, kind));
                assert_eq!(refusal.is_idempotency_error(), kind == "idempotency_error");
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_key_that_is_not_accepted_decides_nothing_about_an_order() {
    for status in [401, 403] {
        let script = script([refuses(
            status,
            "invalid_request_error",
            "",
            "Invalid API Key provided: sk_test_***cret",
        )]);
        let cause = cause(send(&script));
        assert!(!cause.contains("sk_test"), "{cause}");
    }
}

#[test]
fn stripe_may_say_itself_whether_trying_again_helps() {
    let no = told(500, |answer| answer.should_retry = Some(false));
    assert!(cause(send(&script([no]))).contains("500"));
    let yes = told(400, |answer| answer.should_retry = Some(true));
    let script = script([yes, says(200, "yes")]);
    assert_eq!(send(&script), Ok("yes".to_owned()));
}

#[test]
fn pauses_double_and_are_as_long_as_stripe_asks_for() {
    let busy = || told(503, |_| {});
    let exponential = script([busy(), busy(), says(200, "yes")]);
    send(&exponential).unwrap();
    assert_eq!(*exponential.clock.pauses_ms.borrow(), [250, 500]);

    let wait = |seconds| {
        told(429, |answer| {
            answer.retry_after = Some(Duration::from_secs(seconds));
        })
    };
    let patient = script([wait(2), says(200, "yes")]);
    send(&patient).unwrap();
    assert_eq!(*patient.clock.pauses_ms.borrow(), [2_000]);

    let hopeless = script([wait(60)]);
    assert!(cause(send(&hopeless)).contains("429"));
    assert!(hopeless.clock.pauses_ms.borrow().is_empty());
}

#[test]
fn a_call_ends_in_time_however_slow_stripe_is() {
    let script = script((0..TRIES_MAX).map(|_| says(200, "too late")));
    script.takes_ms.set(60_000);
    assert!(cause(send(&script)).contains("in time"));
    assert_eq!(script.limits.borrow()[0], Duration::from_millis(TRY_MS));
    assert!(script.clock.now_ms.get() <= BUDGET_MS);
}

#[test]
fn after_failures_nothing_is_sent_until_a_probe_succeeds() {
    let breaker = RefCell::default();
    let down = script((0..FAILURES_MAX).map(|_| Err(TransportError::TimedOut)));
    assert!(cause(with_client(&down, &breaker, ask)).contains("in time"));

    let silent = script([]);
    silent.clock.now_ms.set(down.clock.now_ms.get());
    assert!(cause(with_client(&silent, &breaker, ask)).contains("left alone"));

    let later = down.clock.now_ms.get() + OPEN_MS;
    let still_down = script([says(500, "{}")]);
    still_down.clock.now_ms.set(later);
    assert!(cause(with_client(&still_down, &breaker, ask)).contains("500"));

    let back = script([refuses(400, "invalid_request_error", "", "no")]);
    back.clock.now_ms.set(later + OPEN_MS);
    assert!(matches!(
        with_client(&back, &breaker, ask),
        Err(Failure::Refused(_))
    ));
    assert_eq!(*breaker.borrow(), Breaker::default(), "a no is an answer");
}

#[test]
fn the_key_is_in_no_error() {
    for answer in [
        refuses(400, "invalid_request_error", "", "bad key sk_test_secret!"),
        Err(TransportError::Failed(
            "cannot send sk_test_secret".to_owned(),
        )),
    ] {
        let answers = match &answer {
            Ok(_) => vec![answer],
            Err(_) => vec![answer; 3],
        };
        let shown = format!("{:?}", send(&script(answers)));
        assert!(!shown.contains("sk_test_secret"), "{shown}");
    }
}
