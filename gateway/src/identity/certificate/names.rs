//! Reads the names in a certificate.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use spki::ObjectIdentifier;
use spki::der::asn1::{AnyRef, GeneralizedTime, UtcTime};
use spki::der::{self, Decode, Reader, SliceReader, Tag, Tagged};
use tokio_rustls::rustls::pki_types::CertificateDer;
use webpki::EndEntityCert;
use x509_cert::name::Name;

use super::CertificateName;

/// `id-at-commonName` (RFC 5280, appendix A.1).
const COMMON_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.3");

/// The names in a certificate, and its expiry.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Names {
    /// The URI in the subject alternative names, if there is exactly one, as SPIFFE requires (X.509-SVID, section 2).
    pub uri: Option<String>,
    /// The common name in the subject, if there is exactly one.
    pub common_name: Option<String>,
    /// The subject in the form of RFC 4514, unless it is empty.
    pub distinguished_name: Option<String>,
    pub not_after: SystemTime,
}

impl Names {
    pub fn read(certificate: &CertificateDer<'_>) -> Option<Self> {
        let parsed = EndEntityCert::try_from(certificate).ok()?;
        let (not_after, subject) = fields(certificate).ok()?;
        Some(Self {
            uri: only(parsed.valid_uri_names().map(str::to_owned)),
            common_name: common_name(subject).ok()?,
            distinguished_name: distinguished_name(subject).ok()?,
            not_after: UNIX_EPOCH.checked_add(not_after)?,
        })
    }

    pub fn matches(&self, name: &CertificateName) -> bool {
        match name {
            CertificateName::Uri(uri) => self.uri.as_ref() == Some(uri),
            CertificateName::CommonName(name) => self.common_name.as_ref() == Some(name),
            CertificateName::DistinguishedName(name) => {
                self.distinguished_name.as_ref() == Some(name)
            }
        }
    }
}

fn only<T>(mut items: impl Iterator<Item = T>) -> Option<T> {
    let first = items.next()?;
    items.next().is_none().then_some(first)
}

/// `notAfter` (since the epoch) and the subject of a Certificate (RFC 5280, section 4.1).
fn fields(certificate: &[u8]) -> der::Result<(Duration, AnyRef<'_>)> {
    let whole = AnyRef::from_der(certificate)?;
    let tbs = next(&mut inside(whole, Tag::Sequence)?)?;
    let mut tbs = inside(tbs, Tag::Sequence)?;
    // The version is omitted in version 1. It is followed by serial number, signature and issuer.
    if next(&mut tbs)?.tag().is_context_specific() {
        next(&mut tbs)?;
    }
    next(&mut tbs)?;
    next(&mut tbs)?;
    let mut validity = inside(next(&mut tbs)?, Tag::Sequence)?;
    next(&mut validity)?;
    let not_after = time(next(&mut validity)?)?;
    Ok((not_after, next(&mut tbs)?))
}

fn time(value: AnyRef<'_>) -> der::Result<Duration> {
    match value.tag() {
        Tag::UtcTime => Ok(value.decode_as::<UtcTime>()?.to_unix_duration()),
        _ => Ok(value.decode_as::<GeneralizedTime>()?.to_unix_duration()),
    }
}

/// Name ::= SEQUENCE OF SET OF SEQUENCE { type, value } (RFC 5280, section 4.1.2.4).
fn common_name(name: AnyRef<'_>) -> der::Result<Option<String>> {
    let mut found = Vec::new();
    let mut name = inside(name, Tag::Sequence)?;
    while !name.is_finished() {
        let mut set = inside(next(&mut name)?, Tag::Set)?;
        while !set.is_finished() {
            let mut attribute = inside(next(&mut set)?, Tag::Sequence)?;
            if ObjectIdentifier::decode(&mut attribute)? == COMMON_NAME {
                found.push(text(next(&mut attribute)?));
            }
        }
    }
    Ok(only(found.into_iter()).flatten())
}

fn distinguished_name(name: AnyRef<'_>) -> der::Result<Option<String>> {
    let name: Name = name.decode_as()?;
    Ok((!name.is_empty()).then(|| name.to_string()))
}

/// The value of a string type whose encoding is UTF-8 or a subset of it. Other types are not supported.
fn text(value: AnyRef<'_>) -> Option<String> {
    let known = [Tag::Utf8String, Tag::PrintableString, Tag::Ia5String];
    let bytes = known.contains(&value.tag()).then(|| value.value())?;
    std::str::from_utf8(bytes).ok().map(str::to_owned)
}

fn inside(value: AnyRef<'_>, tag: Tag) -> der::Result<SliceReader<'_>> {
    value.tag().assert_eq(tag)?;
    SliceReader::new(value.value())
}

fn next<'a>(reader: &mut SliceReader<'a>) -> der::Result<AnyRef<'a>> {
    AnyRef::decode(reader)
}
