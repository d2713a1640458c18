use std::fmt;
use std::ops::Deref;

use utoipa::openapi::schema::{ObjectBuilder, SchemaFormat, Type};
use utoipa::openapi::{RefOr, Schema};
use uuid::Uuid;
use uuid::fmt::Hyphenated;

pub use mercato_platform::ids::NotAnId;

/// Types of identifiers: UUIDs (RFC 9562) of 16 bytes, each naming something else.
/// `id_types! { /// Names a refund. RefundId; }`
#[macro_export]
macro_rules! id_types {
    ($($(#[$doc:meta])* $name:ident;)+) => {
        $(
            $(#[$doc])*
            #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
            pub struct $name($crate::Uuid);

            impl $name {
                /// The id that a text stands for: the hyphenated form of 36 characters, capital letters allowed.
                ///
                /// # Errors
                /// When the text is anything else.
                pub fn parse(text: &str) -> Result<Self, $crate::NotAnId> {
                    $crate::IdText::parse(text).map(Self)
                }

                /// The canonical text: lower case, hyphenated.
                #[must_use]
                pub fn text(&self) -> $crate::IdText {
                    self.0.into()
                }
            }

            impl From<$crate::Uuid> for $name {
                fn from(id: $crate::Uuid) -> Self {
                    Self(id)
                }
            }

            impl From<$name> for $crate::Uuid {
                fn from(id: $name) -> Self {
                    id.0
                }
            }

            $crate::read_from_text!(
                $name,
                |text: &str| Self::parse(text).map_err(|error| ("format", error.to_string().into())),
                Self($crate::Uuid::nil())
            );

            impl $crate::serde::Serialize for $name {
                fn serialize<S: $crate::serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                    serializer.serialize_str(&self.text())
                }
            }

            // One schema for all: to a client, an id is an id.
            impl $crate::utoipa::PartialSchema for $name {
                fn schema() -> $crate::utoipa::openapi::RefOr<$crate::utoipa::openapi::Schema> {
                    $crate::IdText::schema()
                }
            }

            impl $crate::utoipa::ToSchema for $name {
                fn name() -> ::std::borrow::Cow<'static, str> {
                    "Id".into()
                }
            }

            impl ::std::fmt::Display for $name {
                fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                    f.write_str(&self.text())
                }
            }
        )+
    };
}

/// The canonical text of an id, without an allocation.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct IdText([u8; Self::LENGTH]);

impl IdText {
    /// Of every id, in bytes.
    pub const LENGTH: usize = Hyphenated::LENGTH;

    /// The UUID that a text stands for.
    ///
    /// # Errors
    /// When it is not the hyphenated form of [`IdText::LENGTH`] characters.
    pub fn parse(text: &str) -> Result<Uuid, NotAnId> {
        if text.len() != Self::LENGTH {
            return Err(NotAnId);
        }
        Uuid::try_parse(text).map_err(|_| NotAnId)
    }

    /// How an id is described to clients.
    #[must_use]
    pub fn schema() -> RefOr<Schema> {
        let schema = ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::Custom("uuid".to_owned())))
            .description(Some("A UUID (RFC 9562)"))
            .examples([serde_json::json!("01890a5d-ac96-774b-bcce-b302099a8057")]);
        RefOr::T(Schema::Object(schema.build()))
    }
}

impl From<Uuid> for IdText {
    fn from(id: Uuid) -> Self {
        let mut text = [0; Self::LENGTH];
        id.hyphenated().encode_lower(&mut text);
        Self(text)
    }
}

impl Deref for IdText {
    type Target = str;

    fn deref(&self) -> &str {
        // ASCII, as it was encoded above.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl fmt::Debug for IdText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

id_types! {
    /// Names an account: a customer's, an admin's.
    AccountId;
    /// Names a product of the catalogue.
    ProductId;
    /// Names a checkout: what somebody fills in before ordering.
    CheckoutId;
    /// Names an order; the key of its saga, of its reservation and of its payment.
    OrderId;
    /// Names a payment.
    PaymentId;
    /// Names a session: a login and the tokens that follow from it.
    SessionId;
    /// Names an event of a payment.
    EventId;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_has_one_text() {
        let text = "01890a5d-ac96-774b-bcce-b302099a8057";
        for sent in [text, &text.to_uppercase()] {
            let id = OrderId::parse(sent).unwrap();
            assert_eq!((&*id.text(), id.to_string()), (text, text.to_owned()));
            assert_eq!(OrderId::from(Uuid::from(id)), id);
        }
        for wrong in ["", "01890a5dac96774bbcceb302099a8057", &text[1..], "{…}"] {
            assert_eq!(OrderId::parse(wrong), Err(NotAnId), "{wrong}");
        }
        assert_eq!(
            format!("{:?}", OrderId::parse(text).unwrap().text()),
            format!("{text:?}")
        );
    }
}
