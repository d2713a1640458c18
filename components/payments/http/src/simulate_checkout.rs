#[cfg(not(target_family = "wasm"))]
use mercato_edge::Description;
use mercato_edge::{
    Answer as _, BodyRule, Context, Either, FromContext as _, Json, MAX_BODY_BYTES, Path, Problem,
    Query, Reply, SeeOther, Tagged, endpoint,
};
use mercato_kernel::Named as _;
use mercato_platform::clock::{Clock, SystemClock};
use payments::application::commands::simulate_checkout;
use payments::application::queries;
use payments::domain::{PaymentError, PaymentView};
use payments::instance;

use crate::body::Simulation;
#[cfg(not(target_family = "wasm"))]
use crate::checkout_page::describe_pages;
use crate::checkout_page::{or_page, path};
use crate::problems::problem;
use crate::resource::{PaymentResource, tagged};
use crate::show_checkout::SessionId;

const FORM: &str = "application/x-www-form-urlencoded";

/// What a script sends, and what a browser's form sends.
const BODY: BodyRule = BodyRule::required(&["application/json", FORM], MAX_BODY_BYTES);

/// The payment, or where to go on, or why not as a page.
type Played = Either<Tagged<PaymentResource>, Reply>;

/// Play the customer
///
/// Only with the stand-in payment provider: pays, tries a card that is declined, or pays by a bank debit, which
/// `succeed` or `fail` ends later; `fail` and `cancel` end the payment and the order at once. The provider's signed webhook is then
/// handled like any other. What the customer does first is what happens; doing anything afterwards is a conflict.
/// `decline` changes nothing and may be repeated: the payment stays open, as after a declined card.
#[endpoint(
    POST "/api/v1/payments/mock/checkout/{sessionId}", access = Public, tag = "Payments", id = "simulateCheckout",
    body = BODY,
    returns = "To JSON: the payment as it is now",
    303: SeeOther = "To a form: go on to the result page",
    400 = "`outcome` is none of these, or an unknown field; a page when `Accept` names `text/html`",
    404 = "No such session, another one has taken its place, or the payment provider is a real one; a \
        page when `Accept` names `text/html`",
    409 = "The payment is decided already, or the session has ended; a page when `Accept` names `text/html`",
    describe = describe,
)]
pub async fn simulate_checkout(
    context: Context,
    Path(session): Path<SessionId>,
    nothing: Result<Query<()>, Problem>,
) -> Result<Played, Problem> {
    let played = match nothing {
        Ok(_) => simulate(&context, &session).await,
        Err(problem) => Err(problem),
    };
    match played {
        Err(problem) => or_page(&context, &session, Err(problem))
            .await
            .map(Either::Other),
        played => played,
    }
}

#[cfg(not(target_family = "wasm"))]
fn describe(description: &mut Description) {
    for media_type in BODY.media_types() {
        description.body::<Simulation>(media_type);
    }
    describe_pages(description, &[400, 404, 409]);
}

async fn simulate(context: &Context, session: &SessionId) -> Result<Played, Problem> {
    let is_form = context.has_content_type(FORM);
    let Simulation { outcome } = if is_form {
        Simulation::from_form(context.body())?
    } else {
        Json::from_context(context).await?.0
    };
    let payment = match outcome.effect() {
        Some(outcome) => {
            let command = simulate_checkout::Command {
                session_id: &session.0,
                outcome,
            };
            let played = simulate_checkout::handle(&*instance(), command).await;
            played.map_err(problem)?
        }
        None => decline(session)?,
    };
    if is_form {
        let result = format!("{}?result={}", path(&session.0), outcome.name());
        return SeeOther(result).into_reply().map(Either::Other);
    }
    tagged(payment).map(Either::First)
}

/// A card is declined. Providers notify nobody of that: the customer stays on their page and may try again.
fn decline(session: &SessionId) -> Result<PaymentView, Problem> {
    let checkout = queries::find_checkout(&*instance(), &session.0).map_err(problem)?;
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
