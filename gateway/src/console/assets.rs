//! What pages load besides themselves, compiled in. Nothing comes from other hosts.

use axum::extract::Path;
use axum::extract::rejection::PathRejection;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

/// The version is in the URL, so that a browser never has an old one.
pub(super) const VERSION: &str = env!("CARGO_PKG_VERSION");

struct Asset {
    name: &'static str,
    content_type: &'static str,
    text: &'static str,
}

/// htmx begins as soon as its file has run, and what is not there by then is left out: also the extension that keeps elements without
/// the page's nonce from working. So all of them are one file, which runs as a whole.
const SCRIPTS: &str = concat!(
    include_str!("assets/htmx-4.0.1.min.js"),
    ";\n",
    include_str!("assets/hx-csp-4.0.1.min.js"),
    ";\n",
    include_str!("assets/hx-sse-4.0.1.min.js"),
    ";\n",
    include_str!("assets/console.js"),
);

const ASSETS: [Asset; 3] = [
    Asset {
        name: "console.css",
        content_type: "text/css; charset=utf-8",
        text: include_str!("assets/console.css"),
    },
    Asset {
        name: "console.js",
        content_type: "text/javascript; charset=utf-8",
        text: SCRIPTS,
    },
    Asset {
        name: "icon.svg",
        content_type: "image/svg+xml",
        text: include_str!("assets/icon.svg"),
    },
];

/// `GET /assets/{name}`, without a login: there is nothing in them that the source code does not have.
pub(super) async fn asset(name: Result<Path<String>, PathRejection>) -> Response {
    let name = name.map(|Path(name)| name).unwrap_or_default();
    let Some(asset) = ASSETS.iter().find(|asset| asset.name == name) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let headers = [
        (header::CONTENT_TYPE, asset.content_type),
        (header::CACHE_CONTROL, "private, max-age=3600"),
    ];
    let mut response = (headers, asset.text).into_response();
    // Only for pages of this origin.
    response.headers_mut().insert(
        "cross-origin-resource-policy",
        HeaderValue::from_static("same-origin"),
    );
    response
}

#[cfg(test)]
mod tests {
    use sha2::{Digest, Sha256};

    use super::SCRIPTS;

    /// The files of the npm package htmx.org 4.0.1, as published.
    const VENDORED: [(&str, &str); 3] = [
        (
            include_str!("assets/htmx-4.0.1.min.js"),
            "a0abb04f2f45a1f89d1d4844023245537e5e6014c87b144553e0607b4cc32130",
        ),
        (
            include_str!("assets/hx-csp-4.0.1.min.js"),
            "a7e1e6711ae6c3e50ad300fba7936cbe8d07599cdae313414a179ddd6b26e143",
        ),
        (
            include_str!("assets/hx-sse-4.0.1.min.js"),
            "18ef2761356ec1fe0bb6d92612315b37517a7c1e9856b661c5ae81fef239d103",
        ),
    ];

    #[test]
    fn scripts_of_others_are_those_that_were_published() {
        let mut rest = SCRIPTS;
        for (text, digest) in VENDORED {
            assert_eq!(hex::encode(Sha256::digest(text)), digest);
            // In this order, and nothing between them.
            rest = rest.strip_prefix(text).expect("the next file");
            rest = rest.strip_prefix(";\n").expect("its end");
        }
        assert_eq!(rest, include_str!("assets/console.js"));
    }
}
