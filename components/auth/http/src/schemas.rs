//! Schemas of what people type. The rules themselves are the domain's; these say the same in the document.

use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, SchemaFormat, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

/// Something beside white space and invisible characters, on one line.
pub const NAME_PATTERN: &str = concat!(
    r"^[^\u0000-\u001f\u007f-\u009f]*",
    r"[^\u0000-\u0020\u007f-\u00a0\u00ad\u034f\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u115f\u1160\u1680",
    r"\u17b4\u17b5\u180b-\u180f\u2000-\u200f\u2028-\u202f\u205f-\u206f\u2800\u3000\u3164\ufe00-\ufe0f\ufeff\uffa0",
    r"\ufff0-\ufffb]",
    r"[^\u0000-\u001f\u007f-\u009f]*$",
);

/// `Dot-string` of RFC 5321 section 4.1.2, and a domain name with a top-level domain that begins with a letter, both in ASCII.
pub const EMAIL_PATTERN: &str = concat!(
    r"^(?=[^@]{1,64}@)",
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*",
    r"@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+",
    r"[A-Za-z](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?$",
);

/// All four kinds of characters, as ASCII has them: there, as many characters are as many bytes.
pub const PASSWORD_PATTERN: &str = concat!(
    r"^(?=[ -~]*[a-z])(?=[ -~]*[A-Z])(?=[ -~]*[0-9])(?=[ -~]*[ -/:-@\[-`{-~])",
    r"[ -~]{8,72}$",
);

const NAME_MAX_CHARS: usize = 200;

const EMAIL_MAX_CHARS: usize = 254;

const PASSWORD_MIN_CHARS: usize = 8;

const PASSWORD_MAX_CHARS: usize = 72;

/// A person's name.
#[derive(Debug, Clone, Copy)]
pub struct PersonName;

/// An e-mail address.
#[derive(Debug, Clone, Copy)]
pub struct EmailAddress;

/// A password that is to be set.
#[derive(Debug, Clone, Copy)]
pub struct NewPassword;

impl PartialSchema for PersonName {
    fn schema() -> RefOr<Schema> {
        text()
            .min_length(Some(1))
            .max_length(Some(NAME_MAX_CHARS))
            .pattern(Some(NAME_PATTERN))
            .description(Some(
                "A person's name on one line; white space around it is taken off, and something of it can be seen",
            ))
            .examples([serde_json::json!("Ada Lovelace")])
            .into()
    }
}

impl PartialSchema for EmailAddress {
    fn schema() -> RefOr<Schema> {
        let format = SchemaFormat::KnownFormat(KnownFormat::Email);
        text()
            .format(Some(format))
            .max_length(Some(EMAIL_MAX_CHARS))
            .pattern(Some(EMAIL_PATTERN))
            .description(Some(
                "An e-mail address; capitals do not matter, it is kept in lower case. A domain may have letters of any script \
                 (the pattern says it for ASCII): it is kept as the DNS has it, in its `xn--` form (UTS 46). Quoted names, \
                 addresses in brackets and letters beyond ASCII before the `@` are not accepted",
            ))
            .examples([serde_json::json!("ada@example.com")])
            .into()
    }
}

impl PartialSchema for NewPassword {
    fn schema() -> RefOr<Schema> {
        text()
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::Password)))
            .min_length(Some(PASSWORD_MIN_CHARS))
            .max_length(Some(PASSWORD_MAX_CHARS))
            .pattern(Some(PASSWORD_PATTERN))
            .description(Some(
                "At least 8 characters, among them a lower case letter, a capital letter, a digit and a symbol, and at \
                 most 72 bytes in UTF-8. The pattern says it for ASCII; letters of other scripts are accepted as well, and count \
                 in Unicode's Normalization Form C: it does not matter how a keyboard composes them",
            ))
            .examples([serde_json::json!("Engine-No-1")])
            .into()
    }
}

impl ToSchema for PersonName {}

impl ToSchema for EmailAddress {}

impl ToSchema for NewPassword {}

fn text() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String)
}
