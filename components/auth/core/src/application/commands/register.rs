use crate::application::locks;
use crate::application::ports::Ports;
use crate::application::throttle::make_familiar;
use crate::application::turn::in_turn;
use crate::application::{Error, Session};
use crate::domain::{Account, Client, Email, FieldError, Fields, Name, Password, Place, Role};

/// Opens a customer account.
pub struct Command {
    /// The person's name.
    pub name: String,
    /// Their address.
    pub email: String,
    /// Their password.
    pub password: String,
    /// The IP address that they register from, if it is known.
    pub client: Option<String>,
}

/// Opens a customer account and its first session.
///
/// # Errors
/// [`Error::Invalid`], [`Error::EmailTaken`], [`Error::TooManyAttempts`], [`Error::Busy`], or a fault of the database.
pub async fn handle(ports: &Ports, command: Command) -> Result<Session, Error> {
    in_turn(|place| attempt(ports, &command, place)).await
}

pub(crate) fn attempt(
    ports: &Ports,
    command: &Command,
    place: Option<Place>,
) -> Result<Session, Error> {
    let client = command.client.as_deref().and_then(Client::parse);
    let (name, email, password) = validate(&command.name, &command.email, &command.password)?;
    let slot = ports.begin_registration(&email, client.as_ref(), place)?;
    let result = ports.in_slot(&slot, || {
        let hash = ports.passwords.hash(&password)?;
        let id = ports.new_account_id()?;
        let account = Account::open(id, name, email, hash, Role::Customer, ports.clock.now_ms());
        let locks = locks::line().and(locks::email(account.email()));
        ports.store.write(locks, |records| {
            slot.give_back(records, ports.clock.now_ms())?;
            records.add_account(&account)?;
            if let Some(client) = &client {
                let subjects = [account.email().as_str(), &account.id().text()];
                make_familiar(records, &subjects, client, ports.clock.now_ms())?;
            }
            ports.open_session(records, account.clone())
        })
    });
    if let Err(Error::EmailTaken) = &result {
        ports.count_taken_address(client.as_ref())?;
    }
    result
}

/// Which fields of a registration break a rule.
#[must_use]
pub fn check(name: &str, email: &str, password: &str) -> Vec<FieldError> {
    match validate(name, email, password) {
        Err(Error::Invalid(errors)) => errors,
        Ok(_) | Err(_) => Vec::new(),
    }
}

fn validate(name: &str, email: &str, password: &str) -> Result<(Name, Email, Password), Error> {
    let mut fields = Fields::default();
    let name = fields.take("name", Name::parse(name));
    let email = fields.take("email", Email::parse(email));
    let password = fields.take("password", Password::parse(password.to_owned()));
    match (name, email, password) {
        (Some(name), Some(email), Some(password)) => Ok((name, email, password)),
        _ => Err(Error::Invalid(fields.into_errors())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::application::testing::{PASSWORD, Shop, register_command};

    #[test]
    fn what_breaks_a_rule_is_known_without_an_account() {
        let check = |name: &str, email: &str, password: &str| -> Vec<String> {
            let errors = check(name, email, password).into_iter();
            errors.map(|error| error.field).collect()
        };
        assert_eq!(check(" ", "nobody", "x"), ["name", "email", "password"]);
        assert!(check("Ada", "ada@example.com", PASSWORD).is_empty());
    }

    #[test]
    fn a_registration_opens_a_customer_account_and_a_session() {
        let shop = Shop::new();
        let session = shop
            .try_register(register_command("Ada@Example.com"))
            .unwrap();
        assert_eq!(session.account.email, "ada@example.com");
        assert_eq!(session.account.role, Role::Customer);
        assert_eq!(
            session.tokens.expires_in,
            shop.ports.lifetimes.access_seconds
        );

        let claims = shop.claims(&session.tokens.access_token);
        assert_eq!(claims.sub, session.account.id.to_string());
        assert_eq!(claims.role, Role::Customer);
        assert_eq!(claims.exp - claims.iat, shop.ports.lifetimes.access_seconds);
        assert_eq!(shop.view("ada@example.com"), session.account);
    }

    #[test]
    fn only_the_hash_of_the_refresh_token_is_kept() {
        let shop = Shop::new();
        let session = shop.register("ada@example.com");
        let kept = shop.tokens();
        assert_eq!(kept.len(), 1);
        assert_eq!(kept[0].record().hash, session.tokens.refresh_token.hash());
        assert_ne!(
            kept[0].record().hash.as_str(),
            session.tokens.refresh_token.expose()
        );
    }

    #[test]
    fn an_address_is_taken_whatever_its_capitals() {
        let shop = Shop::new();
        shop.register("ada@example.com");
        let refused = shop.try_register(register_command("ADA@example.COM"));
        assert_eq!(refused.unwrap_err(), Error::EmailTaken);
        assert_eq!(shop.tokens().len(), 1, "no session was opened");
    }

    #[test]
    fn all_invalid_fields_are_named_at_once() {
        let shop = Shop::new();
        let command = Command {
            name: " ".to_owned(),
            email: "ada".to_owned(),
            password: "short".to_owned(),
            client: None,
        };
        let Error::Invalid(errors) = shop.try_register(command).unwrap_err() else {
            panic!("not Invalid")
        };
        let named: Vec<_> = errors
            .iter()
            .map(|error| (&*error.field, &*error.code))
            .collect();
        assert_eq!(
            named,
            [
                ("name", "required"),
                ("email", "format"),
                ("password", "min")
            ]
        );
        assert_eq!(shop.work(), 0, "nothing was hashed");
    }

    #[test]
    fn the_account_can_log_in_afterwards() {
        let shop = Shop::new();
        let id = shop.register("ada@example.com").account.id;
        assert_eq!(
            shop.login("ada@example.com", PASSWORD).unwrap().account.id,
            id
        );
    }
}
