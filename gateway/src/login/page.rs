//! The page that the browser shows at the end of a login.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

/// A page with a headline and a sentence.
pub(super) struct Page {
    mark: &'static str,
    tone: &'static str,
    headline: &'static str,
    text: String,
}

impl Page {
    pub(super) fn success(subject: Option<&str>) -> Self {
        Self {
            mark: "&#10003;",
            tone: "good",
            headline: "You are logged in",
            text: match subject {
                Some(subject) => format!(
                    "Gatewright has a token for {subject}. You can close this page and return to the terminal."
                ),
                None => "You can close this page and return to the terminal.".to_owned(),
            },
        }
    }

    pub(super) fn failure(reason: &str) -> Self {
        Self {
            mark: "&#10007;",
            tone: "bad",
            headline: "You are not logged in",
            text: format!("The login failed: {reason}. The terminal shows the same error."),
        }
    }

    /// For requests that do not belong to the login.
    pub(super) fn unknown_login() -> Self {
        Self {
            mark: "?",
            tone: "bad",
            headline: "Unknown login",
            text: "This request does not belong to the login that was started in the terminal."
                .to_owned(),
        }
    }

    /// For repeated requests, such as a reload.
    pub(super) fn already_processed() -> Self {
        Self {
            mark: "&#10003;",
            tone: "good",
            headline: "This response has already been processed",
            text: "The terminal shows the result of the login.".to_owned(),
        }
    }

    pub(super) fn response(&self, status: StatusCode) -> Response {
        let policy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
        let headers = [
            (header::CONTENT_TYPE, "text/html; charset=utf-8"),
            (header::CACHE_CONTROL, "no-store"),
            (header::REFERRER_POLICY, "no-referrer"),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (header::CONTENT_SECURITY_POLICY, policy),
            (header::CONNECTION, "close"),
        ];
        (status, headers, self.html()).into_response()
    }

    fn html(&self) -> String {
        let Self {
            mark,
            tone,
            headline,
            ..
        } = self;
        let text = escaped(&self.text);
        format!(
            r#"<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{headline} - Gatewright</title>
<style>
:root {{ color-scheme: light dark; --ground: #f4f5f7; --card: #fff; --ink: #1c2330; --soft: #5b6474; --good: #1f7a4d; --bad: #b3372f }}
@media (prefers-color-scheme: dark) {{ :root {{ --ground: #12151b; --card: #1b2029; --ink: #eceff4; --soft: #a3adbd; --good: #5ec592; --bad: #f08a82 }} }}
* {{ box-sizing: border-box; margin: 0 }}
body {{ min-height: 100vh; display: grid; place-items: center; padding: 1.5rem; background: var(--ground); color: var(--ink); font: 1rem/1.6 system-ui, sans-serif }}
main {{ max-width: 30rem; padding: 2.5rem; border-radius: 1rem; background: var(--card); box-shadow: 0 1px 3px #0003; text-align: center }}
.mark {{ font-size: 2.5rem; line-height: 1 }}
.good {{ color: var(--good) }}
.bad {{ color: var(--bad) }}
h1 {{ margin: 1rem 0 .5rem; font-size: 1.375rem; line-height: 1.3 }}
p {{ color: var(--soft); overflow-wrap: anywhere }}
footer {{ margin-top: 2rem; font-size: .8125rem; color: var(--soft); letter-spacing: .04em }}
</style>
<main>
<div class="mark {tone}" aria-hidden="true">{mark}</div>
<h1>{headline}</h1>
<p>{text}</p>
<footer>Gatewright</footer>
</main>
</html>
"#
        )
    }
}

fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            c => safe.push(c),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_from_the_provider_is_escaped() {
        let html = Page::failure("<script>alert('x')</script> & \"more\"").html();
        assert!(!html.contains("<script>"), "{html}");
        assert!(
            html.contains("&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt; &amp; &quot;more&quot;")
        );
    }
}
