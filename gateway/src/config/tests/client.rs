//! Client certificates and the identities they stand for.

use super::*;
use crate::identity::{CERTIFICATE, CertificateName};

const TLS: &str = "[listen.tls]\ncertificate = \"tls/gateway.crt\"\nkey = \"tls/gateway.key\"\nclient_ca = \"tls/cluster-ca.pem\"\n";

const RULES: &str = r#"
[[client_certificate]]
uri = "spiffe://shop/reports"
groups = "staff"
agent = "nightly"
[[client_certificate]]
common_name = "ada"
subject = "Ada"
groups = ["staff", "admins"]
"#;

fn with(tls: &str, rules: &str) -> String {
    let start = format!("{tls}[[issuer]]\nurl");
    format!("{}{rules}", LEAST.replacen("[[issuer]]\nurl", &start, 1))
}

#[test]
fn certificates_are_mapped_to_identities() {
    let folder = Folder::new();
    let text = with(TLS, RULES).replace("role =", "issuers = \"certificate\"\nrole =");
    let config = folder
        .load(&text)
        .unwrap_or_else(|report| panic!("{report}"));
    let certificates = &config.listen.certificates;
    assert!(certificates.verifier().is_some());
    let [pod, ada] = certificates.rules() else {
        panic!("{certificates:?}");
    };
    assert_eq!(
        pod.name,
        CertificateName::Uri("spiffe://shop/reports".into())
    );
    assert_eq!(pod.subject, "spiffe://shop/reports");
    assert_eq!(pod.agent.as_deref(), Some("nightly"));
    assert_eq!(ada.subject, "Ada");
    assert_eq!(ada.groups, ["staff", "admins"]);
    assert_eq!(config.grants.rules()[0].issuers, [CERTIFICATE]);
    // What `check` prints is read back.
    let shown = config.to_string();
    for line in [
        "client_ca = ",
        "uri = \"spiffe://shop/reports\"",
        "common_name = \"ada\"",
    ] {
        assert!(shown.contains(line), "{shown}");
    }
}

#[test]
fn with_certificates_no_issuer_is_needed() {
    let issuer = "[[issuer]]\nurl = \"https://id.example.com\"\naudience = \"gatewright\"\n";
    let text = with(TLS, RULES);
    assert!(text.contains(issuer));
    assert!(Folder::new().load(&text.replace(issuer, "")).is_ok());
    let neither = with("", "").replace(issuer, "");
    let errors = Folder::new().errors(&neither);
    assert!(errors[0].2.contains("one [[issuer]]"), "{errors:?}");
}

#[test]
fn certificates_that_admit_no_client_or_the_wrong_one_are_errors() {
    let folder = Folder::new();
    let no_ca = TLS.replace("client_ca = \"tls/cluster-ca.pem\"\n", "");
    let key_as_ca = TLS.replace("cluster-ca.pem", "gateway.key");
    let no_list = format!("{TLS}client_crl = \"tls/gateway.crt\"\n");
    let list_alone = format!("{no_ca}client_crl = \"tls/gateway.crt\"\n");
    let both = "[[client_certificate]]\nuri = \"a:b\"\ncommon_name = \"a\"\ngroups = \"x\"\n";
    let twice = format!("{RULES}[[client_certificate]]\ncommon_name = \"ada\"\ngroups = \"x\"\n");
    for (tls, rules, wanted) in [
        ("", RULES, "requires [listen.tls]"),
        (&no_ca, RULES, "requires `client_ca`"),
        (TLS, "", "no effect without a [[client_certificate]]"),
        (&key_as_ca, RULES, "contains no certificate"),
        (&no_list, RULES, "contains no revocation list"),
        (&list_alone, "", "no effect without `client_ca`"),
        (TLS, both, "exactly one of"),
        (
            TLS,
            "[[client_certificate]]\ndistinguished_name = \"ada\"\ngroups = \"x\"\n",
            "not a distinguished name",
        ),
        (TLS, &twice, "two entries"),
        (TLS, "[[client_certificate]]\nuri = \"a:b\"\n", "`groups`"),
    ] {
        let errors = folder.errors(&with(tls, rules));
        assert!(
            errors
                .iter()
                .any(|(_, _, message)| message.contains(wanted)),
            "{wanted}: {errors:?}"
        );
    }
}
