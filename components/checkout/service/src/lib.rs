//! Quotes that are ordered, and the discount codes in them: the contract `mercato:checkout`, from its types to the use cases and back.

mod contract;
#[cfg(test)]
mod contract_tests;

use checkout::Error;
use checkout::application::commands::{hold_codes, prepare_order, settle_codes};
use checkout::domain::quote::QuoteId;
use checkout::domain::{CheckoutId, CheckoutToken, CodeName, Email, Holder};
use mercato_kernel::{AccountId, OrderId};
use mercato_platform::log;
use settle_codes::Settlement;

mercato_contracts::component!(Component, "mercato:shop/checkout-service", "../../../wit");

use bindings::exports::mercato::checkout::codes::{self, CodeError};
use bindings::exports::mercato::checkout::quotes::{self, Prepared, QuoteError};
use bindings::exports::mercato::checkout::types;

/// What the world `checkout-service` exports.
pub struct Component;

impl quotes::Guest for Component {
    async fn prepare(
        checkout_id: String,
        holder: types::Holder,
        quote_id: String,
    ) -> Result<Prepared, QuoteError> {
        let command = command(&checkout_id, holder, &quote_id).ok_or(QuoteError::NotFound)?;
        log::in_span(&[("checkout_id", &command.id.text())], async {
            let checkouts = checkout::instance().await.map_err(contract::quote_error)?;
            let view = prepare_order::handle(&*checkouts, command).await;
            let view = view.map_err(contract::quote_error)?;
            contract::prepared(view).ok_or(QuoteError::Internal)
        })
        .await
    }
}

/// What is no id names no checkout, no account and no quote.
fn command(
    checkout_id: &str,
    holder: types::Holder,
    quote_id: &str,
) -> Option<prepare_order::Command> {
    Some(prepare_order::Command {
        id: CheckoutId::parse(checkout_id).ok()?,
        holder: match holder {
            types::Holder::Account(id) => Holder::Account(AccountId::parse(&id).ok()?),
            types::Holder::Guest(token) => Holder::Guest(CheckoutToken::new(token)),
        },
        quote: QuoteId::parse(quote_id).ok()?,
    })
}

impl codes::Guest for Component {
    async fn hold(
        order_id: String,
        checkout_id: String,
        codes: Vec<String>,
        account_id: Option<String>,
        email: Option<String>,
    ) -> Result<(), CodeError> {
        let command = hold_command(&order_id, &checkout_id, codes, account_id, email);
        let command = command.ok_or_else(breach)?;
        log::in_span(&[("order_id", &command.order.text())], async {
            let checkouts = checkout::instance().await.map_err(contract::code_error)?;
            hold_codes::handle(&*checkouts, &command).map_err(contract::code_error)
        })
        .await
    }

    async fn commit(order_id: String) -> Result<(), CodeError> {
        settle(&order_id, Settlement::Commit).await
    }

    async fn release(order_id: String) -> Result<(), CodeError> {
        settle(&order_id, Settlement::Release).await
    }
}

fn hold_command(
    order_id: &str,
    checkout_id: &str,
    codes: Vec<String>,
    account_id: Option<String>,
    email: Option<String>,
) -> Option<hold_codes::Command> {
    let codes = codes.iter().map(|code| CodeName::parse(code).ok());
    Some(hold_codes::Command {
        order: OrderId::parse(order_id).ok()?,
        checkout: CheckoutId::parse(checkout_id).ok()?,
        codes: codes.collect::<Option<_>>()?,
        account: account_id
            .map(|id| AccountId::parse(&id))
            .transpose()
            .ok()?,
        email: email.map(|email| Email::parse(&email)).transpose().ok()?,
    })
}

async fn settle(order_id: &str, settlement: Settlement) -> Result<(), CodeError> {
    let order = OrderId::parse(order_id).map_err(|_| breach())?;
    log::in_span(&[("order_id", &order.text())], async {
        let checkouts = checkout::instance().await.map_err(contract::code_error)?;
        let command = settle_codes::Command { order, settlement };
        settle_codes::handle(&*checkouts, command).map_err(contract::code_error)
    })
    .await
}

/// Another context gave what the contract does not allow.
fn breach() -> CodeError {
    let cause = Error::Internal("an id, code or address is none".to_owned());
    contract::code_error(cause)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

    #[test]
    fn what_is_no_id_names_no_checkout() {
        let quote = format!("q_{}", "0".repeat(40));
        let guest = || types::Holder::Guest("secret".to_owned());
        let found = command(ID, guest(), &quote).unwrap();
        let token = CheckoutToken::new("secret".to_owned());
        assert_eq!(found.holder, Holder::Guest(token));
        let account = |id: &str| types::Holder::Account(id.to_owned());
        assert!(command(ID, account(ID), &quote).is_some());
        assert!(command(ID, account("7"), &quote).is_none());
        assert!(command("7", guest(), &quote).is_none());
        assert!(command(ID, guest(), "7").is_none());
    }

    #[test]
    fn a_hold_is_for_an_order_and_a_customer() {
        let hold = |order: &str, code: &str, email: &str| {
            let (codes, email) = (vec![code.to_owned()], Some(email.to_owned()));
            hold_command(order, ID, codes, Some(ID.to_owned()), email)
        };
        let found = hold(ID, "ten", "Ada@example.com").unwrap();
        assert_eq!(found.codes, [CodeName::parse("TEN").unwrap()]);
        assert_eq!(found.email, Email::parse("ada@example.com").ok());
        assert!(hold("7", "ten", "ada@example.com").is_none());
        assert!(hold_command(ID, "7", vec![], None, None).is_none());
        assert!(hold(ID, "", "ada@example.com").is_none());
        assert!(hold(ID, "ten", "ada").is_none());
    }
}
