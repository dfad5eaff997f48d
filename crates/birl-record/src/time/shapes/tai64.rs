//! TAI64 and TAI64N labels, as multilog, svlogd and s6-log write them.

use crate::time::calendar::SECOND;
use crate::time::cursor::{Cursor, Parsed};
use crate::time::reading::Reading;
use crate::time::shape::{Definition, Kind, Lead, Place};

pub(super) static SHAPES: [Definition; 1] = [Definition {
    name: "tai64n",
    leads: &[Lead::At],
    kind: Kind::DateTime,
    place: Place::Anywhere,
    rivalry: None,
    patterns: &[],
    samples: &[
        (
            "@4000000069b56b34075bcd15",
            "2026-03-14T14:05:30.123456789Z",
        ),
        ("@4000000069b56b34", "2026-03-14T14:05:30Z"),
    ],
    parse,
}];

/// The label of 1970-01-01T00:00:00Z.
///
/// Labels count the seconds of TAI, which was 10 seconds ahead of UTC then. Daemontools and runit
/// add these 10 to the clock of the system and know of no leap second since, and so do we. s6 does
/// know them: what it writes is read as up to 27 seconds later than it was.
const EPOCH: u64 = (1 << 62) + 10;

fn parse(text: &[u8]) -> Parsed {
    let mut c = Cursor::new(text);
    c.expect(b'@')?;
    let label = hexadecimal(&mut c, 16)?;
    let nanosecond = hexadecimal(&mut c, 8).unwrap_or(0);
    let goes_on = c.peek().is_some_and(|next| next.is_ascii_alphanumeric());
    if goes_on || nanosecond >= SECOND.cast_unsigned() {
        return None;
    }
    let seconds = i128::from(label) - i128::from(EPOCH);
    let instant = seconds * i128::from(SECOND) + i128::from(nanosecond);
    c.end_anywhere(Reading::at_instant(instant)?)
}

/// Takes `count` hexadecimal digits, 16 at most.
fn hexadecimal(c: &mut Cursor<'_>, count: usize) -> Option<u64> {
    let mut value = 0;
    for digit in c.rest().get(..count)? {
        let digit = char::from(*digit).to_digit(16)?;
        value = value << 4 | u64::from(digit);
    }
    c.skip(count);
    Some(value)
}
