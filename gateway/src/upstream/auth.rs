//! Logging in: trust, cleartext inside TLS, MD5, SCRAM-SHA-256 and SCRAM-SHA-256-PLUS; with a token by OAUTHBEARER.

use bytes::BytesMut;
use gatewright_wire::backend::Authentication;
use gatewright_wire::build;
use postgres_protocol::authentication::md5_hash;
use postgres_protocol::authentication::sasl::{
    ChannelBinding, SCRAM_SHA_256, SCRAM_SHA_256_PLUS, ScramSha256,
};
use secrecy::{ExposeSecret, SecretString};

use super::bearer;
use super::end_point::tls_server_end_point;
use super::{Target, UpstreamError, UpstreamStream};

/// AuthenticationMD5Password.
const MD5_PASSWORD: u32 = 5;

/// One login, step by step as the server asks.
pub(super) struct Login<'a> {
    user: &'a str,
    password: Option<&'a SecretString>,
    bearer: bool,
    secure: bool,
    /// Channel binding data of the TLS connection.
    end_point: Option<Vec<u8>>,
    state: State,
}

enum State {
    Begun,
    /// A password or hash was sent.
    Answered,
    ScramFirst(ScramSha256),
    ScramFinal(ScramSha256),
    /// The server has proved that it knows the password.
    ScramProved,
    /// The token was sent by OAUTHBEARER.
    Bearer,
    /// The server did not like it: an error follows and nothing else.
    BearerRefused,
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
            state: State::Begun,
        }
    }

    /// AuthenticationOk has come, and it was due.
    pub(super) fn done(&self) -> bool {
        matches!(self.state, State::Done)
    }

    /// What to answer to this request, if anything.
    pub(super) fn step(
        &mut self,
        request: Authentication<'_>,
    ) -> Result<Option<BytesMut>, UpstreamError> {
        let mut out = BytesMut::new();
        let state = std::mem::replace(&mut self.state, State::Answered);
        if self.bearer {
            self.state = self.step_with_token(state, request, &mut out)?;
            return Ok((!out.is_empty()).then_some(out));
        }
        self.state = match (state, request) {
            (State::Begun | State::Answered | State::ScramProved, Authentication::Ok) => {
                State::Done
            }
            // SCRAM is mutual: a server that skips its half has not shown that it is ours.
            (State::ScramFirst(_) | State::ScramFinal(_), Authentication::Ok) => {
                return Err(UpstreamError::ScramUnfinished);
            }
            (State::Begun, Authentication::CleartextPassword) => {
                if !self.secure {
                    return Err(UpstreamError::CleartextOutsideTls);
                }
                build::password(&mut out, self.password()?)?;
                State::Answered
            }
            (State::Begun, Authentication::Md5Password { salt }) => {
                let hash = md5_hash(self.user.as_bytes(), self.password()?, salt);
                build::password(&mut out, hash.as_bytes())?;
                State::Answered
            }
            (State::Begun, Authentication::Sasl { mechanisms }) => {
                let (mechanism, binding) = self.choose(&mechanisms)?;
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
                State::ScramProved
            }
            (_, Authentication::Other(code)) => {
                return Err(UpstreamError::UnsupportedAuthentication { code });
            }
            _ => return Err(UpstreamError::Unexpected { tag: b'R' }),
        };
        Ok((!out.is_empty()).then_some(out))
    }

    /// A token is given as it is, to a server that nobody listens in on, and in no other way.
    fn step_with_token(
        &self,
        state: State,
        request: Authentication<'_>,
        out: &mut BytesMut,
    ) -> Result<State, UpstreamError> {
        match (state, request) {
            (State::Begun | State::Answered | State::Bearer, Authentication::Ok) => Ok(State::Done),
            (State::Begun, Authentication::CleartextPassword | Authentication::Sasl { .. })
                if !self.secure =>
            {
                Err(UpstreamError::CleartextOutsideTls)
            }
            (State::Begun, Authentication::CleartextPassword) => {
                build::password(out, self.password()?)?;
                Ok(State::Answered)
            }
            (State::Begun, Authentication::Sasl { mechanisms })
                if mechanisms.contains(&bearer::OAUTHBEARER) =>
            {
                let message = bearer::initial_response(self.password()?);
                build::sasl_initial_response(out, bearer::OAUTHBEARER, &message)?;
                Ok(State::Bearer)
            }
            (State::Begun, Authentication::Sasl { .. }) => Err(UpstreamError::UnsupportedSasl),
            (State::Bearer, Authentication::SaslContinue(_)) => {
                build::sasl_response(out, bearer::ANSWER_TO_ERROR)?;
                Ok(State::BearerRefused)
            }
            (State::Begun, Authentication::Md5Password { .. }) => {
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

    fn choose(
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
            // "I could bind, you did not offer to": the server ends the login if that is not what it sent.
            Some(_) => Ok((SCRAM_SHA_256, ChannelBinding::unrequested())),
            None => Ok((SCRAM_SHA_256, ChannelBinding::unsupported())),
        }
    }
}
