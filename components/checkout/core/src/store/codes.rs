//! Tables `discount_codes` and `discount_code_products`.

use mercato_kernel::{PageStart, Total};
use mercato_money::Money;
use mercato_sql::{Row, Value, params};

use super::{Records, damaged, id, key};
use crate::application::Error;
use crate::domain::{Benefit, CodeName, CodeTerms, DiscountCode, Label, Rate, UseLimits};

macro_rules! code_columns {
    () => {
        "code, label, benefit, benefit_value, valid_from, valid_until, minimum_value, limit_total, limit_per_customer, is_combinable, uses,
      version, created_at, updated_at"
    };
}

const SELECT: &str = concat!(
    "
    SELECT ",
    code_columns!(),
    "
    FROM discount_codes
    WHERE code = ?"
);

const SELECT_PAGE: &str = concat!(
    "
    SELECT ",
    code_columns!(),
    "
    FROM discount_codes
    ORDER BY code
    LIMIT ? OFFSET ? -- plan: a page of an index"
);

const SELECT_PAGE_AFTER: &str = concat!(
    "
    SELECT ",
    code_columns!(),
    "
    FROM discount_codes
    WHERE code > ?
    ORDER BY code
    LIMIT ?"
);

const COUNT: &str = "
    SELECT COUNT(*) AS number
    FROM (SELECT 1 FROM discount_codes LIMIT ?) AS some_codes -- plan: no further than a total goes";

const SELECT_PRODUCTS: &str = "
    SELECT product_id
    FROM discount_code_products
    WHERE code = ?
    ORDER BY position";

const INSERT: &str = "
    INSERT INTO discount_codes
      (label, benefit, benefit_value, valid_from, valid_until, minimum_value, limit_total, limit_per_customer, is_combinable, version,
       created_at, updated_at, code, uses)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0)
    ON CONFLICT (code) DO NOTHING";

const UPDATE: &str = "
    UPDATE discount_codes
    SET label = ?, benefit = ?, benefit_value = ?, valid_from = ?, valid_until = ?, minimum_value = ?, limit_total = ?,
      limit_per_customer = ?, is_combinable = ?, version = ?, created_at = ?, updated_at = ?
    WHERE code = ?";

const DELETE_PRODUCTS: &str = "
    DELETE FROM discount_code_products
    WHERE code = ?";

const INSERT_PRODUCTS: &str = "
    INSERT INTO discount_code_products (code, position, product_id)";

const DELETE: &str = "
    DELETE FROM discount_codes
    WHERE code = ?";

const ADD_USES: &str = "
    UPDATE discount_codes
    SET uses = uses + ?
    WHERE code = ?";

impl Records<'_> {
    /// The code of that name.
    pub fn code(&self, name: &CodeName) -> Result<Option<DiscountCode>, Error> {
        let code = self.first(SELECT, params![name.as_str()], code)?;
        code.map(|code| self.with_products(code)).transpose()
    }

    /// A page of all codes, by their names.
    pub fn codes(&self, start: &PageStart<String>, limit: u32) -> Result<Vec<DiscountCode>, Error> {
        let codes = match start {
            PageStart::Offset(offset) => self.all(SELECT_PAGE, params![limit, *offset], code),
            PageStart::After(name) => self.all(SELECT_PAGE_AFTER, params![name, limit], code),
        };
        let codes = codes?.into_iter();
        codes.map(|code| self.with_products(code)).collect()
    }

    /// Number of all codes, as far as they are counted.
    pub fn count_codes(&self) -> Result<Total, Error> {
        let rows = self.number(COUNT, params![Total::LIMIT_ROWS])?;
        Ok(Total::counted(rows))
    }

    /// Adds a code; false when there is one of its name.
    pub fn add_code(&self, code: &DiscountCode) -> Result<bool, Error> {
        if self.changed(INSERT, &columns(code))? == 0 {
            return Ok(false);
        }
        self.add_products(code)?;
        Ok(true)
    }

    /// Replaces what is said of the code of that name; its uses stay.
    pub fn save_code(&self, code: &DiscountCode) -> Result<(), Error> {
        self.execute(UPDATE, &columns(code))?;
        self.execute(DELETE_PRODUCTS, params![code.name.as_str()])?;
        self.add_products(code)
    }

    /// Removes a code with all that is known of its uses; false when there is none of that name.
    pub fn remove_code(&self, name: &CodeName) -> Result<bool, Error> {
        Ok(self.changed(DELETE, params![name.as_str()])? > 0)
    }

    /// Counts uses of a code, or takes them back when they are less than 0.
    pub(super) fn add_uses(&self, name: &CodeName, uses: i64) -> Result<(), Error> {
        self.execute(ADD_USES, params![uses, name.as_str()])
    }

    fn with_products(&self, mut code: DiscountCode) -> Result<DiscountCode, Error> {
        let products = self.all(SELECT_PRODUCTS, params![code.name.as_str()], |row| {
            id(row, "product_id")
        })?;
        code.terms.products = products;
        Ok(code)
    }

    fn add_products(&self, code: &DiscountCode) -> Result<(), Error> {
        let products = (0_u32..).zip(&code.terms.products);
        let rows = products
            .map(|(position, product)| [code.name.as_str().into(), position.into(), key(*product)]);
        Ok(self.0.insert_rows(INSERT_PRODUCTS, rows)?)
    }
}

/// The columns of [`INSERT`] and [`UPDATE`].
fn columns(code: &DiscountCode) -> Vec<Value> {
    let terms = &code.terms;
    let (benefit, value) = match code.benefit {
        Benefit::Percent(rate) => ("percent", i64::from(rate.units())),
        Benefit::Fixed(amount) => ("fixed", amount.units()),
        Benefit::FreeShipping => ("free-shipping", 0),
    };
    vec![
        terms.label.as_str().into(),
        benefit.into(),
        value.into(),
        terms.valid_from.into(),
        terms.valid_until.into(),
        terms.minimum_value.map(Money::units).into(),
        terms.limits.total.into(),
        terms.limits.per_customer.into(),
        terms.is_combinable.into(),
        code.version.into(),
        code.created_at.into(),
        code.updated_at.into(),
        code.name.as_str().into(),
    ]
}

fn benefit(row: &Row) -> Result<Benefit, Error> {
    let value: i64 = row.get("benefit_value")?;
    match row.get::<String>("benefit")?.as_str() {
        "percent" => {
            let rate = u32::try_from(value).ok().and_then(Rate::from_units);
            Ok(Benefit::Percent(
                rate.ok_or_else(|| damaged("benefit_value"))?,
            ))
        }
        "fixed" => Ok(Benefit::Fixed(Money::from_units(value))),
        "free-shipping" => Ok(Benefit::FreeShipping),
        _ => Err(damaged("benefit")),
    }
}

fn code(row: &Row) -> Result<DiscountCode, Error> {
    let minimum: Option<i64> = row.get("minimum_value")?;
    Ok(DiscountCode {
        name: CodeName::stored(row.get("code")?),
        benefit: benefit(row)?,
        terms: CodeTerms {
            label: Label::stored(row.get("label")?),
            valid_from: row.get("valid_from")?,
            valid_until: row.get("valid_until")?,
            minimum_value: minimum.map(Money::from_units),
            products: Vec::new(),
            limits: UseLimits {
                total: row.get("limit_total")?,
                per_customer: row.get("limit_per_customer")?,
            },
            is_combinable: row.get("is_combinable")?,
        },
        uses: row.get("uses")?,
        version: row.get("version")?,
        created_at: row.get("created_at")?,
        updated_at: row.get("updated_at")?,
    })
}
