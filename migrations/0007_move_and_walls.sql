-- One text for SQLite and PostgreSQL, as 0001 says.

-- What this store was moved from, and whether all of it is here. A daemon does not run on half of a store.
create table move (
    -- When the other one was made: no two were in the same microsecond.
    source text primary key,
    -- How the other one stood when its rows were begun with.
    stood text not null,
    began_at bigint not null,
    ready_at bigint
);

-- The second wall, on PostgreSQL alone: who may see a row is said with the table, once, and holds even where a question
-- forgets to ask. A connection says whose rows it sees: '*' is the house's own work, an id is one organisation, and
-- nothing is nobody. `force`, because the tables belong to the role that the daemon has; the setting is asked for in a
-- `select` of its own, so that it is looked at once a question and not once a row; and it is a `case`, which the planner
-- takes to let half of the rows through: of an `or` it believes that next to none are left, and sorts a whole table where
-- it should walk along an index (501 documents of 10,000: 161 ms instead of 1).
/*pg:
alter table organisation enable row level security, force row level security;
create policy scope on organisation using (
    case when (select current_setting('waybill.organisation', true)) = '*' then true
    else id = (select current_setting('waybill.organisation', true)) end);
alter table account enable row level security, force row level security;
create policy scope on account using (
    case when (select current_setting('waybill.organisation', true)) = '*' then true
    else organisation_id = (select current_setting('waybill.organisation', true)) end);
alter table token enable row level security, force row level security;
create policy scope on token using (
    case when (select current_setting('waybill.organisation', true)) = '*' then true
    else organisation_id = (select current_setting('waybill.organisation', true)) end);
-- Profiles without an organisation are for everybody to see.
alter table profile enable row level security, force row level security;
create policy scope on profile using (
    case when (select current_setting('waybill.organisation', true)) = '*' then true
    else organisation_id in ('', (select current_setting('waybill.organisation', true))) end);
alter table upload enable row level security, force row level security;
create policy scope on upload using (
    case when (select current_setting('waybill.organisation', true)) = '*' then true
    else organisation_id = (select current_setting('waybill.organisation', true)) end);
alter table content enable row level security, force row level security;
create policy scope on content using (
    case when (select current_setting('waybill.organisation', true)) = '*' then true
    else organisation_id = (select current_setting('waybill.organisation', true)) end);
alter table document enable row level security, force row level security;
create policy scope on document using (
    case when (select current_setting('waybill.organisation', true)) = '*' then true
    else organisation_id = (select current_setting('waybill.organisation', true)) end);
alter table event enable row level security, force row level security;
create policy scope on event using (
    case when (select current_setting('waybill.organisation', true)) = '*' then true
    else organisation_id = (select current_setting('waybill.organisation', true)) end);
alter table partner_pushed enable row level security, force row level security;
create policy scope on partner_pushed using (
    case when (select current_setting('waybill.organisation', true)) = '*' then true
    else organisation_id = (select current_setting('waybill.organisation', true)) end);

-- These belong to whoever the row belongs to that they hang on; that row's own policy decides.
alter table job enable row level security, force row level security;
create policy scope on job using (
    case when (select current_setting('waybill.organisation', true)) = '*' then true
    else exists (select 1 from upload u where u.id = job.upload_id) end);
alter table ingestion enable row level security, force row level security;
create policy scope on ingestion using (
    case when (select current_setting('waybill.organisation', true)) = '*' then true
    else exists (select 1 from content c where c.id = ingestion.content_id) end);
alter table finding enable row level security, force row level security;
create policy scope on finding using (
    case when (select current_setting('waybill.organisation', true)) = '*' then true
    else exists (select 1 from content c where c.id = finding.content_id) end);
alter table account_key enable row level security, force row level security;
create policy scope on account_key using (
    case when (select current_setting('waybill.organisation', true)) = '*' then true
    else exists (select 1 from account a where a.id = account_key.account_id) end);
alter table account_policy enable row level security, force row level security;
create policy scope on account_policy using (
    case when (select current_setting('waybill.organisation', true)) = '*' then true
    else exists (select 1 from account a where a.id = account_policy.account_id) end);
alter table account_certificate enable row level security, force row level security;
create policy scope on account_certificate using (
    case when (select current_setting('waybill.organisation', true)) = '*' then true
    else exists (select 1 from account a where a.id = account_certificate.account_id) end);

-- These are the house's alone.
alter table account_totp enable row level security, force row level security;
create policy scope on account_totp using ((select current_setting('waybill.organisation', true)) = '*');
alter table account_recovery enable row level security, force row level security;
create policy scope on account_recovery using ((select current_setting('waybill.organisation', true)) = '*');
alter table account_default enable row level security, force row level security;
create policy scope on account_default using ((select current_setting('waybill.organisation', true)) = '*');
alter table idempotency enable row level security, force row level security;
create policy scope on idempotency using ((select current_setting('waybill.organisation', true)) = '*');
alter table node enable row level security, force row level security;
create policy scope on node using ((select current_setting('waybill.organisation', true)) = '*');
alter table ban enable row level security, force row level security;
create policy scope on ban using ((select current_setting('waybill.organisation', true)) = '*');
alter table counter enable row level security, force row level security;
create policy scope on counter using ((select current_setting('waybill.organisation', true)) = '*');
alter table orphan enable row level security, force row level security;
create policy scope on orphan using ((select current_setting('waybill.organisation', true)) = '*');
alter table tombstone enable row level security, force row level security;
create policy scope on tombstone using ((select current_setting('waybill.organisation', true)) = '*');
alter table partner enable row level security, force row level security;
create policy scope on partner using ((select current_setting('waybill.organisation', true)) = '*');
alter table partner_pulled enable row level security, force row level security;
create policy scope on partner_pulled using ((select current_setting('waybill.organisation', true)) = '*');
alter table move enable row level security, force row level security;
create policy scope on move using ((select current_setting('waybill.organisation', true)) = '*');
*/
