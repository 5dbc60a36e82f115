//! `portcullis config`: prints or checks a configuration; changes nothing.

use std::process::ExitCode;

use portcullis_server::config;

use crate::{
    arguments::ConfigCommand,
    report::{self, Done, Stop},
};

pub(super) fn run(command: ConfigCommand) -> Done {
    match command {
        ConfigCommand::Default => report::data(config::default().trim_end()),
        ConfigCommand::Reference => report::data(config::reference().trim_end()),
        ConfigCommand::Check { config: file } => {
            let config = config::load(&file.config).map_err(Stop::usage)?;
            for warning in &config.warnings {
                report::talk(format_args!("warning: {warning}"));
            }
            report::data(format_args!("{} is fine", file.config.display()));
        }
    }
    Ok(ExitCode::SUCCESS)
}
