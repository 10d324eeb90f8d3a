//! Channel binding data.

use proptest::prelude::*;

use crate::upstream::channel_binding::tls_server_end_point;

proptest! {
    #[test]
    fn arbitrary_certificates_do_not_panic(bytes in proptest::collection::vec(any::<u8>(), 0..100), shape in any::<bool>()) {
        let body = if shape { [&[0x30, bytes.len() as u8][..], &bytes].concat() } else { bytes };
        let _ = tls_server_end_point(&body);
    }
}

#[test]
fn the_signature_algorithm_selects_the_hash() {
    // SEQUENCE { SEQUENCE {}, SEQUENCE { OID 1.3.101.112 (Ed25519) }, BIT STRING }
    let certificate = b"\x30\x0d\x30\x00\x30\x05\x06\x03\x2b\x65\x70\x03\x02\x00\x01";
    let whole = [&[0x30, 13][..], &certificate[2..]].concat();
    assert_eq!(tls_server_end_point(&whole), None);
    // With ecdsa-with-SHA384 the binding has 48 bytes.
    let certificate =
        b"\x30\x12\x30\x00\x30\x0a\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x03\x03\x02\x00\x01";
    assert_eq!(
        tls_server_end_point(certificate).map(|hash| hash.len()),
        Some(48)
    );
}
