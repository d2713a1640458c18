//! How a file is to be read: the parameters of the query.

use mercato_edge::{Problem, Query};
use utoipa::{IntoParams, ToSchema};

use super::columns::ColumnNames;
use crate::bindings::mercato::products::catalogue::StockCount;

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
            stock: StockCount::Free,
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
        let stock = choice(
            &mut query,
            "stock",
            [("free", StockCount::Free), ("onHand", StockCount::OnHand)],
        );
        query.finish()?;
        Ok(Self {
            ignores_unknown: unknown.unwrap_or_default(),
            columns,
            stock: stock.unwrap_or(StockCount::Free),
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

#[cfg(test)]
mod tests {
    use super::super::columns::Column;
    use super::*;

    #[test]
    fn without_a_query_nothing_unknown_is_let_in() {
        let options = Options::read(Query::parse("")).unwrap();
        assert!(!options.ignores_unknown && options.columns.is_empty());
        assert_eq!(options.stock, StockCount::Free);
    }

    #[test]
    fn everything_can_be_asked_for() {
        let query = "unknown=ignore&stock=onHand&columns=price:Variant+Price,name:Title";
        let options = Options::read(Query::parse(query)).unwrap();
        assert!(options.ignores_unknown);
        assert_eq!(options.stock, StockCount::OnHand);
        assert_eq!(options.columns.given(Column::Price), Some("Variant Price"));
        let query = "unknown=refuse&stock=free";
        let options = Options::read(Query::parse(query)).unwrap();
        assert!(!options.ignores_unknown);
        assert_eq!(options.stock, StockCount::Free);
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
}
