//! Table `settings`: the versions of the documents that admins set, and the documents as they are kept from one request to the next.

use std::rc::Rc;

use mercato_kernel::Named as _;
use mercato_sql::params;

use super::{Records, Store, named};
use crate::application::Error;
use crate::domain::{ShippingSettings, TaxSettings};

/// A document that admins set as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::VariantArray, strum::IntoStaticStr)]
#[strum(serialize_all = "kebab-case")]
pub enum Document {
    /// What shipping costs.
    Shipping,
    /// How things are taxed.
    Taxes,
}

mercato_kernel::named!(Document);

const SELECT_VERSION: &str = "
    SELECT version AS number
    FROM settings
    WHERE document = ?";

const UPDATE_VERSION: &str = "
    UPDATE settings
    SET version = version + 1, updated_at = ?
    WHERE document = ?";

/// How often documents are read again that an admin replaces meanwhile.
const TRIES_MAX: u32 = 4;

const SELECT_CHANGES: &str = "
    SELECT document, version, updated_at
    FROM settings
    ORDER BY document -- plan: two rows";

/// The last change of each document.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Changes(Vec<(Document, u64, u64)>);

/// The documents as they were at one moment.
#[derive(Debug, PartialEq, Eq)]
pub struct Settings {
    changes: Changes,
    /// What shipping costs.
    pub shipping: Rc<ShippingSettings>,
    /// How things are taxed.
    pub taxes: Rc<TaxSettings>,
}

impl Settings {
    /// The number of the document's last change; 0 before the first one.
    #[must_use]
    pub fn version(&self, document: Document) -> u64 {
        let mut changes = self.changes.0.iter();
        let change = changes.find(|(changed, ..)| *changed == document);
        change.map_or(0, |(_, version, _)| *version)
    }
}

impl Store {
    /// The documents. They are kept, and read again after they have changed.
    ///
    /// # Errors
    /// Why the database could not be read.
    pub fn settings(&self) -> Result<Rc<Settings>, Error> {
        let mut changes = self.read(|records| records.changes_of_settings())?;
        for _ in 0..TRIES_MAX {
            let kept = self.settings.borrow().clone();
            if let Some(kept) = kept.filter(|kept| kept.changes == changes) {
                return Ok(kept);
            }
            // Each statement sees a moment of its own.
            let (settings, after) = self.read(|records| {
                let settings = Settings {
                    changes,
                    shipping: Rc::new(records.shipping_settings()?),
                    taxes: Rc::new(records.tax_settings()?),
                };
                Ok((settings, records.changes_of_settings()?))
            })?;
            if settings.changes == after {
                self.settings.replace(Some(Rc::new(settings)));
            }
            changes = after;
        }
        Err(Error::Unavailable(
            "the settings are being changed".to_owned(),
        ))
    }
}

impl Records<'_> {
    fn changes_of_settings(&self) -> Result<Changes, Error> {
        let changes = self.all(SELECT_CHANGES, params![], |row| {
            let document = named(row, "document")?;
            Ok((document, row.get("version")?, row.get("updated_at")?))
        });
        changes.map(Changes)
    }

    /// The number of the document's last change; 0 before the first one.
    pub fn settings_version(&self, document: Document) -> Result<u64, Error> {
        self.number(SELECT_VERSION, params![document.name()])
    }

    /// Counts a change of the document at `now` (milliseconds since the Unix epoch).
    pub fn count_change_of_settings(&self, document: Document, now: u64) -> Result<(), Error> {
        self.execute(UPDATE_VERSION, params![now, document.name()])
    }
}
