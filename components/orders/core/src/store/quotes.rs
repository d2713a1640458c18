//! The quotes of orders that were checkouts, with all that belongs to them. Written once, with the saga, and never changed.

use mercato_contracts::checkout::types::QuoteDiscount;
use mercato_kernel::{CheckoutId, Named as _, OrderId};
use mercato_sql::{Error, Row, Value, params};

use super::{Records, id, json_of, key, named};
use crate::application::locks;
use crate::domain::{
    Address, OrderError, OrderStatus, OrderTokenHash, OrderedQuote, Quote, QuoteLine,
    QuoteShipping, QuoteTax, QuoteTotals, QuotedOrder, TaxRate,
};

/// What an address of an order is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::VariantArray, strum::IntoStaticStr)]
#[strum(serialize_all = "lowercase")]
enum AddressKind {
    Shipping,
    Billing,
}

mercato_kernel::named!(AddressKind);

/// What a checkout was ordered as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ordered {
    /// Its order is being made.
    UnderWay(OrderId),
    /// The order waits for its payment.
    Pending(OrderId),
    /// The order is paid, delivered perhaps.
    Paid(OrderId),
    /// There is no order any more, but it has not given back yet what it held.
    Ending(OrderId),
}

impl Ordered {
    /// The order.
    pub const fn order_id(self) -> OrderId {
        match self {
            Self::UnderWay(id) | Self::Pending(id) | Self::Paid(id) | Self::Ending(id) => id,
        }
    }
}

const INSERT_QUOTE: &str = "
INSERT INTO order_quotes
  (order_id, checkout_id, token_hash, quote_id, expires_at, currency, prices_include_tax, email, note,
   items, discount, shipping, tax, total,
   shipping_code, shipping_name, shipping_discount, shipping_tax_rate, shipping_tax_reason, shipping_net, shipping_tax, shipping_total)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";

/// As many rows of values follow as there are lines.
const INSERT_LINES: &str = "
INSERT INTO order_quote_lines
  (order_id, position, product_id, name, quantity, unit_price, amount, discount, tax_rate, tax_reason, net, tax, total)";

/// As many rows of values follow as there are codes.
const INSERT_DISCOUNTS: &str = "
INSERT INTO order_quote_discounts (order_id, position, code, label, amount)";

/// As many rows of values follow as there are rates.
const INSERT_TAXES: &str = "
INSERT INTO order_quote_taxes (order_id, position, tax_rate, tax_reason, net, tax)";

/// As many rows of values follow as there are addresses.
const INSERT_ADDRESSES: &str = "
INSERT INTO order_addresses
  (order_id, kind, name, company, line1, line2, postal_code, city, region, country, phone)";

/// As many rows of values follow as there are entries.
const INSERT_METADATA: &str = "
INSERT INTO order_metadata (order_id, position, key, value)";

/// Everything of a table that belongs to some orders.
macro_rules! of_orders {
    ($columns:literal, $table:literal, $order:literal) => {
        concat!(
            "
SELECT order_id, ",
            $columns,
            "
FROM ",
            $table,
            "
WHERE order_id IN (SELECT value FROM json_each(?))
ORDER BY ",
            $order,
            " -- plan on PostgreSQL: sorts what belongs to few orders"
        )
    };
}

pub(super) const QUOTES: &str = of_orders!(
    "checkout_id, token_hash, quote_id, expires_at, currency, prices_include_tax, email, note,
  items, discount, shipping, tax, total,
  shipping_code, shipping_name, shipping_discount, shipping_tax_rate, shipping_tax_reason, shipping_net, shipping_tax, shipping_total",
    "order_quotes",
    "order_id"
);

pub(super) const LINES: &str = of_orders!(
    "product_id, name, quantity, unit_price, amount, discount, tax_rate, tax_reason, net, tax, total",
    "order_quote_lines",
    "order_id, position"
);

pub(super) const DISCOUNTS: &str = of_orders!(
    "code, label, amount",
    "order_quote_discounts",
    "order_id, position"
);

pub(super) const TAXES: &str = of_orders!(
    "tax_rate, tax_reason, net, tax",
    "order_quote_taxes",
    "order_id, position"
);

pub(super) const ADDRESSES: &str = of_orders!(
    "kind, name, company, line1, line2, postal_code, city, region, country, phone",
    "order_addresses",
    "order_id, kind"
);

pub(super) const METADATA: &str = of_orders!("key, value", "order_metadata", "order_id, position");

/// At most one is under way, and one pending or paid; what is still ending comes last.
pub(super) const ORDERED: &str = "
SELECT order_id, 'new' AS standing, 1 AS rank
FROM sagas
WHERE asked_checkout = ?1 AND step = 'new'
UNION ALL
SELECT id, status, 2
FROM orders
WHERE checkout_id = ?1 AND status IN ('PENDING', 'PAID', 'DELIVERED')
UNION ALL
SELECT order_id, 'ending', 3
FROM sagas
WHERE asked_checkout = ?1 AND step = 'rejected'
  AND EXISTS (SELECT 1 FROM follow_ups WHERE follow_ups.order_id = sagas.order_id)
UNION ALL
SELECT id, 'ending', 3
FROM orders
WHERE checkout_id = ?1 AND status = 'CANCELLED'
  AND EXISTS (SELECT 1 FROM follow_ups WHERE follow_ups.order_id = orders.id)
ORDER BY rank
LIMIT 1 -- plan: the few orders of one checkout";

/// The standing of an order that is being made, and of one that is ending.
const UNDER_WAY: &str = "new";
const ENDING: &str = "ending";

impl Records<'_> {
    /// What a checkout was ordered as, as far as that stands in the way of ordering it again.
    pub fn ordered(&self, checkout: CheckoutId) -> Result<Option<Ordered>, OrderError> {
        let Some(row) = self.0.query_one(ORDERED, params![key(checkout)])? else {
            return Ok(None);
        };
        let order_id = id(&row, "order_id")?;
        let standing: String = row.get("standing")?;
        Ok(Some(match standing.as_str() {
            UNDER_WAY => Ordered::UnderWay(order_id),
            ENDING => Ordered::Ending(order_id),
            status if status == OrderStatus::Pending.name() => Ordered::Pending(order_id),
            _ => Ordered::Paid(order_id),
        }))
    }

    /// [`Self::ordered`], while nobody else changes that order.
    pub fn ordered_alone(&self, checkout: CheckoutId) -> Result<Option<Ordered>, OrderError> {
        let found = self.ordered(checkout)?;
        let Some(order_id) = found.map(Ordered::order_id) else {
            return Ok(None);
        };
        let keys = || Ok::<_, OrderError>(locks::order(order_id));
        if self.0.lock(keys)? {
            return self.ordered(checkout);
        }
        Ok(found)
    }

    /// Stores the quote of an order that is to be made.
    pub(super) fn insert_quote(
        &self,
        order_id: OrderId,
        ordered: &OrderedQuote,
    ) -> Result<(), OrderError> {
        let order = || key(order_id);
        let (content, quote) = (ordered.content(), ordered.quote());
        let shipping = quote.shipping.as_ref();
        let totals = quote.totals;
        self.0.execute(
            INSERT_QUOTE,
            params![
                order(),
                key(ordered.checkout_id()),
                ordered.token_hash().map(OrderTokenHash::as_str),
                quote.id.as_str(),
                quote.expires_at,
                quote.currency.as_str(),
                quote.prices_include_tax,
                content.email.as_str(),
                content.note.as_deref(),
                totals.items,
                totals.discount,
                totals.shipping,
                totals.tax,
                totals.total,
                shipping.map(|shipping| shipping.code.as_str()),
                shipping.map(|shipping| shipping.name.as_str()),
                shipping.map(|shipping| shipping.discount),
                shipping.map(|shipping| shipping.tax_rate.rate),
                shipping.and_then(|shipping| shipping.tax_rate.reason.as_deref()),
                shipping.map(|shipping| shipping.net),
                shipping.map(|shipping| shipping.tax),
                shipping.map(|shipping| shipping.total),
            ],
        )?;
        let line = |(position, line): (u32, &QuoteLine)| -> [Value; 13] {
            [
                order(),
                position.into(),
                line.product_id.as_str().into(),
                line.name.as_str().into(),
                line.quantity.into(),
                line.unit_price.into(),
                line.amount.into(),
                line.discount.into(),
                line.tax_rate.rate.into(),
                line.tax_rate.reason.as_deref().into(),
                line.net.into(),
                line.tax.into(),
                line.total.into(),
            ]
        };
        self.0
            .insert_rows(INSERT_LINES, (0..).zip(&quote.lines).map(line))?;
        let discount = |(position, discount): (u32, &QuoteDiscount)| -> [Value; 5] {
            [
                order(),
                position.into(),
                discount.code.as_str().into(),
                discount.label.as_str().into(),
                discount.amount.into(),
            ]
        };
        let discounts = (0..).zip(&quote.discounts).map(discount);
        self.0.insert_rows(INSERT_DISCOUNTS, discounts)?;
        let tax = |(position, tax): (u32, &QuoteTax)| -> [Value; 6] {
            [
                order(),
                position.into(),
                tax.tax_rate.rate.into(),
                tax.tax_rate.reason.as_deref().into(),
                tax.net.into(),
                tax.tax.into(),
            ]
        };
        self.0
            .insert_rows(INSERT_TAXES, (0..).zip(&quote.taxes).map(tax))?;
        let billing = content.billing_address.as_ref();
        let addresses = [(AddressKind::Shipping, &content.shipping_address)]
            .into_iter()
            .chain(billing.map(|address| (AddressKind::Billing, address)));
        let address = |(kind, address): (AddressKind, &Address)| -> [Value; 11] {
            [
                order(),
                kind.name().into(),
                address.name.as_str().into(),
                address.company.as_deref().into(),
                address.line1.as_str().into(),
                address.line2.as_deref().into(),
                address.postal_code.as_deref().into(),
                address.city.as_deref().into(),
                address.region.as_deref().into(),
                address.country.as_str().into(),
                address.phone.as_deref().into(),
            ]
        };
        self.0
            .insert_rows(INSERT_ADDRESSES, addresses.map(address))?;
        let entry = |(position, (name, value)): (u32, &(String, String))| -> [Value; 4] {
            [
                order(),
                position.into(),
                name.as_str().into(),
                value.as_str().into(),
            ]
        };
        let entries = (0..).zip(&content.metadata).map(entry);
        Ok(self.0.insert_rows(INSERT_METADATA, entries)?)
    }

    /// The quote of one order.
    pub(super) fn quote(&self, order_id: OrderId) -> Result<Option<OrderedQuote>, OrderError> {
        let mut quotes = self.quotes(&[order_id])?;
        Ok(quotes.pop().map(|(_, quote)| quote))
    }

    /// The quotes of those of these orders that have one.
    pub(super) fn quotes(
        &self,
        order_ids: &[OrderId],
    ) -> Result<Vec<(OrderId, OrderedQuote)>, OrderError> {
        let ids = [Value::Text(json_of(
            order_ids.iter().map(|id| id.to_string()),
        ))];
        let mut parts = Vec::with_capacity(order_ids.len());
        for row in self.0.query(QUOTES, &ids)? {
            parts.push((id(&row, "order_id")?, head_of(&row)?, row));
        }
        let mut add = |statement, part: fn(&mut QuotedOrder, &Row) -> Result<(), OrderError>| {
            for row in self.0.query(statement, &ids)? {
                let order_id: OrderId = id(&row, "order_id")?;
                let mut found = parts.iter_mut().filter(|(id, ..)| *id == order_id);
                if let Some((_, content, _)) = found.next() {
                    part(content, &row)?;
                }
            }
            Ok::<_, OrderError>(())
        };
        add(LINES, |content, row| {
            content.quote.lines.push(line_of(row)?);
            Ok(())
        })?;
        add(DISCOUNTS, |content, row| {
            content.quote.discounts.push(discount_of(row)?);
            Ok(())
        })?;
        add(TAXES, |content, row| {
            content.quote.taxes.push(tax_of(row)?);
            Ok(())
        })?;
        add(ADDRESSES, |content, row| {
            let address = address_of(row)?;
            match named(row, "kind")? {
                AddressKind::Shipping => content.shipping_address = address,
                AddressKind::Billing => content.billing_address = Some(address),
            }
            Ok(())
        })?;
        add(METADATA, |content, row| {
            let entry = (row.get("key")?, row.get("value")?);
            content.metadata.push(entry);
            Ok(())
        })?;
        let whole = |(order_id, content, row): (OrderId, QuotedOrder, Row)| {
            let hash: Option<String> = row.get("token_hash")?;
            let checkout = id(&row, "checkout_id")?;
            let quote = OrderedQuote::new(checkout, hash.map(OrderTokenHash::stored), content)?;
            Ok((order_id, quote))
        };
        parts.into_iter().map(whole).collect()
    }
}

fn tax_rate(row: &Row, rate: &str, reason: &str) -> Result<TaxRate, Error> {
    Ok(TaxRate {
        rate: row.get(rate)?,
        reason: row.get(reason)?,
    })
}

/// All that is in one row; lists and addresses are added.
fn head_of(row: &Row) -> Result<QuotedOrder, OrderError> {
    let code: Option<String> = row.get("shipping_code")?;
    let shipping = |code| {
        Ok::<_, Error>(QuoteShipping {
            code,
            name: row.get("shipping_name")?,
            amount: row.get("shipping")?,
            discount: row.get("shipping_discount")?,
            tax_rate: tax_rate(row, "shipping_tax_rate", "shipping_tax_reason")?,
            net: row.get("shipping_net")?,
            tax: row.get("shipping_tax")?,
            total: row.get("shipping_total")?,
        })
    };
    let quote = Quote {
        id: row.get("quote_id")?,
        currency: row.get("currency")?,
        prices_include_tax: row.get("prices_include_tax")?,
        lines: Vec::new(),
        shipping: code.map(shipping).transpose()?,
        discounts: Vec::new(),
        taxes: Vec::new(),
        totals: QuoteTotals {
            items: row.get("items")?,
            discount: row.get("discount")?,
            shipping: row.get("shipping")?,
            tax: row.get("tax")?,
            total: row.get("total")?,
        },
        expires_at: row.get("expires_at")?,
    };
    Ok(QuotedOrder {
        quote,
        email: row.get("email")?,
        shipping_address: Address {
            name: String::new(),
            company: None,
            line1: String::new(),
            line2: None,
            postal_code: None,
            city: None,
            region: None,
            country: String::new(),
            phone: None,
        },
        billing_address: None,
        note: row.get("note")?,
        metadata: Vec::new(),
    })
}

fn line_of(row: &Row) -> Result<QuoteLine, Error> {
    Ok(QuoteLine {
        product_id: row.get("product_id")?,
        name: row.get("name")?,
        quantity: row.get("quantity")?,
        unit_price: row.get("unit_price")?,
        amount: row.get("amount")?,
        discount: row.get("discount")?,
        tax_rate: tax_rate(row, "tax_rate", "tax_reason")?,
        net: row.get("net")?,
        tax: row.get("tax")?,
        total: row.get("total")?,
    })
}

fn discount_of(row: &Row) -> Result<QuoteDiscount, Error> {
    Ok(QuoteDiscount {
        code: row.get("code")?,
        label: row.get("label")?,
        amount: row.get("amount")?,
    })
}

fn tax_of(row: &Row) -> Result<QuoteTax, Error> {
    Ok(QuoteTax {
        tax_rate: tax_rate(row, "tax_rate", "tax_reason")?,
        net: row.get("net")?,
        tax: row.get("tax")?,
    })
}

fn address_of(row: &Row) -> Result<Address, Error> {
    Ok(Address {
        name: row.get("name")?,
        company: row.get("company")?,
        line1: row.get("line1")?,
        line2: row.get("line2")?,
        postal_code: row.get("postal_code")?,
        city: row.get("city")?,
        region: row.get("region")?,
        country: row.get("country")?,
        phone: row.get("phone")?,
    })
}
