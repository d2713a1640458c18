//! What requests about categories and their answers look like, for the OpenAPI document.

use mercato_edge::examples::{Examples, OperationExamples, from_json, refusal};
use mercato_edge::story::LISTED_AT;
use mercato_edge::{BASE_PATH, Created, Json, Problem};
use products::domain::category::{CategoryChanges, CategoryId, CategoryView, Tree, TreeError};
use products::domain::error::CategoryError;
use serde_json::json;

use crate::categories::{CREATE_ONE, DELETE_ONE, FIND_ONE, LIST_ALL, UPDATE_ONE};
use crate::category::{CategoriesResource, NewCategoryBody, tagged};
use crate::problems::category_problem;

/// What the cup is in.
const TABLEWARE_ID: &str = "019c0e3c-edc0-7b2c-9f0e-2c1d5e6f7a80";

/// What is inside of that.
const CUPS_ID: &str = "019c0e3c-edc1-7b2c-9f0e-2c1d5e6f7a81";

/// Adds the examples of all operations on categories.
///
/// # Errors
/// What makes an answer fails, which the document's tests find out.
pub fn with_categories(examples: Examples) -> Result<Examples, Problem> {
    Ok(examples
        .with(list()?)
        .with(create()?)
        .with(find()?)
        .with(update()?)
        .with(delete()))
}

fn list() -> Result<OperationExamples, Problem> {
    let all = CategoriesResource::from(vec![tableware()?, cups()?]);
    LIST_ALL
        .examples(&[])
        .answer("categories", "Cups are tableware", Json(all))
}

fn create() -> Result<OperationExamples, Problem> {
    let wrong = from_json::<NewCategoryBody>(r#"{"name": "", "position": -1}"#);
    let made = Created {
        location: format!("{BASE_PATH}/categories/{CUPS_ID}"),
        shown: tagged(cups()?),
    };
    let examples = CREATE_ONE
        .examples(&[])
        .request(
            "cups",
            "Cups are tableware",
            json!({"name": "Cups", "parent": TABLEWARE_ID}),
        )
        .answer("cups", "The category", made)?
        .problem(&refusal(wrong));
    let refused = [TreeError::PathTaken, TreeError::TooDeep, TreeError::TooMany];
    let refused = refused.map(|error| category_problem(error.into()));
    Ok(examples.problems(refused))
}

fn find() -> Result<OperationExamples, Problem> {
    Ok(FIND_ONE
        .examples(&[("id", CUPS_ID)])
        .answer("cups", "Cups are tableware", tagged(cups()?))?
        .problem(&category_problem(TreeError::NotFound.into())))
}

fn update() -> Result<OperationExamples, Problem> {
    let wrong = from_json::<NewCategoryBody>(r#"{"name": "Cups", "colour": "white"}"#);
    let top = CategoryChanges {
        parent: Some(None),
        ..CategoryChanges::default()
    };
    let tree = Tree::new(vec![tableware()?, cups()?]);
    let changed = tree.change(id(CUPS_ID)?, &top, LISTED_AT + 120_000);
    let changed = changed.map_err(|error| category_problem(error.into()))?;
    let examples = UPDATE_ONE
        .examples(&[("id", CUPS_ID)])
        .request("top", "To the top", json!({"parent": null}))
        .answer("top", "At the top", tagged(changed))?
        .problem(&refusal(wrong));
    let refused = [
        TreeError::NotFound.into(),
        TreeError::Cycle.into(),
        TreeError::PathTaken.into(),
        TreeError::TooDeep.into(),
        CategoryError::TooManyProducts,
        CategoryError::VersionMismatch,
    ];
    Ok(examples.problems(refused.map(category_problem)))
}

fn delete() -> OperationExamples {
    let refused = [
        TreeError::NotFound.into(),
        CategoryError::NotEmpty,
        CategoryError::VersionMismatch,
    ];
    DELETE_ONE
        .examples(&[("id", CUPS_ID)])
        .problems(refused.map(category_problem))
}

fn id(text: &str) -> Result<CategoryId, Problem> {
    CategoryId::parse(text).map_err(|_| Problem::internal())
}

fn made(tree: &Tree, own: &str, name: &str, parent: Option<&str>) -> Result<CategoryView, Problem> {
    let name = name.parse().map_err(|_| Problem::internal())?;
    let more = CategoryChanges {
        parent: Some(parent.map(id).transpose()?),
        ..CategoryChanges::default()
    };
    let made = tree.add(id(own)?, name, &more, LISTED_AT - 60_000);
    made.map_err(|error| category_problem(error.into()))
}

fn tableware() -> Result<CategoryView, Problem> {
    made(&Tree::new(Vec::new()), TABLEWARE_ID, "Tableware", None)
}

/// The category of the cup.
fn cups() -> Result<CategoryView, Problem> {
    let tree = Tree::new(vec![tableware()?]);
    made(&tree, CUPS_ID, "Cups", Some(TABLEWARE_ID))
}
