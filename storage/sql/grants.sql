-- What the running server may do. Executed by the migration as the schema's owner after the last migration, every time; :role stands for
-- the quoted name of the server's role. It owns nothing, and it cannot change or remove an audit row.
grant usage on schema :schema to :role;
grant select, insert, update, delete on all tables in schema :schema to :role;
grant usage, select on all sequences in schema :schema to :role;
revoke insert, update, delete on schema_migrations from :role;
revoke all on audit_logs from :role;
grant select, insert on audit_logs to :role;
-- Partitions are reached through their parents only.
do $$
declare
    child regclass;
begin
    for child in select inhrelid::regclass from pg_inherits join pg_class on pg_class.oid = inhparent
                 where relkind = 'p' and relnamespace = (select oid from pg_namespace where nspname = current_schema()) loop
        execute format('revoke all on %s from %s', child, $r$:role$r$);
    end loop;
end $$;
grant execute on function log_partitions_ahead(integer), log_partitions_drop(text, integer) to :role;
