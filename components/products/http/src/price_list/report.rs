//! What became of a file.

use mercato_edge::FieldError;
use products::application::commands::import_products::RowOutcome;
use serde::Serialize;
use utoipa::ToSchema;

use super::line::{Lines, Refusal};

/// Most failed rows that are listed one by one; the others are only counted.
pub const MAX_REPORTED_FAILURES: usize = 10_000;

/// Failed rows are listed one by one as long as what is said of them has no more bytes than this.
const MAX_REPORTED_BYTES: usize = 4 * 1024 * 1024;

/// What a row takes in the report besides its texts, in bytes.
const ROW_BYTES: usize = 96;

/// What became of the rows of a file.
#[derive(Debug, Default, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "created": 998, "updated": 1, "unchanged": 0, "failedTotal": 1, "ignored": ["Vendor"],
    "failed": [{
        "line": 3, "code": "validation", "error": "price must not be less than 0",
        "errors": [{"field": "price", "code": "min", "message": "price must not be less than 0"}]
    }]
}))]
pub struct ImportReport {
    /// Products that the file has made.
    created: u64,
    /// Rows that have changed a product.
    updated: u64,
    /// Rows that say what their product says already.
    unchanged: u64,
    /// Rows that were not imported, by line: the first ten thousand of them, or fewer when there is more than 4 MiB to say of them.
    #[schema(max_items = 10_000)]
    failed: Vec<FailedRow>,
    /// All rows that were not imported.
    failed_total: u64,
    /// Names of columns and members that were passed over, the first 256 of them; absent when there are none.
    #[schema(max_items = 256, required = false, example = json!(["Vendor"]))]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    ignored: Vec<String>,
    /// Nothing was changed, and this is what would have become of the rows; absent otherwise.
    #[schema(value_type = bool, required = false, example = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    dry_run: Option<bool>,
    #[serde(skip)]
    #[schema(ignore)]
    reported_bytes: usize,
}

/// How far an import is.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ImportProgress {
    /// Rows that have been looked at.
    #[schema(example = 250)]
    rows: u64,
    created: u64,
    updated: u64,
    unchanged: u64,
    failed_total: u64,
}

/// A row that was not imported.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FailedRow {
    /// Number of the line on which the row begins, from 1; the header of a CSV file counts.
    #[schema(minimum = 1, example = 3)]
    line: u64,
    /// Number of the last line that is not imported, when there are several: a row with line breaks in it, or all lines that are
    /// doubtful because of a quote.
    #[schema(minimum = 2, example = 5, required = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    last_line: Option<u64>,
    /// Stable code: `validation`, `malformed-json`, `malformed-csv`, `row-too-long`.
    #[schema(example = "validation")]
    code: &'static str,
    /// What is wrong, for people.
    #[schema(example = "price must not be less than 0")]
    error: String,
    /// The fields at fault, the first ten of them; empty when the row could not be read.
    #[schema(max_items = 10)]
    errors: Vec<FieldError>,
}

impl ImportReport {
    /// Of a file of which no row has been looked at yet.
    pub fn new(is_dry_run: bool) -> Self {
        Self {
            dry_run: is_dry_run.then_some(true),
            ..Self::default()
        }
    }

    /// Names what was passed over, by all that is known of it now.
    pub fn ignore(&mut self, names: &[String]) {
        let new = names.get(self.ignored.len()..).unwrap_or_default();
        self.ignored.extend_from_slice(new);
    }

    /// The numbers of it.
    pub fn progress(&self) -> ImportProgress {
        ImportProgress {
            rows: self.rows(),
            created: self.created,
            updated: self.updated,
            unchanged: self.unchanged,
            failed_total: self.failed_total,
        }
    }

    /// Rows that have been looked at.
    pub fn rows(&self) -> u64 {
        self.created + self.updated + self.unchanged + self.failed_total
    }

    /// Counts a row that the catalogue was given.
    pub fn count(&mut self, lines: Lines, outcome: RowOutcome) {
        match outcome {
            RowOutcome::Created => self.created += 1,
            RowOutcome::Updated => self.updated += 1,
            RowOutcome::Unchanged => self.unchanged += 1,
            RowOutcome::Refused(errors) => self.fail(lines, Refusal::invalid(errors)),
        }
    }

    /// Counts a row that was not imported.
    pub fn fail(&mut self, lines: Lines, refusal: Refusal) {
        self.failed_total += 1;
        self.reported_bytes = self.reported_bytes.saturating_add(bytes_of(&refusal));
        // Once a row was left out all further ones are, so that those that are listed are the first.
        let listed = self.failed.len() as u64 + 1;
        if listed == self.failed_total
            && self.failed.len() < MAX_REPORTED_FAILURES
            && self.reported_bytes <= MAX_REPORTED_BYTES
        {
            self.failed.push(FailedRow {
                line: lines.first,
                last_line: (lines.last > lines.first).then_some(lines.last),
                code: refusal.code,
                error: refusal.message,
                errors: refusal.errors,
            });
        }
    }
}

fn bytes_of(refusal: &Refusal) -> usize {
    let of_error =
        |error: &FieldError| ROW_BYTES + error.field.len() + error.code.len() + error.message.len();
    let errors: usize = refusal.errors.iter().map(of_error).sum();
    ROW_BYTES + refusal.message.len() + errors
}
