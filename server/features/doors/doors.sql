-- Statements of door tokens.

-- name: doors_allow
-- $1 uuid session, $2 boolean whether it takes door tokens
update coding_sessions set door_tokens = $2 where id = $1;

-- name: doors_token
-- A door token of a participant. $1 bytea token hash, $2 uuid user, $3 uuid session; no row is affected if the session takes none
-- answers when it was made (ms)
insert into access_tokens (token_hash, user_id, session_id, kind)
select $1, $2, id, 'door' from coding_sessions where id = $3 and door_tokens
returning (extract(epoch from created_at) * 1000)::bigint;

-- name: doors_revoke
-- All door tokens of a participant. $1 uuid user, $2 uuid session; answers a row for each
update access_tokens set revoked_at = now()
where user_id = $1 and session_id = $2 and kind = 'door' and revoked_at is null
returning 1;
