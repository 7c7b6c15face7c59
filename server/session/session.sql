-- Statements of sessions: who somebody is, coming and going.

-- name: session_identity
-- Who shows this token, and what they are in this session.
-- $1 bytea token hash (SHA-256), $2 uuid session, $3 text where it is shown: 'native', 'door' or, in a door's URL, 'url'. A door token
-- opens doors, if the session takes them, and nothing else; a URL may hold nothing else.
-- answers user id, username, display name, session exists, session is active, max_participants, role, kind, removed, expires at (ms, 0 never),
-- files, whether it is a door token; no row: the token is unknown, expired or for another session. role and kind are null for strangers.
select u.id, u.username::text, coalesce(u.display_name, u.username)::text, s.id is not null, coalesce(s.is_active, false),
       coalesce(s.max_participants, 0), p.role::text, p.kind::text, coalesce(p.removed_at is not null, false),
       coalesce((extract(epoch from t.expires_at) * 1000)::bigint, 0),
       (select count(*) from files f where f.session_id = s.id and f.deleted_at is null and not f.is_folder), t.kind = 'door'
from access_tokens t
join users u on u.id = t.user_id
left join coding_sessions s on s.id = $2
left join session_participants p on p.session_id = s.id and p.user_id = u.id
where t.token_hash = $1 and t.revoked_at is null and (t.expires_at is null or t.expires_at > now())
  and (t.session_id is null or t.session_id = $2)
  and case t.kind when 'door' then $3::text <> 'native' and t.session_id = $2 and s.door_tokens else $3::text <> 'url' end;

-- name: session_enter
-- The first connection of a user in a session: a visit begins, the feed says so.
-- $1 uuid session, $2 uuid user, $3 uuid new activity id
with participant as (
  update session_participants set left_at = null, last_seen_at = now() where session_id = $1 and user_id = $2 returning user_id
), visit as (
  insert into participant_visits (session_id, user_id) select $1, user_id from participant
), person as (
  update users set is_online = true, last_active = now() where id = $2
)
insert into activity_feed (id, session_id, user_id, activity_type) select $3, $1, user_id, 'user_joined' from participant;

-- name: session_leave
-- The last connection of a user in a session has gone.
-- $1 uuid session, $2 uuid user, $3 uuid new activity id
with participant as (
  update session_participants set left_at = now(), last_seen_at = now() where session_id = $1 and user_id = $2 returning user_id
), visit as (
  update participant_visits set left_at = now() where session_id = $1 and user_id = $2 and left_at is null
), person as (
  update users set last_active = now(), is_online = exists (
    select from participant_visits v where v.user_id = $2 and v.left_at is null and v.session_id <> $1)
  where id = $2
)
insert into activity_feed (id, session_id, user_id, activity_type) select $3, $1, user_id, 'user_left' from participant;

-- name: session_sweep
-- At the start of a process: whoever a dead process left behind as present is not.
with visits as (
  update participant_visits set left_at = now() where left_at is null
), participants as (
  update session_participants set left_at = last_seen_at where left_at is null
), presence as (
  delete from editing_sessions
)
update users set is_online = false where is_online;

-- name: session_token_add
-- A fresh token for a participant, with the lifetime that the user's newest token of this session was given (none: it never ends).
-- $1 bytea token hash, $2 uuid user, $3 uuid session
-- answers when it ends (ms, 0 never)
with lifetime as (
  select max(expires_at - created_at) filter (where expires_at is not null) as span
  from access_tokens where user_id = $2 and session_id = $3 and kind = 'access'
)
insert into access_tokens (token_hash, user_id, session_id, expires_at)
select $1, $2, $3, now() + span from lifetime
returning coalesce((extract(epoch from expires_at) * 1000)::bigint, 0);

-- name: session_door_tokens
-- $1 bytea[] hashes of door tokens, some more than once; answers those that open nothing any more, 64 at a time: each costs a walk over
-- the connections.
select distinct t.hash from unnest($1::bytea[]) as t (hash)
where not exists (
  select from access_tokens a join coding_sessions s on s.id = a.session_id
  where a.token_hash = t.hash and a.revoked_at is null and s.door_tokens)
limit 64;

-- name: session_closed
-- $1 uuid[] sessions; answers those that take nobody any more.
select t.id from unnest($1::uuid[]) as t (id)
where not exists (select from coding_sessions s where s.id = t.id and s.is_active);
