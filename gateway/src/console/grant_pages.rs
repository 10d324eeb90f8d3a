//! Pages of access grants, as the templates take them.

use askama::Template;

use super::grant_view::{GrantDetail, GrantRow};
use super::offers::{Action, Form, Notice};
use super::pages::Frame;
use crate::access::State;

#[derive(Template)]
#[template(path = "console/grants.html")]
pub(super) struct GrantsPage {
    pub frame: Frame,
    pub waiting: Vec<GrantRow>,
    pub active: Vec<GrantRow>,
    pub is_cut: bool,
    pub ended: Vec<GrantRow>,
    /// The address of the next page of those that have ended.
    pub older: Option<String>,
    pub is_first: bool,
}

#[derive(Template)]
#[template(path = "console/grant.html")]
pub(super) struct GrantPage {
    pub frame: Frame,
    pub grant: GrantDetail,
    pub notice: Option<Notice>,
    pub actions: Vec<Action>,
    pub form: Option<Form<State>>,
}

#[derive(Template)]
#[template(path = "console/ask.html")]
pub(super) struct AskPage {
    pub frame: Frame,
    pub notice: Option<Notice>,
    pub verbs: Vec<VerbBox>,
    pub filled: Filled,
    /// A form that is sent twice asks once.
    pub idempotency: String,
    /// The longest time, in minutes.
    pub most_minutes: u64,
}

/// A verb that can be chosen.
pub(super) struct VerbBox {
    pub name: &'static str,
    pub is_chosen: bool,
}

/// What the form is filled in with.
#[derive(Default)]
pub(super) struct Filled {
    pub statement: String,
    pub tables: String,
    pub databases: String,
    pub minutes: String,
    pub rows: String,
    pub begins: String,
    pub agent: String,
    pub reason: String,
}
