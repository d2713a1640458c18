//! How a file is to be read: the parameters of the query, and the columns that are read.

use mercato_edge::{Problem, Query};
use products::domain::product::StockChange;
use utoipa::{IntoParams, ToSchema};

use super::records::Records;
use crate::product::StockCount;

/// The columns that are read: the members of a row in the API, which are their names in a file, too, unless the query says
/// another.
pub const COLUMNS: [&str; 5] = ["sku", "name", "description", "price", "stock"];

/// Code of a CSV file, or a row of one, that cannot be read.
pub const MALFORMED_CSV: &str = "malformed-csv";

/// What the first row of a CSV file must be.
pub const HEADER_RULE: &str = "the first row must name the columns, separated by commas, semicolons or tabs: sku, and any of name, \
    description, price, stock; unknown=ignore passes over others, columns=price:Variant Price says how a column is named";

/// 400 for a file whose first row does not name columns.
pub fn no_header(why: &str) -> Problem {
    Problem::bad_request(MALFORMED_CSV, why).with_hint(HEADER_RULE)
}

/// The parameters as the OpenAPI document describes them.
#[allow(dead_code, reason = "only its description is used")]
#[derive(IntoParams)]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
pub struct ImportQuery {
    /// What becomes of columns (CSV) and members (NDJSON) that are not known.
    #[param(value_type = UnknownColumns, inline, required = false)]
    unknown: Option<UnknownColumns>,
    /// The names of columns in a CSV file, where they are not `sku`, `name`, `description`, `price` and `stock`: pairs, set apart by
    /// commas. A pair with a comma in it stands in quotes, as in CSV.
    #[param(
        value_type = String,
        required = false,
        min_length = 3
    )]
    columns: Option<String>,
    /// What `stock` counts.
    #[param(value_type = StockCounts, inline, required = false)]
    stock: Option<StockCounts>,
}

/// What becomes of what is not known.
#[allow(dead_code, reason = "only its description is used")]
#[derive(ToSchema)]
#[schema(default = "refuse")]
enum UnknownColumns {
    /// A CSV file with such a column is refused, and so is every line of NDJSON with such a member.
    #[schema(rename = "refuse")]
    Refuse,
    /// They are passed over.
    #[schema(rename = "ignore")]
    Ignore,
}

/// What the stock of a row counts.
#[allow(dead_code, reason = "only its description is used")]
#[derive(ToSchema)]
#[schema(default = "free")]
enum StockCounts {
    /// The units that are free to sell.
    #[schema(rename = "free")]
    Free,
    /// These and the units that are reserved for orders which are not paid yet. A row with fewer units than are reserved fails.
    #[schema(rename = "onHand")]
    OnHand,
}

/// How a file is to be read.
#[derive(Debug, Clone)]
pub struct Options {
    /// Whether columns and members that are not known are passed over; a file that has some is refused otherwise.
    pub ignores_unknown: bool,
    /// The names of the columns in the file.
    pub columns: ColumnNames,
    /// What the column `stock` counts.
    pub stock: StockCount,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            ignores_unknown: false,
            columns: ColumnNames::default(),
            stock: StockChange::Absolute,
        }
    }
}

impl Options {
    /// What the query asks for.
    ///
    /// # Errors
    /// 400 naming every parameter that is wrong.
    pub fn read(mut query: Query) -> Result<Self, Problem> {
        let unknown = choice(&mut query, "unknown", [("refuse", false), ("ignore", true)]);
        let columns = ColumnNames::take(&mut query);
        let free: StockCount = StockChange::Absolute;
        let on_hand: StockCount = StockChange::OnHand;
        let stock = choice(&mut query, "stock", [("free", free), ("onHand", on_hand)]);
        query.finish()?;
        Ok(Self {
            ignores_unknown: unknown.unwrap_or_default(),
            columns,
            stock: stock.unwrap_or(free),
        })
    }
}

/// A parameter that has one of two values.
fn choice<T>(query: &mut Query, name: &str, values: [(&str, T); 2]) -> Option<T> {
    let wanted = query.text(name)?;
    let names = values.each_ref().map(|(known, _)| *known).join(" or ");
    let known = values.into_iter().find(|(known, _)| *known == wanted);
    if known.is_none() {
        query.reject(name, "format", &format!("must be {names}"));
    }
    known.map(|(_, value)| value)
}

/// The parameter of the query that says where the columns are.
const PARAMETER: &str = "columns";

/// The names that columns have in a file where they are not their own.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ColumnNames(Vec<(&'static str, String)>);

impl ColumnNames {
    /// What the query says: pairs of a column and its name in the file, as in `price:Variant Price,name:Title`. The
    /// list is a record of CSV, so a pair with a comma in it stands in quotes.
    pub fn take(query: &mut Query) -> Self {
        let Some(text) = query.text(PARAMETER) else {
            return Self::default();
        };
        let names = Self::parse(&text);
        if let Err((code, rest)) = &names {
            query.reject(PARAMETER, code, rest);
        }
        names.unwrap_or_default()
    }

    fn parse(text: &str) -> Result<Self, (&'static str, String)> {
        let form = || {
            let example = r#"must be pairs such as price:Variant Price,name:Title; one with a comma stands in quotes"#;
            ("format", example.to_owned())
        };
        let mut names = Self::default();
        for pair in pairs(text).ok_or_else(form)? {
            let (ours, theirs) = pair.split_once(':').ok_or_else(form)?;
            let (ours, theirs) = (ours.trim(), theirs.trim());
            if theirs.is_empty() {
                return Err(form());
            }
            let column = column_of(ours).ok_or_else(|| {
                let known = COLUMNS.join(", ");
                ("unknown", format!("must be about {known}"))
            })?;
            if names.given(column).is_some() {
                let rest = format!("must not name {column} more than once");
                return Err(("repeated", rest));
            }
            if names.0.iter().any(|(_, name)| is_same(name, theirs)) {
                let rest = "must not name a column of the file more than once";
                return Err(("repeated", rest.to_owned()));
            }
            names.0.push((column, theirs.to_owned()));
        }
        Ok(names)
    }

    /// Whether every column has its own name.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The name that the query gives to a column.
    pub fn given(&self, column: &str) -> Option<&str> {
        let given = self.0.iter().find(|(known, _)| *known == column);
        given.map(|(_, name)| name.as_str())
    }

    /// The column that has a name in the file; capitals and small letters of ASCII are alike.
    pub fn column(&self, name: &str) -> Option<&'static str> {
        COLUMNS
            .into_iter()
            .find(|column| is_same(self.given(column).unwrap_or(column), name))
    }
}

fn column_of(name: &str) -> Option<&'static str> {
    COLUMNS.into_iter().find(|column| is_same(column, name))
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
    use super::*;

    #[test]
    fn without_a_query_nothing_unknown_is_let_in() {
        let options = Options::read(Query::parse("")).unwrap();
        assert!(!options.ignores_unknown && options.columns.is_empty());
        assert_eq!((options.stock)(1), StockChange::Absolute(1));
    }

    #[test]
    fn everything_can_be_asked_for() {
        let query = "unknown=ignore&stock=onHand&columns=price:Variant+Price,name:Title";
        let options = Options::read(Query::parse(query)).unwrap();
        assert!(options.ignores_unknown);
        assert_eq!((options.stock)(1), StockChange::OnHand(1));
        assert_eq!(options.columns.given("price"), Some("Variant Price"));
        let query = "unknown=refuse&stock=free";
        let options = Options::read(Query::parse(query)).unwrap();
        assert!(!options.ignores_unknown);
        assert_eq!((options.stock)(1), StockChange::Absolute(1));
    }

    #[test]
    fn every_parameter_that_is_wrong_is_named() {
        let query = "unknown=Ignore&stock=on-hand&columns=cost:A&dryRun=true";
        let problem = Options::read(Query::parse(query)).unwrap_err();
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
                ("dryRun", "unknown")
            ]
        );
    }

    fn parse_columns(text: &str) -> Result<Vec<(&'static str, String)>, &'static str> {
        let names = ColumnNames::parse(text).map_err(|(code, _)| code)?;
        Ok(names.0)
    }

    #[test]
    fn columns_are_found_under_the_names_that_are_given() {
        let names = ColumnNames::parse(
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
