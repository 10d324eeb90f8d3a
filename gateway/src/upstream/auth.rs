//! Authentication to a server: trust, cleartext password inside TLS, MD5, SCRAM-SHA-256, SCRAM-SHA-256-PLUS, and
//! OAUTHBEARER with a token.

use bytes::BytesMut;
use gatewright_wire::backend::Authentication;
use gatewright_wire::build;
use postgres_protocol::authentication::md5_hash;
use postgres_protocol::authentication::sasl::{
    ChannelBinding, SCRAM_SHA_256, SCRAM_SHA_256_PLUS, ScramSha256,
};
use secrecy::{ExposeSecret, SecretString};

use super::bearer;
use super::channel_binding::tls_server_end_point;
use super::{Target, UpstreamError, UpstreamStream};

/// The code of AuthenticationMD5Password.
const MD5_PASSWORD: u32 = 5;

/// One authentication exchange, driven by the server's requests.
pub(super) struct Login<'a> {
    user: &'a str,
    password: Option<&'a SecretString>,
    bearer: bool,
    secure: bool,
    /// The `tls-server-end-point` channel binding data.
    end_point: Option<Vec<u8>>,
    state: State,
}

enum State {
    Initial,
    /// A password or its MD5 hash was sent.
    PasswordSent,
    ScramFirst(ScramSha256),
    ScramFinal(ScramSha256),
    /// The server has proved that it knows the password.
    ScramVerified,
    /// The token was sent with OAUTHBEARER.
    BearerSent,
    /// The server rejected the token. Only an ErrorResponse may follow.
    BearerRejected,
    Done,
}

impl<'a> Login<'a> {
    pub(super) fn new(
        target: &'a Target,
        password: Option<&'a SecretString>,
        stream: &UpstreamStream,
    ) -> Self {
        let end_point = match stream {
            UpstreamStream::Tls(stream) => {
                let certificates = stream.get_ref().1.peer_certificates();
                certificates
                    .and_then(<[_]>::first)
                    .and_then(|certificate| tls_server_end_point(certificate))
            }
            UpstreamStream::Tcp(_) | UpstreamStream::Unix(_) => None,
        };
        Self {
            user: &target.user,
            password,
            bearer: target.bearer,
            secure: stream.secure(),
            end_point,
            state: State::Initial,
        }
    }

    /// Whether the exchange has ended with a valid AuthenticationOk.
    pub(super) fn done(&self) -> bool {
        matches!(self.state, State::Done)
    }

    /// Processes a request from the server and returns the response, if one is required.
    pub(super) fn step(
        &mut self,
        request: Authentication<'_>,
    ) -> Result<Option<BytesMut>, UpstreamError> {
        let mut out = BytesMut::new();
        let state = std::mem::replace(&mut self.state, State::PasswordSent);
        if self.bearer {
            self.state = self.step_with_token(state, request, &mut out)?;
            return Ok((!out.is_empty()).then_some(out));
        }
        self.state = match (state, request) {
            (State::Initial | State::PasswordSent | State::ScramVerified, Authentication::Ok) => {
                State::Done
            }
            // SCRAM is mutual: a server that skips its final message has not proved that it knows the password.
            (State::ScramFirst(_) | State::ScramFinal(_), Authentication::Ok) => {
                return Err(UpstreamError::ScramUnfinished);
            }
            (State::Initial, Authentication::CleartextPassword) => {
                if !self.secure {
                    return Err(UpstreamError::CleartextOutsideTls);
                }
                build::password(&mut out, self.password()?)?;
                State::PasswordSent
            }
            (State::Initial, Authentication::Md5Password { salt }) => {
                let hash = md5_hash(self.user.as_bytes(), self.password()?, salt);
                build::password(&mut out, hash.as_bytes())?;
                State::PasswordSent
            }
            (State::Initial, Authentication::Sasl { mechanisms }) => {
                let (mechanism, binding) = self.select_mechanism(&mechanisms)?;
                let scram = ScramSha256::new(self.password()?, binding);
                build::sasl_initial_response(&mut out, mechanism, scram.message())?;
                State::ScramFirst(scram)
            }
            (State::ScramFirst(mut scram), Authentication::SaslContinue(data)) => {
                scram.update(data).map_err(UpstreamError::Scram)?;
                build::sasl_response(&mut out, scram.message())?;
                State::ScramFinal(scram)
            }
            (State::ScramFinal(mut scram), Authentication::SaslFinal(data)) => {
                scram.finish(data).map_err(UpstreamError::Scram)?;
                State::ScramVerified
            }
            (_, Authentication::Other(code)) => {
                return Err(UpstreamError::UnsupportedAuthentication { code });
            }
            _ => return Err(UpstreamError::Unexpected { tag: b'R' }),
        };
        Ok((!out.is_empty()).then_some(out))
    }

    /// As [`Login::step`], with a token. The token is sent only as a cleartext password or with OAUTHBEARER, and only
    /// over a secure connection.
    fn step_with_token(
        &self,
        state: State,
        request: Authentication<'_>,
        out: &mut BytesMut,
    ) -> Result<State, UpstreamError> {
        match (state, request) {
            (State::Initial | State::PasswordSent | State::BearerSent, Authentication::Ok) => {
                Ok(State::Done)
            }
            (State::Initial, Authentication::CleartextPassword | Authentication::Sasl { .. })
                if !self.secure =>
            {
                Err(UpstreamError::CleartextOutsideTls)
            }
            (State::Initial, Authentication::CleartextPassword) => {
                build::password(out, self.password()?)?;
                Ok(State::PasswordSent)
            }
            (State::Initial, Authentication::Sasl { mechanisms })
                if mechanisms.contains(&bearer::OAUTHBEARER) =>
            {
                let message = bearer::initial_response(self.password()?);
                build::sasl_initial_response(out, bearer::OAUTHBEARER, &message)?;
                Ok(State::BearerSent)
            }
            (State::Initial, Authentication::Sasl { .. }) => Err(UpstreamError::UnsupportedSasl),
            (State::BearerSent, Authentication::SaslContinue(_)) => {
                build::sasl_response(out, bearer::ERROR_ACKNOWLEDGEMENT)?;
                Ok(State::BearerRejected)
            }
            (State::Initial, Authentication::Md5Password { .. }) => {
                Err(UpstreamError::UnsupportedAuthentication { code: MD5_PASSWORD })
            }
            (_, Authentication::Other(code)) => {
                Err(UpstreamError::UnsupportedAuthentication { code })
            }
            _ => Err(UpstreamError::Unexpected { tag: b'R' }),
        }
    }

    fn password(&self) -> Result<&'a [u8], UpstreamError> {
        let password = self.password.ok_or(UpstreamError::NoPassword)?;
        Ok(password.expose_secret().as_bytes())
    }

    fn select_mechanism(
        &mut self,
        mechanisms: &[&str],
    ) -> Result<(&'static str, ChannelBinding), UpstreamError> {
        let plus = mechanisms.contains(&SCRAM_SHA_256_PLUS);
        match self.end_point.take() {
            Some(data) if plus => Ok((
                SCRAM_SHA_256_PLUS,
                ChannelBinding::tls_server_end_point(data),
            )),
            _ if !mechanisms.contains(&SCRAM_SHA_256) => Err(UpstreamError::UnsupportedSasl),
            // Announces that the gateway supports channel binding and the server did not offer it. A server that did
            // offer it detects the downgrade and rejects the login (RFC 5802, section 6).
            Some(_) => Ok((SCRAM_SHA_256, ChannelBinding::unrequested())),
            None => Ok((SCRAM_SHA_256, ChannelBinding::unsupported())),
        }
    }
}
