//! How suppliers and payers come together, and who does not get in.

use proptest::prelude::*;
use rust_decimal::Decimal;
use waybill_parsers::canonical::Text;

use super::*;
use crate::domain::Digest;
use crate::ledger::money::Currency;
use crate::ledger::number::Keys;

use ConnectionEvent as E;
use ConnectionStatus as S;

const PROVED: E = E::Request { is_proved: true, needs_approval: false };
const ASKED: E = E::Request { is_proved: false, needs_approval: false };
const ACCEPT_PAYER: E = E::Accept { by: Party::Payer };
const ACCEPT_SUPPLIER: E = E::Accept { by: Party::Supplier };
const DECLINE_PAYER: E = E::Decline { by: Party::Payer };
const DECLINE_SUPPLIER: E = E::Decline { by: Party::Supplier };
const REVOKE_PAYER: E = E::Revoke { by: Party::Payer };
const REVOKE_SUPPLIER: E = E::Revoke { by: Party::Supplier };

fn after(events: &[E]) -> Result<Connection, ConnectionRefusal> {
    let mut connection = None;
    for event in events {
        connection = Some(Connection::after(connection.as_ref(), *event)?);
    }
    connection.ok_or(ConnectionRefusal::None)
}

#[test]
fn the_life_of_a_connection_is_this_table() {
    for (events, status, access) in [
        (&[E::Invite] as &[E], S::Invited, Access::Full),
        (&[E::Invite, ACCEPT_SUPPLIER], S::Accepted, Access::Full),
        (&[E::Invite, ASKED], S::Accepted, Access::Full),
        (&[E::Invite, DECLINE_SUPPLIER], S::Declined, Access::Full),
        (&[E::Invite, REVOKE_PAYER], S::Revoked, Access::Full),
        (&[ASKED], S::Requested, Access::ReadOnly),
        (&[ASKED, E::Invite], S::Accepted, Access::Full),
        (&[ASKED, ACCEPT_PAYER], S::Accepted, Access::Full),
        (&[ASKED, DECLINE_PAYER], S::Declined, Access::ReadOnly),
        (&[ASKED, PROVED], S::Accepted, Access::ReadOnly),
        (&[PROVED], S::Accepted, Access::ReadOnly),
        (&[PROVED, ACCEPT_PAYER], S::Accepted, Access::Full),
        (&[E::Request { is_proved: true, needs_approval: true }], S::Requested, Access::ReadOnly),
        (&[PROVED, E::Suspend], S::Suspended, Access::ReadOnly),
        (&[PROVED, E::Suspend, E::Resume], S::Accepted, Access::ReadOnly),
        (&[E::Invite, ACCEPT_SUPPLIER, E::Suspend, REVOKE_SUPPLIER], S::Revoked, Access::Full),
        (&[PROVED, REVOKE_SUPPLIER, PROVED], S::Accepted, Access::ReadOnly),
    ] {
        let connection = after(events).unwrap();
        assert_eq!((connection.status, connection.access), (status, access), "{events:?}");
    }
}

#[test]
fn a_payer_who_said_no_is_asked_whatever_can_be_proved() {
    for ended in [
        [ASKED, DECLINE_PAYER].as_slice(),
        &[PROVED, REVOKE_PAYER],
        &[E::Invite, REVOKE_PAYER],
        &[PROVED, E::Suspend, REVOKE_SUPPLIER],
        &[PROVED, REVOKE_SUPPLIER, REVOKE_PAYER],
    ] {
        let asked = [ended, &[PROVED]].concat();
        assert_eq!(after(&asked).unwrap().status, S::Requested, "{asked:?}");
        let again = [ended, &[PROVED, PROVED]].concat();
        assert_eq!(after(&again).unwrap().status, S::Requested, "{again:?}");
        let around = [ended, &[PROVED, REVOKE_SUPPLIER, PROVED]].concat();
        assert_eq!(after(&around).unwrap().status, S::Requested, "{around:?}");
        let agreed = [ended, &[PROVED, ACCEPT_PAYER]].concat();
        assert_eq!(after(&agreed).unwrap().access, Access::Full);
    }
}

#[test]
fn nobody_answers_for_the_other_side() {
    for events in [
        [E::Invite, ACCEPT_PAYER],
        [E::Invite, DECLINE_PAYER],
        [E::Invite, REVOKE_SUPPLIER],
        [ASKED, ACCEPT_SUPPLIER],
        [ASKED, DECLINE_SUPPLIER],
    ] {
        assert_eq!(after(&events), Err(ConnectionRefusal::NotYours), "{events:?}");
    }
    for (events, status) in [
        (&[PROVED, E::Suspend, ACCEPT_SUPPLIER] as &[E], S::Suspended),
        (&[PROVED, E::Suspend, PROVED], S::Suspended),
        (&[PROVED, REVOKE_PAYER, ACCEPT_SUPPLIER], S::Revoked),
        (&[ASKED, E::Suspend], S::Requested),
    ] {
        assert_eq!(after(events), Err(ConnectionRefusal::OutOfOrder(status)), "{events:?}");
    }
    assert_eq!(after(&[ACCEPT_PAYER]), Err(ConnectionRefusal::None));
}

#[test]
fn only_what_is_accepted_is_seen_and_only_full_access_acts() {
    for (events, may_read, may_act) in [
        (&[E::Invite] as &[E], false, false),
        (&[PROVED], true, false),
        (&[PROVED, ACCEPT_PAYER], true, true),
        (&[PROVED, ACCEPT_PAYER, E::Suspend], false, false),
        (&[PROVED, ACCEPT_PAYER, REVOKE_PAYER], false, false),
    ] {
        let connection = after(events).unwrap();
        assert_eq!((connection.may_read(), connection.may_act()), (may_read, may_act), "{events:?}");
    }
    for status in S::ALL {
        assert_eq!(serde_json::to_value(status).unwrap(), status.as_str());
        assert!(status.sentence().ends_with('.'));
    }
}

fn fact(number: &str, paid: &str, currency: &str) -> Fact {
    Fact::new(&Keys::of(number).unwrap(), paid.parse().unwrap(), Currency::parse(currency).unwrap())
}

fn known(vendor: u32, number: &str, paid: &str) -> Known<u32> {
    Known { vendor, fact: fact(number, paid, "USD") }
}

#[test]
fn an_invoice_and_what_was_paid_of_it_prove_who_it_is() {
    let facts = [known(1, "INV-17", "900.00"), known(1, "INV-18", "50.00"), known(2, "INV-17", "12.00")];
    let one = [fact("inv 017", "900", "USD")];
    assert_eq!(prove(&one, 1, &facts), Proof::Proved(1));
    assert_eq!(prove(&[fact("INV-17", "12", "USD")], 1, &facts), Proof::Proved(2));
    for wrong in [fact("INV-17", "900.01", "USD"), fact("INV-19", "900", "USD"), fact("INV-17", "900", "EUR")] {
        assert_eq!(prove(&[wrong], 1, &facts), Proof::NotProved);
    }
    assert_eq!(prove(&one, 2, &facts), Proof::NotProved, "one is not two");
    let twice = [fact("INV-17", "900", "USD"), fact("INV17", "900.00", "USD")];
    assert_eq!(prove(&twice, 2, &facts), Proof::NotProved, "nor is the same again");
    let two = [fact("INV-17", "900", "USD"), fact("INV-18", "50", "USD")];
    assert_eq!(prove(&two, 2, &facts), Proof::Proved(1));
    let of_two = [fact("INV-17", "12", "USD"), fact("INV-18", "50", "USD")];
    assert_eq!(prove(&of_two, 2, &facts), Proof::NotProved, "of two vendors");
    let half = [fact("INV-17", "900", "USD"), fact("INV-99", "1", "USD")];
    assert_eq!(prove(&half, 1, &facts), Proof::NotProved, "one wrong is wrong");
    assert_eq!(prove(&[], 0, &facts), Proof::NotProved);
    let both = [known(1, "INV-17", "5"), known(2, "INV-17", "5")];
    assert_eq!(prove(&[fact("INV-17", "5", "USD")], 1, &both), Proof::NotProved, "which of the two?");
    assert_eq!(prove::<u32>(&one, 1, &[]), Proof::NotProved);
}

#[test]
fn a_proof_looks_at_so_many_facts_and_no_more() {
    let mut facts: Vec<Known<u32>> = (0..100).map(|n| known(1, &format!("A{n}"), "1")).collect();
    facts.push(known(1, "INV-17", "900"));
    assert_eq!(prove(&[fact("INV-17", "900", "USD")], 1, &facts), Proof::NotProved);
    facts.rotate_right(1);
    assert_eq!(prove(&[fact("INV-17", "900", "USD")], 1, &facts), Proof::Proved(1));
}

#[test]
fn three_tries_a_day() {
    assert_eq!((0..5).map(|attempts| may_try(attempts, 3)).collect::<Vec<_>>(), [true, true, true, false, false]);
}

fn key(number: &str, site: Option<&str>) -> VendorKey {
    let text = |text: &str| Text::from(text);
    VendorKey::new(Some(&text("1000")), Some(&text(number)), site.map(text).as_ref()).unwrap()
}

fn vendor(id: u32, number: &str, site: Option<&str>) -> VendorRow<u32> {
    VendorRow { id, key: key(number, site) }
}

#[test]
fn a_row_finds_its_vendor_by_number_and_site_or_waits() {
    let found = VendorResolution::Found;
    let sites = [vendor(1, "0000100234", Some("MAIN")), vendor(2, "0000100234", Some("EAST"))];
    assert_eq!(vendor_of(&key("100234", Some("east")), &sites), found(2));
    assert_eq!(vendor_of(&key("100234", Some("WEST")), &sites), VendorResolution::Parked);
    assert_eq!(vendor_of(&key("100234", None), &sites), VendorResolution::Parked, "which of the two?");
    assert_eq!(vendor_of(&key("100234", None), &sites[..1]), found(1));
    let whole = [vendor(1, "100234", None), vendor(2, "100234", Some("EAST"))];
    assert_eq!(vendor_of(&key("100234", Some("WEST")), &whole), found(1), "stands for all sites");
    assert_eq!(vendor_of(&key("100234", Some("EAST")), &whole), found(2));
    assert_eq!(vendor_of(&key("100234", None), &whole), found(1));
    // As it is written goes before without zeros.
    let padded = [vendor(1, "0042", None), vendor(2, "42", None)];
    assert_eq!(vendor_of(&key("42", None), &padded), found(2));
    assert_eq!(vendor_of(&key("042", None), &padded), VendorResolution::Parked);
    let elsewhere = VendorRow { id: 9, key: VendorKey { company: Some("2000".into()), ..key("42", None) } };
    assert_eq!(vendor_of(&key("42", None), &[elsewhere]), VendorResolution::Parked);
    assert_eq!(parking_key(&key("0000100234", Some("MAIN"))), "100234");
    assert_eq!(VendorKey::new(None, None, None), None);
    assert!(VendorResolution::<u32>::Parked.sentence().unwrap().contains("need not send it again"));
}

#[test]
fn the_other_numbers_of_a_vendor_are_found() {
    let facts = |id, tax_id: Option<&str>, name: &str, postal_code: &str| VendorFacts {
        id,
        tax_id: tax_id.map(|tax_id| Digest::of(tax_id.as_bytes())),
        name: Some(name.into()),
        postal_code: Some(postal_code.into()),
    };
    let of = facts(1, Some("12-3456789"), "ACME Tools Inc.", "60601");
    let others = [
        of.clone(),
        facts(2, None, "Acme Tools, Inc", "60601"),
        facts(3, Some("12-3456789"), "ACME East", "10001"),
        facts(4, Some("98-7654321"), "ACME Tools Inc.", "60601"),
        facts(5, None, "ACME Tools Inc.", "10001"),
    ];
    assert_eq!(siblings(&of, &others), [Sibling::Same(3), Sibling::Likely(2)]);
    let unknown = VendorFacts { tax_id: None, name: None, postal_code: None, ..of };
    assert_eq!(siblings(&unknown, &others), []);
}

fn any_event() -> impl Strategy<Value = E> {
    let by = || prop_oneof![Just(Party::Supplier), Just(Party::Payer)];
    prop_oneof![
        Just(E::Invite),
        any::<[bool; 2]>().prop_map(|[is_proved, needs_approval]| E::Request { is_proved, needs_approval }),
        by().prop_map(|by| E::Accept { by }),
        by().prop_map(|by| E::Decline { by }),
        Just(E::Suspend),
        Just(E::Resume),
        by().prop_map(|by| E::Revoke { by }),
    ]
}

fn is_payers_yes(event: E) -> bool {
    matches!(event, E::Invite | E::Resume | E::Accept { by: Party::Payer })
}

proptest! {
    /// Whatever the supplier does: full access takes a yes of the payer's, and after its last no, so does reading.
    #[test]
    fn no_supplier_gets_in_against_the_payer(events in proptest::collection::vec(any_event(), 1..20)) {
        let mut connection: Option<Connection> = None;
        let mut agreed = false;
        let mut said_no = false;
        for event in events {
            let Ok(next) = Connection::after(connection.as_ref(), event) else { continue };
            let is_no = matches!(event, E::Suspend | E::Decline { by: Party::Payer } | E::Revoke { by: Party::Payer });
            said_no = (said_no || is_no) && !is_payers_yes(event);
            let ends = matches!(event, E::Decline { .. } | E::Revoke { .. });
            agreed = (agreed || matches!(event, E::Invite | E::Accept { by: Party::Payer })) && !ends;
            if said_no {
                prop_assert!(!next.may_read(), "{event:?} {next:?}");
            }
            if next.may_act() {
                prop_assert!(agreed, "{event:?} {next:?}");
            }
            connection = Some(next);
        }
    }

    #[test]
    fn facts_of_other_amounts_never_prove(paid in 1_i64..1_000_000, claimed in 1_i64..1_000_000) {
        let currency = Currency::parse("USD").unwrap();
        let keys = Keys::of("INV-1").unwrap();
        let facts = [Known { vendor: 1, fact: Fact::new(&keys, Decimal::new(paid, 2), currency) }];
        let proof = prove(&[Fact::new(&keys, Decimal::new(claimed, 2), currency)], 1, &facts);
        prop_assert_eq!(proof == Proof::Proved(1), paid == claimed);
    }
}
