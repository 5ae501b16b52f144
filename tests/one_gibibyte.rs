//! A 1 GiB file goes up and down in bounded memory.

use std::io::{Read, Write};
use std::process::{Command, Stdio};

use crate::curl;
use crate::house::{House, PASSWORD};
use waybill::domain::Hasher;

const MIB: usize = 1 << 20;
const SIZE_MIB: usize = 1024;
const PEAK_KIB_MAX: u64 = 64 * 1024;

#[test]
fn a_gibibyte_goes_up_and_down_and_costs_less_than_64_mib() {
    let house = House::open();
    house.supplier("northwind");
    let path = house.folder().join("big.bin");
    let sent = {
        let mut file = std::fs::File::create(&path).unwrap();
        let mut hasher = Hasher::default();
        let mut block = vec![0_u8; MIB];
        for number in 0..SIZE_MIB {
            for (place, byte) in block.iter_mut().enumerate().step_by(64) {
                *byte = (place / 64 + number * 7) as u8;
            }
            hasher.update(&block);
            file.write_all(&block).unwrap();
        }
        hasher.finish()
    };
    curl::put_ok(&house, "northwind", &path, "big.bin");
    std::fs::remove_file(&path).unwrap();
    let arrived = house.settled("big.bin");
    assert_eq!((arrived.size_bytes as usize, arrived.sha256.as_str()), (SIZE_MIB * MIB, sent.to_string().as_str()));
    let mut curl = Command::new("curl")
        .args(["-sS", "-k", "--user", &format!("northwind:{PASSWORD}")])
        .arg(format!("sftp://{}/drop/big.bin", house.sftp()))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut pipe = curl.stdout.take().unwrap();
    let mut hasher = Hasher::default();
    let mut block = vec![0_u8; MIB];
    loop {
        match pipe.read(&mut block).unwrap() {
            0 => break,
            count => hasher.update(&block[..count]),
        }
    }
    assert!(curl.wait().unwrap().success());
    assert_eq!(hasher.finish(), sent);
    let peak = house.peak_memory_kib();
    println!("peak memory of the daemon: {} KiB", peak);
    assert!(peak < PEAK_KIB_MAX, "the daemon held {peak} KiB at once");
}
