#[cfg(not(target_family = "wasm"))]
use mercato_edge::Description;
use mercato_edge::{BodyRule, Context, FromContext, HeaderName, Json, Problem, RawBody, endpoint};
#[cfg(not(target_family = "wasm"))]
use payments::adapters::stripe_webhook::WebhookEvent;
use payments::application::commands::handle_webhook;
use payments::instance;
use serde::Serialize;
use utoipa::ToSchema;
#[cfg(not(target_family = "wasm"))]
use utoipa::openapi::{
    ObjectBuilder, Required, Type,
    path::{ParameterBuilder, ParameterIn},
};

use crate::problems::problem;

/// Largest event, in bytes. Stripe's longest, with a hundred lines, stay well below it.
const MAX_EVENT_BYTES: u64 = 256 * 1024;

/// Hear from the payment provider
///
/// For the payment provider alone. The signature over the raw body is verified before anything of it is read;
/// an event that comes again changes nothing, and one that is unknown or none of this shop's business is ignored.
#[endpoint(
    POST "/api/v1/payments/webhook", access = Public, tag = "Payments", id = "receiveWebhook",
    body = BodyRule::required(&["application/json"], MAX_EVENT_BYTES),
    returns = "Received; do not send it again",
    400 = "The signature does not sign this body or is too old, or the event cannot be read or does \
        not fit its payment",
    describe = Description::json_body::<WebhookEvent>,
)]
pub async fn webhook(
    Signature(signature): Signature,
    RawBody(body): RawBody,
) -> Result<Json<WebhookReceipt>, Problem> {
    // Every event that is the provider's, known or not, is received, so that it is not sent again.
    let command = handle_webhook::Command {
        body: &body,
        signature: &signature,
    };
    let handled = handle_webhook::handle(&*instance(), command).await;
    handled.map_err(problem)?;
    Ok(Json(WebhookReceipt::RECEIVED))
}

/// What the provider signs an event with; empty without one.
pub struct Signature(String);

impl Signature {
    const HEADER: HeaderName = HeaderName::from_static("stripe-signature");
}

impl FromContext for Signature {
    async fn from_context(context: &Context) -> Result<Self, Problem> {
        let signature = context.header(&Self::HEADER).unwrap_or_default();
        Ok(Self(signature.to_owned()))
    }

    #[cfg(not(target_family = "wasm"))]
    fn describe(description: &mut Description) {
        const MAX_CHARS: usize = 4_096;
        const MEANING: &str = "`t=SECONDS,v1=HEX`: the HMAC-SHA256 of `SECONDS.BODY` under the endpoint's signing secret, \
            not older than five\nminutes; several `v1` may be given.";
        const EXAMPLE: &str =
            "t=1700000000,v1=c89214b5b5da833daed6f0b8c5bb6bd58cea9022bd80ccc78230f3942d632925";
        let schema = ObjectBuilder::new()
            .schema_type(Type::String)
            .max_length(Some(MAX_CHARS));
        let parameter = ParameterBuilder::new()
            .name("Stripe-Signature")
            .parameter_in(ParameterIn::Header)
            .required(Required::True)
            .description(Some(MEANING))
            .schema(Some(schema))
            .example(Some(EXAMPLE.into()));
        description.parameter(parameter.build());
    }
}

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
