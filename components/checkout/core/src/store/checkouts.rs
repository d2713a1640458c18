//! Tables `checkouts`, `checkout_lines` and `checkout_metadata`; the addresses of a checkout have a file of their own.

use mercato_money::Money;
use mercato_sql::{Row, Value, params};

use super::addresses::Kind;
use super::{Records, damaged, id, key, lines_of, named, texts_of};
use crate::application::Error;
use crate::domain::quote::QuoteId;
use crate::domain::{
    Address, Checkout, CheckoutId, CheckoutRecord, CheckoutTokenHash, CodeName, Content, Email,
    Line, Metadata, Note, OptionCode, Owner, Quantity, ShownQuote,
};

/// A checkout and all that is in it, as it is at one moment: a row for itself, one for each line, entry of its metadata and address. What
/// the columns hold depends on the `part`.
const SELECT: &str = "
    SELECT 'checkout' AS part, 0 AS position, account_id AS text_1, token_hash AS text_2, email AS text_3, shipping_option AS text_4,
      codes AS text_5, note AS text_6, quote_id AS text_7, NULL AS text_8, NULL AS text_9,
      version AS number_1, quote_expires_at AS number_2, created_at AS number_3, used_at AS number_4
    FROM checkouts
    WHERE id = ?1
    UNION ALL
    SELECT 'line', position, product_id, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, quantity, seen_price, NULL, NULL
    FROM checkout_lines
    WHERE checkout_id = ?1
    UNION ALL
    SELECT 'metadata', 0, key, value, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
    FROM checkout_metadata
    WHERE checkout_id = ?1
    UNION ALL
    SELECT kind, 0, name, company, line1, line2, postal_code, city, region, country, phone, NULL, NULL, NULL, NULL
    FROM checkout_addresses
    WHERE checkout_id = ?1";

/// What a row of [`SELECT`] is, beside addresses, which are called by their [`Kind`].
const CHECKOUT: &str = "checkout";
const LINE: &str = "line";
const METADATA: &str = "metadata";

const INSERT: &str = "
    INSERT INTO checkouts
      (account_id, token_hash, version, email, shipping_option, codes, note, quote_id, quote_expires_at, created_at, used_at, id)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";

const UPDATE: &str = "
    UPDATE checkouts
    SET account_id = ?, token_hash = ?, version = ?, email = ?, shipping_option = ?, codes = ?, note = ?, quote_id = ?,
      quote_expires_at = ?, created_at = ?, used_at = ?
    WHERE id = ?
      AND version = ?";

const INSERT_LINES: &str = "
    INSERT INTO checkout_lines (checkout_id, position, product_id, quantity, seen_price)";

const INSERT_METADATA: &str = "
    INSERT INTO checkout_metadata (checkout_id, key, value)";

const DELETE_LINES: &str = "
    DELETE FROM checkout_lines
    WHERE checkout_id = ?";

const DELETE_METADATA: &str = "
    DELETE FROM checkout_metadata
    WHERE checkout_id = ?";

const DELETE: &str = "
    DELETE FROM checkouts
    WHERE id = ?";

const DELETE_UNUSED: &str = "
    DELETE FROM checkouts
    WHERE id IN (
      SELECT id
      FROM checkouts
      WHERE used_at <= ?
      ORDER BY used_at
      LIMIT ?
    )";

const SELECT_ANY: &str = "
    SELECT 1 AS number
    FROM checkouts
    LIMIT 1 -- plan: one row";

impl Records<'_> {
    /// The checkout of that id.
    pub fn checkout(&self, id: CheckoutId) -> Result<Option<Checkout>, Error> {
        let (mut found, mut content) = (None, Content::default());
        let (mut lines, mut metadata) = (Vec::new(), Vec::new());
        for row in self.0.query(SELECT, params![key(id)])? {
            match row.get::<String>("part")?.as_str() {
                CHECKOUT => found = Some(record(id, &row)?),
                LINE => lines.push((row.get::<u32>("position")?, line(&row)?)),
                METADATA => metadata.push((row.get("text_1")?, row.get("text_2")?)),
                _ => match named(&row, "part")? {
                    Kind::Shipping => content.shipping_address = Some(address(&row)?),
                    Kind::Billing => content.billing_address = Some(address(&row)?),
                },
            }
        }
        lines.sort_unstable_by_key(|(position, _)| *position);
        metadata.sort_unstable();
        Ok(found.map(|mut record| {
            record.content.lines = lines.into_iter().map(|(_, line)| line).collect();
            record.content.metadata = Metadata::stored(metadata);
            record.content.shipping_address = content.shipping_address;
            record.content.billing_address = content.billing_address;
            Checkout::restore(record)
        }))
    }

    /// Adds a checkout.
    pub fn add_checkout(&self, checkout: &Checkout) -> Result<(), Error> {
        self.execute(INSERT, &columns(checkout))?;
        self.add_details(checkout)
    }

    /// Replaces the checkout of that id, if it still has the version that the caller has seen.
    pub fn save_checkout(&self, checkout: &Checkout, seen_version: u64) -> Result<bool, Error> {
        if !self.save_shown(checkout, seen_version)? {
            return Ok(false);
        }
        let id = checkout.id();
        self.execute(DELETE_LINES, params![key(id)])?;
        self.execute(DELETE_METADATA, params![key(id)])?;
        self.delete_addresses(id)?;
        self.add_details(checkout)?;
        Ok(true)
    }

    /// The same where nothing but the quote that was shown has changed.
    pub fn save_shown(&self, checkout: &Checkout, seen_version: u64) -> Result<bool, Error> {
        let mut values = columns(checkout);
        values.push(seen_version.into());
        Ok(self.changed(UPDATE, &values)? > 0)
    }

    /// Removes a checkout.
    pub fn remove_checkout(&self, id: CheckoutId) -> Result<(), Error> {
        self.execute(DELETE, params![key(id)])
    }

    /// Removes checkouts that were used last at that time (milliseconds since the Unix epoch) or before, so many at most; returns how
    /// many.
    pub fn remove_unused_checkouts(&self, before: u64, limit: u32) -> Result<u64, Error> {
        self.changed(DELETE_UNUSED, params![before, limit])
    }

    /// Whether there is any checkout.
    pub fn has_checkouts(&self) -> Result<bool, Error> {
        Ok(self.number(SELECT_ANY, params![])? > 0)
    }

    fn add_details(&self, checkout: &Checkout) -> Result<(), Error> {
        let (id, content) = (checkout.id(), checkout.content());
        let lines = (0_u32..).zip(&content.lines).map(|(position, line)| {
            [
                key(id),
                position.into(),
                key(line.product_id),
                line.quantity.get().into(),
                line.seen_price.map(Money::units).into(),
            ]
        });
        self.0.insert_rows(INSERT_LINES, lines)?;
        let metadata = content.metadata.entries().iter();
        let metadata = metadata.map(|(name, value)| [key(id), name.into(), value.into()]);
        self.0.insert_rows(INSERT_METADATA, metadata)?;
        let shipping = content.shipping_address.as_ref();
        let billing = content.billing_address.as_ref();
        let shipping = shipping.map(|address| (Kind::Shipping, address));
        let billing = billing.map(|address| (Kind::Billing, address));
        let addresses: Vec<_> = shipping.into_iter().chain(billing).collect();
        self.add_addresses(id, &addresses)
    }
}

/// The columns of [`INSERT`] and [`UPDATE`].
fn columns(checkout: &Checkout) -> Vec<Value> {
    let record = checkout.record();
    let content = &record.content;
    let (account, token) = match &record.owner {
        Owner::Account(id) => (Some(key(*id)), None),
        Owner::Guest(hash) => (None, Some(hash.as_str())),
    };
    let shown = record.shown.as_ref();
    vec![
        account.into(),
        token.into(),
        record.version.into(),
        content.email.as_ref().map(Email::as_str).into(),
        content.option.as_ref().map(OptionCode::as_str).into(),
        lines_of(content.codes.iter().map(CodeName::as_str)).into(),
        content.note.as_ref().map(Note::as_str).into(),
        shown.map(|shown| shown.id.as_str()).into(),
        shown.map(|shown| shown.expires_at).into(),
        record.created_at.into(),
        record.used_at.into(),
        key(record.id),
    ]
}

fn record(id: CheckoutId, row: &Row) -> Result<CheckoutRecord, Error> {
    let account: Option<mercato_kernel::Uuid> = row.get("text_1")?;
    let token: Option<String> = row.get("text_2")?;
    let owner = match (account, token) {
        (Some(id), None) => Owner::Account(id.into()),
        (None, Some(hash)) => Owner::Guest(CheckoutTokenHash::stored(hash)),
        _ => return Err(damaged("account_id")),
    };
    let (quote, expires_at): (Option<String>, Option<u64>) =
        (row.get("text_7")?, row.get("number_2")?);
    let shown = quote.zip(expires_at).map(|(id, expires_at)| ShownQuote {
        id: QuoteId::stored(id),
        expires_at,
    });
    let codes = texts_of(&row.get::<String>("text_5")?).into_iter();
    let option: Option<String> = row.get("text_4")?;
    Ok(CheckoutRecord {
        id,
        owner,
        version: row.get("number_1")?,
        content: Content {
            email: row.get::<Option<String>>("text_3")?.map(Email::stored),
            option: option.map(OptionCode::stored),
            codes: codes.map(CodeName::stored).collect(),
            note: row.get::<Option<String>>("text_6")?.map(Note::stored),
            ..Content::default()
        },
        shown,
        created_at: row.get("number_3")?,
        used_at: row.get("number_4")?,
    })
}

fn line(row: &Row) -> Result<Line, Error> {
    let quantity = Quantity::new(row.get("number_1")?);
    Ok(Line {
        product_id: id(row, "text_1")?,
        quantity: quantity.ok_or_else(|| damaged("quantity"))?,
        seen_price: row.get::<Option<i64>>("number_2")?.map(Money::from_units),
    })
}

fn address(row: &Row) -> Result<Address, Error> {
    Ok(Address {
        name: row.get("text_1")?,
        company: row.get("text_2")?,
        line1: row.get("text_3")?,
        line2: row.get("text_4")?,
        postal_code: row.get("text_5")?,
        city: row.get("text_6")?,
        region: row.get("text_7")?,
        country: row.get("text_8")?,
        phone: row.get("text_9")?,
    })
}
