//! What has changed in a database since its catalog was read, by the stamps of its objects.

use std::collections::BTreeSet;

use gatewright_sql::{Catalog, RelationKind};

use super::queries;
use super::rows::{Objects, number, text};
use super::stamps::{self, Of, Stamps, ask, unlike};
use super::watch::{Known, Watch};
use crate::upstream::UpstreamError;
use crate::upstream::service::Service;

/// If more objects have changed, everything is read: that costs less than as many single questions.
const MOST_OBJECTS: usize = 2048;

/// How the catalog is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum How {
    Everything,
    /// What has changed, temporary tables included.
    Changes,
    /// The same, unless only temporary tables have changed. Statements of those who use them ask for [`How::Changes`].
    LastingChanges,
}

/// What has changed.
pub(super) enum Changes {
    None,
    /// These objects, and the groups of relations that have some of them.
    Some {
        objects: Objects,
        groups: BTreeSet<u32>,
    },
    /// Something else, or much: everything is to be read.
    Perhaps,
}

/// Finds what has changed, within the transaction that the connection is in. `known` then has the stamps of that moment, as far as the
/// objects are read again.
pub(super) async fn find(
    watch: &mut Watch,
    known: &mut Known,
    last: &Catalog,
    how: How,
) -> Result<Changes, UpstreamError> {
    if watch.service().query(&stamps::others()).await? != known.others {
        return Ok(Changes::Perhaps);
    }
    let (groups, compared) = groups(watch, known).await?;
    let changed = relations(watch.service(), known, last, &groups).await?;
    let functions = functions(watch.service(), known).await?;
    if changed.lasting.len() + changed.temporary.len() + functions.len() > MOST_OBJECTS {
        return Ok(Changes::Perhaps);
    }
    if compared {
        known.compared = tokio::time::Instant::now();
    }
    known.take(&changed.now, &changed.parts);
    if changed.lasting.is_empty() && functions.is_empty() {
        if changed.temporary.is_empty() {
            return Ok(Changes::None);
        }
        if how == How::LastingChanges {
            watch.ignore(&groups);
            return Ok(Changes::None);
        }
    }
    let mut relations = changed.lasting;
    relations.extend(changed.temporary);
    known.take(&changed.now, &relations);
    let groups = relations.iter().map(|oid| known.grouping.group(*oid));
    let groups = groups.collect();
    let mut objects = Objects {
        domains: last.has_domains() && !relations.is_empty(),
        relations,
        functions,
    };
    match add_dependents(watch.service(), last, &mut objects).await? {
        true => Ok(Changes::Some { objects, groups }),
        false => Ok(Changes::Perhaps),
    }
}

/// The groups of relations that may have changed, and whether everything of all groups was compared to find them.
async fn groups(watch: &mut Watch, known: &Known) -> Result<(BTreeSet<u32>, bool), UpstreamError> {
    let then = known.grouping.sum(&known.relations);
    // Without prepared statements, all are suspected.
    if known.is_due() || watch.suspects().len() * 2 > then.len() {
        let question = known.grouping.groups(Of::Relations);
        let (now, _) = ask(watch.service(), &question).await?;
        return Ok((unlike(&now, &then), true));
    }
    let question = known.grouping.groups(Of::Names);
    let (now, _) = ask(watch.service(), &question).await?;
    let mut groups = unlike(&stamps::names(&now), &stamps::names(&then));
    groups.extend(watch.suspects());
    Ok((groups, false))
}

/// The relations that have other stamps than when they were read, or none any more.
#[derive(Default)]
struct Changed {
    lasting: BTreeSet<u32>,
    temporary: BTreeSet<u32>,
    /// Indexes and TOAST tables, of which the catalog has none.
    parts: BTreeSet<u32>,
    now: Stamps,
}

async fn relations(
    service: &mut Service,
    known: &Known,
    last: &Catalog,
    groups: &BTreeSet<u32>,
) -> Result<Changed, UpstreamError> {
    let mut changed = Changed::default();
    if groups.is_empty() {
        return Ok(changed);
    }
    let question = known.grouping.objects(Of::Relations, Some(groups));
    let (now, temporary) = ask(service, &question).await?;
    let is_in = |oid: &u32| groups.contains(&known.grouping.group(*oid));
    let then = known.relations.iter().filter(|(oid, _)| is_in(oid));
    let then: Stamps = then.map(|(oid, stamp)| (*oid, *stamp)).collect();
    for oid in unlike(&now, &then) {
        let mut stamps = [now.get(&oid), then.get(&oid)].into_iter().flatten();
        let was = last.relation(oid).map(|relation| relation.kind);
        let set = if !stamps.any(stamps::Stamp::is_relation) {
            &mut changed.parts
        } else if temporary.contains(&oid) || was == Some(RelationKind::Temporary) {
            &mut changed.temporary
        } else {
            &mut changed.lasting
        };
        set.insert(oid);
    }
    changed.now = now;
    Ok(changed)
}

/// The functions that have other stamps than when they were read. `known` has the new ones.
async fn functions(
    service: &mut Service,
    known: &mut Known,
) -> Result<BTreeSet<u32>, UpstreamError> {
    let grouping = known.grouping;
    let (now, _) = ask(service, &grouping.groups(Of::Functions)).await?;
    let groups = unlike(&now, &grouping.sum(&known.functions));
    if groups.is_empty() {
        return Ok(groups);
    }
    let question = grouping.objects(Of::Functions, Some(&groups));
    let (now, _) = ask(service, &question).await?;
    let mut all = known.functions.clone();
    all.retain(|oid, _| !groups.contains(&grouping.group(*oid)));
    all.extend(now);
    let changed = unlike(&all, &known.functions);
    known.functions = all;
    Ok(changed)
}

/// Adds the objects whose definitions name one of the changed ones: the server prints them with other names now. False: it cannot be told
/// which those are.
async fn add_dependents(
    service: &mut Service,
    last: &Catalog,
    objects: &mut Objects,
) -> Result<bool, UpstreamError> {
    if !objects.functions.is_empty() {
        let named = queries::of(queries::FUNCTION_NAMES, Some(&objects.functions));
        for row in service.query(&named).await? {
            let name = text(&row, 1).zip(text(&row, 2));
            let Some(oid) = number(&row, 0) else {
                return Ok(false);
            };
            // What names a function is not looked for: operators, casts, triggers, and all definitions.
            let is_other = |before| Some(before) != name;
            if last.function_name(oid).is_some_and(is_other) {
                return Ok(false);
            }
        }
        // What an aggregate may do depends on the languages of its functions.
        for row in service.query(queries::AGGREGATES).await? {
            objects.functions.extend(number::<u32>(&row, 0));
        }
    }
    let mut known = objects.relations.clone();
    known.retain(|oid| last.relation(*oid).is_some());
    if known.is_empty() {
        return Ok(true);
    }
    let dependents = queries::of(queries::DEPENDENTS, Some(&known));
    for row in service.query(&dependents).await? {
        match (text(&row, 0), number::<u32>(&row, 1)) {
            (Some("relation"), Some(oid)) => objects.relations.insert(oid),
            (Some("function"), Some(oid)) => objects.functions.insert(oid),
            _ => return Ok(false),
        };
    }
    Ok(true)
}
