use mercato_edge::{
    BASE_PATH, ClientAddress, Context, Created, GuestToken, IdempotencyKey, Json, Located, Problem,
    Recorded, endpoint,
};
use mercato_kernel::{Caller, OrderId};
use mercato_platform::client::Client;
use mercato_platform::log;
use orders::application::commands::create_order::{
    self, CreateOrder, CreateOutcome, Idempotency, Placement,
};
use orders::application::commands::order_checkout::{self, OrderCheckout};
use orders::application::commands::record_answer;
use orders::domain::{CheckoutHolder, CheckoutToken, OrderError, OrderToken};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::body::OrderBody;
use crate::conflict::OrderConflict;
use crate::problems::problem;
use crate::resource::PlacementResource;

/// The order, its place and where to pay.
pub type Placed = Created<Json<PlacementResource>>;

/// Place an order
///
/// Names and prices come from the catalogue, the stock is taken at once and held until the payment session
/// ends. Send the customer to `paymentSession.url` to pay. With an `Idempotency-Key` it is safe to send the request
/// again when the answer got lost. With `replaces` an older order ends first, also when nothing is ordered then because
/// the stock is gone or the total is another one.
///
/// With `checkout` and `quote` a checkout is ordered, for what its customer saw and for nothing else; a guest sends its token and gets an
/// `orderToken` for the order. A checkout has one pending order: an older one ends first. When there is nothing to pay, the order is paid
/// at once.
#[endpoint(
    POST "/api/v1/orders", access = GuestSession, tag = "Orders", id = "createOrder",
    returns = "The order, waiting for its payment",
    409: OrderConflict = "Nothing was ordered. `lines-rejected`: some products are not there in that quantity, and \
        `lines` names every one. `too-many-open-orders`, `too-many-units-held`: your account, or everybody behind your \
        address, has as many unpaid orders, or units in them, as `limit` says: pay or cancel one. `total-changed`: the total \
        is not `expectedTotal`; `lines` and `total` say what it is now. `already-replaced`: another order has taken the place \
        of the one that `replaces` names; `replacedBy` is its id. `invalid-transition`, `payment-under-way`: that one is paid, \
        or about to be. Or the order of this `Idempotency-Key` is cancelled. Of a checkout, `quote-changed`: it is another \
        one by now, and `checkout` says what can be ordered; `lines-unavailable`, with the lines; \
        `already-ordered`: it was ordered as `orderedAs`, and is paid.",
    404 = "No such checkout, or somebody else's",
    422: OrderConflict = "The `Idempotency-Key` was sent with another body. Or `payment-refused`: the payment \
        provider does not take a payment like this, and `detail` says why; `checkout-incomplete`: `missing` has to be filled in first; \
        `checkout-required`: this shop takes orders of checkouts alone",
    429: OrderConflict = "`too-many-orders`: more orders than are taken from one account, or one address, in a \
        minute or on a day; nothing was ordered",
)]
pub async fn create(
    context: Context,
    caller: Option<Caller>,
    token: GuestToken,
    IdempotencyKey(key): IdempotencyKey,
    Json(wanted): Json<OrderBody>,
    ClientAddress(address): ClientAddress,
) -> Result<Recorded<Placed>, Problem> {
    let idempotency = key.map(|key| Idempotency {
        key,
        fingerprint: fingerprint(context.body(), &token),
    });
    let client = address.as_deref().and_then(Client::parse);
    // An admin can move all stock anyway.
    let is_exempt = caller.is_some_and(|caller| caller.is_admin());
    let account = caller.and_then(|caller| caller.account());
    let orders = orders::instance().await.map_err(problem)?;
    let (customer_id, holder, outcome) = match wanted {
        OrderBody::Items(wanted) => {
            let account = account.ok_or_else(accounts_only)?;
            let command = CreateOrder {
                customer_id: account.into(),
                client,
                is_exempt,
                lines: wanted.items.into_iter().map(Into::into).collect(),
                checkout: None,
                expected_total: wanted.expected_total.map(|total| total.0),
                replaces: wanted.replaces,
                idempotency: idempotency.clone(),
            };
            let outcome = create_order::handle(&*orders, command).await;
            (account.into(), None, outcome)
        }
        OrderBody::Checkout(wanted) => {
            let holder = match (account, token.0) {
                (Some(account), _) => CheckoutHolder::Account(account),
                (None, Some(token)) => CheckoutHolder::Guest(CheckoutToken::new(token)),
                (None, None) => return Err(accounts_only()),
            };
            let command = OrderCheckout {
                checkout_id: wanted.checkout,
                holder: holder.clone(),
                quote: wanted.quote,
                client,
                is_exempt,
                idempotency: idempotency.clone(),
            };
            let customer_id = command.customer_id();
            let outcome = order_checkout::handle(&*orders, command).await;
            (customer_id, Some(holder), outcome)
        }
    };
    let error = match outcome {
        Ok(CreateOutcome::Replayed(answer)) => return Ok(answer.into()),
        Ok(CreateOutcome::Placed(placement)) => {
            log::info("an order waits for its payment", &[]);
            let token = holder.and_then(|holder| holder.order_token(placement.order.id));
            // A request that comes again is answered from the order itself.
            return Recorded::record(placed(placement, token.as_ref())?).map(Into::into);
        }
        Err(error) => error,
    };
    let Some(idempotency) = idempotency.filter(|_| is_for_good(&error)) else {
        return Err(problem(error));
    };
    let answer = context.refusal(&problem(error));
    let kept = record_answer::handle(&*orders, customer_id, &idempotency, answer);
    kept.map(Into::into).map_err(problem)
}

/// What a key was sent with: the body, and a guest's token, which stands for who sends it.
fn fingerprint(body: &[u8], token: &GuestToken) -> Vec<u8> {
    let body = Sha256::digest(body);
    match &token.0 {
        None => body.to_vec(),
        Some(token) => {
            let both = Sha256::new().chain_update(body).chain_update(token);
            both.finalize().to_vec()
        }
    }
}

/// 401 for whoever orders products without an account.
fn accounts_only() -> Problem {
    let detail = "log in and send your token as a bearer token, or order a checkout";
    Problem::unauthorized(None, detail)
}

/// The answer to a new order; a guest gets the token.
///
/// # Errors
/// 500 when an amount cannot be shown.
pub fn placed(placement: Placement, token: Option<&OrderToken>) -> Result<Placed, Problem> {
    Ok(Created {
        location: location(placement.order.id),
        shown: Json(PlacementResource::new(placement, token)?),
    })
}

fn location(id: OrderId) -> String {
    format!("{BASE_PATH}/orders/id/{id}")
}

impl Located for PlacementResource {
    fn location_of(body: &[u8]) -> Option<String> {
        #[derive(Deserialize)]
        struct Named {
            id: String,
        }

        let order: Named = serde_json::from_slice(body).ok()?;
        OrderId::parse(&order.id).ok().map(location)
    }
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

#[cfg(test)]
mod tests {
    use mercato_edge::{Answer as _, StatusCode};
    use mercato_kernel::RecordedAnswer;

    use super::*;
    use crate::resource::tests::placement;

    fn replay(answer: RecordedAnswer) -> mercato_edge::Reply {
        Recorded::<Placed>::from(answer).into_reply().unwrap()
    }

    #[test]
    fn an_answer_is_given_again_byte_for_byte() {
        let answer = Recorded::record(placed(placement(), None).unwrap()).unwrap();
        let reply = replay(answer.clone());
        assert_eq!(
            (answer.status, reply.status(), reply.body()),
            (201, StatusCode::CREATED, answer.body.as_slice())
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
        let reply = replay(Context::default().refusal(&problem));
        assert_eq!(reply.status(), StatusCode::CONFLICT);
        assert!(format!("{reply:?}").contains("application/problem+json"));
        let document: serde_json::Value = serde_json::from_slice(reply.body()).unwrap();
        assert_eq!(
            document["type"],
            "https://mercato.dev/problems/lines-rejected"
        );
    }
}
