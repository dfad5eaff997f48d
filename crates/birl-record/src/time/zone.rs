//! Time zones, as they stand behind a time.

use super::cursor::Cursor;
use super::reading::{Abbreviation, Zone, meaning};

/// Takes the zone that may follow a time, directly or behind a space.
///
/// `Z`, `+01:00`, `+0100`, `+01`, `UTC`, `GMT+1`, and abbreviations that are known.
#[inline]
pub(super) fn zone(c: &mut Cursor<'_>) -> Zone {
    let mut ahead = *c;
    let spaced = ahead.eat(b' ');
    let found = match ahead.peek() {
        Some(b'+' | b'-') => {
            offset(&mut ahead).filter(|_| !spaced || is_offset_behind_space(c, ahead))
        }
        Some(b'A'..=b'Z' | b'z') => name(&mut ahead),
        _ => None,
    };
    let Some(found) = found else {
        return Zone::Unsaid;
    };
    *c = ahead;
    if !spaced {
        region(c);
    }
    found
}

/// Takes an offset in minutes, as in `-300`: a sign and three digits.
pub(super) fn minutes(c: &mut Cursor<'_>) -> Option<Zone> {
    let mut ahead = *c;
    let sign = match ahead.one_of(b"+-")? {
        b'-' => -60,
        _ => 60,
    };
    let minutes = ahead.digits(3)?.cast_signed();
    if is_word(ahead) {
        return None;
    }
    *c = ahead;
    Some(Zone::Offset(sign * minutes))
}

/// Takes an abbreviation behind a space, whether it is known or not: for shapes in which nothing
/// else can stand there.
pub(super) fn any_name(c: &mut Cursor<'_>) -> Option<Zone> {
    let mut ahead = *c;
    ahead.expect(b' ')?;
    let abbreviation = Abbreviation::new(ahead.word())?;
    *c = ahead;
    Some(Zone::Named(abbreviation))
}

/// Takes a sign and hours, perhaps minutes, perhaps seconds.
#[inline]
fn offset(c: &mut Cursor<'_>) -> Option<Zone> {
    let mut ahead = *c;
    let sign = match ahead.one_of(b"+-")? {
        b'-' => -1,
        _ => 1,
    };
    let hours = ahead.two()?;
    let has_colon = ahead.eat(b':');
    let minutes = match ahead.two() {
        Some(minutes) => minutes,
        None if has_colon => return None,
        None => 0,
    };
    let mut seconds = 0;
    if has_colon && ahead.peek() == Some(b':') {
        ahead.skip(1);
        seconds = ahead.two()?;
    }
    if hours > 23 || minutes > 59 || seconds > 59 || is_word(ahead) {
        return None;
    }
    *c = ahead;
    let seconds = (hours * 60 + minutes) * 60 + seconds;
    Some(Zone::Offset(sign * seconds.cast_signed()))
}

/// Whether the offset between `from` and `to` is one although a space stands before it.
///
/// Two digits may be any number there; PostgreSQL writes `+03` in zones that have no abbreviation,
/// before ` [` and its process.
fn is_offset_behind_space(from: &Cursor<'_>, to: Cursor<'_>) -> bool {
    let bytes = from.rest().len() - to.rest().len();
    bytes > " +01".len() || matches!(to.rest(), [] | [b']' | b')' | b'"', ..] | [b' ', b'[', ..])
}

/// Takes `Z`, an abbreviation that is known, or one of UTC's with an offset.
#[inline]
fn name(c: &mut Cursor<'_>) -> Option<Zone> {
    let mut ahead = *c;
    let letters = ahead.word();
    let found = match letters {
        b"Z" | b"z" => Zone::Offset(0),
        b"UTC" | b"GMT" | b"UT" => utc_offset(&mut ahead).unwrap_or(Zone::Offset(0)),
        letters => {
            meaning(letters)?;
            Zone::Named(Abbreviation::new(letters)?)
        }
    };
    if is_word(ahead) || matches!(ahead.peek(), Some(b'-' | b'_' | b'/')) {
        return None;
    }
    *c = ahead;
    Some(found)
}

/// Takes what follows in `GMT+1`, `UTC+01:00` or `GMT+0100`.
fn utc_offset(c: &mut Cursor<'_>) -> Option<Zone> {
    if let Some(found) = offset(c) {
        return Some(found);
    }
    let mut ahead = *c;
    let sign = match ahead.one_of(b"+-")? {
        b'-' => -1,
        _ => 1,
    };
    let hours = ahead.digits(1)?.cast_signed();
    if is_word(ahead) {
        return None;
    }
    *c = ahead;
    Some(Zone::Offset(sign * hours * 3_600))
}

/// Takes the name of a zone in brackets, as in `+01:00[Europe/Paris]` (RFC 9557), which adds nothing
/// to the offset before it.
fn region(c: &mut Cursor<'_>) {
    const AREAS: [&[u8]; 11] = [
        b"Africa/",
        b"America/",
        b"Antarctica/",
        b"Asia/",
        b"Atlantic/",
        b"Australia/",
        b"Etc/",
        b"Europe/",
        b"Indian/",
        b"Pacific/",
        b"UTC]",
    ];
    let mut ahead = *c;
    if !ahead.eat(b'[') || !AREAS.iter().any(|area| ahead.rest().starts_with(area)) {
        return;
    }
    let is_name = |byte: &&u8| byte.is_ascii_alphanumeric() || b"/_+-".contains(byte);
    ahead.skip(ahead.rest().iter().take_while(is_name).count());
    if ahead.eat(b']') {
        *c = ahead;
    }
}

fn is_word(c: Cursor<'_>) -> bool {
    c.peek().is_some_and(|next| next.is_ascii_alphanumeric())
}
