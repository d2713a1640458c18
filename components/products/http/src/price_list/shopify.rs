//! Shopify's product CSV (<https://help.shopify.com/en/manual/products/import-export/using-csv>): one row for each variant, and what all
//! variants of a product have in common in the first one of them. Further pictures have rows of their own.

use mercato_kernel::{FromJson as _, Named as _, ProductId};
use products::domain::presentation::Status;
use products::domain::slug::Slug;
use products::domain::variant::OPTIONS_MAX;

use super::line::Refusal;

/// Code of a row that cannot be told whose it is.
const NO_PRODUCT: &str = "no-product";

/// Code of a row of a product with a status that is unknown here.
const UNKNOWN_STATUS: &str = "unknown-status";

/// What a product is that has one of Shopify's statuses.
const STATUSES: [(&str, Status); 3] = [
    ("active", Status::Published),
    ("draft", Status::Draft),
    ("archived", Status::Archived),
];

/// What stands in the column `Published` of a product that customers do not see, whatever its status is.
const NOT_PUBLISHED: &str = "false";

/// What the only option is called, and its only value, of a product that has no options.
const NO_OPTION: (&str, &str) = ("Title", "Default Title");

/// What a slug is made of that would be empty.
const UNNAMED: &str = "product";

/// Columns that are read, as Shopify names them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShopifyColumn {
    Handle,
    Title,
    Body,
    State,
    Published,
    Image,
    ImageAlt,
    /// Name of an option, by its number from 0.
    OptionName(usize),
    /// Value of an option, by its number from 0.
    OptionValue(usize),
    Sku,
    Price,
    Quantity,
    Grams,
}

use ShopifyColumn::{
    Body, Grams, Handle, Image, ImageAlt, OptionName, OptionValue, Price, Published, Quantity, Sku,
    State, Title,
};

const COLUMNS: [(&str, ShopifyColumn); 17] = [
    ("Handle", Handle),
    ("Title", Title),
    ("Body (HTML)", Body),
    ("Status", State),
    ("Published", Published),
    ("Image Src", Image),
    ("Image Alt Text", ImageAlt),
    ("Option1 Name", OptionName(0)),
    ("Option1 Value", OptionValue(0)),
    ("Option2 Name", OptionName(1)),
    ("Option2 Value", OptionValue(1)),
    ("Option3 Name", OptionName(2)),
    ("Option3 Value", OptionValue(2)),
    ("Variant SKU", Sku),
    ("Variant Price", Price),
    ("Variant Inventory Qty", Quantity),
    ("Variant Grams", Grams),
];

/// The columns by which a header is known to be Shopify's.
const KNOWN_BY: [ShopifyColumn; 4] = [Handle, Title, Sku, Price];

impl ShopifyColumn {
    /// The column of that name; capitals and small letters of ASCII are alike.
    pub fn named(name: &str) -> Option<Self> {
        let is_it = |(known, _): &&(&str, Self)| known.eq_ignore_ascii_case(name);
        COLUMNS.iter().find(is_it).map(|(_, column)| *column)
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        let named = COLUMNS.iter().find(|(_, column)| *column == self);
        named.map_or("", |(name, _)| name)
    }
}

/// Whether a header with these columns is Shopify's.
pub fn is_header(columns: &[Option<ShopifyColumn>]) -> bool {
    KNOWN_BY
        .iter()
        .all(|column| columns.contains(&Some(*column)))
}

/// What the first row of a product says for all of them.
#[derive(Debug, Default)]
struct Product {
    handle: String,
    slug: String,
    title: String,
    body: String,
    status: String,
    is_hidden: bool,
    /// The names of its options, by their number.
    options: [String; OPTIONS_MAX],
}

/// The rows of a file, of which each may need what the first one of its product said.
#[derive(Debug, Default)]
pub struct Sheet {
    product: Option<Product>,
}

/// What a row says in our columns, by their names.
pub type Cells = Vec<(&'static str, String)>;

impl Sheet {
    /// What a row says of a variant, or of a further picture. `cells` are those that are not empty.
    ///
    /// # Errors
    /// When the row belongs to no product that is imported.
    pub fn row(&mut self, cells: &[(ShopifyColumn, &str)]) -> Result<Option<Cells>, Refusal> {
        let cell = |wanted| cells.iter().find(|(column, _)| *column == wanted);
        let text = |wanted| cell(wanted).map_or("", |(_, text)| *text);
        let handle = text(Handle);
        if !text(Title).is_empty() {
            self.product = Some(Product {
                handle: handle.to_owned(),
                slug: slug_of(handle)?,
                title: text(Title).to_owned(),
                body: text(Body).to_owned(),
                status: text(State).to_owned(),
                is_hidden: text(Published).eq_ignore_ascii_case(NOT_PUBLISHED),
                options: std::array::from_fn(|number| text(OptionName(number)).to_owned()),
            });
        }
        let is_variant = [Sku, Price, OptionValue(0)]
            .iter()
            .any(|column| !text(*column).is_empty());
        if !is_variant && text(Image).is_empty() {
            return Ok(None);
        }
        let product = self
            .product
            .as_ref()
            .filter(|product| product.handle == handle);
        let product = product.ok_or_else(|| no_product(handle))?;
        let mut row = vec![
            ("slug", product.slug.clone()),
            ("imageUrl", text(Image).to_owned()),
        ];
        if !text(Image).is_empty() {
            row.push(("imageAlt", text(ImageAlt).to_owned()));
        }
        if is_variant {
            row.push(("name", product.title.clone()));
            row.push(("description", product.body.clone()));
            row.push(("status", product.status()?.to_owned()));
            for (ours, theirs) in [
                ("sku", Sku),
                ("price", Price),
                ("stock", Quantity),
                ("weightGrams", Grams),
            ] {
                row.push((ours, text(theirs).to_owned()));
            }
            let values = std::array::from_fn(|number| text(OptionValue(number)));
            row.extend(product.choices(values));
        }
        row.retain(|(_, text)| !text.is_empty());
        Ok(Some(row))
    }

    /// A row that cannot be read may have been the first one of its product: the next ones without a title are not taken for another's.
    pub fn forget(&mut self) {
        self.product = None;
    }
}

/// Our columns for the name and the value of an option, by its number.
const OPTION_COLUMNS: [(&str, &str); OPTIONS_MAX] = [
    ("option1Name", "option1Value"),
    ("option2Name", "option2Value"),
    ("option3Name", "option3Value"),
];

impl Product {
    /// The options of a variant with these values, in our columns.
    fn choices(&self, values: [&str; OPTIONS_MAX]) -> Cells {
        let [first, ..] = &self.options;
        let [value, ..] = values;
        if (&**first, value) == NO_OPTION {
            return Vec::new();
        }
        let options = self.options.iter().zip(values).zip(OPTION_COLUMNS);
        let named = options.filter(|((name, value), _)| !name.is_empty() && !value.is_empty());
        let cells = named.flat_map(|((name, value), columns)| {
            [(columns.0, name.clone()), (columns.1, value.to_owned())]
        });
        cells.collect()
    }

    /// What it is here; a product of which nothing is said is published.
    fn status(&self) -> Result<&'static str, Refusal> {
        let known = |(theirs, _): &&(&str, Status)| theirs.eq_ignore_ascii_case(&self.status);
        let status = match STATUSES.iter().find(known) {
            Some((_, status)) => *status,
            None if self.status.is_empty() => Status::Published,
            None => return Err(unknown_status(self)),
        };
        Ok(match status {
            Status::Published if self.is_hidden => Status::Draft.name(),
            status => status.name(),
        })
    }
}

/// The slug of a product with that handle, which is one already in most shops.
fn slug_of(handle: &str) -> Result<String, Refusal> {
    let id = ProductId::placeholder();
    let slug = handle.parse().ok();
    let slug = slug.unwrap_or_else(|| Slug::made_of(handle, UNNAMED, id));
    let slug = String::from(slug);
    if slug.starts_with(UNNAMED) && slug.len() > UNNAMED.len() && !handle.starts_with(UNNAMED) {
        let message = format!(
            "the Handle \"{handle}\" has no letter and no digit of the Latin alphabet, of which addresses are made: give it another one"
        );
        return Err(Refusal::malformed(NO_PRODUCT, message));
    }
    Ok(slug)
}

fn no_product(handle: &str) -> Refusal {
    let message = format!(
        "no row with a Title and the Handle \"{handle}\" stands before this one: the rows of a product must follow each other, the one with its \
         Title first"
    );
    Refusal::malformed(NO_PRODUCT, message)
}

fn unknown_status(product: &Product) -> Refusal {
    let message = format!(
        "the product \"{}\" has the Status {}, and it must be one of active, draft, archived",
        product.handle, product.status
    );
    Refusal::malformed(UNKNOWN_STATUS, message)
}
