//! The use cases' ports, made once per instance from the variables.

use std::cell::OnceCell;
use std::rc::Rc;

use mercato_contracts::variables::variables::{self, Error as VariableError};
use mercato_platform::clock::SystemClock;
use mercato_platform::ids::RandomIds;
use mercato_platform::log;

use crate::adapters::{BcryptPasswords, RandomSecrets};
use crate::application::Error;
use crate::application::commands::create_first_admin::{self, FirstAdminOutcome};
use crate::application::ports::Ports;
use crate::settings::{FirstAdminSetting, Settings, Variables};
use crate::store::Store;

thread_local! {
    /// The ports of this instance. A changed variable reaches new instances only.
    static INSTANCE: OnceCell<Rc<Ports>> = const { OnceCell::new() };
}

/// The ports of this instance. Whoever comes first reads the variables and makes the first admin; a failure is not
/// kept, so the next request tries again.
///
/// # Errors
/// [`Error::Internal`] for variables that cannot be used, or a fault of the database.
pub async fn instance() -> Result<Rc<Ports>, Error> {
    if let Some(ports) = INSTANCE.with(|cell| cell.get().cloned()) {
        return Ok(ports);
    }
    let settings =
        Settings::parse(variables().await?).map_err(|error| Error::Internal(error.to_string()))?;
    let ports = open(settings, Store::new())?;
    Ok(INSTANCE.with(|cell| cell.get_or_init(|| Rc::new(ports)).clone()))
}

/// The ports over that database, in which the first admin has been made.
fn open(settings: Settings, store: Store) -> Result<Ports, Error> {
    let ports = Ports {
        store,
        passwords: Box::new(BcryptPasswords::new(settings.bcrypt_cost)),
        secrets: Box::new(RandomSecrets),
        keys: settings.keys,
        clock: Box::new(SystemClock),
        ids: Box::new(RandomIds),
        lifetimes: settings.lifetimes,
        limits: settings.limits,
    };
    make_first_admin(&ports, settings.first_admin)?;
    Ok(ports)
}

/// Makes the first admin if one is wanted. What is wrong with the variables is logged, and the shop opens without.
fn make_first_admin(ports: &Ports, setting: FirstAdminSetting) -> Result<(), Error> {
    let command = match setting {
        FirstAdminSetting::Nobody => return Ok(()),
        FirstAdminSetting::Incomplete => {
            log::warn(
                "no first admin: only one of admin_email and admin_password is set; set both or neither",
                &[],
            );
            return Ok(());
        }
        FirstAdminSetting::Somebody(command) => command,
    };
    match create_first_admin::handle(ports, command) {
        Ok(FirstAdminOutcome::Created) => {
            log::info("the first admin was created from admin_email", &[])
        }
        Ok(FirstAdminOutcome::AdminExists) => {}
        Ok(FirstAdminOutcome::AddressTaken) => {
            log::warn(
                "no first admin: a customer has the address of admin_email; set another one",
                &[],
            );
        }
        Err(Error::Invalid(errors)) => {
            let causes: Vec<_> = errors.into_iter().map(|error| error.message).collect();
            log::error(
                "no first admin: its variables break the rules of accounts",
                &[("cause", &causes.join("; "))],
            );
        }
        Err(error) => return Err(error),
    }
    Ok(())
}

async fn variables() -> Result<Variables, Error> {
    Ok(Variables {
        jwt_secret: variable("jwt_secret").await?,
        jwt_previous_secret: variable("jwt_previous_secret").await?,
        access_token_ttl: variable("access_token_ttl").await?,
        refresh_token_ttl: variable("refresh_token_ttl").await?,
        bcrypt_cost: variable("bcrypt_cost").await?,
        admin_email: variable("admin_email").await?,
        admin_password: variable("admin_password").await?,
        hashing_slots: variable("hashing_slots").await?,
        registrations_per_client: variable("registrations_per_client").await?,
        registrations_per_minute: variable("registrations_per_minute").await?,
    })
}

/// A variable; one that this component is not granted is as good as empty.
async fn variable(name: &str) -> Result<String, Error> {
    match variables::get(name.to_owned()).await {
        Ok(value) => Ok(value),
        Err(VariableError::Undefined(_)) => Ok(String::new()),
        Err(error) => Err(Error::Unavailable(format!(
            "the variable {name} cannot be read: {error}"
        ))),
    }
}

#[cfg(test)]
mod tests;
