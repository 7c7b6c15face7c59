-- Who may do what. Secrets are stored hashed: SHA-256 for random tokens and codes, a password hash for passwords.

create table user_credentials (
    user_id    uuid not null references users on delete cascade,
    kind       varchar(20) not null check (kind in ('password', 'oidc')),
    secret     text not null, -- password hash in its own notation; or the subject at the issuer
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    primary key (user_id, kind)
);

create table access_tokens (
    token_hash   bytea primary key check (octet_length(token_hash) = 32),
    user_id      uuid not null references users on delete cascade,
    session_id   uuid references coding_sessions on delete cascade, -- null: not bound to a session
    kind         varchar(10) not null default 'access' check (kind in ('access', 'door')),
    scopes       text[] not null default '{}',
    created_at   timestamptz not null default now(),
    expires_at   timestamptz,
    last_used_at timestamptz,
    revoked_at   timestamptz
);
create index access_tokens_of_user on access_tokens (user_id);
create index access_tokens_of_session on access_tokens (session_id) where session_id is not null;
create index access_tokens_expired on access_tokens (expires_at) where expires_at is not null;

create table session_invites (
    id         uuid primary key default gen_random_uuid(),
    session_id uuid not null references coding_sessions on delete cascade,
    code_hash  bytea not null unique check (octet_length(code_hash) = 32),
    role       varchar(20) not null default 'participant' check (role in ('collaborator', 'viewer', 'participant')),
    max_uses   integer check (max_uses > 0), -- null: any number
    uses       integer not null default 0 check (uses >= 0 and (max_uses is null or uses <= max_uses)),
    created_by uuid references users on delete set null,
    created_at timestamptz not null default now(),
    expires_at timestamptz,
    revoked_at timestamptz
);
create index session_invites_of_session on session_invites (session_id);

create table join_tickets (
    ticket_hash bytea primary key check (octet_length(ticket_hash) = 32),
    session_id  uuid not null references coding_sessions on delete cascade,
    user_id     uuid not null references users on delete cascade,
    created_at  timestamptz not null default now(),
    expires_at  timestamptz not null,
    used_at     timestamptz
);
create index join_tickets_expired on join_tickets (expires_at);
create index join_tickets_of_session on join_tickets (session_id);
create index join_tickets_of_user on join_tickets (user_id);

create table file_permissions (
    id           uuid primary key default gen_random_uuid(),
    session_id   uuid not null references coding_sessions on delete cascade,
    path_pattern text not null check (path_pattern <> '' and octet_length(path_pattern) <= 1024),
    subject      text not null check (subject = 'everyone' or subject ~ '^(user|role|kind):.+$'),
    access       varchar(10) not null check (access in ('none', 'read', 'suggest', 'write')),
    created_by   uuid references users on delete set null,
    created_at   timestamptz not null default now(),
    constraint file_permissions_key unique (session_id, path_pattern, subject)
);
comment on column file_permissions.subject is 'everyone, user:<uuid>, role:<role> or kind:<kind>';
