//! The parameters of the routes, for the OpenAPI document. The handlers read the same ones.
#![allow(
    dead_code,
    reason = "describes what is read from path, query and headers one by one"
)]

use mercato_edge::Id;
use utoipa::IntoParams;

use crate::body::Outcome;

/// Which payment.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub struct PaymentId {
    /// The payment's id.
    #[param(value_type = Id)]
    id: String,
}

/// The payment of which order.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub struct OrderId {
    /// The order's id.
    #[param(value_type = Id, rename = "orderId")]
    order_id: String,
}

/// Which event.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub struct EventId {
    /// The event's id.
    #[param(value_type = Id, rename = "eventId")]
    event_id: String,
}

/// Which session.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub struct SessionId {
    /// The payment session's id.
    #[param(
        rename = "sessionId",
        pattern = "^cs_test_[0-9a-f]{32}$",
        example = "cs_test_0123456789abcdef0123456789abcdef"
    )]
    session_id: String,
}

/// What the customer did.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub struct CheckoutResult {
    /// What the customer chose; what the page shows is how the payment stands.
    result: Option<Outcome>,
}

/// Which page of the outbox.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Page {
    /// Number of the page, from 1. Far down a long list `after` is cheaper, and nothing is seen twice or missed.
    #[param(minimum = 1, maximum = 4_294_967_295_u64, default = 1, example = 1)]
    page: Option<u64>,
    /// Most events on a page.
    #[param(minimum = 1, maximum = 100, default = 10, example = 10)]
    limit: Option<u32>,
    /// The `meta.next` of the page before, instead of `page`.
    #[param(min_length = 1, max_length = 4_096, pattern = "^[A-Za-z0-9_-]+$")]
    after: Option<String>,
}

/// What the client has already.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
pub struct IfNoneMatch {
    /// The `ETag` of the answer you have: 304 when nothing has changed since.
    #[param(nullable = false, rename = "If-None-Match", example = "\"2\"")]
    if_none_match: Option<String>,
}

/// What makes sending again safe.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
pub struct IdempotencyKey {
    /// A name of your choice for this request: the same request with the same key is carried out once, for 24 hours,
    /// however often it is sent.
    #[param(
        nullable = false,
        rename = "Idempotency-Key",
        min_length = 1,
        max_length = 255,
        pattern = "^[!-~]{1,255}$",
        example = "refund-7f3a"
    )]
    idempotency_key: Option<String>,
}

/// Who speaks.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
pub struct StripeSignature {
    /// `t=SECONDS,v1=HEX`: the HMAC-SHA256 of `SECONDS.BODY` under the endpoint's signing secret, not older than five
    /// minutes; several `v1` may be given.
    #[param(
        rename = "Stripe-Signature",
        max_length = 4_096,
        example = "t=1700000000,v1=c89214b5b5da833daed6f0b8c5bb6bd58cea9022bd80ccc78230f3942d632925"
    )]
    signature: String,
}
