//! What a rights token asks of outputs: `outputProtection` and `op.config`.
//!
//! `outputProtection` speaks of all systems at once. Only what is to be enforced is a term
//! here; what is wished for and need not hold is kept beside the terms. `op` is known from
//! integrators only, so its unknown members are refused.

use portcullis_base::{
    TrackClass,
    json::{Object, Value},
};
use portcullis_terms::{
    Terms, Tracks,
    output::{
        Cgms, FairPlayHdcp, FairPlayOutput, Output, PlayReadyOutput, WidevineHdcp, WidevineOutput,
    },
};

use crate::{fault::Fault, members::Members};

pub(super) fn protection(
    crt: Members<'_>,
    terms: &mut Terms,
    other: &mut Object,
) -> Result<(), Fault> {
    let Some(asked) = crt.object("outputProtection", "crt.outputProtection")? else {
        return Ok(());
    };
    asked.only(&["analogue", "digital", "enforce"])?;
    let (digital, analogue) = (asked.flag("digital")?, asked.flag("analogue")?);
    if asked.flag("enforce")? != Some(true) {
        let said = crt.get("outputProtection").cloned();
        other.extend(said.map(|said| ("outputProtection".to_owned(), said)));
        return Ok(());
    }
    let mut output = Output::default();
    if digital == Some(true) {
        output = with_hdcp(Every, WidevineHdcp::V1, output);
    }
    if analogue == Some(true) {
        let widevine = output.widevine.take().unwrap_or_default();
        output.widevine = Some(WidevineOutput { cgms: Some(Cgms::CopyNever), ..widevine });
        let playready = output.playready.take().unwrap_or_default();
        output.playready = Some(PlayReadyOutput { analog_video: Some(200), ..playready });
    }
    if !output.is_unsaid() {
        terms.outputs.insert(Tracks::All, output);
    }
    Ok(())
}

pub(super) fn configured(crt: Members<'_>, terms: &mut Terms) -> Result<(), Fault> {
    let Some(op) = crt.object("op", "crt.op")? else { return Ok(()) };
    op.only(&["config"])?;
    let Some(config) = op.object("config", CONFIG)? else { return Ok(()) };
    config.only(&["AUDIO", "HD", "SD", "UHD"])?;
    let classes: [(&str, &[TrackClass]); 4] = [
        ("AUDIO", &[TrackClass::Audio]),
        ("HD", &[TrackClass::Hd]),
        ("SD", &[TrackClass::Sd]),
        ("UHD", &[TrackClass::Uhd1, TrackClass::Uhd2]),
    ];
    for (name, classes) in classes {
        let Some(class) = config.object(name, CONFIG)? else { continue };
        let output = for_class(class)?;
        for class in classes {
            terms.outputs.insert(Tracks::Class(*class), output.clone());
        }
    }
    Ok(())
}

fn for_class(class: Members<'_>) -> Result<Output, Fault> {
    class.only(&["*", "FairPlayM", "PlayReadyM", "WidevineM"])?;
    let mut output = Output::default();
    // What is said for every system comes first, so that a system's own word wins.
    for system in [Every, FairPlayM, PlayReadyM, WidevineM] {
        let Some(asked) = class.object(system.name(), CONFIG)? else { continue };
        asked.only(&["allowRevokedDevice", "requireHDCP"])?;
        let hdcp = |value: &Value| WidevineHdcp::from_word(value.as_str()?);
        if let Some(hdcp) = asked.read("requireHDCP", "an HDCP version such as `HDCP_V2`", hdcp)? {
            // The other systems have no word for it, and a weaker one would let pictures out.
            if hdcp == WidevineHdcp::NoDigitalOutput && system != WidevineM {
                return Err(Fault::Unsupported { what: hdcp.to_string() });
            }
            output = with_hdcp(system, hdcp, output);
        }
        if let Some(revoked) = asked.flag("allowRevokedDevice")? {
            if system != WidevineM && revoked {
                return Err(Fault::Unsupported { what: "allowRevokedDevice".to_owned() });
            }
            let widevine = output.widevine.take().unwrap_or_default();
            output.widevine =
                Some(WidevineOutput { override_device_revocation: Some(revoked), ..widevine });
        }
    }
    Ok(output)
}

/// The systems an entry speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Systems {
    Every,
    FairPlayM,
    PlayReadyM,
    WidevineM,
}

use Systems::{Every, FairPlayM, PlayReadyM, WidevineM};

impl Systems {
    const fn name(self) -> &'static str {
        match self {
            Every => "*",
            FairPlayM => "FairPlayM",
            PlayReadyM => "PlayReadyM",
            WidevineM => "WidevineM",
        }
    }

    fn speaks_of(self, system: Self) -> bool {
        self == Every || self == system
    }
}

/// Asks for HDCP in each system's own scale.
fn with_hdcp(systems: Systems, hdcp: WidevineHdcp, output: Output) -> Output {
    let mut asked = Output::default();
    if systems.speaks_of(WidevineM) {
        asked.widevine = Some(WidevineOutput { hdcp: Some(hdcp), ..WidevineOutput::default() });
    }
    if systems.speaks_of(FairPlayM) {
        let hdcp = match hdcp {
            WidevineHdcp::None => FairPlayHdcp::None,
            WidevineHdcp::V1 => FairPlayHdcp::Type0,
            _ => FairPlayHdcp::Type1,
        };
        asked.fairplay = Some(FairPlayOutput { hdcp: Some(hdcp), ..FairPlayOutput::default() });
    }
    if systems.speaks_of(PlayReadyM) {
        // 300 asks for HDCP, 100 for nothing.
        let (level, type_1) = match hdcp {
            WidevineHdcp::None => (100, false),
            WidevineHdcp::V1 => (300, false),
            _ => (300, true),
        };
        asked.playready = Some(PlayReadyOutput {
            uncompressed_video: Some(level),
            hdcp_type_1: type_1.then_some(true),
            ..PlayReadyOutput::default()
        });
    }
    output.merge(&asked)
}

const CONFIG: &str = "crt.op.config";
