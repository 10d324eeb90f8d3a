//! Connections with TLS: after an SSLRequest, and direct.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use super::{SSL_REQUEST, cancel_request, log_in, receive, startup, value};
use crate::site::Site;

type Tls = StreamOwned<ClientConnection, TcpStream>;

fn connect(site: &Site) -> Result<TcpStream> {
    let stream = TcpStream::connect(("127.0.0.1", site.port))?;
    stream.set_read_timeout(Some(Duration::from_secs(20)))?;
    Ok(stream)
}

fn tls(stream: TcpStream, folder: &Path, alpn: Option<&[u8]>) -> Result<Tls> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(folder.join("ca.crt"))?)?;
    let provider = Arc::new(ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = alpn.map(<[u8]>::to_vec).into_iter().collect();
    let name = ServerName::try_from("localhost")?;
    let connection = ClientConnection::new(Arc::new(config), name)?;
    Ok(StreamOwned::new(connection, stream))
}

/// TLS after an SSLRequest.
fn requested(site: &Site) -> Result<Tls> {
    let mut stream = connect(site)?;
    stream.write_all(&SSL_REQUEST)?;
    let mut answer = [0];
    stream.read_exact(&mut answer)?;
    assert_eq!(&answer, b"S");
    tls(stream, site.folder.path(), None)
}

/// TLS from the first byte.
fn direct(site: &Site, alpn: Option<&[u8]>) -> Result<Tls> {
    tls(connect(site)?, site.folder.path(), alpn)
}

const WHO: [(&str, &str); 2] = [("user", "ada"), ("database", "shop")];

#[test]
fn both_ways_to_start_tls_and_their_checks() -> Result<()> {
    let site = Site::start("info")?;
    let token = site.issuer.token("ada", &["staff"])?;
    for mut stream in [requested(&site)?, direct(&site, Some(b"postgresql"))?] {
        stream.write_all(&startup((3, 2), &WHO))?;
        log_in(&mut stream, &token)?;
        assert_eq!(value(&mut stream, "SELECT 7")?, "7");
    }

    // Without ALPN, the client could be one of another protocol that was redirected here.
    let mut unnamed = direct(&site, None)?;
    unnamed.write_all(&startup((3, 0), &WHO))?;
    let reported = receive(&mut unnamed)?.fields();
    assert_eq!(reported[&'C'], "08P01");
    assert!(reported[&'M'].contains("ALPN"), "{reported:?}");

    // ALPN with another protocol ends the handshake.
    let mut other = direct(&site, Some(b"http/1.1"))?;
    assert!(other.write_all(&startup((3, 0), &WHO)).is_err() || receive(&mut other).is_err());

    // CVE-2021-23214: bytes sent in clear after the request must not count as received inside TLS.
    let mut stream = connect(&site)?;
    stream.write_all(&[&SSL_REQUEST[..], &startup((3, 0), &WHO)].concat())?;
    let reported = receive(&mut stream)?.fields();
    assert_eq!(reported[&'C'], "08P01");
    assert!(reported[&'M'].contains("unencrypted data"), "{reported:?}");

    let mut nested = requested(&site)?;
    nested.write_all(&SSL_REQUEST)?;
    let reported = receive(&mut nested)?.fields();
    assert_eq!(reported[&'C'], "08P01", "{reported:?}");
    Ok(())
}

#[test]
fn cancel_requests_work_inside_tls() -> Result<()> {
    let site = Site::start("info")?;
    let token = site.issuer.token("ada", &["staff"])?;
    for version in [(3, 0), (3, 2)] {
        let mut session = requested(&site)?;
        session.write_all(&startup(version, &WHO))?;
        let key = log_in(&mut session, &token)?.key;
        session.write_all(&gatewright_tests::raw::query("SELECT pg_sleep(600)"))?;
        session.flush()?;
        super::cancel::wait_until_running(|sql| site.prepare(sql), 1)?;
        let mut request = direct(&site, Some(b"postgresql"))?;
        request.write_all(&cancel_request(&key))?;
        request.flush()?;
        let reported = loop {
            let message = receive(&mut session)?;
            if message.tag == b'E' {
                break message.fields();
            }
        };
        assert_eq!(reported[&'C'], "57014");
        assert_eq!(receive(&mut session)?.tag, b'Z');
        assert_eq!(value(&mut session, "SELECT 7")?, "7");
    }
    Ok(())
}
