//! Databases are brought to the newest schema without a shop that serves anybody.

use super::builder::Builder;
use crate::error::{Error, Result};
use crate::manifest::spin::Manifest;

/// The variables that make the first admin of a new shop.
const FIRST_ADMIN_VARIABLES: [&str; 2] = ["admin_email", "admin_password"];

impl Builder {
    /// Starts the shop where nobody finds it, lets each component bring its databases to the newest version, and ends it.
    ///
    /// # Errors
    /// When the shop cannot start, or a database cannot be brought there.
    pub(crate) async fn migrate(self) -> Result<()> {
        let running = self.listen("127.0.0.1:0").timers(false).start().await?;
        let is_ready = running.ready().await;
        running.stop().await;
        is_ready.map_err(Error::Machine)
    }

    /// The same, but no first admin is made: another shop is to move in.
    ///
    /// # Errors
    /// As [`Self::migrate`].
    pub(crate) async fn make_schemas(mut self) -> Result<()> {
        let manifest = Manifest::read(&self.app)?;
        for name in FIRST_ADMIN_VARIABLES {
            if manifest.variables.contains_key(name) {
                self = self.variable(name, "");
            }
        }
        self.migrate().await
    }
}
