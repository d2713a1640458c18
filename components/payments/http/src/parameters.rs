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
