//! Quotes as invoices, held against the rules of EN 16931 as the crate `en16931` has them: its authors have written down each rule of the
//! standard and of CEN's rule sets under its number.

use std::ops::RangeInclusive;

use en16931::{Invoice, InvoiceAmount, Reconciler, validate};
use proptest::prelude::*;

use super::any::any_cart;
use super::invoice::{Discounts, REASONS, hundredths, invoice};
use super::{Cart, percent};
use crate::domain::quote::Quote;
use crate::domain::{Benefit, Rate, rounded};

/// Taxes on sales lie between. CEN's rules take a rate below 0.5 % for none (BR-CO-17), and far beyond 50 % a yen is as much as they let a tax
/// be off (less than 1.00).
const RATES: RangeInclusive<u32> = 5_000..=Rate::WHOLE / 2;

/// Which rules an invoice breaks, in the order of the rules.
fn broken(invoice: &Invoice) -> Vec<String> {
    let report = validate(invoice);
    let rules = report.findings().iter();
    rules
        .map(|finding| format!("{}: {}", finding.rule, finding.path))
        .collect()
}

/// Holds the sums of an invoice against those that the crate reckons from its lines, allowances and charges. CEN's rules leave a tax 1.00
/// of room; this does not.
fn assert_exact(quote: &Quote, invoice: &Invoice) {
    let reckoned = Reconciler::new().compute(invoice).unwrap();
    let totals = &invoice.totals;
    assert_eq!(totals.line_total, reckoned.totals.line_total, "BR-CO-10");
    assert_eq!(totals.allowance_total, reckoned.totals.allowance_total);
    assert_eq!(totals.charge_total, reckoned.totals.charge_total);
    assert_eq!(totals.taxable_total, reckoned.totals.taxable_total);
    let minor = hundredths(quote.currency.decimals());
    // Outside of prices a tax is rounded once, here and there; yen to whole ones here, to their hundredths there. Inside it is what is
    // left of the price, and with the net amount on which the crate reckons it again a minor unit may come between them.
    let room = if quote.prices_include_tax {
        minor
    } else {
        minor / 2
    };
    let groups = &reckoned.vat_breakdown;
    assert_eq!(invoice.vat_breakdown.len(), groups.len());
    for group in &invoice.vat_breakdown {
        let key = group.group_key();
        let reckoned = groups.iter().find(|it| it.group_key() == key).unwrap();
        assert_eq!(group.taxable_amount, reckoned.taxable_amount);
        let off = group.tax_amount.to_minor_units() - reckoned.tax_amount.to_minor_units();
        assert!(off.abs() <= room, "{group:?} {reckoned:?}");
    }
}

proptest! {
    #[test]
    fn no_quote_breaks_a_rule_of_invoices(
        any in any_cart(RATES, &REASONS),
        of_document: bool,
    ) {
        let discounts = if of_document && !any.prices_include_tax {
            Discounts::OfDocument
        } else {
            Discounts::OfLines
        };
        let quote = any.cart().quote();
        let invoice = invoice(&quote, discounts);
        prop_assert_eq!(broken(&invoice), Vec::<String>::new());
        assert_exact(&quote, &invoice);
    }

    /// A tax inside of prices need not be the rate's part of the net amount: for 0.03 at 20 % there is no such tax. Where there is one, it
    /// is the quote's.
    #[test]
    fn tax_inside_is_that_of_the_net_where_one_is(
        gross in 0_i64..1_000_000,
        rate in 1..=Rate::WHOLE,
    ) {
        let of_net = |tax: i64| {
            let part = i128::from(gross - tax) * i128::from(rate);
            rounded(part, i128::from(Rate::WHOLE))
        };
        let whole = i128::from(Rate::WHOLE);
        let tax = rounded(i128::from(gross) * i128::from(rate), whole + i128::from(rate));
        let tax = tax.unwrap();
        let fitting: Vec<i64> = (tax - 3..=tax + 3)
            .filter(|tax| (0..=gross).contains(tax) && of_net(*tax) == Some(*tax))
            .collect();
        prop_assert!(fitting.is_empty() || fitting == [tax]);
    }
}

/// One of everything: two rates, each reason, shipping and a code.
fn everything() -> Invoice {
    let mut cart = Cart::new("EUR", false)
        .tax("standard", "20")
        .tax("food", "10")
        .item("19.99", 3, "standard")
        .item("4.99", 7, "food")
        .shipping("4.9", None)
        .code("TEN", Benefit::Percent(percent("10")));
    for (index, reason) in REASONS.iter().enumerate() {
        let class = format!("class-{index}");
        cart = cart.untaxed(&class, reason).item("3.33", 1, &class);
    }
    invoice(&cart.quote(), Discounts::OfDocument)
}

fn add(amount: &mut InvoiceAmount, hundredths: i64) {
    *amount = InvoiceAmount::from_minor_units(amount.to_minor_units() + hundredths);
}

/// The group of a category, the first one if it has several.
fn group<'a>(invoice: &'a mut Invoice, category: &str) -> &'a mut en16931::invoice::VatBreakdown {
    let mut groups = invoice.vat_breakdown.iter_mut();
    groups.find(|it| it.category.as_str() == category).unwrap()
}

#[test]
fn a_sum_that_is_wrong_breaks_the_rule_about_it() {
    assert_eq!(broken(&everything()), [""; 0]);
    type Change = fn(&mut Invoice);
    let cases: [(&str, Change); 20] = [
        ("BR-CO-10", |it| add(&mut it.totals.line_total, 1)),
        ("BR-CO-10", |it| add(&mut it.lines[0].net_amount, 1)),
        ("BR-CO-11", |it| {
            add(it.totals.allowance_total.as_mut().unwrap(), 1);
        }),
        ("BR-CO-11", |it| add(&mut it.allowances[0].amount, 1)),
        ("BR-CO-12", |it| {
            add(it.totals.charge_total.as_mut().unwrap(), 1);
        }),
        ("BR-CO-13", |it| add(&mut it.totals.taxable_total, 1)),
        ("BR-CO-14", |it| {
            add(it.totals.vat_total.as_mut().unwrap(), 1);
        }),
        ("BR-CO-15", |it| add(&mut it.totals.gross_total, 1)),
        ("BR-CO-16", |it| add(&mut it.totals.due, 1)),
        ("BR-CO-17", |it| add(&mut group(it, "S").tax_amount, 100)),
        ("BR-S-08", |it| add(&mut group(it, "S").taxable_amount, 100)),
        ("BR-S-09", |it| add(&mut group(it, "S").tax_amount, -100)),
        ("BR-S-10", |it| {
            group(it, "S").exemption_reason = Some("none".to_owned());
        }),
        ("BR-Z-09", |it| add(&mut group(it, "Z").tax_amount, 1)),
        ("BR-Z-10", |it| {
            group(it, "Z").exemption_reason = Some("none".to_owned());
        }),
        ("BR-E-08", |it| add(&mut group(it, "E").taxable_amount, 100)),
        ("BR-E-10", |it| group(it, "E").exemption_reason = None),
        ("BR-AE-09", |it| add(&mut group(it, "AE").tax_amount, 1)),
        ("BR-AE-10", |it| group(it, "AE").exemption_reason = None),
        ("BR-G-10", |it| group(it, "G").exemption_reason = None),
    ];
    for (rule, change) in cases {
        let mut wrong = everything();
        change(&mut wrong);
        let broken = broken(&wrong);
        let is_among = |one: &String| one.starts_with(&format!("{rule}:"));
        assert!(broken.iter().any(is_among), "{rule}: {broken:?}");
    }
}

/// Two reasons of one category are one group of an invoice (BR-E-01), whatever the quote tells apart.
#[test]
fn reasons_of_one_category_are_one_group() {
    let invoice = everything();
    let mut groups = invoice.vat_breakdown.iter();
    let exempt = groups.find(|it| it.category.as_str() == "E").unwrap();
    let reason = exempt.exemption_reason.as_deref();
    assert_eq!(reason, Some("exempt: education; exempt: insurance"));
    assert_eq!(exempt.tax_amount, InvoiceAmount::ZERO);
    let mut twice = invoice.clone();
    twice.vat_breakdown.push(exempt.clone());
    assert!(broken(&twice).iter().any(|it| it.starts_with("BR-E-01")));
}
