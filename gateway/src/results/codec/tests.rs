//! COPY codecs without a server: round trips with messages split anywhere, and rejection of malformed data.

use proptest::prelude::*;

use super::super::column::Column;
use super::*;

type Cells = Vec<Option<String>>;

const WIDTH: usize = 3;

fn columns() -> Vec<Column> {
    (0..WIDTH)
        .map(|index| Column::new(index, Kind::of(25), Format::Text))
        .collect()
}

fn shape() -> RowShape {
    let column = |at| super::super::ShapeColumn {
        name: format!("c{at}"),
        type_oid: 25,
        type_modifier: -1,
        format: Format::Text,
    };
    RowShape {
        columns: (0..WIDTH).map(column).collect(),
    }
}

fn line(codec: &Codec, delimiter: u8, cells: &Cells) -> Vec<u8> {
    let mut line = Vec::new();
    for (column, cell) in columns().iter().zip(cells) {
        if column.index > 0 {
            line.push(delimiter);
        }
        codec.write(
            column,
            cell.as_deref().map(str::as_bytes),
            &mut Vec::new(),
            &mut line,
        );
    }
    line.push(b'\n');
    line
}

/// The cells of a row as found and decoded by the codec.
fn read(codec: &Codec, row: &[u8]) -> Cells {
    let mut columns = columns();
    codec
        .fields(row, WIDTH, Fields::new(&mut columns, 0))
        .expect("a valid row");
    let cell = |column: &Column| {
        let cell = column.cells[0];
        let mut text = Vec::new();
        (!cell.is_null()).then(|| {
            assert!(codec.read(column.kind, column.format, cell.value(row), &mut text));
            String::from_utf8(text).expect("UTF-8")
        })
    };
    columns.iter().map(cell).collect()
}

/// Splits a stream into units, fed in chunks of `size`.
fn rows(codec: &mut Codec, stream: &[u8], size: usize) -> Vec<Vec<u8>> {
    let mut pending: Vec<u8> = Vec::new();
    let mut rows = Vec::new();
    for piece in stream.chunks(size) {
        pending.extend_from_slice(piece);
        while let Some(unit) = codec.unit(&pending).expect("a valid stream") {
            let Unit::Row { length, .. } = unit else {
                panic!("only rows were written")
            };
            rows.push(pending.drain(..length).collect());
        }
    }
    assert!(pending.is_empty(), "the stream ends with a row");
    rows
}

fn check(
    options: RowCodec,
    delimiter: u8,
    table: &[Cells],
    size: usize,
) -> Result<(), TestCaseError> {
    let mut codec = Codec::new(options, &shape());
    let stream: Vec<u8> = table
        .iter()
        .flat_map(|cells| line(&codec, delimiter, cells))
        .collect();
    let found: Vec<Cells> = rows(&mut codec, &stream, size)
        .iter()
        .map(|row| read(&codec, row))
        .collect();
    prop_assert_eq!(found.as_slice(), table);
    Ok(())
}

fn table() -> impl Strategy<Value = Vec<Cells>> {
    let cell = prop::option::of("[a-c,;|\\\\\"'\\t\\r\\n\u{8}\u{b}\u{c}\\.Nx0-9ü]{0,6}|\\PC{0,4}");
    prop::collection::vec(prop::collection::vec(cell, WIDTH), 1..5)
}

proptest! {
    #[test]
    fn text_reads_what_it_writes(table in table(), size in 1usize..20) {
        check(RowCodec::CopyText(TextOptions::default()), b'\t', &table, size)?;
        check(RowCodec::CopyText(TextOptions { delimiter: b'|', ..TextOptions::default() }), b'|', &table, size)?;
    }

    #[test]
    fn csv_reads_what_it_writes(table in table(), size in 1usize..20) {
        for (quote, escape) in [(b'"', b'"'), (b'\'', b'\\'), (b'"', b'x')] {
            for null in ["", "NULL", "x"] {
                let options = CsvOptions { quote, escape, null: null.to_owned(), ..CsvOptions::default() };
                check(RowCodec::CopyCsv(options), b',', &table, size)?;
            }
        }
    }

    #[test]
    fn arbitrary_bytes_do_not_panic(stream in prop::collection::vec(any::<u8>(), 0..80), size in 1usize..10) {
        for options in [RowCodec::CopyText(TextOptions::default()), RowCodec::CopyCsv(CsvOptions::default()), RowCodec::CopyBinary] {
            let mut codec = Codec::new(options, &shape());
            let mut pending: Vec<u8> = Vec::new();
            'stream: for piece in stream.chunks(size) {
                pending.extend_from_slice(piece);
                loop {
                    match codec.unit(&pending) {
                        Err(_) => break 'stream,
                        Ok(None) => break,
                        Ok(Some(Unit::Other { length })) => drop(pending.drain(..length)),
                        Ok(Some(Unit::Row { length, prefix })) => {
                            let row: Vec<u8> = pending.drain(..length).collect();
                            let _ = codec.fields(&row[prefix..], WIDTH, Fields::new(&mut columns(), 0));
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn text_unescapes_every_documented_form() {
    let mut out = Vec::new();
    copy_text::unescape(b"a\\b\\f\\n\\r\\t\\v\\\\\\101\\7\\x41\\x4\\q\\x", &mut out);
    assert_eq!(out, b"a\x08\x0c\n\r\t\x0b\\A\x07A\x04qx");
}

#[test]
fn a_backslash_before_a_newline_continues_the_line() {
    let mut codec = Codec::new(RowCodec::CopyText(TextOptions::default()), &shape());
    assert_eq!(codec.unit(b"a\tb\\"), Ok(None));
    assert_eq!(
        codec.unit(b"a\tb\\\n\tc\nrest"),
        Ok(Some(Unit::Row {
            length: 8,
            prefix: 0
        }))
    );
    assert_eq!(
        read(&codec, b"a\tb\\\n\tc\n"),
        [Some("a".into()), Some("b\n".into()), Some("c".into())]
    );
}

#[test]
fn headers_and_end_markers_are_not_rows() {
    let mut codec = Codec::new(
        RowCodec::CopyText(TextOptions {
            header: true,
            ..TextOptions::default()
        }),
        &shape(),
    );
    assert_eq!(
        codec.unit(b"a\tb\tc\n1\t2\t3\n"),
        Ok(Some(Unit::Other { length: 6 }))
    );
    assert_eq!(
        codec.unit(b"1\t2\t3\n\\.\n"),
        Ok(Some(Unit::Row {
            length: 6,
            prefix: 0
        }))
    );
    assert_eq!(codec.unit(b"\\.\n"), Ok(Some(Unit::Other { length: 3 })));
}

#[test]
fn rows_of_another_width_are_refused() {
    for (options, rows) in [
        (
            RowCodec::CopyText(TextOptions::default()),
            ["a\tb\n", "a\tb\tc\td\n", "\n"],
        ),
        (
            RowCodec::CopyCsv(CsvOptions::default()),
            ["a,b\n", "a,b,c,d\n", "\"a,b,c\n"],
        ),
    ] {
        let codec = Codec::new(options, &shape());
        for row in rows {
            assert!(
                codec
                    .fields(row.as_bytes(), WIDTH, Fields::new(&mut columns(), 0))
                    .is_err(),
                "{row}"
            );
        }
    }
}

#[test]
fn binary_copies_need_a_signature_and_a_trailer() {
    let good = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
    let mut codec = Codec::new(RowCodec::CopyBinary, &shape());
    assert_eq!(codec.unit(good), Ok(Some(Unit::Other { length: 19 })));
    assert_eq!(codec.unit(b"\xff\xff"), Ok(Some(Unit::Other { length: 2 })));
    assert_eq!(codec.unit(b"\xff\xff"), Err(ResultError::AfterEnd));
    let mut critical = good.to_vec();
    critical[12] = 1;
    for bad in [&b"PGCOPX"[..], &critical] {
        assert!(
            Codec::new(RowCodec::CopyBinary, &shape())
                .unit(bad)
                .is_err()
        );
    }
}
