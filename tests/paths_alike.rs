//! One parser for every path: ten thousand ordinary and hostile ones come to the same through SFTP, FTPS and REST, to
//! the word. (Others were broken into because two of their doors read a path differently.)

use std::collections::{BTreeSet, HashMap, HashSet};
use std::fmt::Write as _;
use std::time::Instant;

use reqwest::Method;
use waybill::domain::FileName;

use crate::api::Client;
use crate::ftps_clients::python;
use crate::house::{FTPS, House};
use crate::wire::{self, CLOSE, Connection, FOR_WRITING, OPEN, string};

const PATHS: usize = 10_000;
/// How many of them may be names a file can have: each lands three times.
const LANDING_MAX: usize = 360;
const STAT: u8 = 17;

/// What a path came to.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Outcome {
    /// A file of this name.
    File(String),
    /// Not, in these words.
    Refused(String),
}

/// What lies under a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Found {
    File,
    Folder,
    Nothing,
}

/// Numbers that look like chance and are the same every time (xorshift64).
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % end as u64).unwrap()
    }

    fn of<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }
}

const BEFORE: [&[u8]; 24] = [
    b"",
    b"/",
    b"/drop/",
    b"drop/",
    b"./",
    b"//drop//",
    b"/drop/./",
    b"/./drop/",
    b"../",
    b"/drop/../",
    b"/../../",
    b"a/../",
    b"..\\",
    b"....//",
    b"/etc/",
    b"/drop/sub/",
    b"/drop/drop/",
    b"C:\\",
    b"\\\\host\\share\\",
    b"~/",
    b"/drop\0/",
    b"/DROP/",
    b"%2e%2e%2f",
    b"/drop/..;/",
];
const PIECES: [&[u8]; 64] = [
    b"\0",
    b"\r",
    b"\n",
    b"\t",
    b"\x1b[2J",
    b"\x7f",
    b"\xc2\x80",
    b"\xc2\x85",
    b"\xc2\x9f",
    b"\xff",
    b"\xfe\xff",
    b"\xc0\xaf",
    b"\xc0\x80",
    b"\xed\xa0\x80",
    b"\xe2\x82",
    b"\xf4\x90\x80\x80",
    b"\xe9",
    "\u{202e}".as_bytes(),
    "\u{202a}".as_bytes(),
    "\u{2066}".as_bytes(),
    "\u{2069}".as_bytes(),
    "\u{200b}".as_bytes(),
    "\u{200d}".as_bytes(),
    "\u{200f}".as_bytes(),
    "\u{feff}".as_bytes(),
    "\u{fffd}".as_bytes(),
    "\u{ad}".as_bytes(),
    "\u{61c}".as_bytes(),
    "\u{180e}".as_bytes(),
    "\u{2028}".as_bytes(),
    "\u{2029}".as_bytes(),
    "\u{2060}".as_bytes(),
    "\u{e0041}".as_bytes(),
    "\u{e007f}".as_bytes(),
    b"\\",
    b"/",
    b"//",
    b"/./",
    b"/../",
    b"..",
    b"\r\n",
    b"\x08",
    b"\x01",
    b"\x1f",
    "\u{2044}".as_bytes(),
    "\u{2215}".as_bytes(),
    "\u{ff0f}".as_bytes(),
    "\u{ff0e}\u{ff0e}".as_bytes(),
    "\u{e9}".as_bytes(),
    "e\u{301}".as_bytes(),
    "\u{1f4c4}".as_bytes(),
    "\u{a0}".as_bytes(),
    b"%",
    b"+",
    b"&",
    b"#",
    b"=",
    b" ",
    b".",
    b"*",
    b"?",
    b"\"",
    b"<|>",
    b"~",
];
const NAMES: [&str; 40] = [
    "",
    ".",
    "..",
    "...",
    ". .",
    ".hidden",
    "a.",
    "a..",
    "a. ",
    " a",
    "a ",
    "-la",
    "-",
    "~",
    "~root",
    "CON",
    "nul.txt",
    "aux.",
    "x.OK",
    ".OK",
    "x.ok",
    "x.ERRORS.csv",
    ".ERRORS.csv",
    "x.errors.csv",
    "x.edi.filepart",
    "X.TMP",
    ".tmp",
    "x.part.part",
    "/",
    "/drop",
    "/drop/",
    "drop",
    "//",
    "drop/",
    "/drop/.",
    "./",
    "etc/passwd",
    "a;b",
    "a:b",
    "desktop.ini",
];

/// A file may have this name, or not.
fn may_land(path: &[u8]) -> bool {
    waybill::domain::VirtualPath::parse(path).is_ok_and(|path| matches!(path, waybill::domain::VirtualPath::File(_)))
}

fn paths() -> Vec<Vec<u8>> {
    let mut chance = Chance(0x0005_eed0_fba7_7e57);
    let (mut paths, mut known, mut landing) = (vec![], HashSet::new(), 0);
    let mut add = |path: Vec<u8>| {
        let lands = may_land(&path);
        if paths.len() == PATHS || lands && landing == LANDING_MAX || !known.insert(path.clone()) {
            return paths.len() < PATHS;
        }
        landing += usize::from(lands);
        paths.push(path);
        true
    };
    for name in NAMES {
        add(name.as_bytes().to_vec());
    }
    for len in (250..260).chain(4_085..4_110).chain([1_000, 5_000, 6_000]) {
        add(vec![b'x'; len]);
        add([&b"/drop/"[..], &vec![b'y'; len]].concat());
        add([&vec![b'/'; len][..], b"z"].concat());
        add("\u{e9}".repeat(len / 2).into_bytes());
    }
    for piece in PIECES {
        for before in BEFORE {
            add([before, b"a", piece, b"b"].concat());
        }
        add(piece.to_vec());
        add([piece, &b"a"[..]].concat());
        add([&b"a"[..], piece].concat());
    }
    for number in 0.. {
        let mut path = chance.of(&BEFORE).to_vec();
        match chance.below(4) {
            0 => path.extend_from_slice(chance.of(&NAMES).as_bytes()),
            1 => path.extend((0..chance.below(24)).map(|_| u8::try_from(chance.below(256)).unwrap())),
            _ => path.extend_from_slice(format!("n{number}").as_bytes()),
        }
        for _ in 0..chance.below(3) {
            let at = chance.below(path.len() + 1);
            let piece = *chance.of(&PIECES);
            path.splice(at..at, piece.iter().copied());
        }
        if !add(path) {
            break;
        }
    }
    paths
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn encoded(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "%{byte:02X}");
        text
    })
}

/// Through SFTP: OPEN, and CLOSE where there is something to close; then STAT of everything in northwind's drop.
fn over_sftp(house: &House, paths: &[Vec<u8>]) -> Vec<Outcome> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    runtime.block_on(async {
        let mut wire = Connection::open(house, "by-sftp").await.sftp().await;
        let mut outcomes = vec![];
        for path in paths {
            let reply = wire.ask(OPEN, 1, &[&string(path), &FOR_WRITING.to_be_bytes(), &[0; 4]]).await;
            if reply.kind != 102 {
                outcomes.push(Outcome::Refused(reply.status().1));
                continue;
            }
            let closed = wire.ask(CLOSE, 2, &[&reply.body]).await.status();
            // Which name it has is read from the record: arrivals come in this order.
            outcomes.push(if closed.0 == 0 { Outcome::File(String::new()) } else { Outcome::Refused(closed.1) });
        }
        outcomes
    })
}

fn found_over_sftp(house: &House, paths: &[Vec<u8>]) -> Vec<Found> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    runtime.block_on(async {
        let mut wire = Connection::open(house, "northwind").await.sftp().await;
        let mut found = vec![];
        for path in paths {
            let reply = wire.ask(STAT, 1, &[&string(path)]).await;
            found.push(if reply.kind != 105 {
                Found::Nothing
            } else if reply.body[12..16] == 0o040_755_u32.to_be_bytes() {
                Found::Folder
            } else {
                Found::File
            });
        }
        found
    })
}

/// Through FTPS: STOR with an empty file; then SIZE. What has a line feed in it cannot be said in FTP.
fn over_ftps(house: &House, paths: &[Vec<u8>]) -> (Vec<Option<Outcome>>, Vec<Option<Found>>) {
    let lines: Vec<String> = paths.iter().map(|path| hexadecimal(path)).collect();
    house.file("paths.hex", lines.join("\n"));
    let said = python(
        house,
        r#"
ftp = client()
ftp.voidcmd("TYPE I")
paths = [bytes.fromhex(line.strip("\n")) for line in open("paths.hex")]
way = None
def ask(verb, path):
    ftp.sock.sendall(verb + b" " + path + b"\r\n")
    return ftp.getmultiline()
for path in paths:
    if b"\n" in path:
        print("-")
        continue
    if way is None:
        way = ftp.makepasv()
    reply = ask(b"STOR", path)
    if reply.startswith("150 "):
        data = CONTEXT.wrap_socket(socket.create_connection(way, timeout=30))
        try:
            data.unwrap()
        except OSError:
            pass
        data.close()
        way = None
        last = ftp.getmultiline()
        if not last.startswith("226 "):
            reply = last
    print(reply.encode("utf-8", "surrogateescape").hex())
for path in paths:
    print("-" if b"\n" in path else ask(b"SIZE", path).encode("utf-8", "surrogateescape").hex())
"#,
    );
    let replies: Vec<Option<String>> = said
        .lines()
        .map(|line| {
            (line != "-").then(|| {
                let bytes = (0..line.len()).step_by(2).map(|at| u8::from_str_radix(&line[at..at + 2], 16).unwrap());
                String::from_utf8(bytes.collect()).unwrap()
            })
        })
        .collect();
    assert_eq!(replies.len(), 2 * paths.len());
    let (stored, sized) = replies.split_at(paths.len());
    let stored = stored.iter().map(|reply| {
        reply.as_ref().map(|reply| match reply.strip_prefix("150 send /drop/") {
            Some(name) => Outcome::File(name.to_owned()),
            None => Outcome::Refused(reply[4..].to_owned()),
        })
    });
    let sized = sized.iter().map(|reply| {
        reply.as_ref().map(|reply| match reply.as_str() {
            reply if reply.starts_with("213 ") => Found::File,
            "550 this is a folder" => Found::Folder,
            reply => {
                assert!(reply.starts_with("550 ") || reply.starts_with("501 "), "{reply}");
                Found::Nothing
            }
        })
    });
    (stored.collect(), sized.collect())
}

/// Through REST: POST in the name of an account; then a look for the name.
fn over_rest(house: &House, client: &Client<'_>, paths: &[Vec<u8>]) -> Vec<Outcome> {
    let client = client.lasting();
    house.ask(async move |_| {
        let mut outcomes = vec![];
        for path in paths {
            let request = client.request(Method::POST, &format!("/v1/files?account=by-rest&name={}", encoded(path)));
            let response = request.send().await.unwrap();
            let status = response.status();
            let body: serde_json::Value = serde_json::from_slice(&response.bytes().await.unwrap()).unwrap();
            outcomes.push(match status.as_u16() {
                201 => Outcome::File(body["name"].as_str().unwrap().to_owned()),
                400 => Outcome::Refused(body["detail"].as_str().unwrap().to_owned()),
                _ => panic!("{status} {body}"),
            });
        }
        outcomes
    })
}

fn found_over_rest(house: &House, client: &Client<'_>, paths: &[Vec<u8>]) -> Vec<Found> {
    let client = client.lasting();
    house.ask(async move |_| {
        let look_for = async |name: &[u8]| {
            let request = client.request(Method::GET, &format!("/v1/files?limit=1&name={}", encoded(name)));
            let response = request.send().await.unwrap();
            let status = response.status().as_u16();
            (status, serde_json::from_slice::<serde_json::Value>(&response.bytes().await.unwrap()).unwrap())
        };
        let mut found = vec![];
        for path in paths {
            found.push(match look_for(path).await {
                (200, body) if !body["data"].as_array().unwrap().is_empty() => Found::File,
                // Answers are no files of their own there: each is named by the file it answers.
                (200, _) => {
                    let base = [&b".OK"[..], b".ERRORS.csv"].iter().find_map(|suffix| path.strip_suffix(*suffix));
                    let answered = match base {
                        Some(base) if may_land(base) => look_for(base).await.1["data"][0]["answer"].clone(),
                        _ => serde_json::Value::Null,
                    };
                    let name = path.rsplit(|byte| *byte == b'/').next().unwrap();
                    if answered.as_str().is_some_and(|answer| answer.as_bytes() == name) {
                        Found::File
                    } else {
                        Found::Nothing
                    }
                }
                (400, body) if body["detail"].as_str().unwrap().contains("is a folder") => Found::Folder,
                (400, _) => Found::Nothing,
                other => panic!("{other:?}"),
            });
        }
        found
    })
}

#[test]
fn ten_thousand_paths_come_to_the_same_through_every_door() {
    let started = Instant::now();
    let house = House::with(&FTPS);
    wire::supplier(&house, "northwind");
    wire::supplier(&house, "by-sftp");
    house.supplier("by-rest");
    let paths = paths();
    let names: HashSet<&Vec<u8>> = paths.iter().collect();
    assert_eq!(names.len(), PATHS);
    let operator = Client::of(&house, None);
    let (sftp, (ftps, ftps_found), rest) = std::thread::scope(|scope| {
        let sftp = scope.spawn(|| over_sftp(&house, &paths));
        let ftps = scope.spawn(|| over_ftps(&house, &paths));
        let rest = over_rest(&house, &operator, &paths);
        (sftp.join().unwrap(), ftps.join().unwrap(), rest)
    });
    // What SFTP's files are called, in the order in which they came.
    let files = house.files();
    let mut by_sftp = files.iter().rev().filter(|file| file.login == "by-sftp").map(|file| file.name.clone());
    let sftp: Vec<Outcome> = sftp
        .into_iter()
        .map(|outcome| match outcome {
            Outcome::File(_) => Outcome::File(by_sftp.next().expect("a file for each OK")),
            refused => refused,
        })
        .collect();
    assert_eq!(by_sftp.next(), None, "more files than were said to be safe");

    let (mut landed, mut sentences, mut unsayable) = (0, HashMap::<&str, usize>::new(), 0);
    for (at, path) in paths.iter().enumerate() {
        let shown = path.escape_ascii();
        // Over HTTP there is no renaming, so a name for unfinished files is refused there, and only there.
        match &sftp[at] {
            Outcome::File(name) if FileName::parse(name).unwrap().is_temporary() => {
                let Outcome::Refused(sentence) = &rest[at] else { panic!("{shown}: {:?}", rest[at]) };
                assert!(sentence.contains("unfinished files"), "{shown}: {sentence}");
            }
            outcome => assert_eq!(outcome, &rest[at], "{shown}: SFTP and REST"),
        }
        match &ftps[at] {
            None => unsayable += 1,
            // A command without its argument is FTP's own mistake to name.
            Some(_) if path.is_empty() => {}
            Some(outcome) => assert_eq!(&sftp[at], outcome, "{shown}: SFTP and FTPS"),
        }
        match &sftp[at] {
            Outcome::File(_) => landed += 1,
            Outcome::Refused(sentence) => *sentences.entry(sentence).or_default() += 1,
        }
    }
    // The same files stand in the three drops.
    let names_of = |login: &str| -> BTreeSet<&str> {
        files.iter().filter(|file| file.login == login).map(|file| file.name.as_str()).collect()
    };
    let is_temporary = |name: &&str| FileName::parse(name).unwrap().is_temporary();
    assert_eq!(names_of("by-sftp"), names_of("northwind"));
    assert_eq!(
        names_of("by-sftp").into_iter().filter(|name| !is_temporary(name)).collect::<BTreeSet<_>>(),
        names_of("by-rest")
    );

    // And looking for one finds the same, or nothing, through each.
    let owner = Client::of(&house, Some(files.iter().find(|file| file.login == "northwind").unwrap().organisation));
    let (by_sftp, by_rest) = std::thread::scope(|scope| {
        let sftp = scope.spawn(|| found_over_sftp(&house, &paths));
        let rest = found_over_rest(&house, &owner, &paths);
        (sftp.join().unwrap(), rest)
    });
    let mut found = HashMap::<String, usize>::new();
    for (at, path) in paths.iter().enumerate() {
        let shown = path.escape_ascii();
        *found.entry(format!("{:?}", by_sftp[at])).or_default() += 1;
        assert_eq!(by_sftp[at], by_rest[at], "{shown}: SFTP and REST find");
        if let Some(by_ftps) = ftps_found[at].filter(|_| !path.is_empty()) {
            assert_eq!(by_sftp[at], by_ftps, "{shown}: SFTP and FTPS find");
        }
    }
    println!("{landed} landed, {unsayable} cannot be said in FTP, {:?}", started.elapsed());
    println!("{sentences:#?}\n{found:?}");
    assert!(landed > 300 && sentences.len() >= 9 && found.len() == 3, "the paths prove little");
    assert!((1..2_500).contains(&unsayable));
}
