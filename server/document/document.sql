-- Statements of documents.

-- name: document_claim
-- Finds a file and claims a CRDT client id of its current epoch for a user.
-- $1 uuid session, $2 uuid file (null: by path), $3 text path, $4 bigint client id, $5 uuid user
-- answers file id, path, epoch, root name, quarantined, binary, user who holds the client id
with file as (
  select id, file_path, epoch, root_name, quarantined_at is not null as quarantined, is_binary
  from files
  where session_id = $1 and deleted_at is null and not is_folder
    and case when $2::uuid is null then file_path = $3 else id = $2 end
), claim as (
  insert into crdt_clients as held (session_id, file_id, epoch, client_id, user_id)
  select $1, id, epoch, $4, $5 from file where not quarantined and not is_binary
  on conflict (file_id, epoch, client_id) do update set user_id = coalesce(held.user_id, excluded.user_id)
  returning user_id
)
select file.id, file.file_path, file.epoch, file.root_name, file.quarantined, file.is_binary, claim.user_id
from file left join claim on true;
