-- The CRDT documents: what is on disk of one is its checkpoint and the journal rows that no checkpoint has merged.

create table crdt_checkpoints (
    session_id   uuid not null,
    file_id      uuid not null references files on delete cascade,
    epoch        bigint not null,
    version      bigint not null check (version > 0),
    format       integer not null, -- 1: Yjs update v1
    state        bytea not null,
    state_vector bytea not null,
    xxh3         bytea not null check (octet_length(xxh3) = 16), -- XXH3-128 of state, then state_vector
    updated_at   timestamptz not null default now(),
    primary key (file_id, epoch)
);
-- A state is compressed poorly and rewritten whole: leave the CPU alone.
alter table crdt_checkpoints alter column state set storage external, alter column state_vector set storage external;
comment on table crdt_checkpoints is 'the merged state of each document, one row per file and epoch. Never delete: the text is in here';

-- No foreign keys: an insert must not wait for, or fail with, anything but this table. Rows of deleted files are swept.
create table crdt_journal (
    session_id uuid not null,
    file_id    uuid not null,
    epoch      bigint not null,
    writer     uuid not null,   -- one boot of one event loop
    writer_seq bigint not null,
    updates    bytea not null,  -- storage/include/store/documents.h has the bytes
    created_at timestamptz not null default now(),
    primary key (file_id, epoch, writer, writer_seq)
) with (fillfactor = 100,
        autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 1000,
        autovacuum_vacuum_insert_scale_factor = 0.2,
        autovacuum_vacuum_cost_delay = 0, autovacuum_analyze_scale_factor = 0.2);
alter table crdt_journal alter column updates set storage external;
comment on table crdt_journal is 'acknowledged updates that no checkpoint has merged yet. Only a checkpoint deletes here';

create table crdt_history (
    session_id uuid not null,
    file_id    uuid not null references files on delete cascade,
    epoch      bigint not null,
    chunk      bigint not null,  -- version of the checkpoint that trimmed these rows
    from_at    timestamptz not null,
    to_at      timestamptz not null,
    row_count  integer not null,
    updates    bytea not null,   -- zstd: journal payloads, each behind its size in four bytes, big-endian
    keyframe   bytea,
    primary key (file_id, epoch, chunk)
);
alter table crdt_history alter column updates set storage external, alter column keyframe set storage external;
create index crdt_history_by_age on crdt_history using brin (to_at);
comment on table crdt_history is 'what checkpoints trimmed from the journal, for time travel and blame. Safe to thin by age';

create table crdt_clients (
    session_id         uuid not null,
    file_id            uuid not null references files on delete cascade,
    epoch              bigint not null,
    client_id          bigint not null check (client_id >= 0),
    user_id            uuid references users on delete set null,
    agent_execution_id uuid,
    relayed            boolean not null default false, -- first seen through somebody else
    first_seen         timestamptz not null default now(),
    primary key (file_id, epoch, client_id)
);
create index crdt_clients_of_user on crdt_clients (user_id);
comment on table crdt_clients is 'to whom a CRDT client id belongs';
