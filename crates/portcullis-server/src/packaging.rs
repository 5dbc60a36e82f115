//! From MP4 to protected media: keys made in the vault, taken against grants, used, wiped.
//!
//! Plans first, so that anything unsupported is named before a key is made. The packager
//! writes nothing a player could take for complete until all of it is.

use std::{
    fs::File,
    path::{Path, PathBuf},
};

use portcullis_base::{ContentId, Scheme};
use portcullis_keys::ContentKey;
use portcullis_packager::{
    KeyRing, PackageError, Plan, PlanOptions, Progress, Replace, Report, RunOptions, Source, run,
};
use portcullis_policy::{PackagingAsk, Reason, decide_packaging, model::Operator};
use portcullis_store::{
    Author, Error, Store,
    audit::{Action, Outcome},
};

/// What to package, and how.
#[derive(Clone, Debug)]
pub struct PackagingRequest {
    /// The MP4 files: renditions and languages of one content.
    pub inputs: Vec<PathBuf>,
    /// The folder to make.
    pub out: PathBuf,
    /// The content this is. It must be in the store.
    pub content: ContentId,
    /// How to encrypt.
    pub scheme: Scheme,
    /// How segments are cut.
    pub plan: PlanOptions,
    /// Where players of the DASH manifest ask for Clear Key licenses.
    pub license_url: Option<String>,
    /// What to do when the folder exists.
    pub replace: Replace,
}

/// Packages on behalf of `operator`.
///
/// # Errors
///
/// When the inputs cannot be packaged, the operator may not have the keys, the store fails, or
/// the output cannot be written. Then there is no output.
pub async fn package(
    store: &Store,
    operator: &Operator,
    author: &Author,
    request: &PackagingRequest,
    progress: &mut dyn FnMut(Progress<'_>),
) -> Result<Report, PackagingError> {
    let mut plan = read_plan(&request.inputs, &request.plan)?;
    let ask = PackagingAsk { scheme: request.scheme };
    may_package(store, operator, request, &ask)?;
    let classes = plan.keys_needed();
    let wanted: Vec<_> = classes.iter().map(|class| (*class, request.scheme)).collect();
    let made = store.vault().create_keys(&request.content, &wanted, author).await?;

    let edition =
        store.packaging_edition(&request.content, request.scheme, plan.asset_version()).await?;

    let facts = store.packaging_facts(&request.content)?.ok_or(Reason::ContentUnknown)?;
    let granted = decide_packaging(operator, &facts, &ask).into_allowed()?;
    let keys = open(store, operator, author, request, granted.into_grants(), &made).await?;

    let ring = KeyRing::new(made.iter().filter_map(|made| {
        keys.iter().find(|key| key.kid() == made.kid).map(|key| (made.class, key))
    }))?;
    let options = RunOptions {
        clear_key_url: request.license_url.clone(),
        edition,
        out: request.out.clone(),
        replace: request.replace,
        scheme: request.scheme,
    };
    Ok(run(&mut plan, &ring, &options, progress)?)
}

/// Asks before a key is made. That there is no key yet is the one refusal that making one
/// mends.
fn may_package(
    store: &Store,
    operator: &Operator,
    request: &PackagingRequest,
    ask: &PackagingAsk,
) -> Result<(), PackagingError> {
    let facts = store.packaging_facts(&request.content)?.ok_or(Reason::ContentUnknown)?;
    match decide_packaging(operator, &facts, ask).reason() {
        None | Some(Reason::KeyUnknown) => Ok(()),
        Some(reason) => Err(reason.into()),
    }
}

fn read_plan(inputs: &[PathBuf], options: &PlanOptions) -> Result<Plan<File>, PackageError> {
    let sources = inputs.iter().map(|path| Source::open(path)).collect::<Result<_, _>>()?;
    Plan::read(sources, options)
}

/// Opens the granted keys that are needed; the record is durable before the first is.
async fn open(
    store: &Store,
    operator: &Operator,
    author: &Author,
    request: &PackagingRequest,
    grants: Vec<portcullis_policy::Grant>,
    needed: &[portcullis_policy::model::TrackKey],
) -> Result<Vec<ContentKey>, PackagingError> {
    let object = format!("content:{} {}", request.content, request.scheme);
    let record = author.record(Action::KeyRead, &object, operator.tenant().as_str());
    let entry = store.audit().begin(record).await?;
    let mut keys = Vec::with_capacity(needed.len());
    let needed_grants =
        grants.iter().filter(|grant| needed.iter().any(|key| key.kid == *grant.kid()));
    for grant in needed_grants {
        match store.vault().open(grant).await {
            Ok(key) => keys.push(key),
            Err(error) => {
                entry.close(Outcome::Failed).await?;
                return Err(error.into());
            }
        }
    }
    entry.close(Outcome::Ok).await?;
    Ok(keys)
}

/// Where the parts of a packaged content lie below the media folder.
#[must_use]
pub fn folder_of(media: &Path, content: &ContentId, scheme: Scheme) -> PathBuf {
    media.join(content.as_str()).join(scheme.as_str())
}

/// Why nothing was packaged.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PackagingError {
    /// The packager could not do it.
    #[error(transparent)]
    Package(#[from] PackageError),
    /// The operator may not have the keys.
    #[error("{}", .0.meaning())]
    Refused(Reason),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] Error),
}

impl From<Reason> for PackagingError {
    fn from(reason: Reason) -> Self {
        Self::Refused(reason)
    }
}
