//! Tokens and webhooks made by hand, right and wrong, from nothing but the public standards.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, Mac};
use serde_json::Value;
use sha2::Sha256;

/// The parts of a JSON Web Token in its compact form (RFC 7515 section 7.1).
#[derive(Debug, Clone)]
pub struct Token {
    /// Its header.
    pub header: Value,
    /// Its claims.
    pub claims: Value,
    /// Its third part, still encoded.
    pub signature: String,
}

impl Token {
    /// Takes a token apart.
    ///
    /// # Panics
    /// When it is none.
    pub fn parse(text: &str) -> Self {
        let parts: Vec<&str> = text.split('.').collect();
        let [header, claims, signature] = parts.as_slice() else {
            panic!("a token has three parts");
        };
        Self {
            header: decode(header),
            claims: decode(claims),
            signature: (*signature).to_owned(),
        }
    }

    /// The token with the signature it had, whatever has been changed since.
    pub fn unsigned(&self) -> String {
        format!("{}.{}", self.signing_input(), self.signature)
    }

    /// The token signed anew with HS256 (RFC 7518 section 3.2).
    ///
    /// # Panics
    /// Never: HMAC takes keys of every length.
    pub fn signed(&self, secret: &str) -> String {
        let input = self.signing_input();
        let signature = URL_SAFE_NO_PAD.encode(hmac_sha256(secret, input.as_bytes()));
        format!("{input}.{signature}")
    }

    fn signing_input(&self) -> String {
        format!("{}.{}", encode(&self.header), encode(&self.claims))
    }
}

/// The `Stripe-Signature` header of a webhook: <https://docs.stripe.com/webhooks#verify-manually>.
pub fn stripe_signature(secret: &str, seconds: u64, body: &str) -> String {
    let tag = hmac_sha256(secret, format!("{seconds}.{body}").as_bytes());
    let hex: String = tag.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("t={seconds},v1={hex}")
}

fn hmac_sha256(secret: &str, message: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("a key of any length");
    mac.update(message);
    mac.finalize().into_bytes().to_vec()
}

fn encode(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

fn decode(part: &str) -> Value {
    let bytes = URL_SAFE_NO_PAD.decode(part).expect("base64url");
    serde_json::from_slice(&bytes).expect("JSON")
}
