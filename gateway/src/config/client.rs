use std::path::PathBuf;

use super::issuer::values;
use super::reader::{At, Section};
use crate::identity::{CertificateName, CertificateRule, ClientCertificates, distinguished_name};

/// Every `[[client_certificate]]`, in the file's order: the first that fits decides.
pub(super) fn rules(root: &Section<'_, '_>) -> Vec<CertificateRule> {
    let mut rules: Vec<CertificateRule> = Vec::new();
    for section in root.sections("client_certificate") {
        if let Some(rule) = rule(&section) {
            if rules.iter().any(|other| other.name == rule.name) {
                section.fault_here("this certificate is there twice; join the two");
            }
            rules.push(rule);
        }
        section.finish();
    }
    rules
}

fn rule(section: &Section<'_, '_>) -> Option<CertificateRule> {
    let uri = section.text("uri").map(|uri| uri.value);
    let common_name = section.text("common_name").map(|name| name.value);
    let whole = section.text("distinguished_name");
    let subject = section.text("subject").map(|subject| subject.value);
    let groups = values(section.some_texts("groups", "the groups that its holder is in"));
    let agent = section.text("agent").map(|agent| agent.value);
    let name = match (uri, common_name, whole) {
        (Some(uri), None, None) => CertificateName::Uri(uri),
        (None, Some(name), None) => CertificateName::CommonName(name),
        (None, None, Some(name)) => match distinguished_name(&name.value) {
            Some(name) => CertificateName::DistinguishedName(name),
            None => {
                section.fault_here(
                    "`distinguished_name` is no distinguished name (RFC 4514): write it as `openssl x509 -noout -subject -nameopt RFC2253` does",
                );
                return None;
            }
        },
        _ => {
            section.fault_here(
                "give `uri`, the URI in the certificate's alternative names such as a SPIFFE id, or `common_name`, that of its subject, or `distinguished_name`, all of its subject, and not both",
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

/// The authorities of `[listen.tls]`, with the rules.
pub(super) fn certificates(
    section: &Section<'_, '_>,
    ca: Option<&At<PathBuf>>,
    lists: &[PathBuf],
    rules: &[CertificateRule],
) -> ClientCertificates {
    let Some(ca) = ca else {
        if !lists.is_empty() {
            section.fault_here("`client_crl` has no effect without `client_ca`");
        }
        if !rules.is_empty() && !section.has("client_ca") {
            section.missing(
                "client_ca",
                "the authorities that vouch for the certificates of [[client_certificate]]",
            );
        }
        return ClientCertificates::default();
    };
    if rules.is_empty() {
        let why = "`client_ca` lets nobody in without a [[client_certificate]], and whoever has a certificate would be refused";
        section.fault(ca.at, why);
    }
    ClientCertificates::new(&ca.value, lists, rules.to_vec()).unwrap_or_else(|error| {
        section.fault(ca.at, error.to_string());
        ClientCertificates::default()
    })
}
