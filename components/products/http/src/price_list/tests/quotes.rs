//! Quotes that RFC 4180 does not allow, and what must not be taken because of them.

use super::*;
use crate::price_list::records::Record;

/// The lines that have failed, and the numbers of the products that were taken.
fn outcome(text: &str) -> (Vec<(u64, u64)>, Vec<String>) {
    let lines = read_lines(csv_reader(), [text.as_bytes()]).unwrap();
    let mut failed = Vec::new();
    let mut taken = Vec::new();
    for line in lines {
        match line.row {
            Ok(row) => taken.push(sku(&row.changes).to_owned()),
            Err(refusal) => {
                assert_eq!(
                    refusal.code, "malformed-csv",
                    "{text:?}: {}",
                    refusal.message
                );
                failed.push((line.lines.first, line.lines.last));
            }
        }
    }
    (failed, taken)
}

#[test]
fn a_stray_quote_does_not_shift_rows() {
    let text = "sku,name,description,price,stock\nA,Desk,\"3 ft wide,100,1\nB,Lamp,x,20,2\nC,Chair,\"nice\",30,3\nD,Sofa,y,400,4\n";
    let seen = csv(text);
    assert_eq!(
        refused(&seen),
        [(
            2,
            "malformed-csv",
            "line 2 opens a quote, and on line 4 text follows the quote that closes it; lines 2 to 4 are not imported"
                .to_owned()
        )]
    );
    let sofa = seen[1].1.as_ref().unwrap();
    assert_eq!(
        (sku(sofa), sofa.price, seen.len()),
        ("D", Some(Money::from_units(4_000_000)), 2)
    );
}

/// A file without its header, the lines of its failures from the first to the last, and what is taken of it.
type Case = (&'static str, &'static [(u64, u64)], &'static [&'static str]);

#[test]
fn a_fault_takes_the_lines_that_are_doubtful_with_it() {
    let cases: &[Case] = &[
        // A quote inside of a field without quotes stands for itself: the next line is certain.
        ("A,5\" tube,1\nB,x,2\n", &[(2, 2)], &["B"]),
        ("A,x,1\"\nB,x,2\n", &[(2, 2)], &["B"]),
        // Behind blanks it may have been meant to open the field.
        ("A, \"x\",1\nB,x,2\n", &[(2, 2)], &["B"]),
        ("A, \"two\nB,x,2\nlines\",1\nC,x,3\n", &[(2, 4)], &["C"]),
        ("A, \"x,1\nB,x,2\nC,x,3\n", &[(2, 4)], &[]),
        // Text behind a quote that closes a field: perhaps nobody doubled the quotes in it.
        ("A,\"say \"hi\" now\",1\nB,x,2\n", &[(2, 2)], &["B"]),
        (
            "A,\"say \"hi\" to\nB,x,2\nall\",1\nC,x,3\n",
            &[(2, 4)],
            &["C"],
        ),
        ("A,\"x\" ,1\nB,x,2\n", &[(2, 2)], &["B"]),
        ("A,\"3 ft,\"100\"\nB,x,2\n", &[(2, 2)], &["B"]),
        // A quote that is escaped as a programmer would.
        ("A,\"5\\\" tube\",1\nB,x,2\n", &[(2, 2)], &["B"]),
        // Where every field has quotes, the next one closes what is open.
        (
            "\"A\",\"x,1\n\"B\",\"x\",\"2\"\n\"C\",\"x\",\"3\"\n",
            &[(2, 3)],
            &["C"],
        ),
        (
            "\"A\",\"5\"\",1\n\"B\",\"x\",\"2\"\n\"C\",\"x\",\"3\"\n",
            &[(2, 3)],
            &["C"],
        ),
        // A quote that is never closed.
        ("A,\"x,1\nB,x,2\n", &[(2, 3)], &[]),
        ("A,x,1\nB,x,\"", &[(3, 3)], &["A"]),
        ("A,x,1\nB,\"x\n\n\n", &[(3, 5)], &["A"]),
        // Without a quote that closes it, the field may go on to the end of the file.
        ("A,\"3\" tube,1\nB,x,2\n", &[(2, 3)], &[]),
        (
            "A,\"3\" tube,1\nB,x,2\nC,\"x\",3\nD,x,4\n",
            &[(2, 4)],
            &["D"],
        ),
        // Lines are counted whatever ends them, and several faults stand for themselves.
        (
            "A,x\"y,1\r\rB,x,2\r\nC,\"x\"y\",3\n\nD,x,4",
            &[(2, 2), (5, 5)],
            &["B", "D"],
        ),
        // The rows of the file that RFC 4180 allows are taken.
        (
            "A,\"\",1\nB,\"a \"\"b\"\" c\",2\nC,\"two\n\"\"lines\"\"\",3\n\"D\",\"\"\"\",\"4\"",
            &[],
            &["A", "B", "C", "D"],
        ),
    ];
    for (rows, failed, taken) in cases {
        let (seen, skus) = outcome(&format!("sku,description,price\n{rows}"));
        assert_eq!(
            (&*seen, skus),
            (*failed, taken.iter().map(|sku| (*sku).to_owned()).collect()),
            "{rows:?}"
        );
    }
}

#[test]
fn every_fault_is_told_in_its_own_words() {
    let told = |rows: &str| {
        let seen = csv(format!("sku,name\n{rows}"));
        refused(&seen)[0].2.clone()
    };
    for (rows, message) in [
        (
            "A,5\" tube",
            "on line 2, a quote stands inside a field that does not begin with one",
        ),
        (
            "A,\"x\"y",
            "on line 2, text follows the quote that closes a field",
        ),
        ("A,\"x", "the quote that line 2 opens is not closed"),
        (
            "A,\"x\ny\n",
            "the quote that line 2 opens is not closed; lines 2 to 3 are not imported",
        ),
    ] {
        assert_eq!(told(rows), message);
    }
    let long = "x".repeat(MAX_ROW_BYTES);
    assert_eq!(
        told(&format!("A,{long}")),
        "the row is longer than 65536 bytes"
    );
    assert_eq!(
        told(&format!("A,\"{long}\nB,\n")),
        "the row is longer than 65536 bytes; the quote that line 2 opens is not closed; lines 2 to 3 are not imported"
    );
}

#[test]
fn a_fault_behind_a_long_field_ends_where_it_is_certain() {
    let long = "B,x,1\n".repeat(MAX_ROW_BYTES);
    let text = format!("sku,name,price\nA,\"x,1\n{long}C,\"x\",2\nD,x,3\n");
    let lines = read_lines(csv_reader(), [text.as_bytes()]).unwrap();
    let last = 3 + MAX_ROW_BYTES as u64;
    assert_eq!(lines[0].lines, Lines { first: 2, last });
    assert_eq!(lines[0].row.as_ref().unwrap_err().code, "row-too-long");
    assert_eq!(
        (lines.len(), sku(&lines[1].row.as_ref().unwrap().changes)),
        (2, "D")
    );
}

/// The lines of a file with what ends them.
fn physical_lines(bytes: &[u8]) -> Vec<&[u8]> {
    let mut lines = Vec::new();
    let mut begin = 0;
    for (position, byte) in bytes.iter().enumerate() {
        let is_end = match byte {
            b'\n' => true,
            b'\r' => bytes.get(position + 1) != Some(&b'\n'),
            _ => false,
        };
        if is_end {
            lines.push(&bytes[begin..=position]);
            begin = position + 1;
        }
    }
    lines.push(&bytes[begin..]);
    lines
}

/// The fields of a record as the grammar of RFC 4180 has them, read in another way than the reader does.
fn fields_by_grammar(mut text: &[u8], separator: u8) -> Option<Vec<Vec<u8>>> {
    let mut fields = Vec::new();
    loop {
        let field;
        if let Some(quoted) = text.strip_prefix(b"\"") {
            let mut value = Vec::new();
            let mut rest = quoted;
            loop {
                let quote = rest.iter().position(|byte| *byte == b'"')?;
                value.extend_from_slice(&rest[..quote]);
                rest = &rest[quote + 1..];
                match rest.strip_prefix(b"\"") {
                    Some(behind) => {
                        value.push(b'"');
                        rest = behind;
                    }
                    None => break,
                }
            }
            (field, text) = (value, rest);
        } else {
            let end = text.iter().position(|byte| *byte == separator);
            let (plain, rest) = text.split_at(end.unwrap_or(text.len()));
            if plain.iter().any(|byte| b"\"\r\n".contains(byte)) {
                return None;
            }
            (field, text) = (plain.to_vec(), rest);
        }
        fields.push(field);
        match text.split_first() {
            None => return Some(fields),
            Some((byte, rest)) if *byte == separator => text = rest,
            Some(_) => return None,
        }
    }
}

fn read_records(bytes: &[u8], separator: u8) -> Vec<(Record, Vec<Vec<u8>>)> {
    let mut records = Records::new(separator);
    let mut input = bytes;
    let mut read = Vec::new();
    loop {
        let record = records.next(&mut input).or_else(|| records.finish());
        let Some(record) = record else {
            return read;
        };
        let fields = records.fields().map(<[u8]>::to_vec).collect();
        read.push((record, fields));
    }
}

/// Bytes in which what matters to the reader is frequent.
fn near_csv() -> impl Strategy<Value = Vec<u8>> {
    let part = prop_oneof![
        8 => prop::sample::select(vec!["\"", "\"\"", ",", "\n", "\r\n", "\r", "a", " ", ",\"", "\",", "\"\n"])
            .prop_map(|text| text.as_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..3),
    ];
    prop::collection::vec(part, 0..60).prop_map(|parts| parts.concat())
}

/// A field as a strict writer writes it.
fn written(field: &str, separator: char, is_quoted: bool) -> String {
    if is_quoted || field.contains(['"', '\r', '\n', separator]) {
        format!("\"{}\"", field.replace('"', "\"\""))
    } else {
        field.to_owned()
    }
}

/// What the lenient parser of the crate `csv` reads.
fn read_leniently(bytes: &[u8], separator: u8) -> Vec<Vec<Vec<u8>>> {
    let mut reader = csv_core::ReaderBuilder::new().delimiter(separator).build();
    // It would take a byte order mark away.
    reader.read_record(b"\n", &mut [], &mut []);
    let (mut input, mut rows) = (bytes, Vec::new());
    let (mut text, mut ends) = (vec![0; bytes.len() + 1], vec![0; bytes.len() + 1]);
    loop {
        let (mut written, mut ended) = (0, 0);
        loop {
            let (result, taken, wrote, fields) =
                reader.read_record(input, &mut text[written..], &mut ends[ended..]);
            (input, written, ended) = (&input[taken..], written + wrote, ended + fields);
            match result {
                csv_core::ReadRecordResult::Record => break,
                csv_core::ReadRecordResult::End => return rows,
                _ => {}
            }
        }
        let begins = std::iter::once(&0).chain(&ends[..ended]);
        let fields = begins
            .zip(&ends[..ended])
            .map(|(begin, end)| text[*begin..*end].to_vec());
        rows.push(fields.collect());
    }
}

proptest! {
    #[test]
    fn what_a_strict_writer_writes_is_read_back(
        rows in prop::collection::vec(
            prop::collection::vec(("[a\",;\t\n\r é]{0,8}", any::<bool>()), 1..6),
            0..12,
        ),
        separator in prop::sample::select(vec![',', ';', '\t']),
        end in prop::sample::select(vec!["\n", "\r\n", "\r"]),
        ends_with_line_end: bool,
    ) {
        // A record of one empty field is an empty line, unless it stands in quotes.
        let quote = |row: &Vec<(String, bool)>, quoted: bool| quoted || row.len() == 1;
        let line = |row: &Vec<(String, bool)>| {
            let fields = row.iter().map(|(field, quoted)| written(field, separator, quote(row, *quoted)));
            fields.collect::<Vec<_>>().join(&separator.to_string())
        };
        let mut text = rows.iter().map(line).collect::<Vec<_>>().join(end);
        if ends_with_line_end {
            text.push_str(end);
        }
        let expected: Vec<Vec<Vec<u8>>> = rows
            .iter()
            .map(|row| row.iter().map(|(field, _)| field.as_bytes().to_vec()).collect())
            .collect();
        let separator = separator as u8;
        let read = read_records(text.as_bytes(), separator);
        for (record, _) in &read {
            prop_assert_eq!(record.fault, None);
        }
        let fields: Vec<_> = read.into_iter().map(|(_, fields)| fields).collect();
        prop_assert_eq!(&fields, &expected);
        prop_assert_eq!(&read_leniently(text.as_bytes(), separator), &expected);
    }

    #[test]
    fn no_record_is_taken_that_the_grammar_does_not_have(bytes in near_csv()) {
        let lines = physical_lines(&bytes);
        let mut next = 1;
        for (record, fields) in read_records(&bytes, b',') {
            let Lines { first, last } = record.lines;
            // Lines are taken once and in order; those between are empty.
            prop_assert!(next <= first && first <= last && last <= lines.len() as u64);
            let between = &lines[next as usize - 1..first as usize - 1];
            prop_assert!(between.concat().iter().all(|byte| b"\r\n".contains(byte)));
            next = last + 1;
            let text = lines[first as usize - 1..last as usize].concat();
            let line_end = [&b"\r\n"[..], b"\n", b"\r"].into_iter().find(|end| text.ends_with(end));
            let text = &text[..text.len() - line_end.map_or(0, <[u8]>::len)];
            match record.fault {
                Some(_) => prop_assert_eq!(fields_by_grammar(text, b','), None),
                None => {
                    prop_assert_eq!(record.bytes, text.len());
                    prop_assert_eq!(fields_by_grammar(text, b','), Some(fields));
                }
            }
        }
        let rest = lines.get(next as usize - 1..).unwrap_or_default();
        prop_assert!(rest.concat().iter().all(|byte| b"\r\n".contains(byte)));
    }

    #[test]
    fn a_quote_too_many_changes_no_row(
        rows in prop::collection::vec(
            prop::collection::vec(("[a\",; ]{0,6}", any::<bool>()), 2..4),
            1..10,
        ),
        place in any::<prop::sample::Index>(),
    ) {
        let line = |(number, row): (usize, &Vec<(String, bool)>)| {
            let fields = row.iter().map(|(field, quoted)| written(field, ',', *quoted));
            let fields: Vec<_> = std::iter::once(number.to_string()).chain(fields).collect();
            fields.join(",") + "\n"
        };
        let text: String = rows.iter().enumerate().map(line).collect();
        let correct: Vec<_> =
            read_records(text.as_bytes(), b',').into_iter().map(|(_, fields)| fields).collect();
        prop_assert_eq!(correct.len(), rows.len());
        let mut spoiled = text.into_bytes();
        spoiled.insert(place.index(spoiled.len() + 1), b'"');
        let mut faults = 0;
        for (record, fields) in read_records(&spoiled, b',') {
            if record.fault.is_some() {
                faults += 1;
            } else {
                prop_assert!(correct.contains(&fields), "{:?}", fields);
            }
        }
        prop_assert!(faults > 0);
    }

    #[test]
    fn any_bytes_are_read_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..300), query in 0_usize..2) {
        let query = ["", "unknown=ignore"][query];
        for reader in [Reader::csv(&options(query)), Reader::ndjson(&options(query))] {
            if let Err(problem) = read_lines(reader, bytes.chunks(7)) {
                prop_assert_eq!(problem.status().as_u16(), 400);
            }
        }
    }
}
