-- Door tokens stand in URLs (access_tokens.kind = 'door'): a session takes them only if its owner says so.
alter table coding_sessions
    add column door_tokens boolean not null default false;
