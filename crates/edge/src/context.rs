//! One request, as a handler sees it.

use bytes::Bytes;
use http::{HeaderMap, HeaderName};
use mercato_kernel::{AccountId, Caller};

use crate::etag::Expected;
use crate::router::Params;
use crate::{BodyStream, Fields, Principal, Problem, QueryString, body, guard};

/// A request's body, read whole.
#[derive(Debug, Clone, Default)]
pub struct Body(pub Bytes);

/// One request, as a handler sees it.
#[derive(Debug, Clone, Default)]
pub struct Context {
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) headers: HeaderMap,
    pub(crate) params: Params,
    pub(crate) principal: Option<Principal>,
    pub(crate) body: Body,
    pub(crate) stream: BodyStream,
    pub(crate) request_id: String,
    pub(crate) expected: Expected,
}

impl Context {
    /// The path as requested.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The id that ties answer and log lines together.
    #[must_use]
    pub fn request_id(&self) -> &str {
        &self.request_id
    }

    /// The parameters of the query string.
    #[must_use]
    pub fn query_string(&self) -> QueryString {
        QueryString::parse(&self.query)
    }

    /// A header as text, if it is there and readable.
    #[must_use]
    pub fn header(&self, name: &HeaderName) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// All values of a header that are readable text, in the order in which they came.
    pub fn header_values(&self, name: &HeaderName) -> impl DoubleEndedIterator<Item = &str> {
        let values = self.headers.get_all(name).iter();
        values.filter_map(|value| value.to_str().ok())
    }

    /// A parameter of the path, decoded; empty when the pattern has none of that name.
    #[must_use]
    pub fn param(&self, name: &str) -> &str {
        self.params
            .iter()
            .find(|(known, _)| *known == name)
            .map_or("", |(_, value)| value.as_str())
    }

    /// The bearer token of a public route, which nobody has verified.
    ///
    /// # Errors
    /// 401 when the header is there and malformed.
    pub fn bearer_token(&self) -> Result<Option<&str>, Problem> {
        guard::bearer_token(&self.headers)
    }

    /// Who asks. Routes with [`Access::Bearer`](crate::Access) or `Admin` always have one.
    ///
    /// # Errors
    /// 401 when there was no token.
    pub fn principal(&self) -> Result<&Principal, Problem> {
        self.principal.as_ref().ok_or_else(guard::missing_token)
    }

    /// Who calls, as use cases know it.
    ///
    /// # Errors
    /// 401 when there was no token.
    pub fn caller(&self) -> Result<Caller, Problem> {
        let principal = self.principal()?;
        let id = AccountId::parse(&principal.user_id).map_err(|_| Problem::internal())?;
        Ok(if principal.is_admin() {
            Caller::Admin(id)
        } else {
            Caller::Customer(id)
        })
    }

    /// Whether an admin asks.
    #[must_use]
    pub fn is_admin(&self) -> bool {
        self.principal.as_ref().is_some_and(Principal::is_admin)
    }

    /// The body of a route that takes it piece by piece; empty for all others.
    #[must_use]
    pub fn stream(&self) -> BodyStream {
        self.stream.clone()
    }

    /// The body as it came; empty for a route that takes it piece by piece.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        &self.body.0
    }

    /// The members of a JSON body.
    ///
    /// # Errors
    /// 415 when the body is not declared as JSON, 400 when it is not a JSON object.
    pub fn json(&self) -> Result<Fields, Problem> {
        if !self.has_content_type(body::JSON) {
            return Err(body::unsupported_media_type(&[body::JSON]));
        }
        Fields::parse(self.body())
    }

    /// Whether the body is declared to be of that type, parameters such as `charset` aside.
    #[must_use]
    pub fn has_content_type(&self, expected: &str) -> bool {
        body::is_of(&self.headers, expected)
    }
}

#[cfg(test)]
mod tests {
    use http::{StatusCode, header};

    use super::*;

    fn context(content_type: Option<&'static str>, body: &'static str) -> Context {
        let mut headers = HeaderMap::new();
        if let Some(content_type) = content_type {
            headers.insert(
                header::CONTENT_TYPE,
                http::HeaderValue::from_static(content_type),
            );
        }
        Context {
            path: "/orders/x".to_owned(),
            query: String::new(),
            headers,
            params: vec![("id", "x".to_owned())],
            principal: None,
            body: Body(Bytes::from_static(body.as_bytes())),
            stream: BodyStream::default(),
            request_id: "r".to_owned(),
            expected: Expected::Any,
        }
    }

    #[test]
    fn json_must_be_declared() {
        assert!(
            context(Some("Application/JSON; charset=utf-8"), "{}")
                .json()
                .is_ok()
        );
        for wrong in [None, Some("text/plain"), Some("application/jsonp")] {
            assert_eq!(
                context(wrong, "{}").json().unwrap_err().status(),
                StatusCode::UNSUPPORTED_MEDIA_TYPE
            );
        }
    }

    #[test]
    fn the_values_of_a_header_come_in_order() {
        let mut context = context(Some("a"), "");
        let second = http::HeaderValue::from_static("b");
        context.headers.append(header::CONTENT_TYPE, second);
        let values: Vec<_> = context.header_values(&header::CONTENT_TYPE).collect();
        assert_eq!(values, ["a", "b"]);
        assert_eq!(context.header_values(&header::HOST).count(), 0);
    }

    #[test]
    fn a_caller_is_the_account_of_the_token() {
        let id = "01890a5d-ac96-774b-bcce-b302099a8057";
        let account = AccountId::parse(id).unwrap();
        for (role, caller) in [
            (crate::Role::Customer, Caller::Customer(account)),
            (crate::Role::Admin, Caller::Admin(account)),
        ] {
            let mut context = context(None, "");
            context.principal = Some(Principal {
                user_id: id.to_owned(),
                role,
                session_id: None,
                generation: 0,
                issued_at: 0,
                expires_at: 0,
            });
            assert_eq!(context.caller().unwrap(), caller);
        }
    }

    #[test]
    fn nobody_is_no_principal() {
        assert_eq!(
            context(None, "").principal().unwrap_err().status(),
            StatusCode::UNAUTHORIZED
        );
        assert!(!context(None, "").is_admin() && context(None, "").caller().is_err());
    }
}
