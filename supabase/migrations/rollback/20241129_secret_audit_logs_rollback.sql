-- Takes back 20241129_secret_audit_logs.sql, rows included. Roles stay: they belong to the whole server.

drop table if exists public.secret_audit_logs;
drop function if exists public.secret_audit_logs_extend();
drop function if exists public.secret_audit_logs_drop(timestamptz);
drop function if exists public.secret_audit_logs_harden();
drop function if exists public.secret_audit_logs_keep();
