//! Literals that a regex needs: every match holds at least one of them.
//!
//! A regex engine knows how to use a literal at a match's start. Logs are searched with patterns
//! whose tell-tale part is in the middle (`\d+ ms timeout \w+`), so the whole tree is looked
//! through for the best set, as Cox does for trigrams ("Regular Expression Matching with a Trigram
//! Index", 2012) and ripgrep for its inner literals.

use std::cmp::Reverse;

use regex_syntax::hir::literal::{Extractor, rank};
use regex_syntax::hir::{Hir, HirKind};

/// More literals than this are searched no faster than the regex itself.
const LITERALS_MAX: usize = 48;

/// A set whose worst literal scores less is found on nearly every line.
const SCORE_MIN: u32 = 175;

/// The best set of literals of which every match of `hir` holds at least one, if there is one
/// that is worth a search.
pub(super) fn required(hir: &Hir) -> Option<Vec<Vec<u8>>> {
    best(hir).filter(|set| set_score(set) >= SCORE_MIN)
}

/// Whether every match of `hir` begins with a literal that is worth a search.
pub(super) fn begins_well(hir: &Hir) -> bool {
    prefixes(hir).is_some_and(|set| set_score(&set) >= SCORE_MIN)
}

/// How good a literal is to search for: the higher, the fewer hits to expect.
pub(super) fn score(literal: &[u8]) -> u32 {
    let mut rarities: Vec<u32> = literal
        .iter()
        .map(|&byte| 300 - u32::from(rank(byte)))
        .collect();
    rarities.sort_unstable_by_key(|&rarity| Reverse(rarity));
    rarities.iter().take(8).sum()
}

/// A set is as good as its worst member, and a little worse for each.
pub(super) fn set_score<T: AsRef<[u8]>>(set: &[T]) -> u32 {
    let worst = set
        .iter()
        .map(|literal| score(literal.as_ref()))
        .min()
        .unwrap_or(u32::MAX);
    worst.saturating_sub(2 * set.len() as u32)
}

fn best(hir: &Hir) -> Option<Vec<Vec<u8>>> {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => None,
        HirKind::Literal(_) | HirKind::Class(_) => prefixes(hir),
        HirKind::Capture(capture) => best(&capture.sub),
        HirKind::Repetition(repetition) if repetition.min > 0 => best(&repetition.sub),
        HirKind::Repetition(_) => None,
        HirKind::Alternation(branches) => {
            let sets: Option<Vec<_>> = branches.iter().map(best).collect();
            better(sets.map(|sets| sets.concat()), prefixes(hir))
        }
        HirKind::Concat(parts) => {
            let inside = parts.iter().map(best);
            let across =
                (0..parts.len()).map(|from| prefixes(&Hir::concat(parts[from..].to_vec())));
            inside.chain(across).fold(None, better)
        }
    }
}

/// The literals that a match of `hir` can begin with.
fn prefixes(hir: &Hir) -> Option<Vec<Vec<u8>>> {
    let mut prefixes = Extractor::new().extract(hir);
    // Shorter beginnings are fewer: `-[0-9]=[0-9]{6}` begins in ten ways, if three bytes are taken.
    let mut len = prefixes.max_literal_len()?;
    while prefixes.len()? > LITERALS_MAX && len > 1 {
        len -= 1;
        prefixes.keep_first_bytes(len);
        prefixes.sort();
        prefixes.dedup();
    }
    let literals = prefixes
        .literals()?
        .iter()
        .map(|literal| literal.as_bytes().to_vec());
    usable(literals.collect())
}

fn usable(set: Vec<Vec<u8>>) -> Option<Vec<Vec<u8>>> {
    let fits =
        (1..=LITERALS_MAX).contains(&set.len()) && set.iter().all(|literal| !literal.is_empty());
    fits.then_some(set)
}

fn better(a: Option<Vec<Vec<u8>>>, b: Option<Vec<Vec<u8>>>) -> Option<Vec<Vec<u8>>> {
    let (a, b) = (a.and_then(usable), b.and_then(usable));
    match (a, b) {
        (Some(a), Some(b)) if set_score(&b) > set_score(&a) => Some(b),
        (a, b) => a.or(b),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tell_tale_part_is_found_wherever_it_stands() {
        let ten = [
            "-0=", "-1=", "-2=", "-3=", "-4=", "-5=", "-6=", "-7=", "-8=", "-9=",
        ];
        let cases: [(&str, Option<&[&str]>); 10] = [
            (r"[a-z]+-[0-9]=[0-9]{6}", Some(&ten)),
            (r"timeout", Some(&["timeout"])),
            (r"\d+ ms timeout \w+", Some(&[" ms timeout "])),
            (
                r"(refused|reset) by peer",
                Some(&["refused by peer", "reset by peer"]),
            ),
            (r"\w+(refused|reset)\w+", Some(&["refused", "reset"])),
            (r"(?:\d+foobar){2,}", Some(&["foobar"])),
            (r"(foobar)?\d+", None),
            (r"foobar|\d+", None),
            (r"\d+", None),
            (r"e\d", None),
        ];
        for (pattern, expected) in cases {
            let hir = regex_syntax::parse(pattern).unwrap();
            let expected = expected.map(|set| {
                set.iter()
                    .map(|literal| literal.as_bytes().to_vec())
                    .collect()
            });
            assert_eq!(required(&hir), expected, "{pattern}");
        }
    }
}
