BEGIN;
CREATE TEMPORARY TABLE given (email text, name text, role text, password text) ON COMMIT DROP;
COPY given FROM STDIN;
@ROW@
\.
@STATEMENT@
COMMIT;
