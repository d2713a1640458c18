//! From a path to the component that answers it: exact routes before wildcards, longer before shorter.

use std::cmp::Ordering;

use crate::manifest::spin::{HttpTrigger, RouteSpec};

/// The routes of the application.
#[derive(Debug, Default)]
pub struct Routes(Vec<Route>);

#[derive(Debug)]
struct Route {
    pattern: String,
    segments: Vec<Segment>,
    component: String,
}

#[derive(Debug, PartialEq, Eq)]
enum Segment {
    Literal(String),
    Named(String),
    /// `...`, only at the end.
    Rest,
}

/// What a path matched.
#[derive(Debug, PartialEq, Eq)]
pub struct Match<'r, 'p> {
    /// The component's id.
    pub component: &'r str,
    /// The route as the manifest writes it.
    pub route: &'r str,
    /// What the wildcard stood for, with its slash; empty without one.
    pub rest: &'p str,
    /// Names of `:name` segments and what they stood for.
    pub named: Vec<(&'r str, &'p str)>,
}

impl Routes {
    /// Builds the routes; private ones are left out. Of two equal routes the later one counts, as under Spin, and a
    /// warning is logged.
    ///
    /// # Errors
    /// A sentence that names the route.
    pub fn build(triggers: &[HttpTrigger]) -> Result<Self, String> {
        let mut routes: Vec<Route> = Vec::new();
        for trigger in triggers {
            let RouteSpec::Public(pattern) = &trigger.route else {
                continue;
            };
            let route = Route {
                segments: parse(pattern)?,
                pattern: pattern.clone(),
                component: trigger.component.clone(),
            };
            if let Some(same) = routes
                .iter_mut()
                .find(|other| other.segments == route.segments)
            {
                tracing::warn!(route = %pattern, "route is defined twice: `{}` replaces `{}`", route.component, same.component);
                *same = route;
            } else {
                routes.push(route);
            }
        }
        routes.sort_by(|a, b| by_precedence(&a.segments, &b.segments));
        Ok(Self(routes))
    }

    /// The best match of a path.
    #[must_use]
    pub fn find<'r, 'p>(&'r self, path: &'p str) -> Option<Match<'r, 'p>> {
        self.0.iter().find_map(|route| route.matches(path))
    }
}

fn parse(pattern: &str) -> Result<Vec<Segment>, String> {
    let mut segments = Vec::new();
    let mut parts = pattern
        .trim_matches('/')
        .split('/')
        .filter(|part| !part.is_empty())
        .peekable();
    while let Some(part) = parts.next() {
        segments.push(match part {
            "..." | "*" if parts.peek().is_none() => Segment::Rest,
            "..." | "*" => {
                return Err(format!(
                    "route {pattern:?}: `{part}` is allowed only at the end"
                ));
            }
            _ => match part.strip_prefix(':') {
                Some("") => return Err(format!("route {pattern:?}: a `:` needs a name")),
                Some(name) => Segment::Named(name.to_owned()),
                None => Segment::Literal(part.to_owned()),
            },
        });
    }
    Ok(segments)
}

/// More specific first: literals before names before wildcards, at the first segment that differs in kind.
fn by_precedence(a: &[Segment], b: &[Segment]) -> Ordering {
    let rank = |segment: Option<&Segment>| match segment {
        Some(Segment::Literal(_)) => 0,
        Some(Segment::Named(_)) => 1,
        None => 2,
        Some(Segment::Rest) => 3,
    };
    (0..=a.len().max(b.len()))
        .map(|i| rank(a.get(i)).cmp(&rank(b.get(i))))
        .find(|order| order.is_ne())
        .unwrap_or(Ordering::Equal)
}

impl Route {
    fn matches<'r, 'p>(&'r self, path: &'p str) -> Option<Match<'r, 'p>> {
        let mut named = Vec::new();
        let mut rest = path;
        for segment in &self.segments {
            if *segment == Segment::Rest {
                return Some(Match {
                    component: &self.component,
                    route: &self.pattern,
                    rest,
                    named,
                });
            }
            let (part, after) = next_part(rest)?;
            match segment {
                Segment::Literal(literal) if literal == part => {}
                Segment::Named(name) => named.push((name.as_str(), part)),
                Segment::Literal(_) | Segment::Rest => return None,
            }
            rest = after;
        }
        rest.trim_matches('/').is_empty().then_some(Match {
            component: &self.component,
            route: &self.pattern,
            rest: "",
            named,
        })
    }
}

/// The next part of a path and what follows it, which begins with a slash or is empty.
fn next_part(path: &str) -> Option<(&str, &str)> {
    let path = path.trim_start_matches('/');
    if path.is_empty() {
        return None;
    }
    Some(
        path.find('/')
            .and_then(|end| path.split_at_checked(end))
            .unwrap_or((path, "")),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn routes(patterns: &[&str]) -> Result<Routes, String> {
        let triggers: Vec<HttpTrigger> = patterns
            .iter()
            .map(|pattern| {
                toml::from_str(&format!(
                    "component = \"c{}\"\nroute = {pattern:?}",
                    pattern.len()
                ))
                .unwrap()
            })
            .collect();
        Routes::build(&triggers)
    }

    #[test]
    fn the_most_specific_route_wins_whatever_the_order() {
        let mut patterns = [
            "/...",
            "/api/v1/orders/...",
            "/api/...",
            "/api/v1/orders/stats",
            "/api/v1/:what/stats",
            "/",
        ];
        for _ in 0..patterns.len() {
            patterns.rotate_left(1);
            let routes = routes(&patterns).unwrap();
            let route = |path: &str| routes.find(path).unwrap().route.to_owned();
            assert_eq!(route("/"), "/");
            assert_eq!(route("/favicon.ico"), "/...");
            assert_eq!(route("/api"), "/api/...");
            assert_eq!(route("/api/v1/orders"), "/api/v1/orders/...");
            assert_eq!(route("/api/v1/orders/1/2"), "/api/v1/orders/...");
            assert_eq!(route("/api/v1/orders/stats"), "/api/v1/orders/stats");
            assert_eq!(route("/api/v1/products/stats"), "/api/v1/:what/stats");
            assert_eq!(route("/api/v1/ordersx"), "/api/...");
        }
    }

    #[test]
    fn captures_are_reported() {
        let routes = routes(&["/shop/:id/...", "/x/:name"]).unwrap();
        assert_eq!(routes.find("/shop/7/a/b").unwrap().rest, "/a/b");
        assert_eq!(routes.find("/shop/7/a/b").unwrap().named, [("id", "7")]);
        assert_eq!(routes.find("/shop/7").unwrap().rest, "");
        assert_eq!(routes.find("/x/y/").unwrap().named, [("name", "y")]);
        assert!(routes.find("/x").is_none() && routes.find("/x/y/z").is_none());
    }

    #[test]
    fn wrong_patterns_are_named() {
        assert_eq!(
            routes(&["/a/.../b"]).unwrap_err(),
            "route \"/a/.../b\": `...` is allowed only at the end"
        );
        assert_eq!(
            routes(&["/a/:"]).unwrap_err(),
            "route \"/a/:\": a `:` needs a name"
        );
    }

    #[test]
    fn a_private_component_has_no_route() {
        let trigger: HttpTrigger =
            toml::from_str("component = \"c\"\nroute = { private = true }").unwrap();
        assert!(Routes::build(&[trigger]).unwrap().find("/").is_none());
    }
}
