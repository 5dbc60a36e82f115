//! The keys that issuers publish, fetched in the background and kept in memory.
//!
//! No viewer ever waits for an issuer: a request looks at the last set that was fetched, or at
//! none. [`KeySources::refresh_due`] does the fetching, and [`run`] calls it once a second; a
//! token that names an unknown key only brings the next fetch forward. An answer that is a
//! key set counts at once and as a whole, so a key that is withdrawn verifies nothing from
//! then on. Anything else leaves the last set in place until it is too old. Sets do not
//! survive a restart (`docs/decisions/0008`).
//!
//! | what | when |
//! |---|---|
//! | first fetch | at the start, and when a key policy first names the place |
//! | next one | after `refresh_s`, or sooner if `Cache-Control` says so, up to a tenth earlier |
//! | after a failure | 10 s, 20 s, 40 s … up to `refresh_s` |
//! | unknown key | at once, but never within 60 s of the last fetch |
//! | too old | `max_stale_s` after the fetch that brought it |
//!
//! SPEC: SEC-29, SEC-80.

mod fetch;
mod report;

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use futures_util::future;
use portcullis_base::{Clock, Rng, Timestamp};
use portcullis_policy::model::{KeySource, Restriction};
use portcullis_store::{Error, Store};
use portcullis_token::jwt::VerificationKey;
use tokio::sync::{Notify, watch};

pub use report::{SourceReport, SourceState};

use self::fetch::{FetchError, Fetched};
use crate::{app::App, config, outbound::Outbound};

/// Every place that keys are fetched from, and what came of it.
#[derive(Debug)]
pub struct KeySources {
    settings: config::Jwks,
    places: Mutex<Places>,
    /// Grows whenever what a request would be given has changed.
    generation: AtomicU64,
    wake: Notify,
}

#[derive(Debug, Default)]
struct Places {
    /// The store's version the list was made from.
    version: Option<i64>,
    all: HashMap<KeySource, Place>,
}

#[derive(Debug)]
struct Place {
    set: Option<FetchedSet>,
    /// When to fetch next.
    due: Timestamp,
    /// When the last fetch began.
    tried: Option<Timestamp>,
    /// How many fetches failed since the last good one.
    failures: u32,
    /// What went wrong with the last of them.
    fault: Option<String>,
}

/// A set as it was fetched.
#[derive(Clone, Debug)]
pub(crate) struct FetchedSet {
    pub(crate) keys: Arc<[VerificationKey]>,
    /// The last moment it may be used at.
    pub(crate) usable_until: Timestamp,
    at: Timestamp,
}

impl KeySources {
    /// Knows no place yet.
    #[must_use]
    pub fn new(settings: config::Jwks) -> Self {
        Self {
            settings,
            places: Mutex::default(),
            generation: AtomicU64::new(0),
            wake: Notify::new(),
        }
    }

    /// Grows whenever [`KeySources::set_of`] would answer otherwise than before.
    pub(crate) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// The last set that came from a place, old as it may be.
    pub(crate) fn set_of(&self, source: &KeySource) -> Option<FetchedSet> {
        self.places().all.get(source)?.set.clone()
    }

    /// A token named a key that is not in the set: the next fetch is brought forward, as far
    /// as one a minute allows.
    pub(crate) fn key_was_unknown(&self, source: &KeySource, now: Timestamp) {
        let mut places = self.places();
        let Some(place) = places.all.get_mut(source) else { return };
        let earliest = place.tried.map_or(now, |tried| tried.saturating_add(BETWEEN_FETCHES));
        let wanted = earliest.max(now);
        if wanted < place.due {
            place.due = wanted;
            drop(places);
            self.wake.notify_one();
        }
    }

    /// Fetches what is due. Called again and again, it keeps every place fresh that a key
    /// policy of the store names.
    ///
    /// # Errors
    ///
    /// When the store cannot say which places there are. That a place cannot be fetched from
    /// is not an error here; it is logged, and shown by [`KeySources::report`].
    pub async fn refresh_due(
        &self,
        store: &Store,
        outbound: &Outbound,
        clock: &dyn Clock,
        rng: &dyn Rng,
    ) -> Result<(), Error> {
        self.find_places(store, clock.now())?;
        for due in self.take_due(clock.now()).chunks(AT_ONCE_MAX) {
            let fetches = due.iter().map(|source| fetch::fetch(outbound, source));
            let results = future::join_all(fetches).await;
            for (source, result) in due.iter().zip(results) {
                match result {
                    Ok(fetched) => self.keep(source, fetched, clock.now(), rng),
                    Err(error) => self.note_failure(source, &error, clock.now(), rng),
                }
            }
        }
        Ok(())
    }

    /// Takes over which places the store's key policies name.
    fn find_places(&self, store: &Store, now: Timestamp) -> Result<(), Error> {
        // INVARIANT: the version is read before the policies, so the list can only be newer
        // than the version it is kept under.
        let version = store.version()?;
        if self.places().version == Some(version) {
            return Ok(());
        }
        let policies = store.list_key_policies()?;
        let named: Vec<KeySource> = policies
            .into_iter()
            .filter_map(|policy| match policy.restriction {
                Restriction::Open => None,
                Restriction::Token(token) => token.key_source,
            })
            .collect();
        let mut places = self.places();
        places.version = Some(version);
        places.all.retain(|source, _| named.contains(source));
        for source in named {
            places.all.entry(source).or_insert_with(|| Place {
                set: None,
                due: now,
                tried: None,
                failures: 0,
                fault: None,
            });
        }
        Ok(())
    }

    fn take_due(&self, now: Timestamp) -> Vec<KeySource> {
        let mut due = Vec::new();
        for (source, place) in &mut self.places().all {
            if place.due <= now {
                place.tried = Some(now);
                // Should the fetch be given up half-way, it is tried again.
                place.due = now.saturating_add(BETWEEN_FETCHES);
                due.push(source.clone());
            }
        }
        due
    }

    fn keep(&self, source: &KeySource, fetched: Fetched, now: Timestamp, rng: &dyn Rng) {
        let mut places = self.places();
        let Some(place) = places.all.get_mut(source) else { return };
        let old = place.set.as_ref().map(|set| &*set.keys);
        report::log_fetched(source, old, &fetched.set, place.failures);
        place.set = Some(FetchedSet {
            keys: fetched.set.keys.into(),
            usable_until: now.saturating_add(self.settings.max_stale),
            at: now,
        });
        place.failures = 0;
        place.fault = None;
        let wanted = fetched.max_age.unwrap_or(Duration::MAX).max(BETWEEN_FETCHES);
        let delay = self.settings.refresh.min(wanted);
        place.due = now.saturating_add(earlier(delay, rng).max(BETWEEN_FETCHES));
        self.generation.fetch_add(1, Ordering::AcqRel);
    }

    fn note_failure(&self, source: &KeySource, error: &FetchError, now: Timestamp, rng: &dyn Rng) {
        let mut places = self.places();
        let Some(place) = places.all.get_mut(source) else { return };
        let fault = crate::http::stop::chain(error);
        report::log_failure(source, place.set.as_ref(), &fault, now);
        place.fault = Some(fault);
        let delay = FIRST_RETRY.saturating_mul(2_u32.saturating_pow(place.failures.min(16)));
        place.failures = place.failures.saturating_add(1);
        place.due = now.saturating_add(earlier(delay.min(self.settings.refresh), rng));
    }

    fn places(&self) -> MutexGuard<'_, Places> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Refreshes until `stop` says so.
pub(crate) async fn run(app: Arc<App>, outbound: Outbound, mut stop: watch::Receiver<bool>) {
    let sources = app.trust.sources();
    loop {
        let refresh = sources.refresh_due(&app.store, &outbound, &*app.clock, &*app.rng);
        tokio::select! {
            _ = stop.changed() => return,
            refreshed = refresh => {
                // A snapshot that is too old is told about where requests fail on it.
                if let Err(error) = refreshed {
                    tracing::debug!(%error, "the key sources cannot be listed");
                }
            }
        }
        tokio::select! {
            _ = stop.changed() => return,
            () = tokio::time::sleep(LOOK) => {}
            () = sources.wake.notified() => {}
        }
    }
}

/// Up to a tenth earlier, so that nodes that start together do not ask together.
fn earlier(delay: Duration, rng: &dyn Rng) -> Duration {
    let mut random = [0];
    rng.fill(&mut random);
    delay - delay / 10 * u32::from(random[0]) / 255
}

/// How often the list of what is due is looked at.
const LOOK: Duration = Duration::from_secs(1);
/// SPEC: SEC-29: an unknown key brings at most one fetch in this time.
const BETWEEN_FETCHES: Duration = Duration::from_secs(60);
const FIRST_RETRY: Duration = Duration::from_secs(10);
const AT_ONCE_MAX: usize = 8;
