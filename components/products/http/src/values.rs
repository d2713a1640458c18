//! The values of a product as clients send them. The rules are the domain's; the document says the same.

use mercato_edge::{FromJson, Refusal};
use mercato_kernel::text_value;
use utoipa::ToSchema;

/// A text of one line that shows something; blanks at its ends are taken off.
macro_rules! line {
    ($(#[$doc:meta])* $name:ident, $($schema:tt)+) => {
        #[derive(Debug, Clone, PartialEq, Eq, ToSchema)]
        $(#[$doc])*
        #[schema(
            min_length = 1,
            pattern = "^\\s*[^\\s\\x00-\\x1f\\x7f-\\x9f\\u00ad\\u034f\\u0600-\\u0605\\u061c\\u06dd\\u070f\\u0890\\u0891\\u08e2\\u115f\
                    \\u1160\\u17b4\\u17b5\\u180b-\\u180f\\u200b-\\u200f\\u202a-\\u202e\\u2060-\\u206f\\u2800\\u3164\\ufe00-\\ufe0f\\ufeff\\uffa0\\ufff0-\\ufffb]\
                    ([^\\x00-\\x1f\\x7f-\\x9f]*[^\\s\\x00-\\x1f\\x7f-\\x9f])?\\s*$",
            $($schema)+
        )]
        pub struct $name(pub String);

        text_value!($name);
    };
}

line! {
    /// Name of a product: one line; blanks at its ends are taken off.
    ProductName, max_length = 200, example = "Espresso cup"
}

line! {
    /// Stock keeping unit: the shop's own number of a product, unique among those that are not deleted; one line, blanks at
    /// its ends are taken off.
    Sku, max_length = 64, example = "CUP-90"
}

line! {
    /// Words to search for, such as `espresso cu`.
    SearchWords, max_length = 200
}

/// Description of a product: may be empty, may have line breaks and tabs.
#[derive(Debug, Clone, PartialEq, Eq, ToSchema)]
#[schema(
    max_length = 5000,
    pattern = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]*$",
    example = "Porcelain, 90 ml"
)]
pub struct ProductDescription(pub String);

text_value!(ProductDescription);

/// A number of free units that a product may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ToSchema)]
#[schema(minimum = 0, maximum = 1_000_000_000, example = 20)]
pub struct Units(pub u64);

impl FromJson for Units {
    fn placeholder() -> Self {
        Self(0)
    }

    fn from_json(json: &str) -> Result<Self, Refusal> {
        let units = u64::try_from(i64::from_json(json)?);
        units
            .map(Self)
            .map_err(|_| ("min", "must not be less than 0".into()))
    }
}
