-- Access grants: for a time, somebody may do something to tables that policies would otherwise stop. Their events and decisions are
-- in the tables of requests, under their own ids.
CREATE TABLE access_grant (
    id TEXT PRIMARY KEY,
    state TEXT NOT NULL,
    subject TEXT NOT NULL,
    issuer TEXT NOT NULL,
    agent TEXT,
    asked_by_agent TEXT,
    asker_groups TEXT NOT NULL,
    databases TEXT NOT NULL,
    tables TEXT NOT NULL,
    row_budget BIGINT,
    rows_used BIGINT NOT NULL,
    duration_ms BIGINT NOT NULL,
    not_before BIGINT,
    reason TEXT NOT NULL,
    statement_id TEXT,
    needed BIGINT NOT NULL,
    idempotency_key TEXT,
    created_at BIGINT NOT NULL,
    changed_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    active_from BIGINT,
    active_until BIGINT,
    decided_by TEXT,
    decided_reason TEXT,
    ended TEXT
);

CREATE INDEX access_grant_state ON access_grant (state, id);

CREATE INDEX access_grant_changed ON access_grant (changed_at);

CREATE UNIQUE INDEX access_grant_asked ON access_grant (issuer, subject, idempotency_key) WHERE idempotency_key IS NOT NULL;
