use std::os::unix::fs::symlink;

use super::*;

/// A directory that is deleted in the end, and what a walk says of it, with its path left out.
struct Tree(tempfile::TempDir);

impl Tree {
    /// Makes the files, each holding its own path. A name that ends in `/` is an empty directory.
    fn new(paths: &[&str]) -> Self {
        let tree = Self(tempfile::tempdir().unwrap());
        for path in paths {
            let full = tree.path(path);
            fs::create_dir_all(full.parent().unwrap()).unwrap();
            if path.ends_with('/') {
                fs::create_dir(full).unwrap();
            } else {
                fs::write(full, path).unwrap();
            }
        }
        tree
    }

    fn path(&self, path: &str) -> PathBuf {
        self.0.path().join(path)
    }

    fn link(&self, link: &str, target: &str) {
        symlink(target, self.path(link)).unwrap();
    }

    fn name(&self, typed: &str) -> Name {
        match typed {
            "" => Name::Path(self.0.path().to_owned()),
            _ => Name::parse(self.path(typed).as_os_str()).unwrap(),
        }
    }

    /// One line for each thing found: a file that was named is marked with `!`.
    fn walk(&self, names: &[&str]) -> Vec<String> {
        self.walk_with(names, WalkOptions::default())
    }

    fn walk_with(&self, names: &[&str], options: WalkOptions) -> Vec<String> {
        let names = names.iter().map(|name| self.name(name)).collect();
        Walk::new(names, options)
            .map(|found| self.show(found))
            .collect()
    }

    fn show(&self, found: Found) -> String {
        let line = match found {
            Found::File(file) => format!("{}{}", file.origin, mark(file.named)),
            Found::Skipped(skipped) => {
                let mark = mark(skipped.named);
                format!("{:?} {}{mark}", skipped.reason, skipped.origin)
            }
            Found::Problem(error) => error.to_string(),
        };
        let root = format!("{}/", self.0.path().display());
        line.replace(&root, "")
            .replace(root.trim_end_matches('/'), ".")
    }
}

fn mark(named: bool) -> &'static str {
    if named { "!" } else { "" }
}

#[test]
fn a_directory_gives_its_files_in_the_order_of_their_names() {
    let tree = Tree::new(&["b.log", "a/z.log", "a/sub/x.log", "c/", "B.log"]);
    assert_eq!(
        tree.walk(&[""]),
        ["B.log", "a/sub/x.log", "a/z.log", "b.log"]
    );
}

#[test]
fn names_are_taken_in_order_and_as_often_as_they_are_typed() {
    let tree = Tree::new(&["b", "a/x"]);
    assert_eq!(tree.walk(&["b", "a", "b", "a"]), ["b!", "a/x", "b!", "a/x"]);
}

#[test]
fn a_file_is_found_with_its_length_and_kind() {
    let tree = Tree::new(&["app.log"]);
    let found: Vec<_> = Walk::new(vec![tree.name("app.log")], WalkOptions::default()).collect();
    let [Found::File(file)] = &found[..] else {
        panic!("{found:?}");
    };
    let expected = FoundFile {
        origin: Origin::file(tree.path("app.log")),
        named: true,
        len: "app.log".len() as u64,
        kind: Kind::Regular,
    };
    assert_eq!(*file, expected);
    assert_eq!(io::read_to_string(file.open().unwrap()).unwrap(), "app.log");
}

#[test]
fn paths_are_shown_as_they_were_typed() {
    let tree = Tree::new(&["dir/x"]);
    let shown = |typed: String| {
        let names = vec![Name::Path(typed.into())];
        let found = Walk::new(names, WalkOptions::default()).next().unwrap();
        tree.show(found)
    };
    let root = tree.0.path().display();
    assert_eq!(shown(format!("{root}/dir")), "dir/x");
    assert_eq!(shown(format!("{root}/dir/")), "dir/x");
    assert_eq!(shown(format!("{root}/./dir")), "./dir/x");
    assert_eq!(shown(format!("{root}/dir/../dir")), "dir/../dir/x");
}

#[test]
fn the_current_directory_is_shown_without_a_dot_unless_typed() {
    let first = |name| {
        let mut walk = Walk::new(vec![name], WalkOptions::default());
        walk.find_map(|found| match found {
            Found::File(file) => Some(file.origin.to_string()),
            _ => None,
        })
    };
    // Tests run in the directory of the crate.
    assert_eq!(first(Name::Here).as_deref(), Some("Cargo.toml"));
    assert_eq!(
        first(Name::Path(".".into())).as_deref(),
        Some("./Cargo.toml")
    );
}

#[test]
fn hidden_entries_are_skipped_unless_wanted_or_named() {
    let tree = Tree::new(&[".git/config", ".env", "a.log"]);
    assert_eq!(tree.walk(&[""]), ["Hidden .env", "Hidden .git", "a.log"]);
    let hidden = WalkOptions {
        hidden: true,
        ..WalkOptions::default()
    };
    assert_eq!(
        tree.walk_with(&[""], hidden),
        [".env", ".git/config", "a.log"]
    );
    assert_eq!(tree.walk(&[".env", ".git"]), [".env!", ".git/config"]);
}

#[test]
fn the_file_that_the_output_goes_to_is_left_out_though_it_is_named() {
    let tree = Tree::new(&["a.log", "out.log"]);
    tree.link("p", "out.log");
    let output = Inode::of(&fs::metadata(tree.path("out.log")).unwrap());
    let options = WalkOptions {
        output: Some(output),
        ..WalkOptions::default()
    };
    assert_eq!(
        tree.walk_with(&["", "out.log", "[op]*"], options),
        [
            "a.log",
            "Output out.log",
            "FoundElsewhere p",
            "Output out.log!",
            "Output out.log!",
            "Output p!"
        ]
    );
}

#[test]
fn what_is_missing_is_a_problem_and_the_walk_goes_on() {
    let tree = Tree::new(&["a", "dir/z"]);
    tree.link("dir/broken", "nowhere");
    assert_eq!(
        tree.walk(&["no", "a", "dir"]),
        [
            "cannot open \"no\": no such file or directory",
            "a!",
            "cannot follow \"dir/broken\": no such file or directory",
            "dir/z",
        ]
    );
}

#[test]
fn links_that_lead_out_of_the_tree_are_followed() {
    let tree = Tree::new(&["pods/a/0.log", "pods/b/0.log", "containers/"]);
    tree.link("containers/a.log", "../pods/a/0.log");
    tree.link("containers/b", "../pods/b");
    assert_eq!(
        tree.walk(&["containers"]),
        ["containers/a.log", "containers/b/0.log"]
    );
}

#[test]
fn a_link_to_what_is_found_anyway_is_skipped() {
    let tree = Tree::new(&["logs/a/1.log", "more/2.log"]);
    tree.link("logs/current", "a/1.log");
    tree.link("logs/dir", "a");
    tree.link("logs/more", "../more/2.log");
    assert_eq!(
        tree.walk(&["logs", "more"]),
        [
            "logs/a/1.log",
            "FoundElsewhere logs/current",
            "FoundElsewhere logs/dir",
            "FoundElsewhere logs/more",
            "more/2.log",
        ]
    );
}

#[test]
fn a_link_to_what_is_hidden_is_followed_since_nothing_else_leads_there() {
    let tree = Tree::new(&["conf/..2024/app.log"]);
    tree.link("conf/..data", "..2024");
    tree.link("conf/app.log", "..data/app.log");
    assert_eq!(
        tree.walk(&["conf"]),
        ["Hidden conf/..2024", "Hidden conf/..data", "conf/app.log"]
    );
}

#[test]
fn a_link_to_what_an_earlier_link_gave_is_skipped_within_one_name() {
    let tree = Tree::new(&["out/x", "other/y", "dir/"]);
    tree.link("dir/a", "../out");
    tree.link("dir/b", "../out/x");
    tree.link("dir/c", "../other/y");
    tree.link("dir/d", "../other/y");
    let once = [
        "dir/a/x",
        "FoundElsewhere dir/b",
        "dir/c",
        "FoundElsewhere dir/d",
    ];
    assert_eq!(tree.walk(&["dir"]), once);
    assert_eq!(tree.walk(&["dir", "dir"]), [once, once].concat());
    assert_eq!(tree.walk(&["dir/c", "dir/d"]), ["dir/c!", "dir/d!"]);
}

#[test]
fn a_directory_loop_is_named_and_the_rest_goes_on() {
    let tree = Tree::new(&["dir/sub/x", "dir/z"]);
    tree.link("dir/sub/up", "..");
    tree.link("dir/itself", "itself");
    assert_eq!(
        tree.walk(&["dir"]),
        [
            "cannot follow \"dir/itself\": too many levels of symbolic links",
            "cannot walk \"dir/sub/up\": directory loop, it leads back to \"dir\"",
            "dir/sub/x",
            "dir/z",
        ]
    );
}

#[test]
fn a_link_above_the_root_ends_where_it_meets_the_root_again() {
    let tree = Tree::new(&["dir/x", "other"]);
    tree.link("dir/up", "..");
    assert_eq!(
        tree.walk(&["dir"]),
        [
            "cannot walk \"dir/up/dir\": directory loop, it leads back to \"dir\"",
            "dir/up/other",
            "dir/x",
        ]
    );
}

#[test]
fn a_named_link_is_followed_and_keeps_its_name() {
    let tree = Tree::new(&["logs/a"]);
    tree.link("link", "logs");
    assert_eq!(tree.walk(&["link", "link/a"]), ["link/a", "link/a!"]);
}

#[test]
fn a_pipe_found_by_recursion_or_by_a_glob_is_not_opened() {
    let tree = Tree::new(&["a"]);
    let _socket = std::os::unix::net::UnixListener::bind(tree.path("b")).unwrap();
    tree.link("c", "/dev/null");
    assert_eq!(tree.walk(&[""]), ["a", "Special b", "Special c"]);
    assert_eq!(tree.walk(&["?"]), ["a!", "Special b", "Special c"]);
    assert_eq!(tree.walk(&["c"]), ["c!"]);
}

#[test]
fn a_glob_gives_its_matches_in_order_and_walks_directories() {
    let tree = Tree::new(&["b.log", "a.log", "c.txt", "d.log/inner", "d.log/.hidden"]);
    assert_eq!(
        tree.walk(&["*.log"]),
        ["a.log!", "b.log!", "Hidden d.log/.hidden", "d.log/inner"]
    );
}

#[test]
fn two_stars_go_down_but_not_through_links() {
    let tree = Tree::new(&["x.log", "a/x.log", "a/b/x.log", "a/b/y", "out/"]);
    tree.link("a/loop", "..");
    tree.link("out/a", "../a");
    assert_eq!(
        tree.walk(&["**/x.log"]),
        ["a/b/x.log!", "a/x.log!", "x.log!"]
    );
    assert_eq!(tree.walk(&["out/*/x.log"]), ["out/a/x.log!"]);
}

#[test]
fn a_glob_that_matches_nothing_is_a_problem() {
    let tree = Tree::new(&["a.log"]);
    assert_eq!(
        tree.walk(&["*.txt", "no/*", "a.log/*", "a.log"]),
        [
            "cannot find \"*.txt\": no file matches",
            "cannot find \"no/*\": no file matches",
            "cannot find \"a.log/*\": no file matches",
            "a.log!",
        ]
    );
}

#[test]
fn names_that_are_not_utf8_are_found() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    let tree = Tree::new(&[]);
    let name = OsStr::from_bytes(b"caf\xe9.log");
    fs::write(tree.0.path().join(name), "").unwrap();
    for typed in ["", "*.log"] {
        let mut walk = Walk::new(vec![tree.name(typed)], WalkOptions::default());
        let Some(Found::File(file)) = walk.next() else {
            panic!("{typed}");
        };
        assert_eq!(file.origin.path().unwrap().file_name(), Some(name));
        assert!(walk.next().is_none());
    }
}
