//! Database files that are damaged, missing or another's: noticed, closed, and opened again when they are whole.

use std::path::Path;
use std::sync::Arc;

use rusqlite::ffi;

use super::database::Database;
use super::file_health::{Damage, open_to_look, quick_check};
use crate::limits::FILE_LOOK_TIME;
use crate::shutdown::Activity;
use crate::sync::lock;

impl Database {
    /// What failed because the file is damaged closes the database.
    pub(super) fn note_failure(&self, cause: &rusqlite::Error) {
        if let Some(damage) = damage_of(cause) {
            self.close(damage);
        }
    }

    /// Looks whether what a transaction is about to write would be in the file that the next start finds.
    pub(super) fn look_briefly(&self) -> Result<(), rusqlite::Error> {
        let Some(path) = self.path() else {
            return Ok(());
        };
        self.health.look_briefly(path).map_err(|damage| {
            self.close(damage.clone());
            self.closed(&damage)
        })
    }

    /// Looks whether the file is whole; closes the database when it is not, and opens it again when it is.
    fn look(&self) {
        let Some(path) = self.path() else { return };
        if let Err(damage) = self.health.look(path) {
            self.close(damage);
            return;
        }
        let Some(damage) = self.health.damage() else {
            return;
        };
        if damage.needs_check() && !self.is_whole(path) {
            return;
        }
        self.health.open_again();
        tracing::info!(database = %self.label, path = %path.display(), "the database is whole and open again");
    }

    /// Asks SQLite, unless the file is the same as when it was last asked.
    fn is_whole(&self, path: &Path) -> bool {
        let changed = path
            .metadata()
            .and_then(|metadata| Ok((metadata.modified()?, metadata.len())))
            .ok();
        let mut checked = lock(&self.checked);
        if *checked == changed {
            return false;
        }
        let is_whole = self.quick_check(path).is_ok_and(|answer| answer == "ok");
        *checked = changed.filter(|_| !is_whole);
        is_whole
    }

    fn quick_check(&self, path: &Path) -> Result<String, rusqlite::Error> {
        let sqlite = open_to_look(path)?;
        let count = sqlite.query_row("SELECT COUNT(*) FROM sqlite_schema", [], |row| row.get(0))?;
        match self.health.note_tables(count) {
            Ok(()) => quick_check(&sqlite),
            Err(damage) => Ok(damage.text()),
        }
    }
}

/// What SQLite found, when it is the file that is at fault. The index of a search is none: it does not keep anything.
fn damage_of(cause: &rusqlite::Error) -> Option<Damage> {
    let error = cause.sqlite_error()?;
    let is_damage = match error.code {
        ffi::ErrorCode::NotADatabase => true,
        ffi::ErrorCode::DatabaseCorrupt => error.extended_code != ffi::SQLITE_CORRUPT_VTAB,
        _ => matches!(
            error.extended_code,
            ffi::SQLITE_IOERR_SHORT_READ | ffi::SQLITE_IOERR_CORRUPTFS
        ),
    };
    is_damage.then(|| Damage::Corrupt(cause.to_string()))
}

/// Looks after the files of databases until the shop closes.
pub(crate) async fn look_after(databases: Vec<Arc<Database>>, activity: Activity) {
    let closing = activity.closing();
    tokio::pin!(closing);
    loop {
        tokio::select! {
            () = tokio::time::sleep(FILE_LOOK_TIME) => {}
            () = &mut closing => return,
        }
        for database in &databases {
            let database = Arc::clone(database);
            // A disk may take its time.
            let look = tokio::task::spawn_blocking(move || database.look());
            if let Err(cause) = look.await {
                tracing::error!("a database was not looked at: {cause}");
            }
        }
    }
}
