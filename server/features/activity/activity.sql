-- Statements of the feed. Its rows are written by what they tell of, in the same statement.

-- name: activity_list
-- $1 uuid session, $2 uuid older than this entry (null: from the newest), $3 bigint at most
-- answers id, at (ms), user, name, type, data
select a.id, (extract(epoch from a.created_at) * 1000)::bigint, a.user_id, coalesce(u.display_name, u.username)::text,
       a.activity_type::text, a.activity_data
from activity_feed a left join users u on u.id = a.user_id
where a.session_id = $1
  and ($2::uuid is null
       or (a.created_at, a.id) < (select b.created_at, b.id from activity_feed b where b.id = $2 and b.session_id = $1))
order by a.created_at desc, a.id desc
limit $3;
