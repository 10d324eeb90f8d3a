//! Slack's Web API: `chat.postMessage` writes the message that shows a request or an access grant, and `chat.update` changes it. Slack
//! answers with status 200 and `ok`, and with 429 where it was too much.

use secrecy::ExposeSecret;
use serde::Deserialize;
use serde_json::Value;

use crate::approvals::Post;
use crate::webhooks::client::{Receiver, SendError};
use crate::webhooks::settings::{Bot, WebhookSettings};

/// The longest name of an error that is logged.
const LONGEST_ERROR: usize = 60;

/// What Slack says of a message that cannot be changed any more: a new one takes its place.
const GONE: [&str; 3] = [
    "message_not_found",
    "edit_window_closed",
    "cant_update_message",
];

#[derive(Deserialize)]
struct Answer {
    ok: bool,
    #[serde(default)]
    error: String,
    #[serde(default)]
    channel: String,
    #[serde(default)]
    ts: String,
}

/// Shows this in place of what an earlier message shows; without one, in a new message.
pub(in crate::webhooks) async fn show(
    receiver: &Receiver,
    settings: &WebhookSettings,
    bot: &Bot,
    before: Option<&Post>,
    body: Value,
) -> Result<Post, SendError> {
    if let Some(post) = before {
        let named = named(body.clone(), &post.channel, Some(&post.message));
        let updated = call(receiver, settings, bot, "chat.update", &named).await;
        match updated {
            Err(SendError::Slack(error)) if GONE.contains(&error.as_str()) => {}
            other => return other,
        }
    }
    let named = named(body, &bot.channel, None);
    call(receiver, settings, bot, "chat.postMessage", &named).await
}

fn named(mut body: Value, channel: &str, message: Option<&str>) -> Value {
    body["channel"] = channel.into();
    if let Some(message) = message {
        body["ts"] = message.into();
    }
    body
}

async fn call(
    receiver: &Receiver,
    settings: &WebhookSettings,
    bot: &Bot,
    method: &str,
    body: &Value,
) -> Result<Post, SendError> {
    let base = settings.url.expose_secret().trim_end_matches('/');
    let url = format!("{base}/{method}");
    let body = body.to_string().into_bytes();
    let answer = receiver.call(&url, &bot.token, body).await?;
    let answer: Answer = serde_json::from_slice(&answer).map_err(|_| SendError::Unreadable)?;
    if !answer.ok {
        return Err(SendError::Slack(readable(&answer.error)));
    }
    match answer.channel.is_empty() || answer.ts.is_empty() {
        true => Err(SendError::Unreadable),
        false => Ok(Post {
            channel: answer.channel,
            message: answer.ts,
        }),
    }
}

/// Names of errors have small letters and underscores; nothing else reaches the log.
fn readable(error: &str) -> String {
    let is_name = |character: &char| matches!(character, 'a'..='z' | '0'..='9' | '_');
    error.chars().filter(is_name).take(LONGEST_ERROR).collect()
}
