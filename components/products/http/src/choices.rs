use mercato_edge::{FromQuery, QueryString};
use mercato_kernel::FromText;
use products::domain::facet::{ATTRIBUTE_PREFIX, FacetName, FacetValue, OPTION_PREFIX, Wanted};
#[cfg(not(target_family = "wasm"))]
use {
    products::domain::facet::{CHOICES_MAX, CHOSEN_VALUES_MAX},
    products::domain::presentation::{ATTRIBUTE_CHARS_MAX, ATTRIBUTE_NAME_CHARS_MAX},
    serde_json::json,
    utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn, ParameterStyle},
    utoipa::openapi::schema::{AdditionalProperties, ObjectBuilder, Type},
    utoipa::openapi::{RefOr, Required, Schema},
};

/// The attributes and options that a list asks for: each is a parameter by its own name.
#[derive(Debug, Clone, Default)]
pub struct Choices(pub Vec<Wanted>);

impl FromQuery for Choices {
    fn from_query(query: &mut QueryString) -> Self {
        let mut pairs = Vec::new();
        for (parameter, value) in query.beginning_with(&[ATTRIBUTE_PREFIX, OPTION_PREFIX]) {
            match (
                FacetName::from_text(&parameter),
                FacetValue::from_text(&value),
            ) {
                (Ok(name), Ok(value)) => pairs.push((name, value)),
                (Err((code, rest)), _) | (_, Err((code, rest))) => {
                    query.reject(&parameter, code, &rest);
                }
            }
        }
        Self(Wanted::gather(pairs))
    }

    /// One object, whose members are the parameters.
    #[cfg(not(target_family = "wasm"))]
    fn parameters() -> Vec<Parameter> {
        let text = |max: usize| {
            let schema = ObjectBuilder::new().schema_type(Type::String);
            schema.min_length(Some(1)).max_length(Some(max))
        };
        let name = text(ATTRIBUTE_PREFIX.len() + ATTRIBUTE_NAME_CHARS_MAX)
            .pattern(Some(r"^(attribute|option)\.[^\s\x00-\x1f\x7f-\x9f]([^\x00-\x1f\x7f-\x9f]{0,48}[^\s\x00-\x1f\x7f-\x9f])?$"));
        let value = text(ATTRIBUTE_CHARS_MAX).build();
        let value = AdditionalProperties::RefOr(RefOr::T(Schema::Object(value)));
        let schema = ObjectBuilder::new()
            .property_names(Some(name.build()))
            .additional_properties(Some(value))
            .max_properties(Some(CHOICES_MAX));
        let meaning = format!(
            "Only products that have these attributes and options, at most {CHOICES_MAX}: each is a parameter `attribute.` or `option.` \
            with its name behind, such as `attribute.Origin=Kenya&option.Size=S`, in the very letters of the product. The same name several \
            times, at most {CHOSEN_VALUES_MAX} of each, asks for any of the values; of several names all are asked for."
        );
        let parameter = ParameterBuilder::new()
            .name("choices")
            .parameter_in(ParameterIn::Query)
            .required(Required::False)
            .description(Some(meaning))
            .style(Some(ParameterStyle::Form))
            .explode(Some(true))
            .schema(Some(schema))
            // Pages on which the API is tried out send what the example says.
            .example(Some(json!({})));
        vec![parameter.build()]
    }
}

#[cfg(test)]
mod tests {
    use mercato_edge::examples::from_query;

    use super::*;

    fn errors(query: &str) -> Vec<(String, String)> {
        let refused = from_query::<Choices>(query).unwrap_err();
        let document = refused.document("/", "r", "t");
        let errors = document["errors"].as_array().unwrap().iter();
        let text = |member: &serde_json::Value| member.as_str().unwrap().to_owned();
        errors
            .map(|error| (text(&error["field"]), text(&error["code"])))
            .collect()
    }

    #[test]
    fn each_attribute_and_option_is_a_parameter() {
        let query = "attribute.Origin=K%C3%B4te+d%27Ivoire&option.Size=250+g&option.Size=1%2C5+l&attribute.a.b%3D=x";
        let Choices(choices) = from_query(query).unwrap();
        let shown: Vec<_> = choices
            .iter()
            .flat_map(|choice| {
                let values = choice.values.iter();
                values.map(|value| format!("{} {}", choice.name.as_str(), value.as_str()))
            })
            .collect();
        let expected = [
            "attribute.Origin Kôte d'Ivoire",
            "option.Size 1,5 l",
            "option.Size 250 g",
            "attribute.a.b= x",
        ];
        assert_eq!(shown, expected);
    }

    #[test]
    fn what_is_no_attribute_or_option_is_named() {
        for (query, field, code) in [
            ("attribute.=x", "attribute.", "required"),
            ("attribute.a=", "attribute.a", "required"),
            ("option.a=+", "option.a", "required"),
            ("option.a=%00x", "option.a", "control-characters"),
            ("attribute=x", "attribute", "unknown"),
            ("Attribute.a=x", "Attribute.a", "unknown"),
            ("optional=x", "optional", "unknown"),
        ] {
            assert_eq!(errors(query), [(field.to_owned(), code.to_owned())]);
        }
        let long = "x".repeat(ATTRIBUTE_CHARS_MAX + 1);
        assert_eq!(errors(&format!("option.a={long}"))[0].1, "max");
    }
}
