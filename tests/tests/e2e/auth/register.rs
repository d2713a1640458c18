use mercato_tests::{
    Response,
    forge::Token,
    shop::{PASSWORD, Shop, unique_email},
};
use serde_json::{Value, json};

fn register(body: &Value) -> Response {
    Shop::shared()
        .nobody()
        .post("/api/v1/auth/register")
        .json(body)
        .send()
}

fn with(field: &str, value: impl Into<Value>) -> Value {
    let mut body = json!({ "name": "Ada", "email": unique_email(), "password": PASSWORD });
    body[field] = value.into();
    body
}

#[test]
fn a_new_customer_gets_an_account_and_a_session() {
    let email = unique_email();
    let body =
        json!({ "name": "  Ada Lovelace ", "email": email.to_uppercase(), "password": PASSWORD });
    let session = register(&body).expect(201).json();
    let user = &session["user"];
    assert_eq!(user["name"], "Ada Lovelace", "trimmed");
    assert_eq!(user["email"], email, "lower-cased");
    assert_eq!(user["role"], "customer");
    assert_eq!(user["id"].as_str().map(str::len), Some(36));
    assert_eq!(session["tokenType"], "Bearer");
    assert_eq!(session["token"], session["accessToken"]);
    assert!(
        session["expiresIn"]
            .as_u64()
            .is_some_and(|seconds| seconds > 0)
    );
    assert!(
        session["refreshToken"]
            .as_str()
            .is_some_and(|token| token.len() >= 32)
    );
}

#[test]
fn the_token_says_whose_it_is_and_how_long() {
    let session = register(&with("name", "Ada")).expect(201).json();
    let token = Token::parse(session["accessToken"].as_str().expect("a token"));
    assert_eq!(token.header["alg"], "HS256");
    assert!(
        token.header["kid"]
            .as_str()
            .is_some_and(|kid| !kid.is_empty())
    );
    assert_eq!(token.claims["sub"], session["user"]["id"]);
    assert_eq!(token.claims["role"], "customer");
    for claim in ["iss", "aud", "jti"] {
        assert!(
            token.claims[claim]
                .as_str()
                .is_some_and(|text| !text.is_empty()),
            "{claim}"
        );
    }
    let seconds = |claim: &str| token.claims[claim].as_u64().expect("seconds");
    assert_eq!(
        Some(seconds("exp") - seconds("iat")),
        session["expiresIn"].as_u64()
    );
}

#[test]
fn no_answer_shows_a_password_or_its_hash() {
    let answer = register(&with("name", "Ada")).expect(201);
    let text = answer.text();
    assert!(
        !text.contains(PASSWORD) && !text.contains("$2") && !text.to_lowercase().contains("hash"),
        "{text}"
    );
}

#[test]
fn an_address_has_one_account_whatever_its_capitals() {
    let first = with("name", "Ada");
    register(&first).expect(201);
    register(&first).expect_problem(409, "email-taken");
    let email = first["email"].as_str().expect("an address").to_uppercase();
    register(&with("email", email)).expect_problem(409, "email-taken");
}

#[test]
fn nobody_becomes_an_admin_by_registering() {
    register(&with("role", "admin")).expect_invalid(&[("role", "unknown")]);
    register(&with("isAdmin", true)).expect_invalid(&[("isAdmin", "unknown")]);
}

#[test]
fn every_missing_field_is_named() {
    let required = [
        ("name", "required"),
        ("email", "required"),
        ("password", "required"),
    ];
    register(&json!({})).expect_invalid(&required);
}

#[test]
fn every_field_of_the_wrong_type_is_named() {
    let body = json!({ "name": 7, "email": null, "password": ["a"], "x": {} });
    register(&body).expect_invalid(&[
        ("name", "type"),
        ("email", "type"),
        ("password", "type"),
        ("x", "unknown"),
    ]);
}

#[test]
fn a_name_has_1_to_200_characters_and_no_control_characters() {
    for (name, code) in [
        (String::new(), "required"),
        (" \t ".to_owned(), "required"),
        ("é".repeat(201), "max"),
        ("a\u{0}b".to_owned(), "control-characters"),
        ("two\nlines".to_owned(), "control-characters"),
    ] {
        register(&with("name", name)).expect_invalid(&[("name", code)]);
    }
    register(&with("name", "é".repeat(200))).expect(201);
    register(&with("name", "Робинзон 👩‍🚀 O'Neill; DROP TABLE accounts;--")).expect(201);
}

#[test]
fn an_address_must_be_one() {
    for email in [
        "",
        "ada",
        "ada@",
        "@example.com",
        "ada@localhost",
        "a b@example.com",
        "a@b@example.com",
    ] {
        let problem = register(&with("email", email)).expect_problem(400, "validation");
        assert_eq!(problem["errors"][0]["field"], "email", "{problem}");
    }
    let too_long = format!("a@{}com", "b.".repeat(126));
    register(&with("email", too_long)).expect_invalid(&[("email", "max")]);
}

#[test]
fn a_password_follows_the_rules() {
    for (password, code) in [
        ("", "required"),
        ("Abcde1!", "min"),
        ("abcdefg1!", "weak"),
        ("ABCDEFG1!", "weak"),
        ("Abcdefgh!", "weak"),
        ("Abcdefgh1", "weak"),
        ("Abcdef1!\n", "control-characters"),
    ] {
        register(&with("password", password)).expect_invalid(&[("password", code)]);
    }
    let limit = format!("Aa1!{}", "x".repeat(68));
    register(&with("password", limit.clone())).expect(201);
    let text = register(&with("password", format!("{limit}x")))
        .expect_invalid(&[("password", "max")])
        .to_string();
    assert!(!text.contains(&limit), "never shown");
}

#[test]
fn what_is_no_text_is_refused_and_odd_text_is_kept_as_it_is() {
    let nobody = Shop::shared().nobody();
    let post = |name: &[u8]| {
        let (head, tail) = (
            br#"{"name":""#,
            format!(
                r#"","email":"{}","password":"{PASSWORD}"}}"#,
                unique_email()
            ),
        );
        let body = [head, name, tail.as_bytes()].concat();
        nobody
            .post("/api/v1/auth/register")
            .body("application/json", body)
            .send()
    };
    for half in ["\\ud83d", "\\udc69", "\\udc69\\ud83d"] {
        post(half.as_bytes()).expect_invalid(&[("name", "type")]);
    }
    post(b"\\u0000").expect_invalid(&[("name", "control-characters")]);
    post(b"\\u009f").expect_invalid(&[("name", "control-characters")]);
    post(b"\xff\xfe").expect_problem(400, "malformed-json");
    let session = post("\\ud83d\\udc69\u{a0}".as_bytes()).expect(201).json();
    assert_eq!(session["user"]["name"], "\u{1f469}");
    let long = "x".repeat(60_000);
    post(long.as_bytes()).expect_invalid(&[("name", "max")]);
}

#[test]
fn an_address_is_what_mail_can_reach_from_everywhere() {
    let unique = unique_email();
    let local = unique.split('@').next().expect("a local part");
    for email in [
        format!("{local}+shop@example.com"),
        format!("o'neill.{local}@example.co.uk"),
        format!("{local}@xn--bcher-kva.example"),
        format!("\t{local}@example.com\n"),
    ] {
        register(&with("email", email)).expect(201);
    }
    for email in [
        format!("\"{local}\"@example.com"),
        format!("{local}@bücher"),
        format!("ü{local}@example.com"),
        format!("{local}@[127.0.0.1]"),
        format!("{local}@127.0.0.1"),
        format!("{local}@example.com."),
        format!("{local}@example..com"),
        format!(".{local}@example.com"),
        format!("{local}@example.com, other@example.com"),
        format!("{}@example.com", "x".repeat(65)),
    ] {
        register(&with("email", &*email)).expect_invalid(&[("email", "format")]);
    }
    register(&with("email", format!("{local}\0@example.com")))
        .expect_invalid(&[("email", "control-characters")]);
}

#[test]
fn a_password_may_have_letters_of_any_script_and_is_not_trimmed() {
    let nobody = Shop::shared().nobody();
    for password in ["Пароль-12", " Abcdef1 ", "Ä ö 1 é x"] {
        let body = with("password", password);
        register(&body).expect(201);
        let log_in = |password: &str| {
            let body = json!({ "email": body["email"], "password": password });
            nobody.post("/api/v1/auth/login").json(&body).send()
        };
        log_in(password).expect(200);
        log_in(&format!("{password} ")).expect_problem(401, "invalid-credentials");
    }
}

#[test]
fn what_is_missing_unknown_and_against_a_rule_is_named_at_once() {
    let body = json!({ "email": "nobody", "password": "short", "role": "admin" });
    Shop::shared()
        .nobody()
        .post("/api/v1/auth/register")
        .json(&body)
        .expect_invalid(&[
            ("name", "required"),
            ("role", "unknown"),
            ("email", "format"),
            ("password", "min"),
        ]);
}

#[test]
fn a_domain_of_any_script_is_one_address() {
    let shop = Shop::shared();
    let local = unique_email().replace("@customers.test", "");
    let address = |domain: &str| format!("{local}@{domain}");
    let session = register(&with("email", address("B\u{fc}cher.example")))
        .expect(201)
        .json();
    assert_eq!(session["user"]["email"], address("xn--bcher-kva.example"));
    for domain in [
        "bu\u{308}cher.example",
        "B\u{dc}CHER.EXAMPLE",
        "xn--bcher-kva.example",
    ] {
        register(&with("email", address(domain))).expect_problem(409, "email-taken");
        shop.log_in(&address(domain), PASSWORD);
    }
    for wrong in [
        "ad\u{e4}@example.com",
        "ada@b\u{fc}cher",
        "ada@-b\u{fc}cher.example",
    ] {
        register(&with("email", wrong)).expect_invalid(&[("email", "format")]);
    }
}

#[test]
fn a_name_of_invisible_characters_is_empty() {
    for name in [
        "\u{200b}",
        "\u{3164}\u{2800}",
        "\u{200f}\u{ad}\u{feff} ",
        "\u{e0041}",
    ] {
        register(&with("name", name)).expect_invalid(&[("name", "required")]);
    }
    register(&with("name", "\u{5d0}\u{200f}")).expect(201);
}
