//! Asking Stripe until there is an answer, no time is left, or the breaker is open.
//!
//! A try whose answer is lost may have been carried out. Tries of one call are therefore the same request under the same
//! idempotency key, and a call that ends without an answer decides nothing: it is made again later, the same again.

#![allow(
    async_fn_in_trait,
    reason = "components are single-threaded; no future leaves its thread"
)]

use std::cell::RefCell;
use std::time::Duration;

use mercato_platform::log;

use crate::breaker::Breaker;
use crate::metrics;
use crate::transformers::{API_VERSION, Call, Method, Refusal, clean, read_refusal};
use crate::tries::{TRIES_MAX, TRY_MS};

/// How long one use of the port may take altogether, in milliseconds, all calls, tries and pauses together. The runner
/// ends a request after 30 seconds, and there is more to do in it than this.
pub const BUDGET_MS: u64 = 15_000;

/// Less time than this is not worth a try, in milliseconds.
const TRY_MIN_MS: u64 = 500;

/// The longest pause after the first try, in milliseconds; it doubles with each further one.
const PAUSE_FIRST_MS: u64 = 250;

/// The longest pause of all, in milliseconds.
const PAUSE_MAX_MS: u64 = 2_000;

const STATUS_UNAUTHORIZED: u16 = 401;
const STATUS_FORBIDDEN: u16 = 403;
const STATUS_CONFLICT: u16 = 409;
const STATUS_TOO_MANY_REQUESTS: u16 = 429;

/// Where Stripe is and what opens its door.
#[derive(Clone, PartialEq, Eq)]
pub struct Access {
    /// Scheme, host and port, without a path.
    pub api_base: String,
    /// The secret key.
    pub secret_key: String,
}

/// An HTTP request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Reads or changes.
    pub method: Method,
    /// The whole URL.
    pub url: String,
    /// Names in small letters.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: String,
}

/// An HTTP answer, as far as it matters.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// `Retry-After`, if it is a number of seconds.
    pub retry_after: Option<Duration>,
    /// `Stripe-Should-Retry`.
    pub should_retry: Option<bool>,
    /// `Request-Id`: what Stripe's support asks for.
    pub request_id: Option<String>,
    /// The body.
    pub body: Vec<u8>,
}

/// Why there was no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TransportError {
    /// None in time.
    TimedOut,
    /// No connection, or it broke.
    Failed(String),
}

/// Sends a request once.
pub trait Transport {
    /// The answer, whatever it says.
    ///
    /// # Errors
    /// [`TransportError`]; the request may have been carried out.
    async fn send(&self, request: &Request, limit: Duration) -> Result<Answer, TransportError>;
}

/// Time that passes.
pub trait Pace {
    /// Milliseconds since some moment; never goes back.
    fn now_ms(&self) -> u64;
    /// Waits.
    async fn sleep(&self, pause: Duration);
    /// A random number of milliseconds, from 0 to `longest_ms`.
    fn up_to_ms(&self, longest_ms: u64) -> u64;
}

/// Why a call came to nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// No answer, or one that decides nothing.
    Undecided(String),
    /// A definite no.
    Refused(Refusal),
}

/// Until when a use of the port may go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deadline {
    ends_at_ms: u64,
}

impl Deadline {
    /// [`BUDGET_MS`] from now.
    #[must_use]
    pub fn from_now(pace: &impl Pace) -> Self {
        Self {
            ends_at_ms: pace.now_ms().saturating_add(BUDGET_MS),
        }
    }

    fn left_ms(self, pace: &impl Pace) -> u64 {
        self.ends_at_ms.saturating_sub(pace.now_ms())
    }
}

/// A client of Stripe.
pub struct Client<'a, T, P> {
    /// The way out.
    pub transport: &'a T,
    /// Time.
    pub pace: &'a P,
    /// What is known of Stripe's health, across calls.
    pub breaker: &'a RefCell<Breaker>,
    /// Where Stripe is.
    pub access: &'a Access,
}

/// What one try means.
enum Verdict<A> {
    Done(A),
    Refused(Refusal),
    /// Nothing is decided, and asking again would not help now.
    GiveUp(String),
    /// Nothing is decided.
    TryAgain {
        cause: String,
        not_before: Duration,
    },
}

/// What one try says of Stripe's health.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Health {
    Answers,
    Broken,
}

impl<T: Transport, P: Pace> Client<'_, T, P> {
    /// Makes a call; `read` reads the body of a success, and an error of it counts as an answer that got broken.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn call<A>(
        &self,
        call: &Call,
        deadline: Deadline,
        read: impl Fn(&[u8]) -> Result<A, String>,
    ) -> Result<A, Failure> {
        let request = self.request(call);
        let mut last = None;
        for tried in 0..TRIES_MAX {
            let left_ms = deadline.left_ms(self.pace);
            if left_ms < TRY_MIN_MS {
                break;
            }
            if !self.breaker.borrow_mut().admits(self.pace.now_ms()) {
                last.get_or_insert_with(|| {
                    "Stripe failed too often and is left alone for a while".to_owned()
                });
                break;
            }
            if tried > 0 {
                metrics::tried_again();
            }
            let limit = Duration::from_millis(left_ms.min(TRY_MS));
            let outcome = self.transport.send(&request, limit).await;
            let (verdict, health) = self.judge(outcome, &read);
            self.note(health);
            let (cause, not_before) = match verdict {
                Verdict::Done(answer) => return Ok(answer),
                Verdict::Refused(refusal) => return Err(Failure::Refused(refusal)),
                Verdict::GiveUp(cause) => return Err(Failure::Undecided(cause)),
                Verdict::TryAgain { cause, not_before } => (cause, not_before),
            };
            log::warn(
                "stripe did not answer a try",
                &[("call", path_of(call)), ("cause", &cause)],
            );
            last = Some(cause);
            if tried + 1 < TRIES_MAX && !self.pause(tried, not_before, deadline).await {
                break;
            }
        }
        Err(Failure::Undecided(
            last.unwrap_or_else(|| "no time is left".to_owned()),
        ))
    }

    /// Records in the breaker how a try ended, and in the metrics when that changes what becomes of the next.
    fn note(&self, health: Health) {
        let mut breaker = self.breaker.borrow_mut();
        let was_closed = breaker.is_closed();
        match health {
            Health::Answers => breaker.succeeded(),
            Health::Broken => breaker.failed(self.pace.now_ms()),
        }
        match (was_closed, breaker.is_closed()) {
            (true, false) => metrics::breaker_opened(),
            (false, true) => metrics::breaker_closed(),
            _ => {}
        }
    }

    /// Waits before the next try: exponential, with full jitter, and at least as long as Stripe asks for. False, and no
    /// waiting, when no time would be left.
    async fn pause(&self, tried: u32, not_before: Duration, deadline: Deadline) -> bool {
        let longest_ms = PAUSE_FIRST_MS
            .saturating_mul(2_u64.saturating_pow(tried))
            .min(PAUSE_MAX_MS);
        let pause = Duration::from_millis(self.pace.up_to_ms(longest_ms)).max(not_before);
        let left = Duration::from_millis(deadline.left_ms(self.pace));
        if pause + Duration::from_millis(TRY_MIN_MS) > left {
            return false;
        }
        self.pace.sleep(pause).await;
        true
    }

    fn request(&self, call: &Call) -> Request {
        let mut headers = vec![
            (
                "authorization",
                format!("Bearer {}", self.access.secret_key),
            ),
            ("stripe-version", API_VERSION.to_owned()),
            ("accept", "application/json".to_owned()),
        ];
        if call.method == Method::Post {
            headers.push((
                "content-type",
                "application/x-www-form-urlencoded".to_owned(),
            ));
        }
        if let Some(key) = &call.idempotency_key {
            headers.push(("idempotency-key", key.clone()));
        }
        Request {
            method: call.method,
            url: format!("{}{}", self.access.api_base, call.path),
            headers,
            body: call.form.clone(),
        }
    }

    fn judge<A>(
        &self,
        outcome: Result<Answer, TransportError>,
        read: &impl Fn(&[u8]) -> Result<A, String>,
    ) -> (Verdict<A>, Health) {
        let answer = match outcome {
            Ok(answer) => answer,
            Err(TransportError::TimedOut) => {
                return (again("no answer in time".to_owned()), Health::Broken);
            }
            Err(TransportError::Failed(cause)) => {
                let cause = format!("no answer: {}", clean(&cause, &self.access.secret_key));
                return (again(cause), Health::Broken);
            }
        };
        let request_id = clean(answer.request_id.as_deref().unwrap_or("without id"), "");
        let status = answer.status;
        if (200..300).contains(&status) {
            return match read(&answer.body) {
                Ok(value) => (Verdict::Done(value), Health::Answers),
                Err(cause) => (again(format!("{cause} ({request_id})")), Health::Broken),
            };
        }
        let refusal = read_refusal(status, &answer.body, &self.access.secret_key);
        let cause = refusal.as_ref().map_or_else(
            || format!("HTTP {status} ({request_id})"),
            |refusal| format!("HTTP {status} ({request_id}): {}", refusal.describe()),
        );
        let health = if refusal.is_none() || status >= 500 {
            Health::Broken
        } else {
            Health::Answers
        };
        (verdict_of_error(&answer, refusal, cause), health)
    }
}

/// What an answer that is no success means.
fn verdict_of_error<A>(answer: &Answer, refusal: Option<Refusal>, cause: String) -> Verdict<A> {
    let status = answer.status;
    let decides_nothing =
        matches!(status, STATUS_CONFLICT | STATUS_TOO_MANY_REQUESTS) || status >= 500;
    match refusal {
        // A wrong key decides nothing about an order: it is the operator's to mend, and the order waits for that.
        Some(_) if matches!(status, STATUS_UNAUTHORIZED | STATUS_FORBIDDEN) => {
            log::error(
                "Stripe does not accept the key; see the variable stripe_secret_key",
                &[("cause", &cause)],
            );
            Verdict::GiveUp(cause)
        }
        Some(refusal) if (400..500).contains(&status) && !decides_nothing => {
            if answer.should_retry == Some(true) {
                return again_after(cause, answer.retry_after);
            }
            if refusal.is_idempotency_error() {
                log::error(
                    "an idempotency key was used for two requests; this is a fault of the shop",
                    &[("cause", &cause)],
                );
            }
            Verdict::Refused(refusal)
        }
        _ if answer.should_retry == Some(false) => Verdict::GiveUp(cause),
        _ => again_after(cause, answer.retry_after),
    }
}

fn again<A>(cause: String) -> Verdict<A> {
    again_after(cause, None)
}

fn again_after<A>(cause: String, not_before: Option<Duration>) -> Verdict<A> {
    Verdict::TryAgain {
        cause,
        not_before: not_before.unwrap_or_default(),
    }
}

/// Without the query.
fn path_of(call: &Call) -> &str {
    call.path
        .split_once('?')
        .map_or(call.path.as_str(), |(path, _)| path)
}

#[cfg(test)]
mod tests;
