#[cfg(not(target_family = "wasm"))]
use mercato_edge::Description;
use mercato_edge::{
    Answer, BodyRule, BodySender, BodyStream, Context, Guard, Json, Principal, Problem, Query,
    Reply, StatusCode, StreamedBody, TokenGuard, accepts, endpoint, header,
};
use mercato_platform::clock::{self, Clock as _, SystemClock};
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
    ImportProgress, ImportQuery, ImportReport, Line, MAX_BATCH_BYTES, MAX_FILE_BYTES,
    MAX_FILE_ROWS, MEDIA_TYPES, Options, Upload,
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
/// Creates and changes products and variants by their `sku`, up to 100,000 rows and 64 MiB in one request, read as they arrive. An unknown
/// `sku` makes a product, which needs `name` and `price`; a known one changes it, and what is absent stays. A row with options
/// (`option1Name`, `option1Value` and so on) is about a variant of the product of its `slug`. `stock` is the
/// number of free units, or with `stock=onHand` that of the free and the reserved ones. Of two rows with the same `sku` the
/// later one wins. A row that breaks a rule fails by itself and is reported by its line; the others stay. Sent again, the same
/// file changes nothing.
///
/// **NDJSON**: one object (`ImportRow`) on each line. **CSV** (RFC 4180, UTF-8): the first row names the columns, in any order,
/// up to 256; they are separated by commas, semicolons or tabs, as the first row is. An empty cell says nothing, so what it is
/// about stays as it is; a row of empty cells is passed over.
///
/// **Shopify's product CSV** is recognised by its header (`Handle`, `Title`, `Variant SKU`, `Variant Price`): products with their options,
/// variants, pictures and status; columns that are not read are named in `ignored`. Rows of a product that has no `Title` before them fail.
///
/// With `dryRun=true` nothing is changed, and the report says what would become of the rows. Each is held against what is stored: a
/// number that is new and stands in two rows far apart is reported as created twice.
///
/// A quote in a field that does not begin with one, text after the quote that closes a field, and a quote that is not closed
/// are failures. All lines up to the next one that certainly begins a row fail with it: `line` to `lastLine`.
///
/// With `Accept: application/x-ndjson` the answer begins at once and tells of the progress: a line after each transaction, and at last one
/// with the report, or with the problem where the import has failed. The status is 200 then.
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
) -> Result<ImportAnswer, Problem> {
    let content_type = context.header(&header::CONTENT_TYPE).unwrap_or_default();
    let options = Options::from(query);
    let is_dry_run = options.is_dry_run;
    let mut import = Import {
        admin,
        upload: Upload::of(content_type, options)?,
        is_dry_run,
        teller: None,
        batch: Vec::new(),
        batch_bytes: 0,
        report: ImportReport::new(is_dry_run),
    };
    if accepts(&context, PROGRESS_TYPE) {
        return Ok(ImportAnswer::Progress(progress(import, context)));
    }
    match import.run(&context.stream()).await {
        Ok(()) => Ok(ImportAnswer::Report(Json(import.report))),
        Err(problem) => Err(import.interrupted(problem)),
    }
}

/// What a client names in `Accept` that wants to be told of the progress.
const PROGRESS_TYPE: &str = "application/x-ndjson";

/// What is answered to an import.
#[derive(Debug)]
pub enum ImportAnswer {
    /// The report, when all is done.
    Report(Json<ImportReport>),
    /// Lines of JSON on how far it is, and at last the report or the problem.
    Progress(StreamedBody),
}

impl Answer for ImportAnswer {
    const STATUS: u16 = 200;

    fn into_reply(self) -> Result<Reply, Problem> {
        match self {
            Self::Report(report) => report.into_reply(),
            Self::Progress(body) => Ok(Reply::streamed(PROGRESS_TYPE, body)),
        }
    }

    #[cfg(not(target_family = "wasm"))]
    fn describe(description: &mut Description, status: u16, meaning: &str) {
        Json::<ImportReport>::describe(description, status, meaning);
        description.content::<ImportLine<'static>>(status, meaning, PROGRESS_TYPE);
    }
}

/// A line of the answer to an import whose progress is told. It has one of these members.
#[derive(Debug, Default, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ImportLine)]
pub struct ImportLine<'a> {
    /// How far the import is, after each transaction.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = ImportProgress, required = false)]
    progress: Option<ImportProgress>,
    /// All is done: the last line.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = ImportReport, required = false)]
    report: Option<&'a ImportReport>,
    /// The import has failed, half-way when a report is in it: the last line. It is what another answer would have as its body.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Object, required = false)]
    problem: Option<serde_json::Value>,
}

/// The import, telling of its progress. What has failed when it begins to answer can no longer be told by a status.
fn progress(mut import: Import, context: Context) -> StreamedBody {
    StreamedBody::of(|sender| async move {
        import.teller = Some(sender);
        let result = import.run(&context.stream()).await;
        let line = match result {
            Ok(()) => ImportLine {
                report: Some(&import.report),
                ..ImportLine::default()
            },
            Err(problem) => {
                let problem = import.interrupted(problem);
                let now = clock::rfc3339(SystemClock.now_ms());
                let document = problem.document(context.path(), context.request_id(), &now);
                ImportLine {
                    problem: Some(document),
                    ..ImportLine::default()
                }
            }
        };
        tell(import.teller.as_ref(), &line).await
    })
}

async fn tell(teller: Option<&BodySender>, line: &ImportLine<'_>) -> Result<(), Problem> {
    let Some(sender) = teller else {
        return Ok(());
    };
    let mut text = serde_json::to_string(line).map_err(|_| Problem::internal())?;
    text.push('\n');
    sender.send(text).await;
    Ok(())
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
    is_dry_run: bool,
    /// Where its progress is told, if anybody wants to know.
    teller: Option<BodySender>,
    batch: Vec<Line>,
    batch_bytes: usize,
    report: ImportReport,
}

impl Import {
    /// The problem of an import that has failed, perhaps half-way.
    fn interrupted(&self, problem: Problem) -> Problem {
        if self.report.rows() == 0 {
            problem
        } else {
            interrupted(problem, &self.report)
        }
    }

    async fn run(&mut self, stream: &BodyStream) -> Result<(), Problem> {
        let arrived = self.take_all(stream).await;
        // What has arrived before it broke off is imported too.
        self.flush().await?;
        self.report.ignore(self.upload.ignored());
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
            let ports = products::instance();
            let outcomes = if self.is_dry_run {
                import_products::rehearse(&*ports, &rows)
            } else {
                import_products::handle(&*ports, &rows)
            };
            outcomes.map_err(problem)?
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
        let progress = ImportLine {
            progress: Some(self.report.progress()),
            ..ImportLine::default()
        };
        tell(self.teller.as_ref(), &progress).await
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
