//! Client certificates: whose certificate opens a session, whose does not, and when the session ends.

use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Result;
use gatewright_harness::{Psql, PsqlOutput, certificates, openssl};

use super::stage::{Plan, Stage};
use crate::issuer::Issuer;
use crate::world::eventually;

const REPORTS: &str = "spiffe://shop.example/ns/shop/sa/reports";

const TLS: &str = "[listen.tls]\ncertificate = \"server.crt\"\nkey = \"server.key\"\nclient_ca = \"clients.crt\"\nclient_crl = \"clients.crl\"\n";

const RULES: &str = r#"
[[client_certificate]]
uri = "spiffe://shop.example/ns/shop/sa/reports"
subject = "reports"
groups = "staff"
agent = "nightly"

[[client_certificate]]
common_name = "ada"
groups = ["staff"]

[[client_certificate]]
common_name = "guest"
groups = ["visitors"]
"#;

const AUTHORITY: &str = r#"
[ca]
default_ca = own
[own]
database = NAME.index
serial = NAME.serial
crlnumber = NAME.serial
crl_extensions = list
new_certs_dir = .
certificate = NAME.crt
private_key = NAME.key
default_md = sha256
default_days = 2
default_crl_days = 2
policy = any
unique_subject = no
copy_extensions = copy
[list]
authorityKeyIdentifier = keyid
[any]
commonName = optional
"#;

/// Creates `NAME.crt`, a CA certificate, and an empty CRL.
fn authority(folder: &Path, name: &str) -> Result<()> {
    std::fs::write(
        folder.join(format!("{name}.cnf")),
        AUTHORITY.replace("NAME", name),
    )?;
    std::fs::write(folder.join(format!("{name}.index")), "")?;
    std::fs::write(folder.join(format!("{name}.serial")), "1000\n")?;
    let subject = format!("/CN={name}");
    request(
        folder,
        name,
        &["-x509", "-days", "2", "-subj", &subject],
        "crt",
    )?;
    list(folder, name)
}

fn request(folder: &Path, name: &str, more: &[&str], ending: &str) -> Result<()> {
    let (key, out) = (format!("{name}.key"), format!("{name}.{ending}"));
    let curve = "ec_paramgen_curve:prime256v1";
    let usual = ["req", "-newkey", "ec", "-pkeyopt", curve, "-nodes"];
    openssl(
        folder,
        &[&usual[..], &["-keyout", &key, "-out", &out], more].concat(),
    )
}

fn list(folder: &Path, name: &str) -> Result<()> {
    let (cnf, crl) = (format!("{name}.cnf"), format!("{name}.crl"));
    openssl(folder, &["ca", "-config", &cnf, "-gencrl", "-out", &crl])
}

/// Creates `NAME.crt` and `NAME.key` for a client. `until`: seconds from now.
fn issue(folder: &Path, ca: &str, name: &str, extension: &str, until: i64) -> Result<()> {
    let subject = format!("/CN={name}");
    let extension = match extension {
        "" => "basicConstraints=CA:FALSE",
        uri => &format!("subjectAltName=URI:{uri}"),
    };
    request(
        folder,
        name,
        &["-new", "-subj", &subject, "-addext", extension],
        "csr",
    )?;
    let (cnf, csr, crt) = (
        format!("{ca}.cnf"),
        format!("{name}.csr"),
        format!("{name}.crt"),
    );
    let end = stamp(until)?;
    let mut arguments = vec![
        "ca", "-batch", "-notext", "-config", &cnf, "-in", &csr, "-out", &crt,
    ];
    arguments.extend(["-startdate", "20200101000000Z", "-enddate", &end]);
    openssl(folder, &arguments)
}

/// The time `seconds` from now as GeneralizedTime.
fn stamp(seconds: i64) -> Result<String> {
    let now = i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs())?;
    let output = std::process::Command::new("date")
        .args(["-u", "-d", &format!("@{}", now + seconds), "+%Y%m%d%H%M%SZ"])
        .output()?;
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

fn stage(test: &str, issuer: &Issuer) -> Result<Stage> {
    let folder = tempfile::tempdir()?;
    let path = folder.path();
    certificates(path)?;
    authority(path, "clients")?;
    authority(path, "strangers")?;
    for (ca, name, extension) in [
        ("clients", "pod", REPORTS),
        ("clients", "ada", ""),
        ("clients", "guest", ""),
        (
            "clients",
            "nobody",
            "spiffe://shop.example/ns/shop/sa/other",
        ),
    ] {
        issue(path, ca, name, extension, 86_400)?;
    }
    let plan = Plan {
        issuer: &issuer.url,
        listen_tables: TLS,
        more: RULES,
        ..Plan::default()
    };
    Stage::start(test, folder, &plan)
}

/// psql with the certificate of this name and a password to send if asked.
fn psql(stage: &Stage, name: &str, password: &str) -> Result<Psql> {
    let file = |ending: &str| {
        let path = stage.folder.path().join(format!("{name}.{ending}"));
        path.display().to_string()
    };
    let roots = stage.folder.path().join("ca.crt").display().to_string();
    Ok(stage
        .psql(password)?
        .environment("PGSSLMODE", "verify-full")
        .environment("PGSSLROOTCERT", &roots)
        .environment("PGSSLCERT", &file("crt"))
        .environment("PGSSLKEY", &file("key")))
}

fn refusal(psql: &Psql) -> Result<String> {
    let PsqlOutput { code, stderr, .. } = psql.script("SELECT 1;")?;
    assert_eq!(code, Some(2), "{stderr}");
    Ok(stderr)
}

#[test]
fn a_certificate_opens_what_a_token_with_the_same_groups_opens() -> Result<()> {
    let issuer = Issuer::start()?;
    let stage = stage("mtls_opens", &issuer)?;
    for name in ["pod", "ada"] {
        let role = psql(&stage, name, "never asked for")?.query("SELECT current_user")?;
        assert_eq!(role, stage.role, "{name}");
    }
    eventually("the log names the identity", || {
        let log = stage.gateway.log()?;
        Ok(log.contains("subject=reports") && log.contains("subject=ada"))
    })?;
    // Without a certificate a token is accepted, with and without TLS.
    let token = issuer.token("eve", &["staff"])?;
    assert_eq!(stage.role_of(&token)?, stage.role);
    let plain = stage.psql(&token)?.environment("PGSSLMODE", "disable");
    assert_eq!(plain.query("SELECT current_user")?, stage.role);
    let refused = refusal(&psql(&stage, "guest", &token)?)?;
    assert!(refused.contains("no grant"), "{refused}");
    Ok(())
}

#[test]
fn other_certificates_are_rejected_even_with_a_valid_token() -> Result<()> {
    let issuer = Issuer::start()?;
    let stage = stage("mtls_refuses", &issuer)?;
    let token = issuer.token("eve", &["staff"])?;
    let refused = refusal(&psql(&stage, "nobody", &token)?)?;
    assert!(refused.contains("not mapped to an identity"), "{refused}");
    let folder = stage.folder.path();
    for (ca, name, until) in [("strangers", "ada", 86_400), ("clients", "ada", -60)] {
        issue(folder, ca, name, "", until)?;
        let refused = refusal(&psql(&stage, name, &token)?)?;
        assert!(!refused.contains("FATAL"), "past the handshake: {refused}");
    }
    issue(folder, "clients", "ada", "", 86_400)?;
    let role = psql(&stage, "ada", "")?.query("SELECT current_user")?;
    assert_eq!(role, stage.role);
    Ok(())
}

#[test]
fn a_session_ends_with_its_certificate_or_its_mapping() -> Result<()> {
    let issuer = Issuer::start()?;
    let stage = stage("mtls_ends", &issuer)?;
    let folder = stage.folder.path();
    let ended = |how: &str| {
        eventually(how, || {
            Ok(stage.gateway.log()?.contains(&format!("end=\"{how}\"")))
        })
    };

    issue(folder, "clients", "ada", "", 15)?;
    let mut brief = psql(&stage, "ada", "")?.session()?;
    assert!(brief.run("SELECT 'in';")?.contains("in"));
    std::thread::sleep(Duration::from_secs(10));
    ended("certificate_expired")?;

    let mut revoked = psql(&stage, "pod", "")?.session()?;
    let mut other = psql(&stage, "guest", "")?;
    assert!(revoked.run("SELECT 'in';")?.contains("in"));
    openssl(
        folder,
        &["ca", "-config", "clients.cnf", "-revoke", "pod.crt"],
    )?;
    list(folder, "clients")?;
    stage.gateway.process().signal("HUP")?;
    ended("certificate_withdrawn")?;
    let refused = refusal(&psql(&stage, "pod", "")?)?;
    assert!(!refused.contains("FATAL"), "past the handshake: {refused}");

    // A session whose mapping now gives another group continues with that group or ends.
    assert!(refusal(&other)?.contains("no grant"));
    stage.edit(|text| text.replace("[\"visitors\"]", "[\"staff\"]"))?;
    stage.gateway.process().signal("HUP")?;
    eventually("the group is in force", || {
        Ok(other.script("SELECT 1;")?.code == Some(0))
    })?;
    other = psql(&stage, "guest", "")?;
    let mut guest = other.session()?;
    assert!(guest.run("SELECT 'in';")?.contains("in"));
    stage.edit(|text| text.replace("common_name = \"guest\"", "common_name = \"gone\""))?;
    stage.gateway.process().signal("HUP")?;
    eventually("the session ends", || {
        let log = stage.gateway.log()?;
        Ok(log.matches("end=\"certificate_withdrawn\"").count() == 2)
    })
}
