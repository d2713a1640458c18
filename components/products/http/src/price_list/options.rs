//! How a file is to be read: the parameters of the query, and the columns that are read.

use std::borrow::Cow;

use mercato_edge::{FromFields as _, FromText, Problem, Refusal, query};
use mercato_kernel::named;
use products::domain::product::StockChange;
use strum::{IntoStaticStr, VariantArray};
use utoipa::ToSchema;

use super::records::Records;
use crate::body::{ImportRowBody, StockCount};

/// The columns that are read: the members of a row in the API, which are their names in a file, too, unless the query says
/// another.
pub const COLUMNS: &[&str] = ImportRowBody::NAMES;

/// Code of a CSV file, or a row of one, that cannot be read.
pub const MALFORMED_CSV: &str = "malformed-csv";

/// What the first row of a CSV file must be.
pub fn header_rule() -> String {
    let others: Vec<&str> = COLUMNS
        .iter()
        .copied()
        .filter(|column| *column != "sku")
        .collect();
    format!(
        "the first row must name the columns, separated by commas, semicolons or tabs: sku, and any of {}; unknown=ignore passes over \
         others, columns=price:Variant Price says how a column is named; Shopify's product CSV is recognised by its own columns",
        others.join(", ")
    )
}

/// 400 for a file whose first row does not name columns.
pub fn no_header(why: &str) -> Problem {
    Problem::bad_request(MALFORMED_CSV, why).with_hint(&header_rule())
}

/// How a file is to be read, as the query says it.
#[query]
#[derive(Debug)]
pub struct ImportQuery {
    /// What becomes of columns (CSV) and members (NDJSON) that are not known.
    #[param(value_type = UnknownColumns, inline, required = false)]
    unknown: Option<UnknownColumns>,
    /// The names of columns in a CSV file, where they are not those of the members of `ImportRow`: pairs, set apart by
    /// commas. A pair with a comma in it stands in quotes, as in CSV. `slug`, `status`, `categories` and `attributes` are read then only
    /// where they are among the pairs.
    #[param(value_type = String, required = false, min_length = 3)]
    columns: Option<ColumnNames>,
    /// What `stock` counts.
    #[param(value_type = StockCounts, inline, required = false)]
    stock: Option<StockCounts>,
    /// Only report what would become of the file, and change nothing.
    dry_run: Option<bool>,
}

/// What becomes of what is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, VariantArray, IntoStaticStr, ToSchema)]
#[strum(serialize_all = "camelCase")]
#[schema(rename_all = "camelCase", default = "refuse")]
enum UnknownColumns {
    /// A CSV file with such a column is refused, and so is every line of NDJSON with such a member.
    Refuse,
    /// They are passed over.
    Ignore,
}

named!(UnknownColumns);

/// What the stock of a row counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, VariantArray, IntoStaticStr, ToSchema)]
#[strum(serialize_all = "camelCase")]
#[schema(rename_all = "camelCase", default = "free")]
enum StockCounts {
    /// The units that are free to sell.
    Free,
    /// These and the units that are reserved for orders which are not paid yet. A row with fewer units than are reserved fails.
    OnHand,
}

named!(StockCounts);

/// How a file is to be read.
#[derive(Debug, Clone)]
pub struct Options {
    /// Whether columns and members that are not known are passed over; a file that has some is refused otherwise.
    pub ignores_unknown: bool,
    /// The names of the columns in the file.
    pub columns: ColumnNames,
    /// What the column `stock` counts.
    pub stock: StockCount,
    /// Whether nothing is to be changed.
    pub is_dry_run: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            ignores_unknown: false,
            columns: ColumnNames::default(),
            stock: StockChange::Absolute,
            is_dry_run: false,
        }
    }
}

impl From<ImportQuery> for Options {
    fn from(query: ImportQuery) -> Self {
        Self {
            ignores_unknown: query.unknown == Some(UnknownColumns::Ignore),
            columns: query.columns.unwrap_or_default(),
            stock: match query.stock {
                None | Some(StockCounts::Free) => StockChange::Absolute,
                Some(StockCounts::OnHand) => StockChange::OnHand,
            },
            is_dry_run: query.dry_run == Some(true),
        }
    }
}

/// The names that columns have in a file where they are not their own.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ColumnNames(Vec<(&'static str, String)>);

impl ColumnNames {
    /// Whether every column has its own name.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The name that the query gives to a column.
    pub fn given(&self, column: &str) -> Option<&str> {
        let given = self.0.iter().find(|(known, _)| *known == column);
        given.map(|(_, name)| name.as_str())
    }

    /// The column that has a name in the file; capitals and small letters of ASCII are alike. In a file of which the query says how some
    /// columns are named, others by the names of [`OF_OUR_FILES`] mean something else.
    pub fn column(&self, name: &str) -> Option<&'static str> {
        let is_ours = |column: &str| self.is_empty() || !OF_OUR_FILES.contains(&column);
        COLUMNS
            .iter()
            .copied()
            .find(|column| match self.given(column) {
                Some(given) => is_same(given, name),
                None => is_ours(column) && is_same(column, name),
            })
    }
}

/// Columns whose names other programs give to other things.
const OF_OUR_FILES: [&str; 4] = ["slug", "status", "categories", "attributes"];

/// Pairs of a column and its name in the file, as in `price:Variant Price,name:Title`. The list is a record of CSV, so a pair
/// with a comma in it stands in quotes.
impl FromText for ColumnNames {
    fn from_text(text: &str) -> Result<Self, Refusal> {
        let form = || {
            let example = "must be pairs such as price:Variant Price,name:Title; one with a comma stands in quotes";
            ("format", example.into())
        };
        let mut names = Self::default();
        for pair in pairs(text).ok_or_else(form)? {
            let (ours, theirs) = pair.split_once(':').ok_or_else(form)?;
            let (ours, theirs) = (ours.trim(), theirs.trim());
            if theirs.is_empty() {
                return Err(form());
            }
            let column = column_of(ours).ok_or_else(|| {
                let rule = format!("must be about {}", COLUMNS.join(", "));
                ("unknown", Cow::Owned(rule))
            })?;
            if names.given(column).is_some() {
                let rule = format!("must not name {column} more than once");
                return Err(("repeated", rule.into()));
            }
            if names.0.iter().any(|(_, name)| is_same(name, theirs)) {
                let rule = "must not name a column of the file more than once";
                return Err(("repeated", rule.into()));
            }
            names.0.push((column, theirs.to_owned()));
        }
        Ok(names)
    }
}

fn column_of(name: &str) -> Option<&'static str> {
    COLUMNS.iter().copied().find(|column| is_same(column, name))
}

fn is_same(name: &str, other: &str) -> bool {
    name.eq_ignore_ascii_case(other)
}

/// The fields of a text that is one record.
fn pairs(text: &str) -> Option<Vec<String>> {
    let mut records = Records::new(b',');
    let mut rest = text.as_bytes();
    // A line end would be inside of a name.
    if records.next(&mut rest).is_some() {
        return None;
    }
    let record = records.finish()?;
    if record.fault.is_some() || record.is_too_long() {
        return None;
    }
    let fields = records
        .fields()
        .map(|field| String::from_utf8(field.into()));
    fields.collect::<Result<_, _>>().ok()
}

#[cfg(test)]
mod tests {
    use mercato_edge::examples::from_query;
    use mercato_kernel::named::is_described_by_name;

    use super::*;

    #[test]
    fn names_are_the_same_for_all_who_read_them() {
        assert!(is_described_by_name::<UnknownColumns>() && is_described_by_name::<StockCounts>());
    }

    fn read(query: &str) -> Result<Options, Problem> {
        from_query::<ImportQuery>(query).map(Into::into)
    }

    #[test]
    fn without_a_query_nothing_unknown_is_let_in() {
        let options = read("").unwrap();
        assert!(!options.ignores_unknown && options.columns.is_empty());
        assert_eq!((options.stock)(1), StockChange::Absolute(1));
    }

    #[test]
    fn everything_can_be_asked_for() {
        let query =
            "unknown=ignore&stock=onHand&columns=price:Variant+Price,name:Title&dryRun=true";
        let options = read(query).unwrap();
        assert!(options.ignores_unknown && options.is_dry_run);
        assert_eq!((options.stock)(1), StockChange::OnHand(1));
        assert_eq!(options.columns.given("price"), Some("Variant Price"));
        let query = "unknown=refuse&stock=free&dryRun=false";
        let options = read(query).unwrap();
        assert!(!options.ignores_unknown && !options.is_dry_run);
        assert_eq!((options.stock)(1), StockChange::Absolute(1));
    }

    #[test]
    fn every_parameter_that_is_wrong_is_named() {
        let query = "unknown=Ignore&stock=on-hand&columns=cost:A&dryRun=perhaps&dry=true";
        let problem = read(query).unwrap_err();
        let document = problem.document("/", "r", "t");
        let errors = document["errors"].as_array().unwrap().iter();
        let named: Vec<_> = errors
            .map(|error| {
                (
                    error["field"].as_str().unwrap(),
                    error["code"].as_str().unwrap(),
                )
            })
            .collect();
        assert_eq!(
            named,
            [
                ("unknown", "format"),
                ("columns", "unknown"),
                ("stock", "format"),
                ("dryRun", "type"),
                ("dry", "unknown")
            ]
        );
    }

    fn parse_columns(text: &str) -> Result<Vec<(&'static str, String)>, &'static str> {
        let names = ColumnNames::from_text(text).map_err(|(code, _)| code)?;
        Ok(names.0)
    }

    #[test]
    fn columns_are_found_under_the_names_that_are_given() {
        let names = ColumnNames::from_text(
            r#"price:Variant Price, NAME : Title ,"description:Body, in HTML",stock:a:b"#,
        );
        let names = names.unwrap();
        for (name, column) in [
            ("variant price", Some("price")),
            ("Title", Some("name")),
            ("Body, in HTML", Some("description")),
            ("a:b", Some("stock")),
            ("SKU", Some("sku")),
            // Whose name is another in this file is not found under its own.
            ("price", None),
            ("Vendor", None),
        ] {
            assert_eq!(names.column(name), column, "{name}");
        }
        assert_eq!(ColumnNames::default().column("Price"), Some("price"));
    }

    #[test]
    fn pairs_that_say_nothing_clear_are_refused() {
        for (text, code) in [
            ("", "format"),
            ("price", "format"),
            ("price:", "format"),
            ("price:A,", "format"),
            ("price:A\nname:B", "format"),
            (r#"price:"A, B""#, "format"),
            (r#""price:A"#, "format"),
            ("cost:A", "unknown"),
            ("price:A,price:B", "repeated"),
            ("price:A,name:a", "repeated"),
        ] {
            assert_eq!(parse_columns(text), Err(code), "{text}");
        }
    }
}
