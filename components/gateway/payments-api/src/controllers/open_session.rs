use mercato_edge::{Context, Fields, Problem, Reply};
use mercato_platform::ids;

use super::viewer;
use crate::bindings::mercato::payments::commands;
use crate::problems::problem;
use crate::resource::reply;

/// `POST /payments/session`: 200 with the payment and the session in which it can be paid.
pub async fn open_session(context: Context) -> Result<Reply, Problem> {
    context.query().finish()?;
    let order_id = order_id(context.json()?)?;
    let viewer = viewer(&context)?;
    let payment = commands::open_session(viewer, order_id)
        .await
        .map_err(problem)?;
    reply(&payment)
}

fn order_id(mut fields: Fields) -> Result<String, Problem> {
    let text: String = fields.required("orderId");
    let id = ids::parse(&text);
    if let (Err(rule), false) = (&id, text.is_empty()) {
        fields.reject("orderId", "format", &rule.to_string());
    }
    fields.finish()?;
    id.map_err(|rule| Problem::bad_request("validation", format!("orderId {rule}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> Result<String, u16> {
        order_id(Fields::parse(body.as_bytes()).unwrap())
            .map_err(|problem| problem.status().as_u16())
    }

    #[test]
    fn an_order_is_named_by_its_id() {
        let id = "01890a5d-ac96-774b-bcce-b302099a8057";
        assert_eq!(
            read(&format!(r#"{{"orderId":"{}"}}"#, id.to_uppercase())),
            Ok(id.to_owned())
        );
    }

    #[test]
    fn anything_else_is_refused() {
        for body in [
            "{}",
            r#"{"orderId":""}"#,
            r#"{"orderId":"7"}"#,
            r#"{"orderId":7}"#,
            r#"{"orderId":"01890a5d-ac96-774b-bcce-b302099a8057","amount":1}"#,
        ] {
            assert_eq!(read(body), Err(400), "{body}");
        }
    }
}
