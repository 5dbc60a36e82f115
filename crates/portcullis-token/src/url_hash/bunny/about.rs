//! What a Bunny token takes and says.

use crate::format::{About, Need, Param, ParamKind};

const fn says(name: &'static str, kind: ParamKind, need: Need, help: &'static str) -> Param {
    Param { name, kind, need, help }
}

pub(super) static ABOUT: About = About {
    name: "bunny",
    title: "Bunny token authentication, second version: HMAC-SHA-256 over path and parameters",
    source: "BunnyWay/BunnyCDN.TokenAuthentication",
    keys: &[
        says("key", ParamKind::Secret, Need::Required, "the pull zone's security key, as text"),
        says(
            "limit_elsewhere",
            ParamKind::Flag,
            Need::Optional,
            "accepts a speed limit, which is not enforced here",
        ),
        says(
            "lifetime_max",
            ParamKind::Span,
            Need::Optional,
            "how far away the end may be; any time if absent",
        ),
    ],
    says: &[
        says(
            "uri",
            ParamKind::Text,
            Need::Required,
            "the path as it will be sent, with its query if it has one",
        ),
        says("expires", ParamKind::Time, Need::Required, "from when it may no longer be used"),
        says("user_ip", ParamKind::Text, Need::Optional, "the only address, IPv6 as a /64"),
        says("token_path", ParamKind::Text, Need::Optional, "everything below this path"),
        says("token_countries", ParamKind::Text, Need::Optional, "the only countries: `CA,US`"),
        says("token_countries_blocked", ParamKind::Text, Need::Optional, "countries shut out"),
        says(
            "token_ignore_params",
            ParamKind::Flag,
            Need::Optional,
            "leaves the URL's own parameters unsigned, so that any may be added",
        ),
        says("limit", ParamKind::Number, Need::Optional, "the greatest speed, in kB/s"),
        says(
            "directory",
            ParamKind::Flag,
            Need::Optional,
            "puts the token in front of the path, so that relative URLs inherit it",
        ),
    ],
    token: "the whole query (`token=HS256-…&expires=…`), the component `bcdn_token=…`, or the \
            whole URL",
    weaknesses: &[
        "the parts of what is signed stand side by side: an end of more than ten digits and an \
         escaped `&` in a parameter are refused",
        "whether a token is bound to an address is not signed: the four bytes of an IPv4 address \
         may pass for the beginning of a parameter's name; names that end like a rule's are \
         refused, and who binds addresses signs no parameters of his own",
        "Bunny lets the path `/a` cover `/ab`; here a prefix ends where a segment does",
        "a speed limit is refused unless `limit_elsewhere` is set",
    ],
};
