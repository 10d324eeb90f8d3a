-- A row for each execution and each refusal, with its words: weight A in the text, B in names of tables, C in results, D facts.
CREATE TABLE recorded_statement (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    session TEXT NOT NULL,
    number BIGINT NOT NULL,
    execution BIGINT,
    began_at BIGINT NOT NULL,
    elapsed_us BIGINT,
    decision TEXT,
    outcome TEXT,
    sqlstate TEXT,
    message TEXT,
    verb TEXT NOT NULL,
    tables TEXT NOT NULL,
    statement_text TEXT,
    instead TEXT,
    is_cut BIGINT NOT NULL,
    policies TEXT NOT NULL,
    approvals TEXT NOT NULL,
    rehearsal TEXT,
    row_count BIGINT NOT NULL,
    masked_values BIGINT NOT NULL,
    changed BIGINT,
    origins TEXT,
    attempted_in BYTEA,
    results_in BYTEA,
    words TSVECTOR NOT NULL
);

CREATE UNIQUE INDEX recorded_statement_place ON recorded_statement (session, number);

CREATE INDEX recorded_statement_words ON recorded_statement USING gin (words);

-- How common a word is decides how it is looked for: by its index, or from the newest statement on.
ALTER TABLE recorded_statement ALTER COLUMN words SET STATISTICS 1000;
