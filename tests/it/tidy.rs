//! Rules of the house as tests: what ARCHITECTURE.md and CONTRIBUTING.md say about the tree holds, or a
//! test here says where it does not. They read files and run no server.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The most lines of a file. 600 is the guide; the rest is room for a file on its way to being split.
const LINES_MAX: usize = 700;

/// Names that say nothing, for folders and files alike.
const FORBIDDEN_NAMES: [&str; 6] = ["util", "utils", "common", "helper", "helpers", "misc"];

/// Pages that are made from the program: where they lie, and the arguments that print them.
const GENERATED_PAGES: [(&str, &[&str]); 1] =
    [("docs/guide/configuration.md", &["check", "--reference"])];

/// What the server prints once it listens: a line of the pages that is no command.
const READY: &str = "lakegate is ready:";

/// Kinds of cases and the folders in which their runners look for them.
const CASE_FOLDERS: [(&str, &str); 2] = [("slt", "tests/slt"), ("pt", "tests/wire")];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: impl AsRef<Path>) -> String {
    let path = root().join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Every file below `folder`, relative to the root, sorted.
fn files_below(folder: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten() {
            let entry = entry.unwrap();
            let hidden = entry.file_name().to_string_lossy().starts_with('.');
            if entry.file_type().unwrap().is_dir() {
                if !hidden {
                    folders.push(entry.path());
                }
            } else {
                found.push(entry.path().strip_prefix(root()).unwrap().to_owned());
            }
        }
    }
    found.sort();
    found
}

fn has_extension(path: &Path, extension: &str) -> bool {
    path.extension().is_some_and(|found| found == extension)
}

fn rust_files(folder: &str) -> impl Iterator<Item = PathBuf> {
    files_below(folder).into_iter().filter(|path| has_extension(path, "rs"))
}

fn assert_none(rule: &str, broken: &[String]) {
    assert!(broken.is_empty(), "{rule}\n  {}\n", broken.join("\n  "));
}

/// A room as the table in ARCHITECTURE.md has it.
struct Room {
    layer: usize,
    may_import: BTreeSet<String>,
    may_name: BTreeSet<String>,
}

/// The words in backticks.
fn quoted(cell: &str) -> BTreeSet<String> {
    cell.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// The rows of the table: layer, room, what it is, may import, only room that names.
fn rooms() -> BTreeMap<String, Room> {
    let mut rooms = BTreeMap::new();
    for line in read("ARCHITECTURE.md").lines() {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [layer, room, _, may_import, may_name] = cells[..] else { continue };
        let Ok(layer) = layer.parse() else { continue };
        let room = quoted(room).into_iter().next().expect("a room has a name");
        let may_import = quoted(may_import);
        rooms.insert(room, Room { layer, may_import, may_name: quoted(may_name) });
    }
    assert!(rooms.len() > 10, "the layer table is not in ARCHITECTURE.md any more");
    rooms
}

/// Source without its line comments; the number of lines stays.
fn code_of(path: &Path) -> String {
    let mut code = String::new();
    for line in read(path).lines() {
        let end = line.find("//").filter(|at| !line[..*at].ends_with(':')).unwrap_or(line.len());
        code.push_str(&line[..end]);
        code.push('\n');
    }
    code
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn first_word(text: &str) -> &str {
    &text[..text.find(|c| !is_word(c)).unwrap_or(text.len())]
}

/// What stands directly below a path: one word, or the first words of a group in braces.
fn heads(after: &str) -> Vec<&str> {
    let Some(group) = after.strip_prefix('{') else { return vec![first_word(after)] };
    let mut heads = vec![first_word(group.trim_start())];
    let mut depth = 0;
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => heads.push(first_word(group[at + 1..].trim_start())),
            _ => {}
        }
    }
    heads
}

/// Every room that the code names from the root of the crate, with its line.
fn imports(code: &str, depth: usize) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    let line_of = |at: usize| 1 + code[..at].matches('\n').count();
    for (at, start) in code.match_indices("crate::") {
        found.extend(heads(&code[at + start.len()..]).into_iter().map(|room| (line_of(at), room)));
    }
    // `super` once for every module on the way up is the root as well.
    let climb = "super::".repeat(depth);
    for (at, _) in code.match_indices(&climb) {
        let after = code[at..].trim_start_matches("super::");
        found.extend(heads(after).into_iter().map(|room| (line_of(at), room)));
    }
    found
}

/// The room that a file belongs to, and how many modules deep it lies.
fn place_of(path: &Path) -> Option<(String, usize)> {
    let inner = path.strip_prefix("src").ok()?;
    let room = inner.iter().next()?.to_str()?;
    if matches!(room, "main.rs" | "lib.rs") {
        return None;
    }
    let depth = inner.iter().count() - usize::from(inner.ends_with("mod.rs"));
    Some((room.trim_end_matches(".rs").to_owned(), depth))
}

#[test]
fn the_layer_table_goes_down_only() {
    let rooms = rooms();
    let mut broken = Vec::new();
    for (name, room) in &rooms {
        for import in &room.may_import {
            match rooms.get(import) {
                None => broken.push(format!("{name} may import {import}, which is no room")),
                Some(other) if other.layer >= room.layer => {
                    broken.push(format!("{name} may import {import}, which is not below it"));
                }
                Some(_) => {}
            }
        }
        if !root().join("src").join(name).exists() {
            broken.push(format!("there is no src/{name}"));
        }
    }
    for line in read("src/lib.rs").lines().filter_map(|line| line.trim().split_once("mod ")) {
        let name = line.1.trim_end_matches(';');
        if !line.0.starts_with("//") && !rooms.contains_key(name) {
            broken.push(format!("{name} is in src/lib.rs and not in the table"));
        }
    }
    assert_none("The layer table of ARCHITECTURE.md contradicts itself or the tree:", &broken);
}

#[test]
fn rooms_import_what_the_layer_table_says() {
    let rooms = rooms();
    let mut broken = Vec::new();
    for path in rust_files("src") {
        let Some((name, depth)) = place_of(&path) else { continue };
        let room = rooms.get(&name).unwrap_or_else(|| panic!("{name} is not in the table"));
        let code = code_of(&path);
        for (line, import) in imports(&code, depth) {
            if rooms.contains_key(import) && import != name && !room.may_import.contains(import) {
                broken.push(format!("{}:{line}: {name} names {import}", path.display()));
            }
        }
    }
    assert_none("Rooms import what the layer table does not allow:", &broken);
}

#[test]
fn outside_crates_are_named_in_their_rooms() {
    let rooms = rooms();
    let fenced: BTreeSet<&String> = rooms.values().flat_map(|room| &room.may_name).collect();
    let mut broken = Vec::new();
    for path in rust_files("src") {
        let Some((name, _)) = place_of(&path) else { continue };
        let code = code_of(&path);
        for outside in &fenced {
            if rooms.get(&name).is_some_and(|room| room.may_name.contains(*outside)) {
                continue;
            }
            for (at, _) in code.match_indices(&format!("{outside}::")) {
                let rest = &code[at + outside.len() + 2..];
                // Arrow's arrays and schemas are the common language of all rooms.
                // Arrow's arrays and a single value of a type are the common language of all rooms.
                let arrow = outside.as_str() == "datafusion"
                    && (first_word(rest) == "arrow" || rest.contains("common::ScalarValue"));
                let inside = code[..at].ends_with(|c| is_word(c) || c == ':');
                if !arrow && !inside {
                    let line = 1 + code[..at].matches('\n').count();
                    broken.push(format!("{}:{line}: {outside}", path.display()));
                }
            }
        }
    }
    assert_none("Outside crates are named outside their rooms:", &broken);
}

#[test]
fn every_file_says_what_it_is_for() {
    let mut broken = Vec::new();
    for path in rust_files("src").chain(rust_files("tests")) {
        let text = read(&path);
        if !text.starts_with("//!") {
            broken.push(format!("{}: does not begin with //!", path.display()));
        }
        let lines = text.lines().count();
        if lines > LINES_MAX {
            broken.push(format!("{}: {lines} lines, and {LINES_MAX} is the most", path.display()));
        }
    }
    assert_none("Files without a header, or too long:", &broken);
}

#[test]
fn names_say_something() {
    let mut broken = Vec::new();
    for path in ["src", "tests", "sql", "benches", "conformance"].into_iter().flat_map(files_below)
    {
        for part in &path {
            let part = part.to_string_lossy();
            let stem = part.split('.').next().unwrap_or_default();
            if FORBIDDEN_NAMES.contains(&stem) {
                broken.push(path.display().to_string());
            }
        }
    }
    assert_none("Names that could hold anything:", &broken);
}

/// A module file that nobody declares is silently no part of the program, or of its tests.
#[test]
fn no_file_is_forgotten() {
    let mut broken = Vec::new();
    for path in rust_files("src").chain(rust_files("tests/it")) {
        let parent = path.parent().unwrap();
        let stem = path.file_stem().unwrap().to_str().unwrap();
        let (name, folder) = match stem {
            "main" | "lib" => continue,
            "mod" => (parent.file_name().unwrap().to_str().unwrap(), parent.parent().unwrap()),
            _ => (stem, parent),
        };
        let declares = |file: &str| {
            fs::read_to_string(root().join(folder).join(file)).is_ok_and(|text| {
                text.lines().any(|line| line.trim().ends_with(&format!("mod {name};")))
            })
        };
        // A folder's modules are declared in its `mod.rs`, or in the file of its name beside it.
        let beside = folder
            .file_name()
            .map(|name| format!("../{}.rs", name.to_string_lossy()))
            .unwrap_or_default();
        if !["mod.rs", "main.rs", "lib.rs", &beside].into_iter().any(declares) {
            broken.push(path.display().to_string());
        }
    }
    for path in files_below("tests") {
        for (extension, folder) in CASE_FOLDERS {
            if has_extension(&path, extension) && !path.starts_with(folder) {
                broken.push(format!("{}: belongs below {folder}", path.display()));
            }
        }
    }
    assert_none("Files that no module declares and no runner finds:", &broken);
}

/// `BLESS=1` writes the pages anew.
#[test]
fn generated_pages_are_fresh() {
    let mut broken = Vec::new();
    for (page, arguments) in GENERATED_PAGES {
        let output = Command::new(env!("CARGO_BIN_EXE_lakegate")).args(arguments).output().unwrap();
        assert!(output.status.success(), "{page}: {}", String::from_utf8_lossy(&output.stderr));
        if std::env::var_os("BLESS").is_some() {
            fs::write(root().join(page), &output.stdout).unwrap();
        }
        if read(page).as_bytes() != output.stdout {
            broken.push(page.to_owned());
        }
    }
    assert_none("Pages that are stale (run `just bless`):", &broken);
}

/// The pages that people read, which have links and commands.
fn pages() -> Vec<PathBuf> {
    let top = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md"];
    let docs = files_below("docs").into_iter().filter(|path| has_extension(path, "md"));
    top.into_iter().map(PathBuf::from).chain(docs).collect()
}

#[test]
fn links_lead_somewhere() {
    let mut broken = Vec::new();
    for page in pages() {
        let text = read(&page);
        for target in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let file = target.split('#').next().unwrap_or_default();
            let outside = target.contains("://") || file.is_empty();
            if !outside && !root().join(page.parent().unwrap()).join(file).exists() {
                broken.push(format!("{}: {target}", page.display()));
            }
        }
    }
    assert_none("Links to nothing:", &broken);
}

/// The lines of the page's code blocks and the text between its backticks.
fn commands(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut in_block = false;
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            in_block = !in_block;
        } else if in_block {
            found.push(line.trim().trim_start_matches("$ "));
        } else {
            found.extend(line.split('`').skip(1).step_by(2));
        }
    }
    found
}

/// What is wrong with a command that a page tells the reader to type.
fn wrong_with(command: &str, recipes: &BTreeSet<String>) -> Option<String> {
    if command.starts_with(READY) {
        return None;
    }
    let mut command = command.split('#').next().unwrap_or_default().trim();
    // Variables that are set for one command.
    while let Some((first, rest)) = command.split_once(' ').filter(|(first, _)| first.contains('='))
    {
        let variable = first.chars().all(|c| is_word(c) || "=-./".contains(c));
        command = if variable { rest } else { break };
    }
    if let Some(rest) = command.strip_prefix("just ") {
        let recipe = rest.split_whitespace().next()?;
        let unknown = !recipe.starts_with('-') && !recipes.contains(recipe);
        return unknown.then(|| format!("there is no recipe {recipe}"));
    }
    let arguments = command
        .split_once("cargo run --release -- ")
        .map(|(_, arguments)| arguments)
        .or_else(|| command.strip_prefix("lakegate "))?;
    let words: Vec<&str> = arguments.split_whitespace().collect();
    let is_flag = |word: &&&str| word.starts_with("--");
    let subcommands: Vec<&str> = words
        .iter()
        .take_while(|word| word.chars().all(|c| c.is_ascii_lowercase()))
        .take(if words.first() == Some(&"user") { 2 } else { 1 })
        .copied()
        .collect();
    let help = Command::new(env!("CARGO_BIN_EXE_lakegate"))
        .args(&subcommands)
        .arg("--help")
        .output()
        .ok()?;
    let text = String::from_utf8_lossy(&help.stdout);
    if !help.status.success() {
        return Some(format!("lakegate has no command {}", subcommands.join(" ")));
    }
    let unknown = words.iter().filter(is_flag).find(|flag| !text.contains(**flag));
    unknown.map(|flag| format!("lakegate {} has no {flag}", subcommands.join(" ")))
}

#[test]
fn commands_in_the_pages_exist() {
    let recipes: BTreeSet<String> = read("Justfile")
        .lines()
        .filter(|line| {
            !line.starts_with([' ', '#', '[']) && line.contains(':') && !line.contains(":=")
        })
        .map(|line| first_word(&line.replace('-', "_")).replace('_', "-"))
        .collect();
    let mut broken = Vec::new();
    for page in pages() {
        for command in commands(&read(&page)) {
            if let Some(what) = wrong_with(command, &recipes) {
                broken.push(format!("{}: `{command}`: {what}", page.display()));
            }
        }
    }
    assert_none("Commands that do not exist:", &broken);
}

#[test]
fn the_checks_see_what_they_should() {
    let code = "use crate::base::Error;\nuse crate::{catalog::{self, Grant}, sql};\nlet x = crate::delta::y();";
    let found: Vec<_> = imports(code, 9).into_iter().map(|(_, room)| room).collect();
    assert_eq!(found, ["base", "catalog", "sql", "delta"]);
    assert_eq!(imports("use super::super::engine::x;\nuse super::y;", 2), [(1, "engine")]);
    assert_eq!(place_of(Path::new("src/wire/encode/text.rs")), Some(("wire".to_owned(), 3)));
    assert_eq!(place_of(Path::new("src/wire/mod.rs")), Some(("wire".to_owned(), 1)));
    let recipes = BTreeSet::from(["test".to_owned()]);
    assert_eq!(wrong_with("just test", &recipes), None);
    assert!(wrong_with("just tset", &recipes).is_some());
    assert_eq!(wrong_with("cargo run --release -- serve --demo", &recipes), None);
    assert!(wrong_with("lakegate serve --dmeo", &recipes).is_some());
    assert!(wrong_with("lakegate server", &recipes).is_some());
    assert!(wrong_with("A_PASSWORD=x-1 lakegate server", &recipes).is_some());
}
