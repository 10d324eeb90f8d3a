//! Reading a configuration takes work that grows as the file does. Work is counted in instructions.

use std::fmt::Write;
use std::path::Path;

use gatewright_harness::work;

use super::super::load;
use super::Folder;

const SIZES: [usize; 3] = [40, 160, 640];

/// How much more the work may grow than the file, from the second size to the third. A square would be four.
const MOST: f64 = 1.5;

const FUNCTION: &str = "gatewright::config::tests::growth::counted";

/// As many databases, issuers, certificates, policies and grants, each of which names a database and an issuer of its own.
fn configuration(size: usize) -> String {
    let mut text = String::from("[listen]\ncleartext_password = \"loopback\"\n");
    for at in 0..size {
        writeln!(
            text,
            r#"
[[issuer]]
url = "https://id{at}.example.com"
audience = "gatewright"

[[client_certificate]]
uri = "spiffe://example.com/{at}"
subject = "job{at}"
groups = ["jobs"]

[[database]]
name = "shop{at}"
host = "/run/postgresql"

[[grant]]
groups = ["team{at}"]
issuers = ["https://id{at}.example.com"]
databases = ["shop{at}"]
role = "reader"

[policy.p{at}.settings]
"#
        )
        .expect("a string");
    }
    text.push_str("[listen.tls]\ncertificate = \"tls/gateway.crt\"\nkey = \"tls/gateway.key\"\nclient_ca = \"tls/clients-ca.pem\"\n");
    let names: Vec<String> = (0..size).map(|at| format!("\"p{at}\"")).collect();
    let order = names.join(", ");
    write!(
        text,
        "[policies]\ndirectory = \"policies\"\norder = [{order}]\n"
    )
    .expect("a string");
    text
}

/// What is counted.
#[inline(never)]
fn counted(path: &Path) {
    load(path).expect("a configuration");
}

/// Run by the next one, under callgrind, which notes what each call of `counted` takes.
#[test]
#[ignore = "run by `work_grows_as_the_file_does`"]
fn each_size() {
    let folder = Folder::new();
    for size in SIZES {
        counted(&folder.write("gatewright.toml", &configuration(size)));
    }
}

#[test]
fn work_grows_as_the_file_does() {
    let counts = work::of_calls(FUNCTION, "config::tests::growth::each_size").expect("counts");
    let length = |size: usize| configuration(size).len() as f64;
    let growth = work::growth(&counts, SIZES.map(length)).expect("three counts");
    assert!(growth <= MOST, "{growth:.2}: {counts:?}");
}
