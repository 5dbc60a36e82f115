//! What a device and its outputs must be, in each DRM system's own scale.
//!
//! The scales of the systems cannot be compared with each other, so each has its own words
//! here. A term is not translated from one system into another in this crate: the format
//! that does so says so.

use portcullis_base::json::Value;

use crate::{
    json::Term,
    macros::{layer, words},
};

layer! {
    /// What each DRM system asks of device and outputs for one track.
    Output {
        /// For Widevine.
        widevine: WidevineOutput,
        /// For PlayReady.
        playready: PlayReadyOutput,
        /// For FairPlay.
        fairplay: FairPlayOutput,
        /// For NCG.
        ncg: NcgOutput,
        /// For WisePlay.
        wiseplay: WisePlayOutput,
    }
}

impl Output {
    /// The terms as JSON, as they stand in [`Terms::to_json`](crate::Terms::to_json).
    #[must_use]
    pub fn to_json(&self) -> Value {
        Term::to_json(self)
    }

    /// These terms with those of `over` in front, member by member of each system.
    #[must_use]
    pub fn merge(&self, over: &Self) -> Self {
        fn each<T: Clone>(
            below: Option<&T>,
            over: Option<&T>,
            join: impl Fn(&T, &T) -> T,
        ) -> Option<T> {
            match (below, over) {
                (Some(below), Some(over)) => Some(join(below, over)),
                (below, over) => over.or(below).cloned(),
            }
        }
        let (a, b) = (self, over);
        Self {
            widevine: each(a.widevine.as_ref(), b.widevine.as_ref(), WidevineOutput::overlay),
            playready: each(a.playready.as_ref(), b.playready.as_ref(), PlayReadyOutput::overlay),
            fairplay: each(a.fairplay.as_ref(), b.fairplay.as_ref(), FairPlayOutput::overlay),
            ncg: each(a.ncg.as_ref(), b.ncg.as_ref(), NcgOutput::overlay),
            wiseplay: each(a.wiseplay.as_ref(), b.wiseplay.as_ref(), WisePlayOutput::overlay),
        }
    }
}

words! {
    /// How well Widevine decrypts and decodes, from the weakest to the strongest.
    WidevineLevel {
        /// Level 1: decryption in obfuscated software.
        SwSecureCrypto = "SW_SECURE_CRYPTO",
        /// Level 2: decoding in obfuscated software, too.
        SwSecureDecode = "SW_SECURE_DECODE",
        /// Level 3: decryption in a trusted environment.
        HwSecureCrypto = "HW_SECURE_CRYPTO",
        /// Level 4: decoding in a trusted environment, too.
        HwSecureDecode = "HW_SECURE_DECODE",
        /// Level 5: everything between network and screen in a trusted environment.
        HwSecureAll = "HW_SECURE_ALL",
    }
}

impl WidevineLevel {
    /// The level as a number from 1 to 5.
    #[must_use]
    pub const fn number(self) -> u64 {
        match self {
            Self::SwSecureCrypto => 1,
            Self::SwSecureDecode => 2,
            Self::HwSecureCrypto => 3,
            Self::HwSecureDecode => 4,
            Self::HwSecureAll => 5,
        }
    }

    /// The level of a number from 1 to 5.
    #[must_use]
    pub fn from_number(number: u64) -> Option<Self> {
        Self::ALL.iter().copied().find(|level| level.number() == number)
    }
}

words! {
    /// The HDCP version Widevine asks of a digital output.
    WidevineHdcp {
        /// None.
        None = "HDCP_NONE",
        /// Version 1.
        V1 = "HDCP_V1",
        /// Version 2.0.
        V2 = "HDCP_V2",
        /// Version 2.1.
        V2_1 = "HDCP_V2_1",
        /// Version 2.2.
        V2_2 = "HDCP_V2_2",
        /// Version 2.3.
        V2_3 = "HDCP_V2_3",
        /// No digital output at all.
        NoDigitalOutput = "HDCP_NO_DIGITAL_OUTPUT",
    }
}

words! {
    /// What an analog output may have recorded.
    Cgms {
        /// Not marked.
        None = "CGMS_NONE",
        /// Copies are free.
        CopyFree = "COPY_FREE",
        /// One copy.
        CopyOnce = "COPY_ONCE",
        /// No copy.
        CopyNever = "COPY_NEVER",
    }
}

words! {
    /// Which list of revoked outputs counts.
    HdcpSrmRule {
        /// None.
        None = "HDCP_SRM_RULE_NONE",
        /// The current one.
        Current = "CURRENT_SRM",
    }
}

layer! {
    /// What Widevine asks.
    WidevineOutput {
        /// How well it decrypts and decodes.
        security_level: WidevineLevel,
        /// HDCP at digital outputs.
        hdcp: WidevineHdcp,
        /// Copy marks at analog outputs.
        cgms: Cgms,
        /// Whether analog outputs stay dark.
        disable_analog: bool,
        /// Which list of revoked outputs counts.
        hdcp_srm: HdcpSrmRule,
        /// Whether devices on Google's list of revoked ones are served.
        override_device_revocation: bool,
        /// Whether test devices are served.
        allow_test_device: bool,
        /// Whether the license is ciphered once more for the vendor's own client.
        license_cipher: bool,
        /// The least state of verified media path, in the license server's word.
        min_vmp: String,
        /// Whether platforms without a verified media path are served.
        allow_non_vmp: bool,
        /// Whether platforms known to be tampered with are served.
        allow_tampered: bool,
    }
}

layer! {
    /// What PlayReady asks.
    PlayReadyOutput {
        /// The least security level: 150, 2000 or 3000.
        security_level: u32,
        /// Output protection of compressed digital video: 100, 250, 270, 300, 301, 400, 500.
        compressed_video: u32,
        /// Output protection of uncompressed digital video.
        uncompressed_video: u32,
        /// Output protection of analog video: 100, 150, 200, 201.
        analog_video: u32,
        /// Output protection of compressed digital audio: 100, 150, 200, 250, 300, 301.
        compressed_audio: u32,
        /// Output protection of uncompressed digital audio.
        uncompressed_audio: u32,
        /// Whether HDCP means version 2.2 and above wherever it is asked for.
        hdcp_type_1: bool,
        /// Whether the license is ciphered once more for the vendor's own client.
        license_cipher: bool,
        /// The source the content comes from.
        source_id: u32,
        /// Ids of players that count as enabled.
        play_enablers: Vec<String>,
        /// Further restrictions of analog video outputs.
        analog_restrictions: Vec<Restriction>,
        /// Further restrictions of digital video outputs.
        digital_restrictions: Vec<Restriction>,
    }
}

layer! {
    /// A further output restriction of PlayReady.
    Restriction {
        /// Its id, a GUID.
        id: String,
        /// Its configuration, as text.
        config: String,
    }
}

words! {
    /// The HDCP FairPlay asks of a digital output.
    FairPlayHdcp {
        /// None.
        None = "none",
        /// Any version.
        Type0 = "type_0",
        /// Version 2.2 and above.
        Type1 = "type_1",
    }
}

layer! {
    /// What FairPlay asks.
    FairPlayOutput {
        /// HDCP at digital outputs.
        hdcp: FairPlayHdcp,
        /// Whether the picture may be sent by AirPlay.
        allow_airplay: bool,
        /// Whether it may pass Apple's digital AV adapter.
        allow_av_adapter: bool,
    }
}

words! {
    /// What NCG and WisePlay ask of a digital output.
    OutputControl {
        /// Nothing.
        Free = "free",
        /// HDCP 1.4 and above.
        Hdcp1 = "hdcp_1",
        /// HDCP 2.2 and above.
        Hdcp2 = "hdcp_2",
        /// The output stays dark.
        Forbidden = "forbidden",
    }
}

layer! {
    /// What NCG asks.
    NcgOutput {
        /// Whether rooted devices are served.
        allow_abnormal_device: bool,
        /// Whether an external display may be used.
        allow_external_display: bool,
        /// HDCP at digital outputs; `forbidden` does not exist here.
        hdcp: OutputControl,
    }
}

/// The security level WisePlay asks: 1 software, 2 hardware, 3 enhanced hardware.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct WisePlayLevel(u8);

impl WisePlayLevel {
    /// The level of a number from 1 to 3.
    #[must_use]
    pub const fn from_number(number: u64) -> Option<Self> {
        match number {
            1 => Some(Self(1)),
            2 => Some(Self(2)),
            3 => Some(Self(3)),
            _ => None,
        }
    }

    /// The number, from 1 to 3.
    #[must_use]
    pub fn number(self) -> u64 {
        self.0.into()
    }
}

impl Term for WisePlayLevel {
    const EXPECTED: &'static str = "1, 2 or 3";

    fn to_json(&self) -> Value {
        self.number().into()
    }

    fn from_json(value: &Value) -> Option<Self> {
        Self::from_number(value.as_number()?.as_u64()?)
    }
}

layer! {
    /// What WisePlay asks.
    WisePlayOutput {
        /// The least security level.
        security_level: WisePlayLevel,
        /// HDCP at digital outputs.
        output: OutputControl,
    }
}
