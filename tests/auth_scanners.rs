//! What `ssh-audit` and `sslyze` say of the doors.

use std::path::PathBuf;
use std::process::Command;

use rcgen::{ExtendedKeyUsagePurpose, SanType};
use serde_json::Value;
use waybill::domain::Timestamp;

use crate::auth_ftps::Authority;
use crate::house::{FTPS, House};

/// A program beside the tests' Python.
fn scanner(program: &str) -> Command {
    let python = PathBuf::from(std::env::var("WAYBILL_TEST_PYTHON").unwrap_or_else(|_| "python3".to_owned()));
    Command::new(python.with_file_name(program))
}

#[test]
fn ssh_audit_finds_nothing_but_the_key_exchange_for_clients_without_quantum_computers_in_mind() {
    let house = House::open();
    let done = scanner("ssh-audit")
        .args(["--json", "--skip-rate-test", "--port", &house.sftp().port().to_string(), "127.0.0.1"])
        .output()
        .unwrap();
    let said: Value = serde_json::from_slice(&done.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&done.stderr)));
    let mut names = vec![];
    for kind in ["kex", "key", "enc", "mac"] {
        for algorithm in said[kind].as_array().unwrap() {
            let name = algorithm["algorithm"].as_str().unwrap();
            names.push(name.to_owned());
            assert!(algorithm["notes"]["fail"].is_null(), "{algorithm}");
            for warning in algorithm["notes"]["warn"].as_array().into_iter().flatten() {
                assert!(name.starts_with("curve25519-sha256"), "{algorithm}");
                assert_eq!(warning, "does not provide protection against post-quantum attacks");
            }
        }
    }
    assert_eq!(said["cves"], serde_json::json!([]));
    assert_eq!(said["kex"][0]["algorithm"], "mlkem768x25519-sha256");
    for expected in ["kex-strict-s-v00@openssh.com", "ssh-ed25519", "chacha20-poly1305@openssh.com"] {
        assert!(names.iter().any(|name| name == expected), "{names:?}");
    }
    assert_eq!(said["key"].as_array().unwrap().len(), 1, "one host key");
}

#[test]
fn sslyze_finds_mozillas_intermediate_at_both_ftps_doors() {
    let authority = Authority::new("An Authority");
    let names = vec![SanType::DnsName("localhost".try_into().unwrap())];
    // Mozilla wants no longer than 366 days: from this month on, ten.
    let now = Timestamp::now().to_string();
    let this = now[..4].parse::<i32>().unwrap() * 12 + now[5..7].parse::<i32>().unwrap() - 1;
    let month = |month: i32| (month / 12, u8::try_from(month % 12 + 1).unwrap());
    let time = [month(this), month(this + 10)];
    let (certificate, key) = authority.issue_for(1, "localhost", names, ExtendedKeyUsagePurpose::ServerAuth, time);
    let mut settings = FTPS.to_vec();
    settings.push(("WAYBILL_TLS_CERTIFICATE", certificate.to_str().unwrap()));
    settings.push(("WAYBILL_TLS_KEY", key.to_str().unwrap()));
    let house = House::with(&settings);
    let implicit = house.ready().address("ftps-implicit").unwrap();
    for (address, starttls) in [(house.ftps(), Some("--starttls=ftp")), (implicit, None)] {
        let mut sslyze = scanner("sslyze");
        sslyze.args(starttls).args(["--mozilla_config=intermediate", "--certinfo_ca_file"]);
        let done = sslyze.arg(authority.certificate()).arg(format!("localhost:{}", address.port())).output().unwrap();
        let said = String::from_utf8_lossy(&done.stdout).into_owned();
        let verdict = said.split("COMPLIANCE AGAINST").nth(1).unwrap_or(&said);
        assert!(verdict.contains("OK - Compliant"), "{starttls:?}: {said}{}", String::from_utf8_lossy(&done.stderr));
    }
}
