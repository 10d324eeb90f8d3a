//! Logins with a token.

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

/// What is answered to each request on a connection that nobody can listen in on.
fn answers(requests: Vec<Authentication<'_>>) -> Vec<Result<Option<Vec<u8>>, UpstreamError>> {
    let target = target();
    let (stream, _other) = UnixStream::pair().unwrap();
    let stream = UpstreamStream::Unix(stream);
    let token = token();
    let mut login = Login::new(&target, Some(&token), &stream);
    requests
        .into_iter()
        .map(|request| {
            let answer = login.step(request)?;
            Ok(answer.map(|bytes| bytes.to_vec()))
        })
        .collect()
}

fn offer(mechanism: &'static str) -> Authentication<'static> {
    Authentication::Sasl {
        mechanisms: vec![mechanism],
    }
}

#[tokio::test]
async fn a_token_is_given_by_oauthbearer_or_as_a_password() {
    let given = answers(vec![offer("OAUTHBEARER"), Authentication::Ok]);
    let message = b"OAUTHBEARER\0\0\0\0\x29n,,\x01auth=Bearer header.claims.signature\x01\x01";
    let first = given[0].as_ref().unwrap().as_ref().unwrap();
    assert_eq!(first[0], b'p');
    assert_eq!(&first[5..], message);
    assert!(matches!(given[1], Ok(None)));

    let given = answers(vec![Authentication::CleartextPassword, Authentication::Ok]);
    let first = given[0].as_ref().unwrap().as_ref().unwrap();
    assert_eq!(&first[5..], b"header.claims.signature\0");
    assert!(matches!(given[1], Ok(None)));
}

#[tokio::test]
async fn a_token_that_is_not_accepted_ends_the_login() {
    let status = Authentication::SaslContinue(b"{\"status\":\"invalid_token\"}");
    let given = answers(vec![offer("OAUTHBEARER"), status, Authentication::Ok]);
    let answer = given[1].as_ref().unwrap().as_ref().unwrap();
    assert_eq!(&answer[5..], b"\x01");
    // A server that lets somebody in after it has said no is not to be trusted.
    assert!(matches!(
        given[2],
        Err(UpstreamError::Unexpected { tag: b'R' })
    ));
}

#[tokio::test]
async fn a_token_is_never_hashed_for_a_server_to_work_on() {
    let md5 = Authentication::Md5Password { salt: [1, 2, 3, 4] };
    assert!(matches!(
        answers(vec![md5])[0],
        Err(UpstreamError::UnsupportedAuthentication { code: 5 })
    ));
    assert!(matches!(
        answers(vec![offer("SCRAM-SHA-256")])[0],
        Err(UpstreamError::UnsupportedSasl)
    ));
}

#[tokio::test]
async fn a_token_does_not_cross_an_open_network() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let stream = UpstreamStream::Tcp(TcpStream::connect(address).await.unwrap());
    let target = target();
    for request in [offer("OAUTHBEARER"), Authentication::CleartextPassword] {
        let outcome = Login::new(&target, Some(&token()), &stream).step(request);
        assert!(matches!(outcome, Err(UpstreamError::CleartextOutsideTls)));
    }
}
