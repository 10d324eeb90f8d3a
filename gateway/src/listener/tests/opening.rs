//! Startup packets and encryption requests.

use super::*;

#[tokio::test]
async fn a_startup_packet_may_arrive_in_pieces() {
    let packet = startup(
        0,
        &[("user", "me"), ("database", "shop"), ("options", "-c a=b")],
    );
    for size in [1, 3, packet.len()] {
        let mut met = meet(HandshakeSettings::default()).await;
        for part in packet.chunks(size) {
            met.send(part).await;
            tokio::task::yield_now().await;
        }
        let (_client, accepted) = met.accepted().await;
        assert_eq!(accepted.startup.parameter("database"), Some("shop"));
        assert_eq!(
            (accepted.secure, accepted.loopback, &accepted.peer[..]),
            (false, true, "127.0.0.1")
        );
        assert!(accepted.leftover.is_empty());
    }
}

#[tokio::test]
async fn bytes_after_the_startup_packet_are_kept() {
    let mut met = meet(HandshakeSettings::default()).await;
    met.send(&[&startup(0, &[("user", "me")])[..], b"p\0\0\0\x05"].concat())
        .await;
    let (_client, accepted) = met.accepted().await;
    assert_eq!(&accepted.leftover[..], b"p\0\0\0\x05");
}

#[tokio::test]
async fn unavailable_encryption_is_declined_and_a_second_request_refused() {
    let mut met = meet(HandshakeSettings::default()).await;
    for request in [GSSENC_REQUEST, SSL_REQUEST] {
        met.send(request).await;
        assert_eq!(read_some(&mut met.client, 1).await, b"N");
    }
    met.send(&startup(0, &[("user", "me")])).await;
    met.accepted().await;

    for (request, name) in [
        (SSL_REQUEST, "SSLRequest"),
        (GSSENC_REQUEST, "GSSENCRequest"),
    ] {
        let mut met = meet(HandshakeSettings::default()).await;
        met.send(request).await;
        assert_eq!(read_some(&mut met.client, 1).await, b"N");
        met.send(request).await;
        let (refusal, sent) = met.refused().await;
        assert!(matches!(refusal, HandshakeError::RepeatedRequest { request } if request == name));
        assert_eq!(
            (error(&sent).severity(), error(&sent).sqlstate()),
            ("FATAL", "08P01")
        );
    }
}

#[tokio::test]
async fn unencrypted_bytes_after_an_encryption_request_are_refused() {
    for (settings, request) in [
        (HandshakeSettings::default(), SSL_REQUEST),
        (with_tls(), SSL_REQUEST),
        (with_tls(), GSSENC_REQUEST),
    ] {
        let mut met = meet(settings).await;
        met.send(&[request, &startup(0, &[("user", "me")])].concat())
            .await;
        let (refusal, sent) = met.refused().await;
        assert!(matches!(refusal, HandshakeError::BufferedBytes { .. }));
        let message = error(&sent);
        assert!(
            message
                .message()
                .starts_with("received unencrypted data after"),
            "{message:?}"
        );
    }
}

#[tokio::test]
async fn newer_minor_versions_are_negotiated_down() {
    let mut met = meet(HandshakeSettings::default()).await;
    met.send(&startup(9999, &[("user", "me")])).await;
    assert_eq!(
        read_some(&mut met.client, 13).await,
        b"v\0\0\0\x0c\0\x03\0\x02\0\0\0\0"
    );
    let (_client, accepted) = met.accepted().await;
    assert_eq!(accepted.startup.protocol, (3, 2));
}

#[tokio::test]
async fn malformed_packets_are_answered_with_an_error() {
    let cases: [(&[u8], &str); 5] = [
        (b"\0\0\x30\0\0\x03\0\0", "08P01"),
        (b"GET / HTTP/1.1\r\n\r\n", "08P01"),
        (b"\0\0\0\x11\0\x02\0\0user\0me\0\0", "0A000"),
        (b"\0\0\0\x12\0\x03\0\0user\0me\0\0x", "08P01"),
        (b"\0\0\0\x09\0\x03\0\0\0", "28000"),
    ];
    for (bytes, sqlstate) in cases {
        let mut met = meet(HandshakeSettings::default()).await;
        met.send(bytes).await;
        let (_, sent) = met.refused().await;
        assert_eq!(error(&sent).sqlstate(), sqlstate, "{bytes:?}");
    }
}

#[tokio::test]
async fn an_incomplete_startup_packet_times_out() {
    let mut met = meet(quick(HandshakeSettings::default())).await;
    met.send(b"\0\0").await;
    let (refusal, sent) = met.refused().await;
    assert!(matches!(refusal, HandshakeError::StartupTimeout(_)));
    assert_eq!(error(&sent).sqlstate(), "57014");
}

#[tokio::test]
async fn closing_without_sending_a_byte_is_not_an_error() {
    let Met { client, handshake } = meet(HandshakeSettings::default()).await;
    drop(client);
    assert!(matches!(handshake.await.unwrap(), Ok(Handshake::Gone)));
    let mut met = meet(HandshakeSettings::default()).await;
    met.send(b"\0\0").await;
    let Met { client, handshake } = met;
    drop(client);
    assert!(matches!(
        handshake.await.unwrap(),
        Err(HandshakeError::Closed)
    ));
}

#[tokio::test]
async fn a_client_with_unread_bytes_receives_the_error() {
    let mut met = meet(HandshakeSettings::default()).await;
    met.send(&[&startup(0, &[("user", "me")])[..], &[0; 20_000]].concat())
        .await;
    let (mut client, accepted) = met.accepted().await;
    let refusal = FatalError::new("53300", "too many connections").with_hint("Try again later.");
    let (_, sent) = tokio::join!(refuse(accepted.stream, &refusal), async {
        let mut sent = Vec::new();
        client.read_to_end(&mut sent).await.unwrap();
        client.shutdown().await.unwrap();
        sent
    });
    let message = error(&sent);
    assert_eq!(
        (message.severity(), message.sqlstate(), message.hint()),
        ("FATAL", "53300", Some("Try again later."))
    );
}
