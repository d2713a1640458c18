#[cfg(not(target_family = "wasm"))]
use mercato_edge::Description;
use mercato_edge::{
    BodyRule, BodyStream, Context, Guard, Json, Principal, Problem, Query, StatusCode, TokenGuard,
    endpoint, header,
};
use mercato_platform::log;
use products::application::commands::import_products::{self, IMPORT_BATCH_ROWS_MAX};
use serde::Serialize;
#[cfg(not(target_family = "wasm"))]
use serde_json::json;
#[cfg(not(target_family = "wasm"))]
use utoipa::PartialSchema as _;
use utoipa::ToSchema;

#[cfg(not(target_family = "wasm"))]
use crate::body::ImportRowBody;
use crate::price_list::{
    ImportQuery, ImportReport, Line, MAX_BATCH_BYTES, MAX_FILE_BYTES, MAX_FILE_ROWS, MEDIA_TYPES,
    Upload,
};
use crate::problems::problem;

#[cfg(not(target_family = "wasm"))]
const NDJSON_EXAMPLE: &str = "\
{\"sku\": \"CUP-90\", \"name\": \"Espresso cup\", \"price\": 12.5, \"stock\": 20}
{\"sku\": \"POT-1\", \"stock\": 3}
";

#[cfg(not(target_family = "wasm"))]
const CSV_EXAMPLE: &str = "\
sku,name,description,price,stock\r
CUP-90,Espresso cup,\"Porcelain, 90 ml\",12.5,20\r
POT-1,,,,3\r
";

/// A form with the file in it.
#[derive(ToSchema)]
#[allow(dead_code, reason = "the form is read piece by piece, not into this")]
struct ImportForm {
    /// The only part of the form, whatever its name: CSV or NDJSON, told by its media type or else by how its file name ends
    /// (`.csv`, `.tsv`, `.txt`; `.ndjson`, `.jsonl`).
    #[schema(format = Binary, content_media_type = "application/octet-stream")]
    file: String,
}

/// A problem of an import that has failed half-way.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ImportInterrupted)]
pub struct Interrupted<'a> {
    /// What was imported before; absent when nothing was.
    #[schema(value_type = ImportReport, required = false)]
    report: &'a ImportReport,
}

/// Import a price list
///
/// Creates and changes products by their `sku`, up to 100,000 rows and 64 MiB in one request, read as they arrive. An unknown
/// `sku` makes a product, which needs `name` and `price`; a known one changes it, and what is absent stays. `stock` is the
/// number of free units, or with `stock=onHand` that of the free and the reserved ones. Of two rows with the same `sku` the
/// later one wins. A row that breaks a rule fails by itself and is reported by its line; the others stay. Sent again, the same
/// file changes nothing.
///
/// **NDJSON**: one object (`ImportRow`) on each line. **CSV** (RFC 4180, UTF-8): the first row names the columns, in any order,
/// up to 256; they are separated by commas, semicolons or tabs, as the first row is. An empty cell says nothing, so what it is
/// about stays as it is; a row of empty cells is passed over.
///
/// A quote in a field that does not begin with one, text after the quote that closes a field, and a quote that is not closed
/// are failures. All lines up to the next one that certainly begins a row fail with it: `line` to `lastLine`.
///
/// When the request fails half-way, what was imported stays, and the member `report` of the problem tells what that is. It
/// fails (401) when the access token ends or is revoked while the file arrives.
#[endpoint(
    POST "/api/v1/products/import", access = Admin, tag = "Catalogue", id = "importProducts",
    body = BodyRule::streamed(&MEDIA_TYPES, MAX_FILE_BYTES),
    returns = "What became of the rows",
    413: Interrupted<'static> = "The file has too many bytes or rows; what was imported stays",
    describe = describe,
)]
pub async fn import(
    context: Context,
    admin: Principal,
    Query(query): Query<ImportQuery>,
) -> Result<Json<ImportReport>, Problem> {
    let content_type = context.header(&header::CONTENT_TYPE).unwrap_or_default();
    let mut import = Import {
        admin,
        upload: Upload::of(content_type, query.into())?,
        batch: Vec::new(),
        batch_bytes: 0,
        report: ImportReport::default(),
    };
    match import.run(&context.stream()).await {
        Ok(()) => Ok(Json(import.report)),
        Err(problem) if import.report.rows() == 0 => Err(problem),
        Err(problem) => Err(interrupted(problem, &import.report)),
    }
}

/// What a file is, and an example of each form.
#[cfg(not(target_family = "wasm"))]
fn describe(description: &mut Description) {
    let text = || Some(String::schema());
    for media_type in ["application/x-ndjson", "application/jsonl"] {
        description.body_of_schema(media_type, text(), Some(json!(NDJSON_EXAMPLE)));
    }
    description.body_of_schema("text/csv", text(), Some(json!(CSV_EXAMPLE)));
    description.form::<ImportForm>("file", "text/csv, application/x-ndjson, application/jsonl");
    description.describe_body("A price list");
    // The text of the operation refers to it by its name.
    description.schema::<ImportRowBody>();
}

/// The problem of a request that has failed half-way, telling what was imported.
pub fn interrupted(problem: Problem, report: &ImportReport) -> Problem {
    let hint = hint(problem.status());
    problem
        .with_hint(hint)
        .with_members(&Interrupted { report })
}

/// What to do when the request has failed half-way.
fn hint(status: StatusCode) -> &'static str {
    if status == StatusCode::UNAUTHORIZED || status.is_server_error() {
        "what was imported before stays: send the file again"
    } else {
        "what was imported before stays: correct the file and send it again"
    }
}

/// A file on its way into the catalogue.
struct Import {
    /// Who sends it.
    admin: Principal,
    upload: Upload,
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
            self.upload.push(piece);
            while let Some(line) = self.upload.next()? {
                self.add(line).await?;
            }
        }
        while let Some(line) = self.upload.finish()? {
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
        if self.batch.len() >= IMPORT_BATCH_ROWS_MAX || self.batch_bytes >= MAX_BATCH_BYTES {
            self.flush().await?;
        }
        Ok(())
    }

    /// Hands the rows over, in one transaction of the catalogue, if whoever sends them is still an admin: a file may arrive for
    /// hours.
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
            TokenGuard.check_session(&self.admin).await?;
            import_products::handle(&*products::instance(), &rows).map_err(problem)?
        };
        let mut outcomes = outcomes.into_iter();
        for line in batch {
            match line.row {
                Err(refusal) => self.report.fail(line.lines, refusal),
                Ok(_) => {
                    let outcome = outcomes.next().ok_or_else(no_outcome)?;
                    self.report.count(line.lines, outcome);
                }
            }
        }
        Ok(())
    }
}

/// 413 for a file of more rows than are taken.
pub fn too_many_rows() -> Problem {
    Problem::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        "too-many-rows",
        "Payload too large",
        format!("a file must not have more than {MAX_FILE_ROWS} rows"),
    )
}

fn no_outcome() -> Problem {
    log::error("the catalogue did not tell what became of every row", &[]);
    Problem::internal()
}
