use mercato_kernel::OrderId;
use payments::domain::{Address, CheckoutDetails, CheckoutLine, LineAmount, MinorUnits};
use sha2::{Digest, Sha256};

use super::format::MS_PER_MINUTE;
use super::html::{POLICY, STYLE};
use super::*;
use crate::resource::tests::pending;

fn checkout() -> Checkout {
    Checkout {
        payment: pending(),
        order_number: Some("M-7K3F-29QD".to_owned()),
        lines: vec![CheckoutLine {
            name: "<script>alert('1')</script> & \"Tea\"".to_owned(),
            unit_price: Money::from_units(99_500),
            quantity: 2,
        }],
        details: None,
    }
}

/// That with a discount, shipping and tax: 19.90 − 1.99 + 4.90.
fn quoted(kind: AdjustmentKind) -> Checkout {
    let units = |units| MinorUnits::new(units).unwrap();
    let adjustment = |kind, label: &str, amount| Adjustment {
        kind,
        label: label.to_owned(),
        amount: units(amount),
    };
    Checkout {
        details: Some(CheckoutDetails {
            email: "ada<b>@example.com".to_owned(),
            shipping_address: Some(hostile("Ada")),
            billing_address: None,
            line_amounts: vec![LineAmount {
                amount: units(1_990),
                discount: units(199),
            }],
            adjustments: vec![
                adjustment(AdjustmentKind::Discount, "ROAST<10>", 199),
                adjustment(AdjustmentKind::Shipping, "Post AT", 490),
                adjustment(kind, "10 %", 207),
            ],
        }),
        ..checkout()
    }
}

#[test]
fn a_checkout_shows_how_its_total_comes_about() {
    let page = html(&quoted(AdjustmentKind::IncludedTax), 0);
    let rows = [
        ("Discount: ROAST&lt;10&gt;", "−1.99"),
        ("Shipping: Post AT", "4.90"),
        ("Including tax: 10 %", "2.07"),
    ];
    for (label, amount) in rows {
        let row = format!(">{label}</th><td class=\"number\" colspan=\"2\">{amount}</td>");
        assert!(page.contains(&row), "{row} in {page}");
    }
    let at = |text: &str| page.find(text).unwrap();
    assert!(at("Shipping: ") < at(">Total<") && at(">Total<") < at("Including tax: "));
    assert!(!page.contains("rounded"));
    let on_top = html(&quoted(AdjustmentKind::Tax), 0);
    let at = |text: &str| on_top.find(text).unwrap();
    assert!(at(">Tax: 10 %") < at(">Total<"));
    assert!(!html(&checkout(), 0).contains("Shipping"));
}

/// An address with all of its parts, each of which would like to be markup.
fn hostile(name: &str) -> Address {
    let part = |text: &str| format!("<b onclick='x(\"{text}\")'>{text} & co");
    Address {
        name: part(name),
        company: Some(part("company")),
        line1: part("line1"),
        line2: Some(part("line2")),
        postal_code: Some(part("code")),
        city: Some(part("city")),
        region: Some(part("region")),
        country: "AT".to_owned(),
    }
}

#[test]
fn addresses_are_shown_and_escaped() {
    let mut checkout = quoted(AdjustmentKind::IncludedTax);
    let details = checkout.details.as_mut().unwrap();
    details.billing_address = Some(hostile("Byron"));
    let page = html(&checkout, 0);
    for part in [
        "Ada", "Byron", "company", "line1", "line2", "code", "city", "region",
    ] {
        let escaped = format!("&lt;b onclick=&#39;x(&quot;{part}&quot;)&#39;&gt;{part} &amp; co");
        assert!(page.contains(&escaped), "{part} in {page}");
    }
    assert!(!page.contains("<b ") && page.contains("<dd>ada&lt;b&gt;@example.com</dd>"));
    let at = |text: &str| page.find(text).unwrap();
    assert!(at("<dt>Shipping address</dt>") < at("Ada &amp; co"));
    assert!(at("<dt>Billing address</dt>") < at("Byron &amp; co"));
    assert!(!html(&quoted(AdjustmentKind::Tax), 0).contains("Billing"));
}

#[test]
fn an_address_stands_as_on_an_envelope() {
    let mut checkout = quoted(AdjustmentKind::IncludedTax);
    let mut shown = |change: fn(&mut Address)| {
        let mut address = Address {
            name: "Ada".to_owned(),
            company: None,
            line1: "Ring 1".to_owned(),
            line2: None,
            postal_code: Some("1010".to_owned()),
            city: Some("Wien".to_owned()),
            region: None,
            country: "AT".to_owned(),
        };
        change(&mut address);
        checkout.details.as_mut().unwrap().shipping_address = Some(address);
        let page = html(&checkout, 0);
        let (_, rest) = page.split_once("<dt>Shipping address</dt><dd>").unwrap();
        rest.split_once("</dd>").unwrap().0.to_owned()
    };
    assert_eq!(shown(|_| ()), "Ada<br>Ring 1<br>1010 Wien<br>AT");
    let region = shown(|it| (it.postal_code, it.region) = (None, Some("Wien".to_owned())));
    assert_eq!(region, "Ada<br>Ring 1<br>Wien<br>Wien, AT");
    let least = shown(|it| (it.postal_code, it.city) = (None, None));
    assert_eq!(least, "Ada<br>Ring 1<br>AT");
}

/// Whoever has the address of the page sees them, however the payment stands.
#[test]
fn every_page_says_for_whom_and_where_to() {
    let mut checkout = quoted(AdjustmentKind::IncludedTax);
    checkout.details.as_mut().unwrap().billing_address = Some(hostile("Byron"));
    for (status, processing, has_session) in [
        (PaymentStatus::Pending, false, true),
        (PaymentStatus::Pending, false, false),
        (PaymentStatus::Pending, true, false),
        (PaymentStatus::Succeeded, false, false),
        (PaymentStatus::Failed, false, false),
        (PaymentStatus::Cancelled, false, false),
        (PaymentStatus::Refunded, false, false),
    ] {
        let payment = &mut checkout.payment;
        (payment.status, payment.is_processing) = (status, processing);
        payment.session.opened = pending().session.opened.filter(|_| has_session);
        let page = html(&checkout, 0);
        for part in [
            "Order M-7K3F-29QD<",
            "<dt>E-mail</dt>",
            "<dt>Shipping address</dt>",
            "<dt>Billing address</dt>",
            "<meta name=\"robots\" content=\"noindex\">",
        ] {
            assert_eq!(
                page.matches(part).count(),
                1,
                "{status:?}: {part} in {page}"
            );
        }
    }
    let without = html(&self::checkout(), 0);
    assert!(!without.contains("E-mail") && !without.contains("address"));
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

fn visited(checkout: &Checkout, result: Option<CheckoutOutcome>, now_ms: u64) -> String {
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
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
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
    assert!(page.contains("&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt; &amp; &quot;Tea&quot;"));
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
    assert!(page.contains("<form method=\"post\" action=\"/api/v1/payments/mock/checkout/cs_1\">"));
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
    finer.lines[0].unit_price = Money::from_units(99_520);
    let page = html(&finer, 0);
    assert!(page.contains("9.952") && page.contains("19.904") && page.contains("rounded"));
}

#[test]
fn an_ended_session_has_no_buttons_and_says_what_happens_next() {
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
    let expired = visited(&checkout(), Some(CheckoutOutcome::Decline), 900_000);
    assert!(!expired.contains("role=\"alert\""));
    assert!(expired.contains("<h1>Time is up</h1>") && !expired.contains("<button"));
}

#[test]
fn who_was_declined_is_told_and_can_pay() {
    let page = visited(&checkout(), Some(CheckoutOutcome::Decline), 0);
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
        (ended.payment.status, ended.payment.is_processing) = (status, processing);
        ended.payment.session.opened = None;
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
    assert_eq!(way_back(&shop.page, &shop).into_string(), "");
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
    let id = "01890a5d-ac96-774b-bcce-b302099a8057";
    checkout.payment.order_id = OrderId::parse(id).unwrap();
    assert_eq!(order_number(&checkout), "099A-8057");
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
    let ends = |payment: &mut PaymentView, status, processing, has_session| {
        (payment.status, payment.is_processing) = (status, processing);
        payment.session.opened = pending().session.opened.filter(|_| has_session);
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
