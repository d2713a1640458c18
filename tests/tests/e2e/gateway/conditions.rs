use mercato_tests::{
    Response,
    shop::{Shop, unknown_id},
};
use serde_json::json;

#[track_caller]
fn tag(answer: &Response) -> String {
    answer.header("etag").expect("a tag").to_owned()
}

#[test]
fn a_client_that_knows_one_of_several_tags_is_spared_the_body() {
    let shop = Shop::shared();
    let path = format!("/api/v1/products/{}", shop.product(1, 5));
    let first = shop.nobody().get(&path).send().expect(200);
    let tag = tag(&first);
    for known in [
        tag.clone(),
        format!("W/{tag}"),
        format!("\"other\", {tag}"),
        format!("\"other\",W/{tag} , \"more\""),
        "*".to_owned(),
    ] {
        for method in ["GET", "HEAD"] {
            let again = shop
                .nobody()
                .request(method, &path)
                .header("if-none-match", &known);
            let again = again.send().expect(304);
            assert_eq!(again.bytes(), b"", "{known}");
            for name in ["etag", "cache-control", "vary", "content-security-policy"] {
                assert_eq!(again.header(name), first.header(name), "{name} {known}");
            }
        }
    }
    for unknown in ["\"other\"", "W/\"other\"", "other", ""] {
        let again = shop.nobody().get(&path).header("if-none-match", unknown);
        again.send().expect(200);
    }
}

#[test]
fn a_write_may_name_several_versions_and_happens_when_one_is_right() {
    let shop = Shop::shared();
    let admin = shop.admin();
    let path = format!("/api/v1/products/{}", shop.product(1, 5));
    let change = |name: &str, tags: &str| {
        let request = admin.patch(&path).header("if-match", tags);
        request.json(&json!({ "name": name })).send()
    };
    let first = tag(&admin.get(&path).send().expect(200));
    let second = tag(&change("second", &first).expect(200));
    change("refused", &first).expect_problem(412, "version-mismatch");
    change("refused", &format!("{first}, \"77\"")).expect_problem(412, "version-mismatch");
    let third = tag(&change("third", &format!("\"77\", {first},{second}")).expect(200));
    let fourth = tag(&change("fourth", &format!("W/{third}, {third}")).expect(200));
    change("refused", &format!("W/{fourth}")).expect_problem(412, "version-mismatch");
    change("fifth", "*").expect(200);
    assert_eq!(admin.get(&path).send().json()["name"], "fifth");
    let many: Vec<String> = (1..10).map(|version| format!("\"{version}\"")).collect();
    change("refused", &many.join(",")).expect_problem(400, "too-many-entity-tags");
}

/// What would fail without a condition fails as if there were none (RFC 9110 section 13.2.1).
#[test]
fn what_is_not_there_is_not_found_whatever_the_condition() {
    let admin = Shop::shared().admin();
    let path = format!("/api/v1/products/{}", unknown_id());
    for tags in ["*", "\"1\"", "\"1\", \"2\""] {
        let change = admin.patch(&path).header("if-match", tags);
        let change = change.json(&json!({ "name": "a" })).send();
        change.expect_problem(404, "not-found");
    }
}
