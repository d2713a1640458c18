//! A category as clients send and see it.

use mercato_edge::{PathParameter, Tagged, Timestamp, body};
use mercato_kernel::{FromJson, FromText, Refusal};
use products::domain::category::{
    CategoryChanges, CategoryId, CategoryName, CategoryView, POSITION_MAX,
};
use products::domain::slug::Slug;
use serde::Serialize;
use utoipa::ToSchema;

/// The category in a path.
#[derive(Debug, Clone, Copy, ToSchema)]
pub struct CategoryInPath(pub CategoryId);

impl FromText for CategoryInPath {
    fn from_text(text: &str) -> Result<Self, Refusal> {
        CategoryId::from_text(text).map(Self)
    }
}

impl PathParameter for CategoryInPath {
    const MEANING: &'static str = "The category's id.";
}

/// The place of a category among those beside it.
#[derive(Debug, Clone, Copy, ToSchema)]
#[schema(value_type = u32, minimum = 0, maximum = 1_000_000, example = 10)]
pub struct Position(u32);

impl FromJson for Position {
    fn placeholder() -> Self {
        Self(0)
    }

    fn from_json(json: &str) -> Result<Self, Refusal> {
        let position = i64::from_json(json)?;
        if position < 0 {
            return Err(("min", "must not be less than 0".into()));
        }
        let within = u32::try_from(position).ok();
        let within = within.filter(|position| *position <= POSITION_MAX);
        let rest = || format!("must not be more than {POSITION_MAX}").into();
        within.map(Self).ok_or_else(|| ("max", rest()))
    }
}

/// A category to be.
#[body(as = NewCategory, example = json!({"name": "Coffee", "position": 10}))]
#[derive(Debug)]
pub struct NewCategoryBody {
    /// One line; blanks at its ends are taken off.
    pub name: CategoryName,
    /// Its readable address, unique among the categories beside it; made from the name when absent.
    slug: Option<Slug>,
    /// The category that it is inside of; none when it is at the top.
    #[field(null)]
    parent: Option<CategoryId>,
    /// Smaller ones come first, and of equal ones the name decides; 0 when absent.
    position: Option<Position>,
}

impl From<&NewCategoryBody> for CategoryChanges {
    fn from(body: &NewCategoryBody) -> Self {
        Self {
            name: None,
            slug: body.slug.clone(),
            parent: Some(body.parent),
            position: body.position.map(|position| position.0),
        }
    }
}

/// What to change of a category; what is absent stays.
#[body(as = CategoryChanges, example = json!({"position": 20}))]
#[derive(Debug)]
pub struct CategoryChangesBody {
    /// One line; blanks at its ends are taken off.
    name: Option<CategoryName>,
    /// Its readable address, unique among the categories beside it.
    slug: Option<Slug>,
    /// The category that it is to be inside of; `null` is the top.
    #[allow(
        clippy::option_option,
        reason = "absent and null mean different things in a PATCH"
    )]
    parent: Option<Option<CategoryId>>,
    /// Smaller ones come first, and of equal ones the name decides.
    position: Option<Position>,
}

impl From<&CategoryChangesBody> for CategoryChanges {
    fn from(body: &CategoryChangesBody) -> Self {
        Self {
            name: body.name.clone(),
            slug: body.slug.clone(),
            parent: body.parent,
            position: body.position.map(|position| position.0),
        }
    }
}

/// A category of products.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Category)]
pub struct CategoryResource {
    id: CategoryId,
    /// One line.
    #[schema(min_length = 1, max_length = 100, example = "Espresso")]
    name: String,
    /// Its readable address, unique among the categories beside it.
    #[schema(
        min_length = 1,
        max_length = 100,
        pattern = "^[a-z0-9]+(-[a-z0-9]+)*$",
        example = "espresso"
    )]
    slug: String,
    /// Where it is in the tree: the slugs from the top down to it.
    #[schema(example = "coffee/espresso")]
    path: String,
    /// The category that it is inside of; null at the top.
    #[schema(required = true)]
    parent: Option<CategoryId>,
    /// Its place among those beside it.
    #[schema(minimum = 0, maximum = 1_000_000, example = 10)]
    position: u32,
    /// Grows by one with every change, from 1.
    #[schema(minimum = 1)]
    version: u64,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl From<CategoryView> for CategoryResource {
    fn from(category: CategoryView) -> Self {
        Self {
            id: category.id,
            name: category.name.into(),
            slug: category.slug.into(),
            path: category.path.as_str().to_owned(),
            parent: category.parent,
            position: category.position,
            version: category.version,
            created_at: Timestamp(category.created_at),
            updated_at: Timestamp(category.updated_at),
        }
    }
}

/// All categories.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CategoryTree)]
pub struct CategoriesResource {
    /// Each after the one that it is inside of, in their order.
    #[schema(max_items = 1000)]
    data: Vec<CategoryResource>,
}

impl From<Vec<CategoryView>> for CategoriesResource {
    fn from(categories: Vec<CategoryView>) -> Self {
        let data = categories.into_iter().map(Into::into).collect();
        Self { data }
    }
}

/// One category and its entity tag.
pub fn tagged(category: CategoryView) -> Tagged<CategoryResource> {
    let version = category.version;
    Tagged::new(category.into(), version)
}

#[cfg(test)]
mod tests {
    use mercato_edge::examples::from_json;

    use super::*;

    const ID: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

    #[test]
    fn a_category_is_read_with_its_place() {
        let body = format!(r#"{{"name":" Tea ","slug":"tea","parent":"{ID}","position":3}}"#);
        let body: NewCategoryBody = from_json(&body).unwrap();
        assert_eq!(body.name.as_str(), "Tea");
        let id = CategoryId::parse(ID).unwrap();
        let expected = CategoryChanges {
            slug: Some("tea".parse().unwrap()),
            parent: Some(Some(id)),
            position: Some(3),
            ..CategoryChanges::default()
        };
        assert_eq!(CategoryChanges::from(&body), expected);
        let top: NewCategoryBody = from_json(r#"{"name":"Tea","parent":null}"#).unwrap();
        assert_eq!(CategoryChanges::from(&top).parent, Some(None));
    }

    #[test]
    fn what_is_absent_stays_and_null_is_the_top() {
        let read = |body: &str| {
            let body: CategoryChangesBody = from_json(body).unwrap();
            CategoryChanges::from(&body)
        };
        assert_eq!(read("{}"), CategoryChanges::default());
        assert_eq!(read(r#"{"parent":null}"#).parent, Some(None));
        for (position, code) in [("-1", "min"), ("1000001", "max"), ("1.5", "type")] {
            assert_eq!(Position::from_json(position).unwrap_err().0, code);
        }
    }
}
