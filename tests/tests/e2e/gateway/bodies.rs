use mercato_tests::{Request, shop::Shop};
use serde_json::Value;

const JSON: &str = "application/json";

/// Where bodies go, and who may send them.
const DOORS: [(&str, &str); 10] = [
    ("POST", "/api/v1/auth/register"),
    ("POST", "/api/v1/auth/login"),
    ("POST", "/api/v1/auth/refresh"),
    ("POST", "/api/v1/auth/logout"),
    ("PATCH", "/api/v1/auth/me"),
    ("PUT", "/api/v1/auth/me/addresses"),
    ("POST", "/api/v1/auth/password"),
    ("POST", "/api/v1/products"),
    ("POST", "/api/v1/orders"),
    ("POST", "/api/v1/payments/session"),
];

const BODY_BYTES_MAX: usize = 64 * 1024;

fn at_every_door(check: impl Fn(Request<'_>)) {
    let admin = Shop::shared().admin();
    for (method, path) in DOORS {
        check(admin.request(method, path));
    }
}

/// Every door answers a body of that type with this problem.
fn expect_everywhere(content_type: &str, body: &[u8], status: u16, code: &str) {
    at_every_door(|request| {
        request
            .body(content_type, body)
            .expect_problem(status, code);
    });
}

fn expect_malformed(body: &str) {
    expect_everywhere(JSON, body.as_bytes(), 400, "malformed-json");
}

#[track_caller]
fn expect_malformed_at(body: &str, line: u32, column: u32) {
    let expected = format!("the body is not valid JSON at line {line} column {column}");
    at_every_door(|request| {
        let request = request.body(JSON, body);
        let problem = request.expect_problem(400, "malformed-json");
        assert_eq!(problem["detail"], expected);
    });
}

/// How many errors of a problem name that field with that code.
fn count_of(problem: &Value, field: &str, code: &str) -> usize {
    let errors = problem["errors"].as_array().expect("errors");
    let is_it = |error: &&Value| error["field"] == field && error["code"] == code;
    errors.iter().filter(is_it).count()
}

#[test]
fn a_body_that_is_not_declared_as_json_is_refused() {
    for content_type in ["text/plain", "application/jsonp"] {
        expect_everywhere(content_type, b"{}", 415, "unsupported-media-type");
    }
    at_every_door(|request| {
        request.expect_problem(415, "unsupported-media-type");
    });
}

#[test]
fn malformed_json_is_refused_with_its_position() {
    expect_malformed_at("{\"name\": \"a\",\n  oops}", 2, 3);
    expect_malformed_at("{\"a\":1", 1, 6);
}

#[test]
fn only_an_object_will_do() {
    for body in ["[]", "null", "\"text\"", "7", ""] {
        expect_malformed(body);
    }
}

#[test]
fn a_charset_and_capitals_in_the_content_type_do_no_harm() {
    at_every_door(|request| {
        let request = request.body("Application/JSON; charset=UTF-8", "{\"unknownField\":1}");
        let problem = request.expect_problem(400, "validation");
        assert_eq!(
            count_of(&problem, "unknownField", "unknown"),
            1,
            "{problem}"
        );
    });
}

#[test]
fn text_that_is_not_utf_8_is_refused() {
    at_every_door(|request| {
        request.body(JSON, *b"{\"name\":\"\xff\xfe\"}").expect(400);
    });
}

#[test]
fn a_body_over_its_limit_is_refused_and_one_of_it_is_read() {
    let body = [b' '; BODY_BYTES_MAX + 1];
    expect_everywhere(JSON, &body, 413, "payload-too-large");
    expect_everywhere(JSON, &body[1..], 400, "malformed-json");
}

#[test]
fn a_webhook_may_be_longer_than_other_bodies() {
    const EVENT_BYTES_MAX: usize = 256 * 1024;
    let send = |bytes| {
        let event = Shop::shared().nobody().post("/api/v1/payments/webhook");
        event.body(JSON, vec![b' '; bytes]).send()
    };
    send(EVENT_BYTES_MAX).expect_problem(400, "invalid-signature");
    let problem = send(EVENT_BYTES_MAX + 1).expect_problem(413, "payload-too-large");
    let detail = problem["detail"].as_str().expect("a detail");
    assert!(detail.contains(&EVENT_BYTES_MAX.to_string()), "{detail}");
}

#[test]
fn answers_to_bad_bodies_stay_short() {
    const ANSWER_BYTES_MAX: usize = 64 * 1024;
    const LISTED_MAX: usize = 50;
    let members = |count: usize| {
        let members: Vec<String> = (0..count).map(|n| format!("\"\\u0001{n}\":1")).collect();
        format!("{{{}}}", members.join(","))
    };
    let list =
        |entry: &str, count: usize| format!("{{\"items\":[{}]}}", vec![entry; count].join(","));
    let long = |text: &str| {
        format!(
            "{{\"name\":{text},\"price\":{text},\"{}\":1}}",
            "x".repeat(20_000)
        )
    };
    for body in [
        list("{}", 20_000),
        list("[]", 20_000),
        list("{}", 100),
        list(&members(5), 100),
        members(100),
        members(4_000),
        long(&"9".repeat(20_000)),
        long(&format!("\"{}\"", "y".repeat(20_000))),
        format!("{{\"items\":[{}]}}", members(4_000)),
    ] {
        at_every_door(|request| {
            let answer = request.body(JSON, body.as_str()).send();
            assert!(
                answer.text().len() <= ANSWER_BYTES_MAX,
                "{}",
                answer.text().len()
            );
            let problem = answer.expect_problem(400, "validation");
            let errors = problem["errors"].as_array().expect("errors");
            assert!(errors.len() <= LISTED_MAX, "{problem}");
            if let Some(total) = problem["errorsTotal"].as_u64() {
                assert!(errors.len() == LISTED_MAX && total > LISTED_MAX as u64);
            }
        });
    }
}

#[test]
fn json_that_is_nested_very_deep_is_refused_and_hurts_nobody() {
    at_every_door(|request| {
        let depth = 30_000;
        let body = format!("{{\"name\":{}{}}}", "[".repeat(depth), "]".repeat(depth));
        request.body(JSON, body).expect(400);
    });
    Shop::shared().nobody().get("/api/health/ready").expect(200);
}

#[test]
fn a_position_counts_characters() {
    expect_malformed_at("{\n\"é日🍵\": oops}", 2, 8);
}

#[test]
fn a_member_given_twice_is_refused() {
    at_every_door(|request| {
        let request = request.body(JSON, "{\"name\":\"a\",\"name\":\"b\"}");
        let problem = request.expect_problem(400, "validation");
        assert_eq!(count_of(&problem, "name", "repeated"), 1, "{problem}");
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
        expect_malformed(body);
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
        let answer = admin.post("/api/v1/products").body(JSON, body);
        let problem = answer.expect_problem(400, "validation");
        let errors = problem["errors"].as_array().expect("errors");
        assert!(
            errors
                .iter()
                .any(|error| error["field"] == field && error["code"] != "required"),
            "{problem}"
        );
    }
}
