//! The client's side of SASL OAUTHBEARER (RFC 7628).

/// The mechanism's name.
pub(super) const OAUTHBEARER: &str = "OAUTHBEARER";

/// What a client answers to a server that does not accept the token (section 3.2.3).
pub(super) const ANSWER_TO_ERROR: &[u8] = b"\x01";

/// The only message with anything in it (section 3.1): no channel binding, no other identity than the token's.
pub(super) fn initial_response(token: &[u8]) -> Vec<u8> {
    [b"n,,\x01auth=Bearer ", token, b"\x01\x01"].concat()
}
