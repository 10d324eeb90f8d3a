//! Password authentication.

use secrecy::ExposeSecret;

use super::*;

async fn accepted(settings: &HandshakeSettings) -> (TcpStream, Box<Accepted>) {
    let mut met = meet(settings.clone()).await;
    met.send(&startup(0, &[("user", "me")])).await;
    met.accepted().await
}

fn password_message(password: &[u8]) -> Vec<u8> {
    let mut message = b"p".to_vec();
    message.extend((password.len() as u32 + 5).to_be_bytes());
    message.extend(password);
    message.push(0);
    message
}

async fn answer(bytes: &[u8]) -> Result<String, HandshakeError> {
    let settings = quick(on_loopback());
    let (mut client, mut accepted) = accepted(&settings).await;
    client.write_all(bytes).await.unwrap();
    accepted
        .ask_token(&settings)
        .await
        .map(|given| given.token().expose_secret().to_owned())
}

#[tokio::test]
async fn requests_and_reads_a_password() {
    let settings = on_loopback();
    let (mut client, mut accepted) = accepted(&settings).await;
    let client = async {
        assert_eq!(read_some(&mut client, 9).await, b"R\0\0\0\x08\0\0\0\x03");
        let long = vec![b'x'; 30_000];
        for part in [&password_message(&long)[..], b"rest"]
            .concat()
            .chunks(1000)
        {
            client.write_all(part).await.unwrap();
        }
        long
    };
    let (password, long) = tokio::join!(accepted.ask_token(&settings), client);
    assert_eq!(password.unwrap().token().expose_secret().as_bytes(), long);
    while accepted.leftover.len() < 4 {
        accepted
            .stream
            .read_buf(&mut accepted.leftover)
            .await
            .unwrap();
    }
    assert_eq!(&accepted.leftover[..], b"rest");
}

#[tokio::test]
async fn no_password_is_requested_without_tls() {
    let settings = HandshakeSettings::default();
    let (mut client, mut accepted) = accepted(&settings).await;
    let refusal = accepted.ask_token(&settings).await.unwrap_err();
    assert!(matches!(refusal, HandshakeError::CleartextRefused));
    assert!(
        refusal
            .fatal_error()
            .unwrap()
            .hint
            .unwrap()
            .contains("sslmode")
    );
    drop(accepted);
    let mut sent = Vec::new();
    client.read_to_end(&mut sent).await.unwrap();
    assert!(sent.is_empty(), "{sent:?}");
}

#[tokio::test]
async fn cleartext_on_loopback_does_not_cover_other_addresses() {
    let settings = on_loopback();
    let (_client, mut accepted) = accepted(&settings).await;
    accepted.loopback = false;
    assert!(matches!(
        accepted.ask_token(&settings).await,
        Err(HandshakeError::CleartextRefused)
    ));
}

#[tokio::test]
async fn rejects_malformed_password_messages() {
    assert_eq!(
        answer(&password_message("gröss".as_bytes())).await.unwrap(),
        "gröss"
    );
    assert!(matches!(
        answer(&password_message(b"")).await,
        Err(HandshakeError::EmptyPassword)
    ));
    assert!(matches!(
        answer(&password_message(b"a\0b")).await,
        Err(HandshakeError::MalformedPassword)
    ));
    assert!(matches!(
        answer(&password_message(b"\xff")).await,
        Err(HandshakeError::MalformedPassword)
    ));
    assert!(matches!(
        answer(b"p\0\0\0\x05x").await,
        Err(HandshakeError::MalformedPassword)
    ));
    assert!(matches!(
        answer(b"p\0\x01\0\0").await,
        Err(HandshakeError::Frame(_))
    ));
    assert!(matches!(
        answer(b"Q\0\0\0\x05\0").await,
        Err(HandshakeError::NotAPassword { tag: b'Q' })
    ));
}

#[tokio::test]
async fn a_client_that_disconnects_gets_no_error() {
    let settings = on_loopback();
    let (client, mut accepted) = accepted(&settings).await;
    drop(client);
    let gone = accepted.ask_token(&settings).await.unwrap_err();
    assert!(gone.fatal_error().is_none(), "{gone}");
}
