//! Encoders and decoders agree, and no prefix or extension of an encoded message decodes.

use bytes::BytesMut;
use proptest::collection::vec;
use proptest::prelude::*;

use crate::backend::*;
use crate::build::{self, BuildError};
use crate::errors::code;
use crate::frame::{Frame, next_frame, scan_run};
use crate::frontend::{Message, Subject, password};
use crate::{ErrorFields, Side};

const MAX: usize = 1 << 24;

fn text() -> impl Strategy<Value = String> {
    "[^\0]{0,24}"
}

fn cells() -> impl Strategy<Value = Vec<Option<Vec<u8>>>> {
    vec(proptest::option::of(vec(any::<u8>(), 0..20)), 0..8)
}

fn borrowed(cells: &[Option<Vec<u8>>]) -> Vec<Option<&[u8]>> {
    cells.iter().map(Option::as_deref).collect()
}

/// The only message of `out`.
fn only(out: &[u8], side: Side) -> Frame<'_> {
    let frame = next_frame(out, side, MAX)
        .expect("valid")
        .expect("complete");
    assert_eq!(frame.bytes.len(), out.len());
    frame
}

/// Decodes the only message of `out` after checking that its prefixes and extensions are rejected.
fn client(out: &[u8]) -> Message<'_> {
    let frame = only(out, Side::Frontend);
    for end in 0..frame.body.len() {
        let prefix = Message::decode(frame.tag, &frame.body[..end]);
        assert!(prefix.is_err(), "{prefix:?} was decoded from a prefix");
    }
    let longer = Message::decode(frame.tag, &[frame.body, b"\0"].concat()).map(|_| ());
    assert!(longer.is_err(), "trailing bytes were accepted");
    Message::decode(frame.tag, frame.body).expect("valid")
}

proptest! {
    #[test]
    fn query_parse_describe_close_execute(name in text(), sql in text(), types in vec(any::<u32>(), 0..6), rows in any::<i32>()) {
        let mut out = BytesMut::new();
        build::query(&mut out, &sql).unwrap();
        prop_assert!(matches!(client(&out), Message::Query(query) if query.text == sql.as_bytes()));

        out.clear();
        build::parse(&mut out, &name, &sql, &types).unwrap();
        let Message::Parse(parse) = client(&out) else { panic!("not a Parse") };
        prop_assert_eq!((parse.name, parse.text), (&name[..], sql.as_bytes()));
        prop_assert_eq!(parse.types.iter().collect::<Vec<_>>(), types);

        for subject in [Subject::Statement(&name), Subject::Portal(&name)] {
            out.clear();
            build::describe(&mut out, subject).unwrap();
            prop_assert!(matches!(client(&out), Message::Describe(describe) if describe.subject == subject));
            out.clear();
            build::close(&mut out, subject).unwrap();
            prop_assert!(matches!(client(&out), Message::Close(close) if close.subject == subject));
        }

        out.clear();
        build::execute(&mut out, &name, rows).unwrap();
        prop_assert!(matches!(client(&out), Message::Execute(execute) if execute.portal == name && execute.max_rows == rows));

        out.clear();
        build::copy_fail(&mut out, &sql).unwrap();
        prop_assert!(matches!(client(&out), Message::CopyFail(fail) if fail.reason == sql));
    }

    #[test]
    fn bind(portal in text(), statement in text(), formats in vec(0i16..2, 0..6), values in cells(), results in vec(0i16..2, 0..6)) {
        let mut out = BytesMut::new();
        build::bind(&mut out, &portal, &statement, &formats, &borrowed(&values), &results).unwrap();
        let Message::Bind(bind) = client(&out) else { panic!("not a Bind") };
        prop_assert_eq!((bind.portal, bind.statement), (&portal[..], &statement[..]));
        prop_assert_eq!(bind.formats.iter().collect::<Vec<_>>(), formats);
        prop_assert_eq!(bind.result_formats.iter().collect::<Vec<_>>(), results);
        prop_assert_eq!(bind.parameters.iter().collect::<Vec<_>>(), borrowed(&values));
    }

    #[test]
    fn rows(values in cells()) {
        let mut out = BytesMut::new();
        build::data_row(&mut out, &borrowed(&values)).unwrap();
        let body = only(&out, Side::Backend).body;
        let row = DataRow::decode(body).unwrap();
        prop_assert_eq!(row.len(), values.len());
        prop_assert_eq!(row.cells().collect::<Result<Vec<_>, _>>().unwrap(), borrowed(&values));
        for end in 0..body.len() {
            let prefix = DataRow::decode(&body[..end]).and_then(|row| row.cells().collect::<Result<Vec<_>, _>>());
            prop_assert!(prefix.is_err());
        }
        let longer = [body, b"x"].concat();
        prop_assert!(DataRow::decode(&longer).unwrap().cells().any(|cell| cell.is_err()));
        prop_assert_eq!(scan_run(&out, Side::Backend, |tag| tag == b'D').bytes, out.len());
    }

    #[test]
    fn errors(message in text(), detail in text(), position in 1u32..9999) {
        let fields = ErrorFields::new("ERROR", "42501", message.clone())
            .with(code::DETAIL, detail.clone())
            .with(code::POSITION, position.to_string());
        let mut out = BytesMut::new();
        build::error_response(&mut out, &fields);
        let frame = only(&out, Side::Backend);
        prop_assert_eq!(frame.tag, b'E');
        let read = ErrorFields::decode(frame.body).unwrap();
        prop_assert_eq!(&read, &fields);
        prop_assert_eq!((read.severity(), read.sqlstate(), read.message()), ("ERROR", "42501", &message[..]));
        prop_assert_eq!((read.detail(), read.position(), read.hint()), (Some(&detail[..]), Some(position), None));
        for end in 0..frame.body.len() {
            prop_assert!(ErrorFields::decode(&frame.body[..end]).is_err());
        }
    }
}

#[test]
fn messages_without_fields() {
    type Build = fn(&mut BytesMut);
    let built: [(Build, &[u8]); 4] = [
        (build::sync, b"S\0\0\0\x04"),
        (build::flush, b"H\0\0\0\x04"),
        (build::terminate, b"X\0\0\0\x04"),
        (build::copy_done, b"c\0\0\0\x04"),
    ];
    for (build, expected) in built {
        let mut out = BytesMut::new();
        build(&mut out);
        assert_eq!(out, expected);
        client(&out);
    }
}

#[test]
fn server_messages() {
    let mut out = BytesMut::new();
    build::ready_for_query(&mut out, TransactionStatus::Failed);
    assert_eq!(
        ReadyForQuery::decode(only(&out, Side::Backend).body)
            .unwrap()
            .status,
        TransactionStatus::Failed
    );
    assert!(ReadyForQuery::decode(b"x").is_err());

    out.clear();
    build::parameter_status(&mut out, "TimeZone", "UTC").unwrap();
    let status = ParameterStatus::decode(only(&out, Side::Backend).body).unwrap();
    assert_eq!((status.name, status.value), ("TimeZone", &b"UTC"[..]));

    out.clear();
    build::backend_key_data(&mut out, 42, &[7; 32]).unwrap();
    let key = BackendKeyData::decode(only(&out, Side::Backend).body).unwrap();
    assert_eq!((key.pid, key.key), (42, &[7; 32][..]));
    assert!(build::backend_key_data(&mut out, 42, &[7; 3]).is_err());

    out.clear();
    build::command_complete(&mut out, "INSERT 0 17").unwrap();
    let complete = CommandComplete::decode(only(&out, Side::Backend).body).unwrap();
    assert_eq!((complete.tag, complete.rows()), ("INSERT 0 17", Some(17)));
    assert_eq!(
        CommandComplete {
            tag: "CREATE TABLE"
        }
        .rows(),
        None
    );

    out.clear();
    build::authentication_cleartext_password(&mut out);
    let request = Authentication::decode(only(&out, Side::Backend).body).unwrap();
    assert_eq!(request, Authentication::CleartextPassword);
    let sasl = Authentication::decode(b"\0\0\0\x0aSCRAM-SHA-256\0\0").unwrap();
    assert_eq!(
        sasl,
        Authentication::Sasl {
            mechanisms: vec!["SCRAM-SHA-256"]
        }
    );
    assert_eq!(
        Authentication::decode(b"\0\0\0\x05salt").unwrap(),
        Authentication::Md5Password { salt: *b"salt" }
    );
}

#[test]
fn row_descriptions() {
    let mut out = BytesMut::new();
    let column = build::Column {
        name: "é",
        type_oid: 25,
        type_size: -1,
        format: 1,
    };
    build::row_description(&mut out, &[column, column]).unwrap();
    let rows = RowDescription::decode(only(&out, Side::Backend).body).unwrap();
    let expected = Field {
        name: "é".as_bytes(),
        table_oid: 0,
        attribute: 0,
        type_oid: 25,
        type_size: -1,
        type_modifier: -1,
        format: 1,
    };
    assert_eq!(rows.fields().collect::<Vec<_>>(), [expected, expected]);
}

#[test]
fn passwords_need_not_be_utf8() {
    let mut out = BytesMut::new();
    build::password(&mut out, b"\xff secret").unwrap();
    assert_eq!(
        password(only(&out, Side::Frontend).body),
        Some(&b"\xff secret"[..])
    );
    assert_eq!(password(b"no end"), None);
    assert_eq!(password(b"two\0parts\0"), None);
    assert_eq!(
        build::password(&mut out, &[b'x'; 70_000]),
        Err(BuildError::TooLong)
    );
}

#[test]
fn zero_bytes_cannot_inject_fields() {
    let mut out = BytesMut::new();
    assert_eq!(
        build::query(&mut out, "select 1\0; drop"),
        Err(BuildError::ZeroByte { message: "Query" })
    );
    assert!(build::parse(&mut out, "a\0b", "select 1", &[]).is_err());
    assert!(build::password(&mut out, b"a\0b").is_err());
    assert!(out.is_empty(), "nothing is appended on failure");

    build::error_response(&mut out, &ErrorFields::new("ERROR", "42501", "no\0Cfaked"));
    let read = ErrorFields::decode(only(&out, Side::Backend).body).unwrap();
    assert_eq!((read.message(), read.sqlstate()), ("no Cfaked", "42501"));
}

#[test]
fn long_error_fields_are_truncated() {
    let mut out = BytesMut::new();
    build::error_response(
        &mut out,
        &ErrorFields::new("ERROR", "42501", "é".repeat(2 << 20)),
    );
    let read = ErrorFields::decode(only(&out, Side::Backend).body).unwrap();
    assert_eq!(read.message().len(), 1 << 20);
}

#[test]
fn a_message_that_exceeds_its_limit_leaves_the_buffer_unchanged() {
    let mut out = BytesMut::from(&b"before"[..]);
    let refused = build::describe(&mut out, Subject::Statement(&"n".repeat(20_000)));
    assert_eq!(refused, Err(BuildError::TooLong));
    assert_eq!(&out[..], b"before");
}

#[test]
fn error_fields_can_be_replaced_and_removed() {
    let mut fields =
        ErrorFields::new("ERROR", "22P02", "value \"secret\"").with(code::DETAIL, "secret");
    fields.set(code::MESSAGE, "value");
    fields.remove(code::DETAIL);
    assert_eq!(
        fields
            .iter()
            .filter(|(field, _)| *field == code::MESSAGE)
            .count(),
        1
    );
    assert_eq!((fields.message(), fields.detail()), ("value", None));
}

#[test]
fn parameters_may_be_more_than_their_count_can_say() {
    for (count, oids, told) in [
        (0u16, 0usize, Some(0usize)),
        (3, 3, Some(3)),
        (65_535, 65_535, Some(65_535)),
        (0, 65_536, Some(65_536)),
        (4, 65_540, Some(65_540)),
        (3, 4, None),
        (4, 3, None),
        (0, 65_535, None),
    ] {
        let mut body = count.to_be_bytes().to_vec();
        body.extend((0..oids).flat_map(|_| 25u32.to_be_bytes()));
        let described = ParameterDescription::decode(&body);
        let told_here = described
            .ok()
            .map(|described| described.types.iter().count());
        assert_eq!(told_here, told, "{count} {oids}");
    }
    assert!(ParameterDescription::decode(b"\0\x01\0\0\0").is_err());
}
