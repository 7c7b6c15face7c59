-- Statements of an operator's commands (desk.h).

-- name: desk_files
-- $1 uuid: files after this id; the next 500 documents, the deleted ones left out.
-- answers id, session, path
select id, session_id, file_path
  from files where id > $1 and deleted_at is null and not is_folder and not is_binary order by id limit 500;

-- name: desk_moment
-- What is asked until desk_moment_over sees one moment of the database, whatever a server writes meanwhile.
begin isolation level repeatable read read only;

-- name: desk_moment_over
commit;

-- name: desk_stand
-- $1 uuid file; answers epoch, quarantine reason, content hash, head version, head hash
select epoch, quarantine_reason, content_hash::text, head_version, head_hash::text from files where id = $1 and deleted_at is null;

-- name: desk_file
-- $1 uuid; answers id, session, path, epoch, quarantine reason, seconds since the quarantine, head version
select id, session_id, file_path, epoch, quarantine_reason,
       coalesce(extract(epoch from now() - quarantined_at), 0)::bigint, head_version
  from files where id = $1 and deleted_at is null and not is_folder and not is_binary;

-- name: desk_head
-- $1 uuid file, $2 int version number on main (0: the newest); answers number, content, content bytes, hash
select v.version_number, v.content, v.content_bytes, v.content_hash::text
  from file_versions v join files f on f.id = v.file_id
 where f.id = $1 and v.branch = 'main' and v.version_number = case when $2::int = 0 then f.head_version else $2 end;

-- name: desk_history
-- $1 uuid file, $2 bigint epoch, $3 bigint: chunks after this one; the next 16. Answers chunk, row count, updates
select chunk, row_count, updates from crdt_history where file_id = $1 and epoch = $2 and chunk > $3 order by chunk limit 16;

-- name: desk_strays
-- answers journal rows of files that are not there, and of older epochs; and checkpoints of older epochs
select count(*) filter (where f.id is null), count(*) filter (where f.epoch > j.epoch),
       (select count(*) from crdt_checkpoints c join files on files.id = c.file_id where c.epoch < files.epoch)
  from crdt_journal j left join files f on f.id = j.file_id;

-- name: desk_quarantine
-- $1 uuid file, $2 text reason. The first reason stays. Answers the reason that stands.
with marked as (
    update files set quarantined_at = now(), quarantine_reason = left($2, 500)
     where id = $1 and quarantined_at is null returning quarantine_reason
)
select coalesce((select quarantine_reason from marked), (select quarantine_reason from files where id = $1));

-- name: desk_release
-- $1 uuid file; answers a row if it was quarantined.
update files set quarantined_at = null, quarantine_reason = null where id = $1 and quarantined_at is not null returning 1;

-- name: desk_renew
-- A quarantined file begins a new epoch with a state of its own; the rows of the old one stay where they are.
-- $1 uuid file, $2 bigint epoch that ends, $3 int format, $4 bytea state, $5 bytea state vector, $6 bytea xxh3 of both,
-- $7 int size of the text, $8 text its hash, $9 text content, $10 bytea content instead, $11 bigint client id that wrote the state,
-- $12 bigint[] client ids of the old epoch, $13 text root name.
-- answers the new epoch; no row: the file is not quarantined, or at another epoch.
with old as (
    select id, session_id, head_version, head_hash from files
     where id = $1 and epoch = $2 and quarantined_at is not null and deleted_at is null for update
), file as (
    update files f
       set epoch = f.epoch + 1, checkpoint_version = f.checkpoint_version + 1, quarantined_at = null, quarantine_reason = null,
           file_size = $7, content_hash = $8::text, updated_at = now(), root_name = $13::text,
           head_version = f.head_version + case when f.head_version = 0 or f.head_hash is distinct from $8::text then 1 else 0 end,
           head_hash = $8::text
      from old where f.id = old.id
    returning f.id, f.session_id, f.epoch, f.checkpoint_version, f.head_version, f.head_version > old.head_version as due
), stored as (
    insert into crdt_checkpoints (session_id, file_id, epoch, version, format, state, state_vector, xxh3)
    select session_id, id, epoch, checkpoint_version, $3, $4, $5, $6 from file
), older as (
    insert into crdt_clients (session_id, file_id, epoch, client_id, relayed)
    select f.session_id, f.id, $2, t.client_id, true from file f, unnest($12::bigint[]) as t (client_id)
    on conflict (file_id, epoch, client_id) do nothing
), writer as (
    insert into crdt_clients (session_id, file_id, epoch, client_id) select session_id, id, epoch, $11 from file
), version as (
    insert into file_versions (file_id, session_id, version_number, content, content_bytes, content_hash, content_size, epoch,
                               checkpoint_version, commit_message)
    select id, session_id, head_version, $9::text, $10::bytea, $8::text, $7, epoch, checkpoint_version, 'a new epoch' from file where due
)
select epoch from file;
