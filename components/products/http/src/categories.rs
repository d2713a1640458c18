use mercato_edge::{
    BASE_PATH, Created, Draft, ExpectedVersion, Json, NoContent, Path, Problem, Public, Tagged,
    endpoint,
};
use mercato_kernel::Caller;
use products::application::commands::{change_category, create_category, delete_category};
use products::application::queries::list_categories;
use products::domain::category::CategoryChanges;

use crate::category::{
    CategoriesResource, CategoryChangesBody, CategoryInPath, CategoryResource, NewCategoryBody,
    tagged,
};
use crate::problems::{category_problem, max_age_seconds, store_problem};
use crate::product::public;

/// The tree of categories
///
/// All categories, each after the one that it is inside of, in their order. A product may be in several.
#[endpoint(
    GET "/api/v1/categories", access = Optional, tag = "Catalogue", id = "listCategories",
    returns = "All categories",
)]
pub async fn list_all(caller: Option<Caller>) -> Result<Public<Json<CategoriesResource>>, Problem> {
    let max_age = max_age_seconds().await?;
    let categories = list_categories::handle(&*products::instance()).map_err(store_problem)?;
    Ok(public(Json(categories.into()), caller, max_age))
}

/// One category
///
/// A category with its place in the tree.
#[endpoint(
    GET "/api/v1/categories/{id}", access = Optional, tag = "Catalogue", id = "findCategory",
    returns = "The category",
    404 = "No such category",
)]
pub async fn find_one(
    caller: Option<Caller>,
    Path(CategoryInPath(id)): Path<CategoryInPath>,
) -> Result<Public<Tagged<CategoryResource>>, Problem> {
    let max_age = max_age_seconds().await?;
    let found = list_categories::find(&*products::instance(), id).map_err(category_problem)?;
    Ok(public(tagged(found), caller, max_age))
}

/// Add a category
///
/// Adds a category to the tree, at the top or inside of another one. There may be 1,000, eight of them one inside the other.
#[endpoint(
    POST "/api/v1/categories", access = Admin, tag = "Catalogue", id = "createCategory",
    returns = "The category",
    409 = "`path-taken`: a category beside it has this slug; `category-too-deep`, `too-many-categories`: the tree has no room for it",
)]
pub async fn create_one(
    body: Draft<NewCategoryBody>,
) -> Result<Created<Tagged<CategoryResource>>, Problem> {
    let new = body.finish()?;
    let more = CategoryChanges::from(&new);
    let made = create_category::handle(&*products::instance(), &new.name, &more);
    let category = made.map_err(category_problem)?;
    Ok(Created {
        location: format!("{BASE_PATH}/categories/{}", category.id),
        shown: tagged(category),
    })
}

/// Change a category
///
/// Changes its name, its address or its place. What is inside of it moves along; products stay in it.
#[endpoint(
    PATCH "/api/v1/categories/{id}", access = Admin, tag = "Catalogue", id = "updateCategory",
    returns = "The category as it is now",
    404 = "No such category",
    409 = "`path-taken`: a category beside it has this slug; `category-cycle`: it would be inside of itself; `category-too-deep`: \
        the tree has no room for it; `category-too-large`: it has too many products to be put elsewhere at once",
)]
pub async fn update_one(
    Path(CategoryInPath(id)): Path<CategoryInPath>,
    ExpectedVersion(version): ExpectedVersion,
    body: Draft<CategoryChangesBody>,
) -> Result<Tagged<CategoryResource>, Problem> {
    let changes = CategoryChanges::from(&body.finish()?);
    let command = change_category::Command {
        id,
        changes: &changes,
        version,
    };
    let category = change_category::handle(&*products::instance(), &command);
    category.map(tagged).map_err(category_problem)
}

/// Remove a category
///
/// Removes a category that holds nothing: no other category, and no product.
#[endpoint(
    DELETE "/api/v1/categories/{id}", access = Admin, tag = "Catalogue", id = "deleteCategory",
    returns = "It is gone",
    404 = "No such category",
    409 = "`category-not-empty`: products or other categories are in it",
)]
pub async fn delete_one(
    Path(CategoryInPath(id)): Path<CategoryInPath>,
    ExpectedVersion(version): ExpectedVersion,
) -> Result<NoContent, Problem> {
    let command = delete_category::Command { id, version };
    delete_category::handle(&*products::instance(), &command).map_err(category_problem)?;
    Ok(NoContent)
}
