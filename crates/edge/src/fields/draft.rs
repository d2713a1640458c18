use crate::field_errors::FieldErrors;
use crate::{FieldError, Problem};

/// What a body or query string says, as far as it could be read; what could not has a placeholder.
#[derive(Debug)]
#[must_use = "what is wrong with it is told by `check`"]
pub struct Draft<T> {
    pub(crate) value: T,
    pub(crate) errors: FieldErrors,
}

impl<T> Draft<T> {
    /// The value, if all of it could be read.
    ///
    /// # Errors
    /// [`Problem::validation`] with every field at fault.
    pub fn finish(self) -> Result<T, Problem> {
        self.check(|_| Vec::new())
    }

    /// The value, if all of it could be read. Otherwise `rules` says what is wrong with the rest, so that whoever
    /// corrects a form learns everything at once.
    ///
    /// # Errors
    /// [`Problem::validation`] with every field at fault; of one that could not be read, and of what stands in it, the rules have
    /// nothing to add.
    pub fn check(self, rules: impl FnOnce(&T) -> Vec<FieldError>) -> Result<T, Problem> {
        let Self { value, mut errors } = self;
        if errors.is_empty() {
            return Ok(value);
        }
        let mut broken = rules(&value);
        broken.retain(|error| {
            let known = errors.listed();
            known
                .iter()
                .all(|known| !is_within(&error.field, &known.field))
        });
        errors.append(broken.into_iter().collect());
        Err(Problem::of_fields(errors))
    }
}

/// Whether a field is another one, or stands in it: `items[0].quantity` in `items[0]`.
fn is_within(field: &str, other: &str) -> bool {
    let rest = field.strip_prefix(other);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}
