-- Statements of files. A row told to clients: id, path, size, hash, newest version, updated (ms), quarantined.

-- name: files_create
-- $1 uuid session, $2 uuid new file, $3 text path, $4 uuid user, $5 uuid new activity id, $6 bigint files a session may have
-- answers the row; none: the session has too many. STATUS_EXISTS (files_live_path): the path is taken
with file as (
  insert into files (id, session_id, filename, file_path, file_type, created_by)
  select $2, $1, regexp_replace(p.path, '^.*/', ''), p.path, substring(p.path from '\.[A-Za-z0-9_+-]{1,49}$'), $4
  from (select normalize($3, NFC) as path) p
  where (select count(*) from files f where f.session_id = $1 and f.deleted_at is null) < $6
  returning *
), feed as (
  insert into activity_feed (id, session_id, user_id, activity_type, activity_data)
  select $5, $1, $4, 'file_created', jsonb_build_object('file', id, 'path', file_path) from file
)
select id, file_path, file_size::bigint, content_hash::text, head_version::bigint, (extract(epoch from updated_at) * 1000)::bigint,
       quarantined_at is not null
from file;

-- name: files_list
-- $1 uuid session, $2 text after this path, $3 bigint at most
-- answers rows in order of paths (byte order)
select id, file_path, file_size::bigint, content_hash::text, head_version::bigint, (extract(epoch from updated_at) * 1000)::bigint,
       quarantined_at is not null
from files
where session_id = $1 and deleted_at is null and not is_folder and file_path collate "C" > $2
order by file_path collate "C"
limit $3;

-- name: files_rename
-- $1 uuid session, $2 uuid file, $3 text new path, $4 uuid user, $5 uuid new activity id
-- answers the row; none: there is no such file. STATUS_EXISTS (files_live_path): the path is taken
with old as (
  select id, file_path from files where id = $2 and session_id = $1 and deleted_at is null for update
), file as (
  update files f set file_path = p.path, filename = regexp_replace(p.path, '^.*/', ''),
         file_type = substring(p.path from '\.[A-Za-z0-9_+-]{1,49}$'), updated_at = now()
  from (select normalize($3, NFC) as path) p, old
  where f.id = old.id
  returning f.*, old.file_path as old_path
), feed as (
  insert into activity_feed (id, session_id, user_id, activity_type, activity_data)
  select $5, $1, $4, 'file_renamed', jsonb_build_object('file', id, 'path', file_path, 'from', old_path) from file
)
select id, file_path, file_size::bigint, content_hash::text, head_version::bigint, (extract(epoch from updated_at) * 1000)::bigint,
       quarantined_at is not null
from file;

-- name: files_delete
-- The row stays, marked: history and an undelete need it.
-- $1 uuid session, $2 uuid file, $3 uuid user, $4 uuid new activity id
-- answers the row; none: there is no such file
with file as (
  update files set deleted_at = now(), updated_at = now() where id = $2 and session_id = $1 and deleted_at is null returning *
), feed as (
  insert into activity_feed (id, session_id, user_id, activity_type, activity_data)
  select $4, $1, $3, 'file_deleted', jsonb_build_object('file', id, 'path', file_path) from file
)
select id, file_path, file_size::bigint, content_hash::text, head_version::bigint, (extract(epoch from updated_at) * 1000)::bigint,
       quarantined_at is not null
from file;
