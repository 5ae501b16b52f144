//! The rules of the policy, one by one.

use serde_json::{Value, json};

use super::*;

const NOW: Timestamp = Timestamp::from_micros(1_772_504_047_000_000);

fn changed(changes: &Value) -> Result<AccountPolicy, Vec<PolicyFault>> {
    AccountPolicy::default().changed(changes.as_object().unwrap())
}

fn policy(changes: &Value) -> Policy {
    changed(changes).unwrap().over(&Policy::default())
}

#[test]
fn who_is_disabled_expired_or_elsewhere_is_not_admitted() {
    let here = "192.0.2.7".parse().unwrap();
    assert_eq!(Policy::default().admits(here, NOW), Ok(()));
    assert_eq!(policy(&json!({"disabled": true})).admits(here, NOW), Err(NotAdmitted::Disabled));
    let until = policy(&json!({"valid_until": "2026-03-03T02:14:07Z"}));
    assert_eq!(until.admits(here, NOW.plus_micros(-1)), Ok(()));
    assert_eq!(until.admits(here, NOW), Err(NotAdmitted::Expired(NOW)));
    // A bare day is a whole day.
    let until = policy(&json!({"valid_until": "2026-03-03"}));
    assert_eq!(until.valid_until.unwrap().to_string(), "2026-03-04T00:00:00.000000Z");
    let only = policy(&json!({"allowed_addresses": ["192.0.2.0/24", "2001:db8::/32"]}));
    for (address, admitted) in
        [("192.0.2.255", true), ("::ffff:192.0.2.7", true), ("2001:db8::9", true), ("192.0.3.1", false), ("::1", false)]
    {
        assert_eq!(only.admits(address.parse().unwrap(), NOW).is_ok(), admitted, "{address}");
    }
    let refused = only.admits("::ffff:198.51.100.1".parse().unwrap(), NOW).unwrap_err();
    assert_eq!((refused.code(), refused.to_string().starts_with("198.51.100.1 is not")), ("ip_not_allowed", true));
}

#[test]
fn each_permission_is_refused_with_a_sentence_of_its_own() {
    let none = policy(&json!({"permissions": []}));
    let mut sentences = BTreeSet::new();
    for permission in Permission::ALL {
        assert!(Policy::default().permits(permission).is_ok());
        let refused = none.permits(permission).unwrap_err();
        assert!(refused.sentence.contains("ask the operator"));
        sentences.insert(refused.sentence);
        let only = policy(&json!({"permissions": [permission.as_str()]}));
        for other in Permission::ALL {
            assert_eq!(only.permits(other).is_ok(), other == permission, "{other:?}");
        }
    }
    assert_eq!(sentences.len(), Permission::ALL.len());
}

#[test]
fn names_are_asked_about_unless_they_are_temporary() {
    let policy = policy(&json!({"name_patterns": ["*.edi", "INV[0-9]*.csv"]}));
    let takes = |name: &str| policy.takes_name(&FileName::parse(name).unwrap());
    for name in ["a.edi", "INV7.csv", "A.EDI", "a.exe.filepart", "tmp4711.tmp"] {
        assert_eq!(takes(name), Ok(()), "{name}");
    }
    let refused = takes("a.exe").unwrap_err();
    assert_eq!(refused.code, "name_rejected");
    assert!(refused.sentence.contains("*.edi or INV[0-9]*.csv"), "{}", refused.sentence);
}

#[test]
fn a_quota_allows_what_fits_and_warns_once_on_the_way() {
    let quota = policy(&json!({"quota_bytes": 100, "quota_files": 10})).quota();
    let usage = |bytes, files| Usage { bytes, files };
    assert!(quota.allows(usage(100, 10)).is_ok());
    assert!(quota.allows(usage(101, 1)).unwrap_err().sentence.contains("100 bytes"));
    assert!(quota.allows(usage(1, 11)).unwrap_err().sentence.contains("10 files"));
    assert_eq!(quota.warning(usage(70, 1), usage(79, 2)), None);
    assert!(quota.warning(usage(79, 2), usage(80, 3)).unwrap().contains("80 of the quota's 100 bytes"));
    assert_eq!(quota.warning(usage(80, 3), usage(99, 4)), None, "said already");
    assert!(quota.warning(usage(0, 7), usage(0, 8)).unwrap().contains("8 of the quota's 10 files"));
    assert_eq!(Quota::default().warning(usage(0, 0), usage(u64::MAX, u64::MAX)), None);
    assert!(Quota::default().allows(usage(u64::MAX, u64::MAX)).is_ok());
    let silent = Quota { warning_percent: 0, ..quota };
    assert_eq!(silent.warning(usage(0, 0), usage(100, 10)), None);
}

#[test]
fn what_an_account_does_not_say_is_as_for_every_account() {
    let defaults = Policy { quota_files: 5, bandwidth: 99_999, ..Policy::default() };
    let own = changed(&json!({"quota_files": 0, "file_max": 7})).unwrap();
    let policy = own.over(&defaults);
    assert_eq!((policy.quota_files, policy.bandwidth, policy.file_max), (0, 99_999, 7));
    // `null` takes a setting back, and what is not named stays.
    let again = own.changed(json!({"quota_files": null}).as_object().unwrap()).unwrap();
    assert_eq!((again.over(&defaults).quota_files, again.file_max), (5, Some(7)));
    // What is written down is what is read back.
    let text = serde_json::to_string(&own).unwrap();
    assert_eq!(serde_json::from_str::<AccountPolicy>(&text).unwrap(), own);
    let written = serde_json::to_value(AccountPolicy::default()).unwrap();
    let names: Vec<&str> = written.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(names, AccountPolicy::SETTINGS);
}

#[test]
fn a_change_that_cannot_be_is_refused_whole_and_says_why() {
    for (change, says) in [
        (json!({"colour": "red"}), "known: disabled"),
        (json!({"disabled": "yes"}), "true or false"),
        (json!({"valid_until": "soon"}), "is not a time"),
        (json!({"valid_until": 7}), "moment"),
        (json!({"allowed_addresses": "10.0.0.0/8"}), "list of texts"),
        (json!({"allowed_addresses": ["10.0.0.1/8"]}), "did you mean 10.0.0.0/8"),
        (json!({"allowed_addresses": vec!["10.0.0.1"; 101]}), "100 addresses"),
        (json!({"permissions": ["upload", "fly"]}), "`fly` is not a permission"),
        (json!({"quota_bytes": -1}), "whole number"),
        (json!({"quota_bytes": 1.5}), "whole number"),
        (json!({"quota_files": u64::MAX}), "0 is no limit"),
        (json!({"bandwidth": 100}), "16384 bytes per second"),
        (json!({"name_patterns": ["["]}), "has no `]`"),
        (json!({"name_patterns": vec!["*"; 33]}), "32 patterns"),
        (json!({"tolerate_missing_close_notify": 1}), "true or false"),
    ] {
        let faults = changed(&change).unwrap_err();
        assert!(faults.len() == 1 && faults[0].message.contains(says), "{change}: {faults:?}");
        assert_eq!(change.as_object().unwrap().keys().next(), Some(&faults[0].setting));
    }
    let both = changed(&json!({"quota_bytes": -1, "disabled": 0, "file_max": 1})).unwrap_err();
    assert_eq!(both.len(), 2);
}
