use mercato_tests::{Request, shop::Shop};

/// Where bodies go, and who may send them.
const DOORS: [(&str, &str); 9] = [
    ("POST", "/api/v1/auth/register"),
    ("POST", "/api/v1/auth/login"),
    ("POST", "/api/v1/auth/refresh"),
    ("POST", "/api/v1/auth/logout"),
    ("PATCH", "/api/v1/auth/me"),
    ("POST", "/api/v1/auth/password"),
    ("POST", "/api/v1/products"),
    ("POST", "/api/v1/orders"),
    ("POST", "/api/v1/payments/session"),
];

const BODY_BYTES_MAX: usize = 1024 * 1024;

fn at_every_door(check: impl Fn(Request<'_>)) {
    let admin = Shop::shared().admin();
    for (method, path) in DOORS {
        check(admin.request(method, path));
    }
}

#[test]
fn a_body_that_is_not_declared_as_json_is_refused() {
    at_every_door(|request| {
        request
            .body("text/plain", "{}")
            .send()
            .expect_problem(415, "unsupported-media-type");
    });
    at_every_door(|request| {
        request
            .body("application/jsonp", "{}")
            .send()
            .expect_problem(415, "unsupported-media-type");
    });
    at_every_door(|request| {
        request.send().expect_problem(415, "unsupported-media-type");
    });
}

#[test]
fn malformed_json_is_refused_with_its_position() {
    at_every_door(|request| {
        let body = "{\"name\": \"a\",\n  oops}";
        let problem = request
            .body("application/json", body)
            .send()
            .expect_problem(400, "malformed-json");
        assert_eq!(
            problem["detail"],
            "the body is not valid JSON at line 2 column 3"
        );
    });
    at_every_door(|request| {
        let problem = request
            .body("application/json", "{\"a\":1")
            .send()
            .expect_problem(400, "malformed-json");
        assert_eq!(
            problem["detail"],
            "the body is not valid JSON at line 1 column 6"
        );
    });
}

#[test]
fn only_an_object_will_do() {
    for body in ["[]", "null", "\"text\"", "7", ""] {
        at_every_door(|request| {
            request
                .body("application/json", body)
                .send()
                .expect_problem(400, "malformed-json");
        });
    }
}

#[test]
fn a_charset_and_capitals_in_the_content_type_do_no_harm() {
    at_every_door(|request| {
        let answer = request
            .body("Application/JSON; charset=UTF-8", "{\"unknownField\":1}")
            .send();
        let problem = answer.expect_problem(400, "validation");
        let errors = problem["errors"].as_array().expect("errors");
        let unknown = errors
            .iter()
            .filter(|error| error["field"] == "unknownField" && error["code"] == "unknown");
        assert_eq!(unknown.count(), 1, "{problem}");
    });
}

#[test]
fn text_that_is_not_utf_8_is_refused() {
    at_every_door(|request| {
        request
            .body("application/json", *b"{\"name\":\"\xff\xfe\"}")
            .send()
            .expect(400);
    });
}

#[test]
fn a_body_over_a_mebibyte_is_refused_and_one_of_a_mebibyte_is_read() {
    at_every_door(|request| {
        let body = vec![b' '; BODY_BYTES_MAX + 1];
        request
            .body("application/json", body)
            .send()
            .expect_problem(413, "payload-too-large");
    });
    at_every_door(|request| {
        let body = vec![b' '; BODY_BYTES_MAX];
        request
            .body("application/json", body)
            .send()
            .expect_problem(400, "malformed-json");
    });
}

#[test]
fn json_that_is_nested_very_deep_is_refused_and_hurts_nobody() {
    at_every_door(|request| {
        let depth = 200_000;
        let body = format!("{{\"name\":{}{}}}", "[".repeat(depth), "]".repeat(depth));
        request.body("application/json", body).send().expect(400);
    });
    Shop::shared()
        .nobody()
        .get("/api/health/ready")
        .send()
        .expect(200);
}

#[test]
fn a_position_counts_characters() {
    at_every_door(|request| {
        let body = "{\n\"é日🍵\": oops}";
        let problem = request.body("application/json", body).send();
        let problem = problem.expect_problem(400, "malformed-json");
        assert_eq!(
            problem["detail"],
            "the body is not valid JSON at line 2 column 8"
        );
    });
}

#[test]
fn a_member_given_twice_is_refused() {
    at_every_door(|request| {
        let body = "{\"name\":\"a\",\"name\":\"b\"}";
        let problem = request.body("application/json", body).send();
        let problem = problem.expect_problem(400, "validation");
        let errors = problem["errors"].as_array().expect("errors");
        let is_repeated =
            |error: &&serde_json::Value| error["field"] == "name" && error["code"] == "repeated";
        assert_eq!(errors.iter().filter(is_repeated).count(), 1, "{problem}");
    });
}

#[test]
fn what_only_looks_like_json_is_refused() {
    for body in [
        "\u{feff}{}",
        "{} {}",
        "{}x",
        "{\"a\":NaN}",
        "{\"a\":Infinity}",
        "{\"a\":01}",
        "{\"a\":+1}",
        "{\"a\":.5}",
        "{'a':1}",
        "{\"a\":1,}",
        "{\"a\":\"\t\"}",
        "{\"\\ud800\":1}",
        "// {}\n{}",
    ] {
        at_every_door(|request| {
            let answer = request.body("application/json", body).send();
            answer.expect_problem(400, "malformed-json");
        });
    }
}

#[test]
fn text_and_numbers_that_cannot_be_are_refused_by_name() {
    let admin = Shop::shared().admin();
    for (field, value) in [
        ("name", "\"\\ud800\""),
        ("price", "1e400"),
        ("price", "-1e-400"),
        ("stock", "1e400"),
        ("stock", "18446744073709551616"),
    ] {
        let body = format!("{{\"{field}\":{value}}}");
        let answer = admin
            .post("/api/v1/products")
            .body("application/json", body);
        let problem = answer.send().expect_problem(400, "validation");
        let errors = problem["errors"].as_array().expect("errors");
        assert!(
            errors
                .iter()
                .any(|error| error["field"] == field && error["code"] != "required"),
            "{problem}"
        );
    }
}
