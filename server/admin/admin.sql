-- Statements of what an operator may do.

-- name: admin_session_close
-- Nobody comes into this session any more.
-- $1 uuid session; answers its id; no row: there is no such session
update coding_sessions set is_active = false, ended_at = coalesce(ended_at, now()) where id = $1 returning id;
