//! Whether a request would be admitted, told from its head alone. A host asks this before it receives a body, so that
//! nobody has to be waited for whose request is refused anyway.
//!
//! The host sends `POST /internal/admit` without a body, with the headers of the original request and two of its own.
//! The answer is 204 with [`BODY_BYTES_MAX`] and [`BODY_MODE`], or exactly the refusal that the original request would get.

use std::str::FromStr;

use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri};

use crate::{BodyMode, BodyRule, MAX_BODY_BYTES, Reply};

/// Where a host asks.
const PATH: &str = "/internal/admit";

/// Method of the original request.
const METHOD: HeaderName = HeaderName::from_static("mercato-method");

/// Path and query of the original request.
const TARGET: HeaderName = HeaderName::from_static("mercato-target");

/// Largest body that the route takes, in bytes.
const BODY_BYTES_MAX: HeaderName = HeaderName::from_static("mercato-body-bytes-max");

/// How the route takes the body: `whole`, or `streamed` piece by piece.
const BODY_MODE: HeaderName = HeaderName::from_static("mercato-body-mode");

/// What is wanted of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Its answer.
    Answer,
    /// Whether it would be admitted.
    Admission,
}

/// The request that is asked about, without a body that means anything, or the request itself when it asks about none.
pub(crate) fn original<B>(mut request: Request<B>) -> (Request<B>, Purpose) {
    if request.uri().path() != PATH || request.method() != Method::POST {
        return (request, Purpose::Answer);
    }
    let headers = request.headers();
    let (Some(method), Some(target)) = (
        read::<Method>(headers, &METHOD),
        read::<Uri>(headers, &TARGET),
    ) else {
        return (request, Purpose::Answer);
    };
    *request.method_mut() = method;
    *request.uri_mut() = target;
    for name in [METHOD, TARGET] {
        request.headers_mut().remove(name);
    }
    (request, Purpose::Admission)
}

fn read<T: FromStr>(headers: &HeaderMap, name: &HeaderName) -> Option<T> {
    headers.get(name)?.to_str().ok()?.parse().ok()
}

/// The request is admitted, with such a body. Of `None` nothing is looked at.
pub(crate) fn admitted(body: Option<BodyRule>) -> Reply {
    let max_bytes = body.map_or(MAX_BODY_BYTES, |body| body.max_bytes());
    let mode = match body.map(|body| body.mode()) {
        Some(BodyMode::Streamed) => "streamed",
        _ => "whole",
    };
    Reply::no_content()
        .with_header(BODY_BYTES_MAX, HeaderValue::from(max_bytes))
        .with_header(BODY_MODE, HeaderValue::from_static(mode))
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::header;
    use http_body_util::{BodyExt, Full};
    use mercato_testing::run;

    use super::*;
    use crate::{
        Access, Context, Guard, HttpResponse, NoGuard, Principal, Problem, Role, Route, respond,
    };

    const ROUTES: &[Route] = &[
        crate::route!(POST "/open", Access::Public, never),
        crate::route!(GET "/open", Access::Public, never),
        crate::route!(POST "/any", Access::Public, never, body BodyRule::IGNORED),
        crate::route!(POST "/maybe", Access::Public, never, body BodyRule::OPTIONAL_JSON),
        crate::route!(POST "/staff", Access::Admin, never),
        crate::route!(PATCH "/own", Access::Bearer, never),
        crate::route!(POST "/rows", Access::Admin, never, body BodyRule::streamed(&["text/csv"], 5_000_000)),
    ];

    /// Asking must not run it.
    async fn never(_: Context) -> Result<Reply, Problem> {
        Err(Problem::internal())
    }

    struct Trusting;

    impl Guard for Trusting {
        async fn verify(&self, token: &str) -> Result<Principal, Problem> {
            let role = match token {
                "admin" => Role::Admin,
                "customer" => Role::Customer,
                _ => return NoGuard.verify(token).await,
            };
            let user_id = "01890a5d-ac96-774b-bcce-b302099a8057".to_owned();
            Ok(Principal {
                user_id,
                role,
                session_id: None,
                generation: 0,
                issued_at: 0,
                expires_at: u64::MAX,
            })
        }

        async fn check_session(&self, _: &Principal) -> Result<(), Problem> {
            Ok(())
        }
    }

    type Head<'a> = &'a [(&'a str, &'a str)];

    fn send(method: &str, target: &str, head: Head<'_>, body: &'static str) -> HttpResponse {
        let mut request = Request::builder().method(method).uri(target);
        for (name, value) in head {
            request = request.header(*name, *value);
        }
        let body = Full::new(Bytes::from_static(body.as_bytes()));
        run(respond(ROUTES, &Trusting, request.body(body).unwrap(), &[]))
    }

    fn ask(method: &str, target: &str, head: Head<'_>) -> HttpResponse {
        let own = [("mercato-method", method), ("mercato-target", target)];
        send("POST", PATH, &[&own, head].concat(), "")
    }

    fn document(response: HttpResponse) -> serde_json::Value {
        let body = run(response.into_body().collect()).unwrap().to_bytes();
        let mut document: serde_json::Value = serde_json::from_slice(&body).unwrap();
        document.as_object_mut().unwrap().remove("timestamp");
        document
    }

    const ID: (&str, &str) = ("x-request-id", "r-1");
    const JSON: (&str, &str) = ("content-type", "application/json");
    const CSV: (&str, &str) = ("content-type", "text/csv");
    const TEXT: (&str, &str) = ("content-type", "text/plain");
    const ADMIN: (&str, &str) = ("authorization", "Bearer admin");
    const CUSTOMER: (&str, &str) = ("authorization", "Bearer customer");
    const STRANGER: (&str, &str) = ("authorization", "Bearer stranger");
    const LENGTH: (&str, &str) = ("content-length", "65537");

    #[test]
    fn who_asks_first_gets_the_very_refusal_of_the_request() {
        let cases: &[(&str, &str, Head<'_>, u16)] = &[
            ("POST", "/nowhere?a=b", &[ID, JSON], 404),
            ("PUT", "/open", &[ID, JSON], 405),
            ("POST", "/staff", &[ID, JSON], 401),
            ("POST", "/staff", &[ID, JSON, STRANGER], 401),
            ("POST", "/staff", &[ID, JSON, CUSTOMER], 403),
            ("PATCH", "/own", &[ID, TEXT, CUSTOMER], 415),
            ("POST", "/open", &[ID, TEXT], 415),
            ("POST", "/open", &[ID], 415),
            ("POST", "/rows", &[ID, JSON, ADMIN], 415),
            ("POST", "/open", &[ID, JSON, LENGTH], 413),
            ("POST", "/any", &[ID, LENGTH], 413),
        ];
        for (method, target, head, status) in cases {
            let (asked, sent) = (ask(method, target, head), send(method, target, head, "{}"));
            assert_eq!(
                asked.status().as_u16(),
                *status,
                "{method} {target} {head:?}"
            );
            assert_eq!(asked.headers(), sent.headers());
            let (asked, sent) = (document(asked), document(sent));
            assert_eq!(asked, sent);
            let path = target.split('?').next().unwrap();
            assert_eq!(
                (&asked["path"], &asked["requestId"]),
                (&path.into(), &"r-1".into())
            );
        }
    }

    #[test]
    fn who_is_admitted_learns_how_long_the_body_may_be() {
        let cases: &[(&str, &str, Head<'_>, &str, &str)] = &[
            ("POST", "/open", &[JSON], "65536", "whole"),
            ("GET", "/open", &[TEXT], "65536", "whole"),
            ("HEAD", "/open", &[], "65536", "whole"),
            ("OPTIONS", "/open", &[], "65536", "whole"),
            ("POST", "/any", &[TEXT], "65536", "whole"),
            ("POST", "/maybe", &[JSON], "65536", "whole"),
            (
                "POST",
                "/rows",
                &[CSV, ADMIN, LENGTH],
                "5000000",
                "streamed",
            ),
        ];
        for (method, target, head, bytes, mode) in cases {
            let asked = ask(method, target, head);
            assert_eq!(asked.status().as_u16(), 204, "{method} {target}");
            assert_eq!(asked.headers()[BODY_BYTES_MAX], *bytes, "{method} {target}");
            assert_eq!(asked.headers()[BODY_MODE], *mode, "{method} {target}");
            assert!(!asked.headers().contains_key(header::ALLOW));
        }
        // Its body is there, so it has to be JSON.
        assert_eq!(ask("POST", "/maybe", &[TEXT]).status().as_u16(), 415);
    }

    #[test]
    fn a_question_about_nothing_finds_nothing() {
        for head in [
            &[][..],
            &[("mercato-method", "GET")],
            &[("mercato-method", "G T"), ("mercato-target", "/open")],
            &[("mercato-method", "GET"), ("mercato-target", "")],
            &[("mercato-method", "POST"), ("mercato-target", PATH)],
        ] {
            assert_eq!(
                send("POST", PATH, head, "").status().as_u16(),
                404,
                "{head:?}"
            );
        }
    }
}
