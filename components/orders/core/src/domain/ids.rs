use std::fmt;

use mercato_platform::ids;

use super::{FieldError, OrderError};

macro_rules! id_types {
    ($($(#[$doc:meta])* $name:ident in $field:literal;)+) => {
        $(
            $(#[$doc])*
            #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
            pub struct $name(String);

            impl $name {
                /// The id a text stands for, normalised to lower case.
                ///
                /// # Errors
                /// [`OrderError::Invalid`] when the text is not a UUID.
                pub fn parse(text: &str) -> Result<Self, OrderError> {
                    let error = |problem: ids::NotAnId| FieldError::new($field, "format", problem.to_string());
                    ids::parse(text).map(Self).map_err(|problem| OrderError::Invalid(vec![error(problem)]))
                }

                /// The canonical text.
                #[must_use]
                pub fn as_str(&self) -> &str {
                    &self.0
                }
            }

            impl fmt::Display for $name {
                fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    f.write_str(&self.0)
                }
            }
        )+
    };
}

id_types! {
    /// Names an order; the key of its saga, of its reservation and of its payment.
    OrderId in "id";
    /// The account that orders.
    CustomerId in "customerId";
    /// Names a product of the catalogue.
    ProductId in "productId";
    /// Names a payment.
    PaymentId in "paymentId";
    /// Names a payment event; what the inbox knows it by.
    EventId in "eventId";
}

/// Who changed an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Actor {
    /// The shop itself.
    System,
    /// An account, customer or admin.
    Account(CustomerId),
}

impl Actor {
    const SYSTEM: &str = "system";

    /// The actor's stored name: `system`, or the account's id.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::System => Self::SYSTEM,
            Self::Account(id) => id.as_str(),
        }
    }

    /// The reverse of [`Actor::as_str`].
    ///
    /// # Errors
    /// [`OrderError::Invalid`] when the text is neither `system` nor an account's id.
    pub fn parse(text: &str) -> Result<Self, OrderError> {
        if text == Self::SYSTEM {
            Ok(Self::System)
        } else {
            CustomerId::parse(text).map(Self::Account)
        }
    }
}
