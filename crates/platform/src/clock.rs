//! The time of day.

use std::time::{SystemTime, UNIX_EPOCH};

const MS_PER_SECOND: u64 = 1_000;
const SECONDS_PER_DAY: u64 = 86_400;

/// A source of the current time.
pub trait Clock {
    /// Milliseconds since the Unix epoch.
    fn now_ms(&self) -> u64;

    /// Seconds since the Unix epoch.
    fn now_seconds(&self) -> u64 {
        self.now_ms() / MS_PER_SECOND
    }
}

/// The clock of the host.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[allow(clippy::disallowed_methods, reason = "this is the seam")]
    fn now_ms(&self) -> u64 {
        let since_epoch = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX)
    }
}

/// A moment as `2026-01-31T12:00:00.000Z` (RFC 3339, UTC, milliseconds).
#[must_use]
pub fn rfc3339(ms: u64) -> String {
    let (seconds, millis) = (ms / MS_PER_SECOND, ms % MS_PER_SECOND);
    let (days, second) = (seconds / SECONDS_PER_DAY, seconds % SECONDS_PER_DAY);
    let (year, month, day) = civil_date(days);
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z")
}

/// Reads what [`rfc3339`] writes: exactly that form, which is the only one our own messages use.
#[must_use]
pub fn parse_rfc3339(text: &str) -> Option<u64> {
    let shape = text
        .bytes()
        .map(|byte| if byte.is_ascii_digit() { b'0' } else { byte });
    if !shape.eq(*b"0000-00-00T00:00:00.000Z") {
        return None;
    }
    let number = |from: usize, to: usize| text.get(from..to)?.parse::<u64>().ok();
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second, millis) = (
        number(11, 13)?,
        number(14, 16)?,
        number(17, 19)?,
        number(20, 23)?,
    );
    let seconds =
        days_since_epoch(year, month, day)? * SECONDS_PER_DAY + hour * 3_600 + minute * 60 + second;
    let ms = seconds * MS_PER_SECOND + millis;
    // Whatever does not come out as it went in (31 February, 25 o'clock) is no moment.
    (rfc3339(ms) == text).then_some(ms)
}

/// Longest text that is read as a moment, in bytes.
const MOMENT_MAX_BYTES: usize = 64;

/// Reads any moment of RFC 3339, in milliseconds since the Unix epoch: with or without fractions of a second, in UTC or with
/// an offset. What is finer than a millisecond is cut off, and what lies before the epoch is the epoch.
#[must_use]
pub fn parse_moment(text: &str) -> Option<u64> {
    if text.len() > MOMENT_MAX_BYTES || !text.is_ascii() {
        return None;
    }
    let text = text.to_ascii_uppercase();
    let (date_and_time, offset_minutes) = split_offset(&text)?;
    let (whole, fraction) = match date_and_time.split_once('.') {
        Some((whole, fraction)) if !fraction.is_empty() => (whole, fraction),
        Some(_) => return None,
        None => (date_and_time, "0"),
    };
    let shape = whole
        .bytes()
        .map(|byte| if byte.is_ascii_digit() { b'0' } else { byte });
    let is_shape = shape.eq(*b"0000-00-00T00:00:00");
    if !is_shape || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let number = |from: usize, to: usize| whole.get(from..to)?.parse::<u64>().ok();
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    // A leap second is the second after it.
    let is_time = hour < 24 && minute < 60 && second <= 60;
    if !is_time || !(1..=days_of_month(year, month)).contains(&day) {
        return None;
    }
    let digits: String = fraction.chars().chain("000".chars()).take(3).collect();
    let millis: i64 = digits.parse().ok()?;
    let Some(days) = days_since_epoch(year, month, day) else {
        return Some(0);
    };
    let seconds = days * SECONDS_PER_DAY + hour * 3_600 + minute * 60 + second;
    let seconds = i64::try_from(seconds).ok()? - offset_minutes * 60;
    let ms = seconds * 1_000 + millis;
    Some(u64::try_from(ms).unwrap_or(0))
}

/// The text without its offset, and the offset in minutes.
fn split_offset(text: &str) -> Option<(&str, i64)> {
    /// Characters of an offset such as `+01:00`.
    const OFFSET_CHARS: usize = 6;
    if let Some(rest) = text.strip_suffix('Z') {
        return Some((rest, 0));
    }
    let (rest, offset) = text.split_at_checked(text.len().checked_sub(OFFSET_CHARS)?)?;
    let sign = match offset.get(..1)? {
        "+" => 1,
        "-" => -1,
        _ => return None,
    };
    let (hours, minutes) = offset.get(1..)?.split_once(':')?;
    let number = |text: &str| {
        let is_number = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
        is_number.then(|| text.parse::<i64>().ok()).flatten()
    };
    let (hours, minutes) = (number(hours)?, number(minutes)?);
    (hours < 24 && minutes < 60).then_some((rest, sign * (hours * 60 + minutes)))
}

fn days_of_month(year: u64, month: u64) -> u64 {
    let is_leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 => 28 + u64::from(is_leap),
        _ => 0,
    }
}

/// Year, month and day of the so-manieth day since 1970-01-01 (proleptic Gregorian, counted in 400-year eras).
fn civil_date(days: u64) -> (u64, u64, u64) {
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 {
        month_from_march + 3
    } else {
        month_from_march - 9
    };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    (year, month, day)
}

/// The reverse of [`civil_date`], from 1970 on.
fn days_since_epoch(year: u64, month: u64, day: u64) -> Option<u64> {
    if !(1..=12).contains(&month) || day == 0 {
        return None;
    }
    let year = year.checked_sub(u64::from(month <= 2))?;
    let (era, year_of_era) = (year / 400, year % 400);
    let month_from_march = if month > 2 { month - 3 } else { month + 9 };
    let day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    (era * 146_097 + day_of_era).checked_sub(719_468)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_printed_as_rfc_3339() {
        for (ms, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (1_709_164_800_123, "2024-02-29T00:00:00.123Z"),
            (1_767_225_599_999, "2025-12-31T23:59:59.999Z"),
            (4_102_444_800_000, "2100-01-01T00:00:00.000Z"),
        ] {
            assert_eq!(rfc3339(ms), text);
            assert_eq!(parse_rfc3339(text), Some(ms));
        }
    }

    #[test]
    fn what_is_no_moment_is_refused() {
        for text in [
            "",
            "2025-02-29T00:00:00.000Z",
            "2025-13-01T00:00:00.000Z",
            "2025-00-01T00:00:00.000Z",
            "2025-01-01T24:00:00.000Z",
            "2025-01-01T00:00:00Z",
            "2025-01-01T00:00:00.000+00:00",
            "1969-12-31T23:59:59.999Z",
            "２025-01-01T00:00:00.000Z",
        ] {
            assert_eq!(parse_rfc3339(text), None, "{text}");
        }
    }

    #[test]
    fn every_moment_of_rfc_3339_is_read() {
        for (text, ms) in [
            ("2025-12-31T23:59:59.999Z", 1_767_225_599_999),
            ("2025-12-31T23:59:59.9999Z", 1_767_225_599_999),
            ("2025-12-31t23:59:59z", 1_767_225_599_000),
            ("2026-01-01T00:29:59.5+00:30", 1_767_225_599_500),
            ("2025-12-31T15:59:59-08:00", 1_767_225_599_000),
            ("2016-12-31T23:59:60Z", 1_483_228_800_000),
            ("1970-01-01T00:00:00+01:00", 0),
            ("0001-02-28T00:00:00Z", 0),
            ("2024-02-29T00:00:00.12Z", 1_709_164_800_120),
        ] {
            assert_eq!(parse_moment(text), Some(ms), "{text}");
        }
        for text in [
            "",
            "Z",
            "2025-12-31",
            "2025-12-31T23:59:59",
            "2025-12-31 23:59:59Z",
            "2025-02-29T00:00:00Z",
            "2025-04-31T00:00:00Z",
            "2025-00-01T00:00:00Z",
            "2025-01-01T24:00:00Z",
            "2025-01-01T00:00:61Z",
            "2025-01-01T00:00:00.Z",
            "2025-01-01T00:00:00.0x0Z",
            "2025-01-01T00:00:00+24:00",
            "2025-01-01T00:00:00+1:00",
            "2025-01-01T00:00:00 01:00",
            "2025-01-01T00:00:00Zé",
            "1735689600000",
        ] {
            assert_eq!(parse_moment(text), None, "{text}");
        }
        let long = format!("2025-01-01T00:00:00.{}Z", "0".repeat(MOMENT_MAX_BYTES));
        assert_eq!(parse_moment(&long), None);
    }

    #[test]
    fn the_system_clock_goes_forward() {
        let before = SystemClock.now_ms();
        assert!(before > 1_700_000_000_000 && SystemClock.now_ms() >= before);
        assert_eq!(SystemClock.now_seconds().abs_diff(before / 1_000) / 5, 0);
    }
}
