//! The device authorization flow (RFC 8628).

use oauth2::{DeviceAuthorizationUrl, EmptyExtraDeviceAuthorizationFields, Scope};

use super::provider::{Provider, invalid_response, printable, token_error};
use super::{LoginError, Prompt, StoredLogin};

type Codes = oauth2::DeviceAuthorizationResponse<EmptyExtraDeviceAuthorizationFields>;

pub(super) async fn log_in(
    provider: &Provider,
    show: impl Fn(Prompt),
) -> Result<StoredLogin, LoginError> {
    let endpoint = provider
        .metadata
        .device_authorization_endpoint
        .clone()
        .ok_or(LoginError::NoDeviceLogin)?;
    let endpoint = DeviceAuthorizationUrl::new(endpoint).map_err(invalid_response)?;
    let client = provider.client()?.set_device_authorization_url(endpoint);
    let sender = provider.sender();
    let mut request = client
        .exchange_device_code()
        .add_scopes(provider.scopes().into_iter().map(Scope::new));
    for (name, value) in provider.audience_parameters() {
        request = request.add_extra_param(name, value);
    }
    let codes: Codes = request.request_async(&sender).await.map_err(token_error)?;
    show(Prompt::EnterCode {
        url: printable(codes.verification_uri().as_str()),
        code: printable(codes.user_code().secret()),
        complete_url: codes
            .verification_uri_complete()
            .map(|url| printable(url.secret())),
        valid_for: codes.expires_in(),
    });
    // Polls while the response is `authorization_pending`, and less often after `slow_down`.
    let response = client
        .exchange_device_access_token(&codes)
        .request_async(&sender, tokio::time::sleep, None)
        .await
        .map_err(token_error)?;
    // This flow has no redirect, and therefore no nonce.
    provider.check_response(&response, None).await
}
