//! Lengths of time.

use std::io::Write;

const SECOND_NS: i128 = 1_000_000_000;
const MINUTE_NS: i128 = 60 * SECOND_NS;
const HOUR_NS: i128 = 60 * MINUTE_NS;

/// A length of time: months and days have no fixed length, and so are kept apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) months: i64,
    pub(crate) days: i64,
    pub(crate) nanoseconds: i128,
}

impl Span {
    /// Writes it as ISO 8601 has it: `PT5M12.5S`. Where it all is negative, so is the whole
    /// (`-PT1S`), and else what is (`P1M-2D`), as ISO 8601-2 allows.
    pub(crate) fn write_iso(&self, out: &mut Vec<u8>) {
        let span = self.without_sign(out);
        out.push(b'P');
        let start = out.len();
        span.write_units(["Y", "M", "D"], "", out);
        if span.nanoseconds != 0 || out.len() == start {
            out.push(b'T');
            span.write_clock(["H", "M", "S"], "", out);
        }
    }

    /// Writes it as people do: `5m 12.5s`, `1y 2mo 3d`.
    pub(crate) fn write_plain(&self, out: &mut Vec<u8>) {
        let span = self.without_sign(out);
        let start = out.len();
        span.write_units(["y", "mo", "d"], " ", out);
        if span.nanoseconds != 0 || out.len() == start {
            if out.len() > start {
                out.push(b' ');
            }
            span.write_clock(["h", "m", "s"], " ", out);
        }
    }

    /// How many seconds it is, unless it has months or days.
    pub(crate) fn seconds(self) -> Option<f64> {
        let is_fixed = self.months == 0 && self.days == 0;
        is_fixed.then(|| self.nanoseconds as f64 / SECOND_NS as f64)
    }

    /// It without its sign, which is written, if all of it is negative or nothing.
    fn without_sign(self, out: &mut Vec<u8>) -> Self {
        let is_negative = self.months <= 0 && self.days <= 0 && self.nanoseconds <= 0;
        if !is_negative || self == Self::default() {
            return self;
        }
        out.push(b'-');
        Self {
            months: -self.months,
            days: -self.days,
            nanoseconds: -self.nanoseconds,
        }
    }

    fn write_units(self, names: [&str; 3], between: &str, out: &mut Vec<u8>) {
        let counts = [self.months / 12, self.months % 12, self.days];
        let start = out.len();
        for (count, name) in counts.into_iter().zip(names) {
            if count != 0 {
                let between = if out.len() > start { between } else { "" };
                write!(out, "{between}{count}{name}").expect("memory takes all");
            }
        }
    }

    fn write_clock(self, names: [&str; 3], between: &str, out: &mut Vec<u8>) {
        let rest = self.nanoseconds % MINUTE_NS;
        let start = out.len();
        let counts = [
            self.nanoseconds / HOUR_NS,
            self.nanoseconds % HOUR_NS / MINUTE_NS,
        ];
        for (count, name) in counts.into_iter().zip(names) {
            if count != 0 {
                let between = if out.len() > start { between } else { "" };
                write!(out, "{between}{count}{name}").expect("memory takes all");
            }
        }
        if rest == 0 && out.len() > start {
            return;
        }
        let between = if out.len() > start { between } else { "" };
        let sign = if rest < 0 { "-" } else { "" };
        let rest = rest.unsigned_abs();
        let seconds = rest / SECOND_NS.unsigned_abs();
        write!(out, "{between}{sign}{seconds}").expect("memory takes all");
        let fraction = rest % SECOND_NS.unsigned_abs();
        if fraction != 0 {
            let digits = format!("{fraction:09}");
            write!(out, ".{}", digits.trim_end_matches('0')).expect("memory takes all");
        }
        out.extend_from_slice(names[2].as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_written_with_the_units_that_it_needs() {
        for (months, days, nanoseconds, iso, plain) in [
            (0, 0, 0, "PT0S", "0s"),
            (0, 0, 312_500_000_000, "PT5M12.5S", "5m 12.5s"),
            (0, 0, 1, "PT0.000000001S", "0.000000001s"),
            (0, 0, 26 * HOUR_NS, "PT26H", "26h"),
            (0, 0, HOUR_NS + 2 * SECOND_NS, "PT1H2S", "1h 2s"),
            (0, 0, -SECOND_NS / 2, "-PT0.5S", "-0.5s"),
            (14, 3, 0, "P1Y2M3D", "1y 2mo 3d"),
            (14, 3, MINUTE_NS, "P1Y2M3DT1M", "1y 2mo 3d 1m"),
            (-1, -2, 0, "-P1M2D", "-1mo 2d"),
            (1, -2, -SECOND_NS / 2, "P1M-2DT-0.5S", "1mo -2d -0.5s"),
        ] {
            let span = Span {
                months,
                days,
                nanoseconds,
            };
            let (mut written_iso, mut written_plain) = (Vec::new(), Vec::new());
            span.write_iso(&mut written_iso);
            span.write_plain(&mut written_plain);
            assert_eq!(String::from_utf8(written_iso).unwrap(), iso);
            assert_eq!(String::from_utf8(written_plain).unwrap(), plain);
        }
    }
}
