use mercato_edge::{Context, FieldError, Fields, Problem, Query, Reply};

use crate::bindings::mercato::payments::commands::{self, CheckoutOutcome};
use crate::checkout_page::path;
use crate::problems::problem;
use crate::resource::reply;

const FORM: &str = "application/x-www-form-urlencoded";

/// What the customer can do, by name.
const OUTCOMES: [(&str, CheckoutOutcome); 3] = [
    ("succeed", CheckoutOutcome::Succeed),
    ("fail", CheckoutOutcome::Fail),
    ("cancel", CheckoutOutcome::Cancel),
];

/// `POST /payments/mock/checkout/{sessionId}`: plays the customer. A form is answered with 303 to the result page,
/// JSON with the payment.
pub async fn simulate_checkout(context: Context) -> Result<Reply, Problem> {
    context.query().finish()?;
    let is_form = context.has_content_type(FORM);
    let name = if is_form {
        from_form(context.body())?
    } else {
        from_json(context.json()?)?
    };
    let outcome = outcome(&name)?;
    let session_id = context.param("sessionId").to_owned();
    let payment = commands::simulate_checkout(session_id.clone(), outcome)
        .await
        .map_err(problem)?;
    if is_form {
        return Ok(Reply::see_other(&format!(
            "{}?result={name}",
            path(&session_id)
        )));
    }
    reply(&payment)
}

fn from_form(body: &[u8]) -> Result<String, Problem> {
    // A form is written like a query string (URL standard, section 5.1).
    let text = std::str::from_utf8(body)
        .map_err(|_| Problem::bad_request("malformed-form", "the form is not UTF-8"))?;
    let mut form = Query::parse(text);
    let name = form.text("outcome");
    form.finish()?;
    Ok(name.unwrap_or_default())
}

fn from_json(mut fields: Fields) -> Result<String, Problem> {
    let name = fields.required("outcome");
    fields.finish()?;
    Ok(name)
}

fn outcome(name: &str) -> Result<CheckoutOutcome, Problem> {
    let known = OUTCOMES.into_iter().find(|(known, _)| *known == name);
    known.map(|(_, outcome)| outcome).ok_or_else(|| {
        let rule = "outcome must be one of succeed, fail, cancel";
        Problem::validation(vec![FieldError::new("outcome", "format", rule)])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_and_json_say_the_same() {
        for (name, expected) in OUTCOMES {
            let form = from_form(format!("outcome={name}").as_bytes()).unwrap();
            let fields = Fields::parse(format!(r#"{{"outcome":"{name}"}}"#).as_bytes()).unwrap();
            assert_eq!(from_json(fields).unwrap(), form);
            assert_eq!(outcome(&form).unwrap(), expected);
        }
    }

    #[test]
    fn other_outcomes_and_other_fields_are_refused() {
        for form in [&b""[..], b"outcome=", b"outcome=refund", b"outcome=SUCCEED"] {
            let refused = from_form(form).and_then(|name| outcome(&name)).unwrap_err();
            assert_eq!(refused.status().as_u16(), 400);
        }
        for form in [
            &b"outcome=fail&outcome=succeed"[..],
            b"outcome=fail&x=1",
            b"\xff",
        ] {
            assert_eq!(from_form(form).unwrap_err().status().as_u16(), 400);
        }
        let fields = Fields::parse(br#"{"outcome":"fail","x":1}"#).unwrap();
        assert_eq!(from_json(fields).unwrap_err().status().as_u16(), 400);
    }
}
