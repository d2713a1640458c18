//! Passwords and their hashes. Neither can be printed.
//!
//! The same letters can be written in several sequences of code points, and it depends on the keyboard in which they come. So
//! passwords are hashed and compared in Unicode's Normalization Form C (NIST SP 800-63B section 3.1.1.2).

use std::borrow::Cow;
use std::fmt;

use icu_normalizer::ComposingNormalizerBorrowed;

use super::rules::BrokenRule;

/// Shortest password.
pub const PASSWORD_MIN_CHARS: usize = 8;

/// bcrypt looks at no more than 72 bytes; a longer password is refused, never cut.
pub const PASSWORD_MAX_BYTES: usize = 72;

/// A password that follows the rules, in Normalization Form C, on its way to being hashed.
pub struct Password(String);

impl Password {
    /// Normalizes, and checks the rules: length, no control characters, and a lower case letter, a capital, a digit and a
    /// symbol. Nothing is trimmed.
    ///
    /// # Errors
    /// The broken rule, which never shows the password.
    pub fn parse(text: String) -> Result<Self, BrokenRule> {
        let text = match normalized(&text) {
            Cow::Borrowed(_) => text,
            Cow::Owned(normalized) => normalized,
        };
        if text.is_empty() {
            return Err(BrokenRule::new("required", "must not be empty"));
        }
        if text.chars().any(char::is_control) {
            return Err(BrokenRule::new(
                "control-characters",
                "must not contain control characters",
            ));
        }
        if text.len() > PASSWORD_MAX_BYTES {
            return Err(BrokenRule::new(
                "max",
                format!("must not be longer than {PASSWORD_MAX_BYTES} bytes"),
            ));
        }
        if text.chars().count() < PASSWORD_MIN_CHARS {
            return Err(BrokenRule::new(
                "min",
                format!("must have at least {PASSWORD_MIN_CHARS} characters"),
            ));
        }
        match missing_kinds(&text).as_slice() {
            [] => Ok(Self(text)),
            missing => Err(BrokenRule::new(
                "weak",
                format!("must also contain {}", missing.join(", ")),
            )),
        }
    }

    /// The password itself, for hashing.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(hidden)")
    }
}

/// What somebody says is the password of an account. It follows no rules.
#[derive(Clone, Copy)]
pub struct Candidate<'a>(&'a str);

impl<'a> Candidate<'a> {
    /// As it was sent.
    #[must_use]
    pub const fn new(text: &'a str) -> Self {
        Self(text)
    }

    /// As passwords are hashed.
    #[must_use]
    pub fn normalized(self) -> Cow<'a, str> {
        normalized(self.0)
    }

    /// As it was sent, if that is another text: older hashes are of such.
    #[must_use]
    pub fn as_sent(self) -> Option<&'a str> {
        (self.normalized() != self.0).then_some(self.0)
    }
}

fn normalized(text: &str) -> Cow<'_, str> {
    ComposingNormalizerBorrowed::new_nfc().normalize(text)
}

fn missing_kinds(text: &str) -> Vec<&'static str> {
    type Kind = (&'static str, fn(char) -> bool);
    const KINDS: [Kind; 4] = [
        ("a lower case letter", char::is_lowercase),
        ("a capital letter", char::is_uppercase),
        ("a digit", |c| c.is_ascii_digit()),
        ("a symbol", |c| !c.is_alphanumeric()),
    ];
    KINDS
        .into_iter()
        .filter(|(_, is_kind)| !text.chars().any(is_kind))
        .map(|(name, _)| name)
        .collect()
}

/// A bcrypt hash in its usual text form, `$2b$12$…`.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(String);

impl PasswordHash {
    /// A hash as it was made or stored.
    #[must_use]
    pub const fn new(text: String) -> Self {
        Self(text)
    }

    /// The text form, for storing and comparing.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(hidden)")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn code(text: &str) -> &'static str {
        Password::parse(text.to_owned()).unwrap_err().code
    }

    #[test]
    fn a_password_has_length_and_all_four_kinds_of_characters() {
        for text in ["Abcdef1!", "Ä ö 1 é x", &format!("Aa1!{}", "x".repeat(68))] {
            assert_eq!(Password::parse(text.to_owned()).unwrap().expose(), text);
        }
        assert_eq!(code(""), "required");
        assert_eq!(code("Abcde1!"), "min");
        assert_eq!(code("Äöü1!ßß"), "min", "characters count, not bytes");
        assert_eq!(code(&format!("Aa1!{}", "x".repeat(69))), "max");
        assert_eq!(
            code(&format!("Aa1!{}", "ü".repeat(35))),
            "max",
            "bytes count, not characters"
        );
        assert_eq!(code("Abcdef1!\0"), "control-characters");
        for text in ["abcdefg1!", "ABCDEFG1!", "Abcdefgh!", "Abcdefgh1"] {
            assert_eq!(code(text), "weak", "{text}");
        }
    }

    #[test]
    fn however_letters_are_written_it_is_the_same_password() {
        let parse = |text: &str| Password::parse(text.to_owned());
        for written in [
            "Se\u{301}same-Ouvre-To\u{302}i-1",
            "S\u{e9}same-Ouvre-T\u{f4}i-1",
        ] {
            assert_eq!(parse(written).unwrap().expose(), "Sésame-Ouvre-Tôi-1");
            let candidate = Candidate::new(written);
            assert_eq!(candidate.normalized(), "Sésame-Ouvre-Tôi-1");
            assert_eq!(candidate.as_sent().is_some(), written.contains('\u{301}'));
        }
        // Compatible is not the same: that would make passwords weaker.
        assert_eq!(
            parse("\u{fb01}nE-Words-1").unwrap().expose(),
            "\u{fb01}nE-Words-1"
        );
    }

    proptest! {
        #[test]
        fn both_forms_of_any_text_are_one_password(text in "\\PC{0,20}") {
            use icu_normalizer::DecomposingNormalizerBorrowed;
            let decomposed = DecomposingNormalizerBorrowed::new_nfd().normalize(&text);
            let (sent, other) = (Candidate::new(&text), Candidate::new(&decomposed));
            prop_assert_eq!(sent.normalized(), other.normalized());
            let normalized = sent.normalized();
            prop_assert!(Candidate::new(&normalized).as_sent().is_none());
        }
    }

    #[test]
    fn the_rules_are_for_the_normalized_password() {
        // Eight code points, and seven characters when composed.
        assert_eq!(code("Ae\u{301}bcd1!"), "min");
        let short = format!("Aa1!{}", "e\u{301}".repeat(34));
        assert!(short.len() > PASSWORD_MAX_BYTES);
        assert!(Password::parse(short).is_ok());
    }

    #[test]
    fn a_weak_password_is_refused_with_what_it_lacks() {
        let rule = Password::parse("abcdefgh".to_owned()).unwrap_err();
        assert_eq!(
            rule.must,
            "must also contain a capital letter, a digit, a symbol"
        );
    }

    #[test]
    fn neither_a_password_nor_a_hash_can_be_printed() {
        let password = Password::parse("Abcdef1!".to_owned()).unwrap();
        assert_eq!(format!("{password:?}"), "Password(hidden)");
        assert_eq!(
            format!("{:?}", PasswordHash::new("$2b$12$abc".to_owned())),
            "PasswordHash(hidden)"
        );
    }
}
