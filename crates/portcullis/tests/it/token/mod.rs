//! `portcullis token`: every family issued, verified, explained and converted by the built
//! program, along the examples its own help gives.

mod batch;
mod convert;
mod desk;
mod examples;
mod families;
mod page;
mod secrets;

use desk::Desk;
