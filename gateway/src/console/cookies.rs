//! The two cookies: one names a session, and one keeps what a login that has begun is checked against.

use axum::http::{HeaderMap, HeaderValue, header};

/// A cookie of the console.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cookie {
    Session,
    Login,
}

/// How cookies are set, which depends on the console's URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Transport {
    /// The names begin with `__Host-`: browsers accept them only over TLS, from this host, for all of its paths (RFC 6265bis,
    /// section 4.1.3.2).
    Tls,
    /// On loopback, where browsers differ in whether they accept cookies marked `Secure`.
    Loopback,
}

impl Transport {
    pub fn of(url: &str) -> Self {
        match url.starts_with("https://") {
            true => Self::Tls,
            false => Self::Loopback,
        }
    }
}

impl Cookie {
    fn name(self, transport: Transport) -> &'static str {
        match (self, transport) {
            (Self::Session, Transport::Tls) => "__Host-gatewright-session",
            (Self::Session, Transport::Loopback) => "gatewright-session",
            (Self::Login, Transport::Tls) => "__Host-gatewright-login",
            (Self::Login, Transport::Loopback) => "gatewright-login",
        }
    }

    /// The value that the browser sent. Two of one name are none: the other may be an attacker's.
    pub fn read(self, headers: &HeaderMap, transport: Transport) -> Option<&str> {
        let lines = headers.get_all(header::COOKIE).iter();
        let pairs = lines
            .filter_map(|line| line.to_str().ok())
            .flat_map(|line| line.split(';'))
            .filter_map(|pair| pair.trim().split_once('='));
        let name = self.name(transport);
        let mut values = pairs.filter(|(given, _)| *given == name);
        match (values.next(), values.next()) {
            (Some((_, value)), None) => Some(value),
            _ => None,
        }
    }

    /// The header that sets it until the browser is closed. `SameSite=Lax`, since the provider's redirect and links in
    /// messages lead here from other sites; everything that changes something is a POST with a token.
    pub fn set(self, value: &str, transport: Transport) -> Option<HeaderValue> {
        let name = self.name(transport);
        let secure = match transport {
            Transport::Tls => "; Secure",
            Transport::Loopback => "",
        };
        let text = format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax{secure}");
        HeaderValue::from_str(&text).ok()
    }

    /// The header that removes it.
    pub fn remove(self, transport: Transport) -> Option<HeaderValue> {
        self.set("; Max-Age=0", transport)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(lines: &[&str]) -> HeaderMap {
        let values = lines.iter().map(|line| {
            let value = HeaderValue::from_str(line).expect("a header");
            (header::COOKIE, value)
        });
        values.collect()
    }

    #[test]
    fn a_cookie_is_read_only_if_there_is_one() {
        let read = |lines: &[&str], transport| {
            let headers = sent(lines);
            Cookie::Session.read(&headers, transport).map(str::to_owned)
        };
        let ours = "a=b; __Host-gatewright-session=1; c=d";
        assert_eq!(read(&[ours], Transport::Tls).as_deref(), Some("1"));
        assert_eq!(read(&[ours], Transport::Loopback), None);
        assert_eq!(read(&[ours, ours], Transport::Tls), None);
        // A page of a neighbouring host can set a cookie without the prefix, which must not count.
        let forged = "gatewright-session=2; __host-gatewright-session=3";
        assert_eq!(read(&[forged], Transport::Tls), None);
        assert_eq!(read(&[], Transport::Tls), None);
    }

    #[test]
    fn over_tls_cookies_are_bound_to_the_host() {
        let set = Cookie::Session.set("x", Transport::Tls).expect("a header");
        let expected = "__Host-gatewright-session=x; Path=/; HttpOnly; SameSite=Lax; Secure";
        assert_eq!(set, expected);
        let removed = Cookie::Login.remove(Transport::Loopback).expect("a header");
        assert_eq!(
            removed,
            "gatewright-login=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax"
        );
        assert!(Cookie::Login.set("a\nb", Transport::Tls).is_none());
    }
}
