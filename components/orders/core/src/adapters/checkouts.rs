//! Quotes and discount codes behind the port [`Checkouts`].

use mercato_contracts::checkout::codes::{self, CodeError};
use mercato_contracts::checkout::quotes::{self, QuoteError, UnavailableLine};
use mercato_contracts::checkout::types::Holder;
use mercato_kernel::{AccountId, CheckoutId, NotAnId, OrderId, ProductId};
use mercato_platform::log;

use crate::domain::{
    CheckoutHolder, LineProblem, OrderError, OrderedQuote, Prepared, RejectedLine,
};
use crate::ports::{Checkouts, HoldError};

/// The checkouts of the component this one is composed with.
pub struct ComposedCheckouts;

impl Checkouts for ComposedCheckouts {
    async fn prepare(
        &self,
        checkout: CheckoutId,
        holder: &CheckoutHolder,
        quote: &str,
    ) -> Result<Prepared, OrderError> {
        let holder = match holder {
            CheckoutHolder::Account(id) => Holder::Account(id.to_string()),
            CheckoutHolder::Guest(token) => Holder::Guest(token.expose().to_owned()),
        };
        let prepared = quotes::prepare(checkout.to_string(), holder, quote.to_owned()).await;
        prepared.map_err(not_prepared)
    }

    async fn hold_codes(
        &self,
        order_id: OrderId,
        quote: &OrderedQuote,
        account: Option<AccountId>,
    ) -> Result<(), HoldError> {
        let account = account.map(|id| id.to_string());
        let email = Some(quote.content().email.clone());
        let (id, checkout) = (order_id.to_string(), quote.checkout_id().to_string());
        let held = codes::hold(id, checkout, quote.codes(), account, email).await;
        held.map_err(|error| not_held(order_id, error))
    }

    async fn commit_codes(&self, order_id: OrderId) -> Result<(), OrderError> {
        settled(order_id, codes::commit(order_id.to_string()).await)
    }

    async fn release_codes(&self, order_id: OrderId) -> Result<(), OrderError> {
        settled(order_id, codes::release(order_id.to_string()).await)
    }
}

/// Why a quote cannot be ordered.
pub fn not_prepared(error: QuoteError) -> OrderError {
    match error {
        QuoteError::NotFound => OrderError::CheckoutNotFound,
        QuoteError::LinesUnavailable(lines) => {
            let lines = lines.into_iter().map(rejected_line);
            lines
                .collect::<Result<_, _>>()
                .map_or_else(Into::into, OrderError::LinesUnavailable)
        }
        QuoteError::Changed(quote) => OrderError::QuoteChanged(Box::new(quote)),
        QuoteError::Incomplete(missing) => OrderError::QuoteIncomplete(missing),
        QuoteError::Unavailable => OrderError::Unavailable,
        QuoteError::Internal => OrderError::Internal,
    }
}

fn rejected_line(line: UnavailableLine) -> Result<RejectedLine, NotAnId> {
    Ok(RejectedLine {
        product_id: ProductId::parse(&line.product_id)?,
        code: if line.is_known {
            LineProblem::InsufficientStock
        } else {
            LineProblem::UnknownProduct
        },
        requested: line.requested,
        available: line.available,
    })
}

/// Why codes are not held.
pub fn not_held(order_id: OrderId, error: CodeError) -> HoldError {
    match error {
        CodeError::UsedUp(_) => HoldError::UsedUp,
        CodeError::Released => HoldError::Released,
        error => HoldError::Failed(failure(order_id, &error)),
    }
}

/// Codes that were given back since are settled.
///
/// # Errors
/// When checkouts cannot serve.
pub fn settled(order_id: OrderId, result: Result<(), CodeError>) -> Result<(), OrderError> {
    match result {
        Ok(()) | Err(CodeError::Released) => Ok(()),
        Err(error) => Err(failure(order_id, &error)),
    }
}

fn failure(order_id: OrderId, error: &CodeError) -> OrderError {
    if *error == CodeError::Unavailable {
        return OrderError::Unavailable;
    }
    let cause = format!("{error:?}");
    log::error(
        "the discount codes of an order cannot be moved",
        &[("order_id", &order_id.text()), ("error", &cause)],
    );
    OrderError::Internal
}
