use mercato_tests::{
    Response, assert_members,
    shop::{Account, PASSWORD, Shop, text, unknown_id},
};
use serde_json::{Value, json};

fn change(account: &Account, body: Value) -> Response {
    let path = format!("/api/v1/auth/users/{}", account.id);
    Shop::shared().admin().patch(&path).json(&body).send()
}

#[test]
fn the_admin_sees_all_accounts_in_pages() {
    let shop = Shop::shared();
    let customer = shop.customer();
    let admin = shop.admin();
    let first = admin
        .get("/api/v1/auth/users?page=1&limit=1")
        .expect_json(200);
    assert_eq!(first["data"].as_array().map(Vec::len), Some(1));
    let total = first["meta"]["total"].as_u64().expect("a total");
    assert!(total >= 2);
    assert_eq!(first["meta"]["lastPage"], total);
    assert_eq!(first["meta"]["totalIsExact"], true);
    let pages = total.div_ceil(100);
    let all: Vec<Value> = (1..=pages + 1)
        .flat_map(|page| {
            let path = format!("/api/v1/auth/users?limit=100&page={page}");
            admin.get(&path).expect_json(200)["data"]
                .as_array()
                .cloned()
                .expect("a list")
        })
        .collect();
    let found = all
        .iter()
        .find(|user| user["id"] == customer.id)
        .expect("the new customer");
    assert_eq!(found["email"], customer.email);
    assert_eq!(found["disabled"], false);
    assert!(!found.to_string().contains("$2"), "{found}");
}

#[test]
fn cursors_lead_through_all_accounts_once_while_others_register() {
    let shop = Shop::shared();
    let customers: Vec<Account> = (0..3).map(|_| shop.customer()).collect();
    let admin = shop.admin();
    let mut path = "/api/v1/auth/users?limit=2".to_owned();
    let mut seen: Vec<String> = Vec::new();
    for number in 1.. {
        let page = admin.get(&path).expect_json(200);
        assert_eq!(page["meta"]["page"], number);
        let users = page["data"].as_array().expect("a list");
        seen.extend(users.iter().map(|user| text(&user["id"])));
        let Value::String(next) = &page["meta"]["next"] else {
            assert_eq!(page["meta"]["next"], Value::Null);
            break;
        };
        assert_eq!(users.len(), 2);
        path = format!("/api/v1/auth/users?limit=2&after={next}");
        if number == 1 {
            shop.customer();
        }
    }
    let count = |id: &String| seen.iter().filter(|found| *found == id).count();
    for customer in &customers {
        assert_eq!(count(&customer.id), 1);
    }
    assert!(seen.iter().all(|id| count(id) == 1));
}

#[test]
fn an_unknown_parameter_is_named() {
    let admin = Shop::shared().admin();
    let list = admin.get("/api/v1/auth/users?role=admin");
    list.expect_invalid(&[("role", "unknown")]);
}

#[test]
fn a_disabled_account_has_no_sessions_and_gets_none() {
    let shop = Shop::shared();
    let customer = shop.customer();
    let user = change(&customer, json!({ "disabled": true }))
        .expect(200)
        .json();
    assert_eq!(user["disabled"], true);
    let credentials = json!({ "email": customer.email, "password": PASSWORD });
    let log_in = || {
        shop.nobody()
            .post("/api/v1/auth/login")
            .json(&credentials)
            .send()
    };
    log_in().expect_problem(401, "invalid-credentials");
    shop.refresh(&customer.refresh_token)
        .expect_problem(401, "invalid-refresh-token");
    for path in ["/api/v1/auth/verify", "/api/v1/auth/me"] {
        customer.get(path).expect_problem(401, "unauthorized");
    }
    // What a customer may read is good until the token ends: docs/decisions/0035.
    customer.get("/api/v1/orders").expect(200);
    change(&customer, json!({ "disabled": false })).expect(200);
    log_in().expect(200);
}

#[test]
fn the_admin_makes_another_admin_and_takes_it_back() {
    let shop = Shop::shared();
    let customer = shop.customer();
    let user = change(&customer, json!({ "role": "admin" }))
        .expect(200)
        .json();
    assert_eq!(user["role"], "admin");
    customer
        .get("/api/v1/auth/users")
        .expect_problem(403, "forbidden");
    let promoted = shop.log_in(&customer.email, PASSWORD);
    promoted.get("/api/v1/auth/users").expect(200);
    change(&customer, json!({ "role": "customer" })).expect(200);
    let demoted = shop.log_in(&customer.email, PASSWORD);
    demoted
        .get("/api/v1/auth/users")
        .expect_problem(403, "forbidden");
}

#[test]
fn invalid_and_unknown_fields_are_named() {
    let customer = Shop::shared().customer();
    let problem = change(&customer, json!({ "role": "root" })).expect_problem(400, "validation");
    assert_eq!(problem["errors"][0]["field"], "role", "{problem}");
    change(&customer, json!({ "disabled": "yes" })).expect_invalid(&[("disabled", "type")]);
    change(&customer, json!({ "email": "a@b.example" })).expect_invalid(&[("email", "unknown")]);
}

#[test]
fn an_unknown_account_is_not_found() {
    let admin = Shop::shared().admin();
    let path = format!("/api/v1/auth/users/{}", unknown_id());
    admin
        .patch(&path)
        .json(&json!({ "disabled": true }))
        .expect_problem(404, "not-found");
    admin
        .patch("/api/v1/auth/users/1")
        .json(&json!({ "disabled": true }))
        .expect_invalid(&[("id", "format")]);
}

#[test]
fn the_admin_finds_an_account_by_its_id_and_by_its_address() {
    let shop = Shop::shared();
    let (admin, customer) = (shop.admin(), shop.customer());
    let path = format!("/api/v1/auth/users/{}", customer.id);
    let found = admin.get(&path).expect(200);
    let tag = found.expect_header("etag");
    let account = found.json();
    assert_members(
        &account,
        &json!({ "email": customer.email, "role": "customer" }),
    );
    assert!(!account.to_string().contains("$2"), "{account}");
    let same = admin.get(&path).header("if-none-match", &tag).send();
    assert_eq!(same.status(), 304);
    let unknown = format!("/api/v1/auth/users/{}", unknown_id());
    admin.get(&unknown).expect_problem(404, "not-found");
    admin
        .get("/api/v1/auth/users/me")
        .expect_problem(400, "validation");

    let capitals = customer.email.to_uppercase();
    for (address, total) in [
        (&customer.email, 1),
        (&capitals, 1),
        (&"nobody@customers.test".to_owned(), 0),
    ] {
        let list = admin
            .get(&format!("/api/v1/auth/users?email={address}"))
            .expect_json(200);
        assert_eq!(list["meta"]["total"], total, "{address}");
        let ids: Vec<&Value> = list["data"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|of| &of["id"])
            .collect();
        let own = json!(customer.id);
        assert_eq!(ids, vec![&own; total], "{address}");
    }
    let wrong = admin
        .get("/api/v1/auth/users?email=ada")
        .expect_problem(400, "validation");
    assert_eq!(wrong["errors"][0]["field"], "email");
}
