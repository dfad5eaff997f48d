//! Flags that grep and ripgrep have and birl has not, and what birl has in their place.

/// Flags that ask for the same, in whichever tool, and what to say of them.
struct Elsewhere {
    flags: &'static [&'static str],
    instead: &'static str,
}

const ELSEWHERE: &[Elsewhere] = &[
    Elsewhere {
        flags: &[
            "-r",
            "-R",
            "--recursive",
            "--dereference-recursive",
            "--directories",
        ],
        instead: "a directory is searched with all that is in it, without a flag",
    },
    Elsewhere {
        flags: &[
            "-E",
            "-G",
            "-P",
            "--extended-regexp",
            "--basic-regexp",
            "--perl-regexp",
            "--pcre2",
            "--regexp",
        ],
        instead: "a regex is a word between slashes, without a flag: birl '/time(out|d out)/'",
    },
    Elsewhere {
        flags: &["-x", "--line-regexp"],
        instead: "a regex can stand for the whole line: birl '/^done$/'",
    },
    Elsewhere {
        flags: &["-L"],
        instead: "did you mean --files-without-match?",
    },
    Elsewhere {
        flags: &["-g", "-t", "--glob", "--include", "--type"],
        instead: "which files to search is said by a glob as SOURCE: birl QUERY 'logs/**/*.log'",
    },
    Elsewhere {
        flags: &["-z", "--search-zip"],
        instead: "what is compressed is decompressed, without a flag",
    },
    Elsewhere {
        flags: &["-a", "--text", "--binary"],
        instead: "a file that is named is searched whatever it holds, without a flag",
    },
    Elsewhere {
        flags: &["-u", "--unrestricted", "--no-ignore"],
        instead: "all files are searched but hidden and binary ones; --hidden adds the hidden ones",
    },
    Elsewhere {
        flags: &["-U", "--multiline"],
        instead: "--records searches records, which may have several lines",
    },
    Elsewhere {
        flags: &["-b", "--byte-offset"],
        instead: "-o json says at which byte each line begins",
    },
    Elsewhere {
        flags: &["--json"],
        instead: "did you mean -o json?",
    },
];

/// What to say of `flag` (`-r`, `--recursive`) to somebody who knows it from another tool.
pub(super) fn instead_of(flag: &str) -> Option<String> {
    // grep's -3 is its -C 3.
    if let Some(lines) = flag.strip_prefix('-')
        && lines.bytes().all(|byte| byte.is_ascii_digit())
    {
        return Some(format!(
            "lines around each match are asked for by -C {lines}"
        ));
    }
    let found = ELSEWHERE.iter().find(|known| known.flags.contains(&flag))?;
    Some(found.instead.to_owned())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::ELSEWHERE;
    use crate::args::Args;

    #[test]
    fn no_flag_of_birl_is_explained_away() {
        let command = Args::command();
        let own = |flag: &str| {
            command.get_arguments().any(|arg| {
                arg.get_short()
                    .is_some_and(|short| flag == format!("-{short}"))
                    || arg
                        .get_long()
                        .is_some_and(|long| flag == format!("--{long}"))
            })
        };
        for flag in ELSEWHERE.iter().flat_map(|known| known.flags) {
            assert!(!own(flag), "{flag}");
        }
    }

    #[test]
    fn each_flag_is_explained_once() {
        let mut flags: Vec<_> = ELSEWHERE.iter().flat_map(|known| known.flags).collect();
        flags.sort_unstable();
        let all = flags.len();
        flags.dedup();
        assert_eq!(flags.len(), all);
    }
}
