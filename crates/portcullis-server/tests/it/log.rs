//! Everything the process logged, as the JSON lines an operator gets.

use std::{
    io,
    sync::{Mutex, Once},
};

use portcullis_base::json::{self, Limits, Object, Value};

static LINES: Mutex<Vec<u8>> = Mutex::new(Vec::new());
static STARTED: Once = Once::new();

struct Keep;

impl io::Write for Keep {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LINES.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Keeps what is logged from now on, our own down to `trace`.
pub(crate) fn keep() {
    STARTED.call_once(|| {
        let subscriber = tracing_subscriber::fmt()
            .json()
            .flatten_event(true)
            .with_max_level(tracing::Level::TRACE)
            .with_writer(|| Keep)
            .finish();
        tracing::subscriber::set_global_default(subscriber).unwrap();
    });
}

/// All of it.
pub(crate) fn text() -> String {
    String::from_utf8(LINES.lock().unwrap().clone()).unwrap()
}

/// The outcome records of one request.
pub(crate) fn records_of(request_id: &str) -> Vec<Object> {
    let found = records().into_iter().filter(|record| text_of(record, "request.id") == request_id);
    found.collect()
}

/// All outcome records.
pub(crate) fn records() -> Vec<Object> {
    let text = text();
    let lines = text.lines().filter_map(|line| json::parse(line.as_bytes(), &Limits::BODY).ok());
    let objects = lines.filter_map(|line| line.as_object().cloned());
    objects.filter(|line| line.get("message") == Some(&Value::from("request"))).collect()
}

/// A field as text; empty when it is not there.
pub(crate) fn text_of(record: &Object, field: &str) -> String {
    match record.get(field) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => number.as_str().to_owned(),
        _ => String::new(),
    }
}
