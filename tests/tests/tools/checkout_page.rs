use mercato_tests::{
    Server,
    shop::{Placed, Shop},
    tools::Browser,
};
use serde_json::{Value, json};

/// The address where an order is paid.
fn address(order: &Placed) -> &str {
    order.answer["paymentSession"]["url"]
        .as_str()
        .expect("an address")
}

#[test]
fn customers_pay_or_are_declined_and_find_back_to_the_shop() {
    let Some(browser) = Browser::new("checkout-page") else {
        return;
    };
    let server = Server::start();
    let shop = Shop::on(&server);
    let customer = shop.customer();
    let product = shop.product(json!(12.5), 10);
    let orders = [(); 3].map(|()| customer.order(&[(&product, 2)]));
    let addresses = orders.each_ref().map(address);
    let checkouts = json!(addresses).to_string();
    let visits = browser.visit(&server, &[("CHECKOUTS", &checkouts)]);
    let visits = visits.as_array().expect("visits");
    assert_eq!(visits.len(), orders.len());
    for visit in visits {
        let name = &visit["name"];
        assert_eq!(
            visit["complaints"],
            json!([]),
            "{name}: console, policy, other hosts"
        );
        let buttons = visit["buttons"].as_array().expect("buttons");
        let buttons: Vec<&str> = buttons.iter().filter_map(Value::as_str).collect();
        let [pay, "Decline"] = buttons.as_slice() else {
            panic!("{name}: {buttons:?}");
        };
        assert!(pay.starts_with("Pay "), "{name}: {buttons:?}");
        assert_eq!(visit["left"], json!([]), "{name}: nothing is left to press");
        for page in ["checkout", "result"] {
            let page = &visit[page];
            assert_eq!(
                page["violations"],
                json!([]),
                "{name}: {:#}",
                page["violations"]
            );
            assert_eq!(
                page["overflow"], 0,
                "{name}: nothing sticks out to the right"
            );
        }
    }
    let ends = [
        ("PAID", "success"),
        ("PAID", "success"),
        ("CANCELLED", "cancel"),
    ];
    for ((order, visit), (status, outcome)) in orders.iter().zip(visits).zip(ends) {
        for (link, outcome) in [("cancel", "cancel"), ("back", outcome)] {
            let query = format!("?order={}&checkout={outcome}", order.id);
            let url = visit[link].as_str().unwrap_or_default();
            assert!(url.ends_with(&query), "{link}: {url}");
        }
        customer.wait_for_order(&order.id, status);
    }
}
