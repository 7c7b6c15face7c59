-- Statements of the query connection that more than one part of the server needs. A feature's own statements live in its folder.

-- name: file_quarantine
-- $1 uuid file, $2 text reason. The first reason stays. Answers the number of rows it changed.
update files set quarantined_at = now(), quarantine_reason = left($2, 500) where id = $1 and quarantined_at is null;
