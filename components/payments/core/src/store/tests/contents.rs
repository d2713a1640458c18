//! What payments are for: as it is written now, and as versions before have written it.

use std::cell::RefCell;

use mercato_sql::{Migration, Migrations, Value, params};

use super::*;
use crate::domain::{Address, Adjustment, AdjustmentKind, CheckoutDetails, LineAmount};

fn lines() -> Vec<CheckoutLine> {
    let line = |name: &str, unit_price, quantity| CheckoutLine {
        name: name.to_owned(),
        unit_price: Money::from_units(unit_price),
        quantity,
    };
    vec![
        line("Tea \u{2615} \"green\"", 49_950, 3),
        line("'; --", 0, 1),
    ]
}

fn address(name: &str, other: Option<&str>) -> Address {
    let other = other.map(str::to_owned);
    Address {
        name: name.to_owned(),
        company: other.clone(),
        line1: "1 Infinite Loop".to_owned(),
        line2: other.clone(),
        postal_code: other.clone(),
        city: other.clone(),
        region: other,
        country: "US".to_owned(),
    }
}

fn details(has_addresses: bool) -> CheckoutDetails {
    let amount = |amount, discount| LineAmount {
        amount: units(amount),
        discount: units(discount),
    };
    let adjustment = |kind, label: &str, amount| Adjustment {
        kind,
        label: label.to_owned(),
        amount: units(amount),
    };
    let adjustments = vec![
        adjustment(AdjustmentKind::Discount, "10 %", 150),
        adjustment(AdjustmentKind::IncludedTax, "20 %", 225),
    ];
    CheckoutDetails {
        email: "ada@example.com".to_owned(),
        shipping_address: has_addresses.then(|| address("Ada", Some("x"))),
        billing_address: has_addresses.then(|| address("Eve", None)),
        line_amounts: vec![amount(1_499, 150), amount(0, 0)],
        adjustments: if has_addresses {
            adjustments
        } else {
            Vec::new()
        },
    }
}

/// What three payments are for: of an order of items, of one that was a checkout, and of one that says as little as it can.
fn kept() -> [(&'static str, Option<CheckoutDetails>); 3] {
    [
        ("p1", None),
        ("p2", Some(details(true))),
        ("p3", Some(details(false))),
    ]
}

#[test]
fn what_a_payment_is_for_is_read_as_it_was_written() {
    let store = SqlStore::for_test();
    for (name, details) in kept() {
        let payment = payment(name, name);
        write(&store, |records| {
            records.insert_payment(&payment, Some("M-7K3F-29QD"), &lines(), details.as_ref())
        });
        let content = store.read(|records| records.content_of_payment(payment.id));
        let content = content.unwrap();
        assert_eq!((content.lines, content.details), (lines(), details));
    }
}

/// Stores what a payment is for as versions before did: with rows in three tables.
fn insert_in_rows(
    connection: &Connection,
    name: &str,
    details: Option<&CheckoutDetails>,
) -> Result<(), Error> {
    let insert = |into: &str, values: &[Value]| {
        let places = mercato_sql::placeholders(values.len());
        let statement = format!("INSERT INTO {into} VALUES ({places}) -- of a test");
        connection.execute(&statement, values)
    };
    let id = text(name);
    let columns = "payments (id, order_id, customer_id, amount, refunded_amount, currency, status, provider, session_number,
      created_at, updated_at, version, email)";
    let email = details.map(|it| it.email.as_str());
    let (provider, status) = ("test", PaymentStatus::Pending);
    let status = mercato_kernel::Named::name(status);
    insert(
        columns,
        params![
            &id, &id, CUSTOMER, 5, 0, "USD", status, provider, 1, 1, 1, 1, email
        ],
    )?;
    let mut amounts = details.map_or(&[][..], |it| &it.line_amounts).iter();
    for (position, line) in (0_u32..).zip(&lines()) {
        let amounts = amounts.next();
        let amount = amounts.map(|it| it.amount.get());
        let discount = amounts.map(|it| it.discount.get());
        let price = line.unit_price.units();
        let values = params![
            &id,
            position,
            &line.name,
            price,
            line.quantity,
            amount,
            discount
        ];
        let columns = "(payment_id, position, name, unit_price, quantity, amount, discount)";
        insert(&format!("checkout_lines {columns}"), values)?;
    }
    let Some(details) = details else {
        return Ok(());
    };
    for (position, it) in (0_u32..).zip(&details.adjustments) {
        let kind = mercato_kernel::Named::name(it.kind);
        let values = params![&id, position, kind, &it.label, it.amount.get()];
        insert("checkout_adjustments", values)?;
    }
    for (kind, address) in [
        ("shipping", &details.shipping_address),
        ("billing", &details.billing_address),
    ] {
        let Some(it) = address else { continue };
        let values = params![
            &id,
            kind,
            &it.name,
            it.company.as_deref(),
            &it.line1,
            it.line2.as_deref(),
            it.postal_code.as_deref(),
            it.city.as_deref(),
            it.region.as_deref(),
            &it.country,
        ];
        insert("checkout_addresses", values)?;
    }
    Ok(())
}

#[test]
fn contents_in_rows_of_three_tables_become_documents() {
    let split = |migrations: &'static [Migration]| {
        let is_it = |migration: &Migration| migration.name.ends_with("_contents_as_documents");
        let place = migrations.iter().position(is_it).unwrap();
        (&migrations[..place], migrations[place].sql)
    };
    let (sqlite, postgres) = (split(MIGRATIONS.sqlite), split(MIGRATIONS.postgres));
    let before = Migrations {
        sqlite: sqlite.0,
        postgres: postgres.0,
    };
    let is_postgres = mercato_sql::is_tested_on_postgres();
    let last = if is_postgres { postgres.1 } else { sqlite.1 };
    let database = Database::for_test(LABEL, before).unwrap();
    let found = RefCell::new(Vec::new());
    // Taken back in the end: the database is used again.
    let run = database.write::<(), PaymentError>(of_a_test(), |connection| {
        for (name, details) in kept() {
            insert_in_rows(connection, name, details.as_ref())?;
        }
        for statement in last.split(";\n\n") {
            connection.execute(&format!("{statement} -- plan: a migration"), &[])?;
        }
        let contents = kept().map(|(name, _)| Records(connection).content_of_payment(id(name)));
        found.replace(contents.into_iter().collect::<Stored<_>>()?);
        Err(PaymentError::Internal)
    });
    assert_eq!(run, Err(PaymentError::Internal));
    let contents = found.into_inner();
    assert_eq!(contents.len(), kept().len());
    for (content, (_, details)) in contents.into_iter().zip(kept()) {
        assert_eq!((content.lines, content.details), (lines(), details));
    }
}

/// What versions of today have written has to be read by those of tomorrow.
#[test]
fn the_document_of_a_payment_has_these_members() {
    const OF_ITEMS: &str = concat!(
        r#"{"lines":[{"name":"Tea ☕ \"green\"","unit_price":49950,"quantity":3},{"name":"'; --","unit_price":0,"#,
        r#""quantity":1}]}"#,
    );
    const OF_A_CHECKOUT: &str = concat!(
        r#"{"lines":[{"name":"Tea ☕ \"green\"","unit_price":49950,"quantity":3,"amount":1499,"discount":150},"#,
        r#"{"name":"'; --","unit_price":0,"quantity":1,"amount":0,"discount":0}],"details":{"email":"ada@example.com","#,
        r#""shipping_address":{"name":"Ada","company":"x","line1":"1 Infinite Loop","line2":"x","postal_code":"x","#,
        r#""city":"x","region":"x","country":"US"},"billing_address":{"name":"Eve","company":null,"#,
        r#""line1":"1 Infinite Loop","line2":null,"postal_code":null,"city":null,"region":null,"country":"US"},"#,
        r#""adjustments":[{"kind":"discount","label":"10 %","amount":150},{"kind":"included-tax","label":"20 %","#,
        r#""amount":225}]}}"#,
    );
    let store = SqlStore::for_test();
    for (name, details) in kept().into_iter().take(2) {
        write(&store, |records| {
            records.insert_payment(&payment(name, name), None, &lines(), details.as_ref())
        });
    }
    let texts =
        store.texts("SELECT document FROM payment_contents ORDER BY payment_id -- of a test");
    assert_eq!(texts, [OF_ITEMS, OF_A_CHECKOUT]);
}
