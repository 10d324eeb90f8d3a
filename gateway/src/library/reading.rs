//! What viewers are shown of the record, which is recorded first.

use std::sync::Arc;

use arc_swap::ArcSwap;
use gatewright_contract::SessionId;
use gatewright_record::directory::Directory;
use gatewright_record::event::{Keep, View, Viewed};
use gatewright_record::sealed::Identities;

use super::error::LibraryError;
use super::index::{
    Index, IndexSettings, Listing, Page, SessionEntry, StatementEntry, ViewedEntry,
};
use super::indexer::{self, IndexMetrics, Indexer};
use super::masks::{Eyes, Hidden, RecordMask};
use super::search::{Found, Search};
use super::statement::{self, Contents, Missing};
use super::viewings::{Viewer, Viewings};
use crate::identity::Identity;
use crate::recording::Recorder;

/// Who sees what of the record, and how much of it is indexed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LibrarySettings {
    /// Groups whose members see recorded sessions, besides auditors.
    pub viewers: Vec<String>,
    pub index: Keep,
    /// What viewers do not see of results.
    pub masks: Vec<RecordMask>,
}

impl Default for LibrarySettings {
    fn default() -> Self {
        LibrarySettings {
            viewers: Vec::new(),
            index: Keep::Statements,
            masks: Vec::new(),
        }
    }
}

/// The record of this gateway as people read it. Cheap to clone.
#[derive(Clone)]
pub struct Library {
    shared: Arc<Shared>,
}

struct Shared {
    index: Index,
    directory: Directory,
    record: String,
    settings: ArcSwap<LibrarySettings>,
    viewings: Viewings,
    _indexer: Indexer,
}

/// A session with a page of its statements.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionShown {
    pub session: SessionEntry,
    pub statements: Page<StatementEntry>,
    /// Who has looked at it, the last first.
    pub viewed: Vec<ViewedEntry>,
}

/// A statement with what the record has of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatementShown {
    pub session: SessionEntry,
    pub statement: StatementEntry,
    pub contents: Contents,
    /// When the statements before and behind it began.
    pub before: Option<i64>,
    pub behind: Option<i64>,
}

impl Library {
    /// Starts the thread that indexes what the recorder writes.
    ///
    /// # Errors
    /// The record has no name, or the operating system gives no thread.
    pub fn start(
        index: Index,
        directory: Directory,
        recorder: Recorder,
        settings: LibrarySettings,
        metrics: Arc<dyn IndexMetrics>,
    ) -> std::io::Result<Self> {
        let record = indexer::name(&directory)?;
        let kept = IndexSettings {
            keep: settings.index,
            identities: Identities::default(),
            masks: settings.masks.clone(),
        };
        let changes = recorder.changes();
        let indexer = Indexer::start(index.clone(), kept, directory.clone(), changes, metrics)?;
        Ok(Library {
            shared: Arc::new(Shared {
                index,
                directory,
                record,
                settings: ArcSwap::from_pointee(settings),
                viewings: Viewings::new(recorder),
                _indexer: indexer,
            }),
        })
    }

    #[cfg(test)]
    pub(crate) fn index(&self) -> &Index {
        &self.shared.index
    }

    pub fn replace_settings(&self, settings: LibrarySettings) {
        self.shared.settings.store(Arc::new(settings));
    }

    /// Whether this identity, which is one of a person, is in a group that sees recorded sessions.
    pub fn is_viewer(&self, identity: &Identity) -> bool {
        let settings = self.shared.settings.load();
        let mut groups = settings.viewers.iter();
        groups.any(|group| identity.groups.contains(group))
    }

    /// # Errors
    /// The store failed, or the viewing cannot be recorded.
    pub async fn sessions(
        &self,
        viewer: &Viewer,
        listing: Listing,
    ) -> Result<Page<SessionEntry>, LibraryError> {
        self.note(viewer, View::Sessions, Viewed::default()).await?;
        Ok(self.shared.index.sessions(listing).await?)
    }

    /// # Errors
    /// The store failed, or the viewing cannot be recorded.
    pub async fn search(
        &self,
        viewer: &Viewer,
        typed: &str,
        search: Search,
        before: Option<i64>,
        limit: usize,
    ) -> Result<Page<Found>, LibraryError> {
        let page = self.shared.index.search(search, before, limit).await?;
        let mut sessions = ids(page.entries.iter().map(|found| &found.session));
        sessions.dedup();
        let viewed = Viewed {
            sessions,
            search: Some(typed.to_owned()),
            ..Viewed::default()
        };
        self.note(viewer, View::Search, viewed).await?;
        Ok(page)
    }

    /// The statements of a session behind this number.
    ///
    /// # Errors
    /// The store failed, or the viewing cannot be recorded.
    pub async fn session(
        &self,
        viewer: &Viewer,
        id: SessionId,
        after: i64,
        limit: usize,
    ) -> Result<Option<SessionShown>, LibraryError> {
        let index = &self.shared.index;
        let Some(session) = index.session(id).await? else {
            return Ok(None);
        };
        let viewed = Viewed {
            sessions: vec![id],
            ..Viewed::default()
        };
        self.note(viewer, View::Session, viewed).await?;
        Ok(Some(SessionShown {
            session,
            statements: index.statements(id, after, limit).await?,
            viewed: index.viewings_of(id).await?,
        }))
    }

    /// A statement with a page of its results.
    ///
    /// # Errors
    /// The store failed, the record cannot be read, or the viewing cannot be recorded.
    pub async fn statement(
        &self,
        viewer: &Viewer,
        id: SessionId,
        number: i64,
        first: u64,
    ) -> Result<Option<StatementShown>, LibraryError> {
        let index = &self.shared.index;
        let Some(session) = index.session(id).await? else {
            return Ok(None);
        };
        let around = index.statements(id, number.saturating_sub(2), 3).await?;
        let mut around = around.entries;
        let Some(place) = around.iter().position(|entry| entry.number == number) else {
            return Ok(None);
        };
        let behind = around.get(place + 1).map(|entry| entry.began_at);
        let before = place.checked_sub(1).and_then(|before| around.get(before));
        let before = before.map(|entry| entry.began_at);
        let statement = around.swap_remove(place);
        let viewed = Viewed {
            sessions: vec![id],
            statement: u64::try_from(number).ok(),
            ..Viewed::default()
        };
        self.note(viewer, View::Statement, viewed).await?;
        let mut contents = self.contents(&session, id, &statement, first).await?;
        let settings = self.shared.settings.load();
        let eyes = Eyes::Of(&viewer.identity.groups);
        contents.mask(&Hidden::from(&settings.masks, eyes), &statement);
        Ok(Some(StatementShown {
            session,
            statement,
            contents,
            before,
            behind,
        }))
    }

    /// The sessions in which a request's approval was used up, with the statement's number.
    ///
    /// # Errors
    /// The store failed.
    pub async fn uses_of(&self, request: String) -> Result<Vec<(String, i64)>, LibraryError> {
        Ok(self.shared.index.uses_of(request).await?)
    }

    /// Ends the sessions of viewers.
    pub async fn finish(&self) {
        self.shared.viewings.finish().await;
    }

    async fn contents(
        &self,
        session: &SessionEntry,
        id: SessionId,
        statement: &StatementEntry,
        first: u64,
    ) -> Result<Contents, LibraryError> {
        if session.record != self.shared.record {
            return Ok(elsewhere());
        }
        let directory = self.shared.directory.clone();
        let statement = statement.clone();
        let read = move || statement::read(&directory, id, &statement, first);
        let read = tokio::task::spawn_blocking(read).await;
        let mut contents = match read.map_err(std::io::Error::other)? {
            Ok(contents) => contents,
            // Only the object store has it.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => elsewhere(),
            Err(error) => return Err(error.into()),
        };
        if session.keep != super::values::keep(Keep::Rows) && contents.rows.is_empty() {
            contents.miss(Missing::NotKept);
        }
        Ok(contents)
    }

    async fn note(&self, viewer: &Viewer, what: View, viewed: Viewed) -> Result<(), LibraryError> {
        let viewed = Viewed { what, ..viewed };
        let noted = self.shared.viewings.note(viewer, viewed).await;
        noted.map_err(LibraryError::Unrecorded)
    }
}

fn elsewhere() -> Contents {
    let mut contents = Contents::default();
    contents.miss(Missing::Elsewhere);
    contents
}

fn ids<'a>(sessions: impl Iterator<Item = &'a SessionEntry>) -> Vec<SessionId> {
    sessions
        .filter_map(|session| session.id.parse().ok())
        .collect()
}
