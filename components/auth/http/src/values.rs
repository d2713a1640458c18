//! What people type. The rules are the domain's; the document says the same.

use mercato_kernel::text_value;
use utoipa::ToSchema;

/// A person's name on one line; white space around it is taken off, and something of it can be seen
// The pattern: something beside white space and invisible characters, on one line.
#[derive(Debug, Clone, PartialEq, Eq, ToSchema)]
#[schema(
    min_length = 1,
    max_length = 200,
    pattern = "^[^\\u0000-\\u001f\\u007f-\\u009f]*\
        [^\\u0000-\\u0020\\u007f-\\u00a0\\u00ad\\u034f\\u0600-\\u0605\\u061c\\u06dd\\u070f\\u0890\\u0891\\u08e2\\u115f\\u1160\\u1680\
        \\u17b4\\u17b5\\u180b-\\u180f\\u2000-\\u200f\\u2028-\\u202f\\u205f-\\u206f\\u2800\\u3000\\u3164\\ufe00-\\ufe0f\\ufeff\\uffa0\
        \\ufff0-\\ufffb]\
        [^\\u0000-\\u001f\\u007f-\\u009f]*$",
    examples("Ada Lovelace")
)]
pub struct PersonName(pub String);

/// An e-mail address; capitals do not matter, it is kept in lower case. A domain may have letters of any script (the pattern
/// says it for ASCII): it is kept as the DNS has it, in its `xn--` form (UTS 46). Quoted names, addresses in brackets and
/// letters beyond ASCII before the `@` are not accepted
// The pattern: `Dot-string` of RFC 5321 section 4.1.2, and a domain name with a top-level domain that begins with a letter, both
// in ASCII.
#[derive(Debug, Clone, PartialEq, Eq, ToSchema)]
#[schema(
    format = Email,
    max_length = 254,
    pattern = "^(?=[^@]{1,64}@)\
        [A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*\
        @(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\\.)+\
        [A-Za-z](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?$",
    examples("ada@example.com")
)]
pub struct EmailAddress(pub String);

/// At least 8 characters, among them a lower case letter, a capital letter, a digit and a symbol, and at most 72 bytes in
/// UTF-8. The pattern says it for ASCII; letters of other scripts are accepted as well, and count in Unicode's Normalization
/// Form C: it does not matter how a keyboard composes them
// The pattern: all four kinds of characters, as ASCII has them: there, as many characters are as many bytes.
#[derive(Debug, Clone, PartialEq, Eq, ToSchema)]
#[schema(
    format = Password,
    min_length = 8,
    max_length = 72,
    pattern = "^(?=[ -~]*[a-z])(?=[ -~]*[A-Z])(?=[ -~]*[0-9])(?=[ -~]*[ -/:-@\\[-`{-~])[ -~]{8,72}$",
    examples("Engine-No-1")
)]
pub struct NewPassword(pub String);

text_value!(PersonName);
text_value!(EmailAddress);
text_value!(NewPassword);
