-- Statements of presence: one per session and interval.

-- name: presence_write
-- Makes the rows of a session equal to what is in memory.
-- $1 uuid session; arrays of the same length: $2 uuid[] users, $3 uuid[] files, $4 uuid[] connections, $5 int[] anchors,
-- $6 int[] heads, $7 bool[] typing
with here as (
  select h.* from unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::int[], $6::int[], $7::boolean[])
    as h (user_id, file_id, connection_id, anchor, head, typing)
  join files f on f.id = h.file_id and f.session_id = $1
), gone as (
  delete from editing_sessions e using files f
  where f.id = e.file_id and f.session_id = $1
    and not exists (select from here h where h.file_id = e.file_id and h.user_id = e.user_id and h.connection_id = e.connection_id)
), written as (
  insert into editing_sessions as e (file_id, user_id, connection_id, cursor_position, selection_range, is_typing)
  select file_id, user_id, connection_id, head, jsonb_build_object('v', 1, 'anchor', anchor, 'head', head, 'unit', 'utf16'), typing
  from here
  on conflict (file_id, user_id, connection_id) do update
    set cursor_position = excluded.cursor_position, selection_range = excluded.selection_range, is_typing = excluded.is_typing,
        last_activity = now()
)
update session_participants p
set cursor_position = jsonb_build_object('v', 1, 'file', h.file_id, 'anchor', h.anchor, 'head', h.head, 'unit', 'utf16'),
    last_seen_at = now()
from (select distinct on (user_id) * from here order by user_id, connection_id desc) h
where p.session_id = $1 and p.user_id = h.user_id;
