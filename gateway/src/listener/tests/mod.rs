//! Connection start-up over real sockets on loopback.

mod cancel;
mod login;
mod opening;
mod tls;

use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use bytes::BytesMut;
use gatewright_wire::ErrorFields;
use gatewright_wire::frame::{Side, next_frame};
use gatewright_wire::startup::StartupMessage;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::*;

/// A client's connection, and the handshake on the gateway's side.
struct Met {
    client: TcpStream,
    handshake: JoinHandle<Result<Handshake, HandshakeError>>,
}

async fn meet(settings: HandshakeSettings) -> Met {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap())
        .await
        .unwrap();
    let (server, _) = listener.accept().await.unwrap();
    let handshake = tokio::spawn(async move { handshake(server, &settings).await });
    Met { client, handshake }
}

impl Met {
    async fn send(&mut self, bytes: &[u8]) {
        self.client.write_all(bytes).await.unwrap();
    }

    async fn accepted(self) -> (TcpStream, Box<Accepted>) {
        match self.handshake.await.unwrap() {
            Ok(Handshake::Session(accepted)) => (self.client, accepted),
            other => panic!("not accepted: {other:?}"),
        }
    }

    /// The handshake's error and all bytes that the client received.
    async fn refused(mut self) -> (HandshakeError, Vec<u8>) {
        let mut sent = Vec::new();
        // Ignores a reset; what was received before it counts.
        let _ = self.client.read_to_end(&mut sent).await;
        match self.handshake.await.unwrap() {
            Err(error) => (error, sent),
            other => panic!("not refused: {other:?}"),
        }
    }
}

fn startup(minor: u16, parameters: &[(&str, &str)]) -> Vec<u8> {
    let owned = parameters
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let message = StartupMessage {
        protocol: (3, minor),
        parameters: owned.collect(),
        protocol_options: Vec::new(),
    };
    let mut out = BytesMut::new();
    message.encode(&mut out).unwrap();
    out.to_vec()
}

const SSL_REQUEST: &[u8] = b"\0\0\0\x08\x04\xd2\x16\x2f";
const GSSENC_REQUEST: &[u8] = b"\0\0\0\x08\x04\xd2\x16\x30";

/// The ErrorResponse that `sent` consists of.
fn error(sent: &[u8]) -> ErrorFields {
    let frame = next_frame(sent, Side::Backend, 1 << 20)
        .expect("valid")
        .expect("complete");
    assert_eq!((frame.tag, frame.bytes.len()), (b'E', sent.len()));
    ErrorFields::decode(frame.body).unwrap()
}

async fn read_some(stream: &mut (impl AsyncRead + Unpin), count: usize) -> Vec<u8> {
    let mut bytes = vec![0; count];
    stream.read_exact(&mut bytes).await.unwrap();
    bytes
}

/// A self-signed certificate for `localhost`, created with the openssl command.
struct Certificate {
    _directory: tempfile::TempDir,
    certificate: PathBuf,
    key: PathBuf,
}

const REQUEST: &str = "[req]
distinguished_name = name
x509_extensions = extensions
prompt = no
[name]
CN = localhost
[extensions]
subjectAltName = DNS:localhost
basicConstraints = CA:FALSE
";

fn certificate() -> Certificate {
    let directory = tempfile::tempdir().unwrap();
    let [request, certificate, key] =
        ["request", "server.crt", "server.key"].map(|name| directory.path().join(name));
    std::fs::write(&request, REQUEST).unwrap();
    let made = Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-days",
            "2",
        ])
        .args([
            "-config".as_ref(),
            request.as_os_str(),
            "-keyout".as_ref(),
            key.as_os_str(),
        ])
        .args(["-out".as_ref(), certificate.as_os_str()])
        .output()
        .expect("the openssl command is installed");
    assert!(
        made.status.success(),
        "{}",
        String::from_utf8_lossy(&made.stderr)
    );
    Certificate {
        _directory: directory,
        certificate,
        key,
    }
}

/// The certificate that [`with_tls`] configures.
fn server_certificate() -> &'static Certificate {
    static CERTIFICATE: OnceLock<Certificate> = OnceLock::new();
    CERTIFICATE.get_or_init(certificate)
}

fn with_tls() -> HandshakeSettings {
    let certificate = server_certificate();
    let tls = server_config(&certificate.certificate, &certificate.key, None).unwrap();
    HandshakeSettings {
        tls: Some(tls),
        ..HandshakeSettings::default()
    }
}

fn on_loopback() -> HandshakeSettings {
    HandshakeSettings {
        cleartext_password: CleartextPassword::Loopback,
        ..HandshakeSettings::default()
    }
}

fn quick(settings: HandshakeSettings) -> HandshakeSettings {
    let short = Duration::from_millis(200);
    HandshakeSettings {
        handshake_timeout: short,
        authentication_timeout: short,
        ..settings
    }
}
