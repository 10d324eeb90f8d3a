//! Start-up packets.

use bytes::BytesMut;
use proptest::prelude::*;

use crate::DecodeError;
use crate::startup::{CancelRequest, Packet, StartupError, StartupMessage, ssl_request};

fn packet(body: &[u8]) -> Vec<u8> {
    let mut bytes = (body.len() as u32 + 4).to_be_bytes().to_vec();
    bytes.extend(body);
    bytes
}

fn decode(body: &[u8]) -> Result<Packet, StartupError> {
    Packet::decode(&packet(body)).map(|found| found.expect("a complete packet").0)
}

fn startup(body: &[u8]) -> StartupMessage {
    match decode(body) {
        Ok(Packet::Startup(message)) => message,
        other => panic!("not a startup message: {other:?}"),
    }
}

#[test]
fn separates_parameters_from_protocol_options() {
    let message = startup(b"\0\x03\0\x02user\0me\0_pq_.new\0on\0Client_Encoding\0UTF8\0\0");
    assert_eq!(message.protocol, (3, 2));
    assert_eq!(message.parameter("user"), Some("me"));
    assert_eq!(message.parameter("client_encoding"), None);
    assert_eq!(message.setting("client_encoding"), Some("UTF8"));
    assert_eq!(
        message.protocol_options,
        [("_pq_.new".to_owned(), "on".to_owned())]
    );
}

#[test]
fn the_last_value_of_a_repeated_parameter_takes_effect() {
    let message = startup(b"\0\x03\0\0user\0a\0options\0\0user\0b\0\0");
    assert_eq!(
        message.parameters,
        [
            ("user".to_owned(), "b".to_owned()),
            ("options".to_owned(), String::new())
        ]
    );
}

#[test]
fn only_newer_versions_and_unknown_options_are_negotiated() {
    for (minor, version, announce, key) in [
        (0, 0, false, 4),
        (1, 1, false, 4),
        (2, 2, false, 32),
        (9999, 2, true, 32),
    ] {
        let message = StartupMessage {
            protocol: (3, minor),
            ..StartupMessage::default()
        };
        let negotiated = message.negotiate();
        assert_eq!(
            (negotiated.version, negotiated.announce),
            ((3, version), announce)
        );
        assert_eq!(negotiated.cancel_key_bytes(), key);
    }
    let negotiated = startup(b"\0\x03\0\0_pq_.x\0y\0\0").negotiate();
    let mut out = BytesMut::new();
    negotiated.encode(&mut out).unwrap();
    assert_eq!(&out[..], b"v\0\0\0\x13\0\x03\0\0\0\0\0\x01_pq_.x\0");
}

#[test]
fn rejects_malformed_packets() {
    let layout = |body: &[u8]| match decode(body) {
        Err(StartupError::Layout(error)) => error,
        other => panic!("not rejected: {other:?}"),
    };
    assert!(matches!(
        layout(b"\0\x03\0\0user\0me\0"),
        DecodeError::Unterminated { .. }
    ));
    assert!(matches!(
        layout(b"\0\x03\0\0user\0me\0\0x"),
        DecodeError::Trailing { .. }
    ));
    assert!(matches!(
        layout(b"\0\x03\0\0user\0\xff\0\0"),
        DecodeError::NotUtf8 { .. }
    ));
    assert!(matches!(
        layout(b"\0\x03\0\0"),
        DecodeError::Unterminated { .. }
    ));
    let protocol = decode(b"\0\x02\0\0user\0me\0\0");
    assert_eq!(
        protocol,
        Err(StartupError::UnsupportedProtocol { major: 2, minor: 0 })
    );
    assert!(matches!(
        decode(b"\x04\xd2\x16\x2fx"),
        Err(StartupError::Length { .. })
    ));
}

#[test]
fn rejects_invalid_lengths_before_the_body_arrives() {
    for length in [0u32, 4, 7, 10_005, 0x1603_0100, u32::MAX] {
        assert_eq!(
            Packet::decode(&length.to_be_bytes()),
            Err(StartupError::Length { length })
        );
    }
    assert_eq!(Packet::decode(&10_004u32.to_be_bytes()), Ok(None));
}

#[test]
fn cancel_keys_have_4_to_256_bytes() {
    for (length, accepted) in [
        (0, false),
        (3, false),
        (4, true),
        (32, true),
        (256, true),
        (257, false),
    ] {
        let request = CancelRequest {
            pid: 7,
            key: vec![9; length],
        };
        let mut out = BytesMut::new();
        request.encode(&mut out);
        match accepted {
            true => assert_eq!(
                Packet::decode(&out),
                Ok(Some((Packet::Cancel(request), out.len())))
            ),
            false => assert_eq!(Packet::decode(&out), Err(StartupError::KeyLength)),
        }
    }
}

#[test]
fn debug_output_omits_the_secret_key() {
    let request = CancelRequest {
        pid: 7,
        key: vec![201, 202, 203, 204],
    };
    assert_eq!(format!("{request:?}"), "CancelRequest { pid: 7, .. }");
}

#[test]
fn decodes_encryption_requests() {
    let mut out = BytesMut::new();
    ssl_request(&mut out);
    out.extend_from_slice(b"more");
    assert_eq!(Packet::decode(&out), Ok(Some((Packet::SslRequest, 8))));
    assert_eq!(
        decode(&80_877_104u32.to_be_bytes()),
        Ok(Packet::GssEncRequest)
    );
}

#[test]
fn rejects_parameters_that_would_decode_differently() {
    for (name, value) in [("a\0b", "c"), ("a", "b\0c"), ("", "b")] {
        let parameters = vec![(name.to_owned(), value.to_owned())];
        let mut out = BytesMut::from(&b"before"[..]);
        assert!(
            StartupMessage {
                protocol: (3, 0),
                parameters,
                ..StartupMessage::default()
            }
            .encode(&mut out)
            .is_err()
        );
        assert_eq!(&out[..], b"before");
    }
}

proptest! {
    #[test]
    fn decoding_arbitrary_packets_does_not_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = Packet::decode(&bytes);
        let _ = decode(&bytes);
        let _ = decode(&[b"\0\x03\0\0", &bytes[..]].concat());
    }

    #[test]
    fn startup_messages_round_trip(
        parameters in proptest::collection::btree_map("[a-zA-Z][a-z_.]{0,10}", "[^\0]{0,20}", 0..6),
        minor in 0u16..4,
    ) {
        let parameters: Vec<_> = parameters.into_iter().collect();
        let message = StartupMessage { protocol: (3, minor), parameters, protocol_options: Vec::new() };
        let mut out = BytesMut::new();
        message.encode(&mut out).unwrap();
        for end in 0..out.len() {
            prop_assert_eq!(Packet::decode(&out[..end]), Ok(None));
        }
        prop_assert_eq!(Packet::decode(&out), Ok(Some((Packet::Startup(message), out.len()))));
    }
}
