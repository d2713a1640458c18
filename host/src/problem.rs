//! The answers that the runner gives itself, in the same form as those of the components (RFC 9457).

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use http_body_util::{BodyExt, Full};
use wasmtime_wasi_http::WasiBody;

use crate::clock::{Clock, SystemClock};

/// Where the kinds of problems are described.
const PROBLEM_BASE: &str = "https://mercato.dev/problems/";

/// A request that no component answered.
pub(crate) struct Problem {
    pub status: StatusCode,
    kind: &'static str,
    title: &'static str,
    message: &'static str,
}

impl Problem {
    pub(crate) const NOT_FOUND: Self =
        Self { status: StatusCode::NOT_FOUND, kind: "not-found", title: "Not found", message: "No component answers this path" };
    pub(crate) const TOO_LARGE: Self = Self {
        status: StatusCode::PAYLOAD_TOO_LARGE,
        kind: "too-large",
        title: "Request too large",
        message: "The body of the request is larger than the server accepts",
    };
    pub(crate) const TRAPPED: Self = Self {
        status: StatusCode::INTERNAL_SERVER_ERROR,
        kind: "internal",
        title: "Internal error",
        message: "The request failed; its request id is in the server's log",
    };
    pub(crate) const BUSY: Self = Self {
        status: StatusCode::SERVICE_UNAVAILABLE,
        kind: "busy",
        title: "Busy",
        message: "The server is busy; try again in a moment",
    };
    pub(crate) const TIMED_OUT: Self = Self {
        status: StatusCode::GATEWAY_TIMEOUT,
        kind: "timeout",
        title: "Timeout",
        message: "The request took longer than the server allows",
    };

    /// The response to a request for a path.
    pub(crate) fn response(&self, path: &str, request_id: &str) -> Response<WasiBody> {
        let body = serde_json::json!({
            "type": format!("{PROBLEM_BASE}{}", self.kind),
            "title": self.title,
            "status": self.status.as_u16(),
            "statusCode": self.status.as_u16(),
            "detail": self.message,
            "message": self.message,
            "instance": path,
            "timestamp": timestamp(),
            "path": path,
            "requestId": request_id,
        });
        let body = Full::new(Bytes::from(body.to_string())).map_err(|never| match never {}).boxed_unsync();
        let mut response = Response::new(body);
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}

/// Now, as RFC 3339 in UTC with milliseconds.
fn timestamp() -> String {
    let now = SystemClock.now();
    let (year, month, day) = civil_from_days(now.as_secs() / 86_400);
    let second = now.as_secs() % 86_400;
    format!(
        "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}.{:03}Z",
        second / 3600,
        second / 60 % 60,
        second % 60,
        now.subsec_millis()
    )
}

/// Days since 1970-01-01 as a date of the Gregorian calendar, counting eras of 400 years from a year that begins
/// with March, so that the leap day is the last.
fn civil_from_days(days: u64) -> (u64, u64, u64) {
    const DAYS_FROM_MARCH_0000_TO_1970: u64 = 719_468;
    const DAYS_PER_ERA: u64 = 146_097;
    let days = days + DAYS_FROM_MARCH_0000_TO_1970;
    let (era, day_of_era) = (days / DAYS_PER_ERA, days % DAYS_PER_ERA);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    (era * 400 + year_of_era + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_become_dates() {
        for (days, date) in [(0, (1970, 1, 1)), (59, (1970, 3, 1)), (11_016, (2000, 2, 29)), (20_454, (2026, 1, 1)), (47_540, (2100, 2, 28)), (47_541, (2100, 3, 1))] {
            assert_eq!(civil_from_days(days), date);
        }
    }

    #[tokio::test]
    async fn a_problem_has_the_members_clients_know() {
        let response = Problem::TRAPPED.response("/api/v1/orders", "r-1");
        assert_eq!(response.headers()[header::CONTENT_TYPE], "application/problem+json");
        let body = response.into_body().collect().await.unwrap().to_bytes();
        let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(body["statusCode"], 500);
        assert_eq!(body["path"], "/api/v1/orders");
        assert_eq!(body["requestId"], "r-1");
        for member in ["type", "title", "status", "message", "timestamp"] {
            assert!(!body[member].is_null(), "{member} is missing");
        }
    }
}
