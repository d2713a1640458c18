use std::borrow::Cow;

use serde::Serialize;
use utoipa::ToSchema;

use crate::Refusal;

/// One field at fault.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldError {
    /// Name as in the API; elements of lists as `items[0].quantity`. A long unknown name is cut and ends in `…`.
    #[schema(example = "price")]
    pub field: String,
    /// Stable code.
    #[schema(value_type = String, example = "min")]
    pub code: Cow<'static, str>,
    /// A sentence for people.
    #[schema(example = "price must not be less than 0")]
    pub message: String,
}

impl FieldError {
    /// A field at fault.
    #[must_use]
    pub fn new(
        field: impl Into<String>,
        code: impl Into<Cow<'static, str>>,
        message: impl Into<String>,
    ) -> Self {
        Self {
            field: field.into(),
            code: code.into(),
            message: message.into(),
        }
    }

    /// A field whose value is refused; the refusal continues the sentence after its name.
    #[must_use]
    pub fn broken(field: impl Into<String>, (code, rest): Refusal) -> Self {
        let field = field.into();
        let message = format!("{field} {rest}");
        Self::new(field, code, message)
    }
}
