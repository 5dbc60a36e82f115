//! Every token format: parse, verify, issue.
//!
//! A token is text from outside until its `verify` has checked signature, lifetime and kind;
//! what comes out is a [`Verified`], which nothing else can make. This crate does not know
//! what a token may open, what time it is, or what a request looks like: the caller says.
//!
//! | module | format |
//! |---|---|
//! | [`edge`] | Akamai-style access (`hdnts`) and session (`hdntl`) tokens |
//! | [`jwt`] | JSON Web Tokens |
//! | [`ams`] | Azure Media Services tokens under a token restriction, JWT and SWT |
//! | [`axinom`] | Axinom license service messages with entitlement messages |
//! | [`drmtoday`] | castLabs DRMtoday upfront authorization tokens |
//! | [`insys`] | Insys drm.cloud user tokens |
//! | [`native`] | our own playback tokens, which carry terms |
//! | [`jwks`] | the keys of their issuers |
//! | [`cat`] | Common Access Tokens (CTA-5007) |
//! | [`uri_signing`] | URI Signing of RFC 9246 |
//! | [`media_cdn`] | Google Media CDN's dual tokens |
//! | [`cookie`] | random cookie tokens, stored by their digest |
//! | [`cloudfront`] | Amazon CloudFront's signed URLs and cookies |
//! | [`url_hash`] | hashes in URLs: nginx, Fastly, Cloudflare, Bunny, AWS Secure Media Delivery |
//! | [`pallycon`] | PallyCon license tokens |
//! | [`api_key`] | our own keys for machines |
//! | [`bearer`], [`fault`], [`identity`], [`lifetime`] | what the formats share |
//! | [`claims`] | what a token says, in words common to all |
//! | [`format`](mod@format) | every family behind one face, learned at run time |

#![cfg_attr(not(test), deny(clippy::indexing_slicing))]

pub mod ams;
pub mod api_key;
pub mod axinom;
pub mod bearer;
pub mod cat;
pub mod claims;
pub mod cloudfront;
pub mod cookie;
pub mod drmtoday;
pub mod edge;
pub mod fault;
pub mod format;
pub mod identity;
pub mod insys;
pub mod jwks;
mod jws;
pub mod jwt;
pub mod lifetime;
pub mod media_cdn;
mod members;
pub mod native;
pub mod pallycon;
mod token_key;
mod uri;
pub mod uri_signing;
pub mod url_hash;
mod verified;
mod watch;

pub use token_key::{MacAlgorithm, TokenKey};
pub use verified::Verified;
pub use watch::{Check, Outcome};
