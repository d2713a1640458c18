//! What clients accept (RFC 9110 section 12.5.1).

use http::header;

use crate::Context;

/// Whether `text/html` is named among what is accepted (RFC 9110 section 12.5.1); browsers do, other clients do not.
#[must_use]
pub fn wants_html(context: &Context) -> bool {
    accepts(context, "text/html")
}

/// Whether a media type is named among what is accepted, and not refused there. What a wildcard means is not named.
#[must_use]
pub fn accepts(context: &Context, media_type: &str) -> bool {
    is_named(
        context.header(&header::ACCEPT).unwrap_or_default(),
        media_type,
    )
}

fn is_named(accept: &str, media_type: &str) -> bool {
    accept.split(',').any(|range| {
        let mut parts = range.split(';').map(str::trim);
        let is_it = parts
            .next()
            .is_some_and(|name| name.eq_ignore_ascii_case(media_type));
        let is_refused = parts
            .filter_map(|part| part.strip_prefix("q="))
            .any(|quality| quality.parse().is_ok_and(|quality: f32| quality <= 0.0));
        is_it && !is_refused
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browsers_want_pages_and_nobody_else_does() {
        for (accept, page) in [
            (
                "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
                true,
            ),
            ("application/json, TEXT/HTML;q=0.5", true),
            ("text/html;q=0, */*", false),
            ("application/json", false),
            ("*/*", false),
            ("", false),
        ] {
            assert_eq!(is_named(accept, "text/html"), page, "{accept}");
        }
    }
}
