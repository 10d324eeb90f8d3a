//! Names in certificates that the openssl command creates.

use std::process::Command;

use tokio_rustls::rustls::pki_types::pem::PemObject;

use super::*;

/// A self-signed certificate with this subject and these extensions, valid for two days.
fn made(subject: &str, extensions: &[&str]) -> CertificateDer<'static> {
    let directory = tempfile::tempdir().unwrap();
    let mut command = Command::new("openssl");
    command
        .current_dir(directory.path())
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt"])
        .args(["ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"])
        .args(["-utf8", "-subj", subject, "-keyout", "key", "-out", "crt"]);
    for extension in extensions {
        command.args(["-addext", extension]);
    }
    let made = command.output().expect("the openssl command is installed");
    assert!(
        made.status.success(),
        "{}",
        String::from_utf8_lossy(&made.stderr)
    );
    CertificateDer::from_pem_file(directory.path().join("crt")).unwrap()
}

fn names(subject: &str, extensions: &[&str]) -> (Option<String>, Option<String>) {
    let names = Names::read(&made(subject, extensions)).unwrap();
    (names.uri, names.common_name)
}

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

#[test]
fn names_are_read_if_they_are_unique() {
    let spiffe = "subjectAltName=DNS:a.example,URI:spiffe://shop/reports";
    assert_eq!(
        names("/O=Shop/CN=reports", &[spiffe]),
        (some("spiffe://shop/reports"), some("reports"))
    );
    assert_eq!(names("/CN=Zoë", &[]), (None, some("Zoë")));
    assert_eq!(names("/O=Shop", &[]), (None, None));
    let two = "subjectAltName=URI:spiffe://shop/a,URI:spiffe://shop/b";
    assert_eq!(names("/CN=a/CN=b", &[two]), (None, None));
}

#[test]
fn a_distinguished_name_matches_only_the_complete_subject() {
    let subject = |text: &str| Names::read(&made(text, &[])).unwrap();
    for (given, written) in [
        ("/O=Shop/OU=data/CN=reports", "CN=reports,OU=data,O=Shop"),
        ("/O=A, B\\+C/CN=Zoë", "CN=Zoë,O=A\\, B\\+C"),
        ("/DC=example/UID=a", "UID=a,DC=example"),
    ] {
        assert_eq!(subject(given).distinguished_name, some(written), "{given}");
        let as_configured = distinguished_name(written);
        assert_eq!(as_configured, some(written));
        let rule = CertificateName::DistinguishedName(as_configured.unwrap());
        assert!(subject(given).matches(&rule));
        // Neither a part of the name nor a longer name matches.
        assert!(!subject("/CN=reports").matches(&rule));
        assert!(!subject(&format!("{given}/CN=more")).matches(&rule));
    }
    assert_eq!(
        distinguished_name("cn=reports,o=Shop"),
        some("CN=reports,O=Shop")
    );
    for no_name in ["", "reports", "CN", "nothing=a", "=a"] {
        assert_eq!(distinguished_name(no_name), None, "{no_name}");
    }
}

#[test]
fn reads_the_expiry_of_the_certificate() {
    let names = Names::read(&made("/CN=a", &[])).unwrap();
    let left = names.not_after.duration_since(SystemTime::now()).unwrap();
    let days = left.as_secs_f64() / 86_400.0;
    assert!((1.9..=2.0).contains(&days), "{days}");
}

#[test]
fn malformed_certificates_are_rejected_without_panicking() {
    let whole = made("/CN=a", &["subjectAltName=URI:a:b"]);
    for length in 0..whole.len() {
        let cut = CertificateDer::from(whole[..length].to_vec());
        assert_eq!(Names::read(&cut), None, "{length}");
    }
    for at in 0..whole.len() {
        let mut bytes = whole.to_vec();
        bytes[at] ^= 0xff;
        let _ = Names::read(&CertificateDer::from(bytes));
    }
}

#[test]
fn names_match_exactly_and_by_kind() {
    let subject = "/CN=spiffe:\\/\\/shop\\/reports";
    let forged = Names::read(&made(subject, &[])).unwrap();
    assert_eq!(forged.common_name, some("spiffe://shop/reports"));
    let uri = |text: &str| CertificateName::Uri(text.to_owned());
    assert!(!forged.matches(&uri("spiffe://shop/reports")), "not a URI");
    let real = Names::read(&made(
        "/CN=x",
        &["subjectAltName=URI:spiffe://shop/reports"],
    ))
    .unwrap();
    assert!(real.matches(&uri("spiffe://shop/reports")));
    for other in [
        "spiffe://shop/report",
        "spiffe://shop/reports/",
        "spiffe://shop/Reports",
        "",
    ] {
        assert!(!real.matches(&uri(other)), "{other}");
    }
}

#[test]
fn without_a_ca_no_certificate_is_accepted() {
    let chain = [made("/CN=a", &[])];
    let error = ClientCertificates::default().identify(&chain, SystemTime::now());
    assert_eq!(error, Err(CertificateError::NotAccepted));
}
