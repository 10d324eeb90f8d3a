//! Connection strings.

use std::time::Duration;

use secrecy::ExposeSecret;

use crate::upstream::{Credential, DsnError, SessionAttributes, Target, TlsMode};

fn read(dsn: &str) -> Target {
    Target::from_dsn(dsn, None).unwrap()
}

fn error(dsn: &str) -> String {
    let error = Target::from_dsn(dsn, None).unwrap_err().to_string();
    assert!(!error.contains("hunter2"), "{error}");
    error
}

fn secret(credential: Credential) -> String {
    match credential {
        Credential::Inline(password) => password.expose_secret().to_owned(),
        other => panic!("{other:?}"),
    }
}

fn one(host: &str, port: u16) -> Vec<(String, u16)> {
    vec![(host.to_owned(), port)]
}

#[test]
fn parses_every_part_of_a_uri() {
    let target =
        read("postgres://app:p%40ss%2Fw@db.example:6000/shop?sslmode=require&connect_timeout=3");
    assert_eq!(target.hosts, one("db.example", 6000));
    assert_eq!((&target.user[..], &target.dbname[..]), ("app", "shop"));
    assert_eq!(secret(target.password), "p@ss/w");
    assert_eq!(
        (target.tls.mode(), target.connect_timeout),
        (TlsMode::Require, Duration::from_secs(3))
    );
}

#[test]
fn defaults_are_those_of_libpq() {
    let target = read("postgresql://app@");
    assert_eq!(target.hosts, one("localhost", 5432));
    assert_eq!(
        (&target.dbname[..], target.tls.mode()),
        ("app", TlsMode::Prefer)
    );
    assert!(matches!(target.password, Credential::None));
    assert_eq!(target.session_attributes, SessionAttributes::Any);
}

#[test]
fn system_roots_require_verify_full() {
    let mode = |options: &str| Target::from_dsn(&format!("postgres://app@db?{options}"), None);
    for options in [
        "sslrootcert=system",
        "sslrootcert=system&sslmode=verify-full",
        "sslmode=verify-full&sslrootcert=system",
    ] {
        assert_eq!(mode(options).unwrap().tls.mode(), TlsMode::VerifyFull);
    }
    for weaker in ["disable", "prefer", "require", "verify-ca"] {
        for options in [
            format!("sslrootcert=system&sslmode={weaker}"),
            format!("sslmode={weaker}&sslrootcert=system"),
        ] {
            assert!(
                matches!(mode(&options), Err(DsnError::WeakMode)),
                "{options}"
            );
        }
    }
}

#[test]
fn the_default_password_is_used_if_the_uri_has_none() {
    let default = || Some("default".into());
    let password = |dsn| secret(Target::from_dsn(dsn, default()).unwrap().password);
    assert_eq!(password("postgres://app@db"), "default");
    assert_eq!(password("postgres://app:own@db"), "own");
    assert_eq!(password("postgres://app@db?password=own"), "own");
}

#[test]
fn parses_sockets_addresses_and_multiple_hosts() {
    assert_eq!(
        read("postgres://app@/shop?host=/var/run/postgresql&port=5433").hosts,
        one("/var/run/postgresql", 5433)
    );
    assert_eq!(
        read("postgres://app@%2Fvar%2Frun/shop").hosts,
        one("/var/run", 5432)
    );
    assert_eq!(
        read("postgres://app@[::1]:6000/shop").hosts,
        one("::1", 6000)
    );
    assert_eq!(read("postgres://app@[::1]").hosts, one("::1", 5432));
    let several = read("postgres://app@a:1,b,c:3/shop?target_session_attrs=read-write");
    assert_eq!(
        several.hosts,
        [
            ("a".to_owned(), 1),
            ("b".to_owned(), 5432),
            ("c".to_owned(), 3)
        ]
    );
    assert_eq!(several.session_attributes, SessionAttributes::ReadWrite);
    let one_port = read("postgres://app@/shop?host=a,b&port=7");
    assert_eq!(one_port.hosts, [("a".to_owned(), 7), ("b".to_owned(), 7)]);
    assert_eq!(one_port.address_and_database(), "a:7,b:7/shop");
}

#[test]
fn errors_name_the_invalid_part_and_omit_the_password() {
    assert!(matches!(
        Target::from_dsn("host=a user=b password=hunter2", None),
        Err(DsnError::Scheme)
    ));
    assert!(matches!(
        Target::from_dsn("postgres://db:5432/shop", None),
        Err(DsnError::NoUser)
    ));
    assert!(error("postgres://app:hunter2@db:99999").contains("invalid port number \"99999\""));
    assert!(
        error("postgres://app:hunter2@db?sslmode=allow")
            .contains("invalid sslmode value \"allow\"")
    );
    assert!(
        error("postgres://app:hunter2@db?colour=red")
            .contains("unknown connection parameter \"colour\"")
    );
    assert!(error("postgres://app:hunter2@db?sslmode").contains("missing value"));
    assert!(error("postgres://app:hunter2%ff@db").contains("password"));
    assert!(error("postgres://app:hunter2@[::1").contains("IPv6"));
    assert!(
        error("postgres://app:hunter2@a:1,b:2?port=1,2,3").contains("3 port numbers to 2 hosts")
    );
    assert!(error("postgres://app:hunter2@db?sslcert=/a").contains("sslkey"));
    assert!(
        error("postgres://app:hunter2@db?sslmode=verify-ca&sslrootcert=/nowhere.pem")
            .contains("/nowhere.pem")
    );
}

#[test]
fn debug_output_omits_the_password() {
    assert!(!format!("{:?}", read("postgres://app:hunter2@db")).contains("hunter2"));
}
