//! Quotes of checkouts as they are at a moment.

use std::rc::Rc;

use super::ports::{Catalogue, CatalogueItem, Ports};
use super::{CheckoutView, Error};
use crate::adapters::Tables;
use crate::domain::quote::{Quote, QuoteItem, QuoteRequest, draw};
use crate::domain::{Checkout, CodeName, CodeStanding, ProductId, TaxClass};
use crate::store::{Customer, Records};

/// How often a checkout is read again that somebody else changes meanwhile.
pub(super) const TRIES_MAX: u32 = 4;

/// What the catalogue and the settings say at a moment, of one checkout.
pub(super) struct Circumstances {
    items: Vec<CatalogueItem>,
    tables: Tables,
}

impl<C: Catalogue> Ports<C> {
    /// What the catalogue and the settings say of a checkout now. What is held for its own orders is free for it: another one takes the
    /// place of a pending one.
    pub(super) async fn circumstances(&self, checkout: &Checkout) -> Result<Circumstances, Error> {
        let lines = checkout.content().lines.iter();
        let products: Vec<ProductId> = lines.map(|line| line.product_id).collect();
        let items = if products.is_empty() {
            Vec::new()
        } else {
            self.catalogue.items(&products, checkout.id()).await?
        };
        let settings = self.store.settings()?;
        let standings = |records: &Records<'_>| standings(records, checkout);
        let tables = Tables {
            currency: self.currency,
            shipping: Rc::clone(&settings.shipping),
            taxes: Rc::clone(&settings.taxes),
            codes: self.store.read(standings)?,
            now: self.now(),
        };
        Ok(Circumstances { items, tables })
    }
}

fn standings(records: &Records<'_>, checkout: &Checkout) -> Result<Vec<CodeStanding>, Error> {
    let content = checkout.content();
    if content.codes.is_empty() {
        return Ok(Vec::new());
    }
    let customer = Customer::new(checkout.account(), content.email.as_ref());
    let held = records.codes_held_for(checkout.id())?;
    let standing = |name: &CodeName| {
        let mut code = records.code(name)?;
        if let Some(code) = &mut code {
            let own = held.iter().filter(|held| *held == name).count();
            code.uses = code.uses.saturating_sub(own.try_into().unwrap_or(u64::MAX));
        }
        Ok(CodeStanding {
            name: name.clone(),
            code,
            uses_by_customer: records.uses_by(name, &customer, Some(checkout.id()))?,
        })
    };
    content.codes.iter().map(standing).collect()
}

impl Circumstances {
    fn item(&self, product: ProductId) -> Option<&CatalogueItem> {
        let mut items = self.items.iter();
        items.find(|item| item.product_id == product)
    }

    /// How many of the codes this customer has used as often as one customer may; none where no code asks who uses it.
    pub(super) fn codes_used_up_by_customer(&self) -> Option<usize> {
        let uses = self.tables.codes.iter().filter_map(|standing| {
            let max = standing.code.as_ref()?.terms.limits.per_customer?;
            Some(standing.uses_by_customer >= u64::from(max))
        });
        let uses: Vec<bool> = uses.collect();
        (!uses.is_empty()).then(|| uses.into_iter().filter(|is_used_up| *is_used_up).count())
    }

    /// The customer sees the prices of now.
    pub(super) fn show_prices(&self, checkout: &mut Checkout) {
        checkout.see_prices(|product| self.item(product).map(|item| item.price));
    }

    /// What the checkout would cost.
    pub(super) fn quote(&self, checkout: &Checkout) -> Result<Quote, Error> {
        let content = checkout.content();
        let mut items = Vec::with_capacity(content.lines.len());
        let mut unknown = Vec::new();
        for line in &content.lines {
            let Some(item) = self.item(line.product_id) else {
                unknown.push(line.product_id);
                continue;
            };
            items.push(QuoteItem {
                product_id: item.product_id,
                name: item.name.clone(),
                choices: item.choices.clone(),
                quantity: line.quantity,
                unit_price: item.price,
                seen_price: line.seen_price,
                tax_class: TaxClass::parse(&item.tax_class)
                    .unwrap_or_else(|_| TaxClass::standard()),
                weight_grams: item.weight_grams,
                available: item.available,
            });
        }
        let destination = checkout.destination();
        let tables = &self.tables;
        let request = QuoteRequest {
            currency: tables.currency,
            prices_include_tax: tables.taxes.prices_include_tax,
            items: &items,
            unknown: &unknown,
            destination: destination.as_ref(),
            has_email: content.email.is_some(),
            option: content.option.as_ref(),
            codes: &content.codes,
        };
        Ok(draw(&request, tables, tables, tables)?)
    }
}

/// The checkout with that quote.
pub(super) fn view(checkout: Checkout, quote: Quote) -> CheckoutView {
    CheckoutView { checkout, quote }
}

/// Somebody else changed the checkout again and again meanwhile.
pub(super) fn contended() -> Error {
    Error::Unavailable("the checkout is being changed by others".to_owned())
}
