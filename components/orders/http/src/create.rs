use mercato_edge::{
    BASE_PATH, Context, IdempotencyKey, Problem, ProblemDocument, Reply, StatusCode, client,
};
use mercato_platform::client::Client;
use mercato_platform::log;
use orders::application::commands::create_order::{
    self, CreateOrder, CreateOutcome, Idempotency, RecordedAnswer,
};
use orders::application::commands::record_answer;
use orders::domain::OrderError;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::body::NewOrder;
use crate::problems::problem;
use crate::resource::{PlacementResource, placement_reply};
use crate::schemas::ConflictDocument;

/// `POST /orders`: 201 with the order, its place and where to pay. With an `Idempotency-Key`, a request that is sent
/// again gets the first answer again, byte for byte; a refusal for good is such an answer too.
#[utoipa::path(
    post,
    path = "/api/v1/orders",
    tag = "Orders",
    operation_id = "createOrder",
    summary = "Place an order",
    description = "Names and prices come from the catalogue, the stock is taken at once and held until the payment session \
        ends. Send the customer to `paymentSession.url` to pay. With an `Idempotency-Key` it is safe to send the request \
        again when the answer got lost. With `replaces` an older order ends first, also when nothing is ordered then because \
        the stock is gone or the total is another one.",
    params(IdempotencyKey),
    request_body = NewOrder,
    responses(
        (status = 201, description = "The order, waiting for its payment", body = PlacementResource,
            headers(("Location" = String, description = "Path of the order"))),
        (status = 409, description = "Nothing was ordered. `lines-rejected`: some products are not there in that quantity, and \
            `lines` names every one. `too-many-open-orders`, `too-many-units-held`: your account, or everybody behind your \
            address, has as many unpaid orders, or units in them, as `limit` says: pay or cancel one. `total-changed`: the total \
            is not `expectedTotal`; `lines` and `total` say what it is now. `already-replaced`: another order has taken the place \
            of the one that `replaces` names; `replacedBy` is its id. `invalid-transition`, `payment-under-way`: that one is paid, \
            or about to be. Or the order of this `Idempotency-Key` is cancelled.", body = ConflictDocument,
            content_type = "application/problem+json"),
        (status = 429, description = "`too-many-orders`: more orders than are taken from one account, or one address, in a \
            minute or on a day; nothing was ordered", body = ConflictDocument, content_type = "application/problem+json",
            headers(("Retry-After" = u64, description = "Seconds until the next order is taken"))),
        (status = 422, description = "The `Idempotency-Key` was sent with another body. Or `payment-refused`: the payment \
            provider does not take a payment like this, and `detail` says why", body = ProblemDocument,
            content_type = "application/problem+json"),
    )
)]
pub async fn create(context: Context) -> Result<Reply, Problem> {
    context.query_string().finish()?;
    let caller = context.caller()?;
    let Some(customer_id) = caller.account() else {
        return Err(Problem::internal());
    };
    let key = context.idempotency_key()?;
    let wanted = NewOrder::read(context.json()?)?;
    let idempotency = key.map(|key| Idempotency {
        key,
        fingerprint: Sha256::digest(context.body()).to_vec(),
    });
    let address = client::address(&context).await?;
    let command = CreateOrder {
        customer_id,
        client: address.as_deref().and_then(Client::parse),
        // An admin can move all stock anyway.
        is_exempt: caller.is_admin(),
        lines: wanted.lines,
        expected_total: wanted.expected_total,
        replaces: wanted.replaces,
        idempotency: idempotency.clone(),
    };
    let orders = orders::instance().await.map_err(problem)?;
    let answer = match create_order::handle(&*orders, command).await {
        Ok(CreateOutcome::Replayed(answer)) => return Ok(replay(answer)),
        Ok(CreateOutcome::Placed(placement)) => {
            log::info("an order waits for its payment", &[]);
            RecordedAnswer {
                status: StatusCode::CREATED.as_u16(),
                body: placement_reply(&placement)?.body().to_vec(),
            }
        }
        Err(error) if idempotency.is_some() && is_for_good(&error) => {
            refusal(&context, &problem(error))
        }
        Err(error) => return Err(problem(error)),
    };
    Ok(replay(match idempotency {
        Some(idempotency) => {
            record_answer::handle(&*orders, customer_id, &idempotency, answer).map_err(problem)?
        }
        None => answer,
    }))
}

/// Whether the same request could never be answered otherwise.
const fn is_for_good(error: &OrderError) -> bool {
    matches!(
        error,
        OrderError::LinesRejected(_)
            | OrderError::Invalid(_)
            | OrderError::InvalidTransition(_)
            | OrderError::PaymentRefused(_)
            | OrderError::TotalChanged(_)
    )
}

/// The document of a problem, to be kept.
fn refusal(context: &Context, problem: &Problem) -> RecordedAnswer {
    RecordedAnswer {
        status: problem.status().as_u16(),
        body: context.refusal(problem),
    }
}

#[derive(Deserialize)]
struct Placed {
    id: String,
}

fn replay(answer: RecordedAnswer) -> Reply {
    let placed: Option<Placed> = serde_json::from_slice(&answer.body).ok();
    let is_placed = answer.status == StatusCode::CREATED.as_u16();
    let reply = Reply::recorded(answer.status, answer.body);
    match placed.filter(|_| is_placed) {
        Some(placed) => reply.created(&format!("{BASE_PATH}/orders/id/{}", placed.id)),
        None => reply,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resource::tests::placement;

    #[test]
    fn an_answer_is_given_again_byte_for_byte() {
        let body = placement_reply(&placement()).unwrap().body().to_vec();
        let reply = replay(RecordedAnswer {
            status: 201,
            body: body.clone(),
        });
        assert_eq!(
            (reply.status(), reply.body()),
            (StatusCode::CREATED, body.as_slice())
        );
        let debug = format!("{reply:?}");
        assert!(
            debug.contains("/api/v1/orders/id/01890a5d-ac96-774b-bcce-b302099a8057"),
            "{debug}"
        );
    }

    #[test]
    fn a_refusal_is_kept_as_the_problem_it_was() {
        let problem = problem(OrderError::LinesRejected(vec![]));
        let reply = replay(refusal(&Context::default(), &problem));
        assert_eq!(reply.status(), StatusCode::CONFLICT);
        assert!(format!("{reply:?}").contains("application/problem+json"));
        let document: serde_json::Value = serde_json::from_slice(reply.body()).unwrap();
        assert_eq!(
            document["type"],
            "https://mercato.dev/problems/lines-rejected"
        );
    }
}
