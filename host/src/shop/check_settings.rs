//! Whether the components can use their variables: each is asked at the start (`check` in
//! `[component.ID.tool.mercato]`), so that a shop that has started has usable settings.

use std::collections::BTreeSet;
use std::sync::Arc;

use http::Method;
use http_body_util::{BodyExt, Limited};
use serde::Deserialize;

use crate::engine::pool::Lane;
use crate::error::{Error, Result, one_line};
use crate::http::handler::{HttpComponent, Invocation};
use crate::http::request_id::Purpose;

/// Most bytes of an answer that are read.
const ANSWER_BYTES: usize = 64 * 1024;

/// What a component says of variables that it cannot use.
#[derive(Deserialize)]
struct Refusal {
    settings: Vec<Setting>,
}

/// A variable that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
struct Setting {
    name: String,
    message: String,
}

/// Asks each component at its path.
///
/// # Errors
/// [`Error::Settings`] naming every variable that cannot be used, each once.
pub(crate) async fn check(components: &[(Arc<HttpComponent>, String)]) -> Result<()> {
    let asked = components
        .iter()
        .map(|(component, path)| ask(component, path));
    let mut invalid = BTreeSet::new();
    for settings in futures::future::join_all(asked).await {
        invalid.extend(settings?);
    }
    if invalid.is_empty() {
        return Ok(());
    }
    let line = |setting: &Setting| format!("setting {}: {}", setting.name, setting.message);
    Err(Error::Settings(invalid.iter().map(line).collect()))
}

async fn ask(component: &Arc<HttpComponent>, path: &str) -> Result<Vec<Setting>> {
    let invocation = Invocation::by_runner(Purpose::Settings, Lane::Probe, Method::GET, path);
    let response = component.invoke(invocation).await.into_response();
    let status = response.status();
    if status.is_success() {
        return Ok(Vec::new());
    }
    let body = Limited::new(response.into_body(), ANSWER_BYTES)
        .collect()
        .await;
    let refusal = body.ok().and_then(|body| read(&body.to_bytes()));
    refusal.ok_or_else(|| Error::Component {
        component: component.id.clone(),
        message: format!("its settings cannot be checked: {path} answered {status}"),
    })
}

/// The variables that an answer names; none when it is about something else.
fn read(body: &[u8]) -> Option<Vec<Setting>> {
    let refusal: Refusal = serde_json::from_slice(body).ok()?;
    let line = |setting: Setting| Setting {
        name: one_line(&setting.name),
        message: one_line(&setting.message),
    };
    (!refusal.settings.is_empty()).then(|| refusal.settings.into_iter().map(line).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_that_names_no_variable_is_about_something_else() {
        for body in ["", "{}", "[]", r#"{"settings":[]}"#, r#"{"settings":"x"}"#] {
            assert_eq!(read(body.as_bytes()), None, "{body}");
        }
        let body =
            br#"{"status":503,"settings":[{"name":"currency","message":"is empty:\n set it"}]}"#;
        let setting = Setting {
            name: "currency".to_owned(),
            message: "is empty: set it".to_owned(),
        };
        assert_eq!(read(body), Some(vec![setting]));
    }
}
