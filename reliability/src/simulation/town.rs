//! The shop and what surrounds it, and how requests reach it.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use bytes::Bytes;
use mercato::Running;
use mercato_tests::shop::text;
use mercato_tests::{WEBHOOK_SECRET, forge};
use serde_json::Value;
use tokio::sync::Notify;

use super::record::Record;
use super::scheduler::{Scheduler, Trouble, What};
use crate::client::Facts;
use crate::world::VirtualClock;

/// How often something is sent before it counts as a fault of the shop that it is not answered.
const ATTEMPTS: u32 = 400;

/// Where everybody lives.
pub struct Town {
    /// The shop.
    pub shop: Running,
    /// Decides whose turn it is.
    pub scheduler: Scheduler,
    /// The time.
    pub clock: VirtualClock,
    /// What people were answered.
    pub facts: RefCell<Facts>,
    /// Products on the shelf.
    pub products: RefCell<Vec<String>>,
    /// Whether it is time to go home.
    pub is_evening: Cell<bool>,
    /// Whether the shop has crashed, and nothing comes out of it any more.
    pub is_down: Cell<bool>,
    /// Things that were not as they should be when somebody noticed.
    pub complaints: RefCell<Vec<String>>,
    /// Notified when the shop crashes.
    pub crash: Notify,
    /// Of everything that happened.
    pub record: RefCell<Record>,
    /// Requests sent.
    pub requests: Cell<u64>,
}

/// An answer of the shop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Its status; 0 when there was none.
    pub status: u16,
    body: Bytes,
}

impl Answer {
    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    pub(super) fn is_problem(&self, code: &str) -> bool {
        let known = self.json()["type"].as_str().map(str::to_owned);
        known.is_some_and(|known| known.ends_with(&format!("/{code}")))
    }

    /// Whether asking again gives the same, though the status says otherwise: the provider has said no.
    pub(super) fn is_final(&self) -> bool {
        self.is_problem("provider-rejected")
    }

    pub(super) fn describe(&self) -> String {
        format!("{}: {}", self.status, String::from_utf8_lossy(&self.body))
    }
}

/// A request that can be sent again.
#[derive(Debug, Clone)]
pub struct Ask {
    method: &'static str,
    path: String,
    pub(super) headers: Vec<(&'static str, String)>,
    body: String,
}

impl Ask {
    /// Asks for something.
    pub fn get(path: &str) -> Self {
        Self::new("GET", path, "")
    }

    pub(super) fn send(method: &'static str, path: &str, body: &Value) -> Self {
        Self::new(method, path, &body.to_string())
    }

    pub(super) fn new(method: &'static str, path: &str, body: &str) -> Self {
        let mut headers = Vec::new();
        if !body.is_empty() {
            headers.push(("content-type", "application/json".to_owned()));
        }
        Self {
            method,
            path: path.to_owned(),
            headers,
            body: body.to_owned(),
        }
    }

    pub(super) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    fn request(&self, number: u64) -> http::Request<Bytes> {
        let mut builder = http::Request::builder()
            .method(self.method)
            .uri(&self.path)
            .header("host", "shop.test")
            .header("x-request-id", format!("request-{number}"));
        for (name, value) in &self.headers {
            builder = builder.header(*name, value);
        }
        builder
            .body(Bytes::from(self.body.clone()))
            .expect("a request")
    }
}

impl Town {
    /// Sends once, what is made when its turn has come; none when there was no answer.
    async fn attempt(&self, what: What, make: impl FnOnce() -> Ask) -> Option<Answer> {
        self.requests.set(self.requests.get() + 1);
        let trouble = self.scheduler.turn(what).await;
        if trouble == Trouble::Lost {
            return None;
        }
        let (ask, number) = (make(), self.requests.get());
        let crashed = self.crash.notified();
        let answered = self.shop.call(ask.request(number));
        let answer = tokio::select! {
            biased;
            () = crashed => return None,
            answer = answered => answer.ok()?,
        };
        if self.is_down.get() {
            return None;
        }
        let answer = Answer {
            status: answer.status().as_u16(),
            body: answer.into_body(),
        };
        self.record.borrow_mut().note((number, &ask.path, &answer));
        (trouble != Trouble::AnswerLost).then_some(answer)
    }

    /// Sends until there is an answer that is no fault of the server.
    pub(super) async fn insist(&self, ask: &Ask) -> Answer {
        let what = || What::Request(format!("{} {}", ask.method, ask.path));
        let mut last = "no answer".to_owned();
        for _ in 0..ATTEMPTS {
            match self.attempt(what(), || ask.clone()).await {
                Some(answer) if answer.status < 500 || answer.is_final() => return answer,
                Some(answer) => last = answer.describe(),
                None => {}
            }
        }
        self.complain(format!(
            "{} {}: no answer after {ATTEMPTS} attempts, last {last}",
            ask.method, ask.path
        ));
        Answer {
            status: 0,
            body: Bytes::new(),
        }
    }

    /// Notes that something is not as it should be.
    pub fn complain(&self, what: String) {
        self.complaints.borrow_mut().push(what);
    }

    /// Delivers an event of the provider until it is taken, and sometimes once more.
    pub async fn deliver(self: Rc<Self>, event: Value, again: bool) {
        let body = event.to_string();
        let what = || What::Webhook(text(&event["type"]));
        let mut left = if again { 2 } else { 1 };
        for _ in 0..ATTEMPTS {
            let signed = || {
                let seconds = self.clock.seconds();
                let signature = forge::stripe_signature(WEBHOOK_SECRET, seconds, &body);
                Ask::new("POST", "/api/v1/payments/webhook", &body)
                    .header("stripe-signature", signature)
            };
            match self.attempt(what(), signed).await {
                Some(answer) if answer.status == 200 => left -= 1,
                Some(answer) if answer.status < 500 => {
                    self.complain(format!("a webhook is refused: {}", answer.describe()));
                    return;
                }
                _ => {}
            }
            if left == 0 {
                return;
            }
        }
        self.complain(format!("a webhook is not taken: {body}"));
    }
}
