//! REST adapter of accounts.

use mercato_edge::{Access, Route, client, route};

mod body;
mod caller;
mod controllers;
#[cfg(not(target_family = "wasm"))]
pub mod examples;
#[cfg(not(target_family = "wasm"))]
pub mod openapi;
mod problems;
mod resource;
mod schemas;

use controllers::{
    login, logout, me, password, ready, refresh, register, revocations, sessions, settings, users,
    verify,
};

/// The routes of accounts.
pub const ROUTES: &[Route] = &[
    route!(POST "/api/v1/auth/register", Access::Public, register::register),
    route!(POST "/api/v1/auth/login", Access::Public, login::login),
    route!(POST "/api/v1/auth/refresh", Access::Public, refresh::refresh),
    route!(POST "/api/v1/auth/logout", Access::Public, logout::logout),
    route!(GET "/api/v1/auth/verify", Access::Bearer, verify::verify),
    route!(GET "/api/v1/auth/me", Access::Bearer, me::show),
    route!(PATCH "/api/v1/auth/me", Access::Bearer, me::update),
    route!(POST "/api/v1/auth/password", Access::Bearer, password::change),
    route!(GET "/api/v1/auth/sessions", Access::Bearer, sessions::list),
    route!(DELETE "/api/v1/auth/sessions", Access::Bearer, sessions::end_others),
    route!(DELETE "/api/v1/auth/sessions/{id}", Access::Bearer, sessions::end),
    route!(GET "/api/v1/auth/users", Access::Admin, users::list),
    route!(GET "/api/v1/auth/users/{id}", Access::Admin, users::find),
    route!(PATCH "/api/v1/auth/users/{id}", Access::Admin, users::update),
    route!(GET "/internal/ready", Access::Public, ready::ready),
    route!(GET "/internal/settings", Access::Public, settings::settings),
    route!(GET "/internal/revocations", Access::Public, revocations::list),
];

mercato_edge::serve!(own_sessions ROUTES);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_opening_and_ending_a_session_is_open_to_everyone() {
        let public: Vec<_> = ROUTES
            .iter()
            .filter(|route| !matches!(route.access, Access::Bearer | Access::Admin))
            .map(|route| route.pattern)
            .collect();
        assert_eq!(
            public,
            [
                "/api/v1/auth/register",
                "/api/v1/auth/login",
                "/api/v1/auth/refresh",
                "/api/v1/auth/logout",
                "/internal/ready",
                "/internal/settings",
                "/internal/revocations",
            ]
        );
    }

    #[test]
    fn other_peoples_accounts_are_for_admins() {
        for route in ROUTES {
            let is_about_others = route.pattern.starts_with("/api/v1/auth/users");
            assert_eq!(
                route.access == Access::Admin,
                is_about_others,
                "{}",
                route.pattern
            );
        }
    }
}
