//! Passwords and their hashes. Neither can be printed.

use std::fmt;

use super::rules::BrokenRule;

/// Shortest password.
pub const PASSWORD_MIN_CHARS: usize = 8;

/// bcrypt looks at no more than 72 bytes; a longer password is refused, never cut.
pub const PASSWORD_MAX_BYTES: usize = 72;

/// A password that follows the rules, on its way to being hashed.
pub struct Password(String);

impl Password {
    /// Checks the rules: length, no control characters, and a lower case letter, a capital, a digit and a symbol.
    /// Nothing is trimmed.
    ///
    /// # Errors
    /// The broken rule, which never shows the password.
    pub fn parse(text: String) -> Result<Self, BrokenRule> {
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
    fn a_weak_password_is_told_what_it_lacks() {
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
