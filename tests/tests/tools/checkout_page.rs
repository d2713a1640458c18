use mercato_tests::{
    Server, is_quick,
    shop::{Placed, Shop},
    tools::{Workbench, chromium, run, screenshots},
};
use serde_json::{Value, json};

/// The address where an order is paid.
fn address(order: &Placed) -> &str {
    order.answer["paymentSession"]["url"]
        .as_str()
        .expect("an address")
}

#[test]
fn customers_pay_with_a_keyboard_decline_on_a_phone_and_cancel_in_the_dark() {
    if is_quick() {
        return;
    }
    let (Some(bench), Some(chromium)) = (Workbench::new("checkout-page"), chromium()) else {
        return;
    };
    let server = Server::start();
    let shop = Shop::on(&server);
    let customer = shop.customer();
    let product = shop.product(json!(12.5), 10);
    let orders = [(); 3].map(|()| customer.order(&[(&product, 2)]));
    let addresses = orders.each_ref().map(address);
    let shown = run(bench
        .script("checkout-page.js")
        .env("CHROMIUM", chromium)
        .env("SCREENSHOTS", screenshots())
        .env("SHOP", server.base_url())
        .env("CHECKOUTS", json!(addresses).to_string()));
    let visits: Value = serde_json::from_str(&shown).expect("what was seen");
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
        assert!(buttons.len() == 3, "{name}: {buttons:?}");
        assert!(
            buttons.iter().any(|button| button.starts_with("Pay ")),
            "{buttons:?}"
        );
        assert!(
            buttons.contains(&"Decline") && buttons.contains(&"Cancel"),
            "{buttons:?}"
        );
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
    for (order, status) in orders.iter().zip(["PAID", "CANCELLED", "CANCELLED"]) {
        customer.wait_for_order(&order.id, status);
    }
}
