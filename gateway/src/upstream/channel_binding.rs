//! The `tls-server-end-point` channel binding (RFC 5929, section 4): a hash of the server's certificate.

use sha2::{Digest, Sha256, Sha384, Sha512};
use spki::AlgorithmIdentifierRef;
use spki::der::asn1::{AnyRef, BitStringRef};
use spki::der::{self, Decode, Reader, SliceReader};

/// The binding data for a certificate (DER). `None` if RFC 5929 does not define it, as for signature algorithms without
/// a separate hash function (Ed25519), and for RSASSA-PSS, whose hash function is a parameter.
pub(super) fn tls_server_end_point(certificate: &[u8]) -> Option<Vec<u8>> {
    match signature_algorithm(certificate).ok()?.as_str() {
        // Signatures with MD5 or SHA-1 use SHA-256.
        "1.2.840.113549.1.1.4" | "1.2.840.113549.1.1.5" | "1.2.840.10045.4.1" => {
            Some(Sha256::digest(certificate).to_vec())
        }
        // sha256WithRSAEncryption, ecdsa-with-SHA256
        "1.2.840.113549.1.1.11" | "1.2.840.10045.4.3.2" => {
            Some(Sha256::digest(certificate).to_vec())
        }
        // sha384WithRSAEncryption, ecdsa-with-SHA384
        "1.2.840.113549.1.1.12" | "1.2.840.10045.4.3.3" => {
            Some(Sha384::digest(certificate).to_vec())
        }
        // sha512WithRSAEncryption, ecdsa-with-SHA512
        "1.2.840.113549.1.1.13" | "1.2.840.10045.4.3.4" => {
            Some(Sha512::digest(certificate).to_vec())
        }
        _ => None,
    }
}

/// Certificate ::= SEQUENCE { tbsCertificate, signatureAlgorithm, signatureValue } (RFC 5280, section 4.1).
fn signature_algorithm(certificate: &[u8]) -> der::Result<String> {
    let mut reader = SliceReader::new(certificate)?;
    reader.sequence(|fields| {
        AnyRef::decode(fields)?;
        let algorithm = AlgorithmIdentifierRef::decode(fields)?;
        BitStringRef::decode(fields)?;
        Ok(algorithm.oid.to_string())
    })
}
