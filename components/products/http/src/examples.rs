//! What requests to this adapter and its answers look like, for the OpenAPI document.

use mercato_edge::examples::{
    Examples, OperationExamples, from_json, from_query, only_page, refusal,
};
use mercato_edge::story::{
    CUP_ID, CUP_NAME, CUP_PRICE, CUP_SKU, CUP_STOCK, CURRENCY, LISTED_AT, PLACED_AT, QUANTITY,
    SAUCER_ID, SAUCER_NAME, SAUCER_PRICE, SAUCER_SKU, SAUCER_STOCK,
};
use mercato_edge::{BASE_PATH, Created, FieldError, Json, Paged, Problem, Tagged};
use mercato_kernel::ProductId;
use mercato_money::{Currency, Money};
use products::application::commands::import_products::RowOutcome;
use products::application::ports::{LowStock, StockStats};
use products::domain::category::Tree;
use products::domain::error::{ProductError, StoreError};
use products::domain::presentation::MediumDraft;
use products::domain::product::{Product, ProductChanges, ProductView, StockChange};
use products::domain::stock::Stock;
use products::domain::values::{Description, Name, Sku};
use serde_json::json;

use crate::body::{ChangesBody, NewProductBody};
use crate::category_examples::with_categories;
use crate::create::CREATE;
use crate::delete::DELETE;
use crate::export::EXPORT;
use crate::find::FIND;
use crate::import::{IMPORT, ImportAnswer, interrupted, too_many_rows};
use crate::list::{LIST, ListQuery};
use crate::price_list::{ExportFormat, ExportRow, ImportReport, Lines, no_header, one_part};
use crate::problems::{problem, unreadable};
use crate::product::{Audience, ProductResource, tagged};
use crate::stats::{STATS, StatsResource};
use crate::update::UPDATE;

/// A picture of the cup.
const CUP_PICTURE: &str = "https://cdn.example.com/cup.jpg";

/// What stands for it.
const CUP_ALT: &str = "A white cup on a saucer";

/// The examples of all operations.
///
/// # Errors
/// What makes an answer fails, which the document's tests find out.
pub fn examples() -> Result<Examples, Problem> {
    Ok(with_categories(Examples::default())?
        .with(list()?)
        .with(create()?)
        .with(import()?)
        .with(export()?)
        .with(stats()?)
        .with(find()?)
        .with(update()?)
        .with(delete()))
}

fn list() -> Result<OperationExamples, Problem> {
    let currency = currency()?;
    let of = |audience| {
        let page = only_page(vec![saucer()?, cup()?]);
        Paged::of(page, |product| {
            Ok(ProductResource::new(product, currency, audience))
        })
    };
    let wrong = from_query::<ListQuery>("minPrice=20&maxPrice=10&sort=colour");
    Ok(LIST
        .examples(&[])
        .answer("customer", "As customers see it", of(Audience::Everyone)?)?
        .answer("with-units", "As admins see it", of(Audience::Admins)?)?
        .problem(&refusal(wrong))
        .problem(&unreadable(&StoreError::TooExpensive(String::new()))))
}

fn create() -> Result<OperationExamples, Problem> {
    let body = json!({
        "name": CUP_NAME, "description": "Porcelain, 90 ml", "sku": CUP_SKU, "price": 12.5, "stock": CUP_STOCK,
        "media": [{"url": CUP_PICTURE, "alt": CUP_ALT}], "attributes": {"material": "Porcelain"},
    });
    let wrong = from_json::<NewProductBody>(
        r#"{"name": "Espresso cup", "price": "12.50", "colour": "white"}"#,
    );
    let made = Created {
        location: format!("{BASE_PATH}/products/{CUP_ID}"),
        shown: shown(cup()?, Audience::Admins)?,
    };
    Ok(CREATE
        .examples(&[])
        .request("cup", "A cup", body)
        .answer("cup", "The cup", made)?
        .problem(&refusal(wrong))
        .problem(&problem(ProductError::SkuTaken))
        .problem(&problem(ProductError::SlugTaken)))
}

fn import() -> Result<OperationExamples, Problem> {
    let report = report();
    let interrupted = interrupted(too_many_rows(), &report);
    Ok(IMPORT
        .examples(&[])
        .answer(
            "report",
            "One row of a thousand failed",
            ImportAnswer::Report(Json(report)),
        )?
        .answer_as(
            "application/x-ndjson",
            "progress",
            "One of its lines",
            json!({"progress": {"rows": 250, "created": 249, "updated": 0, "unchanged": 0, "failedTotal": 1}}),
        )
        .problem(&no_header("the file is empty"))
        .problem(&one_part())
        .problem(&interrupted))
}

fn export() -> Result<OperationExamples, Problem> {
    let tree = Tree::default();
    let cup_row = ExportRow::all(&cup()?, &tree).pop();
    let cup_row = serde_json::to_value(cup_row).map_err(|_| Problem::internal())?;
    let mut text = ExportFormat::Csv.header();
    for product in [cup()?, saucer()?] {
        let written = ExportFormat::Csv.write(&product, &tree, &mut text);
        written.map_err(|_| Problem::internal())?;
    }
    Ok(EXPORT
        .examples(&[])
        .answer_as("application/x-ndjson", "cup", "One of its lines", cup_row)
        .answer_as("text/csv", "two", "Two products", json!(text)))
}

fn report() -> ImportReport {
    let mut report = ImportReport::default();
    let line = |first| Lines { first, last: first };
    report.count(line(2), RowOutcome::Updated);
    let error = FieldError::new("price", "min", "price must not be less than 0");
    report.count(line(3), RowOutcome::Refused(vec![error]));
    for row in 4..=1_001 {
        report.count(line(row), RowOutcome::Created);
    }
    report
}

fn stats() -> Result<OperationExamples, Problem> {
    let stats = StockStats {
        products: 250,
        out_of_stock: 0,
        low_stock: vec![LowStock {
            product: saucer()?,
            variant_of: None,
            choices: Vec::new(),
        }],
    };
    let answer = Json(StatsResource::new(stats, currency()?));
    STATS
        .examples(&[])
        .answer("saucers", "Saucers run out", answer)
}

fn find() -> Result<OperationExamples, Problem> {
    let summary = "As admins see it, while two units are held for an order";
    Ok(FIND
        .examples(&[("id", CUP_ID)])
        .answer(
            "customer",
            "As customers see it",
            shown(cup()?, Audience::Everyone)?,
        )?
        .answer("with-units", summary, shown(held()?, Audience::Admins)?)?
        .problem(&problem(ProductError::NotFound)))
}

fn update() -> Result<OperationExamples, Problem> {
    let wrong = from_json::<ChangesBody>(r#"{"stock": 5, "stockDelta": 6}"#);
    let delivered = ProductView {
        stock: Stock::restore(CUP_STOCK + 6, 0, 0),
        version: 2,
        updated_at: PLACED_AT - 60_000,
        ..cup()?
    };
    let examples = UPDATE
        .examples(&[("id", CUP_ID)])
        .request("delivery", "Six more units", json!({"stockDelta": 6}))
        .request("price", "Another price", json!({"price": 13}))
        .answer(
            "delivery",
            "With six more units",
            shown(delivered, Audience::Admins)?,
        )?
        .problem(&refusal(wrong));
    let refused = [
        ProductError::NotFound,
        ProductError::SkuTaken,
        ProductError::SlugTaken,
        ProductError::StockIsDrawn,
        ProductError::InsufficientStock,
        ProductError::TooMuchStock,
        ProductError::VersionMismatch,
    ];
    Ok(examples.problems(refused.map(problem)))
}

fn delete() -> OperationExamples {
    DELETE
        .examples(&[("id", CUP_ID)])
        .problem(&problem(ProductError::NotFound))
        .problem(&problem(ProductError::StockIsDrawn))
        .problem(&problem(ProductError::LastVariant))
        .problem(&problem(ProductError::VersionMismatch))
}

fn currency() -> Result<Currency, Problem> {
    CURRENCY.parse().map_err(|_| Problem::internal())
}

fn shown(product: ProductView, audience: Audience) -> Result<Tagged<ProductResource>, Problem> {
    Ok(tagged(product, currency()?, audience))
}

fn product(id: &str, new: &ProductChanges, listed_at: u64) -> Result<ProductView, Problem> {
    let id = ProductId::parse(id).map_err(|_| Problem::internal())?;
    let product = Product::create(id, new, listed_at).map_err(problem)?;
    Ok(product.into_view())
}

fn listed(name: &str, sku: &str, price: i64, stock: u64) -> ProductChanges {
    ProductChanges {
        name: Some(Name::stored(name.to_owned())),
        sku: Some(Some(Sku::stored(sku.to_owned()))),
        price: Some(Money::from_units(price)),
        stock: Some(StockChange::Absolute(stock)),
        ..ProductChanges::default()
    }
}

/// What is ordered, before it is.
fn cup() -> Result<ProductView, Problem> {
    let new = ProductChanges {
        description: Some(Description::stored("Porcelain, 90 ml".to_owned())),
        media: Some(vec![MediumDraft {
            url: CUP_PICTURE.to_owned(),
            alt: CUP_ALT.to_owned(),
        }]),
        attributes: Some(vec![("material".to_owned(), "Porcelain".to_owned())]),
        ..listed(CUP_NAME, CUP_SKU, CUP_PRICE, CUP_STOCK)
    };
    product(CUP_ID, &new, LISTED_AT)
}

/// The same while the order waits for its payment.
fn held() -> Result<ProductView, Problem> {
    let units = u64::from(QUANTITY);
    Ok(ProductView {
        stock: Stock::restore(CUP_STOCK - units, units, 0),
        ..cup()?
    })
}

fn saucer() -> Result<ProductView, Problem> {
    let new = listed(SAUCER_NAME, SAUCER_SKU, SAUCER_PRICE, SAUCER_STOCK);
    product(SAUCER_ID, &new, LISTED_AT + 61_000)
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_example_is_of_what_is_described() {
        let document = mercato_edge::openapi::document(crate::ROUTES, super::examples().unwrap());
        assert_eq!(document.as_ref().err(), None);
        if let Ok(path) = std::env::var("DUMP") {
            std::fs::write(path, document.unwrap().to_pretty_json().unwrap()).unwrap();
        }
    }
}
