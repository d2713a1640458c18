use mercato_edge::{Context, Problem, Query, Reply};
use mercato_platform::clock::{Clock, SystemClock};

use crate::bindings::mercato::payments::queries;
use crate::checkout_page::page;
use crate::problems::problem;

/// What a result page may be asked for; what it shows is the payment's own state.
const RESULTS: [&str; 3] = ["succeed", "fail", "cancel"];

/// `GET /payments/mock/checkout/{sessionId}`: the checkout page, or how it ended.
pub async fn show_checkout(context: Context) -> Result<Reply, Problem> {
    check(context.query())?;
    let session_id = context.param("sessionId").to_owned();
    let checkout = queries::find_checkout(session_id.clone())
        .await
        .map_err(problem)?;
    page(&checkout, &session_id, SystemClock.now_ms())
}

fn check(mut query: Query) -> Result<(), Problem> {
    if let Some(result) = query.text("result")
        && !RESULTS.contains(&result.as_str())
    {
        query.reject("result", "format", "must be one of succeed, fail, cancel");
    }
    query.finish()
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
            ("result=%3Cb%3E", false),
            ("outcome=fail", false),
        ] {
            assert_eq!(check(Query::parse(query)).is_ok(), fits, "{query}");
        }
    }
}
