use crate::application::Error;
use crate::application::locks;
use crate::application::ports::Ports;
use crate::domain::{Account, Email, FieldError, Fields, Name, Password, Role};

/// Name of the first admin, who may change it.
const FIRST_ADMIN_NAME: &str = "Administrator";

/// Makes the account that all other admins have their role from.
pub struct Command {
    /// Variable `admin_email`.
    pub email: String,
    /// Variable `admin_password`.
    pub password: String,
}

/// What became of the first admin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FirstAdminOutcome {
    /// The account was made.
    Created,
    /// The shop has an admin; nothing was changed.
    AdminExists,
    /// A customer has registered with that address, and nobody becomes admin by registering; nothing was changed.
    AddressTaken,
}

/// Makes the first admin, unless the shop has one already: an admin who has changed address or password must not be
/// joined by another one with the old ones at the next start.
///
/// # Errors
/// [`Error::Invalid`] when address or password break a rule, or a fault of the database.
pub fn handle(ports: &Ports, command: Command) -> Result<FirstAdminOutcome, Error> {
    if ports.store.read(|records| records.has_admin())? {
        return Ok(FirstAdminOutcome::AdminExists);
    }
    let (email, password) = validate(&command)?;
    if ports
        .store
        .read(|records| records.account_by_email(&email))?
        .is_some()
    {
        return Ok(FirstAdminOutcome::AddressTaken);
    }
    let account = open_admin(ports, email, &password)?;
    let locks = locks::admins().and(locks::email(account.email()));
    let created = ports.store.write(locks, |records| {
        // Several instances start at once.
        if records.has_admin()? {
            return Ok(FirstAdminOutcome::AdminExists);
        }
        records.add_account(&account)?;
        Ok(FirstAdminOutcome::Created)
    });
    match created {
        Err(Error::EmailTaken) => Ok(FirstAdminOutcome::AddressTaken),
        created => created,
    }
}

fn open_admin(ports: &Ports, email: Email, password: &Password) -> Result<Account, Error> {
    let id = ports.new_account_id()?;
    let name = Name::parse(FIRST_ADMIN_NAME).map_err(|rule| Error::Internal(rule.must))?;
    let hash = ports.passwords.hash(password)?;
    Ok(Account::open(
        id,
        name,
        email,
        hash,
        Role::Admin,
        ports.clock.now_ms(),
    ))
}

/// What breaks the rules of accounts, by the variable's name.
#[must_use]
pub fn check(command: &Command) -> Vec<FieldError> {
    match validate(command) {
        Err(Error::Invalid(errors)) => errors,
        Ok(_) | Err(_) => Vec::new(),
    }
}

fn validate(command: &Command) -> Result<(Email, Password), Error> {
    let mut fields = Fields::default();
    let email = fields.take("admin_email", Email::parse(&command.email));
    let password = fields.take("admin_password", Password::parse(command.password.clone()));
    match (email, password) {
        (Some(email), Some(password)) => Ok((email, password)),
        _ => Err(Error::Invalid(fields.into_errors())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::application::testing::{PASSWORD, Shop};
    use crate::domain::AccountRecord;

    fn create(shop: &Shop, email: &str, password: &str) -> Result<FirstAdminOutcome, Error> {
        let (email, password) = (email.to_owned(), password.to_owned());
        handle(&shop.ports, Command { email, password })
    }

    #[test]
    fn the_first_admin_can_log_in_as_one() {
        let shop = Shop::new();
        assert_eq!(
            create(&shop, "Root@Example.com", PASSWORD),
            Ok(FirstAdminOutcome::Created)
        );
        let session = shop.login("root@example.com", PASSWORD).unwrap();
        assert_eq!(shop.claims(&session.tokens.access_token).role, Role::Admin);
    }

    #[test]
    fn a_shop_with_an_admin_gets_no_other_one() {
        let shop = Shop::new();
        create(&shop, "root@example.com", PASSWORD).unwrap();
        let work = shop.work();
        assert_eq!(
            create(&shop, "root@example.com", PASSWORD),
            Ok(FirstAdminOutcome::AdminExists)
        );
        assert_eq!(
            create(&shop, "other@example.com", PASSWORD),
            Ok(FirstAdminOutcome::AdminExists)
        );
        assert_eq!(shop.work(), work, "and hashes nothing");
        assert_eq!(
            shop.login("other@example.com", PASSWORD).unwrap_err(),
            Error::InvalidCredentials
        );
    }

    #[test]
    fn a_customer_with_that_address_does_not_become_admin() {
        let shop = Shop::new();
        shop.register("root@example.com");
        assert_eq!(
            create(&shop, "root@example.com", "An0ther-Password"),
            Ok(FirstAdminOutcome::AddressTaken)
        );
        assert_eq!(shop.account("root@example.com").role, Role::Customer);
        assert!(shop.login("root@example.com", PASSWORD).is_ok());
    }

    #[test]
    fn what_breaks_a_rule_is_named_as_the_variable() {
        let shop = Shop::new();
        let Error::Invalid(errors) = create(&shop, "root", "admin").unwrap_err() else {
            panic!("not Invalid")
        };
        let named: Vec<_> = errors
            .iter()
            .map(|error| (&*error.field, &*error.code))
            .collect();
        assert_eq!(
            named,
            [("admin_email", "format"), ("admin_password", "min")]
        );
    }

    #[test]
    fn of_two_instances_that_start_at_once_one_makes_the_admin() {
        let shop = Shop::new();
        shop.register("grace@example.com");
        shop.while_hashing(|account| {
            Account::restore(AccountRecord {
                role: Role::Admin,
                ..account.record().clone()
            })
        });
        assert_eq!(
            create(&shop, "root@example.com", PASSWORD),
            Ok(FirstAdminOutcome::AdminExists)
        );
    }
}
