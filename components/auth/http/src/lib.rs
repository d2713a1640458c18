//! REST adapter of accounts.

use mercato_edge::Route;

mod addresses;
mod body;
mod caller;
mod change_password;
mod end_other_sessions;
mod end_session;
#[cfg(not(target_family = "wasm"))]
pub mod examples;
mod find_account;
mod list_accounts;
mod list_sessions;
mod login;
mod logout;
mod problems;
mod ready;
mod refresh;
mod register;
mod replace_addresses;
mod resource;
mod revocations;
mod settings;
mod show_addresses;
mod show_profile;
mod update_account;
mod update_profile;
mod values;
mod verify;

/// The routes of accounts.
pub const ROUTES: &[Route] = &[
    register::REGISTER,
    login::LOGIN,
    refresh::REFRESH,
    logout::LOGOUT,
    verify::VERIFY,
    show_profile::SHOW_PROFILE,
    update_profile::UPDATE_PROFILE,
    show_addresses::SHOW_ADDRESSES,
    replace_addresses::REPLACE_ADDRESSES,
    change_password::CHANGE_PASSWORD,
    list_sessions::LIST_SESSIONS,
    end_other_sessions::END_OTHER_SESSIONS,
    end_session::END_SESSION,
    list_accounts::LIST_ACCOUNTS,
    find_account::FIND_ACCOUNT,
    update_account::UPDATE_ACCOUNT,
    ready::READY,
    settings::SETTINGS,
    revocations::REVOCATIONS,
];

mercato_edge::serve!(own_sessions ROUTES);

#[cfg(test)]
mod tests {
    use mercato_edge::Access;

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
