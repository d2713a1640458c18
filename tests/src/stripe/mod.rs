//! A stand-in for Stripe's API at the other end of the wire: Checkout Sessions and Refunds, as far as a shop needs them.
//!
//! It is written from Stripe's documentation, not from the adapter. It keeps idempotency keys as Stripe does (same
//! request, same answer; another request, an error), refuses parameters it does not know, and can be slow, broken or
//! lose its answers. What it is asked to do, it does once, in the order of requests.

mod account;
mod api;
mod wire;

use std::{
    collections::{BTreeMap, VecDeque},
    io::Write as _,
    net::{Ipv4Addr, TcpListener, TcpStream},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

use mercato_platform::{
    clock::{Clock as _, SystemClock},
    random,
};
use serde_json::{Value, json};

pub use account::{Account, Dispute};
pub use api::Answer;
pub use wire::{Received, parse_form};

use crate::{Client, Response, Server, ServerBuilder, WEBHOOK_SECRET, forge::stripe_signature};
use api::error;
use wire::receive;

/// The secret key of its only account.
pub const SECRET_KEY: &str = "sk_test_51MercatoTests0123456789";

/// What goes wrong with one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// It is answered 500, and nothing is done.
    Broken,
    /// It is answered 429 with `Retry-After: 1`, and nothing is done.
    Busy,
    /// It is done, and the connection closed without an answer.
    AnswerLost,
    /// It is done, and answered after this time.
    Slow(Duration),
    /// It is done, and the answer is no JSON.
    Garbage,
}

/// The stand-in; its thread ends with the test program.
#[derive(Debug, Clone)]
pub struct FakeStripe {
    port: u16,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    account: Account,
    troubles: VecDeque<(&'static str, Trouble)>,
    received: Vec<Received>,
}

impl FakeStripe {
    /// Starts it on a free port.
    ///
    /// # Panics
    /// When there is none.
    pub fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let port = listener.local_addr().expect("its number").port();
        let fake = Self {
            port,
            state: Arc::default(),
        };
        let server = fake.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let server = server.clone();
                thread::spawn(move || server.serve(stream));
            }
        });
        fake
    }

    /// A shop that has this for its Stripe, not yet started.
    pub fn shop(&self) -> ServerBuilder {
        Server::builder()
            .argument("--app")
            .argument("spin.stripe.toml")
            .variable("stripe_secret_key", SECRET_KEY)
            .variable(
                "stripe_api_base",
                &format!("http://127.0.0.1:{}", self.port),
            )
    }

    /// Lets the next requests whose line begins so go wrong, one after the other.
    pub fn trouble(&self, line: &'static str, troubles: impl IntoIterator<Item = Trouble>) {
        let troubles = troubles.into_iter().map(|trouble| (line, trouble));
        self.state().troubles.extend(troubles);
    }

    /// Nothing goes wrong any more.
    pub fn recover(&self) {
        self.state().troubles.clear();
    }

    /// Whether everything that was to go wrong has.
    pub fn is_out_of_trouble(&self) -> bool {
        self.state().troubles.is_empty()
    }

    /// Every request so far whose line begins so.
    pub fn received(&self, line: &str) -> Vec<Received> {
        let state = self.state();
        let received = state.received.iter();
        received
            .filter(|received| received.line.starts_with(line))
            .cloned()
            .collect()
    }

    /// All sessions.
    pub fn sessions(&self) -> Vec<Value> {
        let state = self.state();
        state
            .account
            .sessions
            .values()
            .cloned()
            .map(Value::Object)
            .collect()
    }

    /// The session of that id.
    ///
    /// # Panics
    /// When there is none.
    pub fn session(&self, id: &str) -> Value {
        Value::Object(self.state().account.sessions[id].clone())
    }

    /// All refunds.
    pub fn refunds(&self) -> Vec<Value> {
        let state = self.state();
        let refunds = state.account.refunds.iter();
        refunds.cloned().map(Value::Object).collect()
    }

    /// The customer pays in a session. The webhooks wait until they are delivered.
    ///
    /// # Panics
    /// When the session is not open.
    pub fn pay(&self, session_id: &str) {
        let paid = self.state().account.pay(session_id);
        assert!(paid, "only an open session can be paid");
    }

    /// See [`Account::debit`].
    ///
    /// # Panics
    /// When there is no such session.
    pub fn debit(&self, session_id: &str) {
        let debited = self.state().account.debit(session_id);
        assert!(debited, "only an open session can be paid");
    }

    /// See [`Account::charge_again`].
    ///
    /// # Panics
    /// When the session is not paid.
    pub fn charge_again(&self, session_id: &str) {
        let charged = self.state().account.charge_again(session_id);
        assert!(charged, "only a paid session can be charged again");
    }

    /// See [`Account::open_dispute`]; gives its id.
    ///
    /// # Panics
    /// When there is no such charge.
    pub fn open_dispute(&self, payment_intent: &str) -> String {
        self.state().account.open_dispute(payment_intent)
    }

    /// See [`Account::end_dispute`].
    ///
    /// # Panics
    /// When there is no such dispute, or when it has ended.
    pub fn end_dispute(&self, id: &str, status: &'static str) {
        self.state().account.end_dispute(id, status);
    }

    /// See [`Account::settle`].
    ///
    /// # Panics
    /// When there is no such session.
    pub fn settle(&self, session_id: &str, has_come: bool) {
        self.state().account.settle(session_id, has_come);
    }

    /// Lets Stripe answer that a session which was paid is open, as a customer's payment in the very last moment may look.
    ///
    /// # Panics
    /// When there is no such session.
    pub fn forget_that_it_is_complete(&self, session_id: &str) {
        let mut state = self.state();
        let sessions = &mut state.account.sessions;
        let session = sessions.get_mut(session_id).expect("a session");
        session.insert("status".into(), json!("open"));
    }

    /// Somebody gives all money of a payment back by hand.
    ///
    /// # Panics
    /// When it is none.
    pub fn refund_in_dashboard(&self, payment_intent: &str) {
        let form = BTreeMap::from([("payment_intent".to_owned(), payment_intent.to_owned())]);
        let (status, answer) = self.state().account.refund(&form);
        assert_eq!(status, 200, "{answer}");
    }

    /// See [`Account::fail_refund`].
    ///
    /// # Panics
    /// When there is no such refund, or when it has failed before.
    pub fn fail_refund(&self, refund_id: &str) {
        let failed = self.state().account.fail_refund(refund_id);
        assert!(failed, "only a refund that has not failed can fail");
    }

    /// Sends all webhooks that wait, signed, oldest first; gives the answers.
    ///
    /// # Panics
    /// When the shop cannot be reached.
    pub fn deliver(&self, shop: &Client) -> Vec<Response> {
        let events = self.state().account.take_events();
        events
            .iter()
            .map(|event| {
                let body = event.to_string();
                let signature = stripe_signature(WEBHOOK_SECRET, SystemClock.now_seconds(), &body);
                shop.post("/api/v1/payments/webhook")
                    .header("stripe-signature", &signature)
                    .body("application/json; charset=utf-8", body)
                    .send()
            })
            .collect()
    }

    /// The webhooks that wait will arrive in the opposite order.
    pub fn turn_events_round(&self) {
        self.state().account.events.reverse();
    }

    /// The types of the webhooks that wait.
    pub fn waiting_events(&self) -> Vec<String> {
        let state = self.state();
        let types = state.account.events.iter().map(|event| &event["type"]);
        types.map(crate::shop::text).collect()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One request of a connection; then the connection ends.
    fn serve(&self, mut stream: TcpStream) {
        let Some(received) = receive(&stream) else {
            return;
        };
        let (answer, trouble) = {
            let mut state = self.state();
            state.received.push(received.clone());
            let trouble = state.trouble_of(&received.line);
            let answer = match trouble {
                Some(Trouble::Broken) => error(500, "api_error", "", "An unknown error occurred"),
                Some(Trouble::Busy) => error(429, "rate_limit_error", "rate_limit", "Slow down"),
                _ => state.account.answer(&received),
            };
            (answer, trouble)
        };
        let (status, body) = answer;
        let text = match trouble {
            Some(Trouble::AnswerLost) => return,
            Some(Trouble::Garbage) => "{\"id\": \"cs_te".to_owned(),
            _ => body.to_string(),
        };
        if let Some(Trouble::Slow(time)) = trouble {
            thread::sleep(time);
        }
        let patience = if trouble == Some(Trouble::Busy) {
            "retry-after: 1\r\n"
        } else {
            ""
        };
        let head = format!(
            "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\nrequest-id: {}\r\n{patience}\
             content-length: {}\r\nconnection: close\r\n\r\n",
            random_id("req_"),
            text.len()
        );
        // Whoever asked may be gone by now.
        stream.write_all(format!("{head}{text}").as_bytes()).ok();
    }
}

impl State {
    fn trouble_of(&mut self, line: &str) -> Option<Trouble> {
        let (beginning, trouble) = *self.troubles.front()?;
        line.starts_with(beginning).then(|| {
            self.troubles.pop_front();
            trouble
        })
    }
}

fn random_id(prefix: &str) -> String {
    format!("{prefix}{}", random::hex::<12>())
}
