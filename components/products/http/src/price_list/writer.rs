//! Rows of a price list as an import reads them.

use products::domain::product::ProductView;
use products::domain::values::Sku;
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

/// Names of the columns, in their order.
const COLUMNS: [&str; 7] = [
    "sku",
    "name",
    "description",
    "price",
    "stock",
    "taxClass",
    "weightGrams",
];

const LINE_END: &str = "\r\n";

/// A product as a row that says what the product says.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ExportRow)]
pub struct ExportRow {
    /// The number of the product; null when it has none. Such a row is refused by an import, which finds products by their numbers.
    #[schema(required = true, example = "CUP-90")]
    sku: Option<String>,
    #[schema(example = "Espresso cup")]
    name: String,
    #[schema(example = "Porcelain, 90 ml")]
    description: String,
    /// Price of one unit.
    price: mercato_edge::Price,
    /// Free units.
    #[schema(minimum = 0, example = 20)]
    stock: u64,
    #[schema(example = "standard")]
    tax_class: String,
    /// Weight of one unit; 0 when it is not known.
    #[schema(minimum = 0, example = 250)]
    weight_grams: u32,
}

impl From<ProductView> for ExportRow {
    fn from(product: ProductView) -> Self {
        Self {
            sku: product.sku.map(Sku::into),
            name: product.name.into(),
            description: product.description.into(),
            price: product.price.amount().into(),
            stock: product.stock.free(),
            tax_class: product.tax_class.into(),
            weight_grams: product.weight.grams(),
        }
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

    /// Adds a row.
    ///
    /// # Errors
    /// When it cannot be written as JSON.
    pub fn write(self, product: ProductView, text: &mut String) -> Result<(), serde_json::Error> {
        let price = product.price.amount().to_string();
        let row = ExportRow::from(product);
        if self == Self::Ndjson {
            text.push_str(&serde_json::to_string(&row)?);
            text.push('\n');
            return Ok(());
        }
        let (stock, weight) = (row.stock.to_string(), row.weight_grams.to_string());
        let sku = row.sku.unwrap_or_default();
        let cells = [
            &sku,
            &row.name,
            &row.description,
            &price,
            &stock,
            &row.tax_class,
            &weight,
        ];
        for (place, cell) in cells.into_iter().enumerate() {
            if place > 0 {
                text.push(',');
            }
            write_cell(cell, text);
        }
        text.push_str(LINE_END);
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
