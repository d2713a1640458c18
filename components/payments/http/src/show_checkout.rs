use mercato_edge::{Context, Problem, ProblemDocument, QueryString, Reply};
use mercato_platform::clock::{Clock, SystemClock};
use payments::application::queries;
use payments::instance;

use crate::body::Outcome;
use crate::checkout_page::{Visit, or_page, page};
use crate::parameters::{CheckoutResult, SessionId};
use crate::problems::problem;
use crate::storefront::Storefront;

/// `GET /payments/mock/checkout/{sessionId}`: the checkout page, or how it ended.
#[utoipa::path(
    get,
    path = "/api/v1/payments/mock/checkout/{sessionId}",
    tag = "Payments",
    operation_id = "showCheckout",
    summary = "Pay in a browser",
    description = "Only with the stand-in payment provider: its checkout page with the order, the total, buttons to pay and \
        to be declined, a way back to the shop, and more for developers; once the payment is decided, how it ended. Whoever holds the session's id may see it.",
    params(SessionId, CheckoutResult),
    responses(
        (status = 200, description = "The page", body = String, content_type = "text/html",
            example = "<!doctype html>\n<html lang=\"en\">…</html>\n"),
        (status = 400, description = "`result` is none, or an unknown parameter; a page when `Accept` names `text/html`",
            content((ProblemDocument = "application/problem+json"), (String = "text/html"))),
        (status = 404, description = "No such session, another one has taken its place, or the payment provider is a real one; a \
            page when `Accept` names `text/html`",
            content((ProblemDocument = "application/problem+json"), (String = "text/html"))),
    )
)]
pub async fn show_checkout(context: Context) -> Result<Reply, Problem> {
    or_page(&context, show(&context).await).await
}

async fn show(context: &Context) -> Result<Reply, Problem> {
    let result = check(context.query_string())?;
    let session_id = context.param("sessionId");
    let checkout = queries::find_checkout(&*instance(), session_id).map_err(problem)?;
    let visit = Visit {
        session_id,
        result,
        is_refused: false,
        now_ms: SystemClock.now_ms(),
    };
    page(&checkout, &visit, &Storefront::read().await?)
}

/// A result page may be asked for by what the customer chose; what it shows is the payment's own state.
///
/// # Errors
/// 400 for another result.
pub fn check(mut query: QueryString) -> Result<Option<Outcome>, Problem> {
    let named = query.text("result");
    let result = named.as_deref().and_then(Outcome::from_name);
    if named.is_some() && result.is_none() {
        query.reject("result", "format", Outcome::RULE);
    }
    query.finish()?;
    Ok(result)
}

#[cfg(test)]
mod tests {
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
            assert_eq!(check(QueryString::parse(query)).is_ok(), fits, "{query}");
        }
    }
}
