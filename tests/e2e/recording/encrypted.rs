//! A record that is encrypted for its readers.

use anyhow::{Result, ensure};
use gatewright_harness::Version;
use gatewright_tests::raw::{Client, extended, sync};

use super::canaries::each_file;
use super::fixture::Recorded;

/// What age-keygen prints, and the recipient that it belongs to.
fn person() -> (String, String) {
    use age::secrecy::ExposeSecret;
    let identity = age::x25519::Identity::generate();
    let text = identity.to_string().expose_secret().to_owned();
    (text, identity.to_public().to_string())
}

#[test]
fn only_recipients_read_it_and_everybody_verifies_it() -> Result<()> {
    let (ada, for_ada) = person();
    let (grace, for_grace) = person();
    let (eve, for_eve) = person();
    let keys = format!("recipients = [\"{for_ada}\", \"{for_grace}\"]");
    let recorded = Recorded::start(Version::Installed, "record_sealed", &keys)?;
    let mut client = Client::connect(&recorded.served.dsn("ada")?)?;
    client.query("SELECT id, name FROM customers WHERE name = 'name 7' -- sealed-canary")?;
    let select = extended("SELECT $1::text AS told", &[Some("sealed-canary")], 0);
    client.send(&[select, sync()].concat())?;
    client.until_ready()?;
    drop(client);
    let sessions = recorded.sessions(1)?;
    let id = sessions[0].0.to_string();
    each_file(&recorded.directory, &mut |path, bytes| {
        let text = String::from_utf8_lossy(bytes);
        ensure!(!text.contains("sealed-canary"), "{}", path.display());
        Ok(())
    })?;
    let file = |name: &str, text: &str| -> Result<String> {
        let path = recorded.folder.path().join(name);
        std::fs::write(&path, format!("# {name}\n{text}\n"))?;
        Ok(path.display().to_string())
    };
    let (ada, grace, eve) = (
        file("ada", &ada)?,
        file("grace", &grace)?,
        file("eve", &eve)?,
    );
    for identity in [&ada, &grace] {
        for arguments in [
            vec!["sessions", "show", &id, "--identity", identity],
            vec!["replay", &id, "--at-once", "--identity", identity],
        ] {
            let (text, code) = recorded.command(&arguments)?;
            assert_eq!(code, Some(0), "{text}");
            ensure!(text.contains("sealed-canary"), "{text}");
            ensure!(!text.contains("ENCRYPTED"), "{text}");
        }
    }
    for arguments in [
        vec!["sessions", "show", &id],
        vec!["sessions", "show", &id, "--identity", &eve],
        vec!["replay", &id, "--at-once"],
    ] {
        let (text, code) = recorded.command(&arguments)?;
        assert_eq!(code, Some(0), "{text}");
        ensure!(!text.contains("sealed-canary"), "{text}");
        ensure!(text.contains("ENCRYPTED: "), "{text}");
        ensure!(text.contains("ended: client_left"), "{text}");
    }
    let (list, _) = recorded.command(&["sessions", "list"])?;
    ensure!(
        list.contains("ada")
            && list.contains("2 run, ? refused, 2 rows")
            && list.contains("encrypted"),
        "{list}"
    );
    let (text, code) = recorded.command(&["record", "verify"])?;
    ensure!(
        code == Some(0) && text.contains("1 segments are encrypted"),
        "{text}"
    );

    let rewrap = ["record", "rewrap", "--recipient", &for_eve, "--identity"];
    let (text, code) = recorded.command(&[&rewrap[..], &[&eve]].concat())?;
    ensure!(
        code == Some(0) && text.contains("0 keys wrapped; 1 are for none"),
        "{text}"
    );
    let (text, code) = recorded.command(&[&rewrap[..], &[&ada]].concat())?;
    ensure!(code == Some(0) && text.contains("1 keys wrapped"), "{text}");
    let (text, _) = recorded.command(&["sessions", "show", &id, "--identity", &eve])?;
    ensure!(text.contains("sealed-canary"), "{text}");
    recorded.assert_verifies()
}
