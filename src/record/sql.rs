//! One text for both databases. A question is its text, with `$1` parameters, and its values; which database it goes to
//! is known here and in [`database`](super::database) only.
//!
//! What only PostgreSQL needs stands in a comment that begins with `/*pg:`, as in `/*pg: for update */`: SQLite, where
//! whoever writes is alone, skips it.

use std::fmt::Write as _;

use futures_util::TryFutureExt;
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgArguments, PgConnection, PgPool, PgRow};
use sqlx::sqlite::{SqliteArguments, SqliteConnection, SqlitePool, SqliteRow};
use sqlx::{Arguments, AssertSqlSafe, Column, Postgres, Row as _, Sqlite, Transaction, TypeInfo, ValueRef};

use crate::domain::Timestamp;

/// A way to the database on which nothing is written. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) enum Reader {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

/// A transaction that may write.
#[derive(Debug)]
pub(super) enum Writing {
    Sqlite(Transaction<'static, Sqlite>),
    Postgres(Transaction<'static, Postgres>),
}

impl Writing {
    pub(super) async fn commit(self) -> sqlx::Result<()> {
        match self {
            Self::Sqlite(tx) => tx.commit().await,
            Self::Postgres(tx) => tx.commit().await,
        }
    }

    /// Makes whoever comes with the same name wait until this transaction ends. SQLite has one writer at a time anyhow.
    pub(super) async fn alone_with(&mut self, name: &str) -> sqlx::Result<()> {
        if let Self::Postgres(_) = self {
            query("select pg_advisory_xact_lock(hashtextextended($1, 0))").bind(name).execute(&mut *self).await?;
        }
        Ok(())
    }

    /// The time by the database's clock, which is the same for every node; for leases, and whatever is compared with
    /// what another node wrote.
    pub(super) async fn now(&mut self) -> sqlx::Result<Timestamp> {
        now(&mut *self).await
    }

    /// Runs a migration: many statements, without values.
    pub(super) async fn run(&mut self, script: &'static str) -> sqlx::Result<()> {
        match self {
            Self::Sqlite(tx) => sqlx::raw_sql(script).execute(&mut **tx).await.map(|_| ()),
            Self::Postgres(tx) => {
                sqlx::raw_sql(AssertSqlSafe(for_postgres(script))).execute(&mut **tx).await.map(|_| ())
            }
        }
    }

    /// Tells the other nodes that there is something new, once this is committed.
    pub(super) async fn ring(&mut self, newest: i64) -> sqlx::Result<()> {
        if let Self::Postgres(_) = self {
            query("select pg_notify('waybill', $1)").bind(newest.to_string()).execute(&mut *self).await?;
        }
        Ok(())
    }
}

/// A way to the database for the questions of one scope. On PostgreSQL an organisation's is a connection that shows its
/// rows alone, whatever the question says (migration 0007).
#[derive(Debug)]
pub(super) enum Seen<'a> {
    All(&'a Reader),
    Only(PoolConnection<Postgres>),
}

impl<'a> From<&'a mut Seen<'_>> for On<'a> {
    fn from(seen: &'a mut Seen<'_>) -> Self {
        match seen {
            Seen::All(reader) => Self::from(*reader),
            Seen::Only(connection) => Self::PostgresWriting(connection),
        }
    }
}

/// The text as PostgreSQL is asked it.
fn for_postgres(text: &str) -> String {
    text.replace("/*pg:", "").replace("*/", "")
}

/// Whom a question is asked.
pub(super) enum On<'a> {
    Sqlite(&'a SqlitePool),
    SqliteWriting(&'a mut SqliteConnection),
    Postgres(&'a PgPool),
    PostgresWriting(&'a mut PgConnection),
}

impl On<'_> {
    /// The same again, for another question.
    pub(super) fn again(&mut self) -> On<'_> {
        match self {
            Self::Sqlite(pool) => On::Sqlite(pool),
            Self::SqliteWriting(connection) => On::SqliteWriting(connection),
            Self::Postgres(pool) => On::Postgres(pool),
            Self::PostgresWriting(connection) => On::PostgresWriting(connection),
        }
    }
}

impl<'a> From<&'a Reader> for On<'a> {
    fn from(reader: &'a Reader) -> Self {
        match reader {
            Reader::Sqlite(pool) => Self::Sqlite(pool),
            Reader::Postgres(pool) => Self::Postgres(pool),
        }
    }
}

impl<'a> From<&'a mut Writing> for On<'a> {
    fn from(writing: &'a mut Writing) -> Self {
        match writing {
            Writing::Sqlite(tx) => Self::SqliteWriting(tx),
            Writing::Postgres(tx) => Self::PostgresWriting(tx),
        }
    }
}

/// The time by the database's clock. SQLite's is this machine's.
pub(super) async fn now<'a>(on: impl Into<On<'a>>) -> sqlx::Result<Timestamp> {
    match on.into() {
        On::Sqlite(_) | On::SqliteWriting(_) => Ok(Timestamp::now()),
        on => {
            let asked = scalar("select (extract(epoch from clock_timestamp()) * 1000000)::bigint as micros");
            asked.fetch_one(on).await.map(Timestamp::from_micros)
        }
    }
}

/// What a parameter may be: ids, names, amounts and documents are text; times, counts and truth values are numbers.
#[derive(Debug, Clone)]
pub(super) enum Value {
    Text(Option<String>),
    Number(Option<i64>),
}

/// Whose values can be bound.
macro_rules! values {
    ($($from:ty => $variant:ident($value:ident) $make:expr;)*) => {
        $(impl From<$from> for Value {
            fn from($value: $from) -> Self {
                Self::$variant($make)
            }
        })*
    };
}

values! {
    &str => Text(value) Some(value.to_owned());
    &&str => Text(value) Some((*value).to_owned());
    &String => Text(value) Some(value.clone());
    String => Text(value) Some(value);
    Option<String> => Text(value) value;
    &Option<String> => Text(value) value.clone();
    Option<&String> => Text(value) value.cloned();
    Option<&str> => Text(value) value.map(str::to_owned);
    i64 => Number(value) Some(value);
    Option<i64> => Number(value) value;
}

/// A row of an answer.
#[derive(Debug)]
pub(super) enum Row {
    Sqlite(SqliteRow),
    Postgres(PgRow),
}

impl Row {
    /// The value of a column. As with sqlx's own, a column that is not there or of another type is a mistake of ours.
    pub(super) fn get<T: FromColumn>(&self, column: &str) -> T {
        let index = match self {
            Self::Sqlite(row) => row.columns().iter().position(|known| known.name() == column),
            Self::Postgres(row) => row.columns().iter().position(|known| known.name() == column),
        };
        T::from_column(self, index.unwrap_or(usize::MAX))
    }

    /// The value of a column by its place, from 0.
    pub(super) fn at<T: FromColumn>(&self, index: usize) -> T {
        T::from_column(self, index)
    }

    fn text(&self, index: usize) -> Option<String> {
        match self {
            Self::Sqlite(row) => row.get(index),
            Self::Postgres(row) => row.get(index),
        }
    }

    fn number(&self, index: usize) -> Option<i64> {
        match self {
            Self::Sqlite(row) => row.get(index),
            // What PostgreSQL counts, compares and casts has types of its own.
            Self::Postgres(row) => match row.try_get_raw(index).map(|raw| raw.type_info().name().to_owned()).as_deref()
            {
                Ok("BOOL") => row.get::<Option<bool>, _>(index).map(i64::from),
                Ok("INT4") => row.get::<Option<i32>, _>(index).map(i64::from),
                _ => row.get(index),
            },
        }
    }
}

/// What a column can be read as.
pub(super) trait FromColumn {
    fn from_column(row: &Row, index: usize) -> Self;
}

impl FromColumn for Option<String> {
    fn from_column(row: &Row, index: usize) -> Self {
        row.text(index)
    }
}

impl FromColumn for String {
    fn from_column(row: &Row, index: usize) -> Self {
        row.text(index).unwrap_or_default()
    }
}

impl FromColumn for Option<i64> {
    fn from_column(row: &Row, index: usize) -> Self {
        row.number(index)
    }
}

impl FromColumn for i64 {
    fn from_column(row: &Row, index: usize) -> Self {
        row.number(index).unwrap_or_default()
    }
}

/// A question, and its values.
#[must_use]
#[derive(Debug)]
pub(super) struct Query {
    text: Text,
    values: Vec<Value>,
}

#[derive(Debug)]
enum Text {
    Fixed(&'static str),
    /// Put together for one question: not worth preparing.
    Built(String),
}

/// A question with this text.
pub(super) fn query(text: &'static str) -> Query {
    Query { text: Text::Fixed(text), values: vec![] }
}

/// A question whose answer is one column.
pub(super) fn scalar(text: &'static str) -> Scalar {
    Scalar(query(text))
}

/// Runs a question on whichever database it is for.
macro_rules! on {
    ($query:expr, $on:expr, |$asked:ident, $whom:ident| $run:expr) => {
        match $on {
            On::Sqlite($whom) => {
                let $asked = $query.for_sqlite()?;
                $run.map_ok(Into::into).await
            }
            On::SqliteWriting($whom) => {
                let $asked = $query.for_sqlite()?;
                $run.map_ok(Into::into).await
            }
            On::Postgres($whom) => {
                let $asked = $query.for_postgres()?;
                $run.map_ok(Into::into).await
            }
            On::PostgresWriting($whom) => {
                let $asked = $query.for_postgres()?;
                $run.map_ok(Into::into).await
            }
        }
    };
}

impl Query {
    /// The next value.
    pub(super) fn bind(mut self, value: impl Into<Value>) -> Self {
        self.values.push(value.into());
        self
    }

    /// Runs it; how many rows it changed.
    pub(super) async fn execute<'a>(self, on: impl Into<On<'a>>) -> sqlx::Result<Done> {
        on!(self, on.into(), |asked, whom| asked.execute(whom))
    }

    pub(super) async fn fetch_optional<'a>(self, on: impl Into<On<'a>>) -> sqlx::Result<Option<Row>> {
        Ok(self.fetch_all(on).await?.into_iter().next())
    }

    pub(super) async fn fetch_one<'a>(self, on: impl Into<On<'a>>) -> sqlx::Result<Row> {
        on!(self, on.into(), |asked, whom| asked.fetch_one(whom))
    }

    pub(super) async fn fetch_all<'a>(self, on: impl Into<On<'a>>) -> sqlx::Result<Vec<Row>> {
        let Rows(rows) = on!(self, on.into(), |asked, whom| asked.fetch_all(whom))?;
        Ok(rows)
    }

    fn for_sqlite(self) -> sqlx::Result<sqlx::query::Query<'static, Sqlite, SqliteArguments>> {
        let mut arguments = SqliteArguments::default();
        for value in self.values {
            match value {
                Value::Text(text) => arguments.add(text),
                Value::Number(number) => arguments.add(number),
            }
            .map_err(sqlx::Error::Encode)?;
        }
        Ok(match self.text {
            Text::Fixed(text) => sqlx::query_with(text, arguments),
            Text::Built(text) => sqlx::query_with(AssertSqlSafe(text), arguments).persistent(false),
        })
    }

    fn for_postgres(self) -> sqlx::Result<sqlx::query::Query<'static, Postgres, PgArguments>> {
        let mut arguments = PgArguments::default();
        for value in self.values {
            match value {
                // PostgreSQL's text holds every character but this one (datatype-character).
                Value::Text(text) => arguments.add(text.map(|text| text.replace('\0', "\u{fffd}"))),
                Value::Number(number) => arguments.add(number),
            }
            .map_err(sqlx::Error::Encode)?;
        }
        Ok(match self.text {
            Text::Fixed(text) if text.contains("/*pg:") => {
                sqlx::query_with(AssertSqlSafe(for_postgres(text)), arguments)
            }
            Text::Fixed(text) => sqlx::query_with(text, arguments),
            Text::Built(text) => sqlx::query_with(AssertSqlSafe(text), arguments).persistent(false),
        })
    }
}

/// What a statement did.
#[derive(Debug, Clone, Copy)]
pub(super) struct Done(u64);

impl Done {
    pub(super) fn rows_affected(self) -> u64 {
        self.0
    }
}

impl From<sqlx::sqlite::SqliteQueryResult> for Done {
    fn from(done: sqlx::sqlite::SqliteQueryResult) -> Self {
        Self(done.rows_affected())
    }
}

impl From<sqlx::postgres::PgQueryResult> for Done {
    fn from(done: sqlx::postgres::PgQueryResult) -> Self {
        Self(done.rows_affected())
    }
}

impl From<SqliteRow> for Row {
    fn from(row: SqliteRow) -> Self {
        Self::Sqlite(row)
    }
}

impl From<PgRow> for Row {
    fn from(row: PgRow) -> Self {
        Self::Postgres(row)
    }
}

struct Rows(Vec<Row>);

impl From<Vec<SqliteRow>> for Rows {
    fn from(rows: Vec<SqliteRow>) -> Self {
        Self(rows.into_iter().map(Row::Sqlite).collect())
    }
}

impl From<Vec<PgRow>> for Rows {
    fn from(rows: Vec<PgRow>) -> Self {
        Self(rows.into_iter().map(Row::Postgres).collect())
    }
}

/// A question whose answer is one column.
#[must_use]
#[derive(Debug)]
pub(super) struct Scalar(Query);

impl Scalar {
    pub(super) fn bind(self, value: impl Into<Value>) -> Self {
        Self(self.0.bind(value))
    }

    pub(super) async fn fetch_one<'a, T: FromColumn>(self, on: impl Into<On<'a>>) -> sqlx::Result<T> {
        Ok(self.0.fetch_one(on).await?.at(0))
    }

    pub(super) async fn fetch_optional<'a, T: FromColumn>(self, on: impl Into<On<'a>>) -> sqlx::Result<Option<T>> {
        Ok(self.0.fetch_optional(on).await?.map(|row| row.at(0)))
    }

    pub(super) async fn fetch_all<'a, T: FromColumn>(self, on: impl Into<On<'a>>) -> sqlx::Result<Vec<T>> {
        Ok(self.0.fetch_all(on).await?.iter().map(|row| row.at(0)).collect())
    }
}

/// A name of a table or a column: it can be nothing else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Name(String);

impl Name {
    pub(super) fn parse(text: &str) -> Option<Self> {
        let known = |byte: u8| byte.is_ascii_lowercase() || byte == b'_' || byte.is_ascii_digit();
        let begins = text.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase());
        (begins && text.bytes().all(known)).then(|| Self(text.to_owned()))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

/// A question that is put together piece by piece, of literals and names: the type lets nothing else in.
#[must_use]
#[derive(Debug)]
pub(super) struct Builder {
    text: String,
    values: Vec<Value>,
}

impl Builder {
    pub(super) fn new(text: &'static str) -> Self {
        Self { text: text.to_owned(), values: vec![] }
    }

    /// More text, all of it ours.
    pub(super) fn push(&mut self, text: &'static str) -> &mut Self {
        self.text.push_str(text);
        self
    }

    /// Names between commas, each followed by `after`.
    pub(super) fn push_names(&mut self, names: &[Name], after: &'static str) -> &mut Self {
        for (place, name) in names.iter().enumerate() {
            self.push(if place > 0 { ", " } else { "" });
            self.text.push_str(&name.0);
            self.push(after);
        }
        self
    }

    /// A value, as the next parameter.
    pub(super) fn push_bind(&mut self, value: impl Into<Value>) -> &mut Self {
        self.values.push(value.into());
        let _ = write!(self.text, "${}", self.values.len());
        self
    }

    /// Values between commas.
    pub(super) fn push_list(&mut self, values: impl IntoIterator<Item = impl Into<Value>>) -> &mut Self {
        for (place, value) in values.into_iter().enumerate() {
            if place > 0 {
                self.text.push_str(", ");
            }
            self.push_bind(value);
        }
        self
    }

    pub(super) fn build(self) -> Query {
        Query { text: Text::Built(self.text), values: self.values }
    }
}

/// A column of rows that are written many at once.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    Text,
    Number,
}

/// Writes many rows, each as long as `columns`, with what comes behind them.
pub(super) async fn insert_many(
    tx: &mut Writing,
    into: &'static str,
    columns: &[(&'static str, Kind)],
    rows: Vec<Vec<Value>>,
    behind: &'static str,
) -> sqlx::Result<()> {
    let columns: Vec<_> = columns.iter().map(|(name, kind)| (Name((*name).to_owned()), *kind)).collect();
    insert_rows(tx, &Name(into.to_owned()), &columns, rows, behind).await
}

/// Writes many rows, with what comes behind them: as many values as a statement takes on SQLite, an array a column on
/// PostgreSQL, each what its database is fastest at.
pub(super) async fn insert_rows(
    tx: &mut Writing,
    into: &Name,
    columns: &[(Name, Kind)],
    rows: Vec<Vec<Value>>,
    behind: &'static str,
) -> sqlx::Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    let names = columns.iter().map(|(name, _)| name.0.as_str()).collect::<Vec<_>>().join(", ");
    let into = &into.0;
    match tx {
        Writing::Sqlite(_) => {
            let rows_at_once = (SQLITE_VALUES_MAX / columns.len().max(1)).max(1);
            // Without numbers: SQLite looks for a numbered parameter among all before it, which are thousands.
            let row_text = format!("({})", vec!["?"; columns.len()].join(", "));
            let mut rows = rows.into_iter().peekable();
            while rows.peek().is_some() {
                let some: Vec<_> = rows.by_ref().take(rows_at_once).collect();
                let rows_text = vec![row_text.as_str(); some.len()].join(", ");
                let text = format!("insert into {into} ({names}) values {rows_text}{behind}");
                let values = some.into_iter().flatten().collect();
                Query { text: Text::Built(text), values }.execute(&mut *tx).await?;
            }
        }
        Writing::Postgres(_) => {
            let arrays = columns.iter().enumerate().map(|(place, (_, kind))| match kind {
                Kind::Text => format!("${}::text[]", place + 1),
                Kind::Number => format!("${}::int8[]", place + 1),
            });
            let arrays = arrays.collect::<Vec<_>>().join(", ");
            let text = format!("insert into {into} ({names}) select * from unnest({arrays}){behind}");
            let mut texts: Vec<Vec<Option<String>>> = vec![];
            let mut numbers: Vec<Vec<Option<i64>>> = vec![];
            for (_, kind) in columns {
                match kind {
                    Kind::Text => texts.push(Vec::with_capacity(rows.len())),
                    Kind::Number => numbers.push(Vec::with_capacity(rows.len())),
                }
            }
            for row in rows {
                let (mut text, mut number) = (texts.iter_mut(), numbers.iter_mut());
                for value in row {
                    match value {
                        Value::Text(value) => {
                            let value = value.map(|text| text.replace('\0', "\u{fffd}"));
                            text.next().map(|column| column.push(value))
                        }
                        Value::Number(value) => number.next().map(|column| column.push(value)),
                    };
                }
            }
            let mut arguments = PgArguments::default();
            let (mut texts, mut numbers) = (texts.into_iter(), numbers.into_iter());
            for (_, kind) in columns {
                match kind {
                    Kind::Text => arguments.add(texts.next().unwrap_or_default()),
                    Kind::Number => arguments.add(numbers.next().unwrap_or_default()),
                }
                .map_err(sqlx::Error::Encode)?;
            }
            if let Writing::Postgres(tx) = tx {
                sqlx::query_with(AssertSqlSafe(text), arguments).execute(&mut **tx).await?;
            }
        }
    }
    Ok(())
}

/// Values in one statement: a little below SQLite's 32,766 (limits.html, 9).
const SQLITE_VALUES_MAX: usize = 12_000;
