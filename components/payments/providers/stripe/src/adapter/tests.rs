use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::time::Duration;

use futures::executor::block_on;

use super::*;
use crate::breaker::Breaker;
use crate::client::{Access, Answer, Request, TransportError};
use crate::transformers::Method;

const KEY: &str = "sk_test_secret";

/// A Stripe that answers what the test says, in that order.
#[derive(Default)]
pub struct Script {
    answers: RefCell<VecDeque<Result<Answer, TransportError>>>,
    pub requests: RefCell<Vec<Request>>,
    pub limits: RefCell<Vec<Duration>>,
    pub clock: StoppedClock,
    /// How long each try takes, in milliseconds.
    pub takes_ms: Cell<u64>,
}

/// Time that passes when somebody waits, and random pauses that are always the longest.
#[derive(Default)]
pub struct StoppedClock {
    pub now_ms: Cell<u64>,
    pub pauses_ms: RefCell<Vec<u64>>,
}

impl Pace for StoppedClock {
    fn now_ms(&self) -> u64 {
        self.now_ms.get()
    }

    async fn sleep(&self, pause: Duration) {
        let ms = u64::try_from(pause.as_millis()).unwrap();
        self.pauses_ms.borrow_mut().push(ms);
        self.now_ms.set(self.now_ms.get() + ms);
    }

    fn up_to_ms(&self, longest_ms: u64) -> u64 {
        longest_ms
    }
}

impl Transport for Script {
    async fn send(&self, request: &Request, limit: Duration) -> Result<Answer, TransportError> {
        self.requests.borrow_mut().push(request.clone());
        self.limits.borrow_mut().push(limit);
        let now = self.clock.now_ms.get();
        let limit_ms = u64::try_from(limit.as_millis()).unwrap();
        let takes_ms = self.takes_ms.get();
        self.clock.now_ms.set(now + takes_ms.min(limit_ms));
        let answer = self.answers.borrow_mut().pop_front();
        let answer = answer.expect("a request the test does not expect");
        if takes_ms > limit_ms {
            return Err(TransportError::TimedOut);
        }
        answer
    }
}

pub fn says(status: u16, body: &str) -> Result<Answer, TransportError> {
    Ok(Answer {
        status,
        body: body.as_bytes().to_vec(),
        request_id: Some("req_1".to_owned()),
        ..Answer::default()
    })
}

pub fn refuses(
    status: u16,
    kind: &str,
    code: &str,
    message: &str,
) -> Result<Answer, TransportError> {
    says(
        status,
        &format!(r#"{{"error":{{"type":"{kind}","code":"{code}","message":"{message}"}}}}"#),
    )
}

pub fn script(answers: impl IntoIterator<Item = Result<Answer, TransportError>>) -> Script {
    Script {
        answers: RefCell::new(answers.into_iter().collect()),
        ..Script::default()
    }
}

/// What the script is asked in the end, and whether it was asked all of it.
pub fn with_client<T>(
    script: &Script,
    breaker: &RefCell<Breaker>,
    ask: impl AsyncFnOnce(&Client<'_, Script, StoppedClock>) -> T,
) -> T {
    let access = Access {
        api_base: "https://api.stripe.test".to_owned(),
        secret_key: KEY.to_owned(),
    };
    let client = Client {
        transport: script,
        pace: &script.clock,
        breaker,
        access: &access,
    };
    let result = block_on(ask(&client));
    assert!(
        script.answers.borrow().is_empty(),
        "fewer requests than expected"
    );
    result
}

fn settings() -> CheckoutSettings {
    CheckoutSettings {
        return_url: "https://shop.test".to_owned(),
        reservation_seconds: 900,
    }
}

fn session_request() -> SessionRequest {
    SessionRequest {
        order_id: "01890a5d-ac96-774b-bcce-b302099a8057".to_owned(),
        order_number: Some("M-084S-N02Q".to_owned()),
        payment_id: "01890a5d-ac96-774b-bcce-b302099a8058".to_owned(),
        amount: 250,
        currency: "EUR".to_owned(),
        line_items: vec![crate::port::LineItem {
            name: "Tea".to_owned(),
            unit_price: 12_500,
            quantity: 2,
        }],
        details: None,
        expires_at: 1_700_000_900_000,
        idempotency_key: "payment:session:1".to_owned(),
    }
}

fn refund_request() -> RefundRequest {
    RefundRequest {
        payment_id: "01890a5d-ac96-774b-bcce-b302099a8058".to_owned(),
        order_id: "01890a5d-ac96-774b-bcce-b302099a8057".to_owned(),
        provider_reference: "pi_1".to_owned(),
        amount: 100,
        currency: "EUR".to_owned(),
        reason: None,
        idempotency_key: "refund:1".to_owned(),
    }
}

const SESSION: &str = r#"{"id":"cs_test_1","object":"checkout.session","status":"open",
    "url":"https://checkout.stripe.com/c/pay/cs_test_1","expires_at":1700003000}"#;

fn create(script: &Script) -> Result<Session, ProviderError> {
    with_client(script, &RefCell::default(), async |client| {
        create_session(client, &settings(), &session_request()).await
    })
}

fn expire(script: &Script) -> Result<SessionState, ProviderError> {
    with_client(script, &RefCell::default(), async |client| {
        expire_session(client, "cs_test_1").await
    })
}

fn give_back(script: &Script) -> Result<RefundReceipt, ProviderError> {
    with_client(script, &RefCell::default(), async |client| {
        refund(client, &refund_request()).await
    })
}

fn asked(script: &Script) -> Vec<(Method, String)> {
    let requests = script.requests.borrow();
    requests
        .iter()
        .map(|request| (request.method, request.url.clone()))
        .collect()
}

fn is_unavailable<T: std::fmt::Debug>(result: &Result<T, ProviderError>) -> bool {
    matches!(result, Err(ProviderError::Unavailable(_)))
}

#[test]
fn a_session_ends_for_the_shop_when_the_reservation_does() {
    let script = script([says(200, SESSION)]);
    let session = create(&script).unwrap();
    assert_eq!(
        (session.id.as_str(), session.url.as_str()),
        ("cs_test_1", "https://checkout.stripe.com/c/pay/cs_test_1")
    );
    assert_eq!(session.expires_at, session_request().expires_at);
}

#[test]
fn a_lost_answer_is_asked_for_again_with_the_same_request() {
    let script = script([
        Err(TransportError::TimedOut),
        says(200, "{\"id\":\"cs_te"),
        says(200, SESSION),
    ]);
    assert_eq!(create(&script).unwrap().id, "cs_test_1");
    let requests = script.requests.borrow();
    assert!(requests.iter().all(|request| *request == requests[0]));
    let key = ("idempotency-key", "payment:session:1".to_owned());
    assert!(requests[0].headers.contains(&key));
}

#[test]
fn what_stripe_cannot_be_asked_for_is_not_asked() {
    let script = script([]);
    let refused = with_client(&script, &RefCell::default(), async |client| {
        let request = SessionRequest {
            currency: "ISK".to_owned(),
            ..session_request()
        };
        create_session(client, &settings(), &request).await
    });
    assert!(matches!(refused, Err(ProviderError::Rejected(_))));
}

#[test]
fn an_open_session_is_ended() {
    let script = script([says(200, r#"{"id":"cs_test_1","status":"expired"}"#)]);
    assert!(matches!(expire(&script), Ok(SessionState::Expired)));
    assert_eq!(
        asked(&script),
        [(
            Method::Post,
            "https://api.stripe.test/v1/checkout/sessions/cs_test_1/expire".to_owned()
        )]
    );
}

#[test]
fn a_session_that_cannot_be_ended_is_asked_how_it_ended() {
    for (status, expected) in [
        ("complete", Some(SessionState::Completed(None))),
        ("expired", Some(SessionState::Expired)),
        ("open", None),
    ] {
        let script = script([
            refuses(400, "invalid_request_error", "", "not open"),
            says(200, &format!(r#"{{"id":"cs_test_1","status":"{status}"}}"#)),
        ]);
        let state = expire(&script);
        match expected {
            Some(expected) => assert_eq!(format!("{:?}", state.unwrap()), format!("{expected:?}")),
            None => assert!(is_unavailable(&state), "{state:?}"),
        }
        assert_eq!(
            asked(&script)[1],
            (
                Method::Get,
                "https://api.stripe.test/v1/checkout/sessions/cs_test_1".to_owned()
            )
        );
    }
}

#[test]
fn a_session_that_stripe_does_not_know_is_not_taken_for_ended() {
    let script = script([refuses(
        404,
        "invalid_request_error",
        "resource_missing",
        "No such checkout.session",
    )]);
    assert!(matches!(expire(&script), Err(ProviderError::Rejected(_))));
}

#[test]
fn a_refund_is_made_once_nothing_of_it_is_there() {
    let script = script([
        says(
            200,
            r#"{"data":[{"id":"re_0","status":"succeeded","metadata":{"idempotency_key":"refund:0"}}]}"#,
        ),
        says(200, r#"{"id":"re_1","status":"pending"}"#),
    ]);
    assert_eq!(give_back(&script).unwrap().id, "re_1");
    assert_eq!(
        asked(&script),
        [
            (
                Method::Get,
                "https://api.stripe.test/v1/refunds?payment_intent=pi_1&limit=100".to_owned()
            ),
            (
                Method::Post,
                "https://api.stripe.test/v1/refunds".to_owned()
            ),
        ]
    );
}

#[test]
fn a_refund_that_was_made_long_ago_is_found_and_not_made_again() {
    let script = script([says(
        200,
        r#"{"data":[{"id":"re_9","status":"succeeded","metadata":{}},
            {"id":"re_1","status":"succeeded","metadata":{"idempotency_key":"refund:1"}}]}"#,
    )]);
    assert_eq!(give_back(&script).unwrap().id, "re_1");
}

#[test]
fn a_refund_that_failed_at_stripe_is_refused() {
    let failed = r#"{"id":"re_1","status":"failed","failure_reason":"expired_or_canceled_card","metadata":{"idempotency_key":"refund:1"}}"#;
    for answers in [
        vec![says(200, &format!(r#"{{"data":[{failed}]}}"#))],
        vec![says(200, r#"{"data":[]}"#), says(200, failed)],
    ] {
        match give_back(&script(answers)) {
            Err(ProviderError::Rejected(why)) => assert!(why.contains("expired_or_canceled_card")),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn when_the_refunds_cannot_be_listed_nothing_is_given_back() {
    let script = script([
        says(500, "{}"),
        says(502, "<html>"),
        Err(TransportError::Failed("reset".to_owned())),
    ]);
    assert!(is_unavailable(&give_back(&script)));
}

#[test]
fn all_calls_of_one_use_share_its_time() {
    use crate::client::BUDGET_MS;
    use crate::tries::TRY_MS;
    let script = script([
        says(200, "garbage"),
        refuses(400, "invalid_request_error", "", "not open"),
        says(200, r#"{"id":"cs_test_1","status":"complete"}"#),
    ]);
    script.takes_ms.set(TRY_MS);
    assert!(is_unavailable(&expire(&script)));
    let left_ms = BUDGET_MS - 2 * TRY_MS - script.clock.pauses_ms.borrow()[0];
    assert_eq!(
        script.limits.borrow().last(),
        Some(&Duration::from_millis(left_ms))
    );
    assert_eq!(script.clock.now_ms.get(), BUDGET_MS);
}
