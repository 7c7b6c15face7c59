-- Statements of the chat. A message: id, client_msg_id, seq, at (ms), user, name, text, reply_to.

-- name: chat_send
-- Stores a message under the next number of its session, once: the same client_msg_id again answers the stored one.
-- $1 uuid new message, $2 uuid session, $3 uuid user, $4 uuid client_msg_id, $5 text, $6 uuid reply to (null: none),
-- $7 uuid new activity id
-- answers message id, seq, at (ms), fresh
with known as (
  select id, seq, created_at from chat_messages where session_id = $2 and user_id = $3 and client_msg_id = $4
), next as (
  update coding_sessions set chat_seq = chat_seq + 1 where id = $2 and not exists (select from known) returning chat_seq
), fresh as (
  insert into chat_messages (id, session_id, user_id, client_msg_id, content, reply_to, seq)
  select $1, $2, $3, $4, $5, (select id from chat_messages where id = $6 and session_id = $2), chat_seq from next
  returning id, seq, created_at
), feed as (
  insert into activity_feed (id, session_id, user_id, activity_type, activity_data)
  select $7, $2, $3, 'message_sent', jsonb_build_object('message', id, 'seq', seq) from fresh
)
select id, seq, (extract(epoch from created_at) * 1000)::bigint, false from known
union all
select id, seq, (extract(epoch from created_at) * 1000)::bigint, true from fresh;

-- name: chat_history
-- $1 uuid session, $2 bigint before this seq, $3 bigint at most
select m.id, m.client_msg_id, m.seq, (extract(epoch from m.created_at) * 1000)::bigint, m.user_id,
       coalesce(u.display_name, u.username)::text, m.content, m.reply_to
from chat_messages m left join users u on u.id = m.user_id
where m.session_id = $1 and m.seq < $2 and m.deleted_at is null
order by m.seq desc
limit $3;
