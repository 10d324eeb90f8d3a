//! Authentication with a token.

use gatewright_wire::backend::Authentication;
use secrecy::SecretString;
use tokio::net::{TcpListener, TcpStream, UnixStream};

use crate::upstream::auth::Login;
use crate::upstream::{Target, UpstreamError, UpstreamStream};

fn token() -> SecretString {
    "header.claims.signature".into()
}

fn target() -> Target {
    Target {
        bearer: true,
        ..Target::new(Vec::new(), "shop", "app")
    }
}

/// The responses to these requests over a secure connection.
fn responses(requests: Vec<Authentication<'_>>) -> Vec<Result<Option<Vec<u8>>, UpstreamError>> {
    let target = target();
    let (stream, _other) = UnixStream::pair().unwrap();
    let stream = UpstreamStream::Unix(stream);
    let token = token();
    let mut login = Login::new(&target, Some(&token), &stream);
    requests
        .into_iter()
        .map(|request| {
            let response = login.step(request)?;
            Ok(response.map(|bytes| bytes.to_vec()))
        })
        .collect()
}

fn offer(mechanism: &'static str) -> Authentication<'static> {
    Authentication::Sasl {
        mechanisms: vec![mechanism],
    }
}

#[tokio::test]
async fn a_token_is_sent_with_oauthbearer_or_as_a_password() {
    let responses_to = |request| responses(vec![request, Authentication::Ok]);
    let sent = responses_to(offer("OAUTHBEARER"));
    let message = b"OAUTHBEARER\0\0\0\0\x29n,,\x01auth=Bearer header.claims.signature\x01\x01";
    let first = sent[0].as_ref().unwrap().as_ref().unwrap();
    assert_eq!(first[0], b'p');
    assert_eq!(&first[5..], message);
    assert!(matches!(sent[1], Ok(None)));

    let sent = responses_to(Authentication::CleartextPassword);
    let first = sent[0].as_ref().unwrap().as_ref().unwrap();
    assert_eq!(&first[5..], b"header.claims.signature\0");
    assert!(matches!(sent[1], Ok(None)));
}

#[tokio::test]
async fn a_rejected_token_ends_the_login() {
    let status = Authentication::SaslContinue(b"{\"status\":\"invalid_token\"}");
    let sent = responses(vec![offer("OAUTHBEARER"), status, Authentication::Ok]);
    let acknowledgement = sent[1].as_ref().unwrap().as_ref().unwrap();
    assert_eq!(&acknowledgement[5..], b"\x01");
    // AuthenticationOk after a rejection is a protocol violation.
    assert!(matches!(
        sent[2],
        Err(UpstreamError::Unexpected { tag: b'R' })
    ));
}

#[tokio::test]
async fn a_token_is_not_used_for_md5_or_scram() {
    let md5 = Authentication::Md5Password { salt: [1, 2, 3, 4] };
    assert!(matches!(
        responses(vec![md5])[0],
        Err(UpstreamError::UnsupportedAuthentication { code: 5 })
    ));
    assert!(matches!(
        responses(vec![offer("SCRAM-SHA-256")])[0],
        Err(UpstreamError::UnsupportedSasl)
    ));
}

#[tokio::test]
async fn a_token_is_not_sent_without_tls() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let stream = UpstreamStream::Tcp(TcpStream::connect(address).await.unwrap());
    let target = target();
    for request in [offer("OAUTHBEARER"), Authentication::CleartextPassword] {
        let outcome = Login::new(&target, Some(&token()), &stream).step(request);
        assert!(matches!(outcome, Err(UpstreamError::CleartextOutsideTls)));
    }
}
