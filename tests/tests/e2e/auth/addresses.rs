use mercato_tests::{
    Request, Response,
    shop::{Account, PASSWORD, Shop},
};
use serde_json::{Value, json};

const ADDRESSES: &str = "/api/v1/auth/me/addresses";

/// As many as an account may have.
const MAX: usize = 20;

fn vienna(name: &str) -> Value {
    json!({ "name": name, "line1": "Ring 1", "postalCode": "1010", "city": "Wien", "country": "AT" })
}

/// The address as it is shown.
fn shown(mut address: Value) -> Value {
    for member in ["isDefaultShipping", "isDefaultBilling"] {
        if address.get(member).is_none() {
            address[member] = json!(false);
        }
    }
    address
}

fn book(addresses: &[Value]) -> Value {
    json!({ "addresses": addresses })
}

fn put(account: &Account) -> Request<'_> {
    account.request("PUT", ADDRESSES)
}

fn replace(account: &Account, addresses: &[Value]) -> Response {
    put(account).json(&book(addresses)).send()
}

#[test]
fn addresses_come_back_in_the_order_they_were_sent_in() {
    let customer = Shop::shared().customer();
    assert_eq!(customer.get(ADDRESSES).expect_json(200), book(&[]));
    let mut home = vienna("Ada Lovelace");
    home["label"] = json!(" Home ");
    home["country"] = json!("at");
    home["isDefaultBilling"] = json!(true);
    let work = json!({
        "name": "Ada", "company": "Analytical Engines", "line1": "1 Infinite Loop", "line2": "Floor 2", "postalCode": "95014",
        "city": "Cupertino", "region": "california", "country": "US", "phone": "+1 408 9961010", "isDefaultShipping": true,
        "isDefaultBilling": false,
    });
    let answer = replace(&customer, &[work.clone(), home.clone()]).expect(200);
    (home["label"], home["country"]) = (json!("Home"), json!("AT"));
    let mut work = work;
    work["region"] = json!("CA");
    let expected = book(&[work.clone(), shown(home.clone())]);
    assert_eq!(answer.json(), expected);
    assert_eq!(customer.get(ADDRESSES).expect_json(200), expected);
    replace(&customer, &[home.clone(), work.clone()]).expect(200);
    let turned = customer.get(ADDRESSES).expect_json(200);
    assert_eq!(turned, book(&[shown(home), work]));
    replace(&customer, &[]).expect(200);
    assert_eq!(customer.get(ADDRESSES).expect_json(200), book(&[]));
}

#[test]
fn an_address_book_is_its_owners_alone() {
    let shop = Shop::shared();
    let (ada, grace, admin) = (shop.customer(), shop.customer(), shop.admin());
    let of_admin = admin.get(ADDRESSES).expect_json(200);
    replace(&ada, &[vienna("Ada")]).expect(200);
    assert_eq!(grace.get(ADDRESSES).expect_json(200), book(&[]));
    assert_eq!(admin.get(ADDRESSES).expect_json(200), of_admin);
    replace(&grace, &[vienna("Grace"), vienna("Joan")]).expect(200);
    let of_ada = ada.get(ADDRESSES).expect_json(200);
    assert_eq!(of_ada, book(&[shown(vienna("Ada"))]));
    let profile = admin.get(&format!("/api/v1/auth/users/{}", ada.id));
    assert!(!profile.send().text().contains("Ring 1"));
    let again = shop.log_in(&ada.email, PASSWORD);
    assert_eq!(again.get(ADDRESSES).expect_json(200), of_ada);
}

#[test]
fn guests_and_ended_sessions_have_no_address_book() {
    let shop = Shop::shared();
    let customer = shop.customer();
    replace(&customer, &[vienna("Ada")]).expect(200);
    shop.log_out(&customer.refresh_token).expect(204);
    let guest = shop.nobody().post("/api/v1/checkouts").json(&json!({}));
    let guest = guest.expect_json(201);
    let guest = guest["token"].as_str().expect("a token");
    let guest = shop.nobody().clone().with_token(guest);
    for client in [shop.nobody(), &guest, &*customer] {
        client.get(ADDRESSES).expect_problem(401, "unauthorized");
        let replaced = client.request("PUT", ADDRESSES).json(&book(&[]));
        replaced.expect_problem(401, "unauthorized");
    }
    let back = shop.log_in(&customer.email, PASSWORD);
    let kept = back.get(ADDRESSES).expect_json(200);
    assert_eq!(kept, book(&[shown(vienna("Ada"))]));
}

#[test]
fn an_account_has_so_many_addresses_and_no_more() {
    let customer = Shop::shared().customer();
    let many: Vec<Value> = (0..=MAX).map(|n| vienna(&format!("Ada {n}"))).collect();
    let problem = put(&customer).json(&book(&many));
    problem.expect_invalid(&[("addresses", "max")]);
    assert_eq!(customer.get(ADDRESSES).expect_json(200), book(&[]));
    let kept = replace(&customer, &many[..MAX]).expect(200).json();
    assert_eq!(kept["addresses"].as_array().map(Vec::len), Some(MAX));
    assert_eq!(kept["addresses"][MAX - 1]["name"], "Ada 19");
    assert_eq!(customer.get(ADDRESSES).expect_json(200), kept);
}

#[test]
fn everything_that_is_wrong_is_named_by_its_path() {
    let customer = Shop::shared().customer();
    replace(&customer, &[vienna("Ada")]).expect(200);
    let with = |member: &str, value: Value| {
        let mut address = vienna("Ada");
        address[member] = value;
        address
    };
    let mut two_faults = with("postalCode", json!("ten ten"));
    two_faults["name"] = json!(" ");
    let addresses = [
        json!(7),
        two_faults,
        with("colour", json!("red")),
        with("country", json!("XX")),
        with("label", json!("x".repeat(101))),
        with("isDefaultShipping", json!("yes")),
        json!({ "name": "Ada", "line1": "Ring 1", "country": "US" }),
    ];
    let mut body = book(&addresses);
    body["defaults"] = json!([]);
    put(&customer).json(&body).expect_invalid(&[
        ("addresses[0]", "type"),
        ("addresses[1].name", "required"),
        ("addresses[1].postalCode", "format"),
        ("addresses[2].colour", "unknown"),
        ("addresses[3].country", "format"),
        ("addresses[4].label", "max"),
        ("addresses[5].isDefaultShipping", "type"),
        ("addresses[6].postalCode", "required"),
        ("addresses[6].city", "required"),
        ("addresses[6].region", "required"),
        ("defaults", "unknown"),
    ]);
    let twice = r#"{"addresses":[{"name":"Ada","name":"Grace","line1":"Ring 1","postalCode":"1010","city":"Wien","country":"AT"}]}"#;
    put(&customer)
        .body("application/json", twice)
        .expect_invalid(&[("addresses[0].name", "repeated")]);
    put(&customer)
        .json(&json!({}))
        .expect_invalid(&[("addresses", "required")]);
    let kept = customer.get(ADDRESSES).expect_json(200);
    assert_eq!(kept, book(&[shown(vienna("Ada"))]), "nothing has changed");
}

#[test]
fn there_is_one_default_of_each_kind_at_most() {
    let customer = Shop::shared().customer();
    let default = |shipping: bool, billing: bool| {
        let mut address = vienna("Ada");
        address["isDefaultShipping"] = json!(shipping);
        address["isDefaultBilling"] = json!(billing);
        address
    };
    let twice = [
        default(true, true),
        default(false, true),
        default(true, false),
    ];
    put(&customer).json(&book(&twice)).expect_invalid(&[
        ("addresses[1].isDefaultBilling", "repeated"),
        ("addresses[2].isDefaultShipping", "repeated"),
    ]);
    let apart = [default(false, true), default(true, false)];
    let kept = replace(&customer, &apart).expect(200).json();
    assert_eq!(kept, book(&apart));
}

#[test]
fn an_address_book_has_an_entity_tag_that_writes_honour() {
    let customer = Shop::shared().customer();
    let first = customer.get(ADDRESSES).expect(200).expect_header("etag");
    assert_eq!(first, "\"0\"");
    let tagged = |name: &str, tag: &str| {
        let request = put(&customer).header("if-match", tag);
        request.json(&book(&[vienna(name)])).send()
    };
    let second = tagged("Ada", &first).expect(200).expect_header("etag");
    assert_ne!(second, first);
    tagged("Grace", &first).expect_problem(412, "version-mismatch");
    let same = tagged("Ada", &second).expect(200).expect_header("etag");
    assert_eq!(same, second, "nothing has changed");
    let read = customer.get(ADDRESSES).expect(200);
    assert_eq!(read.expect_header("etag"), second);
    let known = customer.get(ADDRESSES).header("if-none-match", &second);
    assert_eq!(known.expect(304).bytes(), b"");
    let either = format!("{first}, {second}");
    let third = tagged("Grace", &either).expect(200).expect_header("etag");
    tagged("Joan", "*").expect(200);
    tagged("Mary", &third).expect_problem(412, "version-mismatch");
    for never in ["\"77\"", "\"1-1\"", "\"x\"", "1", "W/\"4\""] {
        tagged("Mary", never).expect_problem(412, "version-mismatch");
    }
    let kept = customer.get(ADDRESSES).expect_json(200);
    assert_eq!(kept["addresses"][0]["name"], "Joan");
    // The account itself is another resource.
    let profile = customer.get("/api/v1/auth/me").expect_json(200);
    assert_eq!(profile["version"], 1);
}

#[test]
fn of_changes_with_the_same_tag_one_is_made() {
    let customer = Shop::shared().customer();
    let tag = customer.get(ADDRESSES).expect(200).expect_header("etag");
    let tabs: Vec<Account> = (0..8).map(|_| customer.on_own_connection()).collect();
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let change = |tab: &Account, number: usize| {
            let request = put(tab).header("if-match", &tag);
            let addresses = vec![vienna(&format!("Ada {number}")); number + 1];
            request.json(&book(&addresses)).send().status()
        };
        let threads = tabs.iter().enumerate();
        let threads: Vec<_> = threads
            .map(|(number, tab)| scope.spawn(move || change(tab, number)))
            .collect();
        let ended = threads.into_iter().map(|thread| thread.join());
        ended.map(|status| status.expect("an answer")).collect()
    });
    let count = |wanted| statuses.iter().filter(|status| **status == wanted).count();
    assert_eq!((count(200), count(412)), (1, 7), "{statuses:?}");
    let made = statuses.iter().position(|status| *status == 200);
    let kept = customer.get(ADDRESSES).expect_json(200);
    let kept = kept["addresses"].as_array().expect("addresses");
    assert_eq!(Some(kept.len()), made.map(|number| number + 1));
    let name = format!("Ada {}", kept.len() - 1);
    assert!(kept.iter().all(|address| address["name"] == name.as_str()));
}

/// Whatever is kept can be sent to a checkout, which keeps a copy.
#[test]
fn a_checkout_takes_an_address_of_the_book_and_keeps_it() {
    let customer = Shop::shared().customer();
    replace(&customer, &[vienna("Ada")]).expect(200);
    let kept = customer.get(ADDRESSES).expect_json(200);
    let mut address = kept["addresses"][0].clone();
    let members = address.as_object_mut().expect("an object");
    members.retain(|member, _| !member.starts_with("isDefault"));
    let checkout = customer.post("/api/v1/checkouts");
    let checkout = checkout.json(&json!({ "shippingAddress": address }));
    let checkout = checkout.expect_json(201);
    assert_eq!(checkout["shippingAddress"], address);
    replace(&customer, &[]).expect(200);
    let id = checkout["id"].as_str().expect("an id");
    let again = customer.get(&format!("/api/v1/checkouts/{id}"));
    assert_eq!(again.expect_json(200)["shippingAddress"], address);
}
