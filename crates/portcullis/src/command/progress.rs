//! A progress bar on standard error; nothing when that is not a terminal.

use indicatif::{ProgressBar, ProgressStyle};
use portcullis_packager::Progress;

pub(super) struct Bar(ProgressBar);

impl Bar {
    pub(super) fn new(what: &str) -> Self {
        let bar = ProgressBar::new(0);
        let style = "{msg} {bar:30} {bytes}/{total_bytes} {bytes_per_sec} {eta}";
        if let Ok(style) = ProgressStyle::with_template(style) {
            bar.set_style(style);
        }
        bar.set_message(what.to_owned());
        Self(bar)
    }

    pub(super) fn name(&self, what: &str) {
        self.0.set_message(what.to_owned());
    }

    pub(super) fn show(&self, at: Progress<'_>) {
        self.0.set_length(at.bytes_total);
        self.0.set_position(at.bytes_done);
    }

    pub(super) fn end(&self) {
        self.0.finish_and_clear();
    }
}
