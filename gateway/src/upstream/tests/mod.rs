mod bearer;
mod credential;
mod dsn;
mod end_point;
mod hosts;
mod impostors;
mod logins;
mod server_tls;
