use crate::application::locks;
use crate::application::ports::Ports;
use crate::application::session::unchanged_account;
use crate::application::turn::in_turn;
use crate::application::verify::Fit;
use crate::application::{Error, Session};
use crate::domain::{
    Account, BrokenRule, Candidate, Client, Email, Fields, Password, PasswordHash, Place,
};

/// Opens a session.
pub struct Command {
    /// Address of the account.
    pub email: String,
    /// Its password.
    pub password: String,
    /// The IP address that the attempt comes from, if it is known.
    pub client: Option<String>,
}

/// Opens a session. An unknown address, a wrong password and a disabled account answer alike and take the same time,
/// and too many of them in a row make all three wait.
///
/// A hash made at a lower cost than today's, or of a password that was not normalized, is replaced: this is the only moment
/// at which the password is known.
///
/// # Errors
/// [`Error::Invalid`] for what cannot be an address or a password at all, [`Error::InvalidCredentials`],
/// [`Error::TooManyAttempts`], [`Error::Busy`], or a fault of the database.
pub async fn handle(ports: &Ports, command: Command) -> Result<Session, Error> {
    in_turn(|place| attempt(ports, &command, place)).await
}

pub(crate) fn attempt(
    ports: &Ports,
    command: &Command,
    place: Option<Place>,
) -> Result<Session, Error> {
    let email = validate(command)?;
    let client = command.client.as_deref().and_then(Client::parse);
    let attempt = ports.begin_attempt(&email, None, client.as_ref(), place)?;
    ports.in_slot(&attempt.slot, || {
        let (verified, fit) = verify(ports, &email, &command.password)?;
        let stronger_hash = stronger_hash(ports, &verified, fit, &command.password)?;
        let locks = attempt.locks().and(locks::account(verified.id()));
        ports.store.write(locks, |records| {
            let account = unchanged_account(records, &verified)?;
            attempt.succeeded(records, ports.clock.now_ms())?;
            let Some(hash) = stronger_hash.clone() else {
                return ports.open_session(records, account);
            };
            let account = account.with_stronger_hash(hash);
            records.save_account(&account)?;
            ports.open_session(records, account)
        })
    })
}

fn validate(command: &Command) -> Result<Email, Error> {
    let mut fields = Fields::default();
    let email = fields.take("email", Email::parse(&command.email));
    if command.password.is_empty() {
        fields.take::<()>(
            "password",
            Err(BrokenRule::new("required", "must not be empty")),
        );
    }
    match email {
        Some(email) if fields.is_valid() => Ok(email),
        _ => Err(Error::Invalid(fields.into_errors())),
    }
}

/// The account of that address, if it exists, is enabled and has that password. Every way through costs the same.
fn verify(ports: &Ports, email: &Email, password: &str) -> Result<(Account, Fit), Error> {
    let candidate = Candidate::new(password);
    let (account, costliest) = ports
        .store
        .read(|records| Ok((records.account_by_email(email)?, records.costliest_hash()?)))?;
    let Some(account) = account else {
        ports.fit_nothing(candidate, costliest.as_ref())?;
        return Err(Error::InvalidCredentials);
    };
    let fit = ports.fit(candidate, account.password_hash(), costliest.as_ref())?;
    if fit == Fit::No || !account.is_enabled() {
        Err(Error::InvalidCredentials)
    } else {
        Ok((account, fit))
    }
}

fn stronger_hash(
    ports: &Ports,
    account: &Account,
    fit: Fit,
    password: &str,
) -> Result<Option<PasswordHash>, Error> {
    if fit != Fit::AsSent && !ports.passwords.is_outdated(account.password_hash()) {
        return Ok(None);
    }
    // A password from before a rule was added cannot be hashed anew; its old hash stays good.
    Password::parse(password.to_owned())
        .ok()
        .map(|password| ports.passwords.hash(&password))
        .transpose()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::application::commands::register;
    use crate::application::testing::{COST_UNITS, PASSWORD, Shop, register_command};
    use crate::domain::{AccountRecord, RefreshToken};

    #[test]
    fn a_login_opens_a_session_of_its_own() {
        let shop = Shop::new();
        let registered = shop.register("ada@example.com");
        let session = shop.login(" ADA@example.com ", PASSWORD).unwrap();
        assert_eq!(session.account, registered.account);
        assert_ne!(
            session.tokens.refresh_token,
            registered.tokens.refresh_token
        );
        let sessions: Vec<_> = shop.tokens().iter().map(RefreshToken::session).collect();
        assert_eq!(sessions.len(), 2);
        assert_ne!(sessions[0], sessions[1]);
    }

    #[test]
    fn all_refusals_answer_and_work_alike() {
        let shop = Shop::new();
        shop.register("ada@example.com");
        shop.register("disabled@example.com");
        shop.disable("disabled@example.com");
        for (email, password) in [
            ("nobody@example.com", PASSWORD),
            ("ada@example.com", "Wrong-Passw0rd"),
            ("ada@example.com", &*"x".repeat(100)),
            ("nobody@example.com", &*"x".repeat(100)),
            ("disabled@example.com", PASSWORD),
        ] {
            let before = shop.work();
            assert_eq!(
                shop.login(email, password).unwrap_err(),
                Error::InvalidCredentials,
                "{email}"
            );
            assert_eq!(shop.work() - before, COST_UNITS, "{email} {password}");
        }
    }

    const COMPOSED: &str = "S\u{e9}same-Ouvre-1";
    const DECOMPOSED: &str = "Se\u{301}same-Ouvre-1";

    /// As if the password had been set before passwords were normalized.
    fn with_hash_as_sent(shop: &Shop, password: &str) {
        let hash = PasswordHash::new(format!("1:{password}"));
        shop.change("ada@example.com", |record| record.password_hash = hash);
    }

    #[test]
    fn a_password_is_the_same_however_its_letters_are_written() {
        for (set, sent) in [(COMPOSED, DECOMPOSED), (DECOMPOSED, COMPOSED)] {
            let shop = Shop::new();
            let command = register::Command {
                password: set.to_owned(),
                ..register_command("ada@example.com")
            };
            shop.try_register(command).unwrap();
            let hash = shop.account("ada@example.com").password_hash;
            assert!(shop.login("ada@example.com", sent).is_ok());
            assert!(shop.login("ada@example.com", set).is_ok());
            let after = shop.account("ada@example.com").password_hash;
            assert_eq!(after, hash, "nothing was replaced");
        }
    }

    #[test]
    fn an_older_hash_of_decomposed_letters_is_replaced_at_login() {
        let shop = Shop::new();
        shop.register("ada@example.com");
        with_hash_as_sent(&shop, DECOMPOSED);
        let before = shop.account("ada@example.com");
        shop.login("ada@example.com", DECOMPOSED).unwrap();
        let after = shop.account("ada@example.com");
        assert_eq!(after.password_hash.expose(), format!("1:{COMPOSED}"));
        assert_eq!(after.version, before.version);
        assert!(shop.login("ada@example.com", COMPOSED).is_ok());
        assert!(shop.login("ada@example.com", DECOMPOSED).is_ok());
    }

    #[test]
    fn a_password_in_two_forms_costs_the_same_for_every_account() {
        let shop = Shop::new();
        shop.register("ada@example.com");
        shop.register("disabled@example.com");
        shop.disable("disabled@example.com");
        let cost = |email: &str, password: &str, is_let_in: bool| {
            let before = shop.work();
            let outcome = shop.login(email, password);
            assert_eq!(outcome.is_ok(), is_let_in, "{email} {password}");
            shop.work() - before
        };
        for email in [
            "ada@example.com",
            "disabled@example.com",
            "nobody@example.com",
        ] {
            assert_eq!(cost(email, DECOMPOSED, false), 2 * COST_UNITS);
            assert_eq!(cost(email, COMPOSED, false), COST_UNITS);
        }
        with_hash_as_sent(&shop, COMPOSED);
        assert_eq!(cost("ada@example.com", DECOMPOSED, true), 2 * COST_UNITS);
        assert_eq!(cost("ada@example.com", COMPOSED, true), COST_UNITS);
        let other = DECOMPOSED.replace('1', "2");
        with_hash_as_sent(&shop, DECOMPOSED);
        assert_eq!(cost("ada@example.com", &other, false), 2 * COST_UNITS);
    }

    #[test]
    fn what_cannot_be_a_login_is_refused_without_a_look() {
        let shop = Shop::new();
        let Error::Invalid(errors) = shop.login("ada", "").unwrap_err() else {
            panic!("not Invalid")
        };
        let named: Vec<_> = errors
            .iter()
            .map(|error| (&*error.field, &*error.code))
            .collect();
        assert_eq!(named, [("email", "format"), ("password", "required")]);
        assert_eq!(shop.work(), 0);
    }

    #[test]
    fn a_cheaper_hash_is_replaced_at_login_and_nothing_else_changes() {
        let shop = Shop::new();
        shop.register("ada@example.com");
        let before = shop.account("ada@example.com");
        shop.make_hashes_outdated();
        let session = shop.login("ada@example.com", PASSWORD).unwrap();
        let after = shop.account("ada@example.com");
        assert_ne!(after.password_hash, before.password_hash);
        let with_older_hash = AccountRecord {
            password_hash: before.password_hash.clone(),
            ..after.clone()
        };
        assert_eq!(with_older_hash, before);
        assert_eq!(session.account, shop.view("ada@example.com"));

        shop.login("ada@example.com", PASSWORD).unwrap();
        assert_eq!(
            shop.account("ada@example.com").password_hash,
            after.password_hash,
            "once is enough"
        );
    }

    #[test]
    fn a_password_changed_meanwhile_does_not_log_in() {
        let shop = Shop::new();
        shop.register("ada@example.com");
        let other = PasswordHash::new("changed".to_owned());
        shop.while_hashing(move |account| {
            account.with_password(other.clone(), account.record().updated_at)
        });
        assert_eq!(
            shop.login("ada@example.com", PASSWORD).unwrap_err(),
            Error::InvalidCredentials
        );
    }

    #[test]
    fn an_account_disabled_meanwhile_does_not_log_in() {
        let shop = Shop::new();
        shop.register("ada@example.com");
        shop.while_hashing(|account| {
            Account::restore(AccountRecord {
                disabled: true,
                ..account.record().clone()
            })
        });
        assert_eq!(
            shop.login("ada@example.com", PASSWORD).unwrap_err(),
            Error::InvalidCredentials
        );
    }

    #[test]
    fn two_logins_that_strengthen_the_hash_at_once_both_succeed() {
        let shop = Shop::new();
        shop.register("ada@example.com");
        shop.make_hashes_outdated();
        let theirs = PasswordHash::new("strengthened by the other".to_owned());
        shop.while_hashing(move |account| account.with_stronger_hash(theirs.clone()));
        assert!(shop.login("ada@example.com", PASSWORD).is_ok());
    }

    #[test]
    fn expired_refresh_tokens_are_forgotten() {
        let shop = Shop::new();
        shop.register("ada@example.com");
        shop.advance_seconds(shop.ports.lifetimes.refresh_seconds);
        let session = shop.login("ada@example.com", PASSWORD).unwrap();
        let kept = shop.tokens();
        let kept: Vec<_> = kept.iter().map(|token| &token.record().hash).collect();
        assert_eq!(kept, [&session.tokens.refresh_token.hash()]);
    }
}
