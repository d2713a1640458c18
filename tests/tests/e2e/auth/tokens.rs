use mercato_platform::clock::{Clock as _, SystemClock};
use mercato_tests::{
    forge::Token,
    shop::{Shop, jwt_secret},
};
use serde_json::{Value, json};

/// A route of every component that asks for a token.
const DOORS: [&str; 4] = [
    "/api/v1/auth/me",
    "/api/v1/products/stats",
    "/api/v1/orders",
    "/api/v1/payments/outbox",
];

const ENDED: u64 = 1_600_000_000;

fn admin_token() -> Token {
    Token::parse(&Shop::shared().admin().token)
}

#[track_caller]
fn expect_refused(token: &str) {
    for path in DOORS {
        let answer = Shop::shared().nobody().get(path).bearer(token).send();
        let challenge = answer.header("www-authenticate").unwrap_or_default();
        assert_eq!(
            challenge, "Bearer realm=\"mercato\", error=\"invalid_token\"",
            "{path}"
        );
        answer.expect_problem(401, "unauthorized");
    }
}

/// A token with one member of its header or claims changed, and the signature it had.
fn altered(change: impl FnOnce(&mut Token)) -> String {
    let mut token = admin_token();
    change(&mut token);
    token.unsigned()
}

#[test]
fn a_token_of_ours_opens_every_door() {
    let admin = Shop::shared().admin();
    for path in DOORS {
        admin.get(path).expect(200);
    }
    assert_eq!(admin_token().unsigned().matches('.').count(), 2);
}

#[test]
fn an_unsigned_token_is_refused() {
    for algorithm in ["none", "None", "NONE", "nOnE"] {
        let mut token = admin_token();
        token.header["alg"] = json!(algorithm);
        expect_refused(&token.unsigned());
        token.signature.clear();
        expect_refused(&token.unsigned());
    }
    let mut token = admin_token();
    token.signature.clear();
    expect_refused(&token.unsigned());
}

#[test]
fn another_algorithm_is_refused() {
    for algorithm in ["HS384", "HS512", "RS256", "ES256", "EdDSA", "", "hs256"] {
        expect_refused(&altered(|token| token.header["alg"] = json!(algorithm)));
    }
    expect_refused(&altered(|token| token.header["alg"] = Value::Null));
}

#[test]
fn an_altered_claim_is_refused() {
    let customer = Shop::shared().customer();
    let mut promoted = Token::parse(&customer.token);
    promoted.claims["role"] = json!("admin");
    expect_refused(&promoted.unsigned());
    expect_refused(&altered(|token| token.claims["sub"] = json!(customer.id)));
    expect_refused(&altered(|token| token.claims["exp"] = json!(u32::MAX)));
    expect_refused(&altered(|token| token.claims["extra"] = json!(1)));
}

#[test]
fn a_token_signed_with_another_secret_is_refused() {
    for secret in ["", "secret", "changeme", "0123456789abcdef0123456789abcdef"] {
        expect_refused(&admin_token().signed(secret));
    }
}

#[test]
fn an_unknown_key_id_is_refused() {
    for kid in [
        json!("other"),
        json!("../../etc/passwd"),
        json!("' OR 1=1 --"),
        json!(7),
        Value::Null,
    ] {
        expect_refused(&altered(|token| token.header["kid"] = kid));
    }
}

#[test]
fn what_is_no_token_is_refused() {
    let token = Shop::shared().admin().token;
    let too_long = format!("{token}{}", "A".repeat(5_000));
    for text in [
        "x",
        "a.b",
        "a.b.c",
        "....",
        "e30.e30.",
        &token[1..],
        &token[..token.len() - 2],
        &too_long,
    ] {
        expect_refused(text);
    }
}

#[test]
fn only_the_bearer_scheme_is_known() {
    let shop = Shop::shared();
    let token = shop.admin().token;
    for value in [
        format!("Basic {token}"),
        token.clone(),
        format!("Token {token}"),
        "Bearer".to_owned(),
    ] {
        shop.nobody()
            .get("/api/v1/auth/me")
            .header("authorization", &value)
            .expect_problem(401, "unauthorized");
    }
    shop.nobody()
        .get("/api/v1/auth/me")
        .bearer(&token)
        .bearer(&token)
        .expect_problem(401, "unauthorized");
    let scheme = format!("bearer {token}");
    shop.nobody()
        .get("/api/v1/auth/me")
        .header("authorization", &scheme)
        .expect(200);
}

#[test]
fn a_well_signed_token_with_other_claims_is_refused() {
    let Some(secret) = jwt_secret() else { return };
    let with = |claim: &str, value: Value| {
        let mut token = admin_token();
        token.claims[claim] = value;
        token.signed(&secret)
    };
    let customer = Shop::shared().customer();
    let now = SystemClock.now_ms() / 1_000;
    for path in ["/api/v1/auth/users", "/api/v1/products/stats"] {
        Shop::shared()
            .nobody()
            .get(path)
            .bearer(&with("jti", json!("again")))
            .expect(200);
    }
    expect_refused(&with("iss", json!("somebody")));
    expect_refused(&with("aud", json!("another-api")));
    expect_refused(&with("exp", json!(ENDED)));
    expect_refused(&with("exp", json!(now - 1)));
    expect_refused(&with("exp", json!(-1)));
    expect_refused(&with("iat", json!(now + 3_600)));
    expect_refused(&with("nbf", json!(now + 3_600)));
    expect_refused(&with("aud", json!(["mercato-api"])));
    expect_refused(&with("role", json!("root")));
    expect_refused(&with("role", Value::Null));
    expect_refused(&with("sub", Value::Null));
    let missing = ["iss", "aud", "exp", "iat", "sub", "role", "jti"].map(|claim| {
        let mut token = Token::parse(&customer.token);
        token.claims.as_object_mut().expect("claims").remove(claim);
        token.signed(&secret)
    });
    missing.iter().for_each(|token| expect_refused(token));
}

#[test]
fn a_well_signed_token_with_another_header_is_refused() {
    let Some(secret) = jwt_secret() else { return };
    let with = |member: &str, value: Value| {
        let mut token = admin_token();
        token.header[member] = value;
        token.signed(&secret)
    };
    for algorithm in ["none", "HS384", "HS512", "RS256", "ES256"] {
        expect_refused(&with("alg", json!(algorithm)));
    }
    expect_refused(&with("kid", json!("other")));
    expect_refused(&with("kid", Value::Null));
    expect_refused(&with("crit", json!(["exp"])));
    for missing in ["alg", "kid"] {
        let mut token = admin_token();
        let header = token.header.as_object_mut().expect("a header");
        header.remove(missing);
        expect_refused(&token.signed(&secret));
    }
    let token = admin_token().signed(&secret);
    for text in [
        format!("{token}."),
        format!("{token}.e30"),
        format!(".{token}"),
        format!("{token}="),
    ] {
        expect_refused(&text);
    }
}

#[test]
fn a_bad_token_is_refused_even_where_none_is_needed() {
    let nobody = Shop::shared().nobody();
    nobody
        .get("/api/v1/products")
        .bearer("a.b.c")
        .expect_problem(401, "unauthorized");
}
