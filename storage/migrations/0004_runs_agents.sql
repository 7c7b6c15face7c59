-- Code that was run, agents that worked, what they proposed.

create table execution_environments (
    id                    uuid primary key default gen_random_uuid(),
    name                  varchar(100) not null unique check (name <> ''),
    language              varchar(20) not null,
    docker_image          varchar(255),
    resource_limits       jsonb not null default '{}' check (jsonb_typeof(resource_limits) = 'object'),
    environment_variables jsonb not null default '{}' check (jsonb_typeof(environment_variables) = 'object'),
    is_active             boolean not null default true,
    created_at            timestamptz not null default now()
);
comment on column execution_environments.environment_variables is 'names and harmless values; secrets never stand here';

create table code_executions (
    id             uuid primary key default gen_random_uuid(),
    session_id     uuid not null references coding_sessions on delete cascade,
    file_id        uuid references files on delete set null,
    user_id        uuid references users on delete set null,
    code_snippet   text not null,
    language       varchar(20) not null,
    execution_mode varchar(20) not null default 'sandbox' check (execution_mode in ('docker', 'local', 'sandbox')),
    sandbox_id     varchar(100),
    status         varchar(20) not null default 'pending'
                   check (status in ('pending', 'running', 'completed', 'failed', 'timeout', 'cancelled')),
    output         text,
    error_message  text,
    execution_time double precision check (execution_time >= 0),
    memory_used    integer check (memory_used >= 0),
    cpu_time       double precision check (cpu_time >= 0),
    created_at     timestamptz not null default now(),
    completed_at   timestamptz,

    environment_id uuid references execution_environments on delete set null,
    version_id     uuid references file_versions on delete set null,
    code_hash      varchar(64),
    cache_hit      boolean not null default false,
    limits         jsonb,
    exit_code      integer,
    exit_signal    integer,
    wall_us        bigint check (wall_us >= 0),
    cpu_us         bigint check (cpu_us >= 0),
    max_rss_kb     bigint check (max_rss_kb >= 0)
);
create index code_executions_of_session on code_executions (session_id, created_at desc);
create index code_executions_of_file on code_executions (file_id) where file_id is not null;
create index code_executions_of_user on code_executions (user_id, created_at desc) where user_id is not null;
create index code_executions_unfinished on code_executions (created_at) where status in ('pending', 'running');
create index code_executions_of_environment on code_executions (environment_id) where environment_id is not null;
create index code_executions_of_version on code_executions (version_id) where version_id is not null;
comment on column code_executions.output is 'the last 64 KB; all of it is in execution_output';
comment on column code_executions.execution_time is 'seconds; exactly: wall_us';
comment on column code_executions.memory_used is 'MB, rounded up; exactly: max_rss_kb';

create table execution_output (
    execution_id uuid not null references code_executions on delete cascade,
    seq          integer not null check (seq >= 0),
    stream       varchar(6) not null check (stream in ('stdout', 'stderr', 'stdin', 'system')),
    at_ms        integer not null check (at_ms >= 0), -- since the start
    data         bytea not null,
    primary key (execution_id, seq)
);

create table agent_executions (
    id             uuid primary key default gen_random_uuid(),
    session_id     uuid not null references coding_sessions on delete cascade,
    user_id        uuid references users on delete set null,
    agent_type     varchar(50) not null,
    input_data     jsonb not null,
    output_data    jsonb,
    model_name     varchar(100),
    model_version  text,
    tokens_used    integer check (tokens_used >= 0),
    sandbox_id     varchar(100),
    execution_time double precision check (execution_time >= 0),
    status         varchar(20) not null default 'pending' check (status in ('pending', 'running', 'completed', 'failed', 'cancelled')),
    created_at     timestamptz not null default now(),
    completed_at   timestamptz,

    lease_until    timestamptz,
    attempts       integer not null default 0
);
create index agent_executions_of_session on agent_executions (session_id, created_at desc);
create index agent_executions_of_user on agent_executions (user_id) where user_id is not null;
create index agent_executions_queue on agent_executions (created_at) where status in ('pending', 'running');

create table agent_events (
    execution_id uuid not null references agent_executions on delete cascade,
    seq          integer not null check (seq >= 0),
    parent_seq   integer,
    event_type   varchar(50) not null,
    event_data   jsonb not null,
    created_at   timestamptz not null default now(),
    primary key (execution_id, seq)
);

create table ai_suggestions (
    id               uuid primary key default gen_random_uuid(),
    session_id       uuid not null references coding_sessions on delete cascade,
    file_id          uuid references files on delete cascade,
    user_id          uuid references users on delete set null,
    suggestion_type  varchar(50) not null,
    original_code    text,
    suggested_code   text,
    explanation      text,
    confidence_score double precision check (confidence_score between 0 and 1),
    is_accepted      boolean,
    is_implemented   boolean,
    created_at       timestamptz not null default now(),

    state            varchar(20) not null default 'open' check (state in ('open', 'accepted', 'rejected', 'stale', 'withdrawn')),
    decided_by       uuid references users on delete set null,
    decided_at       timestamptz,
    agent_execution_id uuid references agent_executions on delete set null,
    anchors          bytea
);
create index ai_suggestions_of_session on ai_suggestions (session_id, created_at desc);
create index ai_suggestions_of_file on ai_suggestions (file_id, created_at desc);
create index ai_suggestions_of_user on ai_suggestions (user_id) where user_id is not null;
create index ai_suggestions_of_decider on ai_suggestions (decided_by) where decided_by is not null;
create index ai_suggestions_of_execution on ai_suggestions (agent_execution_id) where agent_execution_id is not null;
