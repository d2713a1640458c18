//! Files as they come, and in what pieces.

use mercato_edge::examples::from_query;
use mercato_edge::{FieldError, Problem};
use mercato_money::Money;
use products::application::commands::import_products::RowOutcome;
use products::domain::product::{ProductChanges, StockChange};
use proptest::prelude::*;

use super::line::{MAX_ROW_BYTES, Refusal};
use super::options::Options;
use super::reader::Reader;
use super::records::{MAX_COLUMNS, Records};
use super::report::MAX_REPORTED_FAILURES;
use super::*;

mod exports;
mod forms;
mod quotes;
mod shopify;

/// What most tests look at: the line, and what the row says or why there is none.
type Seen = Vec<(u64, Result<ProductChanges, Refusal>)>;

fn read_lines<'a>(
    mut reader: Reader,
    pieces: impl IntoIterator<Item = &'a [u8]>,
) -> Result<Vec<Line>, Problem> {
    let mut seen = Vec::new();
    for piece in pieces {
        let mut input = piece;
        while let Some(line) = reader.next(&mut input)? {
            seen.push(line);
        }
        assert!(input.is_empty());
    }
    while let Some(line) = reader.finish()? {
        seen.push(line);
    }
    Ok(seen)
}

fn read_pieces<'a>(
    reader: Reader,
    pieces: impl IntoIterator<Item = &'a [u8]>,
) -> Result<Seen, Problem> {
    let lines = read_lines(reader, pieces)?.into_iter();
    let seen = lines.map(|line| (line.lines.first, line.row.map(|row| row.changes)));
    Ok(seen.collect())
}

fn options(query: &str) -> Options {
    from_query::<ImportQuery>(query).unwrap().into()
}

fn ndjson_reader() -> Reader {
    Reader::ndjson(&Options::default())
}

fn csv_reader() -> Reader {
    Reader::csv(&Options::default())
}

fn ndjson(text: &str) -> Seen {
    read_pieces(ndjson_reader(), [text.as_bytes()]).unwrap()
}

fn csv(text: impl AsRef<[u8]>) -> Seen {
    read_pieces(csv_reader(), [text.as_ref()]).unwrap()
}

fn csv_with(query: &str, text: impl AsRef<[u8]>) -> Seen {
    read_pieces(Reader::csv(&options(query)), [text.as_ref()]).unwrap()
}

fn header_errors(text: &str) -> Vec<(String, String)> {
    header_errors_with("", text)
}

fn header_errors_with(query: &str, text: &str) -> Vec<(String, String)> {
    let reader = Reader::csv(&options(query));
    let problem = read_pieces(reader, [text.as_bytes()]).unwrap_err();
    assert_eq!(problem.status().as_u16(), 400);
    let document = problem.document("/", "r", "t");
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    let Some(errors) = document["errors"].as_array() else {
        return vec![(problem.code().to_owned(), text(&document["detail"]))];
    };
    errors
        .iter()
        .map(|error| (text(&error["field"]), text(&error["code"])))
        .collect()
}

fn row(sku: &str) -> ProductChanges {
    ProductChanges {
        sku: Some(Some(sku.parse().unwrap())),
        ..ProductChanges::default()
    }
}

fn sku(row: &ProductChanges) -> &str {
    row.sku.as_ref().unwrap().as_ref().unwrap().as_str()
}

fn refused(seen: &Seen) -> Vec<(u64, &'static str, String)> {
    seen.iter()
        .filter_map(|(line, row)| {
            let refusal = row.as_ref().err()?;
            Some((*line, refusal.code, refusal.message.clone()))
        })
        .collect()
}

/// Rows cannot be compared, their texts can.
fn shown(seen: &Seen) -> String {
    format!("{seen:?}")
}

#[test]
fn every_line_of_ndjson_is_a_row_of_its_own() {
    let text = concat!(
        r#"{"sku":"T-1","name":"Tea","description":"a\nb","price":4.99,"stock":3}"#,
        "\r\n\n  \n",
        r#"{"sku":"M-1"}"#,
    );
    let tea = ProductChanges {
        name: Some("Tea".parse().unwrap()),
        description: Some("a\nb".parse().unwrap()),
        price: Some(Money::from_units(49_900)),
        stock: Some(StockChange::Absolute(3)),
        ..row("T-1")
    };
    assert_eq!(
        shown(&ndjson(text)),
        shown(&vec![(1, Ok(tea)), (4, Ok(row("M-1")))])
    );
    assert_eq!(ndjson("").len(), 0);
    assert_eq!(ndjson("\n\n").len(), 0);
}

#[test]
fn a_line_of_ndjson_that_cannot_be_read_fails_by_itself() {
    let text = concat!(
        "{\"sku\":\n",
        "[1]\n",
        "{\"sku\":\"A\"} {\"sku\":\"B\"}\n",
        "{\"sku\":1,\"price\":\"1\",\"stock\":-1,\"colour\":\"red\"}\n",
        "{\"name\":\"Tea\"}\n",
        "{\"sku\":\"C\"}\n",
    );
    let seen = ndjson(text);
    let message = |line, code, message: &str| (line, code, message.to_owned());
    assert_eq!(
        refused(&seen),
        [
            message(
                1,
                "malformed-json",
                "the line is not valid JSON at column 7"
            ),
            message(2, "malformed-json", "the line must be a JSON object"),
            message(
                3,
                "malformed-json",
                "the line is not valid JSON at column 13"
            ),
            message(
                4,
                "validation",
                "sku must be a string; price must be a decimal number such as 12.50; stock must not be less than 0; \
                 colour is not a known field"
            ),
            message(5, "validation", "sku is required, unless there is a slug"),
        ]
    );
    assert_eq!(seen.len(), 6);
    let broken = read_pieces(
        ndjson_reader(),
        [&b"{\"sku\":\"\xff\"}\n{\"sku\":\"A\"}"[..]],
    )
    .unwrap();
    assert_eq!(refused(&broken)[0].1, "malformed-json");
    assert!(broken[1].1.is_ok());
}

#[test]
fn csv_columns_come_in_any_order_and_empty_cells_say_nothing() {
    let text = "Price, sku ,NAME,stock\r\n4.99,T-1,\"Tea, \"\"green\"\"\",3\r\n,M-1,, \r\n";
    let tea = ProductChanges {
        name: Some("Tea, \"green\"".parse().unwrap()),
        price: Some(Money::from_units(49_900)),
        stock: Some(StockChange::Absolute(3)),
        ..row("T-1")
    };
    let expected = shown(&vec![(2, Ok(tea)), (3, Ok(row("M-1")))]);
    assert_eq!(shown(&csv(text)), expected);
    assert_eq!(shown(&csv(text.replace("\r\n", "\n"))), expected);
    assert_eq!(shown(&csv(text.trim_end())), expected);
}

#[test]
fn lines_of_csv_are_counted_as_an_editor_does() {
    for end in ["\n", "\r\n", "\r"] {
        let text = [
            "",
            "sku,description",
            "A,\"two",
            "lines\"",
            "",
            "B",
            "C,x",
            "D,\"open",
            "E,y",
            "",
        ]
        .join(end);
        let seen = csv(&text);
        let lines: Vec<u64> = seen.iter().map(|(line, _)| *line).collect();
        assert_eq!(lines, [3, 6, 7, 8], "{end:?}");
        let failed: Vec<_> = refused(&seen)
            .into_iter()
            .map(|(line, code, _)| (line, code))
            .collect();
        assert_eq!(
            failed,
            [(6, "malformed-csv"), (8, "malformed-csv")],
            "{end:?}"
        );
        let Ok(first) = &seen[0].1 else {
            panic!("not read")
        };
        let lines = format!("two{end}lines");
        assert_eq!(first.description, Some(lines.parse().unwrap()));
    }
}

#[test]
fn a_row_of_csv_that_breaks_a_rule_names_its_fields() {
    let text = "sku,price,stock\n,1,1\nA,1.23456,x\nB,\"1,5\",-1\nC,1\nD,1,1,1\n\"E\",0.30000000000000004,2\n";
    let seen = csv(text);
    let codes = |seen: &Seen, index: usize| -> Vec<(String, String)> {
        let refusal = seen[index].1.as_ref().unwrap_err();
        let pair = |error: &FieldError| (error.field.clone(), error.code.to_string());
        refusal.errors.iter().map(pair).collect()
    };
    let pair = |field: &str, code: &str| (field.to_owned(), code.to_owned());
    assert_eq!(codes(&seen, 0), [pair("sku", "required")]);
    assert_eq!(
        codes(&seen, 1),
        [pair("price", "precision"), pair("stock", "type")]
    );
    assert_eq!(
        codes(&seen, 2),
        [pair("price", "type"), pair("stock", "min")]
    );
    let counts: Vec<_> = refused(&seen)
        .into_iter()
        .map(|(.., message)| message)
        .collect();
    assert_eq!(counts[3], "the row has 2 fields and the header 3");
    assert_eq!(counts[4], "the row has 4 fields and the header 3");
    assert_eq!(
        seen[5].1.as_ref().unwrap().price,
        Some(Money::from_units(3_000))
    );
}

#[test]
fn a_cell_that_is_not_utf_8_fails_by_itself() {
    let seen = csv(b"sku,name\nA,\xff\nB,b\n");
    assert_eq!(refused(&seen)[0].2, "the row is not UTF-8");
    assert!(seen[1].1.is_ok());
}

#[test]
fn a_header_that_cannot_be_used_ends_the_import() {
    let named = |text: &str| header_errors(text);
    let pair = |field: &str, code: &str| (field.to_owned(), code.to_owned());
    assert_eq!(named("name,price\nTea,1\n"), [pair("sku", "required")]);
    assert_eq!(
        named("sku,SKU,colour\n"),
        [pair("sku", "repeated"), pair("colour", "unknown")]
    );
    assert_eq!(
        named("sku|name\nA|B\n"),
        [pair("sku|name", "unknown"), pair("sku", "required")]
    );
    assert_eq!(
        named("sku,name,,\n"),
        [pair("", "unknown"), pair("", "unknown")]
    );
    for text in [
        "",
        "\r\n\r\n",
        ",,,\n;;\n",
        "\"sku",
        "sku,na\"me\nA,B\n",
        "\"sku\"x,name\nA,B\n",
        &"x".repeat(MAX_ROW_BYTES + 1),
        &",".repeat(99),
    ] {
        let errors = named(text);
        assert_eq!(errors[0].0, "malformed-csv");
        assert!(
            errors[0].1.contains("the first row must name the columns"),
            "{errors:?}"
        );
    }
}

#[test]
fn a_byte_order_mark_is_no_part_of_the_file() {
    assert!(csv("\u{feff}\"sku\"\nA\n")[0].1.is_ok());
    assert!(ndjson("\u{feff}{\"sku\":\"A\"}")[0].1.is_ok());
    // Only one, and only at the beginning.
    assert_eq!(header_errors("\u{feff}\u{feff}sku\n").len(), 2);
    assert!(
        ndjson("{\"sku\":\"A\"}\n\u{feff}{\"sku\":\"A\"}")[1]
            .1
            .is_err()
    );
    assert_eq!(ndjson("\u{feff}").len(), 0);
}

#[test]
fn a_row_that_is_too_long_fails_by_itself_and_is_not_kept() {
    let long = "x".repeat(MAX_ROW_BYTES);
    let text = format!("{{\"sku\":\"A\"}}\n{{\"sku\":\"{long}\"}}\n{{\"sku\":\"B\"}}\n");
    let seen = ndjson(&text);
    assert_eq!(seen.len(), 3);
    assert_eq!(
        (refused(&seen)[0].0, refused(&seen)[0].1),
        (2, "row-too-long")
    );
    let text = format!("sku,description\nA,\nB,{long}\nC,\nD,\"{long}\nE,\n");
    let seen = csv(&text);
    let failed: Vec<_> = refused(&seen)
        .into_iter()
        .map(|(line, code, _)| (line, code))
        .collect();
    assert_eq!(failed, [(3, "row-too-long"), (5, "row-too-long")]);
    assert_eq!(seen.len(), 4);
}

#[test]
fn the_longest_texts_of_a_product_fit_into_a_row() {
    let escaped = |count: usize| "\\ud83c\\udf75".repeat(count);
    let text = format!(
        "{{\"sku\":\"{}\",\"name\":\"{}\",\"description\":\"{}\",\"price\":999999999.9999,\"stock\":1000000000}}",
        escaped(64),
        escaped(200),
        escaped(5_000)
    );
    let seen = ndjson(&text);
    let row = seen[0].1.as_ref().unwrap();
    assert_eq!(
        row.description
            .as_ref()
            .map(|text| text.as_str().chars().count()),
        Some(5_000)
    );
}

#[test]
fn a_report_of_the_worst_rows_stays_within_its_bytes() {
    let long = "x".repeat(500);
    let mut report = ImportReport::default();
    for line in 1..=20_000 {
        let error = FieldError::new("sku", "unknown", &*long);
        report.fail(Lines::one(line), Refusal::invalid(vec![error; 50]));
        let last = line + 1;
        report.fail(Lines { first: line, last }, Refusal::too_long());
    }
    let value = serde_json::to_value(&report).unwrap();
    assert!(value.to_string().len() < 5 * 1024 * 1024);
    assert_eq!(value["failedTotal"], 40_000);
    let failed = value["failed"].as_array().unwrap();
    assert!(failed.len() > 500);
    assert_eq!(failed[0]["errors"].as_array().map(Vec::len), Some(10));
    // Those that are told are the first ones, without a gap.
    for (index, row) in failed.iter().enumerate() {
        assert_eq!(row["line"].as_u64().unwrap(), index as u64 / 2 + 1);
    }
}

#[test]
fn a_report_names_a_bounded_number_of_failures_and_counts_all() {
    let mut report = ImportReport::default();
    for line in 1..=MAX_REPORTED_FAILURES as u64 + 5 {
        report.fail(Lines::one(line), Refusal::too_long());
    }
    report.count(Lines::one(900), RowOutcome::Created);
    let value = serde_json::to_value(&report).unwrap();
    assert_eq!(
        value["failed"].as_array().map(Vec::len),
        Some(MAX_REPORTED_FAILURES)
    );
    assert_eq!(
        (&value["failedTotal"], &value["created"]),
        (&(MAX_REPORTED_FAILURES + 5).into(), &1.into())
    );
    assert_eq!(value["failed"][0]["line"], 1);
    assert_eq!(report.rows(), MAX_REPORTED_FAILURES as u64 + 6);
}

#[test]
fn separators_are_those_of_the_header() {
    let tea = ProductChanges {
        name: Some("Tea, green; loose".parse().unwrap()),
        price: Some(Money::from_units(49_900)),
        ..row("T-1")
    };
    for separator in [",", ";", "\t"] {
        let text = [
            "sku\u{1}\"name\"\u{1}price",
            "T-1\u{1}\"Tea, green; loose\"\u{1}4.99",
            "",
        ];
        let text = text.join("\r\n").replace('\u{1}', separator);
        assert_eq!(
            shown(&csv(&text)),
            shown(&vec![(2, Ok(tea.clone()))]),
            "{separator:?}"
        );
    }
    // A comma in a name does not count against more semicolons, and none in quotes counts.
    let text = "sku;Price, net, EUR;name;stock;x\nA;1;B;2;\n";
    let seen = csv_with("unknown=ignore&columns=\"price:Price,+net,+EUR\"", text);
    let read = seen[0].1.as_ref().unwrap();
    assert_eq!(
        (read.price, read.stock),
        (
            Some(Money::from_units(10_000)),
            Some(StockChange::Absolute(2))
        )
    );
    let seen = csv_with("unknown=ignore", "\"a;b;c\",sku\nx,A\n");
    assert_eq!(shown(&seen), shown(&vec![(2, Ok(row("A")))]));
    // A single column has no separator.
    assert_eq!(shown(&csv("sku\nA;B\n")), shown(&vec![(2, Ok(row("A;B")))]));
}

#[test]
fn rows_of_empty_cells_are_passed_over() {
    let text = ",,\nsku,name,price\nA,,\n,,\n\"\",,\n ,\t,\"  \"\n,,,,,,,,\nB,,\n,,";
    let seen = csv(text);
    assert_eq!(
        shown(&seen),
        shown(&vec![(3, Ok(row("A"))), (8, Ok(row("B")))])
    );
    // One that has something in it is not.
    let failed = csv("sku,name\n,x\n,,x\n");
    let lines: Vec<_> = refused(&failed)
        .into_iter()
        .map(|(line, ..)| line)
        .collect();
    assert_eq!(lines, [2, 3]);
}

#[test]
fn unknown_columns_are_ignored_when_the_query_says_so() {
    let text = b"Vendor,sku,,Vendor,Type\nAcme,A,x,y,\xff\nAcme,,x,,\nAcme,B\n";
    let seen = csv_with("unknown=ignore", text);
    assert_eq!(shown(&seen[..1].to_vec()), shown(&vec![(2, Ok(row("A")))]));
    // A row that says nothing of what is read is passed over; one of another width is not.
    let failed: Vec<_> = refused(&seen).into_iter().map(|(line, ..)| line).collect();
    assert_eq!((seen.len(), failed), (2, vec![4]));
    assert_eq!(
        header_errors_with("unknown=ignore", "sku,SKU,x,x\n"),
        [("sku".to_owned(), "repeated".to_owned())]
    );
    let reader = Reader::ndjson(&options("unknown=ignore"));
    let text = b"{\"sku\":\"A\",\"vendor\":{\"a\":1}}\n{\"vendor\":1}\n{\"sku\":\"B\",\"stock\":-1,\"x\":1}";
    let seen = read_pieces(reader, [&text[..]]).unwrap();
    assert!(seen[0].1.is_ok());
    let failed: Vec<_> = refused(&seen)
        .into_iter()
        .map(|(.., message)| message)
        .collect();
    assert_eq!(
        failed,
        [
            "sku is required, unless there is a slug",
            "stock must not be less than 0"
        ]
    );
}

#[test]
fn columns_are_read_under_the_names_that_the_query_gives() {
    let query = "columns=price:Variant+Price,name:Title&unknown=ignore";
    let seen = csv_with(query, "SKU,TITLE,Price,variant price,Name\nA,Tea,9,1.5,x\n");
    let tea = ProductChanges {
        name: Some("Tea".parse().unwrap()),
        price: Some(Money::from_units(15_000)),
        ..row("A")
    };
    assert_eq!(shown(&seen), shown(&vec![(2, Ok(tea))]));
    let pair = |field: &str, code: &str| (field.to_owned(), code.to_owned());
    assert_eq!(
        header_errors_with("columns=price:Variant+Price", "sku,price\n"),
        [pair("price", "unknown"), pair("price", "required")]
    );
    assert_eq!(
        header_errors_with("columns=sku:Handle&unknown=ignore", "sku,price\n"),
        [pair("sku", "required")]
    );
}

#[test]
fn wide_files_are_read_and_the_bound_that_was_met_is_told() {
    let names = |count: usize| -> String {
        (1..count)
            .map(|number| format!("c{number},"))
            .collect::<String>()
            + "sku\n"
    };
    let cells = |count: usize| ",".repeat(count - 1) + "A\n";
    let widest = names(MAX_COLUMNS) + &cells(MAX_COLUMNS) + &cells(MAX_COLUMNS + 1) + &cells(9_999);
    let seen = csv_with("unknown=ignore", &widest);
    assert!(seen[0].1.is_ok());
    let messages: Vec<_> = refused(&seen)
        .into_iter()
        .map(|(.., message)| message)
        .collect();
    let told = [257, 9_999].map(|count| format!("the row has {count} fields and the header 256"));
    assert_eq!(messages, told);
    let errors = header_errors_with("unknown=ignore", &names(MAX_COLUMNS + 1));
    assert!(
        errors[0]
            .1
            .contains("has 257 columns, and a file must not have more than 256"),
        "{errors:?}"
    );
    let long = header_errors(&"x,".repeat(MAX_ROW_BYTES));
    assert!(
        long[0].1.contains("the header is longer than 65536 bytes"),
        "{long:?}"
    );
    assert!(!long[0].1.contains("quote"), "{long:?}");
}

/// Text that is nearly a file: what matters to the readers is frequent.
fn file() -> impl Strategy<Value = Vec<u8>> {
    let part = prop_oneof![
        4 => prop::sample::select(vec![
            "\n", "\r\n", "\r", "\"", "\"\"", ",", "sku", "name", "price", "stock", "{", "}", ":", "1.5", " ",
            "{\"sku\":\"A\",\"stock\":1}", "\u{feff}", "é", "A,\"b\nc\",1", "\\", ";", "\t", ",\"", "\",",
        ])
        .prop_map(|text| text.as_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..6),
    ];
    let start = prop::sample::select(vec!["", "sku,name\n", "\u{feff}sku\r\n", "stock,sku\n"]);
    (start, prop::collection::vec(part, 0..40))
        .prop_map(|(start, parts)| [start.as_bytes().to_vec(), parts.concat()].concat())
}

proptest! {
    #[test]
    fn the_same_bytes_give_the_same_rows_in_whatever_pieces(
        bytes in file(),
        sizes in prop::collection::vec(0_usize..9, 1..20),
    ) {
        let mut pieces = Vec::new();
        let mut rest = bytes.as_slice();
        for size in sizes.iter().cycle().take(1_000) {
            let (piece, others) = rest.split_at(rest.len().min(*size));
            pieces.push(piece);
            rest = others;
        }
        pieces.push(rest);
        for reader in [ndjson_reader, csv_reader] {
            let whole = read_pieces(reader(), [bytes.as_slice()]);
            let in_pieces = read_pieces(reader(), pieces.iter().copied());
            prop_assert_eq!(format!("{whole:?}"), format!("{in_pieces:?}"));
        }
    }
}
