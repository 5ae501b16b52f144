//! Row-level security on PostgreSQL: what an organisation sees does not hang on a question's `where` alone.

use waybill::domain::{OrganisationId, Scope};
use waybill::record::{DocumentFilter, EventFilter, FileFilter};

use crate::house::House;
use crate::openssh;
use crate::postgres::{Postgres, psql};

const X12: &str = include_str!("../fixtures/x12/ok/minimal/input.edi");
const BROKEN: &str = "ISA*00*broken";

/// Two suppliers with files, documents and findings; the database.
fn house(postgres: &Postgres) -> (House, String, [OrganisationId; 2]) {
    let url = postgres.database();
    let house = House::with(&[("WAYBILL_STORE_DATABASE", &url)]);
    let mut organisations = vec![];
    for login in ["northwind", "globex"] {
        openssh::supplier(&house, login);
        organisations.push(house.account(login).organisation);
        for (end, text) in [("edi", X12), ("bad", BROKEN)] {
            let path = house.file(&format!("{login}.{end}"), text);
            assert!(openssh::put(&house, login, &path, &format!("{login}.{end}")));
            house.settled(&format!("{login}.{end}"));
        }
    }
    (house, url, [organisations[0], organisations[1]])
}

#[test]
fn a_question_without_where_shows_an_organisation_its_own_rows_only() {
    let postgres = Postgres::start();
    let (house, url, [northwind, globex]) = house(&postgres);
    assert!(!house.log().contains("row-level security does not hold"), "the role of the tests is a plain one");
    let tables =
        psql(&url, "select relname from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace");
    let count = |who: &str, table: &str| -> i64 {
        psql(&url, &format!("set waybill.organisation = '{who}'; select count(*) from {table}")).parse().unwrap()
    };
    let mut walled = 0;
    for table in tables.lines() {
        let forced = format!("select relrowsecurity and relforcerowsecurity from pg_class where relname = '{table}'");
        if psql(&url, &forced) != "t" {
            assert_eq!(table, "schema_version", "a table without a policy: give it one in its migration");
            continue;
        }
        walled += 1;
        let all = count("*", table);
        let (one, two) = (count(&northwind.to_string(), table), count(&globex.to_string(), table));
        assert_eq!(count("org_01ARZ3NDEKTSV4RRFFQ69G5FAV", table), 0, "{table}: a stranger");
        assert_eq!(count("", table), 0, "{table}: nobody said who");
        let unset = psql(&url, &format!("select count(*) from {table}"));
        assert_eq!(unset, "0", "{table}: no setting at all");
        assert!(one + two <= all, "{table}: {one} and {two} of {all}");
        let shared =
            ["organisation", "account", "account_key", "upload", "content", "job", "ingestion", "document", "finding"];
        if shared.contains(&table) {
            assert!(one > 0 && one == two && one + two == all, "{table}: {one} and {two} of {all}");
        }
    }
    assert!(walled >= 20, "only {walled} tables with a policy");
    for table in ["upload", "document", "event"] {
        let foreign = psql(
            &url,
            &format!(
                "set waybill.organisation = '{northwind}'; select count(*) from {table} where organisation_id <> '{northwind}'"
            ),
        );
        assert_eq!(foreign, "0", "{table}");
    }
    // Nor does it write anybody else's.
    let stolen = psql(
        &url,
        &format!(
            "set waybill.organisation = '{northwind}'; with changed as (update upload set name = 'x' where organisation_id = '{globex}' returning 1) select count(*) from changed"
        ),
    );
    assert_eq!(stolen, "0");
}

/// Policies that show an organisation nothing: then whoever asks in its name gets nothing, whatever his question says.
#[test]
fn what_is_asked_in_the_name_of_an_organisation_goes_through_the_wall() {
    let postgres = Postgres::start();
    let (house, url, [northwind, _]) = house(&postgres);
    let (mine, all) = (Scope::of_organisation(northwind, "tests"), Scope::operator("tests"));
    let file = house.files().into_iter().find(|file| file.name == "northwind.bad").unwrap();
    let good = house.settled("northwind.edi");
    let document = house.documents_of(&good).remove(0);
    let seen = |scope: &Scope| {
        house.ask(async |record| {
            [
                record.files(scope, &FileFilter::default(), None, 100).await.unwrap().rows.len(),
                usize::from(record.file(scope, file.id).await.unwrap().is_some()),
                record.documents(scope, &DocumentFilter::default(), None, 100).await.unwrap().rows.len(),
                usize::from(record.document(scope, document.id).await.unwrap().is_some()),
                record.findings(scope, file.id, -1, 100).await.unwrap().len(),
                record.events_after(scope, &EventFilter::default(), 0, 100).await.unwrap().len(),
                record.events_before(scope, &EventFilter::default(), i64::MAX, 100).await.unwrap().len(),
                record.organisations(scope).await.unwrap().len(),
                record.accounts(scope).await.unwrap().len(),
            ]
        })
    };
    let (before, whole) = (seen(&mine), seen(&all));
    assert!(before.iter().all(|count| *count > 0), "{before:?}");
    for table in ["upload", "document", "finding", "event", "organisation", "account"] {
        psql(
            &url,
            &format!(
                "drop policy scope on {table}; create policy scope on {table} using (current_setting('waybill.organisation', true) = '*')"
            ),
        );
    }
    assert_eq!(seen(&mine), [0; 9]);
    assert_eq!(seen(&all), whole, "the house's own work sees all");
    // One connection serves many scopes, one after the other.
    psql(
        &url,
        "drop policy scope on upload; create policy scope on upload using (current_setting('waybill.organisation', true) in ('*', organisation_id))",
    );
    for _ in 0..20 {
        let strangers =
            Scope::of_organisation(OrganisationId::parse("org_01ARZ3NDEKTSV4RRFFQ69G5FAV").unwrap(), "tests");
        let count = |scope: &Scope| {
            house.ask(async |record| record.files(scope, &FileFilter::default(), None, 100).await.unwrap().rows.len())
        };
        assert_eq!((count(&mine), count(&strangers), count(&all)), (2, 0, 4));
    }
}

#[test]
fn a_superuser_is_warned_of() {
    let postgres = Postgres::start();
    let database = postgres.database();
    let (_, name) = database.rsplit_once('/').unwrap();
    let house = House::with(&[("WAYBILL_STORE_DATABASE", &postgres.url(name))]);
    assert!(house.log().contains("row-level security does not hold for it"), "{}", house.log());
}
