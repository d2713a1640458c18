use mercato_edge::{BodyStream, Context, Problem, ProblemDocument, Reply};
use mercato_platform::log;
use serde_json::json;

use crate::bindings::mercato::products::catalogue;
use crate::import::{ImportReport, Line, MAX_BATCH_BYTES, MAX_BATCH_ROWS, MAX_FILE_ROWS, Reader};
use crate::problems::problem;

#[allow(dead_code, reason = "only the OpenAPI document names it")]
const NDJSON_EXAMPLE: &str = "\
{\"sku\": \"CUP-90\", \"name\": \"Espresso cup\", \"price\": 12.5, \"stock\": 20}
{\"sku\": \"POT-1\", \"stock\": 3}
";

#[allow(dead_code, reason = "only the OpenAPI document names it")]
const CSV_EXAMPLE: &str = "\
sku,name,description,price,stock\r
CUP-90,Espresso cup,\"Porcelain, 90 ml\",12.5,20\r
POT-1,,,,3\r
";

/// `POST /products/import`: what became of the rows of a price list.
#[utoipa::path(
    post,
    path = "/api/v1/products/import",
    tag = "Catalogue",
    operation_id = "importProducts",
    summary = "Import a price list",
    description = "Creates and changes products by their `sku`, up to 100,000 rows and 64 MiB in one request, read as they arrive. \
        An unknown `sku` makes a product, which needs `name` and `price`; a known one changes it, and what is absent stays. \
        `stock` is the number of free units. Of two rows with the same `sku` the later one wins. A row that breaks a rule fails by itself \
        and is reported by its line; the others stay. Sent again, the same file changes nothing.\n\n\
        **NDJSON**: one object (`ImportRow`) on each line. **CSV** (RFC 4180, UTF-8, commas): the first row names the columns, in any order; \
        an empty cell says nothing, so what it is about stays as it is.\n\n\
        When the request fails half-way, what was imported stays, and the member `report` of the problem tells what that is.",
    request_body(
        description = "A price list",
        content(
            (String = "application/x-ndjson", example = json!(NDJSON_EXAMPLE)),
            (String = "application/jsonl", example = json!(NDJSON_EXAMPLE)),
            (String = "text/csv", example = json!(CSV_EXAMPLE)),
        )
    ),
    responses(
        (status = 200, description = "What became of the rows", body = ImportReport),
        (status = 413, description = "The file has too many bytes or rows; what was imported stays", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn import(context: Context) -> Result<Reply, Problem> {
    context.query().finish()?;
    let mut import = Import {
        reader: Reader::of(&context)?,
        batch: Vec::new(),
        batch_bytes: 0,
        report: ImportReport::default(),
    };
    match import.run(&context.stream()).await {
        Ok(()) => Reply::json(&import.report),
        Err(problem) if import.report.rows() == 0 => Err(problem),
        Err(problem) => Err(problem
            .with_hint("what was imported before stays: correct the file and send it again")
            .with_member("report", json!(import.report))),
    }
}

/// A file on its way into the catalogue.
struct Import {
    reader: Reader,
    batch: Vec<Line>,
    batch_bytes: usize,
    report: ImportReport,
}

impl Import {
    async fn run(&mut self, stream: &BodyStream) -> Result<(), Problem> {
        let arrived = self.take_all(stream).await;
        // What has arrived before it broke off is imported too.
        self.flush().await?;
        arrived
    }

    async fn take_all(&mut self, stream: &BodyStream) -> Result<(), Problem> {
        while let Some(piece) = stream.next().await? {
            let mut input = &*piece;
            while let Some(line) = self.reader.next(&mut input)? {
                self.add(line).await?;
            }
        }
        while let Some(line) = self.reader.finish()? {
            self.add(line).await?;
        }
        Ok(())
    }

    async fn add(&mut self, line: Line) -> Result<(), Problem> {
        let rows = self.report.rows() + self.batch.len() as u64;
        if rows >= MAX_FILE_ROWS {
            return Err(too_many_rows());
        }
        self.batch_bytes = self.batch_bytes.saturating_add(line.bytes);
        self.batch.push(line);
        if self.batch.len() >= MAX_BATCH_ROWS || self.batch_bytes >= MAX_BATCH_BYTES {
            self.flush().await?;
        }
        Ok(())
    }

    /// Hands the rows over, in one transaction of the catalogue.
    async fn flush(&mut self) -> Result<(), Problem> {
        self.batch_bytes = 0;
        let batch = std::mem::take(&mut self.batch);
        let rows: Vec<_> = batch
            .iter()
            .filter_map(|line| line.row.as_ref().ok().cloned())
            .collect();
        let outcomes = if rows.is_empty() {
            Vec::new()
        } else {
            catalogue::import_products(rows).await.map_err(problem)?
        };
        let mut outcomes = outcomes.into_iter();
        for line in batch {
            match line.row {
                Err(refusal) => self.report.fail(line.number, refusal),
                Ok(_) => {
                    let outcome = outcomes.next().ok_or_else(no_outcome)?;
                    self.report.count(line.number, outcome);
                }
            }
        }
        Ok(())
    }
}

fn too_many_rows() -> Problem {
    Problem::new(
        mercato_edge::StatusCode::PAYLOAD_TOO_LARGE,
        "too-many-rows",
        "Payload too large",
        format!("a file must not have more than {MAX_FILE_ROWS} rows"),
    )
}

fn no_outcome() -> Problem {
    log::error("the catalogue did not tell what became of every row", &[]);
    Problem::internal()
}
