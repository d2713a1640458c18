//! A stand-in for Stripe's API at the other end of the wire: Checkout Sessions and Refunds, as far as a shop needs them.
//!
//! It is written from Stripe's documentation, not from the adapter. It keeps idempotency keys as Stripe does (same
//! request, same answer; another request, an error), refuses parameters it does not know, and can be slow, broken or
//! lose its answers. What it was told to do, it does once, in the order of requests.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    fmt,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{Ipv4Addr, TcpListener, TcpStream},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

use mercato_platform::{
    clock::{Clock as _, SystemClock},
    random,
};
use serde_json::{Map, Value, json};

use crate::{Client, Response, Server, ServerBuilder, WEBHOOK_SECRET, forge::stripe_signature};

/// The secret key of its only account.
pub const SECRET_KEY: &str = "sk_test_51MercatoTests0123456789";

/// A session may end this long after it was made, in seconds: <https://docs.stripe.com/api/checkout/sessions/create>.
const EXPIRY_SECONDS: std::ops::RangeInclusive<u64> = 30 * 60..=24 * 60 * 60;

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

/// A request as it came.
#[derive(Debug, Clone)]
pub struct Received {
    /// As in `POST /v1/refunds`.
    pub line: String,
    /// Names in small letters.
    pub headers: BTreeMap<String, String>,
    /// The form's fields.
    pub form: BTreeMap<String, String>,
}

/// The stand-in; its thread ends with the test program.
#[derive(Debug, Clone)]
pub struct FakeStripe {
    port: u16,
    state: Arc<Mutex<State>>,
}

/// A dispute about a charge.
#[derive(Debug, Clone)]
pub struct Dispute {
    /// Its id.
    pub id: String,
    /// The order that the shop named with the charge.
    pub order_id: String,
    /// The whole charge, in minor units.
    pub amount: i64,
    /// `won`, `lost` or `warning_closed` once it has ended, and when, in seconds since the Unix epoch.
    pub ended: Option<(&'static str, u64)>,
    object: Map<String, Value>,
}

/// An account at the stand-in: what Stripe would know of a shop. A clone goes its own way.
#[derive(Clone)]
pub struct Account {
    /// Seconds since the Unix epoch.
    now: Arc<dyn Fn() -> u64 + Send + Sync>,
    /// A new id behind a prefix.
    id: Arc<dyn Fn(&str) -> String + Send + Sync>,
    /// Sessions by id, as their owner sees them.
    sessions: BTreeMap<String, Map<String, Value>>,
    /// Metadata for the payment of a session, by its id.
    payment_metadata: BTreeMap<String, Value>,
    /// Charges by the id of their payment intent.
    charges: BTreeMap<String, Map<String, Value>>,
    /// Refunds, oldest first.
    refunds: Vec<Map<String, Value>>,
    /// Disputes, oldest first.
    disputes: Vec<Dispute>,
    /// Sessions whose money was on its way and has not come.
    failed_debits: BTreeSet<String>,
    /// What an idempotency key was used for, and the answer.
    keys: BTreeMap<String, (String, Answer)>,
    events: Vec<Value>,
}

#[derive(Debug, Default)]
struct State {
    account: Account,
    troubles: VecDeque<(&'static str, Trouble)>,
    received: Vec<Received>,
}

/// Status and body.
pub type Answer = (u16, Value);

impl Default for Account {
    fn default() -> Self {
        Self::new(|| SystemClock.now_seconds(), random_id)
    }
}

/// Nobody can pay in the session any more.
fn complete(session: &mut Map<String, Value>) {
    session.insert("status".into(), json!("complete"));
    session.insert("url".into(), Value::Null);
}

impl fmt::Debug for Account {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Account")
            .field("sessions", &self.sessions)
            .field("refunds", &self.refunds)
            .finish_non_exhaustive()
    }
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

impl Account {
    /// An account with nothing in it.
    pub fn new(
        now: impl Fn() -> u64 + Send + Sync + 'static,
        id: impl Fn(&str) -> String + Send + Sync + 'static,
    ) -> Self {
        Self {
            now: Arc::new(now),
            id: Arc::new(id),
            sessions: BTreeMap::new(),
            payment_metadata: BTreeMap::new(),
            charges: BTreeMap::new(),
            refunds: Vec::new(),
            disputes: Vec::new(),
            failed_debits: BTreeSet::new(),
            keys: BTreeMap::new(),
            events: Vec::new(),
        }
    }

    /// What was taken from customers, by the order that the shop named: amounts taken and given back, in minor units.
    pub fn charges(&self) -> Vec<(String, i64, i64)> {
        let units = |value: &Value| value.as_i64().unwrap_or_default();
        let charges = self.charges.values().map(|charge| {
            (
                crate::shop::text(&charge["metadata"]["order_id"]),
                units(&charge["amount"]),
                units(&charge["amount_refunded"]),
            )
        });
        charges.collect()
    }

    /// The sessions in which a customer could pay, with their orders.
    pub fn open_sessions(&self) -> Vec<(String, String)> {
        let open = self.sessions.iter();
        let open = open.filter(|(_, session)| session["status"] == "open");
        open.map(|(id, session)| {
            (
                id.clone(),
                crate::shop::text(&session["client_reference_id"]),
            )
        })
        .collect()
    }

    /// The sessions whose money is on its way, with their orders.
    pub fn sessions_under_way(&self) -> Vec<(String, String)> {
        let sessions = self.sessions.iter();
        let under_way = sessions.filter(|(id, session)| {
            let is_complete = session["status"] == "complete";
            is_complete
                && session["payment_status"] == "unpaid"
                && !self.failed_debits.contains(*id)
        });
        under_way
            .map(|(id, session)| {
                let order = crate::shop::text(&session["client_reference_id"]);
                (id.clone(), order)
            })
            .collect()
    }

    /// The refunds that have not failed, by id, oldest first.
    pub fn standing_refunds(&self) -> Vec<String> {
        let standing = self.refunds.iter();
        let standing = standing.filter(|refund| refund["status"] == "succeeded");
        standing
            .map(|refund| crate::shop::text(&refund["id"]))
            .collect()
    }

    /// What was to go back to customers and has failed, by the order that the shop named, in minor units.
    pub fn failed_refunds(&self) -> Vec<(String, i64)> {
        let failed = self.refunds.iter();
        let failed = failed.filter(|refund| refund["status"] == "failed");
        let of_order = |refund: &Map<String, Value>| {
            let intent = crate::shop::text(&refund["payment_intent"]);
            let order = &self.charges[&intent]["metadata"]["order_id"];
            let units = refund["amount"].as_i64().unwrap_or_default();
            (crate::shop::text(order), units)
        };
        failed.map(of_order).collect()
    }

    /// The customer's bank does not take a refund, days after it was made: the money is the shop's again. False when it has
    /// failed before.
    ///
    /// # Panics
    /// When there is no such refund.
    pub fn fail_refund(&mut self, refund_id: &str) -> bool {
        let mut refunds = self.refunds.iter_mut();
        let refund = refunds
            .find(|refund| refund["id"] == refund_id)
            .expect("a refund");
        if refund["status"] != "succeeded" {
            return false;
        }
        refund.insert("status".into(), json!("failed"));
        refund.insert("failure_reason".into(), json!("lost_or_stolen_card"));
        let refund = refund.clone();
        let intent = crate::shop::text(&refund["payment_intent"]);
        let charge = self.charges.get_mut(&intent).expect("its charge");
        let number = |value: &Value| value.as_u64().unwrap_or_default();
        let left = number(&charge["amount_refunded"]) - number(&refund["amount"]);
        charge.insert("amount_refunded".into(), json!(left));
        charge.insert("refunded".into(), json!(false));
        self.event("refund.failed", &refund);
        self.event("charge.refund.updated", &refund);
        true
    }

    /// The webhooks that wait to be delivered, oldest first; they do not wait any more.
    pub fn take_events(&mut self) -> Vec<Value> {
        std::mem::take(&mut self.events)
    }

    /// The customer pays in a session; false when it is not open.
    ///
    /// # Panics
    /// When there is no such session.
    pub fn pay(&mut self, session_id: &str) -> bool {
        let session = self.sessions.get_mut(session_id).expect("a session");
        if session["status"] != "open" {
            return false;
        }
        complete(session);
        self.charge(session_id, "checkout.session.completed");
        true
    }

    /// The customer pays in a way that takes days, such as a bank debit: the session is complete, and the money on its way.
    /// False when it is not open.
    ///
    /// # Panics
    /// When there is no such session.
    pub fn debit(&mut self, session_id: &str) -> bool {
        let session = self.sessions.get_mut(session_id).expect("a session");
        if session["status"] != "open" {
            return false;
        }
        complete(session);
        let session = session.clone();
        self.event("checkout.session.completed", &session);
        true
    }

    /// What was on its way has come, or has failed for good.
    ///
    /// # Panics
    /// When there is no such session.
    pub fn settle(&mut self, session_id: &str, has_come: bool) {
        if has_come {
            return self.charge(session_id, "checkout.session.async_payment_succeeded");
        }
        let session = self.sessions[session_id].clone();
        self.failed_debits.insert(session_id.to_owned());
        self.event("checkout.session.async_payment_failed", &session);
    }

    /// The money of a session has come.
    fn charge(&mut self, session_id: &str, told_by: &str) {
        let (intent, charge_id) = ((self.id)("pi_"), (self.id)("ch_"));
        let metadata = self.payment_metadata[session_id].clone();
        let session = self.sessions.get_mut(session_id).expect("a session");
        session.insert("payment_status".into(), json!("paid"));
        session.insert("payment_intent".into(), json!(intent));
        let session = session.clone();
        let charge = json!({
            "id": charge_id, "object": "charge", "amount": session["amount_total"], "amount_refunded": 0,
            "captured": true, "paid": true, "currency": session["currency"], "metadata": metadata,
            "payment_intent": intent, "receipt_url": format!("https://pay.stripe.com/receipts/{intent}"),
            "refunded": false, "status": "succeeded",
        });
        let charge = charge.as_object().expect("an object").clone();
        self.event("charge.succeeded", &charge);
        self.event(told_by, &session);
        self.charges.insert(intent, charge);
    }

    /// The sessions that were paid.
    pub fn paid_sessions(&self) -> Vec<String> {
        let paid = self.sessions.iter();
        let paid = paid.filter(|(_, session)| session["payment_status"] == "paid");
        paid.map(|(id, _)| id.clone()).collect()
    }

    /// Takes the money of a session once more: what must not happen, and does. False when it was not paid before.
    ///
    /// # Panics
    /// When there is no such session.
    pub fn charge_again(&mut self, session_id: &str) -> bool {
        let is_paid = self.sessions[session_id]["payment_status"] == "paid";
        if is_paid {
            self.charge(session_id, "checkout.session.completed");
        }
        is_paid
    }

    /// The charges about which there is no dispute, by their payment intents.
    pub fn undisputed_charges(&self) -> Vec<String> {
        let is_disputed = |intent: &String| {
            let mut disputes = self.disputes.iter();
            disputes.any(|dispute| dispute.object["payment_intent"] == intent.as_str())
        };
        let intents = self.charges.keys();
        intents
            .filter(|intent| !is_disputed(intent))
            .cloned()
            .collect()
    }

    /// All disputes, oldest first.
    pub fn disputes(&self) -> &[Dispute] {
        &self.disputes
    }

    /// A customer's bank asks what a charge was for: money can be given back as before until it decides. Gives the
    /// dispute's id.
    ///
    /// # Panics
    /// When there is no such charge.
    pub fn open_dispute(&mut self, payment_intent: &str) -> String {
        let charge = self.charges[payment_intent].clone();
        let id = (self.id)("du_");
        let object = json!({
            "id": id, "object": "dispute", "amount": charge["amount"], "charge": charge["id"], "created": (self.now)(),
            "currency": charge["currency"], "evidence_details": { "has_evidence": false }, "is_charge_refundable": true,
            "livemode": false, "metadata": {}, "payment_intent": payment_intent, "reason": "product_not_received",
            "status": "warning_needs_response",
        });
        let object = object.as_object().expect("an object").clone();
        self.event("charge.dispute.created", &object);
        self.disputes.push(Dispute {
            id: id.clone(),
            order_id: crate::shop::text(&charge["metadata"]["order_id"]),
            amount: charge["amount"].as_i64().unwrap_or_default(),
            ended: None,
            object,
        });
        id
    }

    /// A dispute is decided: `won`, `lost` or `warning_closed`.
    ///
    /// # Panics
    /// When there is no such dispute, or when it has ended.
    pub fn end_dispute(&mut self, id: &str, status: &'static str) {
        let now = (self.now)();
        let mut disputes = self.disputes.iter_mut();
        let dispute = disputes.find(|dispute| dispute.id == id);
        let dispute = dispute.expect("a dispute");
        assert!(dispute.ended.is_none(), "{dispute:?}");
        dispute.ended = Some((status, now));
        dispute.object.insert("status".into(), json!(status));
        let object = dispute.object.clone();
        self.event("charge.dispute.closed", &object);
    }

    /// Ends the sessions whose time is over, as Stripe does by itself.
    pub fn expire_sessions(&mut self) {
        let now = (self.now)();
        let is_over = |session: &Map<String, Value>| {
            session["status"] == "open"
                && session["expires_at"].as_u64().is_some_and(|end| end <= now)
        };
        let over = self.sessions.iter().filter(|(_, session)| is_over(session));
        let over: Vec<String> = over.map(|(id, _)| id.clone()).collect();
        for session_id in over {
            self.expire_session(&session_id);
        }
    }

    /// Checks who asks, and keeps idempotency keys: <https://docs.stripe.com/api/idempotent_requests>.
    pub fn answer(&mut self, received: &Received) -> Answer {
        let header = |name: &str| received.headers.get(name).map(String::as_str);
        if header("authorization") != Some(&format!("Bearer {SECRET_KEY}")) {
            return error(
                401,
                "invalid_request_error",
                "",
                "Invalid API Key provided: sk_test_***",
            );
        }
        if header("stripe-version").is_none() {
            return error(
                400,
                "invalid_request_error",
                "",
                "this stand-in wants a version",
            );
        }
        let Some(key) = header("idempotency-key") else {
            return self.handle(received);
        };
        let request = format!("{} {:?}", received.line, received.form);
        if let Some((first, answer)) = self.keys.get(key) {
            return if *first == request {
                answer.clone()
            } else {
                let message = "Keys for idempotent requests can only be used with the same parameters they were first used with.";
                error(400, "idempotency_error", "", message)
            };
        }
        let answer = self.handle(received);
        self.keys.insert(key.to_owned(), (request, answer.clone()));
        answer
    }

    fn handle(&mut self, received: &Received) -> Answer {
        let (method, target) = received.line.split_once(' ').unwrap_or_default();
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let segments: Vec<&str> = path.trim_start_matches("/v1/").split('/').collect();
        match (method, segments.as_slice()) {
            ("POST", ["checkout", "sessions"]) => self.create_session(&received.form),
            ("GET", ["checkout", "sessions", session]) => self.find_session(session),
            ("POST", ["checkout", "sessions", session, "expire"]) => self.expire_session(session),
            ("POST", ["refunds"]) => self.refund(&received.form),
            ("GET", ["refunds"]) => self.list_refunds(&parse_form(query)),
            _ => error(
                404,
                "invalid_request_error",
                "",
                &format!("Unrecognized request URL ({})", received.line),
            ),
        }
    }

    fn create_session(&mut self, form: &BTreeMap<String, String>) -> Answer {
        let session = match self.new_session(form) {
            Ok(session) => session,
            Err(message) => return error(400, "invalid_request_error", "", &message),
        };
        let session_id = crate::shop::text(&session["id"]);
        self.payment_metadata.insert(
            session_id.clone(),
            nested(form, "payment_intent_data[metadata]"),
        );
        self.sessions.insert(session_id, session.clone());
        (200, Value::Object(session))
    }

    fn find_session(&self, session_id: &str) -> Answer {
        match self.sessions.get(session_id) {
            Some(session) => (200, Value::Object(session.clone())),
            None => missing("checkout.session", session_id),
        }
    }

    fn expire_session(&mut self, session_id: &str) -> Answer {
        let Some(session) = self.sessions.get_mut(session_id) else {
            return missing("checkout.session", session_id);
        };
        if session["status"] != "open" {
            let message = format!(
                "Only Checkout Sessions with a status in [\"open\"] can be expired. This Checkout Session has a status of {}.",
                session["status"]
            );
            return error(400, "invalid_request_error", "", &message);
        }
        session.insert("status".into(), json!("expired"));
        session.insert("url".into(), Value::Null);
        let session = session.clone();
        self.event("checkout.session.expired", &session);
        (200, Value::Object(session))
    }

    fn refund(&mut self, form: &BTreeMap<String, String>) -> Answer {
        let known = |name: &String| {
            ["payment_intent", "charge", "amount", "reason"].contains(&name.as_str())
                || name.starts_with("metadata[")
        };
        if let Some(unknown) = form.keys().find(|name| !known(name)) {
            return error(400, "invalid_request_error", "parameter_unknown", unknown);
        }
        let intent = form.get("payment_intent").cloned().unwrap_or_default();
        let Some(charge) = self.charges.get_mut(&intent) else {
            return missing("payment_intent", &intent);
        };
        let number = |value: &Value| value.as_u64().unwrap_or_default();
        let refunded = number(&charge["amount_refunded"]);
        let left = number(&charge["amount"]) - refunded;
        let amount: u64 = match form.get("amount").map(|amount| amount.parse()) {
            Some(Ok(amount)) if (1..=left).contains(&amount) => amount,
            None if left > 0 => left,
            _ => {
                let message =
                    format!("Refund amount is greater than unrefunded amount on charge ({left})");
                return error(
                    400,
                    "invalid_request_error",
                    "charge_already_refunded",
                    &message,
                );
            }
        };
        charge.insert("amount_refunded".into(), json!(refunded + amount));
        charge.insert("refunded".into(), json!(amount == left));
        let charge = charge.clone();
        let refund = json!({
            "id": (self.id)("re_"), "object": "refund", "amount": amount, "currency": charge["currency"], "charge": charge["id"],
            "payment_intent": intent, "metadata": nested(form, "metadata"), "reason": form.get("reason"), "status": "succeeded",
            "created": (self.now)(), "failure_reason": null,
        });
        let refund = refund.as_object().expect("an object").clone();
        self.refunds.push(refund.clone());
        self.event("refund.created", &refund);
        self.event("charge.refunded", &charge);
        (200, Value::Object(refund))
    }

    fn list_refunds(&self, query: &BTreeMap<String, String>) -> Answer {
        let refunds = self.refunds.iter().rev();
        let data: Vec<_> = refunds
            .filter(|refund| {
                let wanted = query.get("payment_intent");
                wanted.is_none_or(|intent| refund["payment_intent"] == intent.as_str())
            })
            .collect();
        (
            200,
            json!({ "object": "list", "data": data, "has_more": false, "url": "/v1/refunds" }),
        )
    }

    fn event(&mut self, event_type: &str, object: &Map<String, Value>) {
        self.events.push(json!({
            "id": (self.id)("evt_"), "object": "event", "type": event_type, "created": (self.now)(),
            "livemode": false, "pending_webhooks": 1, "data": { "object": object },
        }));
    }

    /// A session of what was asked for, or what is wrong with that.
    fn new_session(&self, form: &BTreeMap<String, String>) -> Result<Map<String, Value>, String> {
        let get = |name: &str| {
            form.get(name)
                .ok_or(format!("Missing required param: {name}."))
        };
        for name in form.keys() {
            let known = [
                "mode",
                "client_reference_id",
                "success_url",
                "cancel_url",
                "expires_at",
                "adaptive_pricing[enabled]",
                "payment_intent_data[description]",
            ];
            let nested = ["metadata[", "payment_intent_data[metadata][", "line_items["];
            if !known.contains(&name.as_str())
                && !nested.iter().any(|known| name.starts_with(known))
            {
                return Err(format!("Received unknown parameter: {name}"));
            }
        }
        if get("mode")? != "payment" {
            return Err("this stand-in only knows payments".into());
        }
        get("success_url")?;
        let now = (self.now)();
        let expires_at = match form.get("expires_at") {
            None => now + EXPIRY_SECONDS.end(),
            Some(text) => text.parse().map_err(|_| "Invalid integer".to_owned())?,
        };
        if !EXPIRY_SECONDS.contains(&expires_at.saturating_sub(now)) {
            return Err("The `expires_at` timestamp must be between 30 minutes and 24 hours from Checkout Session creation.".into());
        }
        let mut total = 0_u64;
        let mut currency = String::new();
        for index in 0.. {
            let of = |field: &str| format!("line_items[{index}]{field}");
            let Some(quantity) = form.get(&of("[quantity]")) else {
                break;
            };
            let name = get(&of("[price_data][product_data][name]"))?;
            if name.is_empty() {
                return Err("You passed an empty string for a name.".into());
            }
            currency.clone_from(get(&of("[price_data][currency]"))?);
            let number = |text: &String| {
                text.parse::<u64>()
                    .map_err(|_| "Invalid integer".to_owned())
            };
            total += number(quantity)? * number(get(&of("[price_data][unit_amount]"))?)?;
        }
        if currency.is_empty() || currency != currency.to_lowercase() {
            return Err("Invalid currency, or no line items.".into());
        }
        let session_id = (self.id)("cs_test_");
        let session = json!({
            "id": session_id, "object": "checkout.session", "mode": "payment", "livemode": false, "status": "open",
            "payment_status": "unpaid", "amount_total": total, "currency": currency, "expires_at": expires_at,
            "url": format!("https://checkout.stripe.com/c/pay/{session_id}"), "payment_intent": null,
            "client_reference_id": form.get("client_reference_id"), "metadata": nested(form, "metadata"),
            "success_url": form.get("success_url"), "cancel_url": form.get("cancel_url"),
        });
        Ok(session.as_object().expect("an object").clone())
    }
}

/// The fields `prefix[name]` as an object.
fn nested(form: &BTreeMap<String, String>, prefix: &str) -> Value {
    let entries = form.iter().filter_map(|(name, value)| {
        let name = name
            .strip_prefix(prefix)?
            .strip_prefix('[')?
            .strip_suffix(']')?;
        (!name.contains('[')).then(|| (name.to_owned(), json!(value)))
    });
    Value::Object(entries.collect())
}

fn error(status: u16, kind: &str, code: &str, message: &str) -> Answer {
    let code = Some(code).filter(|code| !code.is_empty());
    (
        status,
        json!({ "error": { "type": kind, "code": code, "message": message } }),
    )
}

fn missing(what: &str, id: &str) -> Answer {
    error(
        404,
        "invalid_request_error",
        "resource_missing",
        &format!("No such {what}: '{id}'"),
    )
}

fn random_id(prefix: &str) -> String {
    format!("{prefix}{}", random::hex::<12>())
}

/// Reads one request; none when the connection ends before it is complete.
fn receive(stream: &TcpStream) -> Option<Received> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let line = line.trim().strip_suffix(" HTTP/1.1")?.to_owned();
    let mut headers = BTreeMap::new();
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok()?;
        let Some((name, value)) = header.trim().split_once(':') else {
            break;
        };
        headers.insert(name.to_lowercase(), value.trim().to_owned());
    }
    assert!(
        !headers.contains_key("transfer-encoding"),
        "the body comes in one piece"
    );
    let length = headers.get("content-length").map_or("0", String::as_str);
    let mut body = vec![0; length.parse().ok()?];
    reader.read_exact(&mut body).ok()?;
    Some(Received {
        line,
        headers,
        form: parse_form(&String::from_utf8(body).ok()?),
    })
}

/// The fields of a form as browsers send it.
pub fn parse_form(text: &str) -> BTreeMap<String, String> {
    let fields = text.split('&').filter_map(|field| field.split_once('='));
    fields
        .map(|(name, value)| (percent_decoded(name), percent_decoded(value)))
        .collect()
}

/// <https://url.spec.whatwg.org/#urlencoded-parsing>
fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digits =
                    [rest.next(), rest.next()].map(|digit| char::from(digit.unwrap_or(b'?')));
                u8::from_str_radix(&String::from_iter(digits), 16).expect("two hexadecimal digits")
            }
            other => other,
        });
    }
    String::from_utf8(bytes).expect("UTF-8")
}
