//! The stand-in provider's checkout page, as a customer sees it in a browser. Works without scripts.

use mercato_edge::{HeaderValue, Problem, Reply, header};
use mercato_money::{Currency, Money};

use crate::bindings::mercato::payments::queries::{Checkout, CheckoutLine};
use crate::bindings::mercato::payments::types::{Payment, PaymentStatus};
use crate::resource::{currency, decimal};

/// The page's only style sheet; [`POLICY`] allows it by its hash.
const STYLE: &str = "\
body{font:1rem/1.5 system-ui,sans-serif;margin:2rem auto;max-width:40rem;padding:0 1rem}\
table{border-collapse:collapse;width:100%}\
caption{font-weight:bold;text-align:left}\
th,td{border-bottom:1px solid #767676;padding:.4rem;text-align:left}\
.number{text-align:right}\
button{font:inherit;margin:1rem .5rem 0 0;padding:.5rem 1rem}";

/// No scripts, no images, nothing from elsewhere; the form goes back to us.
const POLICY: &str = "default-src 'none'; \
    style-src 'sha256-6/Z9iVcrL3UOSEV8dOyj0fXtChDjoc1h7N5HT1KAlFI='; \
    form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/// The page of a session: what is paid for and three buttons, or how it ended.
///
/// # Errors
/// 500 when an amount cannot be written.
pub fn page(checkout: &Checkout, session_id: &str, now_ms: u64) -> Result<Reply, Problem> {
    let payment = &checkout.payment;
    let is_open = |session: &crate::bindings::mercato::payments::types::CheckoutSession| {
        session.id == session_id && session.expires_at > now_ms
    };
    let total = amount(
        decimal(payment.amount, &payment.currency)?,
        currency(&payment.currency)?,
    );
    let total = format!("{total} {}", payment.currency);
    let open =
        payment.status == PaymentStatus::Pending && payment.session.as_ref().is_some_and(is_open);
    let (title, end) = if open {
        ("Checkout", form(session_id, &total))
    } else {
        let (title, text) = result(payment);
        (
            title,
            format!("<p role=\"status\">{text}</p>\n{}", receipt(payment)),
        )
    };
    let body = format!(
        "<h1>{title}</h1>\n\
         <p>This is a simulated payment: no money moves.</p>\n\
         <p>Order <code>{}</code></p>\n\
         {}\
         <p><strong>Total: {}</strong></p>\n\
         {end}",
        escape(&payment.order_id),
        table(&checkout.lines),
        escape(&total),
    );
    Ok(document(title, &body))
}

fn document(title: &str, body: &str) -> Reply {
    let page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{title} – Mercato</title>\n<style>{STYLE}</style>\n</head>\n\
         <body>\n<main>\n{body}</main>\n</body>\n</html>\n"
    );
    Reply::html(page).with_header(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(POLICY),
    )
}

fn table(lines: &[CheckoutLine]) -> String {
    let rows: String = lines
        .iter()
        .map(|line| {
            format!(
                "<tr><td>{}</td><td class=\"number\">{}</td><td class=\"number\">{}</td></tr>\n",
                escape(&line.name),
                line.quantity,
                Money::from_units(line.unit_price),
            )
        })
        .collect();
    format!(
        "<table>\n<caption>What you pay for</caption>\n\
         <thead><tr><th scope=\"col\">Product</th><th scope=\"col\" class=\"number\">Quantity</th>\
         <th scope=\"col\" class=\"number\">Price of one</th></tr></thead>\n\
         <tbody>\n{rows}</tbody>\n</table>\n"
    )
}

fn form(session_id: &str, total: &str) -> String {
    format!(
        "<form method=\"post\" action=\"{}\">\n\
         <button type=\"submit\" name=\"outcome\" value=\"succeed\">Pay {}</button>\n\
         <button type=\"submit\" name=\"outcome\" value=\"fail\">Decline</button>\n\
         <button type=\"submit\" name=\"outcome\" value=\"cancel\">Cancel</button>\n\
         </form>\n",
        escape(&path(session_id)),
        escape(total),
    )
}

/// Path of the page of a session.
pub fn path(session_id: &str) -> String {
    format!("/api/v1/payments/mock/checkout/{session_id}")
}

/// Title and text of how a payment ended; a pending one has no session left to pay in.
const fn result(payment: &Payment) -> (&'static str, &'static str) {
    match payment.status {
        PaymentStatus::Succeeded => ("Paid", "Thank you: your payment has arrived."),
        PaymentStatus::Failed => ("Declined", "Your payment was declined. Nothing was paid."),
        PaymentStatus::Cancelled => ("Cancelled", "The payment was cancelled. Nothing was paid."),
        PaymentStatus::Refunded => ("Refunded", "Your payment was refunded."),
        PaymentStatus::Pending => (
            "Session ended",
            "This checkout session has ended. Open a new one from your order.",
        ),
    }
}

fn receipt(payment: &Payment) -> String {
    match (payment.status, &payment.reason) {
        (PaymentStatus::Failed | PaymentStatus::Cancelled, Some(reason)) => {
            format!("<p>Reason: {}</p>\n", escape(reason))
        }
        _ => String::new(),
    }
}

/// An amount with all decimal places of its currency: `19.90`.
fn amount(amount: Money, currency: Currency) -> String {
    let text = amount.to_string();
    let decimals = usize::try_from(currency.decimals()).unwrap_or_default();
    let written = text
        .split_once('.')
        .map_or(0, |(_, fraction)| fraction.len());
    if written >= decimals {
        return text;
    }
    let point = if written == 0 { "." } else { "" };
    format!("{text}{point}{}", "0".repeat(decimals - written))
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
            lines: vec![CheckoutLine {
                name: "<script>alert('1')</script> & \"Tea\"".to_owned(),
                unit_price: 99_500,
                quantity: 2,
            }],
        }
    }

    fn html(checkout: &Checkout, now_ms: u64) -> String {
        let reply = page(checkout, "cs_1", now_ms).unwrap();
        String::from_utf8(reply.body().to_vec()).unwrap()
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
    }

    #[test]
    fn an_open_session_shows_lines_total_and_three_buttons() {
        let page = html(&checkout(), 899_999);
        assert!(
            page.contains("&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt; &amp; &quot;Tea&quot;")
        );
        assert!(!page.contains("<script"));
        assert!(page.contains("<td class=\"number\">2</td><td class=\"number\">9.95</td>"));
        assert!(page.contains("Total: 19.90 USD"));
        assert!(
            page.contains("<form method=\"post\" action=\"/api/v1/payments/mock/checkout/cs_1\">")
        );
        for button in [
            "value=\"succeed\">Pay 19.90 USD<",
            "value=\"fail\">Decline<",
            "value=\"cancel\">Cancel<",
        ] {
            assert!(page.contains(button), "{button}");
        }
    }

    #[test]
    fn a_decided_or_lapsed_session_has_no_buttons() {
        let mut decided = checkout();
        for (status, title) in [
            (PaymentStatus::Succeeded, "<h1>Paid</h1>"),
            (PaymentStatus::Failed, "<h1>Declined</h1>"),
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
        }
        let lapsed = html(&checkout(), 900_000);
        assert!(lapsed.contains("<h1>Session ended</h1>") && !lapsed.contains("<button"));
    }

    #[test]
    fn totals_have_all_decimal_places() {
        for (units, code, text) in [
            (125_000, "USD", "12.50"),
            (120_000, "USD", "12.00"),
            (123_400, "USD", "12.34"),
            (120_000, "JPY", "12"),
            (12_000, "KWD", "1.200"),
        ] {
            assert_eq!(
                amount(Money::from_units(units), code.parse().unwrap()),
                text
            );
        }
    }
}
