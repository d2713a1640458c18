//! REST adapter of checkouts.

use mercato_edge::Route;

mod body;
mod change;
mod change_code;
mod code;
mod create_code;
#[cfg(not(target_family = "wasm"))]
pub mod examples;
mod find;
mod find_code;
mod holder;
mod list_codes;
mod open;
mod problems;
mod ready;
mod remove;
mod remove_code;
mod replace_shipping;
mod replace_taxes;
mod resource;
mod shipping;
mod show_shipping;
mod show_taxes;
mod sweep;
mod taxes;
mod values;

/// The routes of checkouts.
pub const ROUTES: &[Route] = &[
    open::OPEN,
    find::FIND,
    change::CHANGE,
    remove::REMOVE,
    show_shipping::SHOW_SHIPPING,
    replace_shipping::REPLACE_SHIPPING,
    show_taxes::SHOW_TAXES,
    replace_taxes::REPLACE_TAXES,
    list_codes::LIST_CODES,
    create_code::CREATE_CODE,
    find_code::FIND_CODE,
    change_code::CHANGE_CODE,
    remove_code::REMOVE_CODE,
    ready::READY,
    sweep::SWEEP,
    mercato_edge::settings::SETTINGS,
];

mercato_edge::serve!(ROUTES);

#[cfg(test)]
mod tests {
    use mercato_edge::Access;

    use super::*;

    #[test]
    fn settings_and_codes_are_for_admins_and_checkouts_for_guests() {
        for route in ROUTES {
            let rest = route.pattern.strip_prefix("/api/v1/checkouts");
            let access = match rest {
                None => Access::Public,
                Some("" | "/{id}") => Access::Guest,
                Some(_) => Access::Admin,
            };
            assert_eq!(route.access, access, "{}", route.pattern);
        }
    }
}
