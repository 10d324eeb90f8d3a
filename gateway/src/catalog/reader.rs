//! Reads the catalog: everything, or what has changed since it was read last.

use std::collections::BTreeSet;
use std::sync::Arc;

use gatewright_sql::Catalog;
use tokio::time::Instant;

use super::changes::{self, Changes, How};
use super::error::CatalogError;
use super::rows::{CatalogRows, Scope};
use super::stamps::{self, Grouping, Of, ask};
use super::watch::{Known, Watch};
use crate::upstream::{Target, UpstreamError};

/// What was read, and the stamps it has.
struct Read {
    rows: CatalogRows,
    scope: Scope,
    known: Known,
    /// The groups of relations in which something has changed; `None`: all.
    groups: Option<BTreeSet<u32>>,
}

/// The catalog of the next generation, or `None` if nothing has changed since `last`. The watch tells from then on whether it holds. It
/// is opened if there is none, and gone after an error of its connection.
pub(super) async fn read(
    target: &Target,
    kept: &mut Option<Watch>,
    last: Arc<Catalog>,
    how: How,
) -> Result<Option<Catalog>, CatalogError> {
    let fetched = match kept.take() {
        Some(watch) => fetch(watch, &last, how).await.ok(),
        None => None,
    };
    let (mut watch, read) = match fetched {
        Some(fetched) => fetched,
        // There was none, or it has broken since it was used last.
        None => fetch(Watch::connect(target).await?, &last, How::Everything).await?,
    };
    let Some(read) = read else {
        watch.settle(Some(&BTreeSet::new())).await?;
        *kept = Some(watch);
        return Ok(None);
    };
    let base = Arc::clone(&last);
    let Read {
        rows,
        scope,
        mut known,
        groups,
    } = read;
    // Parsing deeply nested definitions requires a large stack.
    let built = tokio::task::spawn_blocking(move || {
        gatewright_sql::on_big_stack(|| rows.catalog(&base, &scope))
    });
    let catalog = match built.await {
        Ok(Some(catalog)) => catalog?,
        _ => return Err(CatalogError::NoThread),
    };
    let current = catalog.as_ref().unwrap_or(&last);
    known.generation = current.generation;
    watch.known = Some(known);
    watch.settle(groups.as_ref()).await?;
    *kept = Some(watch);
    Ok(catalog)
}

/// Reads in one snapshot. `None`: nothing has changed.
async fn fetch(
    mut watch: Watch,
    last: &Catalog,
    how: How,
) -> Result<(Watch, Option<Read>), UpstreamError> {
    if how != How::LastingChanges {
        let looked = watch.is_unchanged().await?;
        if watch.is_unchanged_in_everything() && looked && how == How::Changes {
            return Ok((watch, None));
        }
    }
    let known = watch.known.take();
    let known = known.filter(|known| known.generation == last.generation);
    // A single snapshot keeps the results consistent.
    let service = watch.service();
    service
        .query("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        .await?;
    let read = match known {
        Some(mut known) if how != How::Everything => {
            match changes::find(&mut watch, &mut known, last, how).await? {
                Changes::Perhaps => Some(everything(&mut watch).await?),
                Changes::None => {
                    watch.known = Some(known);
                    None
                }
                Changes::Some { objects, groups } => {
                    let scope = Scope::Objects(objects);
                    Some(Read {
                        rows: CatalogRows::fetch(watch.service(), &scope).await?,
                        scope,
                        known,
                        groups: Some(groups),
                    })
                }
            }
        }
        _ => Some(everything(&mut watch).await?),
    };
    watch.service().query("COMMIT").await?;
    Ok((watch, read))
}

async fn everything(watch: &mut Watch) -> Result<Read, UpstreamError> {
    let any = Grouping::of(std::iter::empty());
    let service = watch.service();
    let (relations, _) = ask(service, &any.objects(Of::Relations, None)).await?;
    let (functions, _) = ask(service, &any.objects(Of::Functions, None)).await?;
    let others = service.query(&stamps::others()).await?;
    let rows = CatalogRows::fetch(service, &Scope::Everything).await?;
    let tables = relations.iter().filter(|(_, stamp)| stamp.is_relation());
    let grouping = Grouping::of(tables.map(|(oid, _)| *oid));
    Ok(Read {
        rows,
        scope: Scope::Everything,
        known: Known {
            generation: 0,
            grouping,
            relations,
            functions,
            others,
            compared: Instant::now(),
        },
        groups: None,
    })
}
