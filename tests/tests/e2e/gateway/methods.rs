use mercato_tests::shop::{Shop, unknown_id};

#[track_caller]
fn methods(list: &str) -> Vec<&str> {
    let mut methods: Vec<&str> = list.split(',').map(str::trim).collect();
    methods.sort_unstable();
    methods
}

#[test]
fn a_wrong_method_is_answered_with_the_right_ones() {
    let shop = Shop::shared();
    let id = unknown_id();
    for (method, path, allowed) in [
        ("POST", "/".to_owned(), "GET, HEAD, OPTIONS"),
        (
            "DELETE",
            "/api/health/live".to_owned(),
            "GET, HEAD, OPTIONS",
        ),
        ("POST", "/api/health/ready".to_owned(), "GET, HEAD, OPTIONS"),
        ("GET", "/api/v1/auth/register".to_owned(), "OPTIONS, POST"),
        ("GET", "/api/v1/auth/login".to_owned(), "OPTIONS, POST"),
        ("DELETE", "/api/v1/auth/refresh".to_owned(), "OPTIONS, POST"),
        (
            "PUT",
            "/api/v1/auth/me".to_owned(),
            "GET, HEAD, OPTIONS, PATCH",
        ),
        (
            "PATCH",
            "/api/v1/auth/me/addresses".to_owned(),
            "GET, HEAD, OPTIONS, PUT",
        ),
        (
            "POST",
            "/api/v1/auth/users".to_owned(),
            "GET, HEAD, OPTIONS",
        ),
        (
            "PUT",
            format!("/api/v1/auth/users/{id}"),
            "GET, HEAD, OPTIONS, PATCH",
        ),
        (
            "PUT",
            "/api/v1/products".to_owned(),
            "GET, HEAD, OPTIONS, POST",
        ),
        (
            "PUT",
            format!("/api/v1/products/{id}"),
            "DELETE, GET, HEAD, OPTIONS, PATCH",
        ),
        (
            "PATCH",
            "/api/v1/orders".to_owned(),
            "GET, HEAD, OPTIONS, POST",
        ),
        (
            "DELETE",
            format!("/api/v1/orders/id/{id}"),
            "GET, HEAD, OPTIONS",
        ),
        (
            "GET",
            format!("/api/v1/payments/{id}/refund"),
            "OPTIONS, POST",
        ),
        (
            "DELETE",
            "/api/v1/payments/outbox".to_owned(),
            "GET, HEAD, OPTIONS",
        ),
        (
            "TRACE",
            "/api/v1/products".to_owned(),
            "GET, HEAD, OPTIONS, POST",
        ),
        ("PROPFIND", "/".to_owned(), "GET, HEAD, OPTIONS"),
        (
            "BREW",
            "/api/v1/auth/me".to_owned(),
            "GET, HEAD, OPTIONS, PATCH",
        ),
        ("get", "/".to_owned(), "GET, HEAD, OPTIONS"),
    ] {
        let answer = shop.admin().request(method, &path).send();
        let found = answer.header("allow").unwrap_or_default().to_owned();
        answer.expect_problem(405, "method-not-allowed");
        assert_eq!(methods(&found), methods(allowed), "{method} {path}");
    }
}

const READY: &str = "/api/health/ready";

#[test]
fn head_answers_as_get_does_without_the_body() {
    let shop = Shop::shared();
    let product = shop.product(1, 1);
    // Of somebody new, so that no other test changes an answer between the two requests.
    let customer = shop.customer();
    for path in [
        "/".to_owned(),
        "/api/health/live".to_owned(),
        READY.to_owned(),
        format!("/api/v1/products/{product}"),
        "/api/v1/products/stats".to_owned(),
        "/api/v1/auth/me".to_owned(),
        "/api/v1/orders/PAID".to_owned(),
        "/api/v1/products/nothing".to_owned(),
        format!("/api/v1/payments/{}", unknown_id()),
    ] {
        let get = customer.get(&path).send();
        let head = customer.request("HEAD", &path).send();
        assert_eq!(head.status(), get.status(), "{path}");
        assert_eq!(head.bytes(), b"", "{path}");
        let mut headers = head.headers().clone();
        for name in ["x-request-id", "date"] {
            assert!(headers.contains_key(name), "{name} {path}");
            let own = get.headers()[name].clone();
            headers.insert(name, own);
        }
        if path == READY {
            // It says how many events are on their way, which payments of other tests change.
            headers.insert("content-length", get.headers()["content-length"].clone());
        }
        assert_eq!(&headers, get.headers(), "{path}");
        let length = get.header("content-length");
        assert_eq!(length, Some(&*get.bytes().len().to_string()), "{path}");
    }
    shop.nobody().request("HEAD", "/nowhere").expect(404);
    shop.nobody().request("HEAD", "/api/v1/auth/me").expect(401);
}

#[test]
fn options_names_the_methods_of_a_path() {
    let nobody = Shop::shared().nobody();
    for (path, allowed) in [
        ("/", "GET, HEAD, OPTIONS"),
        ("/api/v1/products", "GET, HEAD, OPTIONS, POST"),
        ("/api/v1/auth/me", "GET, HEAD, OPTIONS, PATCH"),
        ("/api/v1/orders", "GET, HEAD, OPTIONS, POST"),
        ("/api/v1/payments/session", "OPTIONS, POST"),
        ("/api/v1/orders/stats", "GET, HEAD, OPTIONS"),
        ("/api/v1/payments", "GET, HEAD, OPTIONS"),
        ("/api/v1/orders/PAID", "GET, HEAD, OPTIONS, PATCH"),
    ] {
        let answer = nobody.request("OPTIONS", path).expect(204);
        assert_eq!(
            methods(answer.header("allow").unwrap_or_default()),
            methods(allowed),
            "{path}"
        );
        assert_eq!(answer.bytes(), b"", "{path}");
    }
    nobody
        .request("OPTIONS", "/nowhere")
        .expect_problem(404, "not-found");
}
