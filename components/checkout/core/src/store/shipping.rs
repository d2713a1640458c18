//! Tables `shipping_zones`, `shipping_options` and `shipping_steps`.

use mercato_kernel::Named as _;
use mercato_money::Money;
use mercato_sql::{Row, params};

use super::{Records, damaged, lines_of, named, texts_of};
use crate::application::Error;
use crate::domain::{Label, OptionCode, ShippingOption, ShippingSettings, Step, Zone};

const SELECT_ZONES: &str = "
    SELECT name, countries, regions, postal_codes
    FROM shipping_zones
    ORDER BY position -- plan: a document is read as a whole";

const SELECT_OPTIONS: &str = "
    SELECT zone, code, name, measure, free_from
    FROM shipping_options
    ORDER BY zone, position -- plan: a document is read as a whole";

const SELECT_STEPS: &str = "
    SELECT zone, option, up_to, amount
    FROM shipping_steps
    ORDER BY zone, option, position -- plan: a document is read as a whole";

const DELETE_ZONES: &str = "
    DELETE FROM shipping_zones -- plan: a document is replaced as a whole, with all options and steps";

const INSERT_ZONES: &str = "
    INSERT INTO shipping_zones (position, name, countries, regions, postal_codes)";

const INSERT_OPTIONS: &str = "
    INSERT INTO shipping_options (zone, position, code, name, measure, free_from)";

const INSERT_STEPS: &str = "
    INSERT INTO shipping_steps (zone, option, position, up_to, amount)";

impl Records<'_> {
    /// What shipping costs.
    pub fn shipping_settings(&self) -> Result<ShippingSettings, Error> {
        let mut zones = self.all(SELECT_ZONES, params![], zone)?;
        for (position, option) in self.all(SELECT_OPTIONS, params![], option)? {
            let zone = zones.get_mut(position).ok_or_else(|| damaged("zone"))?;
            zone.options.push(option);
        }
        for (position, option, step) in self.all(SELECT_STEPS, params![], step)? {
            let zone = zones.get_mut(position).ok_or_else(|| damaged("zone"))?;
            let option = zone.options.get_mut(option);
            option.ok_or_else(|| damaged("option"))?.steps.push(step);
        }
        Ok(ShippingSettings { zones })
    }

    /// Replaces what shipping costs.
    pub fn save_shipping_settings(&self, settings: &ShippingSettings) -> Result<(), Error> {
        self.execute(DELETE_ZONES, params![])?;
        let text = |texts: &[String]| lines_of(texts.iter().map(String::as_str)).into();
        let zones = || (0_u32..).zip(&settings.zones);
        let rows = zones().map(|(position, zone)| {
            [
                position.into(),
                zone.name.as_str().into(),
                text(&zone.countries),
                text(&zone.regions),
                text(&zone.postal_codes),
            ]
        });
        self.0.insert_rows(INSERT_ZONES, rows)?;
        let options = || {
            zones().flat_map(|(zone, settings)| {
                let options = (0_u32..).zip(&settings.options);
                options.map(move |(position, option)| (zone, position, option))
            })
        };
        let rows = options().map(|(zone, position, option)| {
            [
                zone.into(),
                position.into(),
                option.code.as_str().into(),
                option.name.as_str().into(),
                option.measure.name().into(),
                option.free_from.map(Money::units).into(),
            ]
        });
        self.0.insert_rows(INSERT_OPTIONS, rows)?;
        let rows = options().flat_map(|(zone, option, settings)| {
            (0_u32..).zip(&settings.steps).map(move |(position, step)| {
                [
                    zone.into(),
                    option.into(),
                    position.into(),
                    step.up_to.map(Money::units).into(),
                    step.amount.units().into(),
                ]
            })
        });
        Ok(self.0.insert_rows(INSERT_STEPS, rows)?)
    }
}

fn position(row: &Row, column: &str) -> Result<usize, Error> {
    let position: u32 = row.get(column)?;
    usize::try_from(position).map_err(|_| damaged(column))
}

fn zone(row: &Row) -> Result<Zone, Error> {
    let texts = |column: &str| Ok::<_, Error>(texts_of(&row.get::<String>(column)?));
    Ok(Zone {
        name: Label::stored(row.get("name")?),
        countries: texts("countries")?,
        regions: texts("regions")?,
        postal_codes: texts("postal_codes")?,
        options: Vec::new(),
    })
}

fn option(row: &Row) -> Result<(usize, ShippingOption), Error> {
    let free_from: Option<i64> = row.get("free_from")?;
    let option = ShippingOption {
        code: OptionCode::stored(row.get("code")?),
        name: Label::stored(row.get("name")?),
        measure: named(row, "measure")?,
        steps: Vec::new(),
        free_from: free_from.map(Money::from_units),
    };
    Ok((position(row, "zone")?, option))
}

fn step(row: &Row) -> Result<(usize, usize, Step), Error> {
    let up_to: Option<i64> = row.get("up_to")?;
    let step = Step {
        up_to: up_to.map(Money::from_units),
        amount: Money::from_units(row.get("amount")?),
    };
    Ok((position(row, "zone")?, position(row, "option")?, step))
}
