//! The checked settings of calls this server makes itself, and of the keys it fetches.
//!
//! The certificates are read here, once; which address may be called is decided for every
//! call, in `outbound/`.

use std::time::Duration;

use portcullis_base::Cidr;
use rustls::pki_types::{CertificateDer, pem::PemObject as _};

use super::{
    checked::Check,
    raw::{RawJwks, RawOutbound},
    secrets::{self, Readers},
};

/// How the keys of issuers are kept fresh.
#[derive(Clone, Copy, Debug)]
pub struct Jwks {
    /// How long until a key set is fetched again.
    pub refresh: Duration,
    /// How long the last good one is used.
    pub max_stale: Duration,
}

/// What calls to others may reach.
#[derive(Clone, Debug)]
pub struct Outbound {
    /// Certificates to trust besides the usual authorities.
    pub authorities: Vec<CertificateDer<'static>>,
    /// Time for a whole call.
    pub timeout: Duration,
    /// Ranges that may be called although they are not public.
    pub private_networks: Vec<Cidr>,
    /// Whether TLS may be left out.
    pub plain_http: PlainHttp,
}

/// Whether TLS may be left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlainHttp {
    /// Never.
    Refused,
    /// Between programs on this machine.
    ThisMachine,
}

impl Check<'_> {
    pub(super) fn jwks(&mut self, raw: &RawJwks) -> Jwks {
        Jwks {
            refresh: self.seconds("jwks.refresh_s", raw.refresh_s, 60..=86_400),
            max_stale: self.seconds("jwks.max_stale_s", raw.max_stale_s, 60..=604_800),
        }
    }

    pub(super) fn outbound(&mut self, raw: &RawOutbound) -> Outbound {
        let private_networks = self
            .ranges("outbound.danger_allow_private_networks", &raw.danger_allow_private_networks);
        if !raw.danger_allow_private_networks.is_empty() {
            self.warnings.push(
                "outbound.danger_allow_private_networks: calls to issuers can reach these \
                 networks"
                    .into(),
            );
        }
        if raw.danger_allow_plain_http {
            self.warnings.push(
                "outbound.danger_allow_plain_http: keys may come from this machine over plain \
                 HTTP"
                    .into(),
            );
        }
        Outbound {
            authorities: raw
                .ca_file
                .as_deref()
                .map(|file| self.authorities(file))
                .unwrap_or_default(),
            timeout: self.millis("outbound.timeout_ms", raw.timeout_ms),
            private_networks,
            plain_http: match raw.danger_allow_plain_http {
                true => PlainHttp::ThisMachine,
                false => PlainHttp::Refused,
            },
        }
    }

    fn authorities(&mut self, file: &str) -> Vec<CertificateDer<'static>> {
        let read = secrets::from_file(&self.base.join(file), Readers::Anybody);
        let read = read.and_then(|text| {
            let certificates: Result<Vec<_>, _> =
                CertificateDer::pem_slice_iter(text.expose()).collect();
            match certificates {
                Ok(certificates) if !certificates.is_empty() => Ok(certificates),
                _ => Err(format!("`{file}` holds no certificates in PEM")),
            }
        });
        read.map_err(|problem| self.problems.add("outbound.ca_file", &problem, ""))
            .unwrap_or_default()
    }
}
