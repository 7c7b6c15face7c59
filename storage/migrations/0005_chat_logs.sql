-- Chat, and the logs that only grow: these are partitioned by month, so that age is dropped and not deleted.

create table chat_messages (
    id            uuid primary key default gen_random_uuid(),
    session_id    uuid not null references coding_sessions on delete cascade,
    user_id       uuid references users on delete set null,
    message_type  varchar(20) not null default 'text' check (message_type in ('text', 'code', 'file_share', 'system')),
    content       text not null check (octet_length(content) <= 65536),
    metadata      jsonb,
    is_edited     boolean not null default false,
    reply_to      uuid references chat_messages on delete set null,
    created_at    timestamptz not null default now(),
    updated_at    timestamptz not null default now(),

    seq           bigint not null,        -- 1, 2, 3 … within the session, without holes: coding_sessions.chat_seq
    client_msg_id uuid not null default gen_random_uuid(), -- the sender's own: makes a resend harmless
    deleted_at    timestamptz,
    constraint chat_messages_seq_key unique (session_id, seq),
    constraint chat_messages_client_key unique (session_id, user_id, client_msg_id)
);
create index chat_messages_of_user on chat_messages (user_id) where user_id is not null;
create index chat_messages_replies on chat_messages (reply_to) where reply_to is not null;

create table activity_feed (
    id            uuid not null default gen_random_uuid(),
    session_id    uuid not null references coding_sessions on delete cascade,
    user_id       uuid references users on delete set null,
    activity_type varchar(50) not null,
    activity_data jsonb not null default '{}',
    created_at    timestamptz not null default now(),
    primary key (id, created_at)
) partition by range (created_at);
create index activity_feed_of_session on activity_feed (session_id, created_at desc, id);
create index activity_feed_of_user on activity_feed (user_id) where user_id is not null;

create table performance_metrics (
    id           uuid not null default gen_random_uuid(),
    session_id   uuid references coding_sessions on delete cascade, -- null: of the server
    metric_type  varchar(50) not null,
    metric_value double precision not null,
    metadata     jsonb,
    recorded_at  timestamptz not null default now(),
    primary key (id, recorded_at)
) partition by range (recorded_at);
create index performance_metrics_of_session on performance_metrics (session_id, metric_type, recorded_at desc);

create table usage_patterns (
    id            uuid primary key default gen_random_uuid(),
    user_id       uuid not null references users on delete cascade,
    session_id    uuid references coding_sessions on delete cascade,
    pattern_type  varchar(50) not null,
    pattern_data  jsonb,
    frequency     integer not null default 1 check (frequency > 0),
    last_occurred timestamptz not null default now(),

    pattern_key   text not null default '',
    constraint usage_patterns_key unique nulls not distinct (user_id, session_id, pattern_type, pattern_key)
);
create index usage_patterns_of_session on usage_patterns (session_id) where session_id is not null;

-- Plain ids, no foreign keys: these rows outlive what they speak of.
create table security_events (
    id         uuid not null default gen_random_uuid(),
    session_id uuid,
    user_id    uuid,
    event_type varchar(50) not null,
    severity   varchar(20) not null default 'low' check (severity in ('low', 'medium', 'high', 'critical')),
    event_data jsonb not null default '{}',
    sandbox_id varchar(100),
    created_at timestamptz not null default now(),
    primary key (id, created_at)
) partition by range (created_at);
create index security_events_by_severity on security_events (severity, created_at desc);
create index security_events_of_session on security_events (session_id, created_at desc);

create table audit_logs (
    id            uuid not null default gen_random_uuid(),
    user_id       uuid,
    session_id    uuid,
    action        varchar(100) not null,
    resource_type varchar(50),
    resource_id   uuid,
    old_values    jsonb,
    new_values    jsonb,
    ip_address    inet,
    user_agent    text,
    created_at    timestamptz not null default now(),

    writer        uuid,   -- rows of one writer form a chain
    writer_seq    bigint,
    chain_hash    bytea,  -- over the writer's previous chain_hash and this row
    primary key (id, created_at)
) partition by range (created_at);
create index audit_logs_of_resource on audit_logs (resource_type, resource_id, created_at desc);
create index audit_logs_of_user on audit_logs (user_id, created_at desc);
create index audit_logs_of_session on audit_logs (session_id, created_at desc);
comment on table audit_logs is 'the role of the server may add and read, nothing else';

create table outbox (
    id         bigint generated always as identity primary key,
    topic      varchar(50) not null,
    payload    jsonb not null,
    created_at timestamptz not null default now()
);

-- A partition per calendar month (UTC), for this month and `months` more; rows of other times fall into the default partition.
-- Runs as the schema's owner, so that the server's role can call it without owning anything. Answers the number made.
create function log_partitions_ahead(months integer) returns integer
language plpgsql security definer set search_path from current as $$
declare
    parent text;
    starts timestamptz;
    made integer := 0;
    name text;
begin
    if months not between 0 and 120 then
        raise exception 'months out of range' using errcode = '22003';
    end if;
    perform pg_advisory_xact_lock(7305041836461389641);
    foreach parent in array array['activity_feed', 'performance_metrics', 'security_events', 'audit_logs'] loop
        for month in 0 .. months loop
            starts := (date_trunc('month', now() at time zone 'UTC') + make_interval(months => month)) at time zone 'UTC';
            name := parent || to_char(starts at time zone 'UTC', '_YYYYMM');
            if to_regclass(quote_ident(name)) is null then
                execute format('create table %I partition of %I for values from (%L) to (%L)', name, parent, starts,
                               ((starts at time zone 'UTC') + interval '1 month') at time zone 'UTC');
                made := made + 1;
            end if;
        end loop;
    end loop;
    return made;
end $$;
revoke all on function log_partitions_ahead(integer) from public;

create table activity_feed_default partition of activity_feed default;
create table performance_metrics_default partition of performance_metrics default;
create table security_events_default partition of security_events default;
create table audit_logs_default partition of audit_logs default;
select log_partitions_ahead(12);
