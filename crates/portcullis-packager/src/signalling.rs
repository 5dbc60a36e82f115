//! What players must know to ask for licenses: the same bytes in headers, MPD and playlists.
//!
//! Every box lists all keys of the content, so one license request covers all tracks. FairPlay
//! has no box and exists for `cbcs` only. The payloads are `portcullis-drm`'s.

use portcullis_base::{KeyId, Scheme};
use portcullis_drm::{playready, system_id, widevine};
use portcullis_keys::ContentKey;
use portcullis_media::{
    bmff::pssh::PsshBox,
    bmff::write::Protection,
    dash::write as dash,
    hls::write::{Key, KeySystem, Method},
};

use crate::error::{Code, PackageError};

/// The init data of one content under one scheme.
#[derive(Debug)]
pub(crate) struct Signalling {
    clear_key_url: Option<String>,
    common_pssh: Vec<u8>,
    playready_object: Vec<u8>,
    playready_pssh: Vec<u8>,
    widevine_pssh: Vec<u8>,
}

impl Signalling {
    pub(crate) fn new<'a>(
        keys: impl IntoIterator<Item = &'a ContentKey>,
        scheme: Scheme,
        clear_key_url: Option<String>,
    ) -> Result<Self, PackageError> {
        let keys: Vec<(KeyId, Option<&ContentKey>)> =
            keys.into_iter().map(|key| (key.kid(), Some(key))).collect();
        let kids: Vec<KeyId> = keys.iter().map(|(kid, _)| *kid).collect();
        let wrong = |error: &dyn std::fmt::Display| PackageError::new(Code::KeyMissing, error);
        let playready_object =
            playready::header_object(&keys, scheme, None).map_err(|error| wrong(&error))?;
        let boxed = |system_id, kids, data| {
            PsshBox { system_id, kids, data }.write().map_err(|error| wrong(&error))
        };
        Ok(Self {
            clear_key_url,
            widevine_pssh: boxed(system_id::WIDEVINE, None, widevine::pssh_data(&kids, scheme))?,
            playready_pssh: boxed(system_id::PLAYREADY, None, playready_object.clone())?,
            common_pssh: boxed(system_id::W3C_COMMON, Some(kids), Vec::new())?,
            playready_object,
        })
    }

    /// All boxes, for headers.
    pub(crate) fn boxes(&self) -> Vec<u8> {
        [&*self.common_pssh, &*self.widevine_pssh, &*self.playready_pssh].concat()
    }

    /// The descriptors of an adaptation set.
    pub(crate) fn dash(&self, protection: Protection) -> dash::Protection {
        dash::Protection {
            common_pssh: self.common_pssh.clone(),
            kid: protection.kid(),
            clear_key_url: self.clear_key_url.clone(),
            playready: Some(dash::PlayReady {
                object: self.playready_object.clone(),
                pssh: self.playready_pssh.clone(),
            }),
            scheme: protection.scheme(),
            widevine_pssh: Some(self.widevine_pssh.clone()),
        }
    }

    /// The key tags of a playlist.
    pub(crate) fn hls(&self, protection: Protection) -> Vec<Key> {
        let kid = protection.kid();
        let (method, fair_play) = match protection {
            Protection::Cbcs { iv, .. } => (Method::SampleAes { iv }, Some(KeySystem::FairPlay)),
            Protection::Cenc { .. } => (Method::SampleAesCtr, None),
        };
        let systems = [
            KeySystem::Widevine { pssh: self.widevine_pssh.clone() },
            KeySystem::PlayReady { object: self.playready_object.clone() },
            KeySystem::ClearKey,
        ];
        let systems = fair_play.into_iter().chain(systems);
        systems.map(|system| Key { kid, method, system }).collect()
    }
}

/// The systems that are signalled under a scheme.
pub(crate) fn systems(scheme: Scheme) -> Vec<&'static str> {
    match scheme {
        Scheme::Cbcs => vec!["clearkey", "fairplay", "playready", "widevine"],
        Scheme::Cenc => vec!["clearkey", "playready", "widevine"],
    }
}
