//! What the variables mean.

use std::ops::RangeInclusive;

use mercato_settings::{ACCESS_TOKEN_TTL_SECONDS, BCRYPT_COST, LIMIT, REFRESH_TOKEN_TTL_SECONDS};
use mercato_tokens::{KeyError, KeyRing};

use crate::application::commands::create_first_admin;
use crate::application::ports::{Lifetimes, Limits};
use crate::domain::Slots;

/// Passwords of unfamiliar clients that are hashed at a time, when `hashing_slots` is not set.
const HASHING_SLOTS: u32 = 2;

/// Registrations of one client within a quarter of an hour, when `registrations_per_client` is not set.
const REGISTRATIONS_PER_CLIENT: u32 = 600;

/// Registrations in all within a minute, when `registrations_per_minute` is not set.
const REGISTRATIONS_PER_MINUTE: u32 = 600;

/// The component's variables as they are set; what is not set is empty.
#[derive(Clone, Default)]
pub struct Variables {
    pub jwt_secret: String,
    pub jwt_previous_secret: String,
    pub access_token_ttl: String,
    pub refresh_token_ttl: String,
    pub bcrypt_cost: String,
    pub admin_email: String,
    pub admin_password: String,
    pub hashing_slots: String,
    pub registrations_per_client: String,
    pub registrations_per_minute: String,
}

/// What the variables mean.
pub struct Settings {
    pub keys: KeyRing,
    pub lifetimes: Lifetimes,
    pub bcrypt_cost: u32,
    pub limits: Limits,
    /// Who is to be the first admin.
    pub first_admin: FirstAdminSetting,
}

/// What `admin_email` and `admin_password` ask for.
pub enum FirstAdminSetting {
    /// Neither is set.
    Nobody,
    /// Only one is set, which is not enough to make an account.
    Incomplete,
    /// Both are set.
    Somebody(create_first_admin::Command),
}

/// A variable that cannot be used. Never shows a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    #[error(transparent)]
    Key(#[from] KeyError),
    #[error("{variable} is {value:?}: set it to a whole number from {min} to {max}")]
    Number {
        variable: &'static str,
        value: String,
        min: u64,
        max: u64,
    },
}

impl Settings {
    /// Reads the variables' values.
    pub fn parse(variables: Variables) -> Result<Self, SettingsError> {
        let access_seconds = number(
            "access_token_ttl",
            &variables.access_token_ttl,
            ACCESS_TOKEN_TTL_SECONDS,
        )?;
        let refresh_seconds = number(
            "refresh_token_ttl",
            &variables.refresh_token_ttl,
            REFRESH_TOKEN_TTL_SECONDS,
        )?;
        let bcrypt_cost = number("bcrypt_cost", &variables.bcrypt_cost, BCRYPT_COST)?;
        Ok(Self {
            keys: KeyRing::new(&variables.jwt_secret, &variables.jwt_previous_secret)?,
            lifetimes: Lifetimes {
                access_seconds,
                refresh_seconds,
            },
            bcrypt_cost,
            limits: Limits {
                slots: Slots {
                    open: limit("hashing_slots", &variables.hashing_slots, HASHING_SLOTS)?.into(),
                },
                registrations_per_client: limit(
                    "registrations_per_client",
                    &variables.registrations_per_client,
                    REGISTRATIONS_PER_CLIENT,
                )?,
                registrations_per_minute: limit(
                    "registrations_per_minute",
                    &variables.registrations_per_minute,
                    REGISTRATIONS_PER_MINUTE,
                )?,
            },
            first_admin: first_admin(variables.admin_email, variables.admin_password),
        })
    }
}

/// A limit; a manifest of an older version does not set it.
fn limit(variable: &'static str, value: &str, default: u32) -> Result<u32, SettingsError> {
    if value.trim().is_empty() {
        Ok(default)
    } else {
        number(variable, value, LIMIT)
    }
}

fn number<T: TryFrom<u64>>(
    variable: &'static str,
    value: &str,
    range: RangeInclusive<u64>,
) -> Result<T, SettingsError> {
    let parsed = value.trim().parse().ok();
    let parsed = parsed.filter(|number| range.contains(number));
    parsed
        .and_then(|number| T::try_from(number).ok())
        .ok_or_else(|| SettingsError::Number {
            variable,
            value: value.to_owned(),
            min: *range.start(),
            max: *range.end(),
        })
}

fn first_admin(email: String, password: String) -> FirstAdminSetting {
    match (email.trim().is_empty(), password.is_empty()) {
        (true, true) => FirstAdminSetting::Nobody,
        (false, false) => {
            FirstAdminSetting::Somebody(create_first_admin::Command { email, password })
        }
        _ => FirstAdminSetting::Incomplete,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables() -> Variables {
        Variables {
            jwt_secret: "a secret of forty bytes, for tests only.".to_owned(),
            access_token_ttl: "900".to_owned(),
            refresh_token_ttl: "2592000".to_owned(),
            bcrypt_cost: "12".to_owned(),
            ..Variables::default()
        }
    }

    fn refused(change: impl FnOnce(&mut Variables)) -> SettingsError {
        let mut variables = variables();
        change(&mut variables);
        Settings::parse(variables).err().unwrap()
    }

    #[test]
    fn the_defaults_of_the_manifest_are_settings() {
        let settings = Settings::parse(variables()).unwrap();
        assert_eq!(
            settings.lifetimes,
            Lifetimes {
                access_seconds: 900,
                refresh_seconds: 2_592_000
            }
        );
        assert_eq!(settings.bcrypt_cost, 12);
        assert!(matches!(settings.first_admin, FirstAdminSetting::Nobody));
    }

    #[test]
    fn numbers_have_bounds_and_the_error_says_which() {
        for (value, fits) in [
            ("4", true),
            ("16", true),
            ("3", false),
            ("17", false),
            ("", false),
            ("ten", false),
        ] {
            let parsed = Settings::parse(Variables {
                bcrypt_cost: value.to_owned(),
                ..variables()
            });
            assert_eq!(parsed.is_ok(), fits, "{value}");
        }
        let error = refused(|variables| variables.bcrypt_cost = "40".to_owned());
        assert_eq!(
            error.to_string(),
            "bcrypt_cost is \"40\": set it to a whole number from 4 to 16"
        );
        for wrong in ["0", "-1", "15m", "86401", "99999999999999999999"] {
            let error = refused(|variables| variables.access_token_ttl = wrong.to_owned());
            assert!(
                error.to_string().starts_with("access_token_ttl is "),
                "{wrong}: {error}"
            );
        }
        let error = refused(|variables| variables.refresh_token_ttl = "31536001".to_owned());
        assert!(error.to_string().ends_with("from 1 to 31536000"), "{error}");
    }

    #[test]
    fn limits_have_defaults_and_can_be_taken_away() {
        let limits = Settings::parse(variables()).unwrap().limits;
        assert_eq!(
            limits,
            Limits {
                slots: Slots { open: 2 },
                registrations_per_client: 600,
                registrations_per_minute: 600,
            }
        );
        let set = Settings::parse(Variables {
            hashing_slots: "8".to_owned(),
            registrations_per_client: "0".to_owned(),
            registrations_per_minute: "1000000".to_owned(),
            ..variables()
        });
        let limits = set.unwrap().limits;
        assert_eq!(limits.slots.open, 8);
        assert_eq!(limits.registrations_per_client, 0);
        assert_eq!(limits.registrations_per_minute, 1_000_000);
        let error = refused(|variables| variables.hashing_slots = "many".to_owned());
        assert_eq!(
            error.to_string(),
            "hashing_slots is \"many\": set it to a whole number from 0 to 1000000000"
        );
    }

    #[test]
    fn a_short_secret_is_refused_and_not_shown() {
        let error = refused(|variables| variables.jwt_secret = "hunter2".to_owned());
        assert!(
            error.to_string().starts_with("jwt_secret has 7 bytes")
                && !error.to_string().contains("hunter2")
        );
        let error = refused(|variables| variables.jwt_previous_secret = "hunter2".to_owned());
        assert!(
            error
                .to_string()
                .starts_with("jwt_previous_secret has 7 bytes")
        );
    }

    #[test]
    fn the_first_admin_needs_address_and_password() {
        let first_admin = |email: &str, password: &str| {
            let (admin_email, admin_password) = (email.to_owned(), password.to_owned());
            Settings::parse(Variables {
                admin_email,
                admin_password,
                ..variables()
            })
            .unwrap()
            .first_admin
        };
        assert!(matches!(
            first_admin("root@example.com", ""),
            FirstAdminSetting::Incomplete
        ));
        assert!(matches!(
            first_admin(" ", "Correct-H0rse"),
            FirstAdminSetting::Incomplete
        ));
        let FirstAdminSetting::Somebody(admin) = first_admin("root@example.com", "Correct-H0rse")
        else {
            panic!("both are set")
        };
        assert_eq!(
            (admin.email.as_str(), admin.password.as_str()),
            ("root@example.com", "Correct-H0rse")
        );
    }
}
