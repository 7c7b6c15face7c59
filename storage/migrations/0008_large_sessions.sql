-- A session may have more than 10,000 participants.
alter table coding_sessions
    drop constraint coding_sessions_max_participants_check,
    add constraint coding_sessions_max_participants_check check (max_participants between 1 and 1000000);
