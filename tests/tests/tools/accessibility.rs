//! Pages, looked at by axe-core for people who see, hear or point badly: WCAG 2.1 A and AA, and what its makers advise besides.

use std::sync::OnceLock;

use mercato_tests::{
    Server,
    shop::{Placed, Shop, text},
    tools::Browser,
    wait_until,
};
use serde_json::{Value, json};

/// The ways in which a page is looked at.
const LOOKS: [&str; 4] = ["light-wide", "light-phone", "dark-wide", "dark-phone"];

/// How often a session is let run out until its page is seen before the sweeper has ended it.
const TRIES: u32 = 10;

/// A page with faults: some always, one in the dark and two on a phone.
const BROKEN: &str = r#"<!doctype html>
<html>
  <head>
    <title>Broken</title>
    <meta name="viewport" content="width=device-width">
    <style>
      body { background: #fff; color: #000; }
      @media (prefers-color-scheme: dark) { body { background: #222; color: #333; } }
      @media (max-width: 30rem) { form { width: 600px; } input { color: #ddd; } }
    </style>
  </head>
  <body><main><h1>Broken</h1><form><img src="data:,"><input name="unnamed" value="a value"></form></main></body>
</html>"#;

/// One for all tests, which run at the same time.
fn browser() -> Option<&'static Browser> {
    static BROWSER: OnceLock<Option<Browser>> = OnceLock::new();
    let browser = BROWSER.get_or_init(|| Browser::new("accessibility"));
    browser.as_ref()
}

/// What was seen of these pages: name, look, violations, and how much sticks out to the right.
fn looked_at(browser: &Browser, server: &Server, pages: &[Value]) -> Vec<(String, String, Value)> {
    let seen = browser.visit(server, &[("PAGES", &json!(pages).to_string())]);
    let seen = seen.as_array().expect("pages");
    assert_eq!(seen.len(), pages.len());
    let mut looks = Vec::new();
    for (page, seen) in pages.iter().zip(seen) {
        assert_eq!(seen["name"], page["name"]);
        let of_page = seen["looks"].as_array().expect("looks");
        assert!(
            of_page
                .iter()
                .map(|look| text(&look["name"]))
                .eq(LOOKS.map(str::to_owned))
        );
        for look in of_page {
            looks.push((text(&page["name"]), text(&look["name"]), look.clone()));
        }
    }
    looks
}

/// Nothing is wrong with these pages.
fn are_accessible(browser: &Browser, server: &Server, pages: &[Value]) {
    for (page, look, seen) in looked_at(browser, server, pages) {
        let violations = &seen["violations"];
        assert_eq!(violations, &json!([]), "{page}, {look}: {violations:#}");
        assert_eq!(seen["overflow"], 0, "{page}, {look}: sticks out");
    }
}

/// A guest who orders the same again and again, with all that a payment page can show.
struct Guest<'a> {
    shop: &'a Shop,
    content: Value,
}

impl<'a> Guest<'a> {
    fn of(shop: &'a Shop) -> Self {
        let admin = shop.admin();
        let option =
            json!({ "code": "post", "name": "Post", "by": "weight", "steps": [{ "amount": 4.9 }] });
        let zones =
            json!({ "zones": [{ "name": "Austria", "countries": ["AT"], "options": [option] }] });
        let shipping = admin.request("PUT", "/api/v1/checkouts/settings/shipping");
        shipping.json(&zones).expect(200);
        let code = admin.post("/api/v1/checkouts/codes");
        code.json(&json!({ "code": "TENTH", "percent": 10 }))
            .expect(201);
        let product = shop.product(11.9, 100);
        let content = json!({
            "items": [{ "productId": product, "quantity": 2 }],
            "email": "ada.lovelace@analytical-engines.example.com",
            "shippingAddress": {
                "name": "Ada Lovelace", "company": "Analytical Engines", "line1": "Ringstraße 1", "line2": "Stiege 2, Tür 3",
                "postalCode": "1010", "city": "Wien", "country": "AT",
            },
            "billingAddress": {
                "name": "Byron", "line1": "Donaudampfschifffahrtsgesellschaftskapitänsgasse 1000",
                "postalCode": "4020", "city": "Linz", "country": "AT",
            },
            "shippingOption": "post",
            "codes": ["TENTH"],
        });
        Self { shop, content }
    }

    fn order(&self) -> Placed {
        let nobody = self.shop.nobody();
        let checkout = nobody.post("/api/v1/checkouts").json(&self.content);
        let checkout = checkout.expect_json(201);
        let token = text(&checkout["token"]);
        let body = json!({ "checkout": checkout["id"], "quote": checkout["quote"] });
        let order = nobody.post("/api/v1/orders").bearer(&token).json(&body);
        Placed::from(order.expect_json(201))
    }

    /// An order in whose session that was done.
    fn ended(&self, outcome: &str) -> Placed {
        let order = self.order();
        self.shop.check_out(&order.session_id, outcome).expect(200);
        order
    }

    fn refunded(&self) -> Placed {
        let order = self.ended("succeed");
        let admin = self.shop.admin();
        let refund = admin.post(&self.shop.refund_path(&order.id));
        refund.json(&json!({})).expect(200);
        order
    }
}

/// The page of an order's payment, which is ready when there is what `ready` selects.
fn payment(name: &str, order: &Placed, query: &str, ready: &str) -> Value {
    let url = text(&order.answer["paymentSession"]["url"]);
    json!({ "name": name, "url": format!("{url}{query}"), "ready": ready })
}

/// What the page of a session is in the moment before the sweeper ends it.
fn page_whose_time_is_up() -> String {
    let server = Server::builder().variable("reservation_ttl", "2").start();
    let shop = Shop::on(&server);
    let guest = Guest::of(&shop);
    for _ in 0..TRIES {
        let order = guest.order();
        let path = format!("/api/v1/payments/mock/checkout/{}", order.session_id);
        let page = wait_until("the end of the session", || {
            let page = shop.nobody().get(&path).expect(200).text();
            (!page.contains("<h1>Checkout</h1>")).then_some(page)
        });
        if page.contains("<h1>Time is up</h1>") {
            return page;
        }
        assert!(page.contains("<h1>Cancelled</h1>"), "{page}");
    }
    panic!("the sweeper was faster {TRIES} times");
}

#[test]
fn the_payment_page_is_accessible_however_the_payment_stands() {
    let Some(browser) = browser() else {
        return;
    };
    let server = Server::start();
    let shop = Shop::on(&server);
    let guest = Guest::of(&shop);
    let alert = "[role=alert]";
    let mut refused = payment("refused", &guest.order(), "", alert);
    refused["late"] = json!(true);
    let unknown = "/api/v1/payments/mock/checkout/cs_test_0123456789abcdef0123456789abcdef";
    let unknown = format!("{}{unknown}", server.base_url());
    let title = |title: &str| format!("h1:text-is('{title}')");
    let ended = |name, outcome, heading| payment(name, &guest.ended(outcome), "", &title(heading));
    let pages = [
        payment("open", &guest.order(), "", &title("Checkout")),
        payment("declined", &guest.order(), "?result=decline", alert),
        refused,
        ended("paid", "succeed", "Paid"),
        payment("refunded", &guest.refunded(), "", &title("Refunded")),
        ended("under-way", "debit", "Payment under way"),
        ended("failed", "fail", "Payment failed"),
        ended("cancelled", "cancel", "Cancelled"),
        json!({ "name": "expired", "html": page_whose_time_is_up() }),
        json!({ "name": "unknown", "url": unknown, "ready": title("Not found") }),
    ];
    are_accessible(browser, &server, &pages);
}

#[test]
fn the_pages_of_the_gateway_are_accessible() {
    let Some(browser) = browser() else {
        return;
    };
    let server = Server::start();
    let at = |path: &str| format!("{}{path}", server.base_url());
    let docs = |name: &str, press: Option<String>| json!({ "name": name, "url": at("/api/docs"), "ready": ".opblock", "press": press });
    let operation = |method: &str| Some(format!(".opblock-{method} .opblock-summary-control"));
    let pages = [
        docs("docs", None),
        docs("docs-get", operation("get")),
        docs("docs-post", operation("post")),
        docs("docs-put", operation("put")),
        docs("docs-patch", operation("patch")),
        docs("docs-delete", operation("delete")),
        json!({ "name": "guide", "url": at("/api/docs/guide"), "ready": "h1" }),
        json!({ "name": "welcome", "url": at("/"), "ready": "h1" }),
    ];
    are_accessible(browser, &server, &pages);
}

/// Otherwise the tests above would mean nothing.
#[test]
fn faults_of_a_page_are_found_in_every_look() {
    let Some(browser) = browser() else {
        return;
    };
    let server = Server::start();
    let broken = json!({ "name": "broken", "html": BROKEN });
    for (_, look, seen) in looked_at(browser, &server, &[broken]) {
        let violations = seen["violations"].as_array().expect("violations");
        let mut rules: Vec<String> = violations.iter().map(|it| text(&it["rule"])).collect();
        rules.sort();
        let mut expected = vec!["html-has-lang", "image-alt", "label"];
        if look != "light-wide" {
            expected.insert(0, "color-contrast");
        }
        assert_eq!(rules, expected, "{look}");
        assert_eq!(seen["overflow"] != 0, look.ends_with("phone"), "{look}");
    }
}
