//! What clients accept (RFC 9110 section 12.5.1).

use http::header;

use crate::Context;

/// Whether `text/html` is named among what is accepted (RFC 9110 section 12.5.1); browsers do, other clients do not.
#[must_use]
pub fn wants_html(context: &Context) -> bool {
    names_html(context.header(&header::ACCEPT).unwrap_or_default())
}

fn names_html(accept: &str) -> bool {
    accept.split(',').any(|range| {
        let mut parts = range.split(';').map(str::trim);
        let is_html = parts
            .next()
            .is_some_and(|name| name.eq_ignore_ascii_case("text/html"));
        let is_refused = parts
            .filter_map(|part| part.strip_prefix("q="))
            .any(|quality| quality.parse().is_ok_and(|quality: f32| quality <= 0.0));
        is_html && !is_refused
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
            assert_eq!(names_html(accept), page, "{accept}");
        }
    }
}
