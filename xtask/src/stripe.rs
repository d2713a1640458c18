//! The application with Stripe: the manifest and the compositions with another payment provider, and nothing else.

use anyhow::{Context as _, Result};
use toml_edit::{DocumentMut, Value, value};

use crate::variant::Provider;

/// How a composition makes the component behind the provider's port, and how with Stripe.
const PROVIDERS: [&str; 2] = ["new mercato:stripe-mock ", "new mercato:stripe "];

/// What components with Stripe are granted besides, and no others.
const GRANTED: [&str; 3] = [
    "stripe_secret_key",
    "stripe_api_base",
    "checkout_return_url",
];

/// A composition with each provider; with none when it holds none.
pub fn compositions(source: String) -> Vec<(Option<Provider>, String)> {
    let [stand_in, stripe] = PROVIDERS;
    if !source.contains(stand_in) {
        return vec![(None, source)];
    }
    let with_stripe = source.replace(stand_in, stripe);
    vec![
        (Some(Provider::Stripe), with_stripe),
        (Some(Provider::Mock), source),
    ]
}

/// Makes a manifest one with Stripe. The key and the secret that signs webhooks are required in it.
#[allow(clippy::indexing_slicing, reason = "what is missing is added")]
pub fn change(manifest: &mut DocumentMut, holds_provider: impl Fn(&str) -> bool) -> Result<()> {
    let variables = &mut manifest["variables"];
    for (name, declared) in [
        (
            "payment_webhook_secret",
            "{ required = true, secret = true }",
        ),
        ("stripe_secret_key", "{ required = true, secret = true }"),
        (
            "stripe_api_base",
            "{ default = \"https://api.stripe.com\" }",
        ),
    ] {
        variables[name] = value(declared.parse::<Value>()?);
    }
    let components = manifest["component"].as_table_mut();
    for (name, component) in components
        .context("the manifest has no components")?
        .iter_mut()
    {
        if !holds_provider(&name) {
            continue;
        }
        let hosts = component["allowed_outbound_hosts"].as_array_mut();
        hosts
            .context("hosts of a component")?
            .push(template("stripe_api_base"));
        for granted in GRANTED {
            component["variables"][granted] = value(template(granted));
        }
    }
    Ok(())
}

/// A reference to a variable.
pub fn template(variable: &str) -> String {
    format!("{{{{ {variable} }}}}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPIN: &str = include_str!("../../spin.toml");
    const COMPONENTS: [&str; 3] = ["orders-api", "payments-api", "order-events"];

    #[test]
    fn only_components_with_a_provider_are_granted_stripe() {
        let original: DocumentMut = SPIN.parse().unwrap();
        let mut manifest = original.clone();
        change(&mut manifest, |name| COMPONENTS.contains(&name)).unwrap();
        for (name, component) in manifest["component"].as_table().unwrap() {
            let parts = ["variables", "allowed_outbound_hosts"];
            for key in parts.into_iter().filter(|key| component.get(key).is_some()) {
                let [is, was] =
                    [&manifest, &original].map(|all| all["component"][name][key].to_string());
                assert_eq!(is != was, COMPONENTS.contains(&name), "{name}: {key}");
            }
        }
        for secret in ["payment_webhook_secret", "stripe_secret_key"] {
            let declared = &manifest["variables"][secret];
            assert_eq!(declared["required"].as_bool(), Some(true), "{secret}");
            assert_eq!(declared["secret"].as_bool(), Some(true), "{secret}");
        }
    }

    #[test]
    fn the_default_application_makes_no_requests_to_providers() {
        for stripes in ["stripe_", "api.stripe.com", "https://"] {
            assert!(!SPIN.contains(stripes), "{stripes}");
        }
    }

    #[test]
    fn compositions_without_a_provider_are_the_same() {
        let without = "let a = new mercato:orders { ... };".to_owned();
        assert_eq!(compositions(without.clone()), [(None, without)]);
        let with = "let a = new mercato:stripe-mock { ... };".to_owned();
        let stripe = "let a = new mercato:stripe { ... };".to_owned();
        let both = [
            (Some(Provider::Stripe), stripe),
            (Some(Provider::Mock), with.clone()),
        ];
        assert_eq!(compositions(with), both);
    }
}
