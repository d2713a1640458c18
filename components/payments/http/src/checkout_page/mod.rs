//! The stand-in provider's checkout page, as a customer sees it in a browser. Works without scripts.

mod customer;
mod format;
mod html;
mod standing;

use maud::{Markup, html};
#[cfg(not(target_family = "wasm"))]
use mercato_edge::Description;
use mercato_edge::{Context, Problem, Reply, StatusCode};
use mercato_kernel::Named as _;
use mercato_money::{Currency, Money};
use mercato_platform::clock::{Clock, SystemClock, rfc3339};
use mercato_settings::CheckoutReturn;
use payments::application::queries::{self, Checkout};
use payments::domain::{
    Adjustment, AdjustmentKind, CheckoutOutcome, CheckoutSession, PaymentStatus, PaymentView,
};
use payments::instance;

use crate::resource::decimal;
use crate::show_checkout::SessionId;
use crate::storefront::Storefront;
use format::{amount, order_number, remaining, with_currency};
use html::{Text, document, fact, heading, is_web, link_back, way_back};
use standing::{CROSS, Standing, standing};

/// Who looks at the page, and when.
pub struct Visit<'a> {
    /// The session in the page's address.
    pub session_id: &'a str,
    /// What the customer has just done, as the address says.
    pub result: Option<CheckoutOutcome>,
    /// Whether it was refused, because the payment stands otherwise than the customer thought.
    pub is_refused: bool,
    /// Milliseconds since the Unix epoch.
    pub now_ms: u64,
}

/// The page of a session: what is paid for and how to pay it, or how it ended, and the way back to the shop.
///
/// # Errors
/// 500 when an amount cannot be written.
pub fn page(checkout: &Checkout, visit: &Visit<'_>, shop: &Storefront) -> Result<Reply, Problem> {
    let payment = &checkout.payment;
    let open = payment
        .usable_session(visit.now_ms)
        .filter(|session| session.id == visit.session_id);
    let summary = html! {
        section class="card" aria-labelledby="order" {
            h2 id="order" { "Your order" }
            p class="muted" { "Order " (Text(&order_number(checkout))) }
            (table(checkout)?)
            @if let Some(details) = &checkout.details {
                (customer::html(details))
            }
        }
    };
    let (title, body) = match open {
        Some(session) => {
            let body = html! {
                h1 { "Checkout" }
                div class="columns" {
                    (summary)
                    div { (form(session, visit, payment, shop)?) }
                }
            };
            ("Checkout", body)
        }
        None => {
            let standing = standing(payment.status, payment.is_processing);
            let body = html! {
                (ending(&standing, visit, payment, shop)?)
                @if payment.is_pending() && payment.is_processing {
                    (switches(visit.session_id, UNDER_WAY_SWITCHES))
                }
                (summary)
            };
            (standing.title, body)
        }
    };
    let status = if visit.is_refused {
        StatusCode::CONFLICT
    } else {
        StatusCode::OK
    };
    Ok(document(status, title, &shop.name, &body))
}

/// A refusal as a page, for a browser that asked for one; a fault of ours stays a problem document.
pub async fn or_page(
    context: &Context,
    SessionId(session_id): &SessionId,
    answer: Result<Reply, Problem>,
) -> Result<Reply, Problem> {
    match answer {
        Err(problem) if problem.status().is_client_error() && mercato_edge::wants_html(context) => {
            let shop = Storefront::read().await?;
            if problem.status() != StatusCode::CONFLICT {
                return Ok(refusal(&problem, &shop));
            }
            // The payment itself says best why not, and what to do now.
            let checkout = queries::find_checkout(&*instance(), session_id);
            let visit = Visit {
                session_id,
                result: None,
                is_refused: true,
                now_ms: SystemClock.now_ms(),
            };
            page(&checkout.map_err(crate::problems::problem)?, &visit, &shop)
        }
        answer => answer,
    }
}

/// A page is answered with these statuses, too.
#[cfg(not(target_family = "wasm"))]
pub fn describe_pages(description: &mut Description, statuses: &[u16]) {
    for status in statuses {
        description.text(*status, "text/html");
    }
}

fn refusal(problem: &Problem, shop: &Storefront) -> Reply {
    let (title, text) = match problem.status() {
        StatusCode::NOT_FOUND => (
            "Not found",
            "There is no such checkout session, or another one has taken its place. Open the payment from your order.",
        ),
        _ => (
            "Not understood",
            "The page was asked for something it does not know. Nothing was changed.",
        ),
    };
    let body = html! {
        section class="card" {
            (heading(title, CROSS))
            p { (text) }
            (way_back(&shop.page, shop))
        }
    };
    document(problem.status(), title, &shop.name, &body)
}

fn table(checkout: &Checkout) -> Result<Markup, Problem> {
    let payment = &checkout.payment;
    let currency = payment.currency;
    let mut lines = Vec::with_capacity(checkout.lines.len());
    let mut sum = Money::ZERO;
    for line in &checkout.lines {
        let total = line.unit_price.checked_mul(line.quantity);
        let total = total.map_err(|_| Problem::internal())?;
        sum = sum.checked_add(total).map_err(|_| Problem::internal())?;
        lines.push((line, amount(total, currency)));
    }
    let is_rounded = checkout.details.is_none() && sum != decimal(payment.amount, currency)?;
    let details = checkout.details.as_ref();
    let adjustments = details.map_or(&[][..], |details| &details.adjustments);
    let rows = adjustments
        .iter()
        .map(|adjustment| Row::of(adjustment, currency))
        .collect::<Result<Vec<_>, _>>()?;
    for ((_, total), of_line) in lines
        .iter_mut()
        .zip(details.iter().flat_map(|it| &it.line_amounts))
    {
        *total = amount(decimal(of_line.amount, currency)?, currency);
    }
    Ok(html! {
        table {
            thead {
                tr {
                    th scope="col" { "Product" }
                    th scope="col" class="number" { "Quantity" }
                    th scope="col" class="number" { "Price" }
                    th scope="col" class="number" { "Sum" }
                }
            }
            tbody {
                @for (line, total) in &lines {
                    tr {
                        th scope="row" { (Text(&line.name)) }
                        td class="number" { (line.quantity) }
                        td class="number" { (amount(line.unit_price, currency)) }
                        td class="number" { (total) }
                    }
                }
            }
            tfoot {
                @for row in rows.iter().filter(|row| !row.is_included) {
                    (row.html())
                }
                tr {
                    th scope="row" colspan="2" { "Total" }
                    td class="number" colspan="2" { (with_currency(payment.amount, currency)?) }
                }
                @for row in rows.iter().filter(|row| row.is_included) {
                    (row.html())
                }
            }
        }
        @if is_rounded {
            p class="muted" { "The total is rounded to what can be paid." }
        }
    })
}

/// What stands below the lines of a checkout.
struct Row {
    label: String,
    amount: String,
    /// It is a part of the total, and not on top of it.
    is_included: bool,
}

impl Row {
    fn of(adjustment: &Adjustment, currency: Currency) -> Result<Self, Problem> {
        let text = amount(decimal(adjustment.amount, currency)?, currency);
        let (name, is_included) = match adjustment.kind {
            AdjustmentKind::Discount => ("Discount", false),
            AdjustmentKind::Shipping => ("Shipping", false),
            AdjustmentKind::Tax => ("Tax", false),
            AdjustmentKind::IncludedTax => ("Including tax", true),
        };
        let is_less = adjustment.kind == AdjustmentKind::Discount;
        Ok(Self {
            label: format!("{name}: {}", adjustment.label),
            amount: if is_less { format!("−{text}") } else { text },
            is_included,
        })
    }

    fn html(&self) -> Markup {
        html! {
            tr class="part" {
                th scope="row" colspan="2" { (Text(&self.label)) }
                td class="number" colspan="2" { (self.amount) }
            }
        }
    }
}

/// A button that plays something.
struct Switch {
    outcome: CheckoutOutcome,
    label: &'static str,
}

/// What can be played besides paying and being declined, while the session is open.
const OPEN_SWITCHES: &[Switch] = &[
    Switch {
        outcome: CheckoutOutcome::Debit,
        label: "Pay by bank debit: under way for days",
    },
    Switch {
        outcome: CheckoutOutcome::Fail,
        label: "End as failed: cancels the order",
    },
    Switch {
        outcome: CheckoutOutcome::Cancel,
        label: "End the session: cancels the order",
    },
];

/// How money that is under way ends.
const UNDER_WAY_SWITCHES: &[Switch] = &[
    Switch {
        outcome: CheckoutOutcome::Succeed,
        label: "Let the money arrive",
    },
    Switch {
        outcome: CheckoutOutcome::Fail,
        label: "Let it fail: cancels the order",
    },
];

fn form(
    session: &CheckoutSession,
    visit: &Visit<'_>,
    payment: &PaymentView,
    shop: &Storefront,
) -> Result<Markup, Problem> {
    let total = with_currency(payment.amount, payment.currency)?;
    let cancel = shop.return_url(payment.order_id, CheckoutReturn::Cancel);
    let left_ms = session.expires_at.saturating_sub(visit.now_ms);
    Ok(html! {
        section class="card" aria-labelledby="payment" {
            h2 id="payment" { "Total to pay" }
            p class="total" { (total) }
            p class="muted" {
                "Valid for "
                time datetime=(rfc3339(session.expires_at)) { (remaining(left_ms)) }
            }
            @if visit.is_refused {
                (refused())
            } @else if visit.result == Some(CheckoutOutcome::Decline) {
                p class="alert" role="alert" {
                    strong { "Your card was declined." }
                    " Nothing was paid. Try again, or pay with another card."
                }
            }
            form method="post" action=(Text(&path(&session.id))) {
                (button(Some("pay"), CheckoutOutcome::Succeed, &format!("Pay {total}")))
                (button(None, CheckoutOutcome::Decline, "Decline"))
            }
            p class="muted" { "“Decline” plays a card that is refused: you can try again." }
            (link_back(&cancel, &format!("Cancel and go back to {}", shop.name), None))
        }
        (switches(&session.id, OPEN_SWITCHES))
    })
}

/// What stands before how a payment stands when the customer wanted something else of it.
fn refused() -> Markup {
    html! {
        p class="alert" role="alert" {
            strong { "Nothing was changed." } " This is how your payment stands."
        }
    }
}

fn button(class: Option<&str>, outcome: CheckoutOutcome, label: &str) -> Markup {
    html! {
        button type="submit" class=[class] name="outcome" value=(outcome.name()) { (label) }
    }
}

/// What no customer does by pressing a button, apart from what customers do.
fn switches(session_id: &str, switches: &[Switch]) -> Markup {
    html! {
        details class="card" {
            summary { "For developers" }
            p class="muted" { "What else can become of this payment:" }
            form class="switches" method="post" action=(Text(&path(session_id))) {
                @for switch in switches {
                    (button(None, switch.outcome, switch.label))
                }
            }
        }
    }
}

/// Path of the page of a session.
pub fn path(session_id: &str) -> String {
    format!("/api/v1/payments/mock/checkout/{session_id}")
}

fn ending(
    standing: &Standing,
    visit: &Visit<'_>,
    payment: &PaymentView,
    shop: &Storefront,
) -> Result<Markup, Problem> {
    let url = shop.return_url(payment.order_id, returns(payment));
    Ok(html! {
        section class="card" {
            (heading(standing.title, standing.icon))
            @if visit.is_refused { (refused()) }
            p role="status" { (standing.what_happened) }
            h2 { "What happens next" }
            p { (standing.what_next) }
            (facts(payment)?)
            (way_back(&url, shop))
        }
    })
}

/// As what the customer comes back to the shop: whose money is on its way has paid.
const fn returns(payment: &PaymentView) -> CheckoutReturn {
    match payment.status {
        PaymentStatus::Succeeded | PaymentStatus::Refunded => CheckoutReturn::Success,
        PaymentStatus::Pending if payment.is_processing => CheckoutReturn::Success,
        PaymentStatus::Pending | PaymentStatus::Failed | PaymentStatus::Cancelled => {
            CheckoutReturn::Cancel
        }
    }
}

/// What a customer may want to keep or to ask about.
fn facts(payment: &PaymentView) -> Result<Markup, Problem> {
    let was_paid = matches!(
        payment.status,
        PaymentStatus::Succeeded | PaymentStatus::Refunded
    );
    let reason = payment.reason.as_deref().filter(|_| !was_paid);
    Ok(html! {
        @if was_paid {
            dl {
                (fact("Paid", &html! { (with_currency(payment.amount, payment.currency)?) }))
                @if !payment.refunded.is_zero() {
                    (fact("Refunded", &html! { (with_currency(payment.refunded, payment.currency)?) }))
                }
                @if let Some(url) = payment.receipt_url.as_deref().filter(|url| is_web(url)) {
                    (fact("Receipt", &html! { a href=(Text(url)) { "Your receipt" } }))
                }
            }
        } @else if let Some(reason) = reason {
            dl { (fact("Reason", &html! { (Text(reason)) })) }
        }
    })
}

#[cfg(test)]
mod tests;
