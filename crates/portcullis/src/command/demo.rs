//! `portcullis demo`: packages a film, serves it, and shows every step in a page.

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use portcullis_server::{
    demo::{self, Film, PrepareError, Prepared, Progress},
    packaging::PackagingError,
    serve, telemetry,
};

use super::{open, progress::Bar, serve::stop_signal};
use crate::{
    arguments::DemoArguments,
    report::{self, Done, Stop},
};

pub(super) fn run(arguments: DemoArguments) -> Done {
    serve::forbid_core_dumps();
    let folder = Folder::new(arguments.data.as_deref())?;
    open::block_on(show(&folder, arguments))?
}

async fn show(folder: &Folder, arguments: DemoArguments) -> Done {
    let film = film(folder, &arguments.input)?;
    // Packaging keeps its thread busy, so the signal is waited for on another one.
    let path = folder.temporary.then(|| folder.path.clone());
    let interrupted = tokio::spawn(async move {
        stop_signal().await;
        if let Some(path) = path {
            let _ = fs::remove_dir_all(path);
        }
        std::process::exit(0);
    });
    let prepared = prepare(folder, &film, &arguments).await;
    interrupted.abort();
    let prepared = prepared?;
    let Prepared { config, demo, .. } = prepared;
    telemetry::start(&config.log);
    let started = |bound: &serve::Bound| {
        report::data(format_args!("open http://{} in a browser", bound.public));
        report::talk("Ctrl-C ends the demo");
    };
    serve(config, Some(demo), started, stop_signal())
        .await
        .map_err(|error| super::serve::stop_of(&error))?;
    Ok(ExitCode::SUCCESS)
}

async fn prepare(
    folder: &Folder,
    film: &Film,
    arguments: &DemoArguments,
) -> Result<Prepared, Stop> {
    report::talk("packaging the film, twice: for DASH with cenc, for HLS with cbcs");
    let bar = Bar::new("");
    let mut tell = |progress: Progress<'_>| {
        let Progress::Packaging { content, scheme, at } = progress;
        bar.name(&format!("{content} {scheme}"));
        bar.show(at);
    };
    let prepared = demo::prepare(&folder.path, film, arguments.listen, &mut tell).await;
    bar.end();
    prepared.map_err(|error| match &error {
        PrepareError::Config(_) => Stop::usage(&error),
        PrepareError::Packaging(PackagingError::Package(cause)) => {
            Stop::with_code(cause.code.exit_code(), cause)
        }
        PrepareError::Store(cause) => open::stop_of(cause),
        _ => Stop::with_code(1, &error),
    })
}

/// The film to show: the operator's own, or ours, written into the folder.
fn film(folder: &Folder, inputs: &[PathBuf]) -> Result<Film, Stop> {
    if let Some(first) = inputs.first() {
        let title = first.file_stem().map(|stem| stem.to_string_lossy().into_owned());
        return Ok(Film { title: title.unwrap_or_default(), inputs: inputs.to_vec() });
    }
    let sources = folder.path.join("film");
    fs::create_dir_all(&sources).map_err(Stop::failure)?;
    let mut inputs = Vec::new();
    for (name, bytes) in CLIP {
        let path = sources.join(name);
        fs::write(&path, bytes).map_err(Stop::failure)?;
        inputs.push(path);
    }
    Ok(Film { title: "The Gate".to_owned(), inputs })
}

/// The demo's folder; removed at the end unless the operator named it.
struct Folder {
    path: PathBuf,
    temporary: bool,
}

impl Folder {
    fn new(data: Option<&Path>) -> Result<Self, Stop> {
        if let Some(path) = data {
            fs::create_dir_all(path).map_err(|error| {
                Stop::usage(format_args!("cannot make `{}`: {error}", path.display()))
            })?;
            return Ok(Self { path: path.to_owned(), temporary: false });
        }
        let name = format!("portcullis-demo-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path).map_err(|error| {
            Stop::usage(format_args!("cannot make `{}`: {error}", path.display()))
        })?;
        Ok(Self { path, temporary: true })
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if self.temporary {
            let _ = fs::remove_dir_all(&self.path);
        }
    }
}

const CLIP: [(&str, &[u8]); 4] = [
    ("film-360p.mp4", include_bytes!("../../../../demo/film-360p.mp4")),
    ("film-720p.mp4", include_bytes!("../../../../demo/film-720p.mp4")),
    ("film-eng.mp4", include_bytes!("../../../../demo/film-eng.mp4")),
    ("film-deu.mp4", include_bytes!("../../../../demo/film-deu.mp4")),
];
