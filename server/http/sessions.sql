-- Statements of the two HTTP calls by which people get in.

-- name: http_token_user
-- Whose token this is, of those that are not bound to one session: such a user may create sessions.
-- $1 bytea token hash (SHA-256); answers user id
select user_id from access_tokens
where token_hash = $1 and kind = 'access' and session_id is null and revoked_at is null
  and (expires_at is null or expires_at > now());

-- name: http_session_create
-- A session with its owner, who gets a token for it. The owner is present only after session.join, so the seat begins as left.
-- $1 uuid session, $2 text name, $3 text room code, $4 text type, $5 int max_participants,
-- $6 uuid owner, $7 text username (null: the owner exists already), $8 text display name, $9 bytea token hash
with person as (
  insert into users (id, username, display_name) select $6, $7::text, $8::text where $7::text is not null
), session as (
  insert into coding_sessions (id, name, room_code, session_type, max_participants, owner_id) values ($1, $2, $3, $4, $5, $6)
), seat as (
  insert into session_participants (session_id, user_id, role, left_at) values ($1, $6, 'owner', now())
)
insert into access_tokens (token_hash, user_id, session_id) values ($9, $6, $1);

-- name: http_session_join
-- A guest comes in by room code.
-- $1 text room code, $2 uuid user, $3 text username, $4 text display name, $5 bytea token hash
-- answers session, its name, whether it is full (then nothing was written); no row: no such code
with room as (
  select s.id, s.name::text as name,
         s.max_participants <= (select count(*) from session_participants p
                                where p.session_id = s.id and p.left_at is null and p.removed_at is null) as is_full
  from coding_sessions s where s.room_code = $1 and s.is_active
), guest as (
  insert into users (id, username, display_name, is_guest) select $2, $3, $4, true from room where not is_full
), seat as (
  insert into session_participants (session_id, user_id, role, left_at) select id, $2, 'participant', now() from room where not is_full
), token as (
  insert into access_tokens (token_hash, user_id, session_id) select $5, $2, id from room where not is_full
)
select id, name, is_full from room;
