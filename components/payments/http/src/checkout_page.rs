//! The stand-in provider's checkout page, as a customer sees it in a browser. Works without scripts.

use mercato_edge::{Context, HeaderValue, Problem, Reply, StatusCode, header};
use mercato_money::{Currency, Money};
use mercato_platform::clock::{Clock, SystemClock, rfc3339};
use mercato_settings::CheckoutReturn;

use crate::bindings::mercato::payments_old::queries::{self, Checkout, CheckoutLine};
use crate::bindings::mercato::payments_old::types::{CheckoutSession, Payment, PaymentStatus};
use crate::body::Outcome;
use crate::resource::{currency, decimal};
use crate::storefront::Storefront;

/// The page's only style sheet; [`POLICY`] allows it by its hash.
const STYLE: &str = include_str!("checkout_page.css");

/// No scripts, no images, nothing from elsewhere; the form goes back to us.
const POLICY: &str = "default-src 'none'; \
    style-src 'sha256-Py6Fv6qVgLcQafUCK8sMIMM7FkivbRoEbEGxvxKQDQs='; \
    form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

const HTML: &str = "text/html; charset=utf-8";

/// Digits between two separators of an amount.
const GROUP_DIGITS: usize = 3;

/// Digits of an order's number, and of each of its groups.
const ORDER_NUMBER_DIGITS: usize = 8;
const ORDER_NUMBER_GROUP_DIGITS: usize = 4;

const MS_PER_MINUTE: u64 = 60_000;
const MINUTES_PER_HOUR: u64 = 60;
const HOURS_PER_DAY: u64 = 24;

/// How a payment stands, in words and a sign for people.
struct Standing {
    title: &'static str,
    what_happened: &'static str,
    what_next: &'static str,
    icon: Icon,
}

/// A sign in a circle; what it says also stands beside it in words.
#[derive(Clone, Copy)]
struct Icon {
    class: &'static str,
    /// An SVG path in a square of 24 units.
    path: &'static str,
}

const CHECK: Icon = Icon {
    class: "good",
    path: "M7 12.5l3.5 3.5L17 9",
};
const CROSS: Icon = Icon {
    class: "bad",
    path: "M8 8l8 8M16 8l-8 8",
};
const DASH: Icon = Icon {
    class: "calm",
    path: "M7.5 12h9",
};
const BACK: Icon = Icon {
    class: "calm",
    path: "M11 7.5L6.5 12l4.5 4.5M7 12h10.5",
};
const CLOCK: Icon = Icon {
    class: "calm",
    path: "M12 7v5l3.5 2",
};

/// What stands before how a payment stands when the customer wanted something else of it.
const REFUSED: &str = "<p class=\"alert\" role=\"alert\"><strong>Nothing was changed.</strong> \
    This is how your payment stands.</p>\n";

/// Who looks at the page, and when.
pub struct Visit<'a> {
    /// The session in the page's address.
    pub session_id: &'a str,
    /// What the customer has just done, as the address tells.
    pub result: Option<Outcome>,
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
    let is_open = |session: &&CheckoutSession| {
        payment.status == PaymentStatus::Pending
            && session.id == visit.session_id
            && session.expires_at > visit.now_ms
    };
    let summary = format!(
        "<section class=\"card\" aria-labelledby=\"order\">\n<h2 id=\"order\">Your order</h2>\n\
         <p class=\"muted\">Order {}</p>\n{}</section>\n",
        escape(&order_number(checkout)),
        table(&checkout.lines, payment)?,
    );
    let (title, body) = match payment.session.as_ref().filter(is_open) {
        Some(session) => {
            let form = form(session, visit, payment, shop)?;
            let columns = format!(
                "<h1>Checkout</h1>\n<div class=\"columns\">\n{summary}<div>\n{form}</div>\n</div>\n"
            );
            ("Checkout", columns)
        }
        None => {
            let standing = standing(payment.status, payment.processing);
            let mut ending = ending(&standing, visit, payment, shop)?;
            if payment.status == PaymentStatus::Pending && payment.processing {
                ending.push_str(&switches(visit.session_id, UNDER_WAY_SWITCHES));
            }
            (standing.title, format!("{ending}{summary}"))
        }
    };
    let status = if visit.is_refused {
        StatusCode::CONFLICT
    } else {
        StatusCode::OK
    };
    Ok(document(status, title, &shop.name, &body))
}

/// How a customer names the order. Where its number is not known, the last digits of its id: they are random, where the first
/// tell the time.
fn order_number(checkout: &Checkout) -> String {
    if let Some(number) = &checkout.order_number {
        return number.clone();
    }
    let digits: Vec<char> = checkout
        .payment
        .order_id
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .collect();
    let from = digits.len().saturating_sub(ORDER_NUMBER_DIGITS);
    let groups: Vec<String> = digits
        .get(from..)
        .unwrap_or_default()
        .chunks(ORDER_NUMBER_GROUP_DIGITS)
        .map(|group| group.iter().collect::<String>().to_ascii_uppercase())
        .collect();
    groups.join("-")
}

/// A refusal as a page, for a browser that asked for one; a fault of ours stays a problem document.
pub async fn or_page(context: &Context, answer: Result<Reply, Problem>) -> Result<Reply, Problem> {
    match answer {
        Err(problem) if problem.status().is_client_error() && mercato_edge::wants_html(context) => {
            let shop = Storefront::read().await?;
            let session_id = context.param("sessionId");
            if problem.status() != StatusCode::CONFLICT {
                return Ok(refusal(&problem, &shop));
            }
            // The payment itself tells best why not, and what to do now.
            let checkout = queries::find_checkout(session_id.to_owned()).await;
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
    let body = format!(
        "<section class=\"card\">\n{}<p>{text}</p>\n{}</section>\n",
        heading(title, CROSS),
        way_back(&shop.page, shop),
    );
    document(problem.status(), title, &shop.name, &body)
}

fn document(status: StatusCode, title: &str, shop_name: &str, body: &str) -> Reply {
    let shop_name = escape(shop_name);
    let page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <title>{title} – {shop_name}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n\
         <header>\n<p class=\"brand\">{shop_name}</p>\n<p class=\"step\">Payment</p>\n</header>\n\
         <main>\n<p class=\"notice\" role=\"note\"><strong>Simulated payment:</strong> no money moves.</p>\n\
         {body}</main>\n\
         <footer>\n<p>This page stands in for a payment provider’s.</p>\n</footer>\n</body>\n</html>\n"
    );
    Reply::with_body(status, HTML, page).with_header(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(POLICY),
    )
}

fn table(lines: &[CheckoutLine], payment: &Payment) -> Result<String, Problem> {
    let currency = currency(&payment.currency)?;
    let mut rows = String::new();
    let mut sum = Money::ZERO;
    for line in lines {
        let price = Money::from_units(line.unit_price);
        let line_total = price
            .checked_mul(line.quantity)
            .map_err(|_| Problem::internal())?;
        sum = sum
            .checked_add(line_total)
            .map_err(|_| Problem::internal())?;
        rows.push_str(&format!(
            "<tr><th scope=\"row\">{}</th><td class=\"number\">{}</td><td class=\"number\">{}</td>\
             <td class=\"number\">{}</td></tr>\n",
            escape(&line.name),
            line.quantity,
            amount(price, currency),
            amount(line_total, currency),
        ));
    }
    let rounded = if sum == decimal(payment.amount, &payment.currency)? {
        ""
    } else {
        "<p class=\"muted\">The total is rounded to what can be paid.</p>\n"
    };
    Ok(format!(
        "<table>\n<thead><tr><th scope=\"col\">Product</th><th scope=\"col\" class=\"number\">Quantity</th>\
         <th scope=\"col\" class=\"number\">Price</th><th scope=\"col\" class=\"number\">Sum</th></tr></thead>\n\
         <tbody>\n{rows}</tbody>\n\
         <tfoot><tr><th scope=\"row\" colspan=\"2\">Total</th><td class=\"number\" colspan=\"2\">{}</td></tr></tfoot>\n\
         </table>\n{rounded}",
        escape(&total(payment)?),
    ))
}

/// A button that plays something.
struct Switch {
    outcome: Outcome,
    label: &'static str,
}

/// What can be played besides paying and being declined, while the session is open.
const OPEN_SWITCHES: &[Switch] = &[
    Switch {
        outcome: Outcome::Debit,
        label: "Pay by bank debit: under way for days",
    },
    Switch {
        outcome: Outcome::Fail,
        label: "End as failed: cancels the order",
    },
    Switch {
        outcome: Outcome::Cancel,
        label: "End the session: cancels the order",
    },
];

/// How money that is under way ends.
const UNDER_WAY_SWITCHES: &[Switch] = &[
    Switch {
        outcome: Outcome::Succeed,
        label: "Let the money arrive",
    },
    Switch {
        outcome: Outcome::Fail,
        label: "Let it fail: cancels the order",
    },
];

fn form(
    session: &CheckoutSession,
    visit: &Visit<'_>,
    payment: &Payment,
    shop: &Storefront,
) -> Result<String, Problem> {
    let total = escape(&total(payment)?);
    let declined = if visit.is_refused {
        REFUSED
    } else if visit.result == Some(Outcome::Decline) {
        "<p class=\"alert\" role=\"alert\"><strong>Your card was declined.</strong> Nothing was paid. \
         Try again, or pay with another card.</p>\n"
    } else {
        ""
    };
    let cancel = shop.return_url(&payment.order_id, CheckoutReturn::Cancel);
    Ok(format!(
        "<section class=\"card\" aria-labelledby=\"payment\">\n<h2 id=\"payment\">Total to pay</h2>\n\
         <p class=\"total\">{total}</p>\n\
         <p class=\"muted\">Valid for <time datetime=\"{}\">{}</time></p>\n{declined}\
         <form method=\"post\" action=\"{}\">\n{}{}</form>\n\
         <p class=\"muted\">“Decline” plays a card that is refused: you can try again.</p>\n\
         {}</section>\n{}",
        rfc3339(session.expires_at),
        remaining(session.expires_at.saturating_sub(visit.now_ms)),
        escape(&path(&session.id)),
        button(" class=\"pay\"", Outcome::Succeed, &format!("Pay {total}")),
        button("", Outcome::Decline, "Decline"),
        link_back(&cancel, &format!("Cancel and go back to {}", shop.name), ""),
        switches(&session.id, OPEN_SWITCHES),
    ))
}

fn button(class: &str, outcome: Outcome, label: &str) -> String {
    format!(
        "<button type=\"submit\"{class} name=\"outcome\" value=\"{}\">{label}</button>\n",
        outcome.name()
    )
}

/// What no customer does by pressing a button, apart from what customers do.
fn switches(session_id: &str, switches: &[Switch]) -> String {
    let buttons: String = switches
        .iter()
        .map(|switch| button("", switch.outcome, switch.label))
        .collect();
    format!(
        "<details class=\"card\">\n<summary>For developers</summary>\n\
         <p class=\"muted\">What else can become of this payment:</p>\n\
         <form class=\"switches\" method=\"post\" action=\"{}\">\n{buttons}</form>\n</details>\n",
        escape(&path(session_id)),
    )
}

/// The button that leads from how it ended to the shop.
fn way_back(url: &str, shop: &Storefront) -> String {
    let label = format!("Back to {}", shop.name);
    link_back(url, &label, " class=\"back\"")
}

fn link_back(url: &str, label: &str, class: &str) -> String {
    if is_web(url) {
        format!(
            "<p><a{class} href=\"{}\">{}</a></p>\n",
            escape(url),
            escape(label)
        )
    } else {
        String::new()
    }
}

/// How long something is valid, for people: whole units, rounded down so that nobody relies on more than there is.
fn remaining(ms: u64) -> String {
    let minutes = ms / MS_PER_MINUTE;
    let hours = minutes / MINUTES_PER_HOUR;
    let days = hours / HOURS_PER_DAY;
    match (days, hours, minutes) {
        (_, _, 0) => "less than a minute".to_owned(),
        (_, _, 1) => "another minute".to_owned(),
        (_, 0 | 1, minutes) => format!("another {minutes} minutes"),
        (0 | 1, hours, _) => format!("another {hours} hours"),
        (days, _, _) => format!("another {days} days"),
    }
}

/// Path of the page of a session.
pub fn path(session_id: &str) -> String {
    format!("/api/v1/payments/mock/checkout/{session_id}")
}

/// How a payment stands; a pending one has no session left to pay in.
const fn standing(status: PaymentStatus, is_processing: bool) -> Standing {
    let (title, icon, what_happened, what_next) = match status {
        PaymentStatus::Succeeded => (
            "Paid",
            CHECK,
            "Thank you: your payment has arrived.",
            "The shop has been told and prepares your order.",
        ),
        PaymentStatus::Failed => (
            "Payment failed",
            CROSS,
            "Your payment has failed. Nothing was paid.",
            "The order is cancelled. To try again, order again in the shop.",
        ),
        PaymentStatus::Cancelled => (
            "Cancelled",
            DASH,
            "The payment has ended: it was cancelled, or its time ran out. Nothing was paid.",
            "The order is cancelled. To have it after all, order again in the shop.",
        ),
        PaymentStatus::Refunded => (
            "Refunded",
            BACK,
            "Your payment was refunded in full.",
            "The money goes back the way it came. There is nothing for you to do.",
        ),
        PaymentStatus::Pending if is_processing => (
            "Payment under way",
            CLOCK,
            "You have paid, and the money is on its way.",
            "Please wait: that can take some days. The shop prepares your order when the money has arrived, and there is nothing for \
             you to do until then.",
        ),
        PaymentStatus::Pending => (
            "Time is up",
            CLOCK,
            "The time to pay here is over. Nothing was paid.",
            "Order again in the shop. If your order still waits for its payment there, you can go on paying it instead.",
        ),
    };
    Standing {
        title,
        what_happened,
        what_next,
        icon,
    }
}

fn ending(
    standing: &Standing,
    visit: &Visit<'_>,
    payment: &Payment,
    shop: &Storefront,
) -> Result<String, Problem> {
    let url = shop.return_url(&payment.order_id, returns(payment));
    let refused = if visit.is_refused { REFUSED } else { "" };
    Ok(format!(
        "<section class=\"card\">\n{}{refused}<p role=\"status\">{}</p>\n<h2>What happens next</h2>\n<p>{}</p>\n{}{}</section>\n",
        heading(standing.title, standing.icon),
        standing.what_happened,
        standing.what_next,
        facts(payment)?,
        way_back(&url, shop),
    ))
}

/// As what the customer comes back to the shop: whose money is on its way has paid.
const fn returns(payment: &Payment) -> CheckoutReturn {
    match payment.status {
        PaymentStatus::Succeeded | PaymentStatus::Refunded => CheckoutReturn::Success,
        PaymentStatus::Pending if payment.processing => CheckoutReturn::Success,
        PaymentStatus::Pending | PaymentStatus::Failed | PaymentStatus::Cancelled => {
            CheckoutReturn::Cancel
        }
    }
}

fn heading(title: &str, icon: Icon) -> String {
    format!(
        "<div class=\"result\">\n<svg class=\"icon {}\" viewBox=\"0 0 24 24\" fill=\"none\" stroke=\"currentColor\" \
         stroke-width=\"2\" stroke-linecap=\"round\" stroke-linejoin=\"round\" aria-hidden=\"true\">\
         <circle cx=\"12\" cy=\"12\" r=\"10\"/><path d=\"{}\"/></svg>\n<h1>{title}</h1>\n</div>\n",
        icon.class, icon.path,
    )
}

/// What a customer may want to keep or to ask about.
fn facts(payment: &Payment) -> Result<String, Problem> {
    let mut facts = Vec::new();
    let was_paid = matches!(
        payment.status,
        PaymentStatus::Succeeded | PaymentStatus::Refunded
    );
    if was_paid {
        facts.push(("Paid", escape(&total(payment)?)));
        if payment.refunded_amount > 0 {
            let refunded = with_currency(payment.refunded_amount, &payment.currency)?;
            facts.push(("Refunded", escape(&refunded)));
        }
        if let Some(url) = payment.receipt_url.as_deref().filter(|url| is_web(url)) {
            let link = format!("<a href=\"{}\">Your receipt</a>", escape(url));
            facts.push(("Receipt", link));
        }
    } else if let Some(reason) = &payment.reason {
        facts.push(("Reason", escape(reason)));
    }
    if facts.is_empty() {
        return Ok(String::new());
    }
    let rows: String = facts
        .iter()
        .map(|(name, value)| format!("<dt>{name}</dt><dd>{value}</dd>\n"))
        .collect();
    Ok(format!("<dl>\n{rows}</dl>\n"))
}

/// Only such an address may become a link, whoever gave it.
fn is_web(url: &str) -> bool {
    url.starts_with("https://") || url.starts_with("http://")
}

fn total(payment: &Payment) -> Result<String, Problem> {
    with_currency(payment.amount, &payment.currency)
}

fn with_currency(minor: i64, code: &str) -> Result<String, Problem> {
    let decimal = decimal(minor, code)?;
    Ok(format!("{} {code}", amount(decimal, currency(code)?)))
}

/// An amount with all decimal places of its currency, and more when it has more: `1,519.90`.
fn amount(amount: Money, currency: Currency) -> String {
    let text = amount.to_string();
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let decimals = usize::try_from(currency.decimals()).unwrap_or_default();
    let whole = grouped(whole);
    if fraction.is_empty() && decimals == 0 {
        return whole;
    }
    format!("{whole}.{fraction:0<decimals$}")
}

fn grouped(digits: &str) -> String {
    let mut text = String::with_capacity(digits.len() + digits.len() / GROUP_DIGITS);
    for (index, digit) in digits.chars().enumerate() {
        let after = digits.len().saturating_sub(index);
        if index > 0 && after % GROUP_DIGITS == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Text as it may stand between tags and inside quoted attributes.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use sha2::{Digest, Sha256};

    use super::*;
    use crate::resource::tests::pending;

    fn checkout() -> Checkout {
        Checkout {
            payment: pending(),
            order_number: Some("M-7K3F-29QD".to_owned()),
            lines: vec![CheckoutLine {
                name: "<script>alert('1')</script> & \"Tea\"".to_owned(),
                unit_price: 99_500,
                quantity: 2,
            }],
        }
    }

    fn text_of(reply: &Reply) -> String {
        String::from_utf8(reply.body().to_vec()).unwrap()
    }

    fn shop() -> Storefront {
        Storefront {
            name: "Tom & Jerry's".to_owned(),
            page: "https://shop.test/thanks?lang=en".to_owned(),
        }
    }

    fn visited(checkout: &Checkout, result: Option<Outcome>, now_ms: u64) -> String {
        let visit = Visit {
            session_id: "cs_1",
            result,
            is_refused: false,
            now_ms,
        };
        text_of(&page(checkout, &visit, &shop()).unwrap())
    }

    fn html(checkout: &Checkout, now_ms: u64) -> String {
        visited(checkout, None, now_ms)
    }

    fn back(outcome: &str) -> String {
        format!(
            "href=\"https://shop.test/thanks?lang=en&amp;order=01890a5d-ac96-774b-bcce-b302099a8057&amp;checkout={outcome}\""
        )
    }

    /// Base64 (RFC 4648 section 4) of bytes that are a multiple of three long plus two: a SHA-256.
    fn base64(bytes: &[u8]) -> String {
        const DIGITS: &[u8; 64] =
            b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let mut text = String::new();
        for chunk in bytes.chunks(3) {
            let group = chunk
                .iter()
                .chain(&[0; 2])
                .take(3)
                .fold(0_usize, |group, byte| group << 8 | usize::from(*byte));
            for digit in 0..=chunk.len() {
                text.push(char::from(DIGITS[group >> (18 - 6 * digit) & 63]));
            }
        }
        format!("{text}=")
    }

    #[test]
    fn the_policy_allows_exactly_this_style_sheet() {
        let hash = base64(&Sha256::digest(STYLE));
        assert!(
            POLICY.contains(&format!("style-src 'sha256-{hash}'")),
            "the hash is {hash}"
        );
        assert!(!POLICY.contains("unsafe"));
        assert!(!html(&checkout(), 0).contains("style="));
    }

    /// WCAG 2.2 section 1.4.3, with the style sheet's own colours, light and dark.
    #[test]
    fn texts_stand_out_from_what_is_behind_them() {
        let luminance = |hex: &str| {
            let channel = |at: usize| {
                let value = f64::from(u8::from_str_radix(&hex[at..at + 2], 16).unwrap()) / 255.0;
                if value <= 0.04045 {
                    value / 12.92
                } else {
                    ((value + 0.055) / 1.055).powf(2.4)
                }
            };
            0.2126 * channel(0) + 0.7152 * channel(2) + 0.0722 * channel(4)
        };
        for scheme in STYLE.split(":root {").skip(1) {
            let colour = |name: &str| {
                let declaration = scheme.split(&format!("--{name}: #")).nth(1).unwrap();
                luminance(&declaration[..6])
            };
            let contrast = |one: &str, other: &str| {
                let (one, other) = (colour(one), colour(other));
                (one.max(other) + 0.05) / (one.min(other) + 0.05)
            };
            for (text, behind, least) in [
                ("text", "page", 4.5),
                ("text", "card", 4.5),
                ("text", "notice", 4.5),
                ("muted", "page", 4.5),
                ("muted", "card", 4.5),
                ("action", "card", 4.5),
                ("on-action", "action", 4.5),
                ("on-action", "action-hover", 4.5),
                ("edge", "card", 3.0),
                ("action", "page", 3.0),
                ("good", "card", 3.0),
                ("bad", "card", 4.5),
                ("calm", "card", 3.0),
            ] {
                let found = contrast(text, behind);
                assert!(found >= least, "{text} on {behind}: {found:.2}");
            }
        }
    }

    #[test]
    fn an_open_session_shows_lines_total_and_buttons() {
        let page = html(&checkout(), 0);
        assert!(
            page.contains("&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt; &amp; &quot;Tea&quot;")
        );
        assert!(!page.contains("<script"));
        assert!(page.contains(
            "<td class=\"number\">2</td><td class=\"number\">9.95</td><td class=\"number\">19.90</td>"
        ));
        assert!(page.contains("<p class=\"total\">19.90 USD</p>"));
        assert!(page.contains("no money moves"));
        assert!(page.contains(
            "Valid for <time datetime=\"1970-01-01T00:15:00.000Z\">another 15 minutes</time>"
        ));
        assert!(page.contains("Order M-7K3F-29QD<"), "{page}");
        assert!(page.contains("<title>Checkout – Tom &amp; Jerry&#39;s</title>"));
        assert!(
            page.contains("<form method=\"post\" action=\"/api/v1/payments/mock/checkout/cs_1\">")
        );
        let (customers, developers) = page.split_once("<details").unwrap();
        for button in [
            "value=\"succeed\">Pay 19.90 USD<",
            "value=\"decline\">Decline<",
        ] {
            assert!(customers.contains(button), "{button}");
        }
        assert!(customers.contains(&back("cancel")), "{customers}");
        for value in ["debit", "fail", "cancel"] {
            let button = format!("value=\"{value}\">");
            assert!(developers.contains(&button) && !customers.contains(&button));
        }
        assert!(!page.contains("role=\"alert\""));
        assert!(!page.contains("rounded"));
    }

    #[test]
    fn a_total_that_is_not_the_sum_of_the_lines_is_explained() {
        let mut finer = checkout();
        finer.lines[0].unit_price = 99_520;
        let page = html(&finer, 0);
        assert!(page.contains("9.952") && page.contains("19.904") && page.contains("rounded"));
    }

    #[test]
    fn a_decided_or_lapsed_session_has_no_buttons_and_says_what_happens_next() {
        let mut decided = checkout();
        for (status, title) in [
            (PaymentStatus::Succeeded, "<h1>Paid</h1>"),
            (PaymentStatus::Failed, "<h1>Payment failed</h1>"),
            (PaymentStatus::Cancelled, "<h1>Cancelled</h1>"),
            (PaymentStatus::Refunded, "<h1>Refunded</h1>"),
        ] {
            decided.payment.status = status;
            decided.payment.reason = Some("<why>".to_owned());
            let page = html(&decided, 0);
            assert!(
                page.contains(title) && !page.contains("<button") && !page.contains("<why>"),
                "{page}"
            );
            assert!(page.contains("What happens next"));
            assert_eq!(page.matches("<h1>").count(), 1);
        }
        let lapsed = visited(&checkout(), Some(Outcome::Decline), 900_000);
        assert!(!lapsed.contains("role=\"alert\""));
        assert!(lapsed.contains("<h1>Time is up</h1>") && !lapsed.contains("<button"));
    }

    #[test]
    fn who_was_declined_is_told_and_can_pay() {
        let page = visited(&checkout(), Some(Outcome::Decline), 0);
        assert!(page.contains("role=\"alert\"><strong>Your card was declined.</strong>"));
        assert!(page.contains("value=\"succeed\">Pay 19.90 USD<"));
    }

    #[test]
    fn customers_go_back_to_the_shop_as_from_stripe() {
        let mut ended = checkout();
        for (status, processing, outcome) in [
            (PaymentStatus::Succeeded, false, "success"),
            (PaymentStatus::Refunded, false, "success"),
            (PaymentStatus::Pending, true, "success"),
            (PaymentStatus::Failed, false, "cancel"),
            (PaymentStatus::Cancelled, false, "cancel"),
            (PaymentStatus::Pending, false, "cancel"),
        ] {
            (ended.payment.status, ended.payment.processing) = (status, processing);
            ended.payment.session = None;
            let page = html(&ended, 0);
            assert!(page.contains(&back(outcome)), "{page}");
            assert_eq!(page.contains("Let the money arrive"), processing);
        }
    }

    #[test]
    fn an_address_that_is_no_page_is_not_linked() {
        let shop = Storefront {
            page: "javascript:alert(1)".to_owned(),
            ..shop()
        };
        assert_eq!(way_back(&shop.page, &shop), "");
    }

    #[test]
    fn the_time_that_is_left_is_never_said_to_be_longer() {
        const MINUTE: u64 = MS_PER_MINUTE;
        for (ms, text) in [
            (0, "less than a minute"),
            (MINUTE - 1, "less than a minute"),
            (2 * MINUTE - 1, "another minute"),
            (30 * MINUTE - 1, "another 29 minutes"),
            (120 * MINUTE - 1, "another 119 minutes"),
            (120 * MINUTE, "another 2 hours"),
            (48 * 60 * MINUTE - 1, "another 47 hours"),
            (48 * 60 * MINUTE, "another 2 days"),
        ] {
            assert_eq!(remaining(ms), text, "{ms}");
        }
    }

    #[test]
    fn an_order_is_named_by_its_number_or_else_the_end_of_its_id() {
        let mut checkout = checkout();
        assert_eq!(order_number(&checkout), "M-7K3F-29QD");
        checkout.order_number = None;
        for (id, number) in [
            ("01890a5d-ac96-774b-bcce-b302099a8057", "099A-8057"),
            ("7", "7"),
            ("", ""),
        ] {
            checkout.payment.order_id = id.to_owned();
            assert_eq!(order_number(&checkout), number);
        }
    }

    #[test]
    fn a_receipt_is_linked_only_when_it_is_on_the_web() {
        let mut paid = checkout();
        paid.payment.status = PaymentStatus::Succeeded;
        for (url, linked) in [
            ("https://pay.test/r?a=1&b=2", true),
            ("javascript:alert(1)", false),
        ] {
            paid.payment.receipt_url = Some(url.to_owned());
            let page = html(&paid, 0);
            assert_eq!(
                page.contains("<a href=\"https://pay.test/r?a=1&amp;b=2\">"),
                linked
            );
            assert!(!page.contains("javascript:"));
        }
        assert!(html(&paid, 0).contains("<dt>Refunded</dt><dd>0.05 USD</dd>"));
    }

    #[test]
    fn amounts_have_all_decimal_places_and_separators() {
        for (units, code, text) in [
            (125_000, "USD", "12.50"),
            (120_000, "USD", "12.00"),
            (123_400, "USD", "12.34"),
            (120_000, "JPY", "12"),
            (12_000, "KWD", "1.200"),
            (1, "USD", "0.0001"),
            (5_000, "JPY", "0.5"),
            (9_990_000, "USD", "999.00"),
            (12_345_678_900, "USD", "1,234,567.89"),
            (10_000_000_000_000, "JPY", "1,000,000,000"),
        ] {
            assert_eq!(
                amount(Money::from_units(units), code.parse().unwrap()),
                text
            );
        }
    }

    #[test]
    fn a_refusal_is_a_page_that_says_what_to_do() {
        for (problem, title) in [
            (Problem::not_found("payment"), "Not found"),
            (Problem::bad_request("validation", "no"), "Not understood"),
        ] {
            let reply = refusal(&problem, &shop());
            assert_eq!(reply.status(), problem.status());
            let page = text_of(&reply);
            assert!(page.contains(&format!("<h1>{title}</h1>")));
            assert!(page.contains("Back to Tom &amp; Jerry&#39;s</a>"));
        }
    }

    #[test]
    fn who_comes_too_late_is_told_what_happened_and_what_to_do() {
        let mut late = checkout();
        let ends = |payment: &mut Payment, status, processing, has_session| {
            (payment.status, payment.processing) = (status, processing);
            payment.session = pending().session.filter(|_| has_session);
        };
        for (status, processing, has_session, title, next) in [
            (
                PaymentStatus::Succeeded,
                false,
                false,
                "Paid",
                "prepares your order",
            ),
            (
                PaymentStatus::Cancelled,
                false,
                false,
                "Cancelled",
                "order again",
            ),
            (
                PaymentStatus::Failed,
                false,
                false,
                "Payment failed",
                "order again",
            ),
            (
                PaymentStatus::Refunded,
                false,
                false,
                "Refunded",
                "nothing for you to do",
            ),
            (
                PaymentStatus::Pending,
                true,
                false,
                "Payment under way",
                "Please wait",
            ),
            (
                PaymentStatus::Pending,
                false,
                true,
                "Time is up",
                "Order again",
            ),
        ] {
            ends(&mut late.payment, status, processing, has_session);
            let visit = Visit {
                session_id: "cs_1",
                result: None,
                is_refused: true,
                now_ms: 900_000,
            };
            let reply = page(&late, &visit, &shop()).unwrap();
            assert_eq!(reply.status(), StatusCode::CONFLICT);
            let page = text_of(&reply);
            assert!(page.contains(&format!("<h1>{title}</h1>")), "{page}");
            assert!(page.contains(next), "{page}");
            assert!(page.contains("role=\"alert\"><strong>Nothing was changed.</strong>"));
            assert!(page.contains("class=\"back\""));
        }
    }
}
