//! E-mail addresses.

use std::borrow::Cow;

use idna::AsciiDenyList;
use idna::uts46::{DnsLength, Hyphens, Uts46};

use super::rules::BrokenRule;

/// Longest address that fits a mail path (RFC 5321 section 4.5.3.1.3, erratum 1690).
pub const EMAIL_MAX_BYTES: usize = 254;

/// Longest part before the `@` (RFC 5321 section 4.5.3.1.1).
const LOCAL_PART_MAX_BYTES: usize = 64;

/// Longest label of a domain name (RFC 1035 section 2.3.4).
const LABEL_MAX_BYTES: usize = 63;

/// A domain that mail can reach from outside has a label below its top-level domain.
const LABELS_MIN: usize = 2;

/// Longest address that is looked at, in characters: an internationalized domain is shorter here than in a mail path, but for
/// characters that are mapped to shorter ones.
const EMAIL_MAX_CHARS: usize = EMAIL_MAX_BYTES;

/// An address in lower case, with its domain as the DNS has it: the key by which an account is found.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Email(String);

impl Email {
    /// Trims, checks and lower-cases. An internationalized domain is brought into its ASCII form (UTS 46, non-transitional):
    /// `müller@bücher.example` is not accepted, `mueller@Bücher.example` is `mueller@xn--bcher-kva.example`.
    ///
    /// Quoted local parts, address literals and local parts outside ASCII are not accepted: hardly any exist, and two
    /// of them that look alike could be two accounts.
    ///
    /// # Errors
    /// The broken rule.
    pub fn parse(text: &str) -> Result<Self, BrokenRule> {
        let text = text.trim();
        if text.is_empty() {
            return Err(BrokenRule::new("required", "must not be empty"));
        }
        if text.chars().count() > EMAIL_MAX_CHARS {
            return Err(too_long());
        }
        if text.chars().any(char::is_control) {
            return Err(BrokenRule::new(
                "control-characters",
                "must not contain control characters",
            ));
        }
        let address = with_ascii_domain(text).filter(|address| is_address(address));
        let Some(address) = address else {
            return Err(BrokenRule::new(
                "format",
                "must be an address such as name@example.com",
            ));
        };
        if address.len() > EMAIL_MAX_BYTES {
            return Err(too_long());
        }
        Ok(Self(address.to_ascii_lowercase()))
    }

    /// The address.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<Email> for String {
    fn from(email: Email) -> Self {
        email.0
    }
}

fn too_long() -> BrokenRule {
    BrokenRule::new(
        "max",
        format!("must not be longer than {EMAIL_MAX_BYTES} characters"),
    )
}

/// The address with its domain in ASCII; none when the domain cannot be. What is ASCII already stays as it is: accounts from
/// before this was done are found by it.
fn with_ascii_domain(text: &str) -> Option<Cow<'_, str>> {
    if text.is_ascii() {
        return Some(Cow::Borrowed(text));
    }
    let (local, domain) = text.split_once('@')?;
    let domain = Uts46::new()
        .to_ascii(
            domain.as_bytes(),
            AsciiDenyList::STD3,
            Hyphens::CheckFirstLast,
            DnsLength::Verify,
        )
        .ok()?;
    Some(Cow::Owned(format!("{local}@{domain}")))
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
    use proptest::prelude::*;

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
    fn a_domain_of_any_script_is_the_one_in_the_dns() {
        for (text, address) in [
            ("ada@bücher.example", "ada@xn--bcher-kva.example"),
            ("Ada@BÜCHER.Example", "ada@xn--bcher-kva.example"),
            ("ada@bu\u{308}cher.example", "ada@xn--bcher-kva.example"),
            ("ada@xn--bcher-kva.example", "ada@xn--bcher-kva.example"),
            // Non-transitional: not the same as strasse.example.
            ("ada@straße.example", "ada@xn--strae-oqa.example"),
            ("ada@пример.рф", "ada@xn--e1afmkfd.xn--p1ai"),
            ("ada@例え。テスト", "ada@xn--r8jz45g.xn--zckzah"),
            ("ada@אבג.example", "ada@xn--4dbcd.example"),
            ("ada@ｅｘａｍｐｌｅ.com", "ada@example.com"),
            ("ada@exam\u{ad}ple.com\u{200b}", "ada@example.com"),
        ] {
            assert_eq!(Email::parse(text).unwrap().as_str(), address, "{text}");
        }
    }

    #[test]
    fn the_longest_address_is_measured_as_the_dns_has_it() {
        let label = "ü".repeat(50);
        let long = format!("ada@{label}.{label}.{label}.{label}.{label}.example");
        assert_eq!(Email::parse(&long).unwrap_err().code, "max");
        let fits = format!("ada@{label}.{label}.example");
        assert!(fits.len() < EMAIL_MAX_BYTES && Email::parse(&fits).is_ok());
    }

    proptest! {
        #[test]
        fn an_address_that_was_taken_is_taken_again_unchanged(
            local in "[a-zA-Z0-9.+-]{1,10}",
            labels in prop::collection::vec("\\PC{1,8}", 1..4),
        ) {
            let text = format!("{local}@{}.example", labels.join("."));
            if let Ok(email) = Email::parse(&text) {
                prop_assert!(email.as_str().is_ascii());
                prop_assert_eq!(email.as_str(), email.as_str().to_ascii_lowercase());
                prop_assert_eq!(Email::parse(email.as_str()), Ok(email.clone()));
            }
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
            ("ada@bücher", "format"),
            ("ada@-bücher.example", "format"),
            ("ada@bücher..example", "format"),
            ("ada@bü cher.example", "format"),
            ("ada@bü_cher.example", "format"),
            ("ada@bücher.example.", "format"),
            ("ada@xn--ü.example", "format"),
            ("ada@\u{200d}.example", "format"),
            ("ada@\u{301}a.example", "format"),
            ("ada@א1a.example", "format"),
            ("ada@١٢٧.٠.٠.١", "format"),
            ("ada＠example.com", "format"),
            ("ada@[１２７.0.0.1]", "format"),
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
