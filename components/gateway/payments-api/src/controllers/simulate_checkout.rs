use mercato_edge::{BodyRule, Context, MAX_BODY_BYTES, Problem, ProblemDocument, Reply};

use crate::bindings::mercato::payments::commands;
use crate::body::Simulation;
use crate::checkout_page::{or_page, path};
use crate::parameters::SessionId;
use crate::problems::problem;
use crate::resource::{PaymentResource, reply};

const FORM: &str = "application/x-www-form-urlencoded";

/// What a script sends, and what a browser's form sends.
pub const BODY: BodyRule = BodyRule::required(&["application/json", FORM], MAX_BODY_BYTES);

/// `POST /payments/mock/checkout/{sessionId}`: plays the customer. A form is answered with 303 to the result page,
/// JSON with the payment.
#[utoipa::path(
    post,
    path = "/api/v1/payments/mock/checkout/{sessionId}",
    tag = "Payments",
    operation_id = "simulateCheckout",
    summary = "Play the customer",
    description = "Only with the stand-in payment provider: pays, is declined, leaves, or pays by a bank debit, which \
        `succeed` or `fail` ends later. The provider's signed webhook is then \
        handled like any other. What the customer does first is what happens; doing anything afterwards is a conflict.",
    params(SessionId),
    request_body(content((Simulation = "application/json"), (Simulation = "application/x-www-form-urlencoded"))),
    responses(
        (status = 200, description = "To JSON: the payment as it is now", body = PaymentResource,
            headers(("ETag" = String, description = "The payment's version"))),
        (status = 303, description = "To a form: go on to the result page",
            headers(("Location" = String, description = "Path of the result page"))),
        (status = 400, description = "`outcome` is none of these, or an unknown field; a page when `Accept` names `text/html`",
            content((ProblemDocument = "application/problem+json"), (String = "text/html"))),
        (status = 404, description = "No such session, another one has taken its place, or the payment provider is a real one; a \
            page when `Accept` names `text/html`",
            content((ProblemDocument = "application/problem+json"), (String = "text/html"))),
        (status = 409, description = "The payment is decided already, or the session has ended; a page when `Accept` names `text/html`",
            content((ProblemDocument = "application/problem+json"), (String = "text/html"))),
    )
)]
pub async fn simulate_checkout(context: Context) -> Result<Reply, Problem> {
    or_page(&context, simulate(&context).await)
}

async fn simulate(context: &Context) -> Result<Reply, Problem> {
    context.query().finish()?;
    let is_form = context.has_content_type(FORM);
    let Simulation { outcome } = if is_form {
        Simulation::read_form(context.body())?
    } else {
        Simulation::read_json(context.json()?)?
    };
    let session_id = context.param("sessionId").to_owned();
    let payment = commands::simulate_checkout(session_id.clone(), outcome.into())
        .await
        .map_err(problem)?;
    if is_form {
        return Ok(Reply::see_other(&format!(
            "{}?result={}",
            path(&session_id),
            outcome.name()
        )));
    }
    reply(&payment)
}
