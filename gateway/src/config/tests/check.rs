//! `gatewright check`.

use std::process::ExitCode;

use super::*;
use crate::cli;

fn check(path: &Path) -> (String, ExitCode) {
    let mut out = Vec::new();
    let code = cli::check::run(path, &mut out).unwrap();
    (String::from_utf8(out).unwrap(), code)
}

#[test]
fn what_is_printed_hides_secrets_and_loads_again() {
    let folder = Folder::new();
    let text = example()
        .replacen(
            "password_file = \"secrets/analyst\"",
            "password = \"inline-pw\"",
            1,
        )
        .replace(
            "rows = 10000",
            "rows = 10000\nhash_key = \"pepper-pw\"\n\"odd name\" = { a = [\"q\\\"\\n\"] }",
        );
    let path = folder.write("gatewright.toml", &text);
    let (printed, code) = check(&path);
    assert_eq!(code, ExitCode::SUCCESS);
    assert!(!printed.contains("-pw"), "{printed}");
    assert!(printed.contains("password = \"(hidden)\""), "{printed}");
    assert!(printed.contains("hash_key = \"(hidden)\""), "{printed}");
    // What is printed is itself a configuration, and says the same.
    let (again, code) = check(&folder.write("printed.toml", &printed));
    assert_eq!(code, ExitCode::SUCCESS, "{again}");
    let without_notes = |text: &str| {
        text.lines()
            .filter(|line| !line.starts_with('#'))
            .collect::<Vec<_>>()
            .join("\n")
    };
    assert_eq!(without_notes(&again), without_notes(&printed));
}

#[test]
fn the_least_configuration_is_printed_with_its_defaults() {
    let folder = Folder::new();
    let (printed, code) = check(&folder.write("gatewright.toml", LEAST));
    assert_eq!(code, ExitCode::SUCCESS);
    for line in [
        "address = \"127.0.0.1:6432\"",
        "max_message = \"128MiB\"",
        "tls = \"disable\"",
        "host = \"/run/postgresql\"",
        "# no [policies]: every statement is allowed",
    ] {
        assert!(printed.contains(line), "{line} is not in\n{printed}");
    }
}

#[test]
fn faults_are_printed_and_the_exit_code_is_one() {
    let folder = Folder::new();
    let (printed, code) =
        check(&folder.write("gatewright.toml", &LEAST.replace("name =", "nam =")));
    assert_eq!(code, ExitCode::FAILURE);
    assert!(
        printed.contains("gatewright.toml:8:1: [[database]] has no key `nam`"),
        "{printed}"
    );
}
