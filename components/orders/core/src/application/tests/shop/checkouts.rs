//! Checkouts: the context itself, on a database of its own in memory, with the catalogue of the shop behind it.

/// The contract of checkouts as its component keeps it, with the types that orders imports.
#[path = "../../../../../../checkout/service/src/contract.rs"]
mod contract;

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use ::checkout::Error;
use ::checkout::application::CheckoutView;
use ::checkout::application::commands::{
    create_code, hold_codes, open_checkout, prepare_order, settle_codes, show_checkout,
};
use ::checkout::application::ports::{Catalogue, CatalogueItem, Ports, Secrets};
use ::checkout::application::queries::codes as code_queries;
use ::checkout::domain as checkout;
use ::checkout::domain::quote::{Choice, QuoteId};
use mercato_contracts::checkout::{codes, quotes, types};
use mercato_kernel::{AccountId, CheckoutId, OrderId, ProductId};
use mercato_money::Money;
use mercato_testing::{CountingIds, Faults, TestClock, run};
use products::application::queries::find_products;
use products::domain::sellable::Sellable;
use products::domain::variant;
use settle_codes::Settlement;

use super::inventory;
use crate::adapters::checkouts::{not_held, not_prepared, settled};
use crate::domain::{CheckoutHolder, CheckoutToken, OrderError, OrderedQuote, Prepared};
use crate::ports::{Checkouts, HoldError};

/// The catalogue of the shop, as checkouts see it.
struct Shelf(Rc<inventory::Catalogue>);

impl Catalogue for Shelf {
    async fn items(
        &self,
        products: &[ProductId],
        holder: CheckoutId,
    ) -> Result<Vec<CatalogueItem>, Error> {
        let found = find_products::for_checkout(&*self.0, products, Some(holder)).unwrap();
        let choice = |choice: variant::Choice| Choice {
            name: choice.name,
            value: choice.value,
        };
        let item = |(sellable, available): (Sellable, u64)| CatalogueItem {
            product_id: sellable.id,
            name: sellable.name.as_str().to_owned(),
            choices: sellable.choices.into_iter().map(choice).collect(),
            price: sellable.price.amount(),
            tax_class: sellable.tax_class.as_str().to_owned(),
            weight_grams: sellable.weight.grams(),
            available,
        };
        Ok(found.into_iter().map(item).collect())
    }
}

/// Tokens in a row.
#[derive(Default)]
struct CountingTokens(Cell<u32>);

impl Secrets for CountingTokens {
    fn token(&self) -> CheckoutToken {
        self.0.set(self.0.get() + 1);
        CheckoutToken::new(format!("{}{}", checkout::GUEST_TOKEN_PREFIX, self.0.get()))
    }
}

/// Checkouts with faults around what orders ask of them.
pub struct TestCheckouts {
    faults: Rc<Faults>,
    ports: Rc<Ports<Shelf>>,
    pub down: Cell<bool>,
    /// What happens right after a quote was prepared, once.
    pub after_preparing: RefCell<Option<Box<dyn FnOnce()>>>,
}

/// A checkout, whose it is, and the quote that was shown.
#[derive(Debug, Clone)]
pub struct Filled {
    pub id: CheckoutId,
    pub holder: CheckoutHolder,
    pub quote: String,
    /// What it costs, in minor units.
    pub total: i64,
}

impl TestCheckouts {
    pub fn new(faults: Rc<Faults>, clock: &TestClock, catalogue: Rc<inventory::Catalogue>) -> Self {
        let ids = CountingIds::new(clock);
        let currency = "USD".parse().unwrap();
        let tokens = CountingTokens::default();
        Self {
            faults,
            ports: Rc::new(Ports::new(
                Shelf(catalogue),
                tokens,
                clock.clone(),
                ids,
                currency,
            )),
            down: Cell::new(false),
            after_preparing: RefCell::default(),
        }
    }

    /// A checkout of these lines with these codes, with all that is needed to order it.
    pub fn fill(
        &self,
        account: Option<AccountId>,
        lines: &[(ProductId, u32)],
        codes: &[&str],
    ) -> Filled {
        let line = |(product, quantity): &(ProductId, u32)| {
            (*product, checkout::Quantity::new(*quantity).unwrap())
        };
        let address = checkout::AddressDraft {
            name: "Ada".to_owned(),
            line1: "Ring 1".to_owned(),
            postal_code: Some("1010".to_owned()),
            city: Some("Wien".to_owned()),
            country: "AT".to_owned(),
            ..checkout::AddressDraft::default()
        };
        let names = codes.iter().map(|name| code_name(name)).collect();
        let email = checkout::Email::parse("ada@example.com").unwrap();
        let changes = checkout::Changes {
            items: Some(lines.iter().map(line).collect()),
            email: Some(Some(email)),
            shipping_address: Some(Some(address)),
            codes: Some(names),
            ..checkout::Changes::default()
        };
        let command = open_checkout::Command {
            account,
            client: None,
            changes,
        };
        let opened = run(open_checkout::handle(&*self.ports, command)).unwrap();
        let holder = match (account, opened.token) {
            (Some(account), _) => CheckoutHolder::Account(account),
            (None, token) => {
                let token = token.unwrap().expose().to_owned();
                CheckoutHolder::Guest(CheckoutToken::new(token))
            }
        };
        filled(&opened.view, holder)
    }

    /// The customer looks at it again.
    pub fn look(&self, filled_in: &Filled) -> Filled {
        let command = show_checkout::Command {
            id: filled_in.id,
            holder: holder_of(&filled_in.holder),
        };
        let view = run(show_checkout::handle(&*self.ports, command)).unwrap();
        filled(&view, filled_in.holder.clone())
    }

    /// There is a code that takes that off, so often in all and by one customer.
    pub fn make_code(&self, name: &str, off: &str, limits: checkout::UseLimits) {
        let off: Money = off.parse().unwrap();
        let command = create_code::Command {
            name: code_name(name),
            benefit: checkout::Benefit::Fixed(off),
            terms: checkout::CodeTerms {
                label: checkout::Label::parse("A discount").unwrap(),
                valid_from: None,
                valid_until: None,
                minimum_value: None,
                products: vec![],
                limits,
                is_combinable: false,
            },
        };
        create_code::handle(&*self.ports, command).unwrap();
    }

    /// What takes a use of a code for another order.
    pub fn taking(&self, name: &str) -> impl FnOnce() + 'static {
        let (ports, code) = (Rc::clone(&self.ports), code_name(name));
        move || {
            let command = hold_codes::Command {
                order: OrderId::parse("01939f6e-8a00-7000-8000-d00000000001").unwrap(),
                checkout: CheckoutId::parse("01939f6e-8a00-7000-8000-c00000000001").unwrap(),
                codes: vec![code],
                account: None,
                email: checkout::Email::parse("eve@example.com").ok(),
            };
            hold_codes::handle(&*ports, &command).unwrap();
        }
    }

    /// How many orders use a code.
    pub fn uses(&self, name: &str) -> u64 {
        code_queries::find(&*self.ports, &code_name(name))
            .unwrap()
            .uses
    }

    async fn answer<T>(&self, work: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
        let answer = || match self.down.get() {
            true => Err(Error::Unavailable("down".to_owned())),
            false => work(),
        };
        self.faults.around_async(answer).await
    }

    async fn settle(&self, order: OrderId, settlement: Settlement) -> Result<(), OrderError> {
        let command = settle_codes::Command { order, settlement };
        let outcome = self.answer(|| settle_codes::handle(&*self.ports, command));
        settled(order, outcome.await.map_err(contract::code_error))
    }
}

pub fn code_name(name: &str) -> checkout::CodeName {
    checkout::CodeName::parse(name).unwrap()
}

fn holder_of(holder: &CheckoutHolder) -> checkout::Holder {
    match holder {
        CheckoutHolder::Account(id) => checkout::Holder::Account(*id),
        CheckoutHolder::Guest(token) => {
            checkout::Holder::Guest(CheckoutToken::new(token.expose().to_owned()))
        }
    }
}

fn filled(view: &CheckoutView, holder: CheckoutHolder) -> Filled {
    Filled {
        id: view.checkout.id(),
        holder,
        quote: view.checkout.shown().unwrap().id.to_string(),
        total: view.quote.totals.total,
    }
}

impl Checkouts for TestCheckouts {
    async fn prepare(
        &self,
        checkout: CheckoutId,
        holder: &CheckoutHolder,
        quote: &str,
    ) -> Result<Prepared, OrderError> {
        let command = prepare_order::Command {
            id: checkout,
            holder: holder_of(holder),
            quote: QuoteId::parse(quote).map_err(|_| OrderError::CheckoutNotFound)?,
        };
        let view = self.answer(|| run(prepare_order::handle(&*self.ports, command)));
        let view = view
            .await
            .map_err(contract::quote_error)
            .map_err(not_prepared)?;
        if let Some(happens) = self.after_preparing.take() {
            happens();
        }
        contract::prepared(view).ok_or(OrderError::Internal)
    }

    async fn hold_codes(
        &self,
        order_id: OrderId,
        quote: &OrderedQuote,
        account: Option<AccountId>,
    ) -> Result<(), HoldError> {
        let command = hold_codes::Command {
            order: order_id,
            checkout: quote.checkout_id(),
            codes: quote.codes().iter().map(|name| code_name(name)).collect(),
            account,
            email: checkout::Email::parse(&quote.content().email).ok(),
        };
        let held = self.answer(|| hold_codes::handle(&*self.ports, &command));
        held.await
            .map_err(contract::code_error)
            .map_err(|error| not_held(order_id, error))
    }

    async fn commit_codes(&self, order_id: OrderId) -> Result<(), OrderError> {
        self.settle(order_id, Settlement::Commit).await
    }

    async fn release_codes(&self, order_id: OrderId) -> Result<(), OrderError> {
        self.settle(order_id, Settlement::Release).await
    }
}
