use proptest::prelude::*;

use super::*;
use crate::{MAX_LISTED_ERRORS, Price};
use mercato_kernel::OrderId;

fn errors(result: Result<(), Problem>) -> Vec<(String, String)> {
    let document = result.unwrap_err().document("/", "r", "t");
    let pair = |error: &serde_json::Value| {
        (
            error["field"].as_str().unwrap().to_owned(),
            error["code"].as_str().unwrap().to_owned(),
        )
    };
    document["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(pair)
        .collect()
}

#[test]
fn members_are_read_by_type() {
    let mut fields =
        Fields::parse(br#"{"name":"a","price":0.1,"stock":3,"sku":null,"items":[{"quantity":2}]}"#)
            .unwrap();
    assert_eq!(fields.required::<String>("name"), "a");
    assert_eq!(fields.required::<Price>("price").0.units(), 1_000);
    assert_eq!(fields.optional::<u64>("stock"), Some(3));
    assert_eq!(fields.optional::<bool>("absent"), None);
    assert_eq!(fields.nullable::<String>("sku"), Some(None));
    assert_eq!(
        fields.objects("items", 9, |item| item.required::<u32>("quantity")),
        [2]
    );
    fields.finish().unwrap();
}

#[test]
fn an_object_may_have_names_of_the_clients_own() {
    let read = |body: &str| {
        let mut fields = Fields::parse(body.as_bytes()).unwrap();
        let read = fields.others::<String>();
        (read, fields.finish())
    };
    let (pairs, outcome) = read(r#"{"b":"2","a":"1"}"#);
    let expected =
        [("a", "1"), ("b", "2")].map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!((pairs, outcome.is_ok()), (expected.to_vec(), true));
    let (_, outcome) = read(r#"{"b":2,"a":"1","c":null}"#);
    let wrong =
        [("b", "type"), ("c", "type")].map(|(name, code)| (name.to_owned(), code.to_owned()));
    assert_eq!(errors(outcome), wrong);
}

#[test]
fn a_whole_number_may_be_written_with_a_fraction_of_nothing() {
    for (json, number) in [("2.0", 2), ("2e0", 2), ("0.2e1", 2), ("-0.0", 0)] {
        assert_eq!(u32::from_json(json), Ok(number), "{json}");
    }
    for json in ["2.5", "1e10", "-1.0", "1e400", "\"2\"", "null", "true"] {
        assert!(u32::from_json(json).is_err(), "{json}");
    }
    assert_eq!(i64::from_json("-3.0"), Ok(-3));
    assert_eq!(u64::from_json("18446744073709551615"), Ok(u64::MAX));
    assert!(
        u64::from_json("1e16").is_err(),
        "not every number that large is told apart"
    );
}

#[test]
fn what_cannot_be_read_and_what_breaks_a_rule_are_told_together() {
    let check = |body: &str| {
        let mut fields = Fields::parse(body.as_bytes()).unwrap();
        let pair = (
            fields.required::<String>("name"),
            fields.required::<u64>("stock"),
        );
        fields.draft(pair).check(|(name, _)| {
            let rule = |field| FieldError::new(field, "rule", "breaks it");
            let mut errors = vec![rule("stock")];
            errors.extend(name.is_empty().then(|| rule("name")));
            errors
        })
    };
    // The rules are asked only when something else is wrong: the domain has the last word anyway.
    assert_eq!(
        check(r#"{"name":"","stock":1}"#).unwrap(),
        (String::new(), 1)
    );
    for (body, expected) in [
        (
            r#"{"name":"","stock":"x","colour":1}"#,
            &[("stock", "type"), ("colour", "unknown"), ("name", "rule")][..],
        ),
        (r#"{"stock":1}"#, &[("name", "required"), ("stock", "rule")]),
    ] {
        let expected: Vec<_> = expected
            .iter()
            .map(|(field, code)| ((*field).to_owned(), (*code).to_owned()))
            .collect();
        assert_eq!(errors(check(body).map(drop)), expected, "{body}");
    }
}

#[test]
fn identifiers_and_ranges_are_checked_where_they_are_read() {
    const ID: &str = "01890a5d-ac96-774b-bcce-b302099a8057";
    let read = |body: String| {
        let mut fields = Fields::parse(body.as_bytes()).unwrap();
        let id: OrderId = fields.required("id");
        let read = (id, fields.required_within("n", 1..=9));
        fields.finish().map(|()| read)
    };
    for (given, number) in [("1", 1), ("9", 9), ("2.0", 2)] {
        let body = format!(r#"{{"id":"{ID}","n":{given}}}"#);
        assert_eq!(read(body).unwrap(), (OrderId::parse(ID).unwrap(), number));
    }
    for (body, id, number) in [
        (r#"{"id":"x","n":0}"#, "format", "min"),
        (r#"{"id":7,"n":10}"#, "type", "max"),
        (r#"{"id":null,"n":-1}"#, "type", "min"),
        (r#"{"id":"","n":1.5}"#, "format", "type"),
        ("{}", "required", "required"),
    ] {
        let expected =
            [("id", id), ("n", number)].map(|(field, code)| (field.to_owned(), code.to_owned()));
        assert_eq!(errors(read(body.to_owned()).map(drop)), expected, "{body}");
    }
}

#[test]
fn everything_that_is_wrong_is_named_at_once() {
    let mut fields = Fields::parse(
        br#"{"name":1,"price":0.12345,"role":"admin","items":[{"quantity":-1,"x":1},7]}"#,
    )
    .unwrap();
    fields.required::<String>("name");
    fields.required::<Price>("price");
    fields.required::<u64>("stock");
    fields.objects("items", 9, |item| item.required::<u32>("quantity"));
    let expected = [
        ("name", "type"),
        ("price", "precision"),
        ("stock", "required"),
        ("items[0].quantity", "type"),
        ("items[0].x", "unknown"),
        ("items[1]", "type"),
        ("role", "unknown"),
    ];
    let expected: Vec<_> = expected
        .iter()
        .map(|(field, code)| ((*field).to_owned(), (*code).to_owned()))
        .collect();
    assert_eq!(errors(fields.finish()), expected);
}

#[test]
fn what_is_not_a_json_object_is_refused_with_its_place() {
    for (body, detail) in [
        ("", "the body is empty: send a JSON object"),
        (
            "{\"a\":\n  oops}",
            "the body is not valid JSON at line 2 column 3",
        ),
        ("{\"a\":1", "the body is not valid JSON at line 1 column 6"),
        ("[1]", "the body must be a JSON object"),
        ("null", "the body must be a JSON object"),
        ("{} {}", "the body is not valid JSON at line 1 column 4"),
        ("{}x", "the body is not valid JSON at line 1 column 3"),
        (
            "\u{feff}{}",
            "the body is not valid JSON at line 1 column 1",
        ),
        (
            "{\"é\": \"日本\", oops}",
            "the body is not valid JSON at line 1 column 13",
        ),
        (
            "{\"a\":\n\"日\", 🍵}",
            "the body is not valid JSON at line 2 column 6",
        ),
        (
            "{\"a\":NaN}",
            "the body is not valid JSON at line 1 column 6",
        ),
        (
            "{\"a\":01}",
            "the body is not valid JSON at line 1 column 7",
        ),
        (
            "{\"\\ud800\":1}",
            "the body is not valid JSON at line 1 column 9",
        ),
    ] {
        let document = Fields::parse(body.as_bytes())
            .unwrap_err()
            .document("/", "r", "t");
        assert_eq!(document["detail"], detail, "{body}");
    }
}

#[test]
fn a_member_may_stand_in_an_object_only_once() {
    let mut fields = Fields::parse(
        br#"{"name":"a","name":"b","items":[{"quantity":1,"quantity":2}],"role":1,"role":2}"#,
    )
    .unwrap();
    fields.required::<String>("name");
    fields.objects("items", 9, |item| item.required::<u32>("quantity"));
    let expected = [
        ("name", "repeated"),
        ("role", "repeated"),
        ("items[0].quantity", "repeated"),
        ("role", "unknown"),
    ];
    let expected: Vec<_> = expected
        .iter()
        .map(|(field, code)| ((*field).to_owned(), (*code).to_owned()))
        .collect();
    assert_eq!(errors(fields.finish()), expected);
}

#[test]
fn values_that_cannot_be_are_refused_by_name() {
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    for value in ["\"\\ud800\"", "1e999", "-1", "1.5", "null", &deep] {
        let mut fields =
            Fields::parse(format!("{{\"a\":{value},\"b\":{value}}}").as_bytes()).unwrap();
        fields.required::<String>("a");
        fields.required::<u64>("b");
        let named: Vec<_> = errors(fields.finish())
            .into_iter()
            .map(|(field, _)| field)
            .collect();
        assert_eq!(named, ["a", "b"], "{value:.20}");
    }
}

/// Most bytes of an answer, whatever was sent: [`MAX_LISTED_ERRORS`] with names of which each character is escaped.
const MAX_ANSWER_BYTES: usize = 60_000;

fn answer(body: &[u8]) -> (usize, serde_json::Value) {
    let document = read(body).unwrap_err().document("/", "r", "t");
    (document.to_string().len(), document)
}

#[test]
fn a_list_that_is_too_long_is_one_error_and_none_of_it_is_read() {
    let list = vec!["{}"; 20_000].join(",");
    let (bytes, document) = answer(format!("{{\"name\":\"a\",\"items\":[{list}]}}").as_bytes());
    assert!(bytes < 1_000, "{bytes}");
    assert_eq!(document["errors"].as_array().unwrap().len(), 1);
    assert_eq!(document["errors"][0]["code"], "max");
    assert_eq!(
        document["detail"],
        "items must not have more than 9 entries"
    );
}

#[test]
fn an_object_with_too_many_members_is_one_error() {
    let members = |count| {
        let members: Vec<String> = (0..count).map(|n| format!("\"m{n}\":{n}")).collect();
        members.join(",")
    };
    let (_, document) = answer(format!("{{{}}}", members(101)).as_bytes());
    assert_eq!(
        document["detail"],
        "body must not have more than 100 members"
    );
    let inner = format!("{{\"name\":\"a\",\"items\":[{{{}}},{{}}]}}", members(5_000));
    let named = errors(read(inner.as_bytes()));
    let pair = |field: &str, code: &str| (field.to_owned(), code.to_owned());
    assert_eq!(
        named,
        [
            pair("items[0]", "max"),
            pair("items[1].quantity", "required")
        ]
    );
    // As many as there may be are told one by one, up to the bound.
    let (_, document) = answer(format!("{{{}}}", members(100)).as_bytes());
    assert_eq!(
        document["errors"].as_array().unwrap().len(),
        MAX_LISTED_ERRORS
    );
    assert_eq!(document["errorsTotal"], 102);
    assert_eq!(document["detail"], "102 fields are invalid");
}

#[test]
fn long_names_come_back_cut() {
    let body = format!(
        "{{\"name\":\"a\",\"items\":[],\"{}\":1}}",
        "x".repeat(60_000)
    );
    let (bytes, document) = answer(body.as_bytes());
    assert!(bytes < 1_000, "{bytes}");
    assert_eq!(
        document["errors"][0]["field"],
        format!("{}…", "x".repeat(63))
    );
}

#[test]
fn the_worst_body_is_answered_in_so_many_bytes() {
    let name = |n: usize| format!("{}{n}", "\\u0001".repeat(99));
    let members: Vec<String> = (0..100).map(|n| format!("\"{}\":1", name(n))).collect();
    let worst = format!("{{{}}}", members.join(","));
    let (bytes, document) = answer(worst.as_bytes());
    assert_eq!(
        document["errors"].as_array().unwrap().len(),
        MAX_LISTED_ERRORS
    );
    assert!(bytes <= MAX_ANSWER_BYTES, "{bytes}");
    for value in [
        "9".repeat(60_000),
        format!("0.{}", "9".repeat(60_000)),
        format!("\"{}\"", "y".repeat(60_000)),
    ] {
        let body =
            format!("{{\"name\":{value},\"price\":{value},\"sku\":{value},\"items\":{value}}}");
        let (bytes, _) = answer(body.as_bytes());
        assert!(bytes < 2_000, "{bytes}");
    }
}

fn read(body: &[u8]) -> Result<(), Problem> {
    let mut fields = Fields::parse(body)?;
    fields.required::<String>("name");
    fields.optional::<Price>("price");
    fields.nullable::<String>("sku");
    fields.objects("items", 9, |item| item.required::<u32>("quantity"));
    fields.finish()
}

proptest! {
    #[test]
    fn text_and_numbers_come_out_as_they_went_in(text in any::<String>(), number: u64, signed: i64) {
        let body = serde_json::json!({ "text": text, "number": number, "signed": signed }).to_string();
        let mut fields = Fields::parse(body.as_bytes()).unwrap();
        prop_assert_eq!(fields.required::<String>("text"), text);
        prop_assert_eq!(fields.required::<u64>("number"), number);
        prop_assert_eq!(fields.required::<i64>("signed"), signed);
        prop_assert!(fields.finish().is_ok());
    }

    #[test]
    fn an_answer_never_grows_with_the_body(
        name in "[a\\u{1}é🍵\"]{0,300}",
        count in 0..4_000_usize,
        filler in prop_oneof![Just("{}"), Just("[]"), Just("1"), Just("{\"a\":1,\"a\":2}"), Just("{\"quantity\":-1}"), Just("null")],
    ) {
        let members: Vec<String> = (0..count)
            .map(|n| format!("{}:{filler}", serde_json::Value::from(format!("{name}{n}"))))
            .collect();
        let list = vec![filler; count].join(",");
        for body in [
            format!("{{{}}}", members.join(",")),
            format!("{{\"items\":[{list}]}}"),
            format!("{{\"items\":[{{{}}}]}}", members.join(",")),
        ] {
            let (bytes, document) = answer(body.as_bytes());
            prop_assert!(bytes <= MAX_ANSWER_BYTES, "{}", bytes);
            prop_assert!(document["errors"].as_array().unwrap().len() <= MAX_LISTED_ERRORS);
        }
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
        if let Err(problem) = read(&bytes) {
            prop_assert_eq!(problem.status().as_u16(), 400);
        }
    }

    #[test]
    fn anything_like_json_is_read_or_refused(body in r#"\{("(name|price|sku|items)":("[a\\\\u"]{0,4}"|-?[0-9]{1,3}(\.[0-9])?|null|\[\{\}?\]|[\[{]{0,9}),?){0,4}\}"#) {
        if let Err(problem) = read(body.as_bytes()) {
            prop_assert_eq!(problem.status().as_u16(), 400);
        }
    }
}

#[test]
fn cells_are_texts_or_what_json_writes() {
    let mut cells = Fields::cells([("name", "null"), ("stock", "3"), ("units", "x"), ("b", "")]);
    assert_eq!(cells.required::<String>("name"), "null");
    assert_eq!(cells.nullable::<u64>("stock"), Some(Some(3)));
    assert_eq!(cells.optional::<u64>("units"), None);
    assert_eq!(cells.required::<String>("sku"), "");
    let expected = [("units", "type"), ("sku", "required"), ("b", "unknown")];
    let expected = expected.map(|(field, code)| (field.to_owned(), code.to_owned()));
    assert_eq!(errors(cells.finish()), expected);
}

/// A place inside another object.
struct Town {
    name: String,
    zip: Option<String>,
}

impl FromFields for Town {
    const NAMES: &'static [&'static str] = &["name", "zip"];

    fn from_fields(fields: &mut Fields) -> Self {
        Self {
            name: fields.required("name"),
            zip: fields.optional("zip"),
        }
    }
}

#[test]
fn objects_and_values_inside_are_read() {
    let body = br#"{"home":{"name":"Wien","zip":"1010"},"work":null,"tags":["a","b"],"lines":[{"units":1}]}"#;
    let mut fields = Fields::parse(body).unwrap();
    let home: Town = fields.required_object("home");
    assert_eq!((&*home.name, home.zip.as_deref()), ("Wien", Some("1010")));
    assert!(matches!(fields.nullable_object::<Town>("work"), Some(None)));
    assert!(fields.nullable_object::<Town>("absent").is_none());
    assert!(fields.optional_object::<Town>("absent").is_none());
    assert_eq!(fields.values::<String>("tags", 2), ["a", "b"]);
    assert_eq!(fields.optional_values::<String>("absent", 2), None);
    let units = |line: &mut Fields| line.required::<u32>("units");
    assert_eq!(fields.optional_objects("lines", 2, units), Some(vec![1]));
    assert_eq!(fields.optional_objects("absent", 2, units), None);
    fields.finish().unwrap();
}

#[test]
fn what_is_no_object_keeps_its_place_in_a_list() {
    let check = |body: &str| {
        let mut fields = Fields::parse(body.as_bytes()).unwrap();
        let units = fields.objects("lines", 9, |line| line.required::<u32>("units"));
        let rules = |units: &Vec<u32>| {
            let few = units.iter().enumerate().filter(|(_, units)| **units < 2);
            few.map(|(index, _)| {
                let field = format!("lines[{index}].units");
                FieldError::new(field, "min", "must be two")
            })
            .collect()
        };
        errors(fields.draft(units).check(rules).map(drop))
    };
    let found = check(r#"{"lines":[7,{"units":1},{"units":"x"},{"units":2},{}]}"#);
    let expected = [
        ("lines[0]", "type"),
        ("lines[2].units", "type"),
        ("lines[4].units", "required"),
        ("lines[1].units", "min"),
    ];
    let expected = expected.map(|(field, code)| (field.to_owned(), code.to_owned()));
    assert_eq!(found, expected);
}

#[test]
fn what_is_wrong_inside_is_named_by_its_path() {
    let body = br#"{"home":{"name":1,"name":2,"zap":3},"work":[],"rest":null,"tags":["a",1],"more":["a","b","c"]}"#;
    let mut fields = Fields::parse(body).unwrap();
    fields.required_object::<Town>("home");
    fields.optional_object::<Town>("work");
    fields.optional_object::<Town>("rest");
    fields.required_object::<Town>("gone");
    fields.values::<String>("tags", 9);
    fields.optional_values::<String>("more", 2);
    let named = errors(fields.finish());
    let named: Vec<_> = named
        .iter()
        .map(|(field, code)| (&**field, &**code))
        .collect();
    assert_eq!(
        named,
        [
            ("home.name", "repeated"),
            ("home.name", "type"),
            ("home.zap", "unknown"),
            ("work", "type"),
            ("rest", "type"),
            ("gone", "required"),
            ("tags[1]", "type"),
            ("more", "max"),
        ]
    );
}
