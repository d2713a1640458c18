//! Values of a closed list, by name.

use serde::Serialize;
use utoipa::PartialSchema;
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{RefOr, Schema};

/// A value of a closed list that has a name for clients and in databases.
pub trait Named: Copy + Eq + 'static {
    /// All of them, in the order in which they are listed.
    const ALL: &'static [Self];

    /// Whether clients may write the names in capital or small letters.
    const IGNORES_CASE: bool = false;

    /// Its name.
    fn name(self) -> &'static str;

    /// The value of that name, exactly as [`Named::name`] writes it.
    #[must_use]
    fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|value| value.name() == name)
    }
}

/// How a closed list of values is described to clients.
#[must_use]
pub fn schema_of<T: Named>() -> RefOr<Schema> {
    let names = T::ALL.iter().map(|value| value.name());
    let schema = ObjectBuilder::new()
        .schema_type(Type::String)
        .enum_values(Some(names));
    RefOr::T(Schema::Object(schema.build()))
}

/// Whether clients are told the names of a type by its schema: a derive of its own says them, so tests ask.
#[must_use]
pub fn is_described_by_name<T: Named + PartialSchema>() -> bool {
    let [described, expected] = [T::schema(), schema_of::<T>()].map(|schema| match schema {
        RefOr::T(Schema::Object(schema)) => schema.enum_values,
        _ => None,
    });
    described.is_some() && described == expected
}

/// Whether a type is written in JSON by its names, and described so.
#[must_use]
pub fn is_written_by_name<T: Named + Serialize + PartialSchema>() -> bool {
    let mut all = T::ALL.iter();
    all.all(|value| serde_json::to_value(value).is_ok_and(|written| written == value.name()))
        && is_described_by_name::<T>()
}

/// Makes an enum [`Named`] that derives `strum::VariantArray` and `strum::IntoStaticStr`: `named!(Role);`, or
/// `named!(OrderStatus, ignoring case);`
#[macro_export]
macro_rules! named {
    ($name:ty) => {
        $crate::named!(@implement $name, false);
    };
    ($name:ty, ignoring case) => {
        $crate::named!(@implement $name, true);
    };
    (@implement $name:ty, $ignores_case:literal) => {
        impl $crate::Named for $name {
            const ALL: &'static [Self] = <Self as $crate::strum::VariantArray>::VARIANTS;
            const IGNORES_CASE: bool = $ignores_case;

            fn name(self) -> &'static str {
                self.into()
            }
        }

        $crate::read_from_text!(
            $name,
            $crate::read::named,
            <Self as $crate::strum::VariantArray>::VARIANTS[0]
        );
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Clone, Copy, PartialEq, Eq, strum::VariantArray, strum::IntoStaticStr)]
    #[strum(serialize_all = "UPPERCASE")]
    enum Tea {
        Green,
        #[strum(serialize = "earl-grey")]
        EarlGrey,
    }

    named!(Tea);

    #[test]
    fn a_name_is_read_as_it_is_written() {
        assert_eq!(Tea::ALL, [Tea::Green, Tea::EarlGrey]);
        for tea in Tea::ALL.iter().copied() {
            assert_eq!(Tea::from_name(tea.name()), Some(tea));
        }
        assert_eq!(Tea::EarlGrey.name(), "earl-grey");
        assert_eq!(Tea::from_name("green"), None);
    }

    #[derive(
        Clone,
        Copy,
        PartialEq,
        Eq,
        strum::VariantArray,
        strum::IntoStaticStr,
        Serialize,
        utoipa::ToSchema,
    )]
    #[strum(serialize_all = "lowercase")]
    enum Cup {
        Small,
        #[serde(rename = "large")]
        Large,
    }

    named!(Cup);

    #[test]
    fn a_derive_that_says_another_name_is_noticed() {
        assert!(!is_written_by_name::<Cup>() && !is_described_by_name::<Cup>());
    }
}
