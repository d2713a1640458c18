//! Rows of a price list as an import reads them.

use std::collections::BTreeMap;

use mercato_kernel::Named as _;
use products::domain::category::Tree;
use products::domain::presentation::Status;
use products::domain::product::ProductView;
use products::domain::variant::Variant;
use serde::Serialize;
use utoipa::ToSchema;

/// What an export is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExportFormat {
    /// One JSON object on each line.
    Ndjson,
    /// RFC 4180, the first row naming the columns.
    Csv,
}

const LINE_END: &str = "\r\n";

/// What a row says: in JSON its members, in CSV the cells of its columns.
macro_rules! export_row {
    ($($(#[$attribute:meta])* $name:ident: $type:ty => $column:literal,)+) => {
        /// Names of the columns, in their order.
        const COLUMNS: &[&str] = &[$($column),+];

        /// A product as rows that say what the product says: the first one is about the product, the next ones, if it has options, are about
        /// its variants. Each has one of its pictures, and pictures that are left have rows of their own.
        #[derive(Debug, Default, Serialize, ToSchema)]
        #[serde(rename_all = "camelCase")]
        #[schema(as = ExportRow)]
        pub struct ExportRow {
            $($(#[$attribute])* #[serde(skip_serializing_if = "Option::is_none")] $name: Option<$type>,)+
        }

        impl ExportRow {
            fn cells(&self) -> Vec<String> {
                vec![$(self.$name.as_ref().map(Cell::cell).unwrap_or_default()),+]
            }
        }
    };
}

/// What can stand in a cell of CSV.
trait Cell {
    fn cell(&self) -> String;
}

impl Cell for String {
    fn cell(&self) -> String {
        self.clone()
    }
}

macro_rules! written_cells {
    ($($type:ty),+) => {
        $(impl Cell for $type {
            fn cell(&self) -> String {
                self.to_string()
            }
        })+
    };
}

written_cells!(u64, u32);

impl Cell for mercato_edge::Price {
    fn cell(&self) -> String {
        self.0.to_string()
    }
}

impl Cell for BTreeMap<String, String> {
    fn cell(&self) -> String {
        // Texts can always be written.
        serde_json::to_string(self).unwrap_or_default()
    }
}

export_row! {
    /// The number of the product or variant, if it has one.
    #[schema(value_type = String, required = false, example = "CUP-90")]
    sku: String => "sku",
    /// The readable address of the product, the same in all of its rows.
    #[schema(value_type = String, required = false, example = "espresso-cup")]
    slug: String => "slug",
    #[schema(value_type = String, required = false, example = "Espresso cup")]
    name: String => "name",
    #[schema(value_type = String, required = false, example = "Porcelain, 90 ml")]
    description: String => "description",
    /// Whether the product is shown and sold.
    #[schema(value_type = Status, required = false)]
    status: String => "status",
    /// Price of one unit.
    #[schema(value_type = mercato_edge::Price, required = false)]
    price: mercato_edge::Price => "price",
    /// Free units; absent where the variant draws on another stock.
    #[schema(value_type = u64, required = false, minimum = 0, example = 20)]
    stock: u64 => "stock",
    #[schema(value_type = String, required = false, example = "standard")]
    tax_class: String => "taxClass",
    /// Weight of one unit; 0 when it is not known, or a variant's is the product's.
    #[schema(value_type = u32, required = false, minimum = 0, example = 250)]
    weight_grams: u32 => "weightGrams",
    /// The paths of all categories of the product, with blanks between them.
    #[schema(value_type = String, required = false, example = "coffee/espresso")]
    categories: String => "categories",
    /// What is said of the product by name.
    #[schema(value_type = Object, required = false, example = json!({"material": "Porcelain"}))]
    attributes: BTreeMap<String, String> => "attributes",
    /// The address of one of the product's pictures.
    #[schema(value_type = String, required = false)]
    image_url: String => "imageUrl",
    /// What stands for that picture where it is not shown.
    #[schema(value_type = String, required = false)]
    image_alt: String => "imageAlt",
    #[schema(value_type = String, required = false, example = "Size")]
    option1_name: String => "option1Name",
    #[schema(value_type = String, required = false, example = "250 g")]
    option1_value: String => "option1Value",
    #[schema(value_type = String, required = false)]
    option2_name: String => "option2Name",
    #[schema(value_type = String, required = false)]
    option2_value: String => "option2Value",
    #[schema(value_type = String, required = false)]
    option3_name: String => "option3Name",
    #[schema(value_type = String, required = false)]
    option3_value: String => "option3Value",
    /// The number of the product or variant whose stock the variant is taken from.
    #[schema(value_type = String, required = false)]
    draws_sku: String => "drawsSku",
    /// Units of that stock that one unit of the variant takes.
    #[schema(value_type = u32, required = false, minimum = 1)]
    draws_units: u32 => "drawsUnits",
}

impl ExportRow {
    /// What the product as a whole says, with its own number, price and units.
    fn of_product(product: &ProductView, tree: &Tree) -> Self {
        let paths = product.categories.iter().filter_map(|id| tree.get(*id));
        let paths: Vec<&str> = paths.map(|category| category.path.as_str()).collect();
        Self {
            sku: product.sku.clone().map(Into::into),
            name: Some(product.name.as_str().to_owned()),
            description: Some(product.description.as_str().to_owned()),
            status: Some(product.status.name().to_owned()),
            price: Some(product.price.amount().into()),
            stock: Some(product.stock.free()),
            tax_class: Some(product.tax_class.as_str().to_owned()),
            weight_grams: Some(product.weight.grams()),
            categories: Some(paths.join(" ")),
            attributes: Some(product.attributes.as_map().clone()),
            ..Self::default()
        }
    }

    fn of_variant(variant: &Variant) -> Self {
        let mut choices = variant.choices.iter().cloned();
        let mut next = || choices.next().map(|choice| (choice.name, choice.value));
        let (option1_name, option1_value) = next().unzip();
        let (option2_name, option2_value) = next().unzip();
        let (option3_name, option3_value) = next().unzip();
        let draws = variant.draws.as_ref();
        Self {
            sku: variant.sku.clone().map(Into::into),
            price: Some(variant.price.amount().into()),
            stock: draws.is_none().then(|| variant.stock.free()),
            weight_grams: Some(variant.weight.grams()),
            draws_sku: draws.and_then(|drawn| drawn.sku.clone()).map(Into::into),
            draws_units: draws
                .filter(|drawn| drawn.sku.is_some())
                .map(|drawn| drawn.units),
            option1_name,
            option1_value,
            option2_name,
            option2_value,
            option3_name,
            option3_value,
            ..Self::default()
        }
    }

    /// All rows of a product, which has its variants.
    pub fn all(product: &ProductView, tree: &Tree) -> Vec<Self> {
        let own = Self::of_product(product, tree);
        let variants = product.variants().iter().map(Self::of_variant);
        let mut rows: Vec<Self> = [own].into_iter().chain(variants).collect();
        for (place, medium) in product.media.iter().enumerate() {
            if rows.len() <= place {
                rows.push(Self::default());
            }
            if let Some(row) = rows.get_mut(place) {
                row.image_url = Some(medium.url().to_owned());
                row.image_alt = Some(medium.alt().to_owned());
            }
        }
        for row in &mut rows {
            row.slug = Some(product.slug.as_str().to_owned());
        }
        rows
    }
}

impl ExportFormat {
    /// Its media type.
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Ndjson => "application/x-ndjson",
            Self::Csv => "text/csv; charset=utf-8; header=present",
        }
    }

    /// How the names of its files end.
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Ndjson => "ndjson",
            Self::Csv => "csv",
        }
    }

    /// What comes before the rows.
    pub fn header(self) -> String {
        match self {
            Self::Ndjson => String::new(),
            Self::Csv => COLUMNS.join(",") + LINE_END,
        }
    }

    /// Adds the rows of a product, which has its variants.
    ///
    /// # Errors
    /// When they cannot be written as JSON.
    pub fn write(
        self,
        product: &ProductView,
        tree: &Tree,
        text: &mut String,
    ) -> Result<(), serde_json::Error> {
        for row in ExportRow::all(product, tree) {
            if self == Self::Ndjson {
                text.push_str(&serde_json::to_string(&row)?);
                text.push('\n');
                continue;
            }
            for (place, cell) in row.cells().iter().enumerate() {
                if place > 0 {
                    text.push(',');
                }
                write_cell(cell, text);
            }
            text.push_str(LINE_END);
        }
        Ok(())
    }
}

/// In quotes where anything in it means something to CSV. Blanks at its ends need none: texts of products have none there.
fn write_cell(cell: &str, text: &mut String) {
    if cell.contains([',', '"', '\r', '\n', ';', '\t']) {
        text.push('"');
        text.push_str(&cell.replace('"', "\"\""));
        text.push('"');
    } else {
        text.push_str(cell);
    }
}
