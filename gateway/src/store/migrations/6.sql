-- The index of the record: a row for each session. Times are microseconds since 1970, as in the record. Lists are JSON.
CREATE TABLE recorded_session (
    id TEXT PRIMARY KEY,
    record TEXT NOT NULL,
    gateway TEXT NOT NULL,
    opened_at BIGINT NOT NULL,
    ended_at BIGINT,
    ended TEXT,
    issuer TEXT NOT NULL,
    subject TEXT NOT NULL,
    group_names TEXT NOT NULL,
    agent TEXT,
    task TEXT,
    database_name TEXT NOT NULL,
    role_name TEXT NOT NULL,
    client_address TEXT NOT NULL,
    application TEXT NOT NULL,
    keep TEXT NOT NULL,
    literals TEXT NOT NULL,
    executions BIGINT NOT NULL,
    refusals BIGINT NOT NULL,
    row_count BIGINT NOT NULL,
    viewings BIGINT NOT NULL,
    is_sealed BIGINT NOT NULL,
    damages BIGINT NOT NULL,
    is_whole BIGINT NOT NULL
);

CREATE INDEX recorded_session_opened ON recorded_session (opened_at, id);

CREATE INDEX recorded_session_subject ON recorded_session (subject, opened_at, id);

CREATE INDEX recorded_session_database ON recorded_session (database_name, opened_at, id);

CREATE INDEX recorded_session_agent ON recorded_session (agent, opened_at, id) WHERE agent IS NOT NULL;

CREATE INDEX recorded_session_refused ON recorded_session (opened_at, id) WHERE refusals > 0;

CREATE INDEX recorded_session_open ON recorded_session (opened_at, id) WHERE ended_at IS NULL;

CREATE INDEX recorded_session_rest ON recorded_session (record, id) WHERE is_whole = 0;

-- The executions and refusals that used up or asked for an approval.
CREATE TABLE recorded_approval (
    request TEXT NOT NULL,
    session TEXT NOT NULL,
    number BIGINT NOT NULL,
    PRIMARY KEY (request, session, number)
);

CREATE INDEX recorded_approval_session ON recorded_approval (session);

-- Who was shown something of a session: in which session of theirs, which is recorded as well.
CREATE TABLE recorded_viewing (
    viewed TEXT NOT NULL,
    viewed_at BIGINT NOT NULL,
    viewer TEXT NOT NULL,
    number BIGINT NOT NULL,
    statement BIGINT,
    PRIMARY KEY (viewed, viewed_at, viewer, number)
);

CREATE INDEX recorded_viewing_viewer ON recorded_viewing (viewer);
