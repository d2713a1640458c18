use mercato_tests::{
    Response,
    shop::{Shop, unknown_id},
};

/// What caches may keep of an answer.
#[track_caller]
fn expect_kept(answer: &Response) {
    let lifetime = "public, max-age=5, stale-while-revalidate=30";
    assert_eq!(answer.header("cache-control"), Some(lifetime));
    for name in ["origin", "authorization"] {
        assert!(answer.lists("vary", name), "{name}");
    }
    assert_eq!(answer.headers().get_all("vary").iter().count(), 1);
}

#[track_caller]
fn expect_not_kept(answer: &Response) {
    let caching = answer.header("cache-control").unwrap_or_default();
    let allowed = ["no-store", "private, no-cache"];
    assert!(allowed.contains(&caching), "{caching}");
}

#[test]
fn caches_may_keep_what_everyone_sees() {
    let shop = Shop::shared();
    let accounts = [shop.customer(), shop.admin()];
    let product = format!("/api/v1/products/{}", shop.product(1, 5));
    for path in [&*product, "/api/v1/products", "/api/v1/products?q=tea"] {
        for method in ["GET", "HEAD"] {
            let asked = shop.nobody().request(method, path);
            expect_kept(&asked.expect(200));
            for account in &accounts {
                expect_not_kept(&account.request(method, path).expect(200));
            }
        }
    }
    let tag = shop
        .nobody()
        .get(&product)
        .expect(200)
        .expect_header("etag");
    let known = shop.nobody().get(&product).header("if-none-match", &tag);
    expect_kept(&known.expect(304));
}

#[test]
fn caches_must_not_keep_refusals_nor_what_admins_see() {
    let shop = Shop::shared();
    let product = format!("/api/v1/products/{}", shop.product(1, 5));
    let unknown = format!("/api/v1/products/{}", unknown_id());
    let nobody = shop.nobody();
    let other = nobody.get(&product).header("if-match", "\"77\"");
    for refused in [
        nobody.get(&unknown).expect(404),
        nobody.get("/api/v1/products?limit=0").expect(400),
        nobody.get("/api/v1/products/stats").expect(401),
        nobody.request("PUT", "/api/v1/products").expect(405),
        other.expect(412),
    ] {
        assert_eq!(refused.header("cache-control"), Some("no-store"));
    }
    expect_not_kept(&shop.admin().get("/api/v1/products/stats").expect(200));
}
