use serde_json::json;

use super::{CODES, SHIPPING, TAXES, code, settings, shop};

#[test]
fn what_settings_show_can_be_sent_again() {
    let shop = shop();
    let admin = shop.admin();
    for (path, document) in settings() {
        let shown = admin.get(path).expect(200);
        let tag = shown.expect_header("etag");
        let again = admin.request("PUT", path).header("if-match", &tag);
        again.json(&shown.json()).expect(200);
        let stale = admin.request("PUT", path).header("if-match", "\"0\"");
        stale
            .json(&document)
            .expect_problem(412, "version-mismatch");
    }
}

#[test]
fn a_bad_document_is_refused_with_paths_and_changes_nothing() {
    let shop = shop();
    let admin = shop.admin();
    let before = admin.get(TAXES).expect_json(200);
    let bad = json!({ "pricesIncludeTax": true, "rates": [{ "country": "XX", "rate": 101 }] });
    let problem = admin
        .request("PUT", TAXES)
        .json(&bad)
        .expect_problem(400, "validation");
    let errors = problem["errors"].to_string();
    assert!(errors.contains("rates[0]"), "{errors}");
    assert_eq!(admin.get(TAXES).expect_json(200), before);
    let bad = json!({ "zones": [{ "name": "A", "options": [{ "code": "x", "name": "X", "by": "weight", "steps": [] }] }] });
    let problem = admin
        .request("PUT", SHIPPING)
        .json(&bad)
        .expect_problem(400, "validation");
    assert!(problem["errors"].to_string().contains("zones[0]"));
}

#[test]
fn a_code_is_made_changed_and_removed() {
    let shop = shop();
    let admin = shop.admin();
    let name = code(shop, json!({ "percent": 10, "limit": 5 }));
    let path = format!("{CODES}/{name}");
    let again = admin
        .post(CODES)
        .json(&json!({ "code": name, "percent": 5 }));
    again.expect_problem(409, "code-taken");
    let changed = admin
        .patch(&path)
        .json(&json!({ "limit": null }))
        .expect_json(200);
    assert_eq!((changed.get("limit"), &changed["uses"]), (None, &json!(0)));
    admin.delete(&path).expect(204);
    admin.get(&path).expect_problem(404, "not-found");
}
