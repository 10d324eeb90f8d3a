//! A code typed on another device (RFC 8628).

use oauth2::{DeviceAuthorizationUrl, EmptyExtraDeviceAuthorizationFields, Scope};

use super::provider::{Provider, not_understood, printable, refused};
use super::{Held, LoginError, Prompt};

type Codes = oauth2::DeviceAuthorizationResponse<EmptyExtraDeviceAuthorizationFields>;

pub(super) async fn log_in(provider: &Provider, show: impl Fn(Prompt)) -> Result<Held, LoginError> {
    let endpoint = provider
        .metadata
        .device_authorization_endpoint
        .clone()
        .ok_or(LoginError::NoDeviceLogin)?;
    let endpoint = DeviceAuthorizationUrl::new(endpoint).map_err(not_understood)?;
    let client = provider.client()?.set_device_authorization_url(endpoint);
    let sender = provider.sender();
    let mut request = client
        .exchange_device_code()
        .add_scopes(provider.scopes().into_iter().map(Scope::new));
    for (name, value) in provider.targets() {
        request = request.add_extra_param(name, value);
    }
    let codes: Codes = request.request_async(&sender).await.map_err(refused)?;
    show(Prompt::Type {
        url: printable(codes.verification_uri().as_str()),
        code: printable(codes.user_code().secret()),
        whole_url: codes
            .verification_uri_complete()
            .map(|url| printable(url.secret())),
        valid_for: codes.expires_in(),
    });
    // Asks again while the answer is `authorization_pending`, and less often after `slow_down`.
    let answer = client
        .exchange_device_access_token(&codes)
        .request_async(&sender, tokio::time::sleep, None)
        .await
        .map_err(refused)?;
    // There is no nonce in this flow: nothing came by way of a browser.
    provider.held(&answer, None).await
}
