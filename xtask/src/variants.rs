//! `spin.stripe.toml` is `spin.toml` with another payment provider, and nothing else.

use toml::{Table, Value};

use crate::provider::Provider;

/// The boxes that hold a payment provider.
const BOXES: [&str; 3] = ["order-events", "orders-api", "payments-api"];

/// What only the adapter of Stripe reads.
const STRIPES: [&str; 2] = ["stripe_api_base", "stripe_secret_key"];

/// What it reads besides, of which the boxes with the stand-in are granted less: its page is shown by one of them.
const RETURN_URL: &str = "checkout_return_url";

/// Every place where the manifest with Stripe is not what the other one makes of it.
pub fn problems(with_mock: &str, with_stripe: &str) -> Vec<String> {
    let parse = |name: &str, text: &str| {
        text.parse::<Table>()
            .map_err(|error| vec![format!("{name}: {error}")])
    };
    let (mock, stripe) = match (
        parse(Provider::Mock.manifest(), with_mock),
        parse(Provider::Stripe.manifest(), with_stripe),
    ) {
        (Ok(mock), Ok(stripe)) => (mock, stripe),
        (Err(problems), _) | (_, Err(problems)) => return problems,
    };
    let mut problems = Vec::new();
    compare("", &expected(mock), &stripe.into(), &mut problems);
    problems
}

/// The manifest with Stripe, made from the one with the stand-in.
fn expected(mut manifest: Table) -> Value {
    if let Some(variables) = table(&mut manifest, "variables") {
        for secret in ["payment_webhook_secret", "stripe_secret_key"] {
            let required = [("required", true), ("secret", true)];
            let required = required.map(|(key, value)| (key.to_owned(), value.into()));
            variables.insert(secret.to_owned(), Table::from_iter(required).into());
        }
        let default = Table::from_iter([("default".to_owned(), "https://api.stripe.com".into())]);
        variables.insert("stripe_api_base".to_owned(), default.into());
    }
    let components = table(&mut manifest, "component");
    for (name, component) in components.into_iter().flatten() {
        if let Some(component) = component.as_table_mut() {
            change(name, component);
        }
    }
    manifest.into()
}

fn change(name: &str, component: &mut Table) {
    if let Some(build) = table(component, "build") {
        let command = format!("cargo xtask build --provider stripe --component {name}");
        build.insert("command".to_owned(), command.into());
    }
    if !BOXES.contains(&name) {
        return;
    }
    let source = format!("target/components/stripe/{name}.wasm");
    component.insert("source".to_owned(), source.into());
    if let Some(hosts) = component.get_mut("allowed_outbound_hosts") {
        let hosts = hosts.as_array_mut().into_iter();
        hosts.for_each(|hosts| hosts.push("{{ stripe_api_base }}".into()));
    }
    if let Some(variables) = table(component, "variables") {
        for granted in STRIPES.into_iter().chain([RETURN_URL]) {
            variables.insert(granted.to_owned(), format!("{{{{ {granted} }}}}").into());
        }
    }
}

fn table<'a>(table: &'a mut Table, key: &str) -> Option<&'a mut Table> {
    table.get_mut(key)?.as_table_mut()
}

/// Compares table by table, so that a problem names its place.
fn compare(place: &str, expected: &Value, found: &Value, problems: &mut Vec<String>) {
    let (Some(wanted), Some(got)) = (expected.as_table(), found.as_table()) else {
        if expected != found {
            problems.push(format!(
                "{}: {place} must be {expected}, but is {found}",
                Provider::Stripe.manifest()
            ));
        }
        return;
    };
    let mut keys: Vec<_> = wanted.keys().chain(got.keys()).collect();
    keys.sort_unstable();
    keys.dedup();
    for key in keys {
        let inner = if place.is_empty() {
            key.clone()
        } else {
            format!("{place}.{key}")
        };
        match (wanted.get(key), got.get(key)) {
            (Some(expected), Some(found)) => compare(&inner, expected, found, problems),
            (Some(_), None) => problems.push(format!(
                "{}: {inner} is missing",
                Provider::Stripe.manifest()
            )),
            (None, _) => problems.push(format!(
                "{}: {inner} is not in {}",
                Provider::Stripe.manifest(),
                Provider::Mock.manifest()
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{compose::Composition, manifest, workspace::Workspace};

    const MOCK: &str = include_str!("../../spin.toml");
    const STRIPE: &str = include_str!("../../spin.stripe.toml");
    const RUNTIME: &str = include_str!("../../runtime-config.toml");

    #[test]
    fn our_own_files_differ_in_the_provider_alone() {
        assert_eq!(problems(MOCK, STRIPE), Vec::<String>::new());
        assert_eq!(manifest::problems(STRIPE, RUNTIME), Vec::<String>::new());
    }

    #[test]
    fn drift_is_named_by_its_place() {
        for (from, to, place) in [
            (
                "currency = { default = \"USD\" }",
                "currency = { default = \"EUR\" }",
                "variables.currency.default",
            ),
            (
                "sqlite_databases = [\"auth\"]",
                "",
                "component.auth-api.sqlite_databases is missing",
            ),
            (
                "[component.gateway.variables]",
                "[component.gateway.variables]\nstripe_secret_key = \"{{ stripe_secret_key }}\"",
                "component.gateway.variables.stripe_secret_key is not in spin.toml",
            ),
        ] {
            assert!(STRIPE.contains(from), "{from}");
            let found = problems(MOCK, &STRIPE.replacen(from, to, 1));
            assert!(
                matches!(found.as_slice(), [one] if one.contains(place)),
                "{found:?}"
            );
        }
        assert!(problems(MOCK, "=")[0].starts_with("spin.stripe.toml"));
    }

    #[test]
    fn the_default_application_makes_no_requests_to_providers() {
        for stripes in STRIPES.iter().chain(&["api.stripe.com", "https://"]) {
            assert!(!MOCK.contains(stripes), "{stripes}");
        }
    }

    #[test]
    fn the_compositions_differ_in_the_provider_alone() {
        let compositions = Workspace::find().unwrap().compositions();
        let common = Composition::read_all(&compositions, Provider::Mock).unwrap();
        let stripe = Composition::read_all(&compositions, Provider::Stripe).unwrap();
        let names: Vec<_> = stripe.iter().map(|composition| &composition.name).collect();
        assert_eq!(names, BOXES);
        let with_provider = common
            .iter()
            .filter(|composition| composition.guests.contains(&"payments".to_owned()));
        let expected: Vec<_> = with_provider
            .map(|composition| {
                let source = composition.source();
                source.replace("mercato:stripe-mock", "mercato:stripe")
            })
            .collect();
        let found: Vec<_> = stripe.iter().map(Composition::source).collect();
        assert_eq!(found, expected);
    }
}
