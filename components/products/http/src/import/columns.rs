//! The columns of a file that are read, and their names in it.

use mercato_edge::{FieldError, Query};

use super::records::Records;

/// The parameter of the query that says where the columns are.
const PARAMETER: &str = "columns";

/// A column that is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Column {
    /// The shop's own number.
    Sku,
    /// Name.
    Name,
    /// Description.
    Description,
    /// Price of one unit.
    Price,
    /// Units.
    Stock,
}

impl Column {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Sku,
        Self::Name,
        Self::Description,
        Self::Price,
        Self::Stock,
    ];

    /// Its name in the API, which is its name in a file, too, unless the query says another.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sku => "sku",
            Self::Name => "name",
            Self::Description => "description",
            Self::Price => "price",
            Self::Stock => "stock",
        }
    }

    fn of(name: &str) -> Option<Self> {
        let is_named = |column: &Self| column.name().eq_ignore_ascii_case(name);
        Self::ALL.into_iter().find(is_named)
    }

    /// It breaks a rule; `rest` continues the sentence after its name.
    pub fn error(self, code: &'static str, rest: &str) -> FieldError {
        let name = self.name();
        FieldError::new(name, code, format!("{name} {rest}"))
    }
}

/// The names that columns have in a file where they are not their own.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ColumnNames(Vec<(Column, String)>);

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
            let column = Column::of(ours).ok_or_else(|| {
                let known = Column::ALL.map(Column::name).join(", ");
                ("unknown", format!("must be about {known}"))
            })?;
            if names.given(column).is_some() {
                let rest = format!("must not name {} more than once", column.name());
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
    pub fn given(&self, column: Column) -> Option<&str> {
        let given = self.0.iter().find(|(known, _)| *known == column);
        given.map(|(_, name)| name.as_str())
    }

    /// The column that has a name in the file; capitals and small letters of ASCII are alike.
    pub fn column(&self, name: &str) -> Option<Column> {
        Column::ALL
            .into_iter()
            .find(|column| is_same(self.given(*column).unwrap_or(column.name()), name))
    }
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

    fn parse(text: &str) -> Result<Vec<(&'static str, String)>, &'static str> {
        let names = ColumnNames::parse(text).map_err(|(code, _)| code)?;
        let pairs = names.0.into_iter();
        Ok(pairs.map(|(column, name)| (column.name(), name)).collect())
    }

    #[test]
    fn columns_are_found_under_the_names_that_are_given() {
        let names = ColumnNames::parse(
            r#"price:Variant Price, NAME : Title ,"description:Body, in HTML",stock:a:b"#,
        );
        let names = names.unwrap();
        for (name, column) in [
            ("variant price", Some(Column::Price)),
            ("Title", Some(Column::Name)),
            ("Body, in HTML", Some(Column::Description)),
            ("a:b", Some(Column::Stock)),
            ("SKU", Some(Column::Sku)),
            // Whose name is another in this file is not found under its own.
            ("price", None),
            ("Vendor", None),
        ] {
            assert_eq!(names.column(name), column, "{name}");
        }
        assert_eq!(ColumnNames::default().column("Price"), Some(Column::Price));
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
            assert_eq!(parse(text), Err(code), "{text}");
        }
    }
}
