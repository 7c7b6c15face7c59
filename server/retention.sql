-- Statements of retention: what is made ahead and what is dropped by age.

-- name: retention_ahead
-- The partitions of the logs for a year ahead; answers the number made.
select log_partitions_ahead(12);

-- name: retention_drop
-- $1 text log, $2 int days; answers the partitions dropped.
select log_partitions_drop($1, $2);

-- name: retention_history
-- $1 int days; at most 1,000 chunks at a time. Answers how many.
with old as (
  select file_id, epoch, chunk from crdt_history where to_at < now() - make_interval(days => $1) limit 1000
), dropped as (
  delete from crdt_history h using old where h.file_id = old.file_id and h.epoch = old.epoch and h.chunk = old.chunk returning 1
)
select count(*)::int from dropped;

-- name: retention_strays
-- Journal rows of files that are gone for good: they have no foreign key that would take them along. A row may be older than its file's
-- deletion is visible, so only those a day old. And forgets up to where the rows of other writers were trimmed: nobody waits for an answer
-- for a month. Answers how many rows of the journal.
with forgotten as (
  delete from crdt_trimmed where trimmed_at < now() - interval '30 days'
), swept as (
  delete from crdt_journal j where created_at < now() - interval '1 day' and not exists (select from files f where f.id = j.file_id)
  returning 1
)
select count(*)::int from swept;
