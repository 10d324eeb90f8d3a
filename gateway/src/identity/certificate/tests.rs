use std::process::Command;

use tokio_rustls::rustls::pki_types::pem::PemObject;

use super::*;

/// A certificate of its own making, with this subject and these extensions, good for two days.
fn made(subject: &str, extensions: &[&str]) -> CertificateDer<'static> {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new("openssl");
    command
        .current_dir(folder.path())
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
    CertificateDer::from_pem_file(folder.path().join("crt")).unwrap()
}

fn names(subject: &str, extensions: &[&str]) -> (Option<String>, Option<String>) {
    let names = Names::read(&made(subject, extensions)).unwrap();
    (names.uri, names.common_name)
}

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

#[test]
fn names_are_read_where_they_stand_alone() {
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
fn a_subject_is_compared_as_a_whole() {
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
        assert!(subject(given).are(&rule));
        // A part of the name is not the name, and neither is one that holds it.
        assert!(!subject("/CN=reports").are(&rule));
        assert!(!subject(&format!("{given}/CN=more")).are(&rule));
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
fn the_end_is_that_of_the_certificate() {
    let names = Names::read(&made("/CN=a", &[])).unwrap();
    let left = names.not_after.duration_since(SystemTime::now()).unwrap();
    let days = left.as_secs_f64() / 86_400.0;
    assert!((1.9..=2.0).contains(&days), "{days}");
}

#[test]
fn what_is_no_certificate_has_no_names() {
    let whole = made("/CN=a", &["subjectAltName=URI:a:b"]);
    for length in 0..whole.len() {
        let cut = CertificateDer::from(whole[..length].to_vec());
        assert_eq!(Names::read(&cut), None, "{length}");
    }
    for at in 0..whole.len() {
        let mut bytes = whole.to_vec();
        bytes[at] ^= 0xff;
        // Whatever comes of it, it is no panic.
        let _ = Names::read(&CertificateDer::from(bytes));
    }
}

#[test]
fn names_are_compared_as_a_whole_and_by_kind() {
    let subject = "/CN=spiffe:\\/\\/shop\\/reports";
    let forged = Names::read(&made(subject, &[])).unwrap();
    assert_eq!(forged.common_name, some("spiffe://shop/reports"));
    let uri = |text: &str| CertificateName::Uri(text.to_owned());
    assert!(!forged.are(&uri("spiffe://shop/reports")), "not a URI");
    let real = Names::read(&made(
        "/CN=x",
        &["subjectAltName=URI:spiffe://shop/reports"],
    ))
    .unwrap();
    assert!(real.are(&uri("spiffe://shop/reports")));
    for other in [
        "spiffe://shop/report",
        "spiffe://shop/reports/",
        "spiffe://shop/Reports",
        "",
    ] {
        assert!(!real.are(&uri(other)), "{other}");
    }
}

#[test]
fn without_authorities_nobody_is_known() {
    let chain = [made("/CN=a", &[])];
    let error = ClientCertificates::default().identify(&chain, SystemTime::now());
    assert_eq!(error, Err(CertificateError::NotAccepted));
}
