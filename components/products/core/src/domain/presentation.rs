//! How a product is shown: whether it is, with which pictures, and what is said of it by name.

use std::collections::BTreeMap;
use std::collections::btree_map::Iter;

use mercato_kernel::{FieldError, named::schema_of};
use utoipa::PartialSchema;
use utoipa::openapi::{RefOr, Schema};

use crate::domain::error::broken;

/// Whether a product is shown and sold.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, strum::VariantArray, strum::IntoStaticStr)]
#[strum(serialize_all = "lowercase")]
pub enum Status {
    /// Admins work on it; for everybody else it does not exist.
    Draft,
    /// Everybody sees it and can buy it.
    #[default]
    Published,
    /// It is kept, and was for sale before; for everybody but admins it does not exist.
    Archived,
}

mercato_kernel::named!(Status);

impl PartialSchema for Status {
    fn schema() -> RefOr<Schema> {
        schema_of::<Self>()
    }
}

impl utoipa::ToSchema for Status {
    fn name() -> std::borrow::Cow<'static, str> {
        "ProductStatus".into()
    }
}

/// Most media of a product.
pub const MEDIA_MAX: usize = 20;

/// Longest address of a medium, in characters.
pub const URL_CHARS_MAX: usize = 2_000;

/// Longest text that stands for a medium, in characters.
pub const ALT_CHARS_MAX: usize = 500;

/// A picture or another medium of a product.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Medium {
    url: String,
    alt: String,
}

/// A medium as it was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MediumDraft {
    /// Its address.
    pub url: String,
    /// What stands for it where it is not shown.
    pub alt: String,
}

impl Medium {
    /// The medium as it was stored.
    #[must_use]
    pub const fn stored(url: String, alt: String) -> Self {
        Self { url, alt }
    }

    /// Where it is: an address with `https:`, or a path of the shop.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// What stands for it where it is not shown, perhaps nothing.
    #[must_use]
    pub fn alt(&self) -> &str {
        &self.alt
    }

    /// Checks media that somebody sent.
    ///
    /// # Errors
    /// Every part that breaks a rule, by its path.
    pub fn parse_all(drafts: &[MediumDraft]) -> Result<Vec<Self>, Vec<FieldError>> {
        if drafts.len() > MEDIA_MAX {
            let rule = format!("must not have more than {MEDIA_MAX} entries");
            return Err(vec![broken("media", "max", rule)]);
        }
        let (mut media, mut errors) = (Vec::new(), Vec::new());
        for (index, draft) in drafts.iter().enumerate() {
            let url = parse_url(&format!("media[{index}].url"), &draft.url);
            let alt = parse_text(&format!("media[{index}].alt"), &draft.alt, ALT_CHARS_MAX);
            match (url, alt) {
                (Ok(url), Ok(alt)) => media.push(Self { url, alt }),
                (url, alt) => errors.extend([url.err(), alt.err()].into_iter().flatten()),
            }
        }
        if errors.is_empty() {
            Ok(media)
        } else {
            Err(errors)
        }
    }
}

/// An address with `https:` and a host, or a path that begins with one slash. Whatever a page might run instead of showing it
/// (`javascript:`, `data:`), or load from a host that is not named (`//host`), is refused.
fn parse_url(field: &str, text: &str) -> Result<String, FieldError> {
    let url = parse_text(field, text, URL_CHARS_MAX)?;
    let is_path = url.starts_with('/') && !url.starts_with("//");
    let host = url
        .get(..8)
        .filter(|scheme| scheme.eq_ignore_ascii_case("https://"))
        .and_then(|_| url.get(8..));
    let has_host = host.is_some_and(|rest| !rest.is_empty() && !rest.starts_with(['/', '?', '#']));
    let is_plain =
        |letter: char| !letter.is_whitespace() && !matches!(letter, '\\' | '"' | '<' | '>');
    if (is_path || has_host) && url.chars().all(is_plain) {
        return Ok(url);
    }
    let rule = "must be an address that begins with https://, or a path that begins with /";
    Err(broken(field, "format", rule))
}

fn parse_text(field: &str, text: &str, limit: usize) -> Result<String, FieldError> {
    let text = mercato_platform::text::paragraph(text, limit);
    text.map_err(|problem| broken(field, problem.code(), problem))
}

/// Most attributes of a product.
pub const ATTRIBUTES_MAX: usize = 50;

/// Longest name of an attribute, in characters.
pub const ATTRIBUTE_NAME_CHARS_MAX: usize = 50;

/// Longest value of an attribute, in characters.
pub const ATTRIBUTE_CHARS_MAX: usize = 200;

/// What is said of a product by name, such as its origin; in the order of the names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Attributes(BTreeMap<String, String>);

impl Attributes {
    /// The attributes as they were stored.
    #[must_use]
    pub const fn stored(attributes: BTreeMap<String, String>) -> Self {
        Self(attributes)
    }

    /// Checks attributes that somebody sent: name and value of each is one line.
    ///
    /// # Errors
    /// Every one that breaks a rule, by its path.
    pub fn parse(drafts: &[(String, String)]) -> Result<Self, Vec<FieldError>> {
        if drafts.len() > ATTRIBUTES_MAX {
            let rule = format!("must not have more than {ATTRIBUTES_MAX} members");
            return Err(vec![broken("attributes", "max", rule)]);
        }
        let (mut attributes, mut errors) = (BTreeMap::new(), Vec::new());
        for (name, value) in drafts {
            let field = format!("attributes.{}", mercato_platform::text::loggable(name));
            let name = mercato_platform::text::line(name, ATTRIBUTE_NAME_CHARS_MAX);
            let value = mercato_platform::text::line(value, ATTRIBUTE_CHARS_MAX);
            match (name, value) {
                (Ok(name), Ok(value)) => {
                    if attributes.insert(name, value).is_some() {
                        errors.push(broken(&field, "repeated", "is given more than once"));
                    }
                }
                (Err(problem), _) => {
                    let rule = format!("has a name that {problem}");
                    errors.push(broken(&field, problem.code(), rule));
                }
                (_, Err(problem)) => errors.push(broken(&field, problem.code(), problem)),
            }
        }
        if errors.is_empty() {
            Ok(Self(attributes))
        } else {
            Err(errors)
        }
    }

    /// The attributes by their names.
    #[must_use]
    pub const fn as_map(&self) -> &BTreeMap<String, String> {
        &self.0
    }

    /// Names and values.
    pub fn iter(&self) -> Iter<'_, String, String> {
        self.0.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(errors: &[FieldError]) -> Vec<(&str, &str)> {
        errors
            .iter()
            .map(|error| (&*error.field, &*error.code))
            .collect()
    }

    #[test]
    fn a_medium_is_an_https_address_or_a_path() {
        let parse = |url: &str| {
            let draft = MediumDraft {
                url: url.to_owned(),
                alt: String::new(),
            };
            Medium::parse_all(&[draft])
        };
        for url in [
            "https://cdn.example/a.jpg?w=1#x",
            "HTTPS://a",
            "/media/cup.jpg",
            " /a ",
        ] {
            assert_eq!(parse(url).unwrap()[0].url(), url.trim());
        }
        let long = format!("/{}", "x".repeat(URL_CHARS_MAX));
        for (url, code) in [
            ("", "format"),
            ("http://a/b.jpg", "format"),
            ("javascript:alert(1)", "format"),
            ("data:image/png;base64,AA", "format"),
            ("//host/a.jpg", "format"),
            ("https://", "format"),
            ("https:///a", "format"),
            ("/a\\b", "format"),
            ("/a b", "format"),
            ("https://a\u{7}", "control-characters"),
            (&*long, "max"),
        ] {
            assert_eq!(
                codes(&parse(url).unwrap_err()),
                [("media[0].url", code)],
                "{url}"
            );
        }
    }

    #[test]
    fn media_are_few_and_every_fault_has_a_path() {
        let draft = |url: &str, alt: &str| MediumDraft {
            url: url.to_owned(),
            alt: alt.to_owned(),
        };
        let most = vec![draft("/a", "A cup"); MEDIA_MAX];
        assert_eq!(Medium::parse_all(&most).unwrap()[0].alt(), "A cup");
        let many = vec![draft("/a", ""); MEDIA_MAX + 1];
        assert_eq!(
            codes(&Medium::parse_all(&many).unwrap_err()),
            [("media", "max")]
        );
        let long = "x".repeat(ALT_CHARS_MAX + 1);
        let wrong = [draft("/a", ""), draft("a", &long)];
        let expected = [("media[1].url", "format"), ("media[1].alt", "max")];
        assert_eq!(codes(&Medium::parse_all(&wrong).unwrap_err()), expected);
    }

    #[test]
    fn attributes_are_few_short_lines() {
        let parse = |pairs: &[(&str, &str)]| {
            let pairs = pairs.iter();
            let drafts: Vec<_> = pairs
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect();
            Attributes::parse(&drafts)
        };
        let found = parse(&[("origin", " Ethiopia "), ("Roast", "light")]).unwrap();
        let expected = [("Roast", "light"), ("origin", "Ethiopia")];
        assert!(
            found
                .iter()
                .map(|(name, value)| (&**name, &**value))
                .eq(expected)
        );
        let long = "x".repeat(ATTRIBUTE_CHARS_MAX + 1);
        let name = "n".repeat(ATTRIBUTE_NAME_CHARS_MAX + 1);
        for (pairs, code) in [
            (&[("a", "")][..], "required"),
            (&[("a", &*long)], "max"),
            (&[("a", "x\ny")], "control-characters"),
            (&[("", "x")], "required"),
            (&[(&*name, "x")], "max"),
            (&[("a", "x"), (" a", "y")], "repeated"),
            (&[("a", "x"); ATTRIBUTES_MAX + 1], "max"),
        ] {
            assert_eq!(parse(pairs).unwrap_err()[0].code, code, "{pairs:?}");
        }
    }

    #[test]
    fn a_status_has_one_name() {
        assert!(mercato_kernel::named::is_described_by_name::<Status>());
        let names = <Status as mercato_kernel::Named>::ALL.iter();
        let names: Vec<_> = names
            .map(|status| mercato_kernel::Named::name(*status))
            .collect();
        assert_eq!(names, ["draft", "published", "archived"]);
    }
}
