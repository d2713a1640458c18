use std::collections::BTreeMap;

use mercato_money::Money;

use super::lines::{DESCRIPTION_MAX_CHARS, NAME_MAX_CHARS};
use super::*;
use crate::port::LineItem;

mod details;

const NUMBER: &str = "M-084S-N02Q";
const ORDER: &str = "01890a5d-ac96-774b-bcce-b302099a8057";
const PAYMENT: &str = "01890a5d-ac96-774b-bcce-b302099a8058";
const RESERVED_UNTIL_MS: u64 = 1_700_000_900_999;

fn item(name: &str, unit_price: i64, quantity: u32) -> LineItem {
    LineItem {
        name: name.to_owned(),
        unit_price,
        quantity,
    }
}

fn request(currency: &str, amount: i64, line_items: Vec<LineItem>) -> SessionRequest {
    SessionRequest {
        order_id: ORDER.to_owned(),
        order_number: Some(NUMBER.to_owned()),
        payment_id: PAYMENT.to_owned(),
        amount,
        currency: currency.to_owned(),
        line_items,
        details: None,
        expires_at: RESERVED_UNTIL_MS,
        idempotency_key: "p:session:1".to_owned(),
    }
}

fn settings() -> CheckoutSettings {
    CheckoutSettings {
        return_url: "https://shop.test/thanks".to_owned(),
        reservation_seconds: 900,
    }
}

fn refund_request(reason: Option<&str>) -> RefundRequest {
    RefundRequest {
        payment_id: PAYMENT.to_owned(),
        order_id: ORDER.to_owned(),
        provider_reference: "pi_3Abc".to_owned(),
        amount: 500,
        currency: "EUR".to_owned(),
        reason: reason.map(str::to_owned),
        idempotency_key: "refund:1".to_owned(),
    }
}

fn fields(call: &Call) -> BTreeMap<String, String> {
    let pairs: Vec<_> = form_urlencoded::parse(call.form.as_bytes())
        .into_owned()
        .collect();
    let count = pairs.len();
    let fields: BTreeMap<_, _> = pairs.into_iter().collect();
    assert_eq!(fields.len(), count, "a field is there twice");
    fields
}

/// Unit amount and quantity of every line, and what they come to.
fn shown(call: &Call) -> (Vec<(i64, i64)>, i64) {
    let fields = fields(call);
    let number = |name: String| fields.get(&name).map(|text| text.parse::<i64>().unwrap());
    let lines: Vec<_> = (0..)
        .map_while(|index| {
            let unit_amount = number(format!("line_items[{index}][price_data][unit_amount]"))?;
            Some((
                unit_amount,
                number(format!("line_items[{index}][quantity]"))?,
            ))
        })
        .collect();
    let sum = lines.iter().map(|(amount, quantity)| amount * quantity);
    let sum = sum.sum();
    (lines, sum)
}

#[test]
fn a_session_is_asked_for_with_everything_the_shop_needs_back() {
    let request = request(
        "EUR",
        4_500,
        vec![
            item("Tea & \"biscuits\"", 125_000, 2),
            item("Cup", 200_000, 1),
        ],
    );
    let call = create_session(&request, &settings()).unwrap();
    assert_eq!(
        (call.method, call.path.as_str()),
        (Method::Post, "/v1/checkout/sessions")
    );
    assert_eq!(call.idempotency_key.as_deref(), Some("p:session:1"));
    let expected = [
        ("mode", "payment"),
        ("client_reference_id", ORDER),
        ("adaptive_pricing[enabled]", "false"),
        ("metadata[order_id]", ORDER),
        ("metadata[payment_id]", PAYMENT),
        ("payment_intent_data[metadata][order_id]", ORDER),
        ("payment_intent_data[metadata][payment_id]", PAYMENT),
        ("metadata[order_number]", NUMBER),
        ("payment_intent_data[metadata][order_number]", NUMBER),
        ("payment_intent_data[description]", "Order M-084S-N02Q"),
        (
            "success_url",
            "https://shop.test/thanks?order=01890a5d-ac96-774b-bcce-b302099a8057&checkout=success",
        ),
        (
            "cancel_url",
            "https://shop.test/thanks?order=01890a5d-ac96-774b-bcce-b302099a8057&checkout=cancel",
        ),
        ("expires_at", "1700003000"),
        ("line_items[0][quantity]", "2"),
        ("line_items[0][price_data][currency]", "eur"),
        ("line_items[0][price_data][unit_amount]", "1250"),
        (
            "line_items[0][price_data][product_data][name]",
            "Tea & \"biscuits\"",
        ),
        ("line_items[1][quantity]", "1"),
        ("line_items[1][price_data][currency]", "eur"),
        ("line_items[1][price_data][unit_amount]", "2000"),
        ("line_items[1][price_data][product_data][name]", "Cup"),
    ];
    let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(fields(&call), BTreeMap::from(expected));
}

#[test]
fn lines_that_do_not_come_to_the_amount_are_shown_as_one() {
    for (currency, amount, items, exact) in [
        ("USD", 999, vec![item("a", 33_300, 3)], true),
        // 12.345 each: no whole cents.
        ("USD", 2_469, vec![item("a", 123_450, 2)], false),
        // 0.4999 three times is 1.4997, rounded to 1.50.
        ("USD", 150, vec![item("a", 4_999, 3)], false),
        (
            "USD",
            350,
            vec![item("a", 20_000, 1), item("b", 4_999, 3)],
            false,
        ),
        ("JPY", 1_200, vec![item("a", 4_000_000, 3)], true),
        ("JPY", 12, vec![item("a", 123_456, 1)], false),
        ("KWD", 12_340, vec![item("a", 61_700, 2)], true),
        // Each is 0.005, which card networks cannot take; together they are 0.01.
        ("KWD", 10, vec![item("a", 50, 2)], false),
        ("USD", 0, vec![item("free", 0, 4)], true),
    ] {
        let request = request(currency, amount, items);
        let call = create_session(&request, &settings()).unwrap();
        let (lines, sum) = shown(&call);
        assert_eq!(sum, amount, "{request:?}");
        let one_line =
            fields(&call)["line_items[0][price_data][product_data][name]"].starts_with("Order ");
        assert_eq!(one_line, !exact, "{lines:?}");
    }
}

#[test]
fn a_name_with_long_options_is_cut() {
    let name = format!("Coffee – {}", "ä".repeat(300));
    let call = create_session(
        &request("USD", 999, vec![item(&name, 33_300, 3)]),
        &settings(),
    );
    let fields = fields(&call.unwrap());
    let shown = &fields["line_items[0][price_data][product_data][name]"];
    assert!(name.starts_with(shown));
    assert_eq!(shown.chars().count(), NAME_MAX_CHARS);
}

#[test]
fn the_one_line_tells_what_it_stands_for() {
    let items = (0..100)
        .map(|index| item(&format!("Product number {index}"), 4_999, 3))
        .collect();
    let call = create_session(&request("USD", 14_997, items), &settings()).unwrap();
    let fields = fields(&call);
    assert_eq!(
        fields["line_items[0][price_data][product_data][name]"],
        "Order M-084S-N02Q"
    );
    let description = &fields["line_items[0][price_data][product_data][description]"];
    assert!(description.starts_with("3 × Product number 0, 3 × Product"));
    assert_eq!(description.chars().count(), DESCRIPTION_MAX_CHARS);
}

/// What a version before has asked for under the same idempotency key.
#[test]
fn an_order_without_a_number_is_asked_for_as_before() {
    let request = SessionRequest {
        order_number: None,
        ..request("USD", 10, vec![item("a", 999, 1)])
    };
    let call = create_session(&request, &settings()).unwrap();
    let fields = fields(&call);
    assert_eq!(
        fields["line_items[0][price_data][product_data][name]"],
        format!("Order {ORDER}")
    );
    assert!(!call.form.contains("order_number"));
    assert!(!fields.contains_key("payment_intent_data[description]"));
}

#[test]
fn the_sum_is_the_amount_whatever_the_prices() {
    // A small generator instead of random numbers: every run sees the same orders.
    let mut state = 12_345_u64;
    let mut next = |below: u64| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        i64::try_from((state >> 33) % below).unwrap()
    };
    for _ in 0..2_000 {
        let currency: Currency = ["USD", "JPY"][usize::try_from(next(2)).unwrap()]
            .parse()
            .unwrap();
        let granularity = [1, 100, 10_000][usize::try_from(next(3)).unwrap()];
        let items: Vec<_> = (0..=next(5))
            .map(|_| {
                item(
                    "x",
                    next(100_000) * granularity,
                    u32::try_from(next(20)).unwrap() + 1,
                )
            })
            .collect();
        let total: i64 = items
            .iter()
            .map(|item| item.unit_price * i64::from(item.quantity))
            .sum();
        let amount = Money::from_units(total).to_minor(currency);
        let request = request(currency.code(), amount, items);
        let call = create_session(&request, &settings()).unwrap();
        assert_eq!(shown(&call).1, amount, "{request:?}");
    }
}

#[test]
fn a_session_outlives_the_reservation_and_ends_within_a_day() {
    assert_eq!(expiry_seconds(1_000_000, 900), Some(1_000 + 35 * 60));
    let longest = SESSION_LIFETIME_MAX_SECONDS - EXPIRY_GRACE_SECONDS;
    assert!(expiry_seconds(1_000_000, longest).is_some());
    assert_eq!(expiry_seconds(1_000_000, longest + 1), None);
    let long = CheckoutSettings {
        reservation_seconds: 7 * 86_400,
        ..settings()
    };
    let request = request("EUR", 1, vec![item("a", 100, 1)]);
    let call = create_session(&request, &long).unwrap();
    assert!(!fields(&call).contains_key("expires_at"));
}

#[test]
fn amounts_that_stripe_would_misread_or_cannot_take_are_refused() {
    for (currency, amount, why) in [
        ("ISK", 5, "another unit"),
        ("UGX", 5, "another unit"),
        ("MGA", 500, "another unit"),
        ("KWD", 12_345, "last digit"),
        ("USD", -1, "negative"),
        ("usd", 1, "three capital letters"),
    ] {
        let error = create_session(
            &request(currency, amount, vec![item("a", 1, 1)]),
            &settings(),
        );
        let error = error.unwrap_err();
        assert!(error.contains(why), "{error}");
        let error = refund(&RefundRequest {
            currency: currency.to_owned(),
            amount,
            ..refund_request(None)
        });
        assert!(error.unwrap_err().contains(why));
    }
}

#[test]
fn a_refund_names_its_charge_and_what_it_is_for() {
    let call = refund(&refund_request(Some("arrived broken"))).unwrap();
    assert_eq!(call.idempotency_key.as_deref(), Some("refund:1"));
    let expected = [
        ("payment_intent", "pi_3Abc"),
        ("amount", "500"),
        ("metadata[order_id]", ORDER),
        ("metadata[payment_id]", PAYMENT),
        ("metadata[idempotency_key]", "refund:1"),
        ("metadata[reason]", "arrived broken"),
    ];
    let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(fields(&call), BTreeMap::from(expected));
}

#[test]
fn reasons_in_stripes_own_words_are_told_as_such() {
    for (reason, told) in [
        ("duplicate", Some("duplicate")),
        ("Requested by customer", Some("requested_by_customer")),
        ("FRAUDULENT ", Some("fraudulent")),
        ("fraud", None),
    ] {
        let fields = fields(&refund(&refund_request(Some(reason))).unwrap());
        assert_eq!(fields.get("reason").map(String::as_str), told);
        assert_eq!(fields.contains_key("metadata[reason]"), told.is_none());
    }
    let fields = fields(&refund(&refund_request(None)).unwrap());
    assert!(!fields.contains_key("reason") && !fields.contains_key("metadata[reason]"));
}

#[test]
fn only_charges_of_stripe_can_be_refunded() {
    for (reference, name) in [
        ("pi_1", "payment_intent"),
        ("ch_1", "charge"),
        ("py_1", "charge"),
    ] {
        let request = RefundRequest {
            provider_reference: reference.to_owned(),
            ..refund_request(None)
        };
        assert_eq!(fields(&refund(&request).unwrap())[name], reference);
        let found = find_refunds(&request).unwrap();
        assert_eq!(
            found.path,
            format!("/v1/refunds?{name}={reference}&limit=100")
        );
    }
    for reference in ["", "cs_test_1", "pi_1/../x", "pi_1&amount=1", "Pi_1", "pi"] {
        let request = RefundRequest {
            provider_reference: reference.to_owned(),
            ..refund_request(None)
        };
        assert!(refund(&request).is_err() && find_refunds(&request).is_err());
    }
    let nothing = RefundRequest {
        amount: 0,
        ..refund_request(None)
    };
    assert!(refund(&nothing).is_err());
}

#[test]
fn only_ids_of_sessions_get_into_a_path() {
    assert_eq!(
        expire_session("cs_test_a1").unwrap().path,
        "/v1/checkout/sessions/cs_test_a1/expire"
    );
    assert_eq!(expire_session("cs_test_a1").unwrap().idempotency_key, None);
    assert_eq!(
        find_session("cs_live_a1").unwrap().path,
        "/v1/checkout/sessions/cs_live_a1"
    );
    for id in ["", "pi_1", "cs_1/../../refunds", "cs_1?x", "cs_\n"] {
        assert!(expire_session(id).is_err() && find_session(id).is_err());
    }
}

#[test]
fn an_opened_session_is_read() {
    let request = request("EUR", 1, vec![]);
    let body = |expires_at: u64| {
        format!(
            r#"{{"id":"cs_1","object":"checkout.session","url":"https://checkout.stripe.com/c/pay/cs_1#x","status":"open","expires_at":{expires_at},"line_items":null}}"#
        )
    };
    let session = read_opened_session(body(1_700_003_000).as_bytes(), &request).unwrap();
    assert_eq!(session.url, "https://checkout.stripe.com/c/pay/cs_1#x");
    assert_eq!(session.expires_at, RESERVED_UNTIL_MS);
    let earlier = read_opened_session(body(1_700_000_100).as_bytes(), &request).unwrap();
    assert_eq!(earlier.expires_at, 1_700_000_100_000);
    for broken in [
        "",
        "null",
        "<html>",
        r#"{"id":"cs_1","status":"open"}"#,
        r#"{"id":"cs_1","url":"javascript:alert(1)"}"#,
        r#"{"id":"pi_1","url":"https://checkout.stripe.com"}"#,
    ] {
        assert!(read_opened_session(broken.as_bytes(), &request).is_err());
    }
}

#[test]
fn states_of_sessions_are_read() {
    let state = |body: &str| read_session_state(body.as_bytes());
    assert!(matches!(
        state(r#"{"id":"cs_1","status":"open"}"#),
        Ok(None)
    ));
    assert!(matches!(
        state(r#"{"id":"cs_1","status":"expired"}"#),
        Ok(Some(SessionState::Expired))
    ));
    for broken in [r#"{"id":"cs_1"}"#, r#"{"id":"cs_1","status":"new"}"#, "[]"] {
        assert!(state(broken).is_err());
    }
}

#[test]
fn a_complete_session_says_what_was_paid_once_the_money_is_here() {
    let charge = |rest: &str| {
        let body = format!(r#"{{"id":"cs_1","status":"complete",{rest}}}"#);
        match read_session_state(body.as_bytes()) {
            Ok(Some(SessionState::Completed(charge))) => {
                charge.map(|charge| (charge.reference, charge.amount, charge.currency))
            }
            other => panic!("{other:?}"),
        }
    };
    let paid = r#""payment_status":"paid","amount_total":1999,"currency":"eur""#;
    let taken = |reference: &str| Some((reference.to_owned(), 1_999, "EUR".to_owned()));
    assert_eq!(
        charge(&format!(r#"{paid},"payment_intent":"pi_1""#)),
        taken("pi_1")
    );
    assert_eq!(
        charge(&paid.replace("paid", "no_payment_required")),
        taken("cs_1")
    );
    for undecided in [
        paid.replace("paid", "unpaid"),
        r#""payment_status":"paid""#.to_owned(),
        r#""amount_total":1999,"currency":"eur""#.to_owned(),
    ] {
        assert_eq!(charge(&undecided), None, "{undecided}");
    }
}

#[test]
fn errors_are_stripes_only_when_they_look_like_it() {
    let body = br#"{"error":{"code":"resource_missing","doc_url":"https://stripe.com/docs","message":"No such charge","param":"id","type":"invalid_request_error"}}"#;
    let refusal = read_refusal(404, body, "sk_test_1").unwrap();
    assert!(refusal.is_missing() && !refusal.is_idempotency_error());
    assert_eq!(
        refusal.describe(),
        "Stripe refused (resource_missing): No such charge"
    );
    for other in ["", "<html>", "{}", r#"{"error":"x"}"#, r#"{"error":{}}"#] {
        assert_eq!(read_refusal(400, other.as_bytes(), ""), None, "{other}");
    }
}

#[test]
fn foreign_text_is_cleaned_before_it_is_passed_on() {
    assert_eq!(clean("two\nlines\u{7} and\ttabs", ""), "two lines and tabs");
    for leaking in [
        "key sk_live_51abc is wrong",
        "key 'rk_test_1' is wrong",
        "key my-odd-key is wrong",
        "key whsec_1 is wrong",
    ] {
        assert_eq!(clean(leaking, "my-odd-key"), "key *** is wrong");
    }
    assert_eq!(
        clean(&"é ".repeat(1_000), "").chars().count(),
        MESSAGE_MAX_CHARS
    );
}

#[test]
fn what_cannot_be_read_is_described_without_quoting_it() {
    let error = read_refund(br#"{"id": "ada@example.com" 5}"#).unwrap_err();
    assert!(!error.contains("ada"), "{error}");
}
