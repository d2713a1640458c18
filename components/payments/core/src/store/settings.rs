use mercato_sql::params;

use super::{Records, Stored};

const GENERATED_SECRET: &str = "generated_webhook_secret";
const LAST_RELAY_RUN: &str = "last_relay_run";
const PUBLISHING_PAUSED_UNTIL: &str = "publishing_paused_until";

const SELECT_SETTING: &str = "SELECT value FROM settings WHERE name = ?";

const INSERT_SETTING: &str = "
    INSERT INTO settings (name, value)
    VALUES (?, ?)
    ON CONFLICT (name) DO NOTHING";

const REPLACE_SETTING: &str = "
    INSERT INTO settings (name, value)
    VALUES (?, ?)
    ON CONFLICT (name) DO UPDATE SET value = excluded.value";

/// The secret made at first use, and when the relay runs.
impl Records<'_> {
    /// The signing secret made at first use, once there is one.
    pub fn generated_secret(&self) -> Stored<Option<String>> {
        self.setting(GENERATED_SECRET)
    }

    /// Keeps this signing secret unless there is one; gives the one that is kept.
    pub fn keep_generated_secret(&self, secret: &str) -> Stored<String> {
        self.execute(INSERT_SETTING, params![GENERATED_SECRET, secret])?;
        let kept = self.setting(GENERATED_SECRET)?;
        Ok(kept.unwrap_or_else(|| secret.to_owned()))
    }

    /// When the relay ran last, in milliseconds since the Unix epoch; 0 if never.
    pub fn last_relay_run(&self) -> Stored<u64> {
        self.time(LAST_RELAY_RUN)
    }

    /// Remembers that the relay runs now.
    pub fn record_relay_run(&self, now: u64) -> Stored<()> {
        self.set_time(LAST_RELAY_RUN, now)
    }

    /// Until when customers' requests publish nothing, in milliseconds since the Unix epoch; 0 if they may.
    pub fn publishing_paused_until(&self) -> Stored<u64> {
        self.time(PUBLISHING_PAUSED_UNTIL)
    }

    /// Sets that time.
    pub fn pause_publishing(&self, until: u64) -> Stored<()> {
        self.set_time(PUBLISHING_PAUSED_UNTIL, until)
    }
}

impl Records<'_> {
    fn setting(&self, name: &str) -> Stored<Option<String>> {
        self.value(SELECT_SETTING, params![name], "value")
    }

    /// A time among the settings; 0 when it was never set.
    fn time(&self, name: &str) -> Stored<u64> {
        let text = self.setting(name)?;
        Ok(text.and_then(|text| text.parse().ok()).unwrap_or_default())
    }

    fn set_time(&self, name: &str, time: u64) -> Stored<()> {
        self.execute(REPLACE_SETTING, params![name, time.to_string()])
    }
}
