//! What pages load besides themselves, compiled in. Nothing comes from other hosts.

use axum::extract::Path;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

/// The version is in the URL, so that a browser never has an old one.
pub(super) const VERSION: &str = env!("CARGO_PKG_VERSION");

struct Asset {
    name: &'static str,
    content_type: &'static str,
    text: &'static str,
}

const SCRIPT: &str = "text/javascript; charset=utf-8";

const ASSETS: [Asset; 6] = [
    Asset {
        name: "console.css",
        content_type: "text/css; charset=utf-8",
        text: include_str!("assets/console.css"),
    },
    Asset {
        name: "console.js",
        content_type: SCRIPT,
        text: include_str!("assets/console.js"),
    },
    Asset {
        name: "htmx-4.0.1.min.js",
        content_type: SCRIPT,
        text: include_str!("assets/htmx-4.0.1.min.js"),
    },
    Asset {
        name: "hx-csp-4.0.1.min.js",
        content_type: SCRIPT,
        text: include_str!("assets/hx-csp-4.0.1.min.js"),
    },
    Asset {
        name: "hx-sse-4.0.1.min.js",
        content_type: SCRIPT,
        text: include_str!("assets/hx-sse-4.0.1.min.js"),
    },
    Asset {
        name: "icon.svg",
        content_type: "image/svg+xml",
        text: include_str!("assets/icon.svg"),
    },
];

/// `GET /assets/{name}`, without a login: there is nothing in them that the source code does not have.
pub(super) async fn asset(Path(name): Path<String>) -> Response {
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

    use super::ASSETS;

    /// The files of the npm package htmx.org 4.0.1, as published.
    const VENDORED: [(&str, &str); 3] = [
        (
            "htmx-4.0.1.min.js",
            "a0abb04f2f45a1f89d1d4844023245537e5e6014c87b144553e0607b4cc32130",
        ),
        (
            "hx-csp-4.0.1.min.js",
            "a7e1e6711ae6c3e50ad300fba7936cbe8d07599cdae313414a179ddd6b26e143",
        ),
        (
            "hx-sse-4.0.1.min.js",
            "18ef2761356ec1fe0bb6d92612315b37517a7c1e9856b661c5ae81fef239d103",
        ),
    ];

    #[test]
    fn scripts_of_others_are_those_that_were_published() {
        for asset in &ASSETS {
            let known = VENDORED.iter().find(|(name, _)| *name == asset.name);
            let own = ["console.css", "console.js", "icon.svg"].contains(&asset.name);
            assert_eq!(known.is_none(), own, "{}", asset.name);
            if let Some((name, digest)) = known {
                assert_eq!(hex::encode(Sha256::digest(asset.text)), *digest, "{name}");
            }
        }
    }
}
