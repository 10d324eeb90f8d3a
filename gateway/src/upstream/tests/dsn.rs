use std::time::Duration;

use secrecy::ExposeSecret;

use crate::upstream::{Credential, DsnError, SessionAttributes, Target, TlsMode};

fn read(dsn: &str) -> Target {
    Target::from_dsn(dsn, None).unwrap()
}

fn fault(dsn: &str) -> String {
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
fn the_usual_form() {
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
fn what_is_left_out_is_as_in_libpq() {
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
fn the_systems_authorities_are_for_full_verification_only() {
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
fn a_password_from_elsewhere_stands_in() {
    let elsewhere = || Some("elsewhere".into());
    let password = |dsn| secret(Target::from_dsn(dsn, elsewhere()).unwrap().password);
    assert_eq!(password("postgres://app@db"), "elsewhere");
    assert_eq!(password("postgres://app:own@db"), "own");
    assert_eq!(password("postgres://app@db?password=own"), "own");
}

#[test]
fn sockets_addresses_and_several_hosts() {
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
fn faults_say_what_is_wrong_and_never_the_password() {
    assert!(matches!(
        Target::from_dsn("host=a user=b password=hunter2", None),
        Err(DsnError::Scheme)
    ));
    assert!(matches!(
        Target::from_dsn("postgres://db:5432/shop", None),
        Err(DsnError::NoUser)
    ));
    assert!(fault("postgres://app:hunter2@db:99999").contains("'99999' is not a port"));
    assert!(fault("postgres://app:hunter2@db?sslmode=allow").contains("sslmode cannot be 'allow'"));
    assert!(fault("postgres://app:hunter2@db?colour=red").contains("'colour' is not known"));
    assert!(fault("postgres://app:hunter2@db?sslmode").contains("has no value"));
    assert!(fault("postgres://app:hunter2%ff@db").contains("password"));
    assert!(fault("postgres://app:hunter2@[::1").contains("IPv6"));
    assert!(fault("postgres://app:hunter2@a:1,b:2?port=1,2,3").contains("3 ports for 2 hosts"));
    assert!(fault("postgres://app:hunter2@db?sslcert=/a").contains("sslkey"));
    assert!(
        fault("postgres://app:hunter2@db?sslmode=verify-ca&sslrootcert=/nowhere.pem")
            .contains("/nowhere.pem")
    );
}

#[test]
fn a_password_does_not_show_in_debug_output() {
    assert!(!format!("{:?}", read("postgres://app:hunter2@db")).contains("hunter2"));
}
