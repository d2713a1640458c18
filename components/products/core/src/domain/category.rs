//! A category and its place in the tree.

use mercato_kernel::{Refusal, id_types};

use crate::domain::slug::Slug;
use crate::domain::values::line_of_text;

id_types! {
    /// Names a category.
    CategoryId;
}

/// Most categories of a shop.
pub const CATEGORIES_MAX: usize = 1_000;

/// Most categories one inside the other.
pub const CATEGORY_DEPTH_MAX: usize = 8;

/// Most categories of a product.
pub const PRODUCT_CATEGORIES_MAX: usize = 20;

/// Last place of a category among those beside it.
pub const POSITION_MAX: u32 = 1_000_000;

line_of_text! {
    CATEGORY_NAME_CHARS_MAX = 100;
    /// Name of a category: one line; blanks at its ends are taken off.
    CategoryName, example = "Coffee"
}

/// Where a category is in the tree: the slugs from the top down to it, with slashes between them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct CategoryPath(String);

impl CategoryPath {
    /// The path as it was stored.
    #[must_use]
    pub const fn stored(text: String) -> Self {
        Self(text)
    }

    /// The path of what has that slug and is inside of a category, or at the top.
    #[must_use]
    pub fn inside(parent: Option<&Self>, slug: &Slug) -> Self {
        let slug = slug.as_str();
        Self(parent.map_or_else(|| slug.to_owned(), |parent| format!("{}/{slug}", parent.0)))
    }

    /// The path.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// How deep it is, from 1.
    #[must_use]
    pub fn depth(&self) -> usize {
        self.0.split('/').count()
    }

    /// Whether it is that category, or inside of it.
    #[must_use]
    pub fn is_within(&self, other: &Self) -> bool {
        let rest = self.0.strip_prefix(&other.0);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}

/// How a category is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CategoryKey {
    /// By its identifier.
    Id(CategoryId),
    /// By its path.
    Path(CategoryPath),
}

impl mercato_kernel::FromText for CategoryPath {
    fn from_text(text: &str) -> Result<Self, Refusal> {
        let is_path = text.split('/').count() <= CATEGORY_DEPTH_MAX
            && text.split('/').all(|slug| slug.parse::<Slug>().is_ok());
        if is_path {
            Ok(Self(text.to_owned()))
        } else {
            Err((
                "format",
                "must be the path of a category, such as coffee/espresso".into(),
            ))
        }
    }
}

impl mercato_kernel::FromText for CategoryKey {
    fn from_text(text: &str) -> Result<Self, Refusal> {
        if let Ok(id) = CategoryId::parse(text) {
            return Ok(Self::Id(id));
        }
        if let Ok(path) = CategoryPath::from_text(text) {
            return Ok(Self::Path(path));
        }
        let rest = "must be the id of a category, a UUID, or its path, such as coffee/espresso";
        Err(("format", rest.into()))
    }
}

/// What is known of a category.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CategoryView {
    /// Identifier.
    pub id: CategoryId,
    /// The category it is inside of.
    pub parent: Option<CategoryId>,
    /// Name.
    pub name: CategoryName,
    /// Readable address, unique among those beside it.
    pub slug: Slug,
    /// Where it is in the tree.
    pub path: CategoryPath,
    /// Its place among those beside it: smaller ones come first, and of equal ones the name decides.
    pub position: u32,
    /// Grows by one with every change, from 1.
    pub version: u64,
    /// Milliseconds since the Unix epoch.
    pub created_at: u64,
    /// Milliseconds since the Unix epoch; never goes back.
    pub updated_at: u64,
}

/// What somebody wrote of a category; what is absent stays. A new category needs a name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CategoryChanges {
    /// Name.
    pub name: Option<CategoryName>,
    /// Readable address; that of a new category is made from its name.
    pub slug: Option<Slug>,
    /// The category it is to be inside of; `Some(None)` is the top.
    pub parent: Option<Option<CategoryId>>,
    /// Its place among those beside it; that of a new category is 0.
    pub position: Option<u32>,
}

/// Why the tree refused a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TreeError {
    /// There is no category of which it should be inside.
    #[error("no such parent")]
    NoParent,
    /// It would be inside of itself.
    #[error("a category inside of itself")]
    Cycle,
    /// It, or one inside of it, would be deeper than [`CATEGORY_DEPTH_MAX`].
    #[error("too deep")]
    TooDeep,
    /// There is a category of that path.
    #[error("the path is taken")]
    PathTaken,
    /// There are [`CATEGORIES_MAX`] already.
    #[error("too many categories")]
    TooMany,
    /// No such category.
    #[error("no such category")]
    NotFound,
}

/// All categories of a shop, each after the one that it is inside of, in their order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tree(Vec<CategoryView>);

impl Tree {
    /// The tree of categories that come in any order.
    #[must_use]
    pub fn new(categories: Vec<CategoryView>) -> Self {
        let mut left = categories;
        left.sort_by(|a, b| {
            let key = |one: &CategoryView| (one.position, one.name.as_str().to_lowercase(), one.id);
            key(a).cmp(&key(b))
        });
        let mut ordered = Vec::with_capacity(left.len());
        add_inside(None, &left, &mut ordered, 0);
        Self(ordered)
    }

    /// The categories in their order.
    #[must_use]
    pub fn into_categories(self) -> Vec<CategoryView> {
        self.0
    }

    /// The category of that path.
    #[must_use]
    pub fn at(&self, path: &CategoryPath) -> Option<&CategoryView> {
        self.0.iter().find(|category| category.path == *path)
    }

    /// The category of that identifier.
    #[must_use]
    pub fn get(&self, id: CategoryId) -> Option<&CategoryView> {
        self.0.iter().find(|category| category.id == id)
    }

    /// Whether categories are inside of that one.
    #[must_use]
    pub fn has_inside(&self, id: CategoryId) -> bool {
        self.0.iter().any(|category| category.parent == Some(id))
    }

    /// That category and those it is inside of.
    #[must_use]
    pub fn with_ancestors(&self, id: CategoryId) -> Vec<CategoryId> {
        let path = self.get(id).map(|category| &category.path);
        let holds = |one: &&CategoryView| path.is_some_and(|path| path.is_within(&one.path));
        self.0.iter().filter(holds).map(|one| one.id).collect()
    }

    /// A new category, if the tree has room for it.
    ///
    /// # Errors
    /// [`TreeError`].
    pub fn add(
        &self,
        id: CategoryId,
        name: CategoryName,
        changes: &CategoryChanges,
        now: u64,
    ) -> Result<CategoryView, TreeError> {
        if self.0.len() >= CATEGORIES_MAX {
            return Err(TreeError::TooMany);
        }
        let made = || Slug::made_of(name.as_str(), "category", id);
        let new = CategoryView {
            id,
            parent: None,
            slug: changes.slug.clone().unwrap_or_else(made),
            name,
            path: CategoryPath(String::new()),
            position: 0,
            version: 0,
            created_at: now,
            updated_at: now,
        };
        let placed = self.place(new, changes, now)?;
        Ok(placed)
    }

    /// A category with the changes, as its next version. The paths of those inside of it change with its own.
    ///
    /// # Errors
    /// [`TreeError`].
    pub fn change(
        &self,
        id: CategoryId,
        changes: &CategoryChanges,
        now: u64,
    ) -> Result<CategoryView, TreeError> {
        let before = self.get(id).ok_or(TreeError::NotFound)?;
        let after = self.place(before.clone(), changes, now)?;
        let inside = self.0.iter().filter(|one| one.path.is_within(&before.path));
        let deepest = inside.map(|one| one.path.depth()).max().unwrap_or_default();
        let below = deepest.saturating_sub(before.path.depth());
        if after.path.depth() + below > CATEGORY_DEPTH_MAX {
            return Err(TreeError::TooDeep);
        }
        Ok(after)
    }

    fn place(
        &self,
        category: CategoryView,
        changes: &CategoryChanges,
        now: u64,
    ) -> Result<CategoryView, TreeError> {
        let parent = changes.parent.unwrap_or(category.parent);
        let inside = parent.map(|id| self.get(id).ok_or(TreeError::NoParent));
        let inside = inside.transpose()?.map(|parent| &parent.path);
        if let (Some(inside), 1..) = (inside, category.version)
            && inside.is_within(&category.path)
        {
            return Err(TreeError::Cycle);
        }
        let slug = changes.slug.clone().unwrap_or(category.slug);
        let path = CategoryPath::inside(inside, &slug);
        if path.depth() > CATEGORY_DEPTH_MAX {
            return Err(TreeError::TooDeep);
        }
        let is_taken = |other: &CategoryView| other.id != category.id && other.path == path;
        if self.0.iter().any(is_taken) {
            return Err(TreeError::PathTaken);
        }
        Ok(CategoryView {
            parent,
            slug,
            path,
            name: changes.name.clone().unwrap_or(category.name),
            position: changes.position.unwrap_or(category.position),
            version: category.version + 1,
            updated_at: now.max(category.updated_at),
            ..category
        })
    }
}

/// The categories inside of one, each followed by those inside of it. What is deeper than the tree may be is not looked at: only
/// damage could lead there.
fn add_inside(
    parent: Option<CategoryId>,
    all: &[CategoryView],
    ordered: &mut Vec<CategoryView>,
    depth: usize,
) {
    if depth >= CATEGORY_DEPTH_MAX {
        return;
    }
    for category in all.iter().filter(|one| one.parent == parent) {
        ordered.push(category.clone());
        add_inside(Some(category.id), all, ordered, depth + 1);
    }
}

#[cfg(test)]
mod tests {
    use mercato_kernel::FromText as _;

    use super::*;

    fn id(number: u64) -> CategoryId {
        CategoryId::parse(&format!("01890a5d-ac96-774b-bcce-{number:012x}")).unwrap()
    }

    fn inside(parent: Option<u64>) -> CategoryChanges {
        CategoryChanges {
            parent: Some(parent.map(id)),
            ..CategoryChanges::default()
        }
    }

    /// Adds categories by number, name and the number of what they are inside of.
    fn tree(categories: &[(u64, &str, Option<u64>)]) -> Tree {
        let mut all = Vec::new();
        for (number, name, parent) in categories {
            let tree = Tree::new(all.clone());
            let name = name.parse().unwrap();
            all.push(tree.add(id(*number), name, &inside(*parent), 1).unwrap());
        }
        Tree::new(all)
    }

    fn paths(tree: Tree) -> Vec<String> {
        let categories = tree.into_categories().into_iter();
        categories.map(|one| one.path.as_str().to_owned()).collect()
    }

    fn drinks() -> Tree {
        tree(&[
            (1, "Drinks", None),
            (2, "Tea", Some(1)),
            (3, "Green tea", Some(2)),
            (4, "Coffee", Some(1)),
            (5, "Cups", None),
        ])
    }

    #[test]
    fn a_tree_is_in_the_order_of_places_then_names() {
        let expected = [
            "cups",
            "drinks",
            "drinks/coffee",
            "drinks/tea",
            "drinks/tea/green-tea",
        ];
        assert_eq!(paths(drinks()), expected);
        let last = CategoryChanges {
            position: Some(7),
            ..CategoryChanges::default()
        };
        let moved = drinks().change(id(5), &last, 2).unwrap();
        assert_eq!((moved.version, moved.updated_at), (2, 2));
        let mut all = drinks().into_categories();
        all.retain(|one| one.id != moved.id);
        all.push(moved);
        assert_eq!(paths(Tree::new(all))[4], "cups");
    }

    #[test]
    fn a_category_moves_to_another_one_and_to_the_top() {
        let moved = |parent| drinks().change(id(2), &inside(parent), 2).unwrap();
        assert_eq!(moved(Some(5)).path.as_str(), "cups/tea");
        assert_eq!(
            (moved(None).path.as_str(), moved(None).parent),
            ("tea", None)
        );
    }

    #[test]
    fn a_category_is_in_all_that_hold_it() {
        let holders = |number| drinks().with_ancestors(id(number));
        assert_eq!(holders(3), [id(1), id(2), id(3)]);
        assert_eq!((holders(5), holders(9)), (vec![id(5)], vec![]));
    }

    #[test]
    fn no_category_is_inside_of_itself() {
        for parent in [1, 2, 3] {
            let refused = drinks().change(id(1), &inside(Some(parent)), 2);
            assert_eq!(refused, Err(TreeError::Cycle), "{parent}");
        }
        assert!(drinks().change(id(2), &inside(None), 2).is_ok());
        // One whose slug only begins like another's is not inside of it.
        let two = tree(&[(1, "Tea", None), (2, "Tea cups", None)]);
        assert!(two.change(id(1), &inside(Some(2)), 2).is_ok());
    }

    #[test]
    fn a_path_is_of_one_category() {
        let name = || "Tea".parse().unwrap();
        let add = |parent| drinks().add(id(9), name(), &inside(parent), 1);
        assert_eq!(add(Some(1)), Err(TreeError::PathTaken));
        assert_eq!(add(Some(8)), Err(TreeError::NoParent));
        assert!(add(Some(5)).is_ok() && add(None).is_ok());
        let renamed = CategoryChanges {
            slug: Some("tea".parse().unwrap()),
            ..CategoryChanges::default()
        };
        assert_eq!(
            drinks().change(id(4), &renamed, 2),
            Err(TreeError::PathTaken)
        );
        assert_eq!(
            drinks().change(id(9), &renamed, 2),
            Err(TreeError::NotFound)
        );
    }

    #[test]
    fn a_tree_is_eight_deep_and_has_a_thousand_categories() {
        let deep: Vec<_> = (0_u64..8).map(|n| (n, "a", n.checked_sub(1))).collect();
        let deepest = tree(&deep);
        let add = |tree: &Tree, parent| tree.add(id(99), "b".parse().unwrap(), &inside(parent), 1);
        assert_eq!(add(&deepest, Some(7)), Err(TreeError::TooDeep));
        let other = add(&deepest, None).unwrap();
        let mut all = deepest.into_categories();
        all.push(other);
        let whole = Tree::new(all);
        assert_eq!(
            whole.change(id(0), &inside(Some(99)), 2),
            Err(TreeError::TooDeep)
        );
        let one = |number: usize| CategoryView {
            id: id(number as u64),
            path: CategoryPath::stored(format!("c-{number}")),
            ..drinks().0[0].clone()
        };
        let many = Tree::new((0..CATEGORIES_MAX).map(one).collect());
        assert_eq!(add(&many, None), Err(TreeError::TooMany));
    }

    #[test]
    fn a_category_is_asked_for_by_id_or_by_path() {
        let path = |text: &str| CategoryKey::from_text(text);
        let tea = CategoryPath::stored("drinks/tea".to_owned());
        assert_eq!(path("drinks/tea"), Ok(CategoryKey::Path(tea)));
        assert_eq!(path(&id(4).text()), Ok(CategoryKey::Id(id(4))));
        let deep = ["a"; CATEGORY_DEPTH_MAX + 1].join("/");
        for wrong in ["", "/drinks", "drinks/", "Drinks", "a//b", &deep] {
            assert_eq!(path(wrong).unwrap_err().0, "format", "{wrong}");
        }
    }
}
