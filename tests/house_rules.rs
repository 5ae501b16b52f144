//! The house rules that no compiler knows: who may look into which room, where SQL may be, who may make a
//! `Scope`. Each rule is shown a snippet that breaks it, so that none of them is asleep.

mod source;

use std::fmt;

use source::{Source, Used, is_name, sources, text_of};

/// A row of the import table in docs/ARCHITECTURE.md.
struct Room {
    name: &'static str,
    /// The rooms it may look into; `*` is all of them.
    looks_into: &'static [&'static str],
    /// Crates and parts of std it must not know.
    must_not_know: &'static [&'static str],
}

/// Who may look into which room. `parsers` is the crate `waybill-parsers`; seen from inside, it is the
/// last row.
const ROOMS: [Room; 16] = [
    Room {
        name: "domain",
        looks_into: &["parsers"],
        must_not_know: &["tokio", "sqlx", "axum", "hyper", "russh", "std::fs"],
    },
    Room {
        name: "ledger",
        looks_into: &["domain", "parsers"],
        must_not_know: &["tokio", "sqlx", "axum", "hyper", "russh", "std::fs", "std::net", "std::time::SystemTime"],
    },
    Room {
        name: "config",
        looks_into: &["domain", "parsers"],
        must_not_know: &["tokio", "sqlx", "axum", "hyper", "russh"],
    },
    Room { name: "laboratory", looks_into: &[], must_not_know: &["sqlx", "axum", "hyper", "russh"] },
    Room { name: "telemetry", looks_into: &["domain", "config"], must_not_know: &["sqlx", "axum", "hyper", "russh"] },
    Room {
        name: "originals",
        looks_into: &["domain", "config", "laboratory"],
        must_not_know: &["sqlx", "axum", "hyper", "russh"],
    },
    // From here on `telemetry`: what these rooms write as an event they also speak as a line of the log.
    Room {
        name: "record",
        looks_into: &["domain", "config", "parsers", "ledger", "telemetry", "laboratory"],
        must_not_know: &["axum", "hyper", "russh", "reqwest"],
    },
    Room {
        name: "defend",
        looks_into: &["domain", "config", "record", "telemetry"],
        must_not_know: &["sqlx", "axum", "hyper", "russh", "reqwest"],
    },
    Room {
        name: "land",
        looks_into: &["domain", "config", "originals", "record", "defend", "telemetry", "laboratory"],
        must_not_know: &["sqlx", "axum", "hyper", "russh", "reqwest"],
    },
    Room { name: "arrive", looks_into: &["domain", "config", "defend", "land", "telemetry"], must_not_know: &["sqlx"] },
    Room {
        name: "ingest",
        looks_into: &["domain", "config", "originals", "record", "ledger", "parsers", "telemetry", "laboratory"],
        must_not_know: &["sqlx", "axum", "hyper", "russh", "reqwest"],
    },
    Room {
        name: "deliver",
        looks_into: &["domain", "config", "originals", "record", "parsers", "land", "telemetry"],
        must_not_know: &["sqlx", "axum"],
    },
    Room {
        name: "serve",
        // `parsers` for the feed profile, which is plain data with its own check.
        looks_into: &["domain", "config", "originals", "record", "ledger", "defend", "land", "parsers", "telemetry"],
        must_not_know: &["sqlx", "russh"],
    },
    Room { name: "daemon", looks_into: &["*"], must_not_know: &["sqlx"] },
    Room { name: "cli", looks_into: &["*"], must_not_know: &["sqlx"] },
    Room {
        name: "parsers",
        looks_into: &[],
        must_not_know: &[
            "tokio",
            "sqlx",
            "axum",
            "hyper",
            "russh",
            "reqwest",
            "std::fs",
            "std::net",
            "std::env",
            "std::process",
            "std::time::SystemTime",
            "std::time::Instant",
        ],
    },
];

/// The code that has just checked a credential, and the house's own work. Nobody else makes a `Scope`.
const SCOPE_MAKERS: [&str; 6] =
    ["src/land/admit.rs", "src/serve/auth.rs", "src/cli/", "src/ingest/", "src/daemon.rs", "src/domain/scope.rs"];

/// Files that may build SQL from a `String`. Each says in its front page why its text holds no input.
// Puts questions together of literals of ours; values are bound.
const SQL_FROM_STRINGS: [&str; 1] = ["src/record/sql.rs"];

const LINES_MAX: usize = 600;

const NAMES_THAT_SAY_NOTHING: [&str; 8] =
    ["util", "utils", "helper", "helpers", "common", "manager", "service", "misc"];

#[test]
fn each_room_looks_only_into_the_rooms_the_table_allows() {
    everywhere(imports);
}

#[test]
fn each_room_knows_only_the_crates_it_may() {
    everywhere(outside);
}

#[test]
fn the_parsers_never_read_the_clock() {
    everywhere(clock);
}

#[test]
fn sql_is_only_in_record_and_never_built_from_strings() {
    everywhere(sql);
}

#[test]
fn only_code_that_checked_a_credential_makes_a_scope() {
    everywhere(scopes);
}

#[test]
fn every_file_begins_with_its_front_page() {
    everywhere(front_page);
}

#[test]
fn no_file_is_longer_than_600_lines() {
    everywhere(length);
}

#[test]
fn no_module_has_a_name_that_says_nothing() {
    everywhere(names);
}

#[test]
fn every_dependency_has_its_reason_written_down() {
    let reasons = text_of("docs/decisions/0003-dependencies.md");
    let unexplained: Vec<String> = ["Cargo.toml", "parsers/Cargo.toml"]
        .iter()
        .flat_map(|manifest| dependencies(&text_of(manifest)))
        .filter(|name| !name.starts_with("waybill") && !reasons.contains(&format!("\n| {name} |")))
        .collect();
    assert!(unexplained.is_empty(), "no row in docs/decisions/0003-dependencies.md for {unexplained:?}");
}

/// Applies a rule to every file of both crates and says everything that breaks it.
#[track_caller]
fn everywhere(rule: fn(&Source) -> Vec<Breach>) {
    let sources = sources(&["src", "parsers/src"]);
    for file in ["src/lib.rs", "src/main.rs", "parsers/src/lib.rs"] {
        assert!(sources.iter().any(|source| source.path == file), "did not find {file}: looking in the wrong place?");
    }
    let breaches: Vec<String> = sources.iter().flat_map(rule).map(|breach| breach.to_string()).collect();
    assert!(breaches.is_empty(), "\n{}\n", breaches.join("\n"));
}

/// Where a rule is broken, and which.
struct Breach {
    path: String,
    line: usize,
    rule: String,
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.rule)
    }
}

impl Source {
    fn breach(&self, line: usize, rule: impl Into<String>) -> Breach {
        Breach { path: self.path.clone(), line, rule: rule.into() }
    }

    /// The room this file is in; none for the front page of the library and for `main`.
    fn room(&self) -> Option<&str> {
        if self.path.starts_with("parsers/") { Some("parsers") } else { self.module().first().copied() }
    }
}

fn row(name: &str) -> Option<&'static Room> {
    ROOMS.iter().find(|room| room.name == name)
}

/// The import table. Tests obey it too: a test that needs a wall moved needs it moved for everybody.
fn imports(source: &Source) -> Vec<Breach> {
    let Some(name) = source.room().filter(|name| *name != "parsers") else { return Vec::new() };
    let Some(room) = row(name) else {
        return vec![source.breach(1, format!("`{name}` is not a room: add it to the table in docs/ARCHITECTURE.md"))];
    };
    let mut breaches = Vec::new();
    for used in source.used() {
        let Some(other) = room_of(&used, source) else { continue };
        if other == name || room.looks_into.iter().any(|allowed| *allowed == other || *allowed == "*") {
            continue;
        }
        let rule = match row(other) {
            Some(_) => format!("`{name}` may not look into `{other}`, only into {}", room.looks_into.join(", ")),
            None => format!("`crate::{other}` is not a room; name the room you mean"),
        };
        breaches.push(source.breach(used.line, rule));
    }
    breaches
}

/// The room a path leads to from the crate's root, however it is written.
fn room_of<'a>(used: &'a Used, source: &Source) -> Option<&'a str> {
    let mut words = used.segments.iter().map(String::as_str).skip_while(|word| *word == "self").peekable();
    match *words.peek()? {
        "crate" | "waybill" => words.nth(1),
        "waybill_parsers" => Some("parsers"),
        "super" => {
            let climbed = std::iter::from_fn(|| words.next_if_eq(&"super")).count();
            words.next().filter(|_| climbed == source.module().len() + used.inside)
        }
        _ => None,
    }
}

/// What a room must not know. Its tests may: they write files and start runtimes.
fn outside(source: &Source) -> Vec<Breach> {
    let Some(room) = source.room().and_then(row) else { return Vec::new() };
    let mut breaches = Vec::new();
    for used in source.used().iter().filter(|used| !used.test) {
        for secret in room.must_not_know {
            if secret.split("::").eq(used.segments.iter().map(String::as_str).take(secret.split("::").count())) {
                breaches.push(source.breach(used.line, format!("`{}` must not know `{secret}`", room.name)));
            }
        }
    }
    breaches
}

/// Time comes in as an argument: what a parser says depends on its input alone.
fn clock(source: &Source) -> Vec<Breach> {
    let used = if source.room() == Some("parsers") { source.used() } else { Vec::new() };
    used.iter()
        .filter(|used| !used.test && used.segments.len() > 1 && used.segments.last().is_some_and(|word| word == "now"))
        .map(|used| source.breach(used.line, "a parser must not read the clock: take the time as an argument"))
        .collect()
}

/// SQL lives in `record`, and its text is in the source: `format!` never makes a query.
fn sql(source: &Source) -> Vec<Breach> {
    let mut breaches = Vec::new();
    if source.room() != Some("record") {
        let found = source.used().into_iter().filter(|used| used.segments.first().is_some_and(|word| word == "sqlx"));
        breaches.extend(found.map(|used| source.breach(used.line, "only `record` may hold SQL: ask it instead")));
    }
    if SQL_FROM_STRINGS.contains(&source.path.as_str()) {
        return breaches;
    }
    let builds = source.tokens.iter().any(|token| token.text == "QueryBuilder");
    for (at, token) in source.tokens.iter().enumerate() {
        let rule = match token.text.as_str() {
            "AssertSqlSafe" => "`AssertSqlSafe` needs a place in SQL_FROM_STRINGS and a reason",
            "query" | "query_as" | "query_scalar" | "raw_sql" if formats(source, at + 1) => {
                "a query is a literal with $1 parameters, never `format!`"
            }
            "push" | "new" if builds && formats(source, at + 1) => "push literals, bind values: never `format!` SQL",
            _ => continue,
        };
        breaches.push(source.breach(token.line, rule));
    }
    breaches
}

/// Whether the call that begins at `at`, with its `(` or its turbofish, has a `format!` in it.
fn formats(source: &Source, at: usize) -> bool {
    let call = after_turbofish(source, at);
    let mut depth = 0_usize;
    for (n, token) in source.tokens.iter().enumerate().skip(call) {
        match token.text.as_str() {
            "(" => depth += 1,
            ")" => depth = depth.saturating_sub(1),
            "format" if source.is(n + 1, "!") => return true,
            _ => {}
        }
        if depth == 0 {
            return false;
        }
    }
    false
}

/// The token after `::<…>`, if one begins at `at`.
fn after_turbofish(source: &Source, at: usize) -> usize {
    if !(source.is(at, "::") && source.is(at + 1, "<")) {
        return at;
    }
    let mut depth = 0_usize;
    for (n, token) in source.tokens.iter().enumerate().skip(at + 1) {
        match token.text.as_str() {
            "<" => depth += 1,
            ">" => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return n + 1;
        }
    }
    at
}

/// No query without a `Scope`, and no `Scope` without a credential. Tests may make their own.
fn scopes(source: &Source) -> Vec<Breach> {
    if SCOPE_MAKERS.iter().any(|place| source.path == *place || place.ends_with('/') && source.path.starts_with(place))
    {
        return Vec::new();
    }
    let mut breaches = Vec::new();
    for used in source.used().iter().filter(|used| !used.test) {
        if let [.., owner, made] = used.segments.as_slice()
            && owner == "Scope"
            && matches!(made.as_str(), "of_organisation" | "operator")
        {
            breaches.push(source.breach(used.line, format!("`Scope::{made}` is for the files in SCOPE_MAKERS")));
        }
    }
    for (at, token) in source.tokens.iter().enumerate().filter(|(_, token)| !token.test) {
        if token.text == "Scope" && source.is(at + 1, "as") {
            breaches.push(source.breach(token.line, "`Scope` keeps its name, so that its makers can be found"));
        }
    }
    breaches
}

/// What the file is for, in its first line.
fn front_page(source: &Source) -> Vec<Breach> {
    let first = source.text.lines().next().unwrap_or("");
    match first.strip_prefix("//! ") {
        Some(said) if !said.trim().is_empty() => Vec::new(),
        _ => vec![source.breach(1, "a file begins with `//!` and what it is for")],
    }
}

fn length(source: &Source) -> Vec<Breach> {
    let lines = source.text.lines().count();
    if lines <= LINES_MAX {
        return Vec::new();
    }
    vec![source.breach(LINES_MAX + 1, format!("{lines} lines: find the second module in it"))]
}

/// Files, folders and inline modules are named by what is in them.
fn names(source: &Source) -> Vec<Breach> {
    let file = source.module().into_iter().map(|name| (name, 1));
    let inline = source.tokens.windows(2).filter(|pair| pair[0].text == "mod" && is_name(&pair[1].text));
    file.chain(inline.map(|pair| (pair[1].text.as_str(), pair[1].line)))
        .filter(|(name, _)| NAMES_THAT_SAY_NOTHING.contains(name))
        .map(|(name, line)| source.breach(line, format!("`{name}` says nothing: name the thing in it")))
        .collect()
}

/// The names under `[dependencies]`, `[dev-dependencies]` and their kin, the workspace's list apart: what
/// stands there and nobody takes is no dependency.
fn dependencies(manifest: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut listed = false;
    for line in manifest.lines() {
        if let Some(table) = line.strip_prefix('[') {
            listed = table.trim_end_matches(']').ends_with("dependencies") && !table.starts_with("workspace");
        } else if listed && let Some((name, _)) = line.split_once(['.', '=', ' ']) {
            names.push(name.to_owned());
        }
    }
    names.retain(|name| is_name(name));
    names
}

/// The rules, shown what they must refuse and what they must let pass.
mod awake {
    use super::*;

    #[track_caller]
    fn refused(rule: fn(&Source) -> Vec<Breach>, path: &str, text: &str, at_line: usize) {
        let breaches = rule(&Source::new(path, text));
        let lines: Vec<usize> = breaches.iter().map(|breach| breach.line).collect();
        assert_eq!(lines, [at_line], "{path}:\n{text}");
    }

    #[track_caller]
    fn passes(rule: fn(&Source) -> Vec<Breach>, path: &str, text: &str) {
        let breaches: Vec<String> = rule(&Source::new(path, text)).iter().map(ToString::to_string).collect();
        assert!(breaches.is_empty(), "{breaches:?}\n{text}");
    }

    #[test]
    fn a_wrong_import_is_found_however_it_is_written() {
        let land = "src/land/admit.rs";
        refused(imports, land, "//! x\nuse crate::serve::auth;", 2);
        refused(imports, land, "use crate::{domain::Scope,\n serve};", 2);
        refused(imports, land, "use std::fmt;\nfn f() -> crate::arrive::Door {}", 2);
        refused(imports, land, "use super::super::ingest::Worker;", 1);
        refused(imports, land, "mod tests {\n use super::super::super::ingest::Worker;\n}", 2);
        refused(imports, "src/land/mod.rs", "use super::ingest::Worker;", 1);
        refused(imports, land, "use waybill_parsers::Finding;", 1);
        refused(imports, land, "use crate::*;", 1);
        refused(imports, land, "#[cfg(test)]\nmod tests {\n use crate::arrive::sftp;\n}", 3);
        refused(imports, "src/domain/id.rs", "use crate::record::Record;", 1);
        refused(imports, "src/kitchen/mod.rs", "", 1);
    }

    #[test]
    fn comments_strings_and_near_misses_are_no_imports() {
        let land = "src/land/admit.rs";
        passes(imports, land, "//! crate::serve\n/// [`crate::serve`]\n// use crate::serve;\n/* use crate::serve; */");
        passes(imports, land, "/* a /* b */ use crate::serve; */ use crate::domain::Id;");
        passes(imports, land, "const A: &str = \"crate::serve\"; const B: &str = r#\"\" crate::serve\"#;");
        passes(imports, land, "const Q: char = '\"'; use crate::record::Row; const R: char = '\"';");
        passes(imports, land, "fn f<'a>(x: &'a str) -> impl Iterator<Item = &'a str> + use<'a> { crate::land::g(x) }");
        passes(imports, land, "use super::session; mod tests { use super::super::session; }");
        passes(imports, "src/config/mod.rs", "use self::serve::Serve; mod serve { use super::serve; }");
        passes(imports, "src/daemon.rs", "use crate::{arrive, serve, telemetry};");
        passes(imports, "src/main.rs", "use waybill::serve;");
    }

    #[test]
    fn a_crate_that_must_not_be_known_is_found() {
        let x12 = "parsers/src/x12/mod.rs";
        refused(outside, x12, "use tokio::io::AsyncRead;", 1);
        refused(outside, x12, "use std::io;\nuse std::{collections::HashMap, fs};", 2);
        refused(outside, x12, "fn f() { std::net::TcpStream::connect(a); }", 1);
        refused(outside, x12, "use std::time::{Duration, SystemTime};", 1);
        refused(outside, "src/ledger/status.rs", "async fn f() { tokio::spawn(x); }", 1);
        refused(outside, "src/land/upload.rs", "use russh::server;", 1);
        passes(outside, x12, "use std::io::BufRead;\n#[cfg(test)]\nmod tests { use std::fs; }");
        refused(outside, x12, "#[cfg(test)]\nmod tests { fn f() {} }\nuse std::fs;", 3);
        passes(outside, "src/land/upload.rs", "use tokio::fs::File; // like russh::server\n");
    }

    #[test]
    fn a_parser_that_reads_the_clock_is_found() {
        refused(clock, "parsers/src/csv/mod.rs", "use jiff::Timestamp;\nfn f() { Timestamp::now(); }", 2);
        passes(clock, "parsers/src/csv/mod.rs", "fn f(now: Timestamp) { g(now) }");
        passes(clock, "src/domain/clock.rs", "fn f() { Timestamp::now(); }");
    }

    #[test]
    fn sql_in_the_wrong_place_or_made_of_strings_is_found() {
        refused(sql, "src/serve/api/files.rs", "fn f() { sqlx::query(\"select 1\"); }", 1);
        refused(sql, "src/daemon.rs", "use sqlx::SqlitePool;", 1);
        let record = "src/record/files.rs";
        refused(sql, record, "use sqlx::AssertSqlSafe;", 1);
        refused(sql, record, "fn f() {\n sqlx::query_as::<_, (i64,)>(&format!(\"select {x}\")).bind(1);\n}", 2);
        refused(sql, record, "use sqlx::QueryBuilder;\nfn f() { q.push(format!(\" and {x}\")); }", 2);
        refused(sql, record, "fn f() { let q = sqlx::QueryBuilder::new(format!(\"{x}\")); }", 1);
        passes(sql, record, "use sqlx::Row;\nfn f() { sqlx::query(\"select $1\").bind(format!(\"{x}%\")); }");
        passes(sql, record, "use sqlx::QueryBuilder;\nfn f() { q.push(\" and a = \").push_bind(format!(\"{x}\")); }");
    }

    #[test]
    fn a_scope_made_without_a_credential_is_found() {
        let files = "src/serve/api/files.rs";
        refused(scopes, files, "fn f() { Scope::operator(\"me\") }", 1);
        refused(scopes, files, "fn f() {\n crate::domain::Scope::of_organisation(id, \"me\") }", 2);
        refused(scopes, files, "fn f() { ids.map(Scope::operator) }", 1);
        refused(scopes, files, "use crate::domain::Scope as S;", 1);
        refused(scopes, "src/land/admit.rs.rs", "fn f() { Scope::operator(\"me\") }", 1);
        passes(scopes, files, "fn f(scope: &Scope) { scope.organisation() }");
        passes(scopes, files, "#[cfg(test)]\nmod tests { fn f() { Scope::operator(\"test\") } }");
        passes(scopes, "src/serve/auth.rs", "fn f() { Scope::operator(\"token\") }");
        passes(scopes, "src/cli/file.rs", "fn f() { Scope::operator(\"command line\") }");
    }

    #[test]
    fn a_file_without_a_front_page_is_found() {
        refused(front_page, "src/land/mod.rs", "use std::fmt;\n//! late\n", 1);
        refused(front_page, "src/land/mod.rs", "//! \n", 1);
        refused(front_page, "src/land/mod.rs", "", 1);
        passes(front_page, "src/land/mod.rs", "//! The dropbox behind every door.\n");
    }

    #[test]
    fn a_file_that_is_too_long_is_found() {
        refused(length, "src/land/mod.rs", &"//! x\n".repeat(LINES_MAX + 1), LINES_MAX + 1);
        passes(length, "src/land/mod.rs", &"//! x\n".repeat(LINES_MAX));
    }

    #[test]
    fn every_way_to_name_a_dependency_is_read() {
        let manifest = "[workspace.dependencies]\nunused = \"1\"\n[dependencies]\n# words = here\ncsv.workspace = true\n\
            toml = { version = \"1\" }\n\n[lib]\nname = \"x\"\n[target.'cfg(unix)'.dependencies]\nlibc=\"0\"\n\
            [dev-dependencies]\ntempfile.workspace = true\n";
        assert_eq!(dependencies(manifest), ["csv", "toml", "libc", "tempfile"]);
    }

    #[test]
    fn a_name_that_says_nothing_is_found() {
        refused(names, "src/land/utils.rs", "", 1);
        refused(names, "parsers/src/common/mod.rs", "", 1);
        refused(names, "src/land/mod.rs", "//! x\npub mod helpers {}", 2);
        passes(names, "src/land/utility_bill.rs", "mod commons {}");
    }
}
