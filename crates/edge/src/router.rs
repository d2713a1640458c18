//! From method and path to the function that answers.

use std::future::Future;
use std::pin::Pin;

use http::Method;

#[cfg(not(target_family = "wasm"))]
use crate::Description;
use crate::{BodyRule, Context, Problem, Reply};

/// What a handler gives back.
pub type HandlerFuture = Pin<Box<dyn Future<Output = Result<Reply, Problem>>>>;

/// A function that answers one route.
pub type Handler = fn(Context) -> HandlerFuture;

/// Who may call a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Everyone; a token is not looked at.
    Public,
    /// Everyone; a token, if there is one, must be valid.
    Optional,
    /// Everyone; a token, if there is one, must be valid and not revoked, or one that begins as those of guests do
    /// ([`GUEST_TOKEN_PREFIX`](crate::GUEST_TOKEN_PREFIX)): what that is good for the endpoint finds out.
    Guest,
    /// Whoever holds a valid token, or one that begins as those of guests do: what that is good for the endpoint finds out.
    GuestBearer,
    /// The same, where the token of an account must not be revoked: for what moves money or stock.
    GuestSession,
    /// Whoever holds a valid token.
    Bearer,
    /// Whoever holds a valid token that was not revoked: for what moves money or stock.
    Session,
    /// Whoever holds a valid token with the role `admin` that was not revoked. (A token of an admin is held against the
    /// revocations on all routes.)
    Admin,
}

impl Access {
    /// Whether tokens of guests are let in.
    #[must_use]
    pub const fn is_open_to_guests(self) -> bool {
        matches!(self, Self::Guest | Self::GuestBearer | Self::GuestSession)
    }

    /// Whether a request that is let in has a caller.
    #[must_use]
    pub const fn has_caller(self) -> bool {
        matches!(self, Self::Bearer | Self::Session | Self::Admin)
    }
}

/// One row of an adapter's table, made by `#[endpoint]`.
#[derive(Debug, Clone)]
pub struct Route {
    /// Method it answers; `GET` also answers `HEAD`.
    pub method: Method,
    /// Path with `{parameters}`.
    pub pattern: &'static str,
    /// Who may call it.
    pub access: Access,
    /// What it takes as a body.
    pub body: BodyRule,
    /// What answers.
    pub handler: Handler,
    /// What it says of itself in the document; nothing when only other components reach it.
    #[cfg(not(target_family = "wasm"))]
    pub describe: Option<fn() -> Description>,
}

/// The parameters of a path, by name.
pub type Params = Vec<(&'static str, String)>;

/// What a request leads to.
#[derive(Debug)]
pub enum Match<'a> {
    /// A route and the path's parameters.
    Found(&'a Route, Params),
    /// The path exists, with these methods.
    WrongMethod(Vec<Method>),
    /// No such path.
    Unknown,
}

/// Finds the route. Among the patterns that fit, those with the most literal segments are the path; what they do not
/// answer is a wrong method, though a pattern with a parameter there would answer it.
pub fn find<'a>(routes: &'a [Route], method: &Method, path: &str) -> Match<'a> {
    let wanted = if *method == Method::HEAD {
        &Method::GET
    } else {
        method
    };
    let fitting = most_literal(routes, path);
    let methods: Vec<Method> = fitting
        .iter()
        .map(|(route, _)| route.method.clone())
        .collect();
    let found = fitting
        .into_iter()
        .find(|(route, _)| route.method == *wanted);
    match found {
        Some((route, params)) => Match::Found(route, params),
        None if methods.is_empty() => Match::Unknown,
        None => Match::WrongMethod(allowed(methods)),
    }
}

/// The methods of the path, for `Allow` and for preflight requests.
pub fn methods_of(routes: &[Route], path: &str) -> Vec<Method> {
    let fitting = most_literal(routes, path).into_iter();
    allowed(fitting.map(|(route, _)| route.method.clone()).collect())
}

/// Of the routes whose pattern fits the path, those with the most literal segments.
fn most_literal<'a>(routes: &'a [Route], path: &str) -> Vec<(&'a Route, Params)> {
    let fits = |route: &'a Route| match_path(route.pattern, path).map(|params| (route, params));
    let mut fitting: Vec<(&Route, Params)> = routes.iter().filter_map(fits).collect();
    // All of them have as many segments as the path: the fewest parameters are the most literals.
    let fewest = fitting.iter().map(|(_, params)| params.len()).min();
    fitting.retain(|(_, params)| Some(params.len()) == fewest);
    fitting
}

fn allowed(mut methods: Vec<Method>) -> Vec<Method> {
    if methods.is_empty() {
        return methods;
    }
    if methods.contains(&Method::GET) {
        methods.push(Method::HEAD);
    }
    methods.push(Method::OPTIONS);
    methods.sort_by(|a, b| a.as_str().cmp(b.as_str()));
    methods.dedup();
    methods
}

fn match_path(pattern: &'static str, path: &str) -> Option<Params> {
    let mut params = Vec::new();
    let (mut expected, mut given) = (pattern.split('/'), path.split('/'));
    loop {
        match (expected.next(), given.next()) {
            (None, None) => return Some(params),
            (Some(expected), Some(given)) => {
                let name = expected
                    .strip_prefix('{')
                    .and_then(|rest| rest.strip_suffix('}'));
                match name {
                    Some(_) if given.is_empty() => return None,
                    Some(name) => params.push((name, percent_decode(given)?)),
                    None if expected == given => {}
                    None => return None,
                }
            }
            _ => return None,
        }
    }
}

/// Decodes `%xx` (RFC 3986 section 2.1); `None` when what comes out is not UTF-8 or an escape is broken.
pub fn percent_decode(text: &str) -> Option<String> {
    if !text.contains('%') {
        return Some(text.to_owned());
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let mut digit = || rest.next().and_then(|byte| char::from(byte).to_digit(16));
            let value = digit()? * 16 + digit()?;
            bytes.push(u8::try_from(value).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    async fn unused(_: Context) -> Result<Reply, Problem> {
        Ok(Reply::no_content())
    }

    const ROUTES: &[Route] = &[
        crate::route!(GET "/orders", Access::Bearer, unused),
        crate::route!(POST "/orders", Access::Bearer, unused),
        crate::route!(GET "/orders/{status}", Access::Bearer, unused),
        crate::route!(GET "/orders/stats", Access::Admin, unused),
        crate::route!(GET "/orders/id/{id}", Access::Bearer, unused),
        crate::route!(PATCH "/orders/{id}", Access::Bearer, unused),
    ];

    fn found(method: Method, path: &str) -> (&'static str, Params) {
        match find(ROUTES, &method, path) {
            Match::Found(route, params) => (route.pattern, params),
            other => panic!("{path}: {other:?}"),
        }
    }

    #[test]
    fn literal_segments_win_over_parameters() {
        assert_eq!(
            found(Method::GET, "/orders/stats"),
            ("/orders/stats", vec![])
        );
        assert_eq!(
            found(Method::GET, "/orders/PAID"),
            ("/orders/{status}", vec![("status", "PAID".to_owned())])
        );
        assert_eq!(
            found(Method::PATCH, "/orders/7"),
            ("/orders/{id}", vec![("id", "7".to_owned())])
        );
        assert_eq!(
            found(Method::GET, "/orders/id/7"),
            ("/orders/id/{id}", vec![("id", "7".to_owned())])
        );
        assert_eq!(found(Method::HEAD, "/orders").0, "/orders");
    }

    #[test]
    fn a_wrong_method_names_the_right_ones() {
        match find(ROUTES, &Method::DELETE, "/orders") {
            Match::WrongMethod(methods) => {
                assert_eq!(
                    methods,
                    [Method::GET, Method::HEAD, Method::OPTIONS, Method::POST]
                );
            }
            other => panic!("{other:?}"),
        }
        assert!(methods_of(ROUTES, "/nowhere").is_empty());
    }

    #[test]
    fn a_literal_path_goes_before_a_parameter() {
        let expected = [Method::GET, Method::HEAD, Method::OPTIONS];
        assert!(matches!(
            find(ROUTES, &Method::PATCH, "/orders/stats"),
            Match::WrongMethod(methods) if methods == expected
        ));
        assert_eq!(methods_of(ROUTES, "/orders/stats"), expected);
        assert_eq!(
            methods_of(ROUTES, "/orders/7"),
            [Method::GET, Method::HEAD, Method::OPTIONS, Method::PATCH]
        );
    }

    #[test]
    fn other_paths_are_unknown() {
        for path in [
            "/",
            "/orders/",
            "/orders/id/",
            "/orders/id/1/2",
            "//orders",
            "/orders/%zz",
            "/orders/%ff",
        ] {
            assert!(
                matches!(find(ROUTES, &Method::GET, path), Match::Unknown),
                "{path}"
            );
        }
    }

    #[test]
    fn parameters_are_percent_decoded() {
        assert_eq!(
            found(Method::GET, "/orders/a%20b%2Fc").1,
            vec![("status", "a b/c".to_owned())]
        );
    }

    proptest! {
        #[test]
        fn a_segment_comes_out_as_it_went_in(text in "\\PC{1,20}") {
            let escaped: String = text.bytes().map(|byte| format!("%{byte:02x}")).collect();
            prop_assert_eq!(percent_decode(&escaped), Some(text.clone()));
            let path = format!("/orders/id/{escaped}");
            prop_assert_eq!(found(Method::GET, &path).1, vec![("id", text)]);
        }

        #[test]
        fn any_path_leads_somewhere_or_nowhere(path in any::<String>(), rest in "(/[^/]{0,5}){0,4}") {
            for path in [path, format!("/orders{rest}")] {
                for method in [Method::GET, Method::PATCH, Method::TRACE] {
                    let known = !methods_of(ROUTES, &path).is_empty();
                    let is_unknown = matches!(find(ROUTES, &method, &path), Match::Unknown);
                    prop_assert_eq!(is_unknown, !known);
                }
            }
        }
    }
}
