//! What is derived from the root is what other implementations derive.

use portcullis_keys::root::Label;

use crate::support::root;

// SPEC: RFC 5869 with SHA-256; the values were computed apart from this implementation.
#[test]
fn every_label_derives_its_known_answer() {
    for (label, expected) in [
        (Label::ApiKeyPepper, "c5c1a55473d737d3ae0d5604e6fd98a45a7d851a5f68bf348f2c0b7a5a45d64e"),
        (Label::AuditMac, "d6ea7efc253c8d81bb506116ccbba3f1f6007915adbc5e657d3afccf634d3058"),
        (Label::ConsoleSession, "3cb4becccc0e9e5b808cddb31889ba95fa0d540668cbf703003e46577db515d5"),
        (Label::KekWrap, "5594e1bec7804fa464e21ac822d700db946cc1b4d5b57813a13ca01857dcbf48"),
        (Label::Pseudonym, "0017fc654a5577664145f62702edf0ac3b972e3861a1d09345dac7a135c57486"),
        (Label::ReplayDigest, "030035c41188d4dcae3fa2b3283b28f9f7157b47d5ec73edee4d3101a6073090"),
    ] {
        assert_eq!(hex::encode(root().derive(label).expose()), expected, "{label:?}");
    }
    assert_eq!(Label::ALL.len(), 6);
}

#[test]
fn the_check_value_is_the_known_one() {
    assert_eq!(hex::encode(root().check()), "f23847ce6f9524a2");
    assert_eq!(root().key_id(), "f23847ce6f9524a2");
}
