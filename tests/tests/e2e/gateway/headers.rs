use mercato_tests::{Response, shop::Shop};

/// Paths of several components, two of which refuse a client without a token, and one that is not there.
const PATHS: [&str; 5] = [
    "/",
    "/nowhere",
    "/api/v1/products",
    "/api/v1/orders",
    "/api/v1/auth/me",
];

#[track_caller]
fn expect_security_headers(answer: &Response) {
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
        ("referrer-policy", "no-referrer"),
        (
            "strict-transport-security",
            "max-age=31536000; includeSubDomains",
        ),
    ] {
        assert_eq!(answer.header(name), Some(value), "{name}");
    }
    let caching = answer.header("cache-control").unwrap_or_default();
    let shows_to_everyone = answer.lists("vary", "authorization");
    let expected = if shows_to_everyone {
        &["public, max-age=5, stale-while-revalidate=30"][..]
    } else {
        &["no-store", "private, no-cache"]
    };
    assert!(expected.contains(&caching), "{caching}");
    let policy = answer.header("content-security-policy").unwrap_or_default();
    assert!(policy.contains("default-src 'none'"), "{policy}");
    assert_eq!(answer.header("server"), None, "nobody needs to know");
}

#[test]
fn every_answer_has_security_headers_and_a_request_id() {
    let shop = Shop::shared();
    let nobody = shop.nobody();
    let customer = shop.customer();
    for answer in [
        nobody.get("/").send(),
        nobody.get("/nowhere").send(),
        nobody.get("/api/v1/auth/me").send(),
        nobody.get("/api/v1/products").send(),
        nobody.request("PUT", "/api/v1/products").send(),
        nobody.post("/api/v1/orders").send(),
        customer.get("/api/v1/orders").send(),
        customer.get("/api/v1/auth/me").send(),
        customer.get("/api/v1/payments/outbox").send(),
    ] {
        expect_security_headers(&answer);
        let id = answer.header("x-request-id").unwrap_or_default();
        assert_eq!(id.len(), 36, "{id:?}");
    }
}

#[test]
fn a_well_formed_request_id_is_taken_over() {
    let nobody = Shop::shared().nobody();
    for path in PATHS {
        let answer = nobody.get(path).header("x-request-id", "call-1.2_3").send();
        assert_eq!(answer.header("x-request-id"), Some("call-1.2_3"), "{path}");
    }
    let problem = nobody
        .get("/nowhere")
        .header("x-request-id", "call-7")
        .send()
        .json();
    assert_eq!(problem["requestId"], "call-7");
}

#[test]
fn a_request_id_that_could_do_harm_is_replaced() {
    let nobody = Shop::shared().nobody();
    let too_long = "x".repeat(129);
    for wrong in ["a b", "<script>", "\"", "{}", &too_long] {
        let answer = nobody
            .get("/api/v1/products")
            .header("x-request-id", wrong)
            .expect(200);
        assert_eq!(
            answer.header("x-request-id").map(str::len),
            Some(36),
            "{wrong}"
        );
    }
}

#[test]
fn a_page_of_another_origin_may_not_read_unless_configured() {
    let nobody = Shop::shared().nobody();
    let origin = "https://elsewhere.example";
    let answer = nobody
        .get("/api/v1/products")
        .header("origin", origin)
        .expect(200);
    assert_eq!(answer.header("access-control-allow-origin"), None);
    assert_eq!(answer.header("access-control-allow-credentials"), None);
    assert!(answer.lists("vary", "origin"));
}

#[test]
fn every_answer_says_that_it_depends_on_the_origin() {
    let nobody = Shop::shared().nobody();
    for path in PATHS {
        let answer = nobody.get(path).send();
        assert!(answer.lists("vary", "origin"), "{path}");
        // There are caches that look at no second line.
        assert_eq!(answer.headers().get_all("vary").iter().count(), 1);
    }
}

#[test]
fn an_answer_belongs_to_the_trace_of_its_request() {
    let nobody = Shop::shared().nobody();
    let given = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    for path in PATHS {
        let answer = nobody.get(path).header("traceparent", given).send();
        let ours = answer.header("traceparent").unwrap_or_default();
        assert!(
            ours.starts_with("00-0af7651916cd43dd8448eb211c80319c-") && ours.ends_with("-01"),
            "{path}: {ours:?}"
        );
        assert_ne!(ours, given, "{path}");
    }
    for wrong in [
        "",
        "nonsense",
        &given.replace("00-0a", "ff-0a"),
        &given.to_uppercase(),
    ] {
        let answer = nobody.get("/").header("traceparent", wrong).expect(200);
        assert_eq!(answer.header("traceparent"), None, "{wrong}");
    }
}
