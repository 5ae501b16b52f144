//! What senders tried, and what they were told. A line is on disk before it counts.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::Mutex;

use waybill::domain::Digest;

/// The journal of all senders of a run.
#[derive(Debug)]
pub(crate) struct Journal(Mutex<Inside>);

#[derive(Debug)]
struct Inside {
    file: File,
    tried: HashMap<String, Tried>,
    acknowledged: HashSet<String>,
}

/// A file somebody began to send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tried {
    pub(crate) digest: Digest,
    /// The sender hangs up before the end: it must never arrive.
    pub(crate) is_cut: bool,
}

impl Journal {
    pub(crate) fn create(path: &Path) -> Self {
        let file = File::create(path).unwrap();
        Self(Mutex::new(Inside { file, tried: HashMap::new(), acknowledged: HashSet::new() }))
    }

    pub(crate) fn tried(&self, name: &str, tried: Tried) {
        let mut inside = self.0.lock().unwrap();
        let line = format!("try {name} {} {}\n", tried.digest, if tried.is_cut { "cut" } else { "whole" });
        inside.write(&line);
        inside.tried.insert(name.to_owned(), tried);
    }

    pub(crate) fn acknowledged(&self, name: &str) {
        let mut inside = self.0.lock().unwrap();
        inside.write(&format!("ack {name}\n"));
        inside.acknowledged.insert(name.to_owned());
    }

    pub(crate) fn count_acknowledged(&self) -> usize {
        self.0.lock().unwrap().acknowledged.len()
    }

    pub(crate) fn all_tried(&self) -> HashMap<String, Tried> {
        self.0.lock().unwrap().tried.clone()
    }

    pub(crate) fn all_acknowledged(&self) -> HashSet<String> {
        self.0.lock().unwrap().acknowledged.clone()
    }
}

impl Inside {
    fn write(&mut self, line: &str) {
        self.file.write_all(line.as_bytes()).and_then(|()| self.file.sync_data()).unwrap();
    }
}
