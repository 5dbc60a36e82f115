//! The facts fit together: the key policy is the one the content names.
//!
//! A slip in loading must not lend one content the milder policy of another.

use crate::{
    Reason, Rule,
    decision::Step,
    model::{Content, KeyPolicy},
};

pub(crate) fn check(content: &Content, key_policy: &KeyPolicy) -> Step {
    if content.key_policy == key_policy.name {
        Step::allow(Rule::Content, format!("`{}` under `{}`", content.id, key_policy.name))
    } else {
        let (wanted, loaded) = (&content.key_policy, &key_policy.name);
        let detail = format!("the key policy is `{wanted}`, but `{loaded}` was loaded");
        Step::refuse(Rule::Content, Reason::RuleUnavailable, detail)
    }
}
