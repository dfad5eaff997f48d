//! Where in a line a timestamp can begin.

/// Whether a timestamp can begin at `at`: not within a word, a number, a path or a version.
pub(super) fn begins(line: &[u8], at: usize) -> bool {
    let first = line[at];
    if !first.is_ascii_alphanumeric() && first.is_ascii() && first != b'@' {
        return false;
    }
    let Some((&previous, before)) = line[..at].split_last() else {
        return true;
    };
    match previous {
        // As in `192.168.2026`, `app-2026`, `v1_2026` and `logs/2026`, but not as in ` - 2026`.
        b'.' | b'-' | b'_' | b'/' | b'+' | b'\\' | b'%' | b'$' => before
            .last()
            .is_none_or(|byte| byte.is_ascii_whitespace() || is_bracket(*byte)),
        // As in `10:20`, but not as in `INFO:2026` or `INFO::2026-03-14`.
        b':' => match before.last() {
            Some(b':') => first.is_ascii_digit(),
            Some(byte) => byte.is_ascii_alphabetic() || is_bracket(*byte),
            None => false,
        },
        previous if previous.is_ascii_digit() => false,
        previous if previous.is_ascii_alphabetic() => {
            is_severity(line, at) || ends_escape(&line[..at])
        }
        // A byte order mark, or punctuation beyond ASCII; but a word does not begin within one.
        previous if !previous.is_ascii() => first.is_ascii_digit(),
        _ => true,
    }
}

/// Whether what stands at `at` is the first of the line, but for brackets and space.
pub(super) fn is_first(line: &[u8], at: usize) -> bool {
    let is_skipped = |byte: &u8| byte.is_ascii_whitespace() || b"[(<{\"'*".contains(byte);
    line[..at].iter().all(is_skipped)
}

fn is_bracket(byte: u8) -> bool {
    b"[](){}<>\"'`|".contains(&byte)
}

/// Whether a letter stands before `at` that is a level, as glog writes it: `I0314 14:05:30`,
/// `I20260314 14:05:30`.
fn is_severity(line: &[u8], at: usize) -> bool {
    let (before, text) = line.split_at(at);
    let is_level = match before {
        [level] => level.is_ascii_uppercase(),
        [.., space, level] => level.is_ascii_uppercase() && !space.is_ascii_alphanumeric(),
        [] => false,
    };
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    is_level && matches!(digits, 4 | 8) && text.get(digits) == Some(&b' ')
}

/// Whether `before` ends in an escape sequence that sets a colour.
fn ends_escape(before: &[u8]) -> bool {
    let Some(parameters) = before.strip_suffix(b"m") else {
        return false;
    };
    let is_parameter = |byte: &&u8| byte.is_ascii_digit() || **byte == b';';
    let len = parameters.iter().rev().take_while(is_parameter).count();
    parameters[..parameters.len() - len].ends_with(b"\x1b[")
}
