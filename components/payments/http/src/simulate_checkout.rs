#[cfg(not(target_family = "wasm"))]
use mercato_edge::Description;
use mercato_edge::{
    Answer as _, BodyRule, Context, Either, FromContext as _, Json, MAX_BODY_BYTES, Path, Problem,
    Query, Reply, SeeOther, Tagged, endpoint,
};
use mercato_kernel::Named as _;
use payments::application::commands::simulate_checkout;
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
    let command = simulate_checkout::Command {
        session_id: &session.0,
        outcome,
    };
    let payment = simulate_checkout::handle(&*instance(), command).await;
    let payment = payment.map_err(problem)?;
    if is_form {
        let result = format!("{}?result={}", path(&session.0), outcome.name());
        return SeeOther(result).into_reply().map(Either::Other);
    }
    tagged(payment).map(Either::First)
}
