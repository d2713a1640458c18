#[cfg(not(target_family = "wasm"))]
use mercato_edge::Description;
use mercato_edge::{Context, Path, PathParameter, Problem, Query, Reply, endpoint, query};
use mercato_kernel::text_value;
use mercato_platform::clock::{Clock, SystemClock};
use payments::application::queries;
use payments::domain::CheckoutOutcome;
use payments::instance;
use utoipa::ToSchema;

#[cfg(not(target_family = "wasm"))]
use crate::checkout_page::describe_pages;
use crate::checkout_page::{Visit, or_page, page};
use crate::problems::problem;
use crate::storefront::Storefront;

/// Pay in a browser
///
/// Only with the stand-in payment provider: its checkout page with the order, whom it is for and where it goes, the total, buttons to pay and
/// to be declined, a way back to the shop, and more for developers; once the payment is decided, how it ended. Whoever holds the session's id may see it.
#[endpoint(
    GET "/api/v1/payments/mock/checkout/{sessionId}", access = Public, tag = "Payments", id = "showCheckout",
    returns = "The page",
    400 = "`result` is none, or an unknown parameter; a page when `Accept` names `text/html`",
    404 = "No such session, another one has taken its place, or the payment provider is a real one; a \
        page when `Accept` names `text/html`",
    describe = describe,
)]
pub async fn show_checkout(
    context: Context,
    Path(session): Path<SessionId>,
    query: Result<Query<CheckoutResult>, Problem>,
) -> Result<Reply, Problem> {
    let shown = show(&session, query).await;
    or_page(&context, &session, shown).await
}

#[cfg(not(target_family = "wasm"))]
fn describe(description: &mut Description) {
    describe_pages(description, &[200, 400, 404]);
}

async fn show(
    session: &SessionId,
    query: Result<Query<CheckoutResult>, Problem>,
) -> Result<Reply, Problem> {
    let Query(CheckoutResult { result }) = query?;
    let checkout = queries::find_checkout(&*instance(), &session.0).map_err(problem)?;
    let visit = Visit {
        session_id: &session.0,
        result,
        is_refused: false,
        now_ms: SystemClock.now_ms(),
    };
    page(&checkout, &visit, &Storefront::read().await?)
}

/// The payment provider's name of a session.
#[derive(Debug, Clone, PartialEq, Eq, ToSchema)]
#[schema(pattern = "^cs_test_[0-9a-f]{32}$")]
pub struct SessionId(pub String);

text_value!(SessionId);

impl PathParameter for SessionId {
    const MEANING: &'static str = "The payment session's id.";
    const EXAMPLE: Option<&'static str> = Some("cs_test_0123456789abcdef0123456789abcdef");
}

/// How a page may be asked for as a result; what it shows is the payment's own state.
#[query]
#[derive(Debug)]
pub struct CheckoutResult {
    /// What the customer chose; what the page shows is how the payment stands.
    result: Option<CheckoutOutcome>,
}

#[cfg(test)]
mod tests {
    use mercato_edge::examples::from_query;

    use super::*;

    #[test]
    fn a_page_may_be_asked_for_as_a_result() {
        for (query, fits) in [
            ("", true),
            ("result=succeed", true),
            ("result=cancel", true),
            ("result=decline", true),
            ("result=%3Cb%3E", false),
            ("outcome=fail", false),
        ] {
            assert_eq!(from_query::<CheckoutResult>(query).is_ok(), fits, "{query}");
        }
    }
}
