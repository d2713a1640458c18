//! The `Stripe-Signature` scheme: `t=SECONDS,v1=HEX[,v1=HEX…]`, where each `v1` is the HMAC-SHA256 (RFC 2104) of
//! `SECONDS.BODY` under the endpoint's signing secret.
//!
//! Source: <https://docs.stripe.com/webhooks#verify-manually>. Pure functions: the caller brings the time.

#![forbid(unsafe_code)]

use std::fmt::Write as _;

use hmac::{Hmac, Mac};
use sha2::Sha256;
use subtle::{Choice, ConstantTimeEq};
use thiserror::Error;

/// How far a signature's time may lie from ours, in either direction.
pub const TOLERANCE_SECONDS: u64 = 5 * 60;

/// Longest header that is looked at.
pub const MAX_HEADER_BYTES: usize = 4096;

/// Most `v1` signatures that are tried; Stripe sends one per active secret, two while a secret is rolled.
pub const MAX_SIGNATURES: usize = 16;

const TAG_BYTES: usize = 32;

type Tag = [u8; TAG_BYTES];

/// Why a webhook is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum SignatureError {
    /// The signing secret is empty: nothing can be signed or verified with it.
    #[error("the signing secret is empty; set one")]
    EmptySecret,
    /// Longer than [`MAX_HEADER_BYTES`], more than [`MAX_SIGNATURES`] signatures, or a part that is not `key=value`.
    #[error("the signature header is not of the form t=SECONDS,v1=HEX")]
    Malformed,
    /// No `t`, two of them, or not a decimal number of seconds.
    #[error("the signature header has no single valid timestamp")]
    NoTimestamp,
    /// No `v1` of 64 hexadecimal digits.
    #[error("the signature header has no v1 signature")]
    NoSignature,
    /// No `v1` fits the body: forged, altered on the way, or made with another secret.
    #[error("no signature fits the body")]
    Mismatch,
    /// Older or newer than [`TOLERANCE_SECONDS`]: a replay, or a clock that is wrong.
    #[error("the signature's time is too far from now")]
    OutsideTolerance,
}

/// The header's value, taken apart. Schemes other than `v1` are skipped, as Stripe asks.
struct Header<'a> {
    /// As written: the digits are part of what is signed.
    timestamp: &'a str,
    seconds: u64,
    tags: Vec<Tag>,
}

/// Signs `body` at `seconds` since the Unix epoch and returns the header's value.
///
/// # Errors
/// [`SignatureError::EmptySecret`].
pub fn sign(secret: &str, seconds: u64, body: &[u8]) -> Result<String, SignatureError> {
    let timestamp = seconds.to_string();
    let tag = tag(secret, &timestamp, body)?;
    let mut header = format!("t={timestamp},v1=");
    for byte in tag {
        // Writing to a String cannot fail.
        let _ = write!(header, "{byte:02x}");
    }
    Ok(header)
}

/// Verifies that `header` signs exactly `body` under `secret`, close enough to `now_seconds` (since the Unix epoch).
/// Every signature is compared in constant time, and all of them are.
///
/// # Errors
/// Any [`SignatureError`]; the body must then not be parsed.
pub fn verify(
    secret: &str,
    header: &str,
    body: &[u8],
    now_seconds: u64,
) -> Result<(), SignatureError> {
    let header = parse(header)?;
    let expected = tag(secret, header.timestamp, body)?;
    let fits = header
        .tags
        .iter()
        .fold(Choice::from(0), |fits, tag| fits | tag.ct_eq(&expected));
    if !bool::from(fits) {
        return Err(SignatureError::Mismatch);
    }
    if now_seconds.abs_diff(header.seconds) > TOLERANCE_SECONDS {
        return Err(SignatureError::OutsideTolerance);
    }
    Ok(())
}

fn parse(value: &str) -> Result<Header<'_>, SignatureError> {
    if value.len() > MAX_HEADER_BYTES {
        return Err(SignatureError::Malformed);
    }
    let mut timestamp = None;
    let mut tags = Vec::new();
    for part in value.split(',') {
        let (key, content) = part
            .trim()
            .split_once('=')
            .ok_or(SignatureError::Malformed)?;
        match key {
            "t" if timestamp.is_some() => return Err(SignatureError::NoTimestamp),
            "t" => timestamp = Some(content),
            "v1" if tags.len() == MAX_SIGNATURES => return Err(SignatureError::Malformed),
            "v1" => tags.extend(decode(content)),
            _ => {}
        }
    }
    let timestamp = timestamp.ok_or(SignatureError::NoTimestamp)?;
    if !timestamp.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(SignatureError::NoTimestamp);
    }
    let seconds = timestamp.parse().map_err(|_| SignatureError::NoTimestamp)?;
    if tags.is_empty() {
        return Err(SignatureError::NoSignature);
    }
    Ok(Header {
        timestamp,
        seconds,
        tags,
    })
}

fn tag(secret: &str, timestamp: &str, body: &[u8]) -> Result<Tag, SignatureError> {
    if secret.is_empty() {
        return Err(SignatureError::EmptySecret);
    }
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes())
        .map_err(|_| SignatureError::EmptySecret)?;
    mac.update(timestamp.as_bytes());
    mac.update(b".");
    mac.update(body);
    Ok(mac.finalize().into_bytes().into())
}

/// The tag behind 64 hexadecimal digits; `None` for anything else.
fn decode(hex: &str) -> Option<Tag> {
    let digits = hex.as_bytes();
    if digits.len() != 2 * TAG_BYTES {
        return None;
    }
    let (pairs, _) = digits.as_chunks();
    let mut tag = [0; TAG_BYTES];
    for (byte, [high, low]) in tag.iter_mut().zip(pairs) {
        *byte = (nibble(*high)? << 4) | nibble(*low)?;
    }
    Some(tag)
}

fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    const SECRET: &str = "whsec_test";
    const NOW: u64 = 1_700_000_000;
    const BODY: &[u8] = br#"{"id":"evt_1"}"#;

    /// Computed with Python: `hmac.new(secret, b"%d." % t + body, hashlib.sha256).hexdigest()`.
    const VECTORS: [(&str, u64, &[u8], &str); 2] = [
        (
            SECRET,
            NOW,
            BODY,
            "c89214b5b5da833daed6f0b8c5bb6bd58cea9022bd80ccc78230f3942d632925",
        ),
        (
            "whsec_é",
            0,
            b"",
            "13ef45f958f274ee43d5bb256092ebf3ad8816135312d27b18e709f75d32e257",
        ),
    ];

    fn header() -> String {
        sign(SECRET, NOW, BODY).unwrap()
    }

    #[test]
    fn agrees_with_an_independent_hmac() {
        for (secret, seconds, body, hex) in VECTORS {
            assert_eq!(
                sign(secret, seconds, body).unwrap(),
                format!("t={seconds},v1={hex}")
            );
            assert_eq!(
                verify(secret, &format!("t={seconds},v1={hex}"), body, seconds),
                Ok(())
            );
        }
        let long = "k".repeat(100);
        let body: Vec<u8> = (0..=255).collect();
        assert_eq!(
            sign(&long, NOW, &body).unwrap(),
            format!("t={NOW},v1=6ddba22f721a035449f77156255d9018fa5a380abd872bc3fe1ddb2ce5865afb")
        );
    }

    #[test]
    fn accepts_a_signature_within_the_tolerance_on_either_side() {
        for now in [NOW - TOLERANCE_SECONDS, NOW, NOW + TOLERANCE_SECONDS] {
            assert_eq!(verify(SECRET, &header(), BODY, now), Ok(()));
        }
        for now in [NOW - TOLERANCE_SECONDS - 1, NOW + TOLERANCE_SECONDS + 1] {
            assert_eq!(
                verify(SECRET, &header(), BODY, now),
                Err(SignatureError::OutsideTolerance)
            );
        }
    }

    #[test]
    fn refuses_any_single_changed_byte() {
        let header = header();
        for index in 0..BODY.len() {
            let mut altered = BODY.to_vec();
            altered[index] ^= 1;
            assert_eq!(
                verify(SECRET, &header, &altered, NOW),
                Err(SignatureError::Mismatch)
            );
        }
        let other_time = header.replace(&NOW.to_string(), &(NOW + 1).to_string());
        assert_eq!(
            verify(SECRET, &other_time, BODY, NOW),
            Err(SignatureError::Mismatch)
        );
        assert_eq!(
            verify("whsec_other", &header, BODY, NOW),
            Err(SignatureError::Mismatch)
        );
        let last = header.len() - 1;
        let flipped = if header.ends_with('0') { "1" } else { "0" };
        assert_eq!(
            verify(SECRET, &format!("{}{flipped}", &header[..last]), BODY, NOW),
            Err(SignatureError::Mismatch)
        );
    }

    #[test]
    fn one_fitting_signature_among_several_is_enough() {
        let fitting = header().split_once("v1=").unwrap().1.to_owned();
        let zeros = "0".repeat(64);
        for value in [
            format!("t={NOW},v1={zeros},v1={fitting}"),
            format!("v1={fitting},t={NOW},v1={zeros}"),
            format!("t={NOW}, v1={}, v0={zeros}", fitting.to_uppercase()),
        ] {
            assert_eq!(verify(SECRET, &value, BODY, NOW), Ok(()), "{value}");
        }
        assert_eq!(
            verify(SECRET, &format!("t={NOW},v1={zeros},v1={zeros}"), BODY, NOW),
            Err(SignatureError::Mismatch)
        );
        assert_eq!(
            verify(SECRET, &format!("t={NOW},v0={fitting}"), BODY, NOW),
            Err(SignatureError::NoSignature)
        );
    }

    #[test]
    fn refuses_headers_that_lack_something_or_are_too_long() {
        let fitting = header().split_once("v1=").unwrap().1.to_owned();
        for (value, error) in [
            (String::new(), SignatureError::Malformed),
            ("nonsense".to_owned(), SignatureError::Malformed),
            (format!("v1={fitting}"), SignatureError::NoTimestamp),
            (format!("t=,v1={fitting}"), SignatureError::NoTimestamp),
            (
                format!("t=+{NOW},v1={fitting}"),
                SignatureError::NoTimestamp,
            ),
            (
                format!("t={NOW},t={NOW},v1={fitting}"),
                SignatureError::NoTimestamp,
            ),
            (
                format!("t=99999999999999999999999,v1={fitting}"),
                SignatureError::NoTimestamp,
            ),
            (format!("t={NOW}"), SignatureError::NoSignature),
            (format!("t={NOW},v1=abc"), SignatureError::NoSignature),
            (
                format!("t={NOW},v1={}", "g".repeat(64)),
                SignatureError::NoSignature,
            ),
            (
                format!(
                    "t={NOW}{}",
                    format!(",v1={fitting}").repeat(MAX_SIGNATURES + 1)
                ),
                SignatureError::Malformed,
            ),
            (
                format!("t={NOW},v1={fitting},x={}", "y".repeat(MAX_HEADER_BYTES)),
                SignatureError::Malformed,
            ),
        ] {
            assert_eq!(verify(SECRET, &value, BODY, NOW), Err(error), "{value}");
        }
    }

    #[test]
    fn an_empty_secret_signs_and_verifies_nothing() {
        assert_eq!(sign("", NOW, BODY), Err(SignatureError::EmptySecret));
        assert_eq!(
            verify("", &header(), BODY, NOW),
            Err(SignatureError::EmptySecret)
        );
    }

    /// Texts that look much like a signature header.
    fn header_like() -> impl Strategy<Value = String> {
        let part = prop_oneof![
            "(t|v1|v0|T| t)=[0-9a-fA-F+-]{0,70}",
            "v1=[0-9a-f]{64}",
            "t=[0-9]{1,25}",
            ".{0,20}",
        ];
        vec(part, 0..8).prop_map(|parts| parts.join(","))
    }

    proptest! {
        #[test]
        fn no_header_makes_the_reader_fail_otherwise_than_by_refusing(
            header in prop_oneof![any::<String>(), header_like()],
            body in vec(any::<u8>(), 0..50),
            now in any::<u64>(),
        ) {
            prop_assert!(verify(SECRET, &header, &body, now).is_err());
        }

        #[test]
        fn a_signature_is_accepted_within_the_tolerance(
            secret in ".{1,40}",
            body in vec(any::<u8>(), 0..200),
            seconds in TOLERANCE_SECONDS + 1..u64::MAX - TOLERANCE_SECONDS,
            away in 0..=TOLERANCE_SECONDS,
        ) {
            let header = sign(&secret, seconds, &body).unwrap();
            for now in [seconds - away, seconds + away] {
                prop_assert_eq!(verify(&secret, &header, &body, now), Ok(()));
            }
            for now in [seconds - TOLERANCE_SECONDS - 1, seconds + TOLERANCE_SECONDS + 1] {
                prop_assert_eq!(
                    verify(&secret, &header, &body, now),
                    Err(SignatureError::OutsideTolerance)
                );
            }
        }

        #[test]
        fn any_flipped_bit_of_the_body_is_noticed(
            body in vec(any::<u8>(), 1..200),
            place in any::<prop::sample::Index>(),
            bit in 0..8_u32,
        ) {
            let header = sign(SECRET, NOW, &body).unwrap();
            let mut altered = body.clone();
            altered[place.index(body.len())] ^= 1 << bit;
            prop_assert_eq!(
                verify(SECRET, &header, &altered, NOW),
                Err(SignatureError::Mismatch)
            );
        }

        #[test]
        fn any_other_digit_in_time_or_signature_is_noticed(
            body in vec(any::<u8>(), 0..50),
            place in any::<prop::sample::Index>(),
            digit in "[0-9a-f]",
        ) {
            let header = sign(SECRET, NOW, &body).unwrap();
            let digits: Vec<usize> = header
                .char_indices()
                .filter(|(at, c)| c.is_ascii_hexdigit() && !header[..*at].ends_with('v'))
                .map(|(at, _)| at)
                .collect();
            let at = digits[place.index(digits.len())];
            let mut altered = header.clone();
            altered.replace_range(at..=at, &digit);
            prop_assume!(altered != header);
            prop_assert!(verify(SECRET, &altered, &body, NOW).is_err());
        }

        #[test]
        fn a_body_is_believed_when_any_of_several_signatures_fits(
            others in vec("[0-9a-f]{64}", 0..MAX_SIGNATURES),
            place in any::<prop::sample::Index>(),
        ) {
            let fitting = header().split_once("v1=").unwrap().1.to_owned();
            let mut tags = others.clone();
            tags.insert(place.index(others.len() + 1), fitting);
            let header = format!("t={NOW},v1={}", tags.join(",v1="));
            prop_assert_eq!(verify(SECRET, &header, BODY, NOW), Ok(()));
        }
    }
}
