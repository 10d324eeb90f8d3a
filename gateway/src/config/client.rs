//! `[[client_certificate]]`: which certificate stands for which identity.

use std::path::PathBuf;

use super::section::{At, Section};
use super::values::plain;
use crate::identity::{CertificateName, CertificateRule, ClientCertificates, distinguished_name};

/// Every `[[client_certificate]]`, in the file's order: the first that matches applies.
pub(super) fn rules(root: &Section<'_, '_>) -> Vec<CertificateRule> {
    let mut rules: Vec<CertificateRule> = Vec::new();
    for section in root.sections("client_certificate") {
        if let Some(rule) = rule(&section) {
            if rules.iter().any(|other| other.name == rule.name) {
                section.error_here("this certificate has two entries; combine them");
            }
            rules.push(rule);
        }
        section.finish();
    }
    rules
}

fn rule(section: &Section<'_, '_>) -> Option<CertificateRule> {
    let uri = section.string("uri").map(|uri| uri.value);
    let common_name = section.string("common_name").map(|name| name.value);
    let whole = section.string("distinguished_name");
    let subject = section.string("subject").map(|subject| subject.value);
    let groups = plain(section.some_strings("groups"));
    let agent = section.string("agent").map(|agent| agent.value);
    let name = match (uri, common_name, whole) {
        (Some(uri), None, None) => CertificateName::Uri(uri),
        (None, Some(name), None) => CertificateName::CommonName(name),
        (None, None, Some(name)) => match distinguished_name(&name.value) {
            Some(name) => CertificateName::DistinguishedName(name),
            None => {
                section.error_here(
                    "`distinguished_name` is not a distinguished name (RFC 4514); write it as `openssl x509 -noout -subject -nameopt RFC2253` does",
                );
                return None;
            }
        },
        _ => {
            section.error_here(
                "exactly one of `uri` (the URI in the certificate's alternative names, such as a SPIFFE ID), `common_name` and `distinguished_name` is required",
            );
            return None;
        }
    };
    Some(CertificateRule {
        subject: subject.unwrap_or_else(|| name.text().to_owned()),
        name,
        groups,
        agent,
    })
}

/// The CAs of `[listen.tls]`, with the rules.
pub(super) fn certificates(
    section: &Section<'_, '_>,
    ca: Option<&At<PathBuf>>,
    lists: &[PathBuf],
    rules: &[CertificateRule],
) -> ClientCertificates {
    let Some(ca) = ca else {
        if !lists.is_empty() {
            section.error_here("`client_crl` has no effect without `client_ca`");
        }
        if !rules.is_empty() && !section.has("client_ca") {
            section.error_here(
                "[[client_certificate]] requires `client_ca`, the CAs that issue the certificates",
            );
        }
        return ClientCertificates::default();
    };
    if rules.is_empty() {
        let why = "`client_ca` has no effect without a [[client_certificate]], and a client with a certificate would be refused";
        section.error(ca.at, why);
    }
    ClientCertificates::new(&ca.value, lists, rules.to_vec()).unwrap_or_else(|error| {
        section.error(ca.at, error.to_string());
        ClientCertificates::default()
    })
}
