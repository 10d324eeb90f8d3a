//! Cancel keys and cancel requests.

use super::*;
use crate::listener::cancel::{CancelRegistry, ClientKey};

fn request(key: &ClientKey) -> CancelRequest {
    CancelRequest {
        pid: key.pid,
        key: key.secret.clone(),
    }
}

#[test]
fn a_key_finds_only_its_own_session() {
    let registry = CancelRegistry::new();
    let (first, _kept) = registry.register(7, "first", (3, 0));
    let (second, _also) = registry.register(7, "second", (3, 2));
    assert_eq!((first.secret.len(), second.secret.len()), (4, 32));
    assert_eq!(registry.lookup(&request(&first)), Some("first"));
    assert_eq!(registry.lookup(&request(&second)), Some("second"));

    let mut wrong = request(&second);
    wrong.key[31] ^= 1;
    assert_eq!(registry.lookup(&wrong), None);
    assert_eq!(
        registry.lookup(&CancelRequest {
            pid: 8,
            ..request(&first)
        }),
        None
    );
    let mut longer = request(&first);
    longer.key.push(0);
    assert_eq!(registry.lookup(&longer), None);
    assert_eq!(
        registry.lookup(&CancelRequest {
            pid: 7,
            key: second.secret[..4].to_vec()
        }),
        None
    );
}

#[test]
fn a_key_is_revoked_when_its_session_ends() {
    let registry = CancelRegistry::new();
    let (first, kept) = registry.register(7, (), (3, 2));
    let (second, also) = registry.register(7, (), (3, 2));
    drop(kept);
    assert_eq!(
        (
            registry.lookup(&request(&first)),
            registry.lookup(&request(&second))
        ),
        (None, Some(()))
    );
    drop(also);
    assert!(registry.is_empty());
    assert_eq!(registry.lookup(&request(&second)), None);
}

#[test]
fn debug_output_omits_keys() {
    let registry = CancelRegistry::new();
    let (key, registration) = registry.register(7, (), (3, 0));
    assert_eq!(format!("{key:?}"), "ClientKey { pid: 7, .. }");
    let secret = format!("{:?}", key.secret);
    assert!(!format!("{registry:?} {registration:?}").contains(&secret));
}

#[tokio::test]
async fn cancel_requests_are_accepted_with_and_without_tls() {
    let sent = CancelRequest {
        pid: 42,
        key: vec![5; 32],
    };
    let mut packet = BytesMut::new();
    sent.encode(&mut packet);

    let mut met = meet(HandshakeSettings::default()).await;
    met.send(&packet).await;
    assert!(
        matches!(met.handshake.await.unwrap(), Ok(Handshake::Cancel(request)) if request == sent)
    );

    let mut met = meet(with_tls()).await;
    met.send(SSL_REQUEST).await;
    assert_eq!(read_some(&mut met.client, 1).await, b"S");
    let mut client = tls::encrypt(met.client, &[]).await.unwrap();
    client.write_all(&packet).await.unwrap();
    assert!(
        matches!(met.handshake.await.unwrap(), Ok(Handshake::Cancel(request)) if request == sent)
    );
}
