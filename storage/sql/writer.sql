-- Statements of the writer's connection: the journal and nothing else, so that an acknowledgement waits for nobody.

-- name: journal_insert
-- $1 uuid writer; one element per row: $2 uuid[] session, $3 uuid[] file, $4 bigint[] epoch, $5 bigint[] writer_seq, $6 bytea[] updates.
-- Repeating it is harmless.
insert into crdt_journal (session_id, file_id, epoch, writer, writer_seq, updates)
select session_id, file_id, epoch, $1, writer_seq, updates
  from unnest($2::uuid[], $3::uuid[], $4::bigint[], $5::bigint[], $6::bytea[]) as t (session_id, file_id, epoch, writer_seq, updates)
on conflict (file_id, epoch, writer, writer_seq) do nothing;
