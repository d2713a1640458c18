//! What requests to this adapter and its answers look like, for the OpenAPI document.

use mercato_edge::examples::{Examples, OperationExamples, refusal};
use mercato_edge::story::{
    CUP_ID, CUP_NAME, CUP_PRICE, CUP_SKU, CUP_STOCK, CURRENCY, LISTED_AT, PLACED_AT, QUANTITY,
    SAUCER_ID, SAUCER_NAME, SAUCER_PRICE, SAUCER_SKU, SAUCER_STOCK,
};
use mercato_edge::{
    BASE_PATH, DEFAULT_PAGE_LIMIT, FieldError, Fields, Method, PageInfo, Problem, Query, Reply,
    paged,
};
use mercato_money::{Currency, Money};
use products::application::commands::import_products::RowOutcome;
use products::application::ports::StockStats;
use products::domain::error::{ProductError, StoreError};
use products::domain::product::{Product, ProductChanges, ProductView, StockChange};
use products::domain::stock::Stock;
use products::domain::values::ProductId;
use serde_json::json;

use crate::import::{interrupted, too_many_rows};
use crate::list::ListQuery;
use crate::price_list::{ImportReport, Lines, no_header, one_part};
use crate::problems::{problem, unreadable};
use crate::product::{Audience, ChangesBody, NewProductBody, reply, resources};
use crate::stats::StatsResource;

/// The examples of all operations.
///
/// # Errors
/// What makes an answer fails, which the document's tests find out.
pub fn examples() -> Result<Examples, Problem> {
    Ok(Examples::default()
        .with(list()?)
        .with(create()?)
        .with(import()?)
        .with(stats()?)
        .with(find()?)
        .with(update()?)
        .with(delete()))
}

fn list() -> Result<OperationExamples, Problem> {
    let info = PageInfo {
        total: 2,
        total_is_exact: true,
        page: 1,
        next: None,
    };
    let (products, currency) = ([saucer()?, cup()?], currency()?);
    let of = |audience| {
        let shown = resources(&products, &currency, audience);
        paged(&shown, info.clone(), DEFAULT_PAGE_LIMIT)
    };
    let wrong = ListQuery::parse(Query::parse("minPrice=20&maxPrice=10&sort=colour"));
    Ok(OperationExamples::of(Method::GET, "/api/v1/products", &[])
        .answer("customer", "As customers see it", &of(Audience::Everyone)?)
        .answer("with-units", "As admins see it", &of(Audience::Admins)?)
        .problem(&refusal(wrong))
        .problem(&unreadable(&StoreError::TooExpensive(String::new()))))
}

fn create() -> Result<OperationExamples, Problem> {
    let body = json!({
        "name": CUP_NAME, "description": "Porcelain, 90 ml", "sku": CUP_SKU, "price": 12.5, "stock": CUP_STOCK,
    });
    let wrong = Fields::parse(br#"{"name": "Espresso cup", "price": "12.50", "colour": "white"}"#)
        .and_then(|fields| NewProductBody::read(fields).check(|_| Vec::new()));
    let made = shown(&cup()?, Audience::Admins)?.created(&format!("{BASE_PATH}/products/{CUP_ID}"));
    Ok(OperationExamples::of(Method::POST, "/api/v1/products", &[])
        .request("cup", "A cup", body)
        .answer("cup", "The cup", &made)
        .problem(&refusal(wrong))
        .problem(&problem(ProductError::SkuTaken)))
}

fn import() -> Result<OperationExamples, Problem> {
    let report = report();
    Ok(
        OperationExamples::of(Method::POST, "/api/v1/products/import", &[])
            .answer(
                "report",
                "One row of a thousand failed",
                &Reply::json(&report)?,
            )
            .problem(&no_header("the file is empty"))
            .problem(&one_part())
            .problem(&interrupted(too_many_rows(), &report)),
    )
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
        low_stock: vec![saucer()?],
    };
    let answer = Reply::json(&StatsResource::new(&stats, &currency()?))?;
    Ok(
        OperationExamples::of(Method::GET, "/api/v1/products/stats", &[]).answer(
            "saucers",
            "Saucers run out",
            &answer,
        ),
    )
}

fn find() -> Result<OperationExamples, Problem> {
    let pattern = "/api/v1/products/{id}";
    Ok(
        OperationExamples::of(Method::GET, pattern, &[("id", CUP_ID)])
            .answer(
                "customer",
                "As customers see it",
                &shown(&cup()?, Audience::Everyone)?,
            )
            .answer(
                "with-units",
                "As admins see it, while two units are held for an order",
                &shown(&held()?, Audience::Admins)?,
            )
            .problem(&problem(ProductError::NotFound)),
    )
}

fn update() -> Result<OperationExamples, Problem> {
    let pattern = "/api/v1/products/{id}";
    let wrong = Fields::parse(br#"{"stock": 5, "stockDelta": 6}"#)
        .and_then(|fields| ChangesBody::read(fields).check(|_| Vec::new()));
    let delivered = ProductView {
        stock: Stock::restore(CUP_STOCK + 6, 0, 0),
        version: 2,
        updated_at: PLACED_AT - 60_000,
        ..cup()?
    };
    let examples = OperationExamples::of(Method::PATCH, pattern, &[("id", CUP_ID)])
        .request("delivery", "Six more units", json!({"stockDelta": 6}))
        .request("price", "Another price", json!({"price": 13}))
        .answer(
            "delivery",
            "With six more units",
            &shown(&delivered, Audience::Admins)?,
        )
        .problem(&refusal(wrong));
    let refused = [
        ProductError::NotFound,
        ProductError::SkuTaken,
        ProductError::InsufficientStock,
        ProductError::TooMuchStock,
        ProductError::VersionMismatch,
    ];
    Ok(examples.problems(refused.map(problem)))
}

fn delete() -> OperationExamples {
    let pattern = "/api/v1/products/{id}";
    OperationExamples::of(Method::DELETE, pattern, &[("id", CUP_ID)])
        .problem(&problem(ProductError::NotFound))
        .problem(&problem(ProductError::VersionMismatch))
}

fn currency() -> Result<Currency, Problem> {
    CURRENCY.parse().map_err(|_| Problem::internal())
}

fn shown(product: &ProductView, audience: Audience) -> Result<Reply, Problem> {
    reply(product, currency()?, audience)
}

fn product(id: &str, new: &ProductChanges, listed_at: u64) -> Result<ProductView, Problem> {
    let id = ProductId::stored(id.to_owned());
    let product = Product::create(id, new, listed_at).map_err(problem)?;
    Ok(product.into_view())
}

/// What is ordered, before it is.
fn cup() -> Result<ProductView, Problem> {
    let new = ProductChanges {
        name: Some(CUP_NAME.to_owned()),
        description: Some("Porcelain, 90 ml".to_owned()),
        sku: Some(Some(CUP_SKU.to_owned())),
        price: Some(Money::from_units(CUP_PRICE)),
        stock: Some(StockChange::Absolute(CUP_STOCK)),
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
    let new = ProductChanges {
        name: Some(SAUCER_NAME.to_owned()),
        description: None,
        sku: Some(Some(SAUCER_SKU.to_owned())),
        price: Some(Money::from_units(SAUCER_PRICE)),
        stock: Some(StockChange::Absolute(SAUCER_STOCK)),
    };
    product(SAUCER_ID, &new, LISTED_AT + 61_000)
}
