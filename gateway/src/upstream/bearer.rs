//! The client's side of SASL OAUTHBEARER (RFC 7628).

/// The SASL mechanism name.
pub(super) const OAUTHBEARER: &str = "OAUTHBEARER";

/// The client's response to a server that rejects the token (section 3.2.3).
pub(super) const ERROR_ACKNOWLEDGEMENT: &[u8] = b"\x01";

/// The initial response (section 3.1), without channel binding and without an authorization identity.
pub(super) fn initial_response(token: &[u8]) -> Vec<u8> {
    [b"n,,\x01auth=Bearer ", token, b"\x01\x01"].concat()
}
