//! Quotes of checkouts as they are at a moment.

use super::ports::{Catalogue, CatalogueItem, Ports};
use super::{CheckoutView, Error};
use crate::adapters::Tables;
use crate::domain::quote::{Quote, QuoteItem, QuoteRequest, draw};
use crate::domain::{Checkout, CodeName, CodeStanding, OrderId, ProductId, TaxClass};
use crate::store::{Customer, Records};

/// How often a checkout is read again that somebody else changes meanwhile.
pub(super) const TRIES_MAX: u32 = 4;

/// What the catalogue and the settings say at a moment, of one checkout.
pub(super) struct Circumstances {
    items: Vec<CatalogueItem>,
    tables: Tables,
}

impl<C: Catalogue> Ports<C> {
    /// What the catalogue and the settings say of a checkout now, and would say if the order `instead_of` held nothing.
    pub(super) async fn circumstances(
        &self,
        checkout: &Checkout,
        instead_of: Option<OrderId>,
    ) -> Result<Circumstances, Error> {
        let lines = checkout.content().lines.iter();
        let products: Vec<ProductId> = lines.map(|line| line.product_id).collect();
        let items = if products.is_empty() {
            Vec::new()
        } else {
            self.catalogue.items(&products, instead_of).await?
        };
        let read = |records: &Records<'_>| {
            Ok(Tables {
                currency: self.currency,
                shipping: records.shipping_settings()?,
                taxes: records.tax_settings()?,
                codes: standings(records, checkout, instead_of)?,
                now: self.now(),
            })
        };
        let tables = self.store.read(|records| records.between_changes(read))?;
        Ok(Circumstances { items, tables })
    }
}

fn standings(
    records: &Records<'_>,
    checkout: &Checkout,
    instead_of: Option<OrderId>,
) -> Result<Vec<CodeStanding>, Error> {
    let content = checkout.content();
    let customer = Customer::new(checkout.account(), content.email.as_ref());
    let freed = match instead_of {
        Some(order) if !content.codes.is_empty() => records.codes_of(order)?,
        _ => Vec::new(),
    };
    let standing = |name: &CodeName| {
        let mut code = records.code(name)?;
        let uses_by_customer = records.uses_by(name, &customer, instead_of)?;
        if freed.contains(name)
            && let Some(code) = &mut code
        {
            code.uses = code.uses.saturating_sub(1);
        }
        Ok(CodeStanding {
            name: name.clone(),
            code,
            uses_by_customer,
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
