-- What only grows is dropped by age: whole partitions of the logs.

-- Drops the partitions of a log that hold nothing younger than `days` days, and deletes as old rows from its default partition. Runs as
-- the schema's owner, so that the server's role can call it without owning anything; therefore it touches nothing that is younger than 30
-- days, and not the audit log, which only the owner may shorten. Answers the number of partitions dropped.
create function log_partitions_drop(log text, days integer) returns integer
language plpgsql security definer set search_path from current set lock_timeout = '5s' as $$
declare
    before timestamptz := now() - make_interval(days => days);
    partition regclass;
    ends timestamptz;
    dropped integer := 0;
begin
    if log not in ('activity_feed', 'performance_metrics', 'security_events') or days < 30 then
        raise exception 'not a log that may be shortened, or not to % days', days using errcode = '22023';
    end if;
    perform pg_advisory_xact_lock(7305041836461389641);
    for partition in select inhrelid::regclass from pg_inherits where inhparent = log::regclass order by inhrelid::regclass::text loop
        -- activity_feed_202401 ends with January 2024 in UTC
        continue when partition::text !~ '_\d{6}$';
        ends := (to_date(right(partition::text, 6), 'YYYYMM') + interval '1 month') at time zone 'UTC';
        if ends <= before then
            execute format('drop table %s', partition);
            dropped := dropped + 1;
        end if;
    end loop;
    execute format('delete from %I where %I < $1', log || '_default', case log when 'performance_metrics' then 'recorded_at' else 'created_at' end)
        using before;
    return dropped;
end $$;
revoke all on function log_partitions_drop(text, integer) from public;
