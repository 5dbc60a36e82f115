//! What a policy asks of device and outputs for one track, with the vendor's defaults.

use portcullis_base::TrackClass;
use portcullis_terms::{
    Terms,
    output::{
        Cgms, FairPlayHdcp, FairPlayOutput, HdcpSrmRule, NcgOutput, Output, OutputControl,
        PlayReadyOutput, WidevineHdcp, WidevineLevel, WidevineOutput, WisePlayOutput,
    },
};

/// Resolves the terms of a token for a track of `class`: the vendor's defaults, then the
/// entries for all tracks, for all video and for the class, field by field, the later in
/// front. What the guide gives no default for stays unsaid.
#[must_use]
pub fn resolve(terms: &Terms, class: TrackClass) -> Output {
    DEFAULTS.merge(&terms.output_for(class))
}

const DEFAULTS: Output = Output {
    widevine: Some(WidevineOutput {
        security_level: Some(WidevineLevel::SwSecureCrypto),
        hdcp: Some(WidevineHdcp::None),
        cgms: Some(Cgms::None),
        disable_analog: Some(false),
        hdcp_srm: Some(HdcpSrmRule::None),
        override_device_revocation: Some(false),
        allow_test_device: Some(true),
        license_cipher: Some(false),
        min_vmp: None,
        allow_non_vmp: None,
        allow_tampered: None,
    }),
    playready: Some(PlayReadyOutput {
        security_level: Some(150),
        compressed_video: Some(100),
        uncompressed_video: Some(100),
        analog_video: Some(100),
        compressed_audio: Some(100),
        uncompressed_audio: Some(100),
        hdcp_type_1: Some(false),
        license_cipher: Some(false),
        source_id: None,
        play_enablers: None,
        analog_restrictions: None,
        digital_restrictions: None,
    }),
    fairplay: Some(FairPlayOutput {
        hdcp: Some(FairPlayHdcp::None),
        allow_airplay: Some(true),
        allow_av_adapter: Some(true),
    }),
    ncg: Some(NcgOutput {
        allow_abnormal_device: Some(false),
        allow_external_display: Some(false),
        hdcp: Some(OutputControl::Free),
    }),
    wiseplay: Some(WisePlayOutput { security_level: None, output: Some(OutputControl::Free) }),
};
