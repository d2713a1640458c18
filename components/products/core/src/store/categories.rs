//! The table of categories, and which products are in them.

use mercato_kernel::ProductId;
use mercato_sql::{Connection, Error, Row, Value, params};

use super::rows::{self, check_rows, json_of, key};
use crate::application::ports::Categories;
use crate::domain::category::{
    CategoryId, CategoryKey, CategoryName, CategoryPath, CategoryView, Tree,
};
use crate::domain::error::StoreError;
use crate::domain::slug::Slug;

const ALL: &str = "\
SELECT id, parent_id, name, slug, path, position, version, created_at, updated_at
FROM categories -- plan: all of them, of which there are few";

const BY_PATH: &str = "\
SELECT id
FROM categories
WHERE path = ?";

const INSERT: &str = "\
INSERT INTO categories (id, parent_id, name, slug, path, position, version, created_at, updated_at)";

const SAVE: &str = "\
UPDATE categories
SET parent_id = ?2, name = ?3, slug = ?4, path = ?5, position = ?6, version = ?7, created_at = ?8, updated_at = ?9
WHERE id = ?1";

/// What is inside of a category has a path that begins with its own and a slash, which the digit 0 follows.
const MOVE_INSIDE: &str = "\
UPDATE categories
SET path = ?2 || substr(path, length(?1) + 1), version = version + 1, updated_at = ?3
WHERE path > ?1 || '/'
  AND path < ?1 || '0'";

const REMOVE: &str = "\
DELETE FROM categories
WHERE id = ?";

const PRODUCTS_IN: &str = "\
SELECT COUNT(*) AS products
FROM (
  SELECT 1
  FROM category_products
  WHERE category_id = ?
  LIMIT ?) AS counted";

const LEAVE: &str = "\
DELETE FROM category_products
WHERE product_id = ?";

const ENTER: &str = "INSERT INTO category_products (category_id, product_id)";

/// The products of a category are in those that hold it, too.
const ENTER_ALL: &str = "\
INSERT INTO category_products (category_id, product_id)
SELECT holder.value, own.product_id
FROM json_each(?2) AS holder, category_products AS own
WHERE own.category_id = ?1
ON CONFLICT (category_id, product_id) DO NOTHING";

/// They leave those that held it, unless they are in them for another reason.
const LEAVE_ALL: &str = "\
DELETE FROM category_products
WHERE category_id IN (SELECT value FROM json_each(?2))
  AND product_id IN (SELECT own.product_id FROM category_products AS own WHERE own.category_id = ?1)
  AND NOT EXISTS (
    SELECT 1
    FROM products AS p, json_each(p.categories) AS direct, categories AS c, categories AS holder
    WHERE p.id = category_products.product_id
      AND c.id = direct.value
      AND holder.id = category_products.category_id
      AND (c.path = holder.path OR substr(c.path, 1, length(holder.path) + 1) = holder.path || '/'))";

fn category_parameters(category: &CategoryView) -> [Value; 9] {
    [
        key(category.id),
        category.parent.map(mercato_kernel::Uuid::from).into(),
        category.name.as_str().into(),
        category.slug.as_str().into(),
        category.path.as_str().into(),
        category.position.into(),
        category.version.into(),
        category.created_at.into(),
        category.updated_at.into(),
    ]
}

fn to_view(row: &Row) -> Result<CategoryView, Error> {
    let parent: Option<mercato_kernel::Uuid> = row.get("parent_id")?;
    Ok(CategoryView {
        id: rows::id(row, "id")?,
        parent: parent.map(Into::into),
        name: CategoryName::stored(row.get("name")?),
        slug: Slug::stored(row.get("slug")?),
        path: CategoryPath::stored(row.get("path")?),
        position: row.get("position")?,
        version: row.get("version")?,
        created_at: row.get("created_at")?,
        updated_at: row.get("updated_at")?,
    })
}

/// All categories.
pub fn tree(connection: &Connection) -> Result<Tree, StoreError> {
    let rows = connection.query(ALL, params![])?;
    let categories = rows.iter().map(to_view).collect::<Result<_, _>>()?;
    Ok(Tree::new(categories))
}

/// The identifier of a category that is asked for, if it can exist.
pub fn find(
    connection: &Connection,
    wanted: &CategoryKey,
) -> Result<Option<CategoryId>, StoreError> {
    match wanted {
        CategoryKey::Id(id) => Ok(Some(*id)),
        CategoryKey::Path(path) => {
            let row = connection.query_one(BY_PATH, params![path.as_str()])?;
            Ok(row.map(|row| rows::id(&row, "id")).transpose()?)
        }
    }
}

impl Categories for Connection {
    fn tree(&self) -> Result<Tree, StoreError> {
        tree(self)
    }

    fn insert_category(&self, category: &CategoryView) -> Result<(), StoreError> {
        Ok(self.insert_rows(INSERT, [category_parameters(category)])?)
    }

    fn save_category(&self, category: &CategoryView) -> Result<(), StoreError> {
        let changed = self.execute_counted(SAVE, &category_parameters(category))?;
        check_rows(changed, 1, "categories")
    }

    fn move_inside(
        &self,
        from: &CategoryPath,
        to: &CategoryPath,
        at: u64,
    ) -> Result<(), StoreError> {
        let values = params![from.as_str(), to.as_str(), at];
        Ok(self.execute(MOVE_INSIDE, values)?)
    }

    fn remove_category(&self, id: CategoryId) -> Result<(), StoreError> {
        let changed = self.execute_counted(REMOVE, params![key(id)])?;
        check_rows(changed, 1, "categories")
    }

    fn products_in(&self, id: CategoryId, limit: u64) -> Result<u64, StoreError> {
        let row = self.query_one(PRODUCTS_IN, params![key(id), limit])?;
        Ok(row.map_or(Ok(0), |row| row.get("products"))?)
    }

    fn move_products(
        &self,
        id: CategoryId,
        from: &[CategoryId],
        to: &[CategoryId],
    ) -> Result<(), StoreError> {
        self.execute(ENTER_ALL, params![key(id), json_of(to)])?;
        Ok(self.execute(LEAVE_ALL, params![key(id), json_of(from)])?)
    }

    fn set_categories(
        &self,
        product_id: ProductId,
        categories: &[CategoryId],
    ) -> Result<(), StoreError> {
        self.execute(LEAVE, params![key(product_id)])?;
        let rows = categories.iter().map(|id| [key(*id), key(product_id)]);
        Ok(self.insert_rows(ENTER, rows)?)
    }
}
