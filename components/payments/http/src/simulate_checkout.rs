use mercato_edge::{BodyRule, Context, MAX_BODY_BYTES, Problem, ProblemDocument, Reply};
use mercato_platform::clock::{Clock, SystemClock};
use payments::application::{commands, queries};
use payments::domain::{PaymentError, PaymentView};
use payments::instance;

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
    description = "Only with the stand-in payment provider: pays, tries a card that is declined, or pays by a bank debit, which \
        `succeed` or `fail` ends later; `fail` and `cancel` end the payment and the order at once. The provider's signed webhook is then \
        handled like any other. What the customer does first is what happens; doing anything afterwards is a conflict. \
        `decline` changes nothing and may be repeated: the payment stays open, as after a declined card.",
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
    or_page(&context, simulate(&context).await).await
}

async fn simulate(context: &Context) -> Result<Reply, Problem> {
    context.query_string().finish()?;
    let is_form = context.has_content_type(FORM);
    let Simulation { outcome } = if is_form {
        Simulation::read_form(context.body())?
    } else {
        Simulation::read_json(context.json()?)?
    };
    let session_id = context.param("sessionId");
    let payment = match outcome.effect() {
        Some(effect) => commands::simulate_checkout::handle(&*instance(), session_id, effect)
            .await
            .map_err(problem)?,
        None => decline(session_id)?,
    };
    if is_form {
        return Ok(Reply::see_other(&format!(
            "{}?result={}",
            path(session_id),
            outcome.name()
        )));
    }
    reply(&payment)
}

/// A card is declined. Providers notify nobody of that: the customer stays on their page and may try again.
fn decline(session_id: &str) -> Result<PaymentView, Problem> {
    let checkout = queries::find_checkout(&*instance(), session_id).map_err(problem)?;
    expect_open(&checkout.payment, SystemClock.now_ms())?;
    Ok(checkout.payment)
}

/// Only who could pay can be declined.
fn expect_open(payment: &PaymentView, now_ms: u64) -> Result<(), Problem> {
    if !payment.is_pending() {
        return Err(problem(PaymentError::Conflict(payment.status)));
    }
    if payment.is_processing {
        return Err(problem(PaymentError::UnderWay));
    }
    if payment.usable_session(now_ms).is_some() {
        return Ok(());
    }
    Err(session_has_ended())
}

/// 409 where nobody can pay any more.
pub fn session_has_ended() -> Problem {
    let detail = "the session has ended: open a new one from the order";
    Problem::conflict("conflict", detail)
}

#[cfg(test)]
mod tests {
    use payments::domain::PaymentStatus;

    use super::*;
    use crate::resource::tests::pending;

    /// When the session of [`pending`] ends.
    const END_MS: u64 = 900_000;

    fn refusal(payment: &PaymentView, now_ms: u64) -> Option<String> {
        let problem = expect_open(payment, now_ms).err()?;
        assert_eq!(problem.status().as_u16(), 409);
        let document = problem.document("/", "r", "t");
        document["type"].as_str().map(str::to_owned)
    }

    #[test]
    fn a_card_is_declined_only_where_one_could_pay() {
        let mut payment = pending();
        assert_eq!(refusal(&payment, END_MS - 1), None);
        let expired = refusal(&payment, END_MS).unwrap();
        assert!(expired.ends_with("/conflict"), "{expired}");
        payment.is_processing = true;
        let under_way = refusal(&payment, 0).unwrap();
        assert!(under_way.ends_with("/payment-under-way"), "{under_way}");
        payment.status = PaymentStatus::Succeeded;
        let decided = refusal(&payment, 0).unwrap();
        assert!(decided.ends_with("/conflict"), "{decided}");
    }
}
