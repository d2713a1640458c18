//! E-mail addresses.

use super::rules::BrokenRule;

/// Longest address that fits a mail path (RFC 5321 section 4.5.3.1.3, erratum 1690).
pub const EMAIL_MAX_BYTES: usize = 254;

/// Longest part before the `@` (RFC 5321 section 4.5.3.1.1).
const LOCAL_PART_MAX_BYTES: usize = 64;

/// Longest label of a domain name (RFC 1035 section 2.3.4).
const LABEL_MAX_BYTES: usize = 63;

/// A domain that mail can reach from outside has a label below its top-level domain.
const LABELS_MIN: usize = 2;

/// An address in lower case: the key by which an account is found.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Email(String);

impl Email {
    /// Trims, checks and lower-cases.
    ///
    /// Quoted local parts, address literals and addresses outside ASCII are not accepted: hardly any exist, and two
    /// of them that look alike could be two accounts.
    ///
    /// # Errors
    /// The broken rule.
    pub fn parse(text: &str) -> Result<Self, BrokenRule> {
        let text = text.trim();
        if text.is_empty() {
            return Err(BrokenRule::new("required", "must not be empty"));
        }
        if text.len() > EMAIL_MAX_BYTES {
            return Err(BrokenRule::new(
                "max",
                format!("must not be longer than {EMAIL_MAX_BYTES} characters"),
            ));
        }
        if text.chars().any(char::is_control) {
            return Err(BrokenRule::new(
                "control-characters",
                "must not contain control characters",
            ));
        }
        if !is_address(text) {
            return Err(BrokenRule::new(
                "format",
                "must be an address such as name@example.com",
            ));
        }
        Ok(Self(text.to_ascii_lowercase()))
    }

    /// The address.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn is_address(text: &str) -> bool {
    text.split_once('@')
        .is_some_and(|(local, domain)| is_local_part(local) && is_domain(domain))
}

/// `Dot-string` of RFC 5321 section 4.1.2.
fn is_local_part(text: &str) -> bool {
    let is_atext =
        |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+/=?^_`{|}~-".contains(&byte);
    text.len() <= LOCAL_PART_MAX_BYTES
        && text
            .split('.')
            .all(|atom| !atom.is_empty() && atom.bytes().all(is_atext))
}

/// Letters, digits and inner hyphens (RFC 1123 section 2.1); a top-level domain begins with a letter (RFC 3696
/// section 2), also one of another script (`xn--`).
fn is_domain(text: &str) -> bool {
    let is_label = |label: &str| {
        (1..=LABEL_MAX_BYTES).contains(&label.len())
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let top_level = text.rsplit('.').next().unwrap_or_default();
    text.split('.').count() >= LABELS_MIN
        && text.split('.').all(is_label)
        && top_level.starts_with(|first: char| first.is_ascii_alphabetic())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_trimmed_and_lower_cased() {
        assert_eq!(
            Email::parse(" Ada.Lovelace+Shop@Example.CO.UK ")
                .unwrap()
                .as_str(),
            "ada.lovelace+shop@example.co.uk"
        );
    }

    #[test]
    fn what_mail_can_carry_is_accepted() {
        let longest_local = format!("{}@example.com", "a".repeat(64));
        for text in [
            "a@b.co",
            "o'neill@example.com",
            "a_b-c@x-y.example",
            "1@2.example",
            "ada@example.xn--p1ai",
            "!#$%&'*+/=?^_`{|}~-@example.com",
            &longest_local,
        ] {
            assert!(Email::parse(text).is_ok(), "{text}");
        }
    }

    #[test]
    fn everything_else_is_refused_with_its_code() {
        let long_local = format!("{}@example.com", "a".repeat(65));
        let long_label = format!("a@{}.com", "b".repeat(64));
        let too_long = format!("a@{}com", "b.".repeat(125));
        for (text, code) in [
            ("", "required"),
            (" \t", "required"),
            (&*too_long, "max"),
            ("a\0@example.com", "control-characters"),
            ("a\r\nBcc: b@example.com", "control-characters"),
            ("ada", "format"),
            ("@example.com", "format"),
            ("ada@", "format"),
            ("ada@localhost", "format"),
            ("ada@example..com", "format"),
            ("ada@.example.com", "format"),
            ("ada@example.com.", "format"),
            ("ada@-example.com", "format"),
            ("ada@example-.com", "format"),
            ("ada@127.0.0.1", "format"),
            ("ada@example.1a", "format"),
            ("ada@bücher.example", "format"),
            ("ada@example.com\u{200b}", "format"),
            ("ada@[127.0.0.1]", "format"),
            (".ada@example.com", "format"),
            ("ada.@example.com", "format"),
            ("a..b@example.com", "format"),
            ("a b@example.com", "format"),
            ("a@b@example.com", "format"),
            ("\"a b\"@example.com", "format"),
            ("Ada <ada@example.com>", "format"),
            ("ädа@example.com", "format"),
            (&*long_local, "format"),
            (&*long_label, "format"),
        ] {
            assert_eq!(Email::parse(text).unwrap_err().code, code, "{text:?}");
        }
    }
}
