use std::fmt;

/// A kind of rule in a schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// UNIQUE or PRIMARY KEY.
    Unique,
    /// CHECK.
    Check,
    /// FOREIGN KEY.
    ForeignKey,
    /// NOT NULL.
    NotNull,
}

/// Which rule of its schema a statement has broken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Its kind.
    pub rule: Rule,
    /// What the rule is on: the columns, as in `users.email`, or the condition or the name of the rule. Empty where the database
    /// does not say.
    pub on: String,
    /// Whether another writer may have been faster, so that the same call can do better: where there are several.
    pub may_pass: bool,
}

impl Violation {
    /// What SQLite says, which is `UNIQUE constraint failed: users.email` or the like.
    pub(crate) fn from_message(message: &str) -> Option<Self> {
        let (kind, on) = message.split_once(" constraint failed")?;
        let rule = [
            ("UNIQUE", Rule::Unique),
            ("CHECK", Rule::Check),
            ("FOREIGN KEY", Rule::ForeignKey),
            ("NOT NULL", Rule::NotNull),
        ]
        .into_iter()
        .find_map(|(name, rule)| kind.ends_with(name).then_some(rule))?;
        // Some hosts quote the message, or go on after it.
        let on = on.trim_start_matches(": ").split(['`', '\n']).next();
        let on = on.unwrap_or_default().to_owned();
        Some(Self {
            rule,
            on,
            may_pass: false,
        })
    }

    /// Whether that column of that table must be unique and is not.
    #[must_use]
    pub fn is_of_unique(&self, column: &str) -> bool {
        self.rule == Rule::Unique && self.on == column
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rule = match self.rule {
            Rule::Unique => "UNIQUE",
            Rule::Check => "CHECK",
            Rule::ForeignKey => "FOREIGN KEY",
            Rule::NotNull => "NOT NULL",
        };
        write!(f, "a {rule} rule was broken: {}", self.on)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broken_rule_is_known_by_what_it_is_on() {
        for (message, rule, on) in [
            (
                "UNIQUE constraint failed: users.email",
                Rule::Unique,
                "users.email",
            ),
            (
                "UNIQUE constraint failed: a.b, a.c",
                Rule::Unique,
                "a.b, a.c",
            ),
            (
                "CHECK constraint failed: stock >= 0",
                Rule::Check,
                "stock >= 0",
            ),
            ("FOREIGN KEY constraint failed", Rule::ForeignKey, ""),
            ("NOT NULL constraint failed: a.b", Rule::NotNull, "a.b"),
            (
                "failure: `UNIQUE constraint failed: users.email`",
                Rule::Unique,
                "users.email",
            ),
        ] {
            let violation = Violation::from_message(message).unwrap();
            assert_eq!((violation.rule, &*violation.on), (rule, on), "{message}");
            assert_eq!(
                violation.is_of_unique("users.email"),
                message.contains("email")
            );
        }
        assert_eq!(Violation::from_message("no such table: x"), None);
    }
}
