use super::create_code::valid;
use crate::application::Error;
use crate::application::locks;
use crate::application::ports::Ports;
use crate::domain::{CodeName, CodeTerms, DiscountCode, Label, ProductId};
use mercato_money::Money;

/// Changes what is said of a discount code; what is none stays, and the inner none clears. What it gives never changes: orders have
/// been placed by it.
#[derive(Debug, Clone, Default)]
#[allow(
    clippy::option_option,
    missing_docs,
    reason = "to leave something and to clear it are different changes; the fields are those of the terms"
)]
pub struct Changes {
    pub label: Option<Label>,
    pub valid_from: Option<Option<u64>>,
    pub valid_until: Option<Option<u64>>,
    pub minimum_value: Option<Option<Money>>,
    pub products: Option<Vec<ProductId>>,
    pub limit_total: Option<Option<u32>>,
    pub limit_per_customer: Option<Option<u32>>,
    pub is_combinable: Option<bool>,
}

/// Changes a discount code.
#[derive(Debug, Clone)]
pub struct Command {
    /// Which one.
    pub name: CodeName,
    /// What to change.
    pub changes: Changes,
    /// The version that the caller has seen.
    pub expected_version: Option<u64>,
}

/// Changes a discount code. Uses beyond a limit that is lowered stay as they are.
///
/// # Errors
/// [`Error::CodeNotFound`], [`Error::VersionMismatch`], [`Error::Invalid`], or a fault of the database.
pub fn handle<C>(ports: &Ports<C>, command: Command) -> Result<DiscountCode, Error> {
    let now = ports.now();
    ports.store.write(locks::codes([&command.name]), |records| {
        let mut code = records.code(&command.name)?.ok_or(Error::CodeNotFound)?;
        let expected = command.expected_version;
        if expected.is_some_and(|version| version != code.version) {
            return Err(Error::VersionMismatch);
        }
        let terms = changed(code.terms.clone(), command.changes.clone());
        if terms == code.terms {
            return Ok(code);
        }
        valid(terms.broken_rules(code.benefit, ports.currency))?;
        code.terms = terms;
        code.version = code.version.saturating_add(1);
        code.updated_at = now;
        records.save_code(&code)?;
        Ok(code)
    })
}

fn changed(mut terms: CodeTerms, changes: Changes) -> CodeTerms {
    fn replace<T>(place: &mut T, change: Option<T>) {
        if let Some(change) = change {
            *place = change;
        }
    }
    replace(&mut terms.label, changes.label);
    replace(&mut terms.valid_from, changes.valid_from);
    replace(&mut terms.valid_until, changes.valid_until);
    replace(&mut terms.minimum_value, changes.minimum_value);
    replace(&mut terms.products, changes.products);
    replace(&mut terms.limits.total, changes.limit_total);
    replace(&mut terms.limits.per_customer, changes.limit_per_customer);
    replace(&mut terms.is_combinable, changes.is_combinable);
    terms
}
