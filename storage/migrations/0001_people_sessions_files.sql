-- People, sessions and files. Seed columns first, in the seed's order; below the blank line what it forgot.
-- Ids are UUIDv7, bound by the server; gen_random_uuid() is the fallback for hand-written rows.

create table users (
    id           uuid primary key default gen_random_uuid(),
    username     varchar(50) not null unique check (username <> ''),
    email        varchar(100),
    display_name varchar(100),
    avatar_url   text,
    preferences  jsonb not null default '{}' check (jsonb_typeof(preferences) = 'object'),
    created_at   timestamptz not null default now(),
    last_active  timestamptz not null default now(),
    is_online    boolean not null default false,

    is_guest     boolean not null default false,
    is_admin     boolean not null default false
) with (fillfactor = 80);
create unique index users_email_key on users (lower(email));
create index users_online on users (id) where is_online;

create table coding_sessions (
    id               uuid primary key default gen_random_uuid(),
    name             varchar(100) not null check (name <> ''),
    description      text,
    owner_id         uuid not null references users on delete restrict,
    room_code        varchar(20) unique check (length(room_code) >= 8),
    session_type     varchar(20) not null default 'private' check (session_type in ('private', 'public', 'collaborative')),
    max_participants integer not null default 10 check (max_participants between 1 and 10000),
    is_active        boolean not null default true,
    created_at       timestamptz not null default now(),
    ended_at         timestamptz check (ended_at >= created_at),

    settings         jsonb not null default '{}' check (jsonb_typeof(settings) = 'object'),
    chat_seq         bigint not null default 0 -- number of the newest chat message
) with (fillfactor = 80);
create index coding_sessions_of_owner on coding_sessions (owner_id, created_at desc);
create index coding_sessions_public on coding_sessions (created_at desc) where is_active and session_type = 'public';
comment on column coding_sessions.session_type is 'private: by invitation; collaborative: whoever has the code; public: also listed';

create table session_participants (
    session_id      uuid not null references coding_sessions on delete cascade,
    user_id         uuid not null references users on delete cascade,
    role            varchar(20) not null default 'participant' check (role in ('owner', 'collaborator', 'viewer', 'participant')),
    joined_at       timestamptz not null default now(),
    left_at         timestamptz,
    cursor_position jsonb,

    kind            varchar(10) not null default 'human' check (kind in ('human', 'agent', 'runner')),
    last_seen_at    timestamptz not null default now(),
    removed_at      timestamptz, -- put out by an owner: the same code does not let in again
    primary key (session_id, user_id)
) with (fillfactor = 70);
create index session_participants_of_user on session_participants (user_id) where left_at is null;
comment on column session_participants.role is 'participant: a collaborator who may not invite';
comment on column session_participants.cursor_position is
    'last known place, written by the session tick: {"v":1,"file":uuid,"anchor":n,"head":n,"unit":"scalar"}';

create table participant_visits (
    id         bigint generated always as identity primary key,
    session_id uuid not null,
    user_id    uuid not null,
    joined_at  timestamptz not null default now(),
    left_at    timestamptz,
    foreign key (session_id, user_id) references session_participants on delete cascade
);
create index participant_visits_of_participant on participant_visits (session_id, user_id, joined_at desc);
create index participant_visits_open on participant_visits (session_id, user_id) where left_at is null;

create table files (
    id                 uuid primary key default gen_random_uuid(),
    session_id         uuid not null references coding_sessions on delete cascade,
    filename           varchar(255) not null check (filename <> ''),
    file_path          text not null,
    file_type          varchar(50),
    file_size          integer not null default 0 check (file_size >= 0),
    content_hash       varchar(64),
    created_by         uuid references users on delete set null,
    created_at         timestamptz not null default now(),
    updated_at         timestamptz not null default now(),

    root_name          text not null default 'text', -- root type of the document that holds the text
    eol                varchar(4) not null default 'lf' check (eol in ('lf', 'crlf')), -- for export; documents hold LF
    is_binary          boolean not null default false,
    is_folder          boolean not null default false,
    deleted_at         timestamptz,
    epoch              bigint not null default 1 check (epoch > 0),
    checkpoint_version bigint not null default 0, -- equals crdt_checkpoints.version; 0: no checkpoint was ever written
    head_version       integer not null default 0, -- newest version_number on branch main
    head_hash          varchar(64),                -- and the hash of its content
    quarantined_at     timestamptz,
    quarantine_reason  text,
    -- relative, no empty, '.' or '..' parts; bounded so that it fits an index entry
    constraint files_path_is_clean check (octet_length(file_path) between 1 and 1024
        and file_path !~ '(^|/)(\.{0,2})(/|$)' and file_path !~ '[\x01-\x1f\x7f]'),
    constraint files_quarantine_has_reason check ((quarantined_at is null) = (quarantine_reason is null))
) with (fillfactor = 80);
create unique index files_live_path on files (session_id, file_path) where deleted_at is null;
create index files_quarantined on files (quarantined_at) where quarantined_at is not null;
comment on column files.file_size is 'bytes of the text in UTF-8 (or of the blob) at the last checkpoint';
comment on column files.content_hash is 'XXH3-128 in hex of the same bytes, for noticing change; null: no text yet';

create table file_versions (
    id             uuid primary key default gen_random_uuid(),
    file_id        uuid not null references files on delete cascade,
    version_number integer not null check (version_number > 0),
    content        text,
    diff_data      jsonb check (diff_data is null or diff_data ? 'v'),
    commit_message text,
    author_id      uuid references users on delete set null,
    created_at     timestamptz not null default now(),

    session_id     uuid not null,
    branch         varchar(100) not null default 'main' check (branch <> ''),
    content_bytes  bytea, -- instead of content, where the text holds what PostgreSQL's text cannot (NUL)
    content_hash   varchar(64),
    content_size   integer check (content_size >= 0),
    epoch          bigint not null default 1,
    checkpoint_version bigint, -- of the checkpoint that wrote this version
    constraint file_versions_number_key unique (file_id, branch, version_number),
    constraint file_versions_has_content check (num_nonnulls(content, content_bytes, diff_data) > 0),
    constraint file_versions_one_content check (num_nonnulls(content, content_bytes) <= 1)
);
create index file_versions_of_file on file_versions (file_id, created_at desc);
create index file_versions_of_author on file_versions (author_id) where author_id is not null;
comment on column file_versions.content is 'the whole text; older versions may hold only diff_data, the newest never does';

create table editing_sessions (
    id              uuid primary key default gen_random_uuid(),
    file_id         uuid not null references files on delete cascade,
    user_id         uuid not null references users on delete cascade,
    cursor_position integer not null default 0 check (cursor_position >= 0),
    selection_range jsonb,
    is_typing       boolean not null default false,
    last_activity   timestamptz not null default now(),

    connection_id   uuid not null default '00000000-0000-0000-0000-000000000000', -- a person may have several tabs
    constraint editing_sessions_key unique (file_id, user_id, connection_id)
) with (fillfactor = 70);
create index editing_sessions_of_connection on editing_sessions (connection_id);
create index editing_sessions_of_user on editing_sessions (user_id);
comment on table editing_sessions is 'who has which file open; memory is the truth, a tick writes here. Rows older than a minute are of a dead server';
comment on column editing_sessions.cursor_position is 'Unicode scalar values from the start of the text';
comment on column editing_sessions.selection_range is '{"v":1,"anchor":n,"head":n,"unit":"scalar"}';
