//! What all lists have in common.

use mercato_tests::shop::Shop;

const LISTS: [&str; 6] = [
    "/api/v1/auth/users",
    "/api/v1/products",
    "/api/v1/orders",
    "/api/v1/orders/PAID",
    "/api/v1/payments",
    "/api/v1/payments/outbox",
];

#[test]
fn every_list_has_the_same_limits_of_pages_and_cursors() {
    let admin = Shop::shared().admin();
    for list in LISTS {
        for (query, field, code) in [
            ("page=0", "page", "min"),
            ("page=-1", "page", "type"),
            ("page=x", "page", "type"),
            ("page=99999999999999999999", "page", "type"),
            ("page=102&limit=100", "page", "max"),
            ("page=10002&limit=1", "page", "max"),
            ("limit=0", "limit", "min"),
            ("limit=101", "limit", "max"),
            ("limit=5&limit=6", "limit", "repeated"),
            ("after=x", "after", "format"),
            ("after=", "after", "format"),
            ("page=1&after=x", "after", "exclusive"),
            ("colour=red", "colour", "unknown"),
        ] {
            let path = format!("{list}?{query}");
            admin.get(&path).expect_invalid(&[(field, code)]);
        }
    }
}
