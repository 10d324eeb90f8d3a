-- Partitions and children read directly, and parents that return their children's rows.

--# partition
SELECT email FROM ledger_odd

--# default-partition
SELECT * FROM ledger_rest

--# partition-row
SELECT l FROM ledger_odd l

--# parent
SELECT email, salary FROM ledger

--# parent-only
SELECT email FROM ONLY animals

--# child
SELECT email, salary FROM birds

--# child-star
SELECT * FROM birds

--# child-expression
SELECT upper(email) FROM birds

--# parent-with-children
SELECT * FROM animals *

--# tableoid-beside
SELECT tableoid::regclass, email FROM animals

--# union-of-parts
SELECT email FROM ledger_odd UNION ALL SELECT email FROM ledger_rest

--# detached
ALTER TABLE ledger DETACH PARTITION ledger_odd
--
SELECT email FROM ledger_odd

--# no-longer-a-child
ALTER TABLE birds NO INHERIT animals
--
SELECT email FROM birds

--# update-moves-partition
UPDATE ledger SET id = id + 1 RETURNING *

--# partition-update-returning
UPDATE ledger_odd SET email = email RETURNING *

--# partition-copied
CREATE TEMP TABLE t AS SELECT * FROM ledger_odd
--
SELECT * FROM t

--# child-copied
INSERT INTO notes (body) SELECT email FROM birds
--
SELECT body FROM notes

--# partition-created
CREATE TABLE ledger_seven PARTITION OF ledger FOR VALUES IN (7)
--
INSERT INTO ledger SELECT 7, email, salary, born FROM people WHERE id = 1
--
SELECT email FROM ledger_seven

--# partition-cursor
DECLARE c CURSOR FOR SELECT email FROM ledger_odd
--
FETCH ALL FROM c

--# child-as-parent-row
SELECT b::animals FROM birds b

--# child-as-parent-field
SELECT (b::animals).email FROM birds b

--# parent-of-a-protected-child
SELECT serial FROM stock

--# parent-of-a-protected-child-star
SELECT * FROM stock

--# parent-of-a-protected-child-computed
SELECT reverse(serial) FROM stock

--# parent-of-a-protected-child-copy
COPY (SELECT serial FROM stock) TO STDOUT

--# parent-of-a-protected-child-kept
CREATE TABLE kept AS SELECT serial FROM stock
--
SELECT serial FROM kept
