//! Table `settings`: the versions of the documents that admins set.

use mercato_kernel::Named as _;
use mercato_sql::params;

use super::Records;
use crate::application::Error;

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

const SELECT_VERSIONS: &str = "
    SELECT document, version
    FROM settings
    ORDER BY document -- plan: two rows";

impl Records<'_> {
    /// What `read` finds, all of it between the same two changes of documents: each statement by itself sees a moment of its own.
    pub fn between_changes<T>(&self, read: impl Fn(&Self) -> Result<T, Error>) -> Result<T, Error> {
        let versions = || {
            self.all(SELECT_VERSIONS, params![], |row| {
                Ok(row.get::<u64>("version")?)
            })
        };
        for _ in 0..TRIES_MAX {
            let before = versions()?;
            let found = read(self);
            if versions()? == before {
                return found;
            }
        }
        Err(Error::Unavailable(
            "the settings are being changed".to_owned(),
        ))
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
