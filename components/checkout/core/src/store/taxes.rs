//! Tables `tax_settings` and `tax_rules`.

use mercato_sql::{Row, params};

use super::{Records, damaged};
use crate::application::Error;
use crate::domain::{Rate, Reason, TaxClass, TaxRule, TaxSettings};

const SELECT: &str = "
    SELECT prices_include_tax, default_country
    FROM tax_settings
    WHERE id = 1";

const SELECT_RULES: &str = "
    SELECT country, region, tax_class, rate, reason
    FROM tax_rules
    ORDER BY position -- plan: a document is read as a whole";

const UPDATE: &str = "
    UPDATE tax_settings
    SET prices_include_tax = ?, default_country = ?
    WHERE id = 1";

const DELETE_RULES: &str = "
    DELETE FROM tax_rules -- plan: a document is replaced as a whole";

const INSERT_RULES: &str = "
    INSERT INTO tax_rules (position, country, region, tax_class, rate, reason)";

impl Records<'_> {
    /// How things are taxed.
    pub fn tax_settings(&self) -> Result<TaxSettings, Error> {
        let settings = self.first(SELECT, params![], |row| {
            Ok(TaxSettings {
                prices_include_tax: row.get("prices_include_tax")?,
                default_country: row.get("default_country")?,
                rules: Vec::new(),
            })
        })?;
        Ok(TaxSettings {
            rules: self.all(SELECT_RULES, params![], rule)?,
            ..settings.ok_or_else(|| damaged("tax_settings"))?
        })
    }

    /// Replaces how things are taxed.
    pub fn save_tax_settings(&self, settings: &TaxSettings) -> Result<(), Error> {
        let country = settings.default_country.as_ref();
        self.execute(UPDATE, params![settings.prices_include_tax, country])?;
        self.execute(DELETE_RULES, params![])?;
        let rows = (0_u32..).zip(&settings.rules).map(|(position, rule)| {
            [
                position.into(),
                rule.country.as_str().into(),
                rule.region.as_ref().into(),
                rule.tax_class.as_str().into(),
                rule.rate.units().into(),
                rule.reason.as_ref().map(Reason::as_str).into(),
            ]
        });
        Ok(self.0.insert_rows(INSERT_RULES, rows)?)
    }
}

fn rule(row: &Row) -> Result<TaxRule, Error> {
    let rate = Rate::from_units(row.get("rate")?);
    Ok(TaxRule {
        country: row.get("country")?,
        region: row.get("region")?,
        tax_class: TaxClass::stored(row.get("tax_class")?),
        rate: rate.ok_or_else(|| damaged("rate"))?,
        reason: row.get::<Option<String>>("reason")?.map(Reason::stored),
    })
}
