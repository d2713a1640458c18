use mercato_tests::shop::Shop;

#[test]
fn the_admin_sees_what_must_be_bought_soon() {
    let shop = Shop::shared();
    shop.product(1, 0);
    let stats = shop.admin().get("/api/v1/products/stats").expect_json(200);
    assert!(
        stats["products"].as_u64().is_some_and(|count| count >= 1),
        "{stats}"
    );
    assert!(
        stats["outOfStock"].as_u64().is_some_and(|count| count >= 1),
        "{stats}"
    );
    let threshold = stats["lowStockThreshold"].as_u64().expect("a threshold");
    let low = stats["lowStock"].as_array().expect("a list");
    assert!(!low.is_empty() && low.len() <= 50, "{stats}");
    let units: Vec<u64> = low
        .iter()
        .map(|product| product["stock"].as_u64().expect("units"))
        .collect();
    assert!(
        units.is_sorted() && units.iter().all(|units| *units <= threshold),
        "{units:?}"
    );
}
