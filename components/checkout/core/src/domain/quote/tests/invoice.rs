//! A quote as an invoice of the model of EN 16931, whose business terms (BT) and groups (BG) are named beside what they are made of.

use en16931::invoice::{
    Delivery, DocumentAllowanceCharge, DocumentTotals, LineAllowanceCharge, LineVat, Party,
    PaymentInstructions, PostalAddress, PriceDetails, VatBreakdown,
};
use en16931::{
    Date, Identifier, Invoice, InvoiceAmount, InvoiceLine, Percentage, Quantity, UnitPriceAmount,
};
use mercato_money::Currency;
use rust_decimal::Decimal;

use super::super::{Quote, QuoteLine, TaxRate};
use crate::domain::Rate;

/// Reasons for which there is no tax, as shops word them, and the category of each (UNCL 5305).
const CATEGORIES: [(&str, &str); 6] = [
    ("export", "G"),
    ("intra-community supply", "K"),
    ("reverse charge", "AE"),
    ("exempt: education", "E"),
    ("exempt: insurance", "E"),
    ("zero-rated", "Z"),
];

/// The reasons alone.
pub const REASONS: [&str; CATEGORIES.len()] = {
    let mut reasons = [""; CATEGORIES.len()];
    let mut index = 0;
    while index < reasons.len() {
        reasons[index] = CATEGORIES[index].0;
        index += 1;
    }
    reasons
};

/// Where an invoice has what codes take off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Discounts {
    /// In each line (BG-27). Amounts of invoices are without tax: where prices include it, the net amounts of lines are all there is.
    OfLines,
    /// In the document (BG-20), once for every rate; only where tax is outside prices.
    OfDocument,
}

/// Hundredths in a minor unit. Invoices know no thousandths (BR-DEC): they are written here as if they were hundredths, since no sum
/// depends on what its unit is called.
pub const fn hundredths(decimals: u32) -> i64 {
    if decimals == 0 { 100 } else { 1 }
}

fn amount(minor: i64, currency: Currency) -> InvoiceAmount {
    InvoiceAmount::from_minor_units(minor * hundredths(currency.decimals()))
}

fn percentage(rate: Rate) -> Percentage {
    Percentage::new(Decimal::new(i64::from(rate.units()), 4).normalize())
}

/// The category of a rate. What has no rate for want of a setting is told as zero-rated.
pub fn category(rate: &TaxRate) -> &'static str {
    let reason = rate.reason.as_deref();
    let known = CATEGORIES.iter().find(|(known, _)| reason == Some(known));
    match known {
        Some((_, category)) => category,
        None if rate.rate.is_zero() => "Z",
        None => "S",
    }
}

fn vat(rate: &TaxRate) -> LineVat {
    LineVat {
        category: category(rate).into(),
        rate: Some(percentage(rate.rate)),
    }
}

fn party(name: &str, vat: &str, scheme: &str, address: PostalAddress) -> Party {
    let electronic = Identifier::eas(vat, scheme).unwrap();
    Party::new(name, address)
        .with_vat_identifier(vat)
        .with_electronic_address(electronic)
}

fn buyer_address() -> PostalAddress {
    PostalAddress::new("Marktplatz 2", "Hamburg", "20095", "DE").unwrap()
}

/// The invoice of a quote, each sum as the quote has it.
pub fn invoice(quote: &Quote, discounts: Discounts) -> Invoice {
    let date = Date::new(2026, 12, 1).unwrap();
    let seller = PostalAddress::new("Ring 1", "Wien", "1010", "AT").unwrap();
    let seller = party("Rösterei GmbH", "ATU12345678", "9914", seller);
    let buyer = party("Café AG", "DE123456789", "9930", buyer_address());
    let code = quote.currency.code();
    let mut invoice = Invoice::builder("urn:cen.eu:en16931:2017", "M-7K3F-29QD", date, "380", code)
        .business_process("urn:fdc:peppol.eu:2017:poacc:billing:01:1.0")
        .buyer_reference("M-7K3F-29QD")
        .seller(seller)
        .buyer(buyer)
        .payment(PaymentInstructions::sepa_credit_transfer(
            "AT611904300234573201",
            None,
        ))
        .delivery(Delivery {
            date: Some(date),
            address: Some(buyer_address()),
            ..Delivery::default()
        })
        .due_in_days(14)
        .build();
    let lines = quote.lines.iter().enumerate();
    invoice.lines = lines
        .map(|(index, line)| invoice_line(quote, discounts, index, line))
        .collect();
    invoice.charges = charge(quote, discounts);
    if discounts == Discounts::OfDocument {
        invoice.allowances = allowances(quote);
    }
    invoice.vat_breakdown = breakdown(quote);
    invoice.totals = totals(quote, discounts);
    invoice
}

/// BG-25.
fn invoice_line(
    quote: &Quote,
    discounts: Discounts,
    index: usize,
    line: &QuoteLine,
) -> InvoiceLine {
    let amount = |minor| amount(minor, quote.currency);
    let net = match discounts {
        Discounts::OfLines => line.net,
        Discounts::OfDocument => line.amount,
    };
    let vat = vat(&line.tax_rate);
    let mut one = InvoiceLine::new(
        (index + 1).to_string(),
        &line.name,
        Quantity::new(line.quantity.get().into()),
        "C62",
        amount(net),
        vat.category,
        vat.rate,
    );
    if quote.prices_include_tax {
        return one;
    }
    // Thousandths are written as hundredths, prices therefore ten times as large.
    let scale = if quote.currency.decimals() == 3 { 3 } else { 4 };
    one.price = PriceDetails {
        net_price: UnitPriceAmount::new(Decimal::new(line.unit_price.units(), scale)),
        ..PriceDetails::default()
    };
    if discounts == Discounts::OfLines && line.discount > 0 {
        one.allowances.push(LineAllowanceCharge {
            amount: amount(line.discount),
            base_amount: None,
            percentage: None,
            reason: Some(labels(quote)),
            reason_code: Some("95".into()),
        });
    }
    one
}

fn labels(quote: &Quote) -> String {
    let labels: Vec<_> = quote.discounts.iter().map(|it| it.label.as_str()).collect();
    labels.join(", ")
}

/// BG-20 or BG-21.
fn of_document(
    amount: InvoiceAmount,
    vat: LineVat,
    reason: String,
    code: &str,
) -> DocumentAllowanceCharge {
    DocumentAllowanceCharge {
        amount,
        base_amount: None,
        percentage: None,
        vat,
        reason: Some(reason),
        reason_code: Some(code.into()),
    }
}

/// Shipping is a charge.
fn charge(quote: &Quote, discounts: Discounts) -> Vec<DocumentAllowanceCharge> {
    let charge = quote.shipping.iter().map(|shipping| {
        let minor = match discounts {
            Discounts::OfLines => shipping.net,
            Discounts::OfDocument => shipping.amount,
        };
        let amount = amount(minor, quote.currency);
        of_document(amount, vat(&shipping.tax_rate), shipping.name.clone(), "FC")
    });
    charge.collect()
}

fn allowances(quote: &Quote) -> Vec<DocumentAllowanceCharge> {
    let rates = quote.taxes.iter().map(|tax| &tax.tax_rate);
    let allowance = |rate: &TaxRate| {
        let lines = quote.lines.iter().map(|it| (&it.tax_rate, it.discount));
        let shipping = quote.shipping.iter();
        let all = lines.chain(shipping.map(|it| (&it.tax_rate, it.discount)));
        let off: i64 = all.filter(|it| it.0 == rate).map(|it| it.1).sum();
        let amount = amount(off, quote.currency);
        (off > 0).then(|| of_document(amount, vat(rate), labels(quote), "95"))
    };
    rates.filter_map(allowance).collect()
}

/// BG-23. A quote tells rates of 0 apart by their reasons, an invoice by their categories.
fn breakdown(quote: &Quote) -> Vec<VatBreakdown> {
    let mut groups: Vec<VatBreakdown> = Vec::new();
    for tax in &quote.taxes {
        let (base, of_it) = (
            amount(tax.net, quote.currency),
            amount(tax.tax, quote.currency),
        );
        let LineVat { category, rate } = vat(&tax.tax_rate);
        let reason = tax.tax_rate.reason.clone();
        let reason = reason.filter(|_| category.as_str() != "Z");
        let known = groups
            .iter_mut()
            .find(|group| group.category == category && group.rate == rate);
        match known {
            Some(group) => {
                group.taxable_amount = group.taxable_amount.checked_add(base).unwrap();
                group.tax_amount = group.tax_amount.checked_add(of_it).unwrap();
                let reasons = group.exemption_reason.iter().chain(&reason).cloned();
                let reasons: Vec<_> = reasons.collect();
                group.exemption_reason = (!reasons.is_empty()).then(|| reasons.join("; "));
            }
            None => groups.push(VatBreakdown {
                taxable_amount: base,
                tax_amount: of_it,
                category,
                rate,
                exemption_reason: reason,
                exemption_reason_code: None,
            }),
        }
    }
    groups
}

/// BG-22.
fn totals(quote: &Quote, discounts: Discounts) -> DocumentTotals {
    let amount = |minor| amount(minor, quote.currency);
    let totals = quote.totals;
    let net = totals.total - totals.tax;
    let has_shipping = quote.shipping.is_some();
    let total = DocumentTotals {
        taxable_total: amount(net),
        vat_total: Some(amount(totals.tax)),
        gross_total: amount(totals.total),
        due: amount(totals.total),
        ..DocumentTotals::default()
    };
    match discounts {
        Discounts::OfLines => {
            let shipping = quote.shipping.as_ref().map_or(0, |it| it.net);
            DocumentTotals {
                line_total: amount(net - shipping),
                charge_total: has_shipping.then(|| amount(shipping)),
                ..total
            }
        }
        Discounts::OfDocument => DocumentTotals {
            line_total: amount(totals.items),
            allowance_total: (totals.discount > 0).then(|| amount(totals.discount)),
            charge_total: has_shipping.then(|| amount(totals.shipping)),
            ..total
        },
    }
}
