//! Foreign bytes as a list of patterns and a path, on two lines. The matcher agrees with the
//! definition, worked out in a table.

#![no_main]

use libfuzzer_sys::fuzz_target;
use portcullis_token::edge::acl::Acl;

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Some((patterns, path)) = text.split_once('\n') else { return };
    let Ok(acl) = Acl::parse(patterns) else { return };
    let admits = acl.admits(path);
    if patterns.contains('%') || path.len() > 2048 {
        return;
    }
    let expected = patterns.split('!').any(|one| matches(one.as_bytes(), path.as_bytes()));
    assert_eq!(admits, expected, "{patterns} {path}");
});

/// `table[i]`: whether the pattern read so far matches the first `i` bytes of the path.
fn matches(pattern: &[u8], path: &[u8]) -> bool {
    let mut table = vec![false; path.len() + 1];
    table[0] = true;
    for unit in pattern {
        let before = table.clone();
        let mut reached = false;
        for place in 0..=path.len() {
            reached |= before[place];
            table[place] = match unit {
                b'*' => reached,
                b'?' => place > 0 && before[place - 1],
                byte => place > 0 && before[place - 1] && path[place - 1] == *byte,
            };
        }
    }
    table[path.len()]
}
