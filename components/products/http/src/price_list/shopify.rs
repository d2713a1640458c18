//! Shopify's product CSV (<https://help.shopify.com/en/manual/products/import-export/using-csv>): one row for each variant, and what all
//! variants of a product have in common in the first one of them.

use products::domain::values::NAME_CHARS_MAX;

use super::line::Refusal;

/// Code of a row that cannot be told whose it is.
const NO_PRODUCT: &str = "no-product";

/// Code of a row of a product that customers do not see there.
const NOT_ACTIVE: &str = "not-active";

/// The status of a product that customers see, as Shopify writes it.
const ACTIVE: &str = "active";

/// What the only option is called, and its only value, of a product that has no options.
const NO_OPTION: (&str, &str) = ("Title", "Default Title");

/// Stands between the title of a product and the options of a variant in the name, and between two options.
const BEFORE_OPTIONS: &str = " – ";
const BETWEEN_OPTIONS: &str = " / ";

/// Columns that are read, as Shopify names them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShopifyColumn {
    Handle,
    Title,
    Body,
    Status,
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
    Body, Grams, Handle, OptionName, OptionValue, Price, Quantity, Sku, Status, Title,
};

const COLUMNS: [(&str, ShopifyColumn); 14] = [
    ("Handle", Handle),
    ("Title", Title),
    ("Body (HTML)", Body),
    ("Status", Status),
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
    title: String,
    body: String,
    status: String,
    first_option: String,
}

/// The rows of a file, of which each may need what the first one of its product said.
#[derive(Debug, Default)]
pub struct Sheet {
    product: Option<Product>,
}

/// What a row says in our columns, by their names.
pub type Cells = Vec<(&'static str, String)>;

impl Sheet {
    /// What a row says of a variant; `None` when it is about none, but about a further picture. `cells` are those that are not empty.
    ///
    /// This is the place where variants become what the catalogue knows: a product for each, named after its title and its options.
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
                title: text(Title).to_owned(),
                body: text(Body).to_owned(),
                status: text(Status).to_owned(),
                first_option: text(OptionName(0)).to_owned(),
            });
        }
        let is_variant = [Sku, Price, OptionValue(0)]
            .iter()
            .any(|column| !text(*column).is_empty());
        if !is_variant {
            return Ok(None);
        }
        let product = self
            .product
            .as_ref()
            .filter(|product| product.handle == handle);
        let product = product.ok_or_else(|| no_product(handle))?;
        if !product.status.is_empty() && !product.status.eq_ignore_ascii_case(ACTIVE) {
            return Err(not_active(product));
        }
        let values: Vec<&str> = (0..3).map(|number| text(OptionValue(number))).collect();
        let mut row = vec![
            ("name", product.name(&values)),
            ("description", product.body.clone()),
        ];
        for (ours, theirs) in [
            ("sku", Sku),
            ("price", Price),
            ("stock", Quantity),
            ("weightGrams", Grams),
        ] {
            row.push((ours, text(theirs).to_owned()));
        }
        row.retain(|(_, text)| !text.is_empty());
        Ok(Some(row))
    }

    /// A row that cannot be read may have been the first one of its product: the next ones without a title are not taken for another's.
    pub fn forget(&mut self) {
        self.product = None;
    }
}

impl Product {
    /// The name of a variant with these options. What would make it too long is left out, options first.
    fn name(&self, values: &[&str]) -> String {
        let has_options = (
            &*self.first_option,
            values.first().copied().unwrap_or_default(),
        ) != NO_OPTION;
        let values: Vec<&str> = values
            .iter()
            .copied()
            .filter(|value| has_options && !value.is_empty())
            .collect();
        if values.is_empty() {
            return self.title.clone();
        }
        let options = values.join(BETWEEN_OPTIONS);
        let taken = (options.chars().count() + BEFORE_OPTIONS.chars().count()).min(NAME_CHARS_MAX);
        let title: String = self.title.chars().take(NAME_CHARS_MAX - taken).collect();
        format!("{}{BEFORE_OPTIONS}{options}", title.trim_end())
    }
}

fn no_product(handle: &str) -> Refusal {
    let message = format!(
        "no row with a Title and the Handle \"{handle}\" stands before this one: the rows of a product must follow each other, the one with its \
         Title first"
    );
    Refusal::malformed(NO_PRODUCT, message)
}

fn not_active(product: &Product) -> Refusal {
    let message = format!(
        "the product \"{}\" has the Status {}, so customers do not see it, and here they would: set it to active, or leave the column Status out",
        product.handle, product.status
    );
    Refusal::malformed(NOT_ACTIVE, message)
}
