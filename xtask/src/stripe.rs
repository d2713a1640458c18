//! The application with Stripe: `spin.toml` and the compositions with another payment provider, and nothing else.

use anyhow::{Context as _, Result};
use toml_edit::{DocumentMut, Value, value};

/// Where the application with Stripe is written; ignored by git.
pub const MANIFEST: &str = "spin.stripe.toml";

/// How a composition makes the component behind the provider's port, and how with Stripe.
const PROVIDERS: [&str; 2] = ["new mercato:stripe-mock ", "new mercato:stripe "];

/// What components with Stripe are granted besides, and no others.
const GRANTED: [&str; 3] = [
    "stripe_secret_key",
    "stripe_api_base",
    "checkout_return_url",
];

const HEADER: &str = "# Made from spin.toml by `cargo xtask build`: the shop with Stripe instead of the stand-in. Do not edit.\n\n";

/// A composition with Stripe; none when it holds no provider.
pub fn composition(source: &str) -> Option<String> {
    let [stand_in, stripe] = PROVIDERS;
    source
        .contains(stand_in)
        .then(|| source.replace(stand_in, stripe))
}

/// The manifest with Stripe, made from `spin.toml`. The key and the secret that signs webhooks are required in it.
#[allow(clippy::indexing_slicing, reason = "what is missing is added")]
pub fn manifest(spin: &str, holds_provider: impl Fn(&str) -> bool) -> Result<String> {
    let mut manifest: DocumentMut = spin.parse().context("spin.toml is not TOML")?;
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
        .context("spin.toml has no components")?
        .iter_mut()
    {
        let build = format!("cargo xtask build --provider stripe --component {name}");
        component["build"]["command"] = value(build);
        if !holds_provider(&name) {
            continue;
        }
        component["source"] = value(format!("target/components/stripe/{name}.wasm"));
        let hosts = component["allowed_outbound_hosts"].as_array_mut();
        hosts
            .context("hosts of a component")?
            .push(template("stripe_api_base"));
        for granted in GRANTED {
            component["variables"][granted] = value(template(granted));
        }
    }
    Ok(format!("{HEADER}{manifest}"))
}

fn template(variable: &str) -> String {
    format!("{{{{ {variable} }}}}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPIN: &str = include_str!("../../spin.toml");
    const COMPONENTS: [&str; 3] = ["orders-api", "payments-api", "order-events"];

    #[test]
    fn only_components_with_a_provider_are_granted_stripe() {
        let manifest = manifest(SPIN, |name| COMPONENTS.contains(&name)).unwrap();
        let manifest: DocumentMut = manifest.parse().unwrap();
        let original: DocumentMut = SPIN.parse().unwrap();
        for (name, component) in manifest["component"].as_table().unwrap() {
            let folder = if COMPONENTS.contains(&name) {
                "stripe/"
            } else {
                ""
            };
            let source = format!("target/components/{folder}{name}.wasm");
            assert_eq!(component["source"].as_str(), Some(&*source));
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
        assert_eq!(composition("let a = new mercato:orders { ... };"), None);
        assert_eq!(
            composition("let a = new mercato:stripe-mock { ... };").as_deref(),
            Some("let a = new mercato:stripe { ... };")
        );
    }
}
