//! The readable address of a product.

use icu_normalizer::DecomposingNormalizerBorrowed;
use mercato_kernel::{IdText, ProductId, Refusal, Uuid};
use utoipa::ToSchema;

use crate::domain::values::Name;

/// Longest slug, in characters.
pub const SLUG_CHARS_MAX: usize = 100;

/// Longest slug that is made from a name, in characters: a tail that tells it apart has room behind it.
const MADE_CHARS_MAX: usize = 80;

/// What a slug is made from when a name has no letter and no digit of the Latin alphabet.
const UNNAMED: &str = "product";

/// Characters of an identifier that tell products of the same name apart: those that are random in a UUIDv7.
const TAIL_CHARS: usize = 12;

/// Names that stand where slugs stand in the paths of the API, and mean something else there.
const RESERVED: [&str; 3] = ["export", "import", "stats"];

/// Letters that have no decomposition, and what they are written as in addresses.
const LETTERS: [(char, &str); 12] = [
    ('ß', "ss"),
    ('æ', "ae"),
    ('œ', "oe"),
    ('ø', "o"),
    ('đ', "d"),
    ('ð', "d"),
    ('þ', "th"),
    ('ł', "l"),
    ('ħ', "h"),
    ('ŧ', "t"),
    ('ŋ', "n"),
    ('ı', "i"),
];

/// The readable address of a product, unique among those that are not deleted: small Latin letters and digits in runs, with
/// single hyphens between them. It is no UUID, so that it cannot be taken for an identifier.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, ToSchema)]
#[schema(
    min_length = 1,
    max_length = 100,
    pattern = r"^[a-z0-9]+(-[a-z0-9]+)*$",
    example = "espresso-cup"
)]
pub struct Slug(String);

impl Slug {
    /// The slug as it was stored.
    #[must_use]
    pub const fn stored(text: String) -> Self {
        Self(text)
    }

    /// The slug.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The slug of a product of that name, if no other product has it: accents are taken off, and what is no Latin letter and no
    /// digit parts the words. The identifier tells it apart where it would mean something else.
    #[must_use]
    pub fn from_name(name: &Name, id: ProductId) -> Self {
        Self::made_of(name.as_str(), UNNAMED, id)
    }

    /// The same of any name; where it has nothing to make a slug of, of what it is a name of.
    #[must_use]
    pub fn made_of(name: &str, unnamed: &str, id: impl Into<Uuid>) -> Self {
        let text = latin(name);
        if text.is_empty() {
            return Self(unnamed.to_owned()).apart(id);
        }
        let slug = Self(text);
        if slug.is_reserved() {
            slug.apart(id)
        } else {
            slug
        }
    }

    /// The same, told apart from those of other products by the end of an identifier.
    #[must_use]
    pub fn apart(self, id: impl Into<Uuid>) -> Self {
        let text = IdText::from(id.into());
        let tail = text.len().checked_sub(TAIL_CHARS);
        let tail = tail.and_then(|start| text.get(start..)).unwrap_or_default();
        Self(format!("{}-{tail}", self.0))
    }

    fn is_reserved(&self) -> bool {
        RESERVED.contains(&self.as_str()) || ProductId::parse(&self.0).is_ok()
    }
}

/// The runs of Latin letters and digits of a text, in small letters, with hyphens between them. An apostrophe parts nothing.
fn latin(text: &str) -> String {
    const DECOMPOSED: DecomposingNormalizerBorrowed<'static> =
        DecomposingNormalizerBorrowed::new_nfkd();
    let mut slug = String::new();
    let small = text.to_lowercase();
    for letter in DECOMPOSED.normalize_iter(small.chars()) {
        let plain = LETTERS.iter().find(|(known, _)| *known == letter);
        match (letter, plain) {
            ('a'..='z' | '0'..='9', _) => slug.push(letter),
            (_, Some((_, plain))) => slug.push_str(plain),
            ('\'' | '’' | '\u{300}'..='\u{36f}', _) => {}
            _ if slug.is_empty() || slug.ends_with('-') => {}
            _ => slug.push('-'),
        }
        if slug.len() >= MADE_CHARS_MAX {
            break;
        }
    }
    slug.truncate(MADE_CHARS_MAX);
    slug.trim_end_matches('-').to_owned()
}

impl std::str::FromStr for Slug {
    type Err = Refusal;

    fn from_str(text: &str) -> Result<Self, Refusal> {
        let line = mercato_platform::text::line(text, SLUG_CHARS_MAX);
        let slug = line.map_err(|problem| (problem.code(), problem.to_string().into()))?;
        let is_plain = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit();
        let mut runs = slug.split('-');
        if !runs.all(|run| !run.is_empty() && run.chars().all(is_plain)) {
            let rest = "must be small letters a to z and digits, with single hyphens between them";
            return Err(("format", rest.into()));
        }
        let slug = Self(slug);
        if slug.is_reserved() {
            let rest = format!(
                "must not be a UUID, nor one of {}: these mean something else",
                RESERVED.join(", ")
            );
            return Err(("reserved", rest.into()));
        }
        Ok(slug)
    }
}

impl From<Slug> for String {
    fn from(slug: Slug) -> Self {
        slug.0
    }
}

mercato_kernel::read_from_text!(Slug, str::parse, Self(String::new()));

/// How a product is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProductKey {
    /// By its identifier.
    Id(ProductId),
    /// By its slug, or one that it had before.
    Slug(Slug),
}

impl mercato_kernel::FromText for ProductKey {
    fn from_text(text: &str) -> Result<Self, Refusal> {
        if let Ok(id) = ProductId::parse(text) {
            return Ok(Self::Id(id));
        }
        text.parse().map(Self::Slug).map_err(|_: Refusal| {
            let rest = "must be the id of a product, a UUID, or its slug";
            ("format", rest.into())
        })
    }
}

#[cfg(test)]
mod tests {
    use mercato_kernel::FromText as _;

    use super::*;

    const ID: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

    fn made(name: &str) -> String {
        let id = ProductId::parse(ID).unwrap();
        Slug::from_name(&name.parse().unwrap(), id).into()
    }

    #[test]
    fn a_slug_is_made_of_the_latin_letters_of_a_name() {
        for (name, slug) in [
            ("Espresso cup", "espresso-cup"),
            ("  T-Shirt (blue), 100% ", "t-shirt-blue-100"),
            ("Crème Brûlée", "creme-brulee"),
            ("Größe Łódź smørrebrød", "grosse-lodz-smorrebrod"),
            ("Levi's 501", "levis-501"),
            ("ﬁne 250 ㎏", "fine-250-kg"),
            ("绿茶 Tea", "tea"),
        ] {
            assert_eq!(made(name), slug, "{name}");
            assert_eq!(slug.parse::<Slug>().unwrap().as_str(), slug);
        }
        assert_eq!(made(&"é".repeat(200)).len(), MADE_CHARS_MAX);
        assert_eq!(made(&"ab-".repeat(60)).len(), MADE_CHARS_MAX);
    }

    #[test]
    fn what_would_mean_something_else_is_told_apart() {
        for (name, slug) in [
            ("绿茶", "product-b302099a8057".to_owned()),
            ("Stats", "stats-b302099a8057".to_owned()),
            (ID, format!("{ID}-b302099a8057")),
        ] {
            assert_eq!(made(name), slug);
            assert!(slug.parse::<Slug>().is_ok(), "{slug}");
        }
    }

    #[test]
    fn a_slug_that_is_given_keeps_the_rules() {
        let long = "x".repeat(SLUG_CHARS_MAX + 1);
        for (text, code) in [
            ("", "required"),
            (" - ", "format"),
            ("Tea", "format"),
            ("a--b", "format"),
            ("-a", "format"),
            ("a_b", "format"),
            ("tée", "format"),
            ("import", "reserved"),
            (ID, "reserved"),
            (&*long, "max"),
        ] {
            assert_eq!(text.parse::<Slug>().unwrap_err().0, code, "{text}");
        }
        assert_eq!(" a-1 ".parse::<Slug>().unwrap().as_str(), "a-1");
    }

    #[test]
    fn a_product_is_asked_for_by_id_or_by_slug() {
        let id = ProductId::parse(ID).unwrap();
        let slug = ProductKey::Slug("green-tea".parse().unwrap());
        assert_eq!(
            ProductKey::from_text(&ID.to_uppercase()),
            Ok(ProductKey::Id(id))
        );
        assert_eq!(ProductKey::from_text("green-tea"), Ok(slug));
        for wrong in ["", "Green", "a b", "stats"] {
            assert_eq!(ProductKey::from_text(wrong).unwrap_err().0, "format");
        }
    }
}
