-- Statements of the bulk connection: whole documents, in and out.

-- name: document_read
-- $1 uuid file, $2 bigint version of the checkpoint whose state is known already (0: none).
-- First the file with its checkpoint, then its journal; one statement, so one snapshot. Columns: src/loaded.h.
select 0 as kind, f.session_id, f.epoch, f.checkpoint_version, coalesce(c.version, 0) as version, c.format,
       case when c.version is distinct from $2 then c.state end as bytes,
       case when c.version is distinct from $2 then c.state_vector end as vector,
       c.xxh3, f.root_name, f.file_path, f.is_binary, f.quarantine_reason, null::uuid as writer, null::bigint as writer_seq,
       null::boolean as in_history
  from files f left join crdt_checkpoints c on c.file_id = f.id and c.epoch = f.epoch
 where f.id = $1 and f.deleted_at is null
union all
select 1, j.session_id, j.epoch, null, null, null, j.updates, null, null, null, null, null, null, j.writer, j.writer_seq,
       t.writer is not null
  from files f join crdt_journal j on j.file_id = f.id and j.epoch = f.epoch
       left join crdt_trimmed t on t.file_id = j.file_id and t.epoch = j.epoch and t.writer = j.writer and t.writer_seq >= j.writer_seq
 where f.id = $1 and f.deleted_at is null
 order by kind, writer, writer_seq;

-- name: checkpoint_write
-- $1 uuid file, $2 bigint epoch, $3 bigint version that was read,
-- $4 int format, $5 bytea state, $6 bytea state vector, $7 bytea xxh3 of both,
-- $8 int size of the text, $9 text its hash (NULL: no text), $10 text content, $11 bytea content instead, $12 uuid author or NULL,
-- $13 text root name (NULL: unchanged), $14 uuid[] writers and $15 bigint[] seqs of the journal rows merged,
-- $16 bytea the rows that go into the history, compressed (NULL: none), $17 int how many, $18 $19 timestamptz their first and last time,
-- $20 uuid who writes.
-- Answers version, version_number (0: text unchanged), rows trimmed; no row: the checkpoint read is no longer the newest, nothing happened.
-- The lock is taken on the newest row (read committed looks again after waiting), so two writers cannot both find their version.
with old as (
    select id, session_id, checkpoint_version, head_version, head_hash, content_hash
      from files
     where id = $1 and epoch = $2 and checkpoint_version = $3 and quarantined_at is null and deleted_at is null
       for update
), file as (
    update files f
       set checkpoint_version = old.checkpoint_version + 1,
           file_size = $8,
           content_hash = $9::text,
           root_name = coalesce($13::text, f.root_name),
           updated_at = case when old.content_hash is distinct from $9::text then now() else f.updated_at end,
           head_version = old.head_version
                          + case when $9::text is not null and (old.head_version = 0 or old.head_hash is distinct from $9::text)
                                 then 1 else 0 end,
           head_hash = coalesce($9::text, f.head_hash)
      from old
     where f.id = old.id
    returning f.id, f.session_id, f.checkpoint_version, f.head_version, f.head_version > old.head_version as due
), stored as (
    insert into crdt_checkpoints (session_id, file_id, epoch, version, format, state, state_vector, xxh3)
    select session_id, id, $2, checkpoint_version, $4, $5, $6, $7 from file
    on conflict (file_id, epoch) do update
       set version = excluded.version, format = excluded.format, state = excluded.state, state_vector = excluded.state_vector,
           xxh3 = excluded.xxh3, updated_at = now()
), kept as (
    insert into crdt_history (session_id, file_id, epoch, chunk, from_at, to_at, row_count, updates)
    select session_id, id, $2, checkpoint_version, $18, $19, $17::int, $16::bytea from file where $16::bytea is not null
), version as (
    insert into file_versions (file_id, session_id, version_number, content, content_bytes, author_id, content_hash, content_size,
                               epoch, checkpoint_version)
    select id, session_id, head_version, $10::text, $11::bytea, (select u.id from users u where u.id = $12), $9::text, $8, $2,
           checkpoint_version
      from file where due
), noted as (
    insert into crdt_trimmed (file_id, epoch, writer, writer_seq)
    select file.id, $2, t.writer, max(t.writer_seq)
      from file, unnest($14::uuid[], $15::bigint[]) as t (writer, writer_seq) where t.writer <> $20 group by file.id, t.writer
    on conflict (file_id, epoch, writer) do update set writer_seq = excluded.writer_seq, trimmed_at = now()
), trimmed as (
    delete from crdt_journal j
     using file, unnest($14::uuid[], $15::bigint[]) as t (writer, writer_seq)
     where j.file_id = $1 and j.epoch = $2 and j.writer = t.writer and j.writer_seq = t.writer_seq
    returning 1
)
select checkpoint_version, case when due then head_version else 0 end, (select count(*) from trimmed) from file;
