//! By which names a port may be addressed. A page in a browser can have its own name resolve to a private address (DNS
//! rebinding); the Host header then still has the page's name.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::uri::Authority;
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

/// The names besides localhost and IP addresses.
#[derive(Debug, Clone)]
pub struct Hosts(Arc<[String]>);

impl Hosts {
    /// `names`: those besides localhost and IP addresses.
    pub fn new(names: &[String]) -> Self {
        Hosts(names.iter().map(|name| name.to_ascii_lowercase()).collect())
    }

    /// Whether a Host header or the authority of a URI has one of the names, with any port.
    fn allow(&self, authority: &str) -> bool {
        let Ok(authority) = authority.parse::<Authority>() else {
            return false;
        };
        let host = authority.host().to_ascii_lowercase();
        let address = host.trim_start_matches('[').trim_end_matches(']');
        host == "localhost" || address.parse::<IpAddr>().is_ok() || self.0.contains(&host)
    }
}

/// Refuses requests for other names. A request without any is none of a browser's.
pub async fn check_host(State(hosts): State<Hosts>, request: Request, next: Next) -> Response {
    let mut named = request.headers().get_all(header::HOST).iter();
    let header = named.all(|host| host.to_str().is_ok_and(|host| hosts.allow(host)));
    let uri = request.uri().authority();
    if header && uri.is_none_or(|authority| hosts.allow(authority.as_str())) {
        return next.run(request).await;
    }
    let text = "this name is not among the configured `hosts`, and is neither localhost nor an IP address\n";
    (StatusCode::MISDIRECTED_REQUEST, text).into_response()
}

#[cfg(test)]
mod tests {
    use super::Hosts;

    #[test]
    fn names_have_to_be_listed() {
        let hosts = Hosts::new(&["Gatewright.example".to_owned()]);
        for name in [
            "localhost",
            "LOCALHOST:9464",
            "127.0.0.1",
            "10.0.0.7:9464",
            "[::1]:9464",
            "gatewright.EXAMPLE:9464",
        ] {
            assert!(hosts.allow(name), "{name}");
        }
        for name in [
            "",
            "evil.example",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "a b",
        ] {
            assert!(!hosts.allow(name), "{name}");
        }
    }
}
