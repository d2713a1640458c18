use hmac::{Hmac, Mac};
use mercato_kernel::Named as _;
use proptest::prelude::*;
use serde_json::{Value, json};
use sha2::{Sha256, Sha512};

use super::*;

const SECRET: &str = "a secret of forty bytes, for tests only.";
const OTHER_SECRET: &str = "another secret of forty bytes, for tests";
const NOW: u64 = 1_800_000_000;
const LIFETIME: u64 = 900;
const USER: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

#[test]
fn a_role_has_one_name_for_all_who_read_it() {
    assert!(mercato_kernel::named::is_written_by_name::<Role>());
}

fn ring() -> KeyRing {
    KeyRing::new(SECRET, "").unwrap()
}

fn claims() -> Claims {
    Claims::new(USER, Role::Customer, "token-1".to_owned(), NOW, LIFETIME)
}

fn base64url(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let word = chunk
            .iter()
            .fold(0_u32, |word, byte| word << 8 | u32::from(*byte))
            << (8 * (3 - chunk.len()));
        for digit in 0..=chunk.len() {
            text.push(char::from(
                ALPHABET[(word >> (18 - 6 * digit) & 63) as usize],
            ));
        }
    }
    text
}

/// A token made without the library: exactly this header and payload, signed with HMAC-SHA-256.
fn forge(secret: &str, header: &Value, payload: &Value) -> String {
    let message = format!(
        "{}.{}",
        base64url(header.to_string().as_bytes()),
        base64url(payload.to_string().as_bytes())
    );
    let mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes())
        .unwrap()
        .chain_update(&message)
        .finalize();
    format!("{message}.{}", base64url(&mac.into_bytes()))
}

fn kid(ring: &KeyRing) -> String {
    let token = ring.sign(&claims()).unwrap();
    jsonwebtoken::decode_header(token).unwrap().kid.unwrap()
}

fn header() -> Value {
    json!({"typ": "JWT", "alg": "HS256", "kid": kid(&ring())})
}

fn payload() -> Value {
    serde_json::to_value(claims()).unwrap()
}

fn with(mut object: Value, name: &str, value: Value) -> Value {
    object[name] = value;
    object
}

fn without(mut object: Value, name: &str) -> Value {
    object.as_object_mut().unwrap().remove(name).unwrap();
    object
}

#[test]
fn a_signed_token_is_verified_until_the_second_it_ends() {
    let token = ring().sign(&claims()).unwrap();
    assert_eq!(ring().verify(&token, NOW), Ok(claims()));
    assert_eq!(ring().verify(&token, NOW + LIFETIME - 1), Ok(claims()));
    assert_eq!(
        ring().verify(&token, NOW + LIFETIME),
        Err(VerifyError::Expired)
    );
}

#[test]
fn a_token_made_by_hand_from_the_rfcs_is_accepted() {
    assert_eq!(
        ring().verify(&forge(SECRET, &header(), &payload()), NOW),
        Ok(claims())
    );
}

#[test]
fn a_token_without_a_signature_is_refused() {
    let unsigned = format!(
        "{}.{}.",
        base64url(with(header(), "alg", json!("none")).to_string().as_bytes()),
        base64url(payload().to_string().as_bytes())
    );
    assert_eq!(ring().verify(&unsigned, NOW), Err(VerifyError::Malformed));
    for name in ["none", "None", "NONE", "", "hs256"] {
        let token = forge(SECRET, &with(header(), "alg", json!(name)), &payload());
        assert_eq!(
            ring().verify(&token, NOW),
            Err(VerifyError::Malformed),
            "{name}"
        );
    }
    let token = ring().sign(&claims()).unwrap();
    let (message, _) = token.rsplit_once('.').unwrap();
    assert_eq!(
        ring().verify(&format!("{message}."), NOW),
        Err(VerifyError::BadSignature)
    );
}

#[test]
fn another_algorithm_is_refused_even_with_the_right_secret() {
    for name in ["HS384", "HS512", "RS256", "PS256", "ES256", "EdDSA"] {
        let token = forge(SECRET, &with(header(), "alg", json!(name)), &payload());
        assert_eq!(
            ring().verify(&token, NOW),
            Err(VerifyError::Malformed),
            "{name}"
        );
    }
    let head = base64url(with(header(), "alg", json!("HS512")).to_string().as_bytes());
    let message = format!("{head}.{}", base64url(payload().to_string().as_bytes()));
    let mac = Hmac::<Sha512>::new_from_slice(SECRET.as_bytes())
        .unwrap()
        .chain_update(&message)
        .finalize();
    let token = format!("{message}.{}", base64url(&mac.into_bytes()));
    assert_eq!(ring().verify(&token, NOW), Err(VerifyError::Malformed));
}

#[test]
fn the_library_has_no_other_algorithm_to_sign_with() {
    let _installs_the_provider = ring();
    let key = jsonwebtoken::EncodingKey::from_secret(SECRET.as_bytes());
    let header = jsonwebtoken::Header::new(jsonwebtoken::Algorithm::HS512);
    assert!(jsonwebtoken::encode(&header, &claims(), &key).is_err());
}

#[test]
fn a_wrong_key_is_refused() {
    let forged = forge(OTHER_SECRET, &header(), &payload());
    assert_eq!(ring().verify(&forged, NOW), Err(VerifyError::BadSignature));
    let foreign = KeyRing::new(OTHER_SECRET, "")
        .unwrap()
        .sign(&claims())
        .unwrap();
    assert_eq!(
        ring().verify(&foreign, NOW),
        Err(VerifyError::Malformed),
        "its kid is unknown"
    );
}

#[test]
fn a_token_must_name_a_key_of_the_ring() {
    for head in [
        without(header(), "kid"),
        with(header(), "kid", json!("")),
        with(header(), "kid", json!("../../dev/null")),
        with(header(), "kid", json!(7)),
        with(header(), "crit", json!(["exp"])),
    ] {
        assert_eq!(
            ring().verify(&forge(SECRET, &head, &payload()), NOW),
            Err(VerifyError::Malformed),
            "{head}"
        );
    }
}

#[test]
fn another_issuer_or_audience_is_refused() {
    for (claim, value) in [
        ("iss", "somebody"),
        ("iss", ""),
        ("aud", "another-api"),
        ("aud", ""),
    ] {
        let token = forge(SECRET, &header(), &with(payload(), claim, json!(value)));
        assert_eq!(
            ring().verify(&token, NOW),
            Err(VerifyError::WrongAudience),
            "{claim} {value}"
        );
    }
}

#[test]
fn missing_and_misshapen_claims_are_refused() {
    for claim in ["iss", "aud", "sub", "role", "iat", "exp", "jti"] {
        let token = forge(SECRET, &header(), &without(payload(), claim));
        assert_eq!(
            ring().verify(&token, NOW),
            Err(VerifyError::Malformed),
            "without {claim}"
        );
    }
    for (claim, value) in [
        ("exp", json!("1900000000")),
        ("exp", json!(1.9e9)),
        ("exp", json!(-1)),
        ("exp", json!(null)),
        ("role", json!("root")),
        ("role", json!("Admin")),
        ("sub", json!(["a"])),
        ("aud", json!([AUDIENCE])),
    ] {
        let token = forge(SECRET, &header(), &with(payload(), claim, value.clone()));
        assert_eq!(
            ring().verify(&token, NOW),
            Err(VerifyError::Malformed),
            "{claim} {value}"
        );
    }
}

#[test]
fn a_token_from_the_future_is_refused_beyond_clock_skew() {
    let latest = NOW + CLOCK_SKEW_MAX_SECONDS;
    let exp = json!(latest + LIFETIME);
    for claim in ["iat", "nbf"] {
        let from = |at: u64| with(with(payload(), "exp", exp.clone()), claim, json!(at));
        let accepted = ring().verify(&forge(SECRET, &header(), &from(latest)), NOW);
        assert!(accepted.is_ok(), "{claim}");
        let refused = ring().verify(&forge(SECRET, &header(), &from(latest + 1)), NOW);
        assert_eq!(refused, Err(VerifyError::NotYetValid), "{claim}");
        let misshapen = with(payload(), claim, json!("soon"));
        let refused = ring().verify(&forge(SECRET, &header(), &misshapen), NOW);
        assert_eq!(refused, Err(VerifyError::Malformed), "{claim}");
    }
}

#[test]
fn a_claim_given_twice_is_refused() {
    let twice = |json: &Value, member: &str| {
        let text = json.to_string();
        format!("{},{member}}}", text.strip_suffix('}').unwrap())
    };
    let sign = |head: &str, body: &str| {
        let message = format!(
            "{}.{}",
            base64url(head.as_bytes()),
            base64url(body.as_bytes())
        );
        let mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes())
            .unwrap()
            .chain_update(&message)
            .finalize();
        format!("{message}.{}", base64url(&mac.into_bytes()))
    };
    let (head, body) = (header(), payload());
    assert!(
        ring()
            .verify(&sign(&head.to_string(), &body.to_string()), NOW)
            .is_ok()
    );
    for token in [
        sign(&twice(&head, r#""alg":"none""#), &body.to_string()),
        sign(&head.to_string(), &twice(&body, r#""role":"admin""#)),
        sign(&head.to_string(), &twice(&body, r#""exp":9999999999"#)),
    ] {
        assert_eq!(ring().verify(&token, NOW), Err(VerifyError::Malformed));
    }
}

/// A valid token with one to four characters replaced, put in or taken out, which is another text then.
fn mutated_token() -> impl Strategy<Value = String> {
    let edit = (any::<prop::sample::Index>(), 0..3, prop::char::any());
    prop::collection::vec(edit, 1..=4)
        .prop_map(|edits| {
            let mut token: Vec<char> = ring().sign(&claims()).unwrap().chars().collect();
            for (at, kind, character) in edits {
                let at = at.index(token.len());
                match kind {
                    0 => token[at] = character,
                    1 => token.insert(at, character),
                    _ => drop(token.remove(at)),
                }
            }
            token.into_iter().collect::<String>()
        })
        .prop_filter("is another token", |token| {
            *token != ring().sign(&claims()).unwrap()
        })
}

/// As [`mutated_token`], with characters that tokens are made of.
fn plausibly_mutated_token() -> impl Strategy<Value = String> {
    (any::<prop::sample::Index>(), "[A-Za-z0-9_.=-]")
        .prop_map(|(at, character)| {
            let mut token = ring().sign(&claims()).unwrap();
            let at = at.index(token.len());
            token.replace_range(at..=at, &character);
            token
        })
        .prop_filter("is another token", |token| {
            *token != ring().sign(&claims()).unwrap()
        })
}

proptest! {
    #[test]
    fn no_mutation_of_a_valid_token_is_accepted(token in mutated_token()) {
        prop_assert!(ring().verify(&token, NOW).is_err());
    }

    #[test]
    fn no_other_character_of_the_alphabet_is_accepted(token in plausibly_mutated_token()) {
        prop_assert!(ring().verify(&token, NOW).is_err());
    }

    #[test]
    fn no_text_is_a_token(text in any::<String>()) {
        prop_assert!(ring().verify(&text, NOW).is_err());
    }

    #[test]
    fn no_three_parts_are_a_token(text in "[A-Za-z0-9_-]{0,80}\\.[A-Za-z0-9_-]{0,80}\\.[A-Za-z0-9_-]{0,60}") {
        prop_assert!(ring().verify(&text, NOW).is_err());
    }

    #[test]
    fn no_json_in_a_well_signed_token_makes_the_reader_panic(head in "\\PC{0,60}", body in "\\PC{0,60}") {
        let (head, body) = (Value::from(head), Value::from(body));
        prop_assert!(ring().verify(&forge(SECRET, &head, &payload()), NOW).is_err());
        prop_assert!(ring().verify(&forge(SECRET, &header(), &body), NOW).is_err());
    }

    #[test]
    fn every_account_is_read_as_it_was_written(
        user in any::<String>(),
        id in any::<String>(),
        is_admin in any::<bool>(),
        lifetime in 1_u64..1_000_000,
    ) {
        let role = if is_admin { Role::Admin } else { Role::Customer };
        let claims = Claims::new(&user, role, id, NOW, lifetime);
        let token = ring().sign(&claims).unwrap();
        prop_assume!(token.len() <= TOKEN_MAX_BYTES);
        prop_assert_eq!(ring().verify(&token, NOW), Ok(claims));
    }
}

#[test]
fn every_truncation_and_every_changed_character_is_refused() {
    let token = ring().sign(&claims()).unwrap();
    for end in 0..token.len() {
        assert!(ring().verify(&token[..end], NOW).is_err(), "cut at {end}");
    }
    for at in 0..token.len() {
        let mut bytes = token.clone().into_bytes();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        assert!(
            ring()
                .verify(std::str::from_utf8(&bytes).unwrap(), NOW)
                .is_err(),
            "changed at {at}"
        );
    }
}

#[test]
fn what_is_no_token_is_refused() {
    let huge = "a".repeat(TOKEN_MAX_BYTES + 1);
    let token = ring().sign(&claims()).unwrap();
    let padded = format!("{token}=");
    let four_parts = format!("{token}.AAAA");
    for text in [
        "",
        ".",
        "..",
        "...",
        "a.b.c",
        "🦀.🦀.🦀",
        &huge,
        &padded,
        &four_parts,
    ] {
        assert!(ring().verify(text, NOW).is_err(), "{text}");
    }
}

#[test]
fn a_replaced_secret_still_verifies_but_no_longer_signs() {
    let old_token = ring().sign(&claims()).unwrap();
    let rotated = KeyRing::new(OTHER_SECRET, SECRET).unwrap();
    assert_eq!(rotated.verify(&old_token, NOW), Ok(claims()));
    let new_token = rotated.sign(&claims()).unwrap();
    assert_eq!(ring().verify(&new_token, NOW), Err(VerifyError::Malformed));
    assert_eq!(
        KeyRing::new(OTHER_SECRET, "")
            .unwrap()
            .verify(&new_token, NOW),
        Ok(claims())
    );
    assert_ne!(kid(&ring()), kid(&rotated));
}

#[test]
fn a_short_secret_is_refused_by_name_and_never_shown() {
    let short = "only thirty-one bytes, too few.";
    assert_eq!(short.len(), SECRET_MIN_BYTES - 1);
    let error = KeyRing::new(short, "").unwrap_err();
    assert_eq!(
        error,
        KeyError::TooShort {
            variable: "jwt_secret",
            bytes: 31
        }
    );
    assert!(error.to_string().contains("jwt_secret") && !error.to_string().contains(short));
    let error = KeyRing::new(SECRET, short).unwrap_err();
    assert_eq!(
        error,
        KeyError::TooShort {
            variable: "jwt_previous_secret",
            bytes: 31
        }
    );
    assert_eq!(KeyRing::new("", "").unwrap_err(), KeyError::Missing);
    assert!(
        KeyRing::new(&short.replacen('.', "..", 1), "").is_ok(),
        "32 bytes are enough"
    );
}

#[test]
fn the_debug_form_of_a_ring_shows_no_secret() {
    let text = format!("{:?}", KeyRing::new(SECRET, OTHER_SECRET).unwrap());
    assert!(
        text.contains(&kid(&ring())) && !text.contains("forty bytes"),
        "{text}"
    );
}

#[test]
fn roles_are_read_as_they_are_written() {
    for role in [Role::Customer, Role::Admin] {
        assert_eq!(Role::from_name(role.name()), Some(role));
        assert_eq!(serde_json::to_value(role).unwrap(), role.name());
    }
    assert_eq!(Role::from_name("root"), None);
}
