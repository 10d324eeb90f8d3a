//! `gatewright proxy`: clients without a token reach a gateway with the one in the proxy's file, and get a clear error
//! when they cannot.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use gatewright_harness::{Dsn, Gateway, GatewayCommand, Psql, certificates};
use gatewright_tests::raw::{self, Client};

use crate::site::Site;
use crate::world::{eventually, put};

/// A site, and a proxy in front of it that reads the token file `token`.
struct Sidecar {
    proxy: Gateway,
    site: Site,
}

impl Sidecar {
    fn start(token: Option<&str>) -> Result<Self> {
        let site = Site::start("info")?;
        if let Some(token) = token {
            std::fs::write(site.folder.path().join("token"), token)?;
        }
        let proxy = proxy(&site, &format!("localhost:{}", site.port), "ca.crt").start()?;
        Ok(Self { proxy, site })
    }

    fn with_token_of(groups: &[&str]) -> Result<Self> {
        let sidecar = Self::start(None)?;
        sidecar.rotate(&sidecar.site.issuer.token("pod", groups)?)?;
        Ok(sidecar)
    }

    /// Replaces the token atomically: written beside, then renamed.
    fn rotate(&self, token: &str) -> Result<()> {
        put(
            self.site.folder.path(),
            "token",
            format!("{token}\n").as_bytes(),
        )
    }

    /// The database through the proxy, without a password.
    fn dsn(&self) -> Result<Dsn> {
        address(&self.proxy)
    }

    fn psql(&self) -> Result<Psql> {
        Psql::new(&self.dsn()?)
    }

    /// psql's error when it cannot connect.
    fn refusal(&self) -> Result<String> {
        Ok(self.psql()?.script("SELECT 1")?.stderr)
    }
}

fn proxy(site: &Site, upstream: &str, ca: &str) -> GatewayCommand {
    let path = |name: &str| site.folder.path().join(name).display().to_string();
    GatewayCommand::verb("proxy")
        .arguments(["--upstream", upstream])
        .arguments(["--token-file", &path("token")])
        .arguments(["--ca", &path(ca)])
        .listen("127.0.0.1:0")
}

pub fn address(proxy: &Gateway) -> Result<Dsn> {
    let ready = proxy.printed().last().context("no line")?;
    let address = ready.strip_prefix("ready postgres://127.0.0.1:");
    Ok(Dsn {
        user: "app".to_owned(),
        password: String::new(),
        host: "127.0.0.1".to_owned(),
        port: address.context("no port")?.trim().parse()?,
        database: "shop".to_owned(),
        options: String::new(),
    })
}

#[test]
fn a_client_without_a_token_works_through_the_proxy() -> Result<()> {
    let sidecar = Sidecar::with_token_of(&["staff"])?;
    let psql = sidecar.psql()?;
    assert_eq!(psql.query("SELECT count(*) FROM customers")?, "2");
    // The gateway's policies apply.
    assert!(
        !psql
            .query("SELECT email FROM customers")?
            .contains("canary")
    );
    // Startup parameters, large results and COPY in both directions work.
    let set = sidecar.psql()?.environment("PGOPTIONS", "-c work_mem=3MB");
    assert_eq!(set.query("SHOW work_mem")?, "3MB");
    let long = psql.query(
        "SELECT sum(length(x)) FROM (SELECT repeat('x', 1000) x FROM generate_series(1, 20000)) t",
    )?;
    assert_eq!(long, "20000000");
    let rows = psql.query("SELECT repeat('y', 500) FROM generate_series(1, 20000)")?;
    assert_eq!(rows.len(), 20000 * 501 - 1);
    let copied = psql.script("COPY customers (id, name) FROM stdin;\n7\tLin\n8\tMay\n\\.\nSELECT count(*) FROM customers;")?;
    assert!(copied.stdout.contains('4'), "{copied:?}");
    Ok(())
}

#[test]
fn each_connection_uses_the_current_token() -> Result<()> {
    let sidecar = Sidecar::with_token_of(&["strangers"])?;
    let refused = sidecar.refusal()?;
    // The gateway's message, SQLSTATE and hint reach the client.
    let direct = sidecar
        .site
        .psql(&sidecar.site.issuer.token("pod", &["strangers"])?)?;
    let fatal = |text: &str| text.split_once("FATAL:").map(|(_, rest)| rest.to_owned());
    assert_eq!(fatal(&refused), fatal(&direct.script("SELECT 1")?.stderr));
    sidecar.rotate(&sidecar.site.issuer.token("pod", &["staff"])?)?;
    let mut open = sidecar.psql()?.session()?;
    assert!(open.run("SELECT 7;")?.contains('7'));
    sidecar.rotate(&sidecar.site.issuer.token("pod", &["strangers"])?)?;
    assert!(
        open.run("SELECT 8;")?.contains('8'),
        "open sessions continue"
    );
    assert!(sidecar.refusal()?.contains("FATAL"));
    Ok(())
}

#[test]
fn errors_in_the_token_file_are_reported_to_the_client() -> Result<()> {
    let sidecar = Sidecar::start(None)?;
    let folder = sidecar.site.folder.path().display().to_string();
    let check = |text: &str| -> Result<()> {
        let stderr = sidecar.refusal()?;
        assert!(stderr.contains(&format!("FATAL:  {text}")), "{stderr}");
        assert!(!stderr.contains(&folder), "{stderr}");
        Ok(())
    };
    check("the proxy's token file does not exist")?;
    sidecar.rotate("")?;
    check("the proxy's token file is empty")?;
    sidecar.rotate("no-token-at-all")?;
    check("the proxy's token file contains no signed token")?;
    let expired = sidecar
        .site
        .issuer
        .token_for("pod", &["staff"], "gatewright", -200)?;
    sidecar.rotate(&expired)?;
    check("the proxy's token expired 3 minutes ago")?;
    // Just expired: the gateway's clock decides, as for any client.
    let late = sidecar
        .site
        .issuer
        .token_for("pod", &["staff"], "gatewright", -1)?;
    sidecar.rotate(&late)?;
    assert!(!sidecar.refusal()?.contains("the proxy's token"));
    let log = sidecar.proxy.log()?;
    assert!(
        log.contains(&folder),
        "the log does not name the file: {log}"
    );
    assert!(!log.contains(&expired), "the log contains the token");
    sidecar.rotate(&sidecar.site.issuer.token("pod", &["staff"])?)?;
    assert_eq!(sidecar.psql()?.query("SELECT 1")?, "1");
    Ok(())
}

#[test]
fn a_cancel_request_affects_only_its_own_client() -> Result<()> {
    let sidecar = Sidecar::with_token_of(&["staff"])?;
    let mut busy = Client::connect(&sidecar.dsn()?)?;
    busy.send(&raw::query("SELECT pg_sleep(60)"))?;
    let running = || -> Result<bool> {
        let count = sidecar.site.prepare(
            "SELECT count(*) FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(60)' AND state = 'active'",
        )?;
        Ok(count == "1")
    };
    eventually("the statement runs", running)?;
    let mut wrong = busy.key.clone();
    *wrong.last_mut().context("a key")? ^= 1;
    raw::cancel(&sidecar.dsn()?, &wrong)?;
    assert!(running()?, "cancelled with a wrong key");
    raw::cancel(&sidecar.dsn()?, &busy.key.clone())?;
    let error = raw::error(&busy.until_ready()?).context("no error")?;
    assert_eq!(error.get(&'C').map(String::as_str), Some("57014"));
    assert_eq!(raw::error(&busy.query("SELECT 1")?), None);
    Ok(())
}

#[test]
fn an_unverified_gateway_receives_no_token() -> Result<()> {
    let site = Site::start("info")?;
    std::fs::write(
        site.folder.path().join("token"),
        site.issuer.token("pod", &["staff"])?,
    )?;
    let other = tempfile::tempdir()?;
    certificates(other.path())?;
    std::fs::copy(
        other.path().join("ca.crt"),
        site.folder.path().join("other.crt"),
    )?;
    // Another CA; a name that is not in the certificate; a server without TLS.
    let plain = crate::world::postgres()?.dsn().port;
    for (upstream, ca) in [
        (format!("localhost:{}", site.port), "other.crt"),
        (format!("127.0.0.2:{}", site.port), "ca.crt"),
        (format!("localhost:{plain}"), "ca.crt"),
    ] {
        let proxy = proxy(&site, &upstream, ca).start()?;
        let stderr = Psql::new(&address(&proxy)?)?.script("SELECT 1")?.stderr;
        assert!(stderr.contains("FATAL"), "{upstream}: {stderr}");
        assert!(!stderr.contains("password"), "{upstream}: {stderr}");
    }
    let log = site.gateway.log()?;
    assert!(!log.contains("session begins"), "{log}");
    Ok(())
}

#[test]
fn concurrent_clients_receive_their_own_results() -> Result<()> {
    let sidecar = Sidecar::with_token_of(&["staff"])?;
    let dsn = sidecar.dsn()?;
    let clients = (0..40).map(|number| {
        let dsn = dsn.clone();
        std::thread::spawn(move || -> Result<()> {
            let mut client = Client::connect(&dsn)?;
            for turn in 0..50 {
                let wanted = format!("{number}/{turn}");
                let answer =
                    client.query(&format!("SELECT '{wanted}', repeat('x', {number} * 1000)"))?;
                let row = answer.iter().find(|message| message.tag == b'D');
                let row = row.with_context(|| format!("no row: {:?}", raw::error(&answer)))?;
                let cells = row.cells();
                anyhow::ensure!(
                    cells[0].as_deref() == Some(&wanted),
                    "{wanted}: {:?}",
                    cells[0]
                );
            }
            Ok(())
        })
    });
    let clients: Vec<_> = clients.collect();
    for client in clients {
        client.join().ok().context("a client panicked")??;
    }
    Ok(())
}

#[test]
fn sigterm_lets_connected_clients_finish() -> Result<()> {
    let mut sidecar = Sidecar::with_token_of(&["staff"])?;
    let dsn = sidecar.dsn()?;
    let mut open = Client::connect(&dsn)?;
    sidecar.proxy.process().signal("TERM")?;
    eventually("new connections are refused", || {
        Ok(std::net::TcpStream::connect((dsn.host.as_str(), dsn.port)).is_err())
    })?;
    assert_eq!(raw::error(&open.query("SELECT 1")?), None);
    drop(open);
    let status = sidecar
        .proxy
        .process_mut()
        .wait(std::time::Duration::from_secs(10))?;
    assert!(status.success(), "{status}");
    Ok(())
}

#[test]
fn a_session_ended_by_the_gateway_closes_with_its_error() -> Result<()> {
    let sidecar = Sidecar::start(None)?;
    let brief = sidecar
        .site
        .issuer
        .token_for("pod", &["staff"], "gatewright", 4)?;
    sidecar.rotate(&brief)?;
    let mut open = Client::connect(&sidecar.dsn()?)?;
    let last = open.receive()?;
    assert_eq!(char::from(last.tag), 'E');
    assert!(
        last.fields()[&'M'].contains("token has expired"),
        "{last:?}"
    );
    assert!(open.receive().is_err(), "the connection is still open");
    Ok(())
}

#[test]
fn a_server_that_is_not_a_gateway_receives_no_token() -> Result<()> {
    let site = Site::start("info")?;
    let token = site.issuer.token("pod", &["staff"])?;
    std::fs::write(site.folder.path().join("token"), token)?;
    // The PostgreSQL server behind the gateway has a certificate of the same CA and requests SCRAM.
    let proxy = proxy(
        &site,
        &format!("localhost:{}", site.postgres_port()),
        "ca.crt",
    )
    .start()?;
    let stderr = Psql::new(&address(&proxy)?)?.script("SELECT 1")?.stderr;
    assert!(
        stderr.contains("the gateway does not request a token"),
        "{stderr}"
    );
    Ok(())
}

#[test]
fn replication_connections_are_refused() -> Result<()> {
    let sidecar = Sidecar::with_token_of(&["staff"])?;
    let refused = Client::connect_with(&sidecar.dsn()?, &[("replication", "database")]);
    let error = refused
        .err()
        .context("the connection was accepted")?
        .to_string();
    assert!(error.contains("0A000"), "{error}");
    Ok(())
}

#[test]
fn options_that_would_expose_the_token_are_refused() -> Result<()> {
    let token = tempfile::NamedTempFile::new()?;
    let run = |arguments: [&str; 4]| -> Result<String> {
        let output = GatewayCommand::verb("proxy")
            .arguments(["--token-file", &path(token.path())])
            .arguments(arguments)
            .output()?;
        assert!(!output.status.success());
        Ok(String::from_utf8(output.stderr)?)
    };
    let stderr = run(["--upstream", "localhost", "--listen", "0.0.0.0:0"])?;
    assert!(stderr.contains("not a loopback address"), "{stderr}");
    let stderr = run(["--upstream", "localhost", "--tls", "require"])?;
    assert!(stderr.contains("verify-full"), "{stderr}");
    let stderr = run(["--upstream", "localhost", "--ca", "/nonexistent.crt"])?;
    assert!(stderr.contains("/nonexistent.crt"), "{stderr}");
    Ok(())
}

fn path(path: &Path) -> String {
    PathBuf::from(path).display().to_string()
}
