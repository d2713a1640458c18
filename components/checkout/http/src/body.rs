//! What clients send about a checkout. The rules are the domain's.

use checkout::domain::{Changes, CodeName, Email, Note, OptionCode};
use mercato_address_view::address_body;
use mercato_edge::body;
use mercato_quote_view::line_body;

use crate::values::Texts;

/// What is filled in; what is absent stays as it is, and `null` takes it away.
#[body(
    as = CheckoutChanges,
    example = json!({
        "items": [{"productId": "019c0e3c-edc0-7d3a-bcac-d34e0ddd853b", "quantity": 2}],
        "email": "ada@example.com",
        "shippingAddress": {"name": "Ada Lovelace", "line1": "Ring 1", "postalCode": "1010", "city": "Wien", "country": "AT"},
        "shippingOption": "at-post"
    })
)]
#[derive(Debug)]
#[allow(
    clippy::option_option,
    reason = "absent and null mean different things"
)]
pub struct CheckoutBody {
    /// All lines; those of the same product are merged.
    #[schema(value_type = Vec<ItemBody>, required = false, max_items = 100)]
    pub items: Option<Vec<ItemBody>>,
    /// Where mail about the order goes; kept in lower case.
    #[schema(value_type = Option<String>, required = false, format = Email, max_length = 254, example = "ada@example.com")]
    pub email: Option<Option<Email>>,
    /// Where the order goes.
    #[field(object)]
    #[schema(value_type = Option<AddressBody>, required = false)]
    pub shipping_address: Option<Option<AddressBody>>,
    /// Who is billed, when that is another address.
    #[field(object)]
    #[schema(value_type = Option<AddressBody>, required = false)]
    pub billing_address: Option<Option<AddressBody>>,
    /// The `code` of one of the `shippingOptions`.
    #[schema(value_type = Option<String>, required = false, min_length = 1, max_length = 40, example = "at-post")]
    pub shipping_option: Option<Option<OptionCode>>,
    /// All discount codes, in the order in which they count. One that takes nothing off is no error: `messages` says why.
    #[field(values)]
    #[schema(value_type = Vec<String>, required = false, max_items = 5)]
    pub codes: Option<Vec<CodeName>>,
    /// What the customer has to say.
    #[schema(value_type = Option<String>, required = false, max_length = 2000, example = "Ring twice")]
    pub note: Option<Option<Note>>,
    /// What the shop front keeps with the order: at most 50 keys of 40 characters, with values of 500.
    #[schema(value_type = std::collections::BTreeMap<String, String>, required = false)]
    pub metadata: Option<Texts>,
}

line_body! {
    /// So many units of one product without options, or of one variant.
    #[body(as = CheckoutItem, either(product_id, variant_id))]
    #[derive(Debug)]
    ItemBody
}

address_body! {
    /// A postal address. Which parts it needs, and the form of its postal code, depend on the country.
    #[body(as = AddressInput)]
    #[derive(Debug)]
    AddressBody {} {}
}

impl From<&CheckoutBody> for Changes {
    fn from(body: &CheckoutBody) -> Self {
        let items = body.items.as_ref().map(|items| {
            let pair = |item: &ItemBody| (item.product_id(), item.quantity);
            items.iter().map(pair).collect()
        });
        let address = |body: &Option<Option<AddressBody>>| {
            body.as_ref()
                .map(|it| it.as_ref().map(AddressBody::address_draft))
        };
        Self {
            items,
            email: body.email.clone(),
            shipping_address: address(&body.shipping_address),
            billing_address: address(&body.billing_address),
            option: body.shipping_option.clone(),
            codes: body.codes.clone(),
            note: body.note.clone(),
            metadata: body.metadata.clone().map(|texts| texts.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use mercato_edge::Draft;
    use mercato_edge::Fields;
    use mercato_edge::FromFields as _;

    use super::*;

    fn errors(body: &str) -> Vec<String> {
        let draft: Draft<CheckoutBody> =
            CheckoutBody::draft(Fields::parse(body.as_bytes()).unwrap());
        let rules = |body: &CheckoutBody| Changes::from(body).check().err().unwrap_or_default();
        let problem = draft.check(rules).unwrap_err();
        let document = problem.document("/", "r", "t");
        let named = |error: &serde_json::Value| {
            format!("{} {}", error["field"], error["code"]).replace('"', "")
        };
        let errors = document["errors"].as_array().unwrap();
        errors.iter().map(named).collect()
    }

    fn changes(body: &str) -> Changes {
        let body: CheckoutBody = mercato_edge::examples::from_json(body).unwrap();
        Changes::from(&body)
    }

    #[test]
    fn every_wrong_member_is_named_by_its_path() {
        let body = r#"{
            "items": [{"productId": "a", "quantity": 0}, {"quantity": 10001, "price": 1},
                {"variantId": "01890a5d-ac96-774b-bcce-b302099a8057", "productId": "01890a5d-ac96-774b-bcce-b302099a8057", "quantity": 1}],
            "email": "nobody", "email": "a@example.com",
            "shippingAddress": {"name": "Ada", "line1": 1, "country": "AT", "colour": "red"},
            "codes": ["A", "B C", 3], "note": 7, "metadata": {"a": 1}, "coupon": "x"
        }"#;
        assert_eq!(
            errors(body),
            [
                "email repeated",
                "items[0].productId format",
                "items[0].quantity min",
                "items[1].productId required",
                "items[1].quantity max",
                "items[1].price unknown",
                "items[2].variantId exclusive",
                "email format",
                "shippingAddress.line1 type",
                "shippingAddress.colour unknown",
                "codes[1] format",
                "codes[2] type",
                "note type",
                "metadata type",
                "coupon unknown",
                "shippingAddress.postalCode required",
                "shippingAddress.city required",
            ]
        );
    }

    #[test]
    fn a_line_names_what_it_is_of_by_one_of_two_names() {
        let id = "01890a5d-ac96-774b-bcce-b302099a8057";
        for name in ["productId", "variantId"] {
            let changes = changes(&format!(
                r#"{{"items":[{{"{name}":"{id}","quantity":2}}]}}"#
            ));
            let items = changes.items.unwrap();
            let items = items
                .iter()
                .map(|(id, quantity)| (id.to_string(), quantity.get()));
            assert_eq!(items.collect::<Vec<_>>(), [(id.to_owned(), 2)]);
        }
    }

    #[test]
    fn absent_and_null_are_different_changes() {
        assert_eq!(changes("{}"), Changes::default());
        let cleared = changes(r#"{"email":null,"billingAddress":null,"shippingOption":null}"#);
        assert_eq!(cleared.email, Some(None));
        assert_eq!(cleared.billing_address, Some(None));
        assert_eq!(cleared.option, Some(None));
        assert_eq!(cleared.shipping_address, None);
        let codes = changes(r#"{"codes":["roast10"],"items":[]}"#);
        assert_eq!(codes.codes.unwrap()[0].as_str(), "ROAST10");
        assert_eq!(codes.items, Some(vec![]));
    }
}
