//! Addresses on the command line.

use std::str::FromStr;

/// `host`, `host:port` or `[IPv6]:port`, as the address of a gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct HostPort {
    pub(super) host: String,
    pub(super) port: u16,
}

/// Where gateways listen unless told otherwise.
const DEFAULT_PORT: u16 = 6432;

impl HostPort {
    pub(super) fn pair(self) -> (String, u16) {
        (self.host, self.port)
    }
}

impl FromStr for HostPort {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (host, port) = match text.strip_prefix('[') {
            Some(rest) => {
                let (host, rest) = rest
                    .split_once(']')
                    .ok_or("the [ of an IPv6 address has no ]")?;
                match rest {
                    "" => (host, None),
                    rest => (
                        host,
                        Some(rest.strip_prefix(':').ok_or("after ] comes :PORT")?),
                    ),
                }
            }
            None => match text.split_once(':') {
                Some((_, port)) if port.contains(':') => {
                    return Err("an IPv6 address is written in brackets, [::1]:6432".to_owned());
                }
                Some((host, port)) => (host, Some(port)),
                None => (text, None),
            },
        };
        if host.is_empty() || host.chars().any(|c| c.is_control() || c.is_whitespace()) {
            return Err("it names no host".to_owned());
        }
        let port = port.map_or(Ok(DEFAULT_PORT), |port| {
            port.parse()
                .ok()
                .filter(|port| *port != 0)
                .ok_or_else(|| format!("'{port}' is not a port"))
        })?;
        Ok(Self {
            host: host.to_owned(),
            port,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_or_refused() {
        for (text, host, port) in [
            ("gw.example.com", "gw.example.com", 6432),
            ("gw.example.com:5433", "gw.example.com", 5433),
            ("10.0.0.1:1", "10.0.0.1", 1),
            ("[::1]", "::1", 6432),
            ("[fe80::1]:65535", "fe80::1", 65535),
        ] {
            let read: HostPort = text.parse().expect(text);
            assert_eq!((read.host.as_str(), read.port), (host, port), "{text}");
        }
        for text in [
            "", ":5432", "::1", "[::1", "[::1]5", "h:", "h:0", "h:70000", "a b:1", "[]:1",
        ] {
            assert!(text.parse::<HostPort>().is_err(), "{text}");
        }
    }
}
