-- Statements of documents.

-- name: document_claim
-- Finds a file and claims a CRDT client id of its current epoch for a user.
-- $1 uuid session, $2 uuid file (null: by path), $3 text path, $4 bigint client id, $5 uuid user, $6 bigint epoch of the replica (null: none)
-- answers file id, path, epoch, root name, quarantined, binary, user who holds the client id (null: nobody; not claimed when the
-- replica is of another epoch, or the id is known from older epochs only: what was written with it belongs to another history)
with file as (
  select id, file_path, epoch, root_name, quarantined_at is not null as quarantined, is_binary
  from files
  where session_id = $1 and deleted_at is null and not is_folder
    and case when $2::uuid is null then file_path = $3 else id = $2 end
), claim as (
  insert into crdt_clients as held (session_id, file_id, epoch, client_id, user_id)
  select $1, id, epoch, $4, $5 from file
  where not quarantined and not is_binary and coalesce($6::bigint, epoch) = epoch
    and (epoch = 1 or exists (select from crdt_clients c where c.file_id = id and c.epoch = file.epoch and c.client_id = $4)
         or not exists (select from crdt_clients c where c.file_id = id and c.epoch < file.epoch and c.client_id = $4))
  on conflict (file_id, epoch, client_id) do update set user_id = coalesce(held.user_id, excluded.user_id)
  returning user_id
)
select file.id, file.file_path, file.epoch, file.root_name, file.quarantined, file.is_binary, claim.user_id
from file left join claim on true;

-- name: document_at
-- For a door: the file at a path, made if it is not there.
-- $1 uuid session, $2 text path, $3 boolean it may be made, $4 uuid new file, $5 uuid user, $6 uuid new activity id,
-- $7 bigint files a session may have
-- answers as document_claim, and seventh whether it was made; no row: it is not there, and was not made, maybe because somebody else
-- just did
with wanted as (
  select normalize($2, NFC) as path
), found as (
  select f.id, f.file_path, f.epoch, f.root_name, f.quarantined_at is not null as quarantined, f.is_binary
  from files f, wanted where f.session_id = $1 and f.deleted_at is null and not f.is_folder and f.file_path = wanted.path
), made as (
  insert into files (id, session_id, filename, file_path, file_type, created_by)
  select $4, $1, regexp_replace(path, '^.*/', ''), path, substring(path from '\.[A-Za-z0-9_+-]{1,49}$'), $5
  from wanted
  where $3 and not exists (select from found) and (select count(*) from files f where f.session_id = $1 and f.deleted_at is null) < $7
  on conflict do nothing
  returning id, file_path, epoch, root_name, is_binary
), feed as (
  insert into activity_feed (id, session_id, user_id, activity_type, activity_data)
  select $6, $1, $5, 'file_created', jsonb_build_object('file', id, 'path', file_path) from made
)
select id, file_path, epoch, root_name, quarantined, is_binary, false from found
union all
select id, file_path, epoch, root_name, false, is_binary, true from made;

-- name: client_claim
-- A client id whose owner a door has seen writing. $1 uuid session, $2 uuid file, $3 bigint epoch, $4 bigint client id, $5 uuid user
-- answers to whom it belongs.
insert into crdt_clients as held (session_id, file_id, epoch, client_id, user_id) values ($1, $2, $3, $4, $5)
on conflict (file_id, epoch, client_id) do update set user_id = coalesce(held.user_id, excluded.user_id)
returning user_id;

-- name: document_older_clients
-- $1 uuid file, $2 bigint epoch; answers the client ids that are known from older epochs only, ascending.
select distinct client_id from crdt_clients o
where file_id = $1 and epoch < $2 and not exists (
  select from crdt_clients c where c.file_id = $1 and c.epoch = $2 and c.client_id = o.client_id)
order by client_id;

-- name: client_relayed
-- Client ids first seen through somebody else than their owner, who is not known (yet).
-- $1 uuid session, $2 uuid file, $3 bigint epoch, $4 bigint[] client ids; answers the ids.
with ids as (
  select distinct id from unnest($4::bigint[]) as t (id)
), new as (
  insert into crdt_clients (session_id, file_id, epoch, client_id, relayed) select $1, $2, $3, id, true from ids
  on conflict (file_id, epoch, client_id) do nothing
)
select id from ids;

-- name: document_standing
-- $1 uuid[] files, $2 bigint[] their epochs, $3 bigint[] versions of their checkpoints, as memory has them
-- answers session, file, epoch, version, quarantined, deleted of those that stand elsewhere.
select f.session_id, f.id, f.epoch, f.checkpoint_version, f.quarantined_at is not null, f.deleted_at is not null
from unnest($1::uuid[], $2::bigint[], $3::bigint[]) as t (id, epoch, version) join files f on f.id = t.id
where f.quarantined_at is not null or f.deleted_at is not null or f.epoch <> t.epoch or f.checkpoint_version > t.version;
