use mercato_kernel::FieldError;

use crate::application::Error;
use crate::application::locks;
use crate::application::ports::Ports;
use crate::domain::{Benefit, CodeName, CodeTerms, DiscountCode};

/// Makes a discount code.
#[derive(Debug, Clone)]
pub struct Command {
    /// Its name.
    pub name: CodeName,
    /// What it gives.
    pub benefit: Benefit,
    /// What else is said of it.
    pub terms: CodeTerms,
}

/// Makes a discount code.
///
/// # Errors
/// [`Error::Invalid`], [`Error::CodeTaken`], or a fault of the database.
pub fn handle<C>(ports: &Ports<C>, command: Command) -> Result<DiscountCode, Error> {
    valid(command.terms.broken_rules(command.benefit, ports.currency))?;
    let now = ports.now();
    let code = DiscountCode {
        name: command.name,
        benefit: command.benefit,
        terms: command.terms,
        uses: 0,
        version: 1,
        created_at: now,
        updated_at: now,
    };
    if ports.store.write(locks::codes([&code.name]), |records| {
        records.add_code(&code)
    })? {
        Ok(code)
    } else {
        Err(Error::CodeTaken)
    }
}

pub(super) fn valid(errors: Vec<FieldError>) -> Result<(), Error> {
    if errors.is_empty() {
        Ok(())
    } else {
        Err(Error::Invalid(errors))
    }
}
