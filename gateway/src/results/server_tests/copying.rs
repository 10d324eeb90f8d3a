//! Edited COPY data against what the server itself writes for the edited rows.

use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use gatewright_contract::{
    Batch, BatchEdit, BatchReply, ColumnAction, ColumnReply, Denial, Judged, PackedColumn,
};

use super::super::{
    BatchJudge, CsvOptions, ForceQuote, Format, PseudonymKey, ResultEditor, RowCodec, RowShape,
    ShapeColumn, Step, TextOptions,
};
use super::Server;

const NASTY: &[&str] = &[
    "plain",
    "",
    "\t",
    "\n",
    "\r\n",
    "\\",
    "\\N",
    "\\.",
    "NULL",
    "a\\tb",
    "a,b",
    "a;b",
    "a|b",
    "\"",
    "\"\"",
    "it's",
    "'",
    "\u{8}\u{b}\u{c}\u{1}\u{7f}",
    " lead and trail ",
    "äöü€😀",
    "x\ny\"z",
    "\\\"",
    "end\\",
    "~",
    "a~b~~",
];

/// Replaces each value with the next of the list, NULL with the first, and the last with NULL.
struct Rotate;

impl BatchJudge for Rotate {
    fn on_batch(
        &mut self,
        _: usize,
        batch: &std::sync::Arc<Batch>,
    ) -> Judged<Result<BatchReply, Denial>> {
        let shown = &batch.columns[0].data;
        let mut packed = PackedColumn {
            offsets: vec![0],
            validity: vec![0; (batch.rows as usize).div_ceil(8)],
            values: Vec::new(),
        };
        for row in 0..batch.rows as usize {
            let next = match shown.value(row) {
                None => Some(NASTY[0]),
                Some(value) => {
                    let at = NASTY
                        .iter()
                        .position(|nasty| nasty.as_bytes() == value)
                        .expect("a value of the list");
                    NASTY.get(at + 1).copied()
                }
            };
            if let Some(next) = next {
                packed.values.extend_from_slice(next.as_bytes());
                packed.validity[row / 8] |= 1 << (row % 8);
            }
            packed.offsets.push(packed.values.len() as u32);
        }
        Judged::Ready(Ok(BatchReply::Edit(BatchEdit {
            columns: vec![ColumnReply::Replaced(packed)],
            keep_rows: None,
        })))
    }
}

fn copied(server: &Server, sql: &str) -> Vec<Bytes> {
    server.runtime.block_on(async {
        let stream = server
            .client
            .copy_out(sql)
            .await
            .unwrap_or_else(|error| panic!("{sql}: {error:?}"));
        let mut stream = std::pin::pin!(stream);
        let mut messages = Vec::new();
        while let Some(message) = stream.next().await {
            messages.push(message.expect("copy data"));
        }
        messages
    })
}

fn editor(codec: RowCodec, masked: ColumnAction) -> ResultEditor {
    let column = |name: &str, type_oid| ShapeColumn {
        name: name.to_owned(),
        type_oid,
        type_modifier: -1,
        format: Format::Text,
    };
    let shape = RowShape {
        columns: vec![column("n", 23), column("v", 25), column("w", 25)],
    };
    let actions = vec![ColumnAction::Pass, masked, ColumnAction::Pass];
    ResultEditor::new(
        shape,
        vec![Step { actions }],
        codec,
        &PseudonymKey::random(),
    )
}

fn edited<'a>(
    mut editor: ResultEditor,
    messages: impl IntoIterator<Item = &'a [u8]>,
) -> Vec<Vec<u8>> {
    for message in messages {
        editor.push(message).expect("valid COPY data");
    }
    editor.finish().expect("complete rows");
    let mut out = BytesMut::new();
    editor
        .flush(&mut Rotate, &mut out)
        .ready()
        .expect("an immediate answer")
        .expect("not refused");
    let mut rest = &out[..];
    let mut bodies = Vec::new();
    while let Some((header, after)) = rest.split_first_chunk::<5>() {
        let length = u32::from_be_bytes([header[1], header[2], header[3], header[4]]) as usize - 4;
        assert_eq!(header[0], b'd');
        bodies.push(after[..length].to_vec());
        rest = &after[length..];
    }
    bodies
}

fn check(server: &Server, codec: RowCodec, options: &str) {
    let before = copied(
        server,
        &format!("COPY (SELECT n, v, w FROM before ORDER BY n) TO STDOUT ({options})"),
    );
    let expected: Vec<Vec<u8>> = copied(
        server,
        &format!("COPY (SELECT n, v, w FROM after ORDER BY n) TO STDOUT ({options})"),
    )
    .iter()
    .map(|bytes| bytes.to_vec())
    .collect();
    let whole = edited(
        editor(codec.clone(), ColumnAction::Inspect(String::new())),
        before.iter().map(|bytes| &bytes[..]),
    );
    assert_eq!(whole, expected, "{options}");
    let joined = before.concat();
    for size in [1, 2, 3, 7, 64, joined.len()] {
        let pieces = edited(
            editor(codec.clone(), ColumnAction::Inspect(String::new())),
            joined.chunks(size),
        );
        assert_eq!(
            pieces.concat(),
            expected.concat(),
            "{options} in chunks of {size}"
        );
    }
}

#[test]
fn edited_copies_are_what_the_server_would_have_written() {
    let server = Server::start();
    server.runtime.block_on(async {
        server.client.batch_execute("CREATE TABLE before (n int, v text, w text); CREATE TABLE after (n int, v text, w text)").await.expect("tables");
        let values: Vec<Option<&str>> = std::iter::once(None).chain(NASTY.iter().copied().map(Some)).collect();
        for (at, value) in values.iter().enumerate() {
            let next = values.get(at + 1).copied().flatten();
            for (table, value) in [("before", *value), ("after", next)] {
                let sql = format!("INSERT INTO {table} VALUES ($1, $2, $3)");
                server.client.execute(&sql, &[&(at as i32), &value, &value.map(|_| NASTY[at % NASTY.len()])]).await.expect("a row");
            }
        }
        server.client.batch_execute("UPDATE after a SET w = b.w FROM before b WHERE a.n = b.n").await.expect("equal third columns");
    });
    let text = TextOptions::default();
    for (options, sql) in [
        (text.clone(), "FORMAT text"),
        (
            TextOptions {
                header: true,
                ..text.clone()
            },
            "FORMAT text, HEADER",
        ),
        (
            TextOptions {
                delimiter: b'|',
                null: "~NULL~".to_owned(),
                ..text
            },
            "FORMAT text, DELIMITER '|', NULL '~NULL~'",
        ),
    ] {
        check(&server, RowCodec::CopyText(options), sql);
    }
    let csv = CsvOptions::default();
    for (options, sql) in [
        (csv.clone(), "FORMAT csv"),
        (
            CsvOptions {
                header: true,
                null: "NULL".to_owned(),
                ..csv.clone()
            },
            "FORMAT csv, HEADER, NULL 'NULL'",
        ),
        (
            CsvOptions {
                force_quote: ForceQuote::All,
                delimiter: b';',
                ..csv.clone()
            },
            "FORMAT csv, FORCE_QUOTE *, DELIMITER ';'",
        ),
        (
            CsvOptions {
                force_quote: ForceQuote::Columns(vec!["v".to_owned()]),
                ..csv.clone()
            },
            "FORMAT csv, FORCE_QUOTE (v)",
        ),
        (
            CsvOptions {
                quote: b'\'',
                escape: b'\\',
                ..csv.clone()
            },
            "FORMAT csv, QUOTE '''', ESCAPE '\\'",
        ),
        (
            CsvOptions {
                quote: b'~',
                escape: b'~',
                delimiter: b'\t',
                ..csv
            },
            "FORMAT csv, QUOTE '~', DELIMITER E'\\t'",
        ),
    ] {
        check(&server, RowCodec::CopyCsv(options), sql);
    }
    check(&server, RowCodec::CopyBinary, "FORMAT binary");
}
