//! Server connections against real servers and fake ones.

mod bearer;
mod channel_binding;
mod credential;
mod dsn;
mod hosts;
mod impostors;
mod logins;
mod server_tls;
