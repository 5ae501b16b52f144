//! A store on its way to another database: table by table, in the order of the primary keys, so that a move that was
//! killed goes on behind the last row it has written.
//!
//! The tables are those of the schema itself, so that a new one is moved without anybody having to think of it.

use super::sql::{Builder, Kind, Name, Row, Value, insert_rows, query, scalar};
use super::{Record, RecordError, Result};
use crate::config;
use crate::domain::Timestamp;

/// A move from one record to another.
#[derive(Debug)]
pub struct Move {
    from: Record,
    to: Record,
    tables: Vec<Table>,
    source: String,
    is_over: bool,
}

/// A table as it is moved.
#[derive(Debug)]
struct Table {
    name: Name,
    columns: Vec<(Name, Kind)>,
    /// The primary key's columns, in their order, and where each is among `columns`.
    key: Vec<Name>,
    key_at: Vec<usize>,
    /// Tables whose rows must be there before.
    parents: Vec<String>,
}

/// Rows of one table, here and there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counted {
    pub table: String,
    pub from: i64,
    pub to: i64,
}

/// Tables that are each database's own.
const NOT_MOVED: [&str; 2] = ["schema_version", "move"];
/// Rows of one transaction: so many that its wait for the disk is little of it, and their bytes fit.
const ROWS_MIN: i64 = 8;
const ROWS_MAX: i64 = 2_000;
const BYTES_AIM: usize = 4 << 20;

impl Move {
    /// Begins a move, or goes on with it: `from` is still, `stood` says how it stood, so that rows which were written
    /// while it stood otherwise are not kept.
    ///
    /// # Errors
    /// The target cannot be reached, or holds another store.
    pub async fn begin(from: Record, to: &config::Store, stood: &str) -> Result<Self> {
        let place = Record::schema(to).await?.place;
        let to = Record::of_mover(to).await?;
        let tables = tables_of(&from).await?;
        let source: i64 = scalar("select applied_at from schema_version where version = 1")
            .fetch_one(&from.db.reader)
            .await
            .map_err(RecordError::doing("find out which store this is"))?;
        let source = source.to_string();
        let mut moving = Self { from, to, tables, source, is_over: false };
        moving.mark(&place, stood).await?;
        Ok(moving)
    }

    async fn mark(&mut self, place: &str, stood: &str) -> Result<()> {
        let doing = || RecordError::doing("begin to move a store");
        let mut tx = self.to.writing().await?;
        let before =
            query("select source, stood, ready_at from move limit 1").fetch_optional(&mut tx).await.map_err(doing())?;
        let other = || Err(RecordError::NotEmpty { place: place.to_owned() });
        match &before {
            Some(row) if row.get::<String>("source") != self.source => return other(),
            Some(row) if row.get::<Option<i64>>("ready_at").is_some() => {
                self.is_over = true;
                return Ok(());
            }
            Some(row) if row.get::<String>("stood") == stood => return Ok(()),
            Some(_) => {}
            None => {
                for table in self.tables.iter().filter(|table| table.name.as_str() != "counter") {
                    if count(&mut tx, table).await.map_err(doing())? > 0 {
                        return other();
                    }
                }
            }
        }
        for table in self.tables.iter().rev() {
            let mut all = Builder::new("delete from ");
            all.push_names(std::slice::from_ref(&table.name), "");
            all.build().execute(&mut tx).await.map_err(doing())?;
        }
        query(
            "insert into move (source, stood, began_at) values ($1, $2, $3)
             on conflict (source) do update set stood = excluded.stood, began_at = excluded.began_at",
        )
        .bind(&self.source)
        .bind(stood)
        .bind(Timestamp::now().micros())
        .execute(&mut tx)
        .await
        .map_err(doing())?;
        tx.commit().await.map_err(doing())
    }

    /// Whether all of it was moved before.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.is_over
    }

    /// How many rows there are to move.
    ///
    /// # Errors
    /// The database failed.
    pub async fn total(&self) -> Result<u64> {
        let mut total = 0;
        for table in &self.tables {
            total +=
                count(&self.from.db.reader, table).await.map_err(RecordError::doing("count the rows of a table"))?;
        }
        Ok(u64::try_from(total).unwrap_or_default())
    }

    /// Moves the rows that are not there yet; `progress` hears the table, and how many more of its rows there are.
    ///
    /// # Errors
    /// One of the databases failed. What was moved stays.
    pub async fn rows(&self, mut progress: impl FnMut(&str, u64)) -> Result<()> {
        for table in &self.tables {
            let doing = || RecordError::doing("move the rows of a table");
            let mut behind = newest(&self.to, table).await.map_err(doing())?;
            let mut more = count(&self.to.db.reader, table).await.map_err(doing())?;
            let mut rows_at_once = ROWS_MIN;
            loop {
                progress(table.name.as_str(), u64::try_from(more).unwrap_or_default());
                let rows = page(&self.from, table, &behind, rows_at_once).await.map_err(doing())?;
                let Some(last) = rows.last() else { break };
                behind = table.key_at.iter().filter_map(|at| last.get(*at).cloned()).collect();
                more = i64::try_from(rows.len()).unwrap_or_default();
                let bytes: usize = rows.iter().flatten().map(size).sum();
                rows_at_once = if bytes > BYTES_AIM { rows_at_once / 2 } else { rows_at_once * 2 };
                rows_at_once = rows_at_once.clamp(ROWS_MIN, ROWS_MAX);
                let mut tx = self.to.writing_beside_others().await?;
                insert_rows(&mut tx, &table.name, &table.columns, rows, " on conflict do nothing")
                    .await
                    .map_err(doing())?;
                tx.commit().await.map_err(doing())?;
            }
        }
        Ok(())
    }

    /// Counts the rows of every table, here and there.
    ///
    /// # Errors
    /// One of the databases failed.
    pub async fn counted(&self) -> Result<Vec<Counted>> {
        let doing = || RecordError::doing("count the rows of a table");
        let mut all = vec![];
        for table in &self.tables {
            all.push(Counted {
                table: table.name.as_str().to_owned(),
                from: count(&self.from.db.reader, table).await.map_err(doing())?,
                to: count(&self.to.db.reader, table).await.map_err(doing())?,
            });
        }
        Ok(all)
    }

    /// All of it is there: from now on a daemon runs on it.
    ///
    /// # Errors
    /// The database did not take it.
    pub async fn end(&self) -> Result<()> {
        let doing = || RecordError::doing("end the move of a store");
        let mut tx = self.to.writing().await?;
        query("update move set ready_at = $2 where source = $1")
            .bind(&self.source)
            .bind(Timestamp::now().micros())
            .execute(&mut tx)
            .await
            .map_err(doing())?;
        tx.commit().await.map_err(doing())
    }

    /// Closes both databases.
    pub async fn close(self) {
        self.from.close().await;
        self.to.close().await;
    }
}

impl Record {
    /// Refuses a store of which only a part is there yet.
    pub(super) async fn refuse_half_a_move(&self) -> Result<()> {
        let half: i64 = scalar("select count(*) from move where ready_at is null")
            .fetch_one(&self.db.reader)
            .await
            .map_err(RecordError::doing("ask whether all of the store is there"))?;
        if half > 0 { Err(RecordError::HalfMoved) } else { Ok(()) }
    }
}

/// The tables of an embedded record, parents first.
async fn tables_of(record: &Record) -> Result<Vec<Table>> {
    let doing = || RecordError::doing("read the schema");
    let odd = |what: &str| RecordError::Corrupt { what: format!("the schema's {what}") };
    let rows = query(
        "select m.name as table_name, c.name as column_name, lower(c.type) as kind, c.pk as key
         from sqlite_master m join pragma_table_info(m.name) c
         where m.type = 'table' and m.name not like 'sqlite%' order by m.name, c.cid",
    )
    .fetch_all(&record.db.reader)
    .await
    .map_err(doing())?;
    let mut left: Vec<Table> = vec![];
    for row in &rows {
        let (table, column): (String, String) = (row.get("table_name"), row.get("column_name"));
        if NOT_MOVED.contains(&table.as_str()) {
            continue;
        }
        let kind = match row.get::<String>("kind").as_str() {
            "text" => Kind::Text,
            "bigint" => Kind::Number,
            _ => return Err(odd(&column)),
        };
        if left.last().is_none_or(|last| last.name.as_str() != table) {
            let name = Name::parse(&table).ok_or_else(|| odd(&table))?;
            left.push(Table { name, columns: vec![], key: vec![], key_at: vec![], parents: vec![] });
        }
        if let Some(last) = left.last_mut() {
            last.columns.push((Name::parse(&column).ok_or_else(|| odd(&column))?, kind));
        }
    }
    for table in &mut left {
        let name = table.name.as_str();
        let mut key: Vec<(i64, String)> = rows
            .iter()
            .filter(|row| row.get::<String>("table_name") == name && row.get::<i64>("key") > 0)
            .map(|row| (row.get("key"), row.get("column_name")))
            .collect();
        key.sort();
        if key.is_empty() {
            return Err(odd(name));
        }
        table.parents = scalar("select \"table\" from pragma_foreign_key_list($1)")
            .bind(name)
            .fetch_all(&record.db.reader)
            .await
            .map_err(doing())?;
        for (_, column) in key {
            let at = table.columns.iter().position(|(known, _)| known.as_str() == column);
            table.key_at.push(at.ok_or_else(|| odd(&column))?);
            table.key.push(Name::parse(&column).ok_or_else(|| odd(&column))?);
        }
    }
    let mut sorted: Vec<Table> = vec![];
    while !left.is_empty() {
        let waits = |table: &Table| table.parents.iter().any(|parent| left.iter().any(|t| t.name.as_str() == parent));
        let Some(next) = left.iter().position(|table| !waits(table)) else { return Err(odd("foreign keys")) };
        sorted.push(left.remove(next));
    }
    Ok(sorted)
}

async fn count<'a>(on: impl Into<super::sql::On<'a>>, table: &Table) -> sqlx::Result<i64> {
    let mut asked = Builder::new("select count(*) as rows from ");
    asked.push_names(std::slice::from_ref(&table.name), "");
    Ok(asked.build().fetch_one(on).await?.at(0))
}

/// The key of the last row; nothing where there is none.
async fn newest(record: &Record, table: &Table) -> sqlx::Result<Vec<Value>> {
    let mut asked = Builder::new("select ");
    asked.push_names(&table.key, "").push(" from ").push_names(std::slice::from_ref(&table.name), "");
    asked.push(" order by ").push_names(&table.key, " desc").push(" limit 1");
    let row = asked.build().fetch_optional(&record.db.reader).await?;
    let kinds = table.key_at.iter().filter_map(|at| table.columns.get(*at)).map(|(_, kind)| *kind);
    Ok(row.map(|row| values(&row, kinds)).unwrap_or_default())
}

/// The rows behind a key, in the order of their keys.
async fn page(record: &Record, table: &Table, behind: &[Value], limit: i64) -> sqlx::Result<Vec<Vec<Value>>> {
    let names: Vec<Name> = table.columns.iter().map(|(name, _)| name.clone()).collect();
    let mut asked = Builder::new("select ");
    asked.push_names(&names, "").push(" from ").push_names(std::slice::from_ref(&table.name), "");
    if !behind.is_empty() {
        asked.push(" where (").push_names(&table.key, "").push(") > (").push_list(behind.iter().cloned()).push(")");
    }
    asked.push(" order by ").push_names(&table.key, "").push(" limit ").push_bind(limit);
    let rows = asked.build().fetch_all(&record.db.reader).await?;
    Ok(rows.iter().map(|row| values(row, table.columns.iter().map(|(_, kind)| *kind))).collect())
}

fn values(row: &Row, kinds: impl Iterator<Item = Kind>) -> Vec<Value> {
    let of = |(at, kind)| match kind {
        Kind::Text => Value::Text(row.at(at)),
        Kind::Number => Value::Number(row.at(at)),
    };
    kinds.enumerate().map(of).collect()
}

fn size(value: &Value) -> usize {
    match value {
        Value::Text(text) => text.as_ref().map_or(0, String::len),
        Value::Number(_) => 8,
    }
}
