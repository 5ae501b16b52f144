//! What was promised against what is there.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use waybill::domain::{ArrivalId, Scope};
use waybill::record::{DocumentFilter, EventFilter, FileFilter, FileStatus};

use super::Bench;
use super::journal::Journal;

/// How long what is queued may take to be read.
const DRAIN: Duration = Duration::from_secs(120);

/// Every broken promise, as a sentence. All daemons have to be up.
pub(crate) fn verify(bench: &Bench, journal: &Journal) -> Vec<String> {
    let house = &bench.houses[0];
    let mut broken = vec![];
    let began = Instant::now();
    while house.ask(async |record| record.queue_depth().await.ok()) != Some((0, 0)) {
        if began.elapsed() > DRAIN {
            broken.push("the queue does not drain, or a file was set aside".to_owned());
            break;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    let scope = Scope::operator("laboratory");
    let mut files = vec![];
    let mut after = None;
    loop {
        let page = house.ask(async |record| record.files(&scope, &FileFilter::default(), after.as_ref(), 1_000).await);
        let page = page.unwrap();
        files.extend(page.rows);
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    let (tried, acknowledged) = (journal.all_tried(), journal.all_acknowledged());
    let mut by_name: HashMap<&str, Vec<_>> = HashMap::new();
    for file in &files {
        by_name.entry(&file.name).or_default().push(file);
    }
    // Nothing acknowledged is lost, and it is what was sent.
    for name in &acknowledged {
        let sent = tried[name].digest.to_string();
        match by_name.get(name.as_str()).map(Vec::as_slice) {
            None | Some([]) => broken.push(format!("{name} was acknowledged and is lost")),
            Some([file]) if file.sha256 == sent => {}
            Some([file]) => broken.push(format!("{name} has the digest {}, not {sent}", file.sha256)),
            Some(many) => broken.push(format!("{name} was taken {} times", many.len())),
        }
    }
    for file in &files {
        // Nothing is there that nobody sent, or that its sender never finished.
        match tried.get(&file.name) {
            None => broken.push(format!("{} was never sent", file.name)),
            Some(tried) if tried.is_cut => broken.push(format!("{} was cut off and has arrived", file.name)),
            Some(tried) if tried.digest.to_string() != file.sha256 => {
                broken.push(format!("{} is not what was sent", file.name));
            }
            Some(_) => {}
        }
        match bench.digest_of(&file.object_key) {
            None => broken.push(format!("the original of {} is not there", file.name)),
            Some(digest) if digest.to_string() != file.sha256 => {
                broken.push(format!("the original of {} is not what was received", file.name));
            }
            Some(_) => {}
        }
        if matches!(file.status, FileStatus::Stored | FileStatus::Parsing | FileStatus::Quarantined) {
            broken.push(format!("{} is {} after everything was read", file.name, file.status.as_str()));
        }
    }
    // Nothing is taken twice: each content has one document, and was applied once.
    let contents: HashSet<&str> = files.iter().map(|file| file.sha256.as_str()).collect();
    let firsts: HashSet<ArrivalId> =
        files.iter().filter(|file| file.duplicate_of.is_none()).map(|file| file.id).collect();
    if firsts.len() != contents.len() {
        broken.push(format!("{} contents have {} effects", contents.len(), firsts.len()));
    }
    let mut of_file: HashMap<ArrivalId, usize> = HashMap::new();
    let mut after = None;
    loop {
        let filter = DocumentFilter::default();
        let page = house.ask(async |record| record.documents(&scope, &filter, after.as_ref(), 1_000).await).unwrap();
        for document in page.rows {
            *of_file.entry(document.file).or_default() += 1;
        }
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    for file in &firsts {
        let count = of_file.get(file).copied().unwrap_or(0);
        if count != 1 {
            broken.push(format!("{file} has {count} documents, not 1"));
        }
    }
    for kind in ["file.received", "file.applied"] {
        let mut told: HashMap<ArrivalId, usize> = HashMap::new();
        let filter = EventFilter { kinds: [kind.to_owned()].into(), ..EventFilter::default() };
        let mut after = 0;
        loop {
            let events = house.ask(async |record| record.events_after(&scope, &filter, after, 1_000).await).unwrap();
            let Some(last) = events.last() else { break };
            after = last.seq;
            for file in events.iter().filter_map(|event| event.file) {
                *told.entry(file).or_default() += 1;
            }
        }
        for file in &firsts {
            let count = told.get(file).copied().unwrap_or(0);
            if count != 1 {
                broken.push(format!("{kind} was told {count} times of {file}"));
            }
        }
    }
    broken
}
