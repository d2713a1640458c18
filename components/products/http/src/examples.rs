//! What requests to this adapter and its answers look like, for the OpenAPI document.

use mercato_edge::examples::{Examples, OperationExamples, refusal};
use mercato_edge::story::{
    CUP_ID, CUP_NAME, CUP_PRICE, CUP_SKU, CUP_STOCK, CURRENCY, LISTED_AT, PLACED_AT, QUANTITY,
    SAUCER_ID, SAUCER_NAME, SAUCER_PRICE, SAUCER_SKU, SAUCER_STOCK,
};
use mercato_edge::{
    BASE_PATH, DEFAULT_PAGE_LIMIT, Fields, Method, PageInfo, Problem, Query, Reply, paged,
};
use serde_json::json;

use crate::bindings::mercato::products::catalogue::{
    self, CatalogueStats, Product, ProductError, RowOutcome,
};
use crate::body::{ChangesBody, NewProductBody};
use crate::controllers::import::{interrupted, too_many_rows};
use crate::controllers::list::ListQuery;
use crate::controllers::stats::StatsResource;
use crate::import::{ImportReport, Lines, no_header, one_part};
use crate::problems::problem;
use crate::resource::{Viewer, reply, resources};

/// Free units from which on downwards a product counts as running out; the default of the domain.
const LOW_STOCK: u64 = 10;

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
    let products = [saucer(), cup()];
    let of = |viewer| {
        paged(
            &resources(&products, viewer),
            info.clone(),
            DEFAULT_PAGE_LIMIT,
        )
    };
    let wrong = ListQuery::parse(Query::parse("minPrice=20&maxPrice=10&sort=colour"));
    Ok(OperationExamples::of(Method::GET, "/api/v1/products", &[])
        .answer("customer", "As customers see it", &of(Viewer::Shopper)?)
        .answer("with-units", "As admins see it", &of(Viewer::Admin)?)
        .problem(&refusal(wrong))
        .problem(&problem(ProductError::TooExpensive)))
}

fn create() -> Result<OperationExamples, Problem> {
    let body = json!({
        "name": CUP_NAME, "description": "Porcelain, 90 ml", "sku": CUP_SKU, "price": 12.5, "stock": CUP_STOCK,
    });
    let wrong = Fields::parse(br#"{"name": "Espresso cup", "price": "12.50", "colour": "white"}"#)
        .and_then(|fields| NewProductBody::read(fields).check(|_| Vec::new()));
    let made = reply(&cup(), Viewer::Admin)?.created(&format!("{BASE_PATH}/products/{CUP_ID}"));
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
    let error = catalogue::FieldError {
        field: "price".to_owned(),
        code: "min".to_owned(),
        message: "price must not be less than 0".to_owned(),
    };
    report.count(line(3), RowOutcome::Refused(vec![error]));
    for row in 4..=1_001 {
        report.count(line(row), RowOutcome::Created);
    }
    report
}

fn stats() -> Result<OperationExamples, Problem> {
    let stats = CatalogueStats {
        products: 250,
        out_of_stock: 0,
        low_stock: vec![saucer()],
        low_stock_threshold: LOW_STOCK,
    };
    let answer = Reply::json(&StatsResource::new(&stats))?;
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
                &reply(&cup(), Viewer::Shopper)?,
            )
            .answer(
                "with-units",
                "As admins see it, while two units are held for an order",
                &reply(&held(), Viewer::Admin)?,
            )
            .problem(&problem(ProductError::NotFound)),
    )
}

fn update() -> Result<OperationExamples, Problem> {
    let pattern = "/api/v1/products/{id}";
    let wrong = Fields::parse(br#"{"stock": 5, "stockDelta": 6}"#)
        .and_then(|fields| ChangesBody::read(fields).check(|_| Vec::new()));
    let delivered = Product {
        stock: CUP_STOCK + 6,
        version: 2,
        updated_at: PLACED_AT - 60_000,
        ..cup()
    };
    let examples = OperationExamples::of(Method::PATCH, pattern, &[("id", CUP_ID)])
        .request("delivery", "Six more units", json!({"stockDelta": 6}))
        .request("price", "Another price", json!({"price": 13}))
        .answer(
            "delivery",
            "With six more units",
            &reply(&delivered, Viewer::Admin)?,
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

/// What is ordered, before it is.
fn cup() -> Product {
    Product {
        id: CUP_ID.to_owned(),
        name: CUP_NAME.to_owned(),
        description: "Porcelain, 90 ml".to_owned(),
        sku: Some(CUP_SKU.to_owned()),
        price: CUP_PRICE,
        currency: CURRENCY.to_owned(),
        stock: CUP_STOCK,
        reserved: 0,
        sold: 0,
        version: 1,
        created_at: LISTED_AT,
        updated_at: LISTED_AT,
    }
}

/// The same while the order waits for its payment.
fn held() -> Product {
    let units = u64::from(QUANTITY);
    Product {
        stock: CUP_STOCK - units,
        reserved: units,
        ..cup()
    }
}

fn saucer() -> Product {
    let created_at = LISTED_AT + 61_000;
    Product {
        id: SAUCER_ID.to_owned(),
        name: SAUCER_NAME.to_owned(),
        description: String::new(),
        sku: Some(SAUCER_SKU.to_owned()),
        price: SAUCER_PRICE,
        stock: SAUCER_STOCK,
        created_at,
        updated_at: created_at,
        ..cup()
    }
}
