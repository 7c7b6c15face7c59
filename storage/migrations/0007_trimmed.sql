-- A row whose commit got no answer is sent again. If another writer's checkpoint has moved it to crdt_history meanwhile, its key is free
-- and it comes to stand in the journal a second time: here stands that the history has it.
create table crdt_trimmed (
    file_id    uuid not null references files on delete cascade,
    epoch      bigint not null,
    writer     uuid not null,
    writer_seq bigint not null, -- the newest row of `writer` that others have moved; it sends its rows of a document one after the other
    trimmed_at timestamptz not null default now(),
    primary key (file_id, epoch, writer)
);
create index crdt_trimmed_by_age on crdt_trimmed (trimmed_at);
comment on table crdt_trimmed is 'up to which journal row of another writer a checkpoint has moved them to crdt_history';
