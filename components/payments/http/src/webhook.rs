use mercato_edge::{BodyRule, Context, HeaderName, Problem, ProblemDocument, Reply};
use payments::application::commands;
use payments::instance;
use serde::Serialize;
use utoipa::ToSchema;

use crate::parameters::StripeSignature;
use crate::problems::problem;
use crate::schemas::WebhookEvent;

/// Where the provider puts its signature.
const SIGNATURE: HeaderName = HeaderName::from_static("stripe-signature");

/// Largest event, in bytes. Stripe's longest, with a hundred lines, stay well below it.
const MAX_EVENT_BYTES: u64 = 256 * 1024;

/// An event, read whole: its signature signs all of it.
pub const BODY: BodyRule = BodyRule::required(&["application/json"], MAX_EVENT_BYTES);

/// The event has arrived.
#[derive(Debug, Serialize, ToSchema)]
pub struct WebhookReceipt {
    /// Always true.
    #[schema(example = true)]
    received: bool,
}

impl WebhookReceipt {
    /// The only one there is.
    pub const RECEIVED: Self = Self { received: true };
}

/// `POST /payments/webhook`: 200 for every event that is the provider's, known or not, so that it is not sent again.
#[utoipa::path(
    post,
    path = "/api/v1/payments/webhook",
    tag = "Payments",
    operation_id = "receiveWebhook",
    summary = "Hear from the payment provider",
    description = "For the payment provider alone. The signature over the raw body is verified before anything of it is read; \
        an event that comes again changes nothing, and one that is unknown or none of this shop's business is ignored.",
    params(StripeSignature),
    request_body = WebhookEvent,
    responses(
        (status = 200, description = "Received; do not send it again", body = WebhookReceipt),
        (status = 400, description = "The signature does not sign this body or is too old, or the event cannot be read or does \
            not fit its payment", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn webhook(context: Context) -> Result<Reply, Problem> {
    context.query_string().finish()?;
    let signature = context.header(&SIGNATURE).unwrap_or_default();
    commands::handle_webhook::handle(&*instance(), context.body(), signature)
        .await
        .map_err(problem)?;
    Reply::json(&WebhookReceipt::RECEIVED)
}
