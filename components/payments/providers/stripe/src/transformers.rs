//! From the port's records to Stripe's requests, and from Stripe's answers back. No I/O.
//!
//! Sources: <https://docs.stripe.com/api/checkout/sessions>, <https://docs.stripe.com/api/refunds>,
//! <https://docs.stripe.com/api/errors>, <https://docs.stripe.com/currencies>.

use mercato_money::Currency;
use mercato_settings::{CheckoutReturn, OTHER_UNIT_AT_STRIPE, return_url};
use serde::Deserialize;

use crate::port::{
    Address, Charge, RefundReceipt, RefundRequest, Session, SessionRequest, SessionState,
};

mod lines;

/// The version of the API whose requests and answers this file knows. Pinned: without it Stripe would speak the version
/// that the account happens to be set to. It is the version of Stripe's own library that the tests compare with
/// (`tests/stripe/requirements.txt`); raise both together.
pub const API_VERSION: &str = "2026-10-28.endive";

/// How much longer than the reservation a session stays open at Stripe, in seconds. Stripe wants at least 30 minutes
/// from now, and the reservation's end is still to come; the rest is for clocks that differ. It must not depend on the
/// time of asking: a repeated request has to be the same to the letter, or Stripe refuses its idempotency key.
pub const EXPIRY_GRACE_SECONDS: u64 = 35 * 60;

/// Longest life of a session at Stripe, in seconds; also its life when none is asked for.
pub const SESSION_LIFETIME_MAX_SECONDS: u64 = 24 * 60 * 60;

/// Longest value of a metadata entry, in characters; Stripe's limit.
const METADATA_MAX_CHARS: usize = 500;

/// Most of Stripe's own words that are passed on, in characters.
const MESSAGE_MAX_CHARS: usize = 300;

/// Most refunds that Stripe lists at a time.
const REFUNDS_LISTED_MAX: u32 = 100;

/// Stripe's own words for why money goes back; everything else is kept as metadata.
const REFUND_REASONS: [&str; 3] = ["duplicate", "fraudulent", "requested_by_customer"];

/// Beginnings of Stripe's secrets.
const SECRET_PREFIXES: [&str; 6] = ["sk_", "rk_", "pk_", "whsec_", "sess_", "Bearer"];

const MS_PER_SECOND: u64 = 1_000;

/// Where a request goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Reads.
    Get,
    /// Changes.
    Post,
}

/// One request to Stripe, without what all have in common.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// Reads or changes.
    pub method: Method,
    /// Path and query.
    pub path: String,
    /// The body, form-encoded; empty for a read.
    pub form: String,
    /// Makes repeating safe. None for what may be repeated by nature.
    pub idempotency_key: Option<String>,
}

/// How the shop wants its sessions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckoutSettings {
    /// Where customers return to.
    pub return_url: String,
    /// How long stock is held for a customer, in seconds.
    pub reservation_seconds: u64,
}

/// Stripe said no.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// HTTP status.
    pub status: u16,
    /// Stripe's kind of error, as in `invalid_request_error`.
    pub kind: String,
    /// Its code, if it has one, as in `resource_missing`.
    pub code: Option<String>,
    /// For people, cleaned.
    pub message: String,
}

impl Refusal {
    /// The same idempotency key was used for another request: a fault of ours.
    #[must_use]
    pub fn is_idempotency_error(&self) -> bool {
        self.kind == "idempotency_error"
    }

    /// Stripe does not know what was asked for.
    #[must_use]
    pub fn is_missing(&self) -> bool {
        self.status == 404
    }

    /// One line for log and caller.
    #[must_use]
    pub fn describe(&self) -> String {
        let code = self.code.as_deref().unwrap_or(&self.kind);
        format!("Stripe refused ({code}): {}", self.message)
    }
}

/// A form in the making.
#[derive(Default)]
struct Form {
    fields: Vec<(String, String)>,
}

impl Form {
    fn set(&mut self, name: impl Into<String>, value: impl Into<String>) {
        self.fields.push((name.into(), value.into()));
    }

    fn encode(&self) -> String {
        form_urlencoded::Serializer::new(String::new())
            .extend_pairs(&self.fields)
            .finish()
    }
}

/// Opens a session. The order's lines are shown one by one when they come out at exactly the amount in whole minor
/// units; otherwise the order is one line. Of an order that was a checkout each line costs what is left of it, since Stripe knows no
/// negative lines and has coupons only as objects of their own; shipping and taxes are lines of their own.
///
/// # Errors
/// Why Stripe cannot be asked for it at all.
pub fn create_session(
    request: &SessionRequest,
    settings: &CheckoutSettings,
) -> Result<Call, String> {
    let currency: Currency = request
        .currency
        .parse()
        .map_err(|error| format!("{}: {error}", request.currency))?;
    check_amount(request.amount, currency)?;
    let mut form = Form::default();
    form.set("mode", "payment");
    form.set("client_reference_id", &request.order_id);
    // The customer pays what the order says, in its currency: webhooks are compared with it.
    form.set("adaptive_pricing[enabled]", "false");
    for owner in ["metadata", "payment_intent_data[metadata]"] {
        form.set(format!("{owner}[order_id]"), &request.order_id);
        form.set(format!("{owner}[payment_id]"), &request.payment_id);
        if let Some(number) = &request.order_number {
            form.set(format!("{owner}[order_number]"), number);
        }
    }
    if let Some(number) = &request.order_number {
        // On the receipt, and in the dashboard's list.
        form.set("payment_intent_data[description]", order_named(number));
    }
    let [success_url, cancel_url] = [CheckoutReturn::Success, CheckoutReturn::Cancel]
        .map(|outcome| return_url(&settings.return_url, &request.order_id, outcome));
    form.set("success_url", success_url);
    form.set("cancel_url", cancel_url);
    if let Some(details) = &request.details {
        form.set("customer_email", &details.email);
        if let Some(address) = &details.shipping_address {
            set_shipping(&mut form, address);
        }
    }
    if let Some(seconds) = expiry_seconds(request.expires_at, settings.reservation_seconds) {
        form.set("expires_at", seconds.to_string());
    }
    for (index, line) in lines::of(request, currency).iter().enumerate() {
        line.write(&mut form, index, currency);
    }
    Ok(Call {
        method: Method::Post,
        path: "/v1/checkout/sessions".to_owned(),
        form: form.encode(),
        idempotency_key: Some(request.idempotency_key.clone()),
    })
}

/// Where the order goes, kept with the payment. A company has no place of its own there and stands behind the name; there is no
/// parameter for a billing address.
fn set_shipping(form: &mut Form, address: &Address) {
    const SHIPPING: &str = "payment_intent_data[shipping]";
    let name = match &address.company {
        Some(company) => format!("{}, {company}", address.name),
        None => address.name.clone(),
    };
    form.set(format!("{SHIPPING}[name]"), name);
    for (field, part) in [
        ("line1", Some(&address.line1)),
        ("line2", address.line2.as_ref()),
        ("postal_code", address.postal_code.as_ref()),
        ("city", address.city.as_ref()),
        ("state", address.region.as_ref()),
        ("country", Some(&address.country)),
    ] {
        if let Some(part) = part {
            form.set(format!("{SHIPPING}[address][{field}]"), part);
        }
    }
}

/// Ends a session. Without an idempotency key: ending twice is harmless, and under a key Stripe would repeat an answer
/// that says it was broken.
///
/// # Errors
/// When it is no session's id.
pub fn expire_session(session_id: &str) -> Result<Call, String> {
    Ok(Call {
        method: Method::Post,
        path: format!("{}/expire", session_path(session_id)?),
        form: String::new(),
        idempotency_key: None,
    })
}

/// Asks for a session.
///
/// # Errors
/// When it is no session's id.
pub fn find_session(session_id: &str) -> Result<Call, String> {
    Ok(Call {
        method: Method::Get,
        path: session_path(session_id)?,
        form: String::new(),
        idempotency_key: None,
    })
}

/// Gives money back.
///
/// # Errors
/// Why Stripe cannot be asked for it at all.
pub fn refund(request: &RefundRequest) -> Result<Call, String> {
    let currency: Currency = request
        .currency
        .parse()
        .map_err(|error| format!("{}: {error}", request.currency))?;
    check_amount(request.amount, currency)?;
    if request.amount == 0 {
        return Err("a refund must be more than nothing".to_owned());
    }
    let (name, reference) = charge(&request.provider_reference)?;
    let mut form = Form::default();
    form.set(name, reference);
    form.set("amount", request.amount.to_string());
    form.set("metadata[order_id]", &request.order_id);
    form.set("metadata[payment_id]", &request.payment_id);
    form.set("metadata[idempotency_key]", &request.idempotency_key);
    if let Some(reason) = &request.reason {
        let word = reason.trim().to_lowercase().replace([' ', '-'], "_");
        if REFUND_REASONS.contains(&word.as_str()) {
            form.set("reason", word);
        } else {
            form.set("metadata[reason]", cut(reason, METADATA_MAX_CHARS));
        }
    }
    Ok(Call {
        method: Method::Post,
        path: "/v1/refunds".to_owned(),
        form: form.encode(),
        idempotency_key: Some(request.idempotency_key.clone()),
    })
}

/// Asks for the refunds of the same charge. Stripe forgets idempotency keys after a day; what was refunded it does not
/// forget.
///
/// # Errors
/// When the reference is no charge's.
pub fn find_refunds(request: &RefundRequest) -> Result<Call, String> {
    let (name, reference) = charge(&request.provider_reference)?;
    let query = form_urlencoded::Serializer::new(String::new())
        .append_pair(name, reference)
        .append_pair("limit", &REFUNDS_LISTED_MAX.to_string())
        .finish();
    Ok(Call {
        method: Method::Get,
        path: format!("/v1/refunds?{query}"),
        form: String::new(),
        idempotency_key: None,
    })
}

#[derive(Deserialize)]
struct SessionBody {
    id: String,
    url: Option<String>,
    status: Option<String>,
    expires_at: Option<u64>,
    /// `paid`, `unpaid`, `no_payment_required`.
    payment_status: Option<String>,
    payment_intent: Option<String>,
    amount_total: Option<i64>,
    currency: Option<String>,
}

/// The session that was opened. It ends for the shop when the reservation does, or earlier when Stripe says so.
///
/// # Errors
/// What is wrong with the answer.
pub fn read_opened_session(body: &[u8], request: &SessionRequest) -> Result<Session, String> {
    let session: SessionBody = read(body)?;
    session_path(&session.id)?;
    let url = session.url.unwrap_or_default();
    if !(url.starts_with("https://") || url.starts_with("http://")) {
        return Err("the session has no url".to_owned());
    }
    let ends_at_stripe = session
        .expires_at
        .map_or(u64::MAX, |seconds| seconds.saturating_mul(MS_PER_SECOND));
    Ok(Session {
        id: session.id,
        url,
        expires_at: request.expires_at.min(ends_at_stripe),
    })
}

/// Where a session stands; none when it is still open.
///
/// # Errors
/// What is wrong with the answer.
pub fn read_session_state(body: &[u8]) -> Result<Option<SessionState>, String> {
    let session: SessionBody = read(body)?;
    match session.status.as_deref() {
        Some("open") => Ok(None),
        Some("expired") => Ok(Some(SessionState::Expired)),
        Some("complete") => Ok(Some(SessionState::Completed(session.charge()))),
        other => Err(format!("the session's status is {other:?}")),
    }
}

impl SessionBody {
    /// What was paid. None while the money is still on its way (`unpaid`): it may come, and a webhook says so then.
    fn charge(self) -> Option<Charge> {
        let is_paid = matches!(
            self.payment_status.as_deref(),
            Some("paid" | "no_payment_required")
        );
        let (amount, currency) = self.amount_total.zip(self.currency).filter(|_| is_paid)?;
        Some(Charge {
            // A session without a charge (nothing was to be paid) is its own reference, as in its webhook.
            reference: self.payment_intent.unwrap_or(self.id),
            amount,
            currency: currency.to_ascii_uppercase(),
        })
    }
}

#[derive(Deserialize)]
struct RefundBody {
    id: String,
    status: Option<String>,
    failure_reason: Option<String>,
    metadata: Option<RefundMetadata>,
}

#[derive(Deserialize)]
struct RefundMetadata {
    idempotency_key: Option<String>,
}

#[derive(Deserialize)]
struct RefundList {
    data: Vec<RefundBody>,
}

/// A refund, or why it came to nothing.
pub type Refunded = Result<RefundReceipt, String>;

/// The refund that was made. One that is pending is made: Stripe pays it out from then on.
///
/// # Errors
/// What is wrong with the answer.
pub fn read_refund(body: &[u8]) -> Result<Refunded, String> {
    read::<RefundBody>(body)?.outcome()
}

/// The refund among those listed that was made for this request, if any.
///
/// # Errors
/// What is wrong with the answer.
pub fn read_known_refund(body: &[u8], request: &RefundRequest) -> Result<Option<Refunded>, String> {
    let is_ours = |refund: &RefundBody| {
        let metadata = refund.metadata.as_ref();
        metadata.and_then(|metadata| metadata.idempotency_key.as_deref())
            == Some(request.idempotency_key.as_str())
    };
    read::<RefundList>(body)?
        .data
        .into_iter()
        .find(is_ours)
        .map(RefundBody::outcome)
        .transpose()
}

impl RefundBody {
    fn outcome(self) -> Result<Refunded, String> {
        if self.id.is_empty() {
            return Err("the refund has no id".to_owned());
        }
        match self.status.as_deref() {
            Some("failed" | "canceled") => {
                let why = self.failure_reason.unwrap_or_default();
                Ok(Err(format!("the refund failed ({})", clean(&why, ""))))
            }
            _ => Ok(Ok(RefundReceipt { id: self.id })),
        }
    }
}

#[derive(Deserialize)]
struct ErrorBody {
    error: ErrorObject,
}

#[derive(Deserialize)]
struct ErrorObject {
    #[serde(rename = "type")]
    kind: String,
    code: Option<String>,
    message: Option<String>,
}

/// Stripe's error in the body of an answer; none when the body is not Stripe's, but a proxy's page or cut off.
#[must_use]
pub fn read_refusal(status: u16, body: &[u8], secret: &str) -> Option<Refusal> {
    let error = serde_json::from_slice::<ErrorBody>(body).ok()?.error;
    Some(Refusal {
        status,
        kind: clean(&error.kind, secret),
        code: error.code.map(|code| clean(&code, secret)),
        message: clean(&error.message.unwrap_or_default(), secret),
    })
}

/// Foreign text for the log: one line, bounded, without anything that looks like a key.
#[must_use]
pub fn clean(text: &str, secret: &str) -> String {
    let without = if secret.is_empty() {
        text.to_owned()
    } else {
        text.replace(secret, "***")
    };
    let words = without
        .split(|c: char| c.is_control() || c.is_whitespace())
        .filter(|word| !word.is_empty())
        .map(|word| {
            let leaks = SECRET_PREFIXES.iter().any(|prefix| word.contains(prefix));
            if leaks { "***" } else { word }
        });
    cut(&words.collect::<Vec<_>>().join(" "), MESSAGE_MAX_CHARS)
}

fn read<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, String> {
    // Serde's message may quote the body, which can hold customers' data.
    serde_json::from_slice(body).map_err(|error| {
        format!(
            "the answer is not what was asked for (line {}, column {})",
            error.line(),
            error.column()
        )
    })
}

fn cut(text: &str, max_chars: usize) -> String {
    text.chars().take(max_chars).collect()
}

/// When the session shall end at Stripe, in seconds since the Unix epoch; none for as late as Stripe allows. It only
/// depends on what does not change when the request is repeated.
fn expiry_seconds(reserved_until_ms: u64, reservation_seconds: u64) -> Option<u64> {
    let fits =
        reservation_seconds.saturating_add(EXPIRY_GRACE_SECONDS) <= SESSION_LIFETIME_MAX_SECONDS;
    fits.then(|| (reserved_until_ms / MS_PER_SECOND).saturating_add(EXPIRY_GRACE_SECONDS))
}

/// The smallest step of an amount at Stripe, in minor units: card networks know no thousandths.
fn step(currency: Currency) -> i64 {
    if currency.decimals() == 3 { 10 } else { 1 }
}

fn check_amount(amount: i64, currency: Currency) -> Result<(), String> {
    if OTHER_UNIT_AT_STRIPE.contains(&currency.code()) {
        return Err(format!(
            "Stripe counts {currency} in another unit than ISO 4217; this adapter does not take it"
        ));
    }
    if amount < 0 {
        return Err("an amount must not be negative".to_owned());
    }
    if amount % step(currency) != 0 {
        return Err(format!(
            "{amount} minor units of {currency} cannot be paid with Stripe: the last digit must be 0"
        ));
    }
    Ok(())
}

/// What customers and the shop's people know the order by.
fn order_named(number: &str) -> String {
    format!("Order {number}")
}

/// A session's path. Ids come from Stripe, but out of a database: nothing else gets into a path.
fn session_path(session_id: &str) -> Result<String, String> {
    if session_id.starts_with("cs_") && is_id(session_id) {
        Ok(format!("/v1/checkout/sessions/{session_id}"))
    } else {
        Err("not the id of a Checkout Session".to_owned())
    }
}

/// How Stripe names a charge of that kind, and the charge.
fn charge(reference: &str) -> Result<(&'static str, &str), String> {
    match reference.split_once('_') {
        Some(("pi", _)) if is_id(reference) => Ok(("payment_intent", reference)),
        Some(("ch" | "py", _)) if is_id(reference) => Ok(("charge", reference)),
        _ => Err("the payment's reference is no charge of Stripe".to_owned()),
    }
}

fn is_id(text: &str) -> bool {
    text.bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

#[cfg(test)]
mod tests;
