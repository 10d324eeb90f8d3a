-- A row for each execution and each refusal, and the index of their words.
CREATE TABLE recorded_statement (
    id INTEGER PRIMARY KEY,
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
    results_in BYTEA
);

CREATE UNIQUE INDEX recorded_statement_place ON recorded_statement (session, number);

-- The gateway separates the words itself, so that both databases find the same. The rowid is the id of the statement.
CREATE VIRTUAL TABLE recorded_words USING fts5 (
    text, tables, results, facts,
    content = '', contentless_delete = 1, tokenize = 'ascii'
);
