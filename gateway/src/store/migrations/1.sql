-- Requests for approval, what happened to them, who decided, and the gateways that hold statements.
-- Times are milliseconds since 1970 by the store's clock. Lists and records are JSON.
CREATE TABLE request (
    id TEXT PRIMARY KEY,
    state TEXT NOT NULL,
    wait TEXT NOT NULL,
    holder TEXT,
    digest TEXT NOT NULL,
    subject TEXT NOT NULL,
    issuer TEXT NOT NULL,
    agent TEXT,
    database_name TEXT NOT NULL,
    role_name TEXT NOT NULL,
    statement BYTEA NOT NULL,
    statement_text TEXT NOT NULL,
    parameters TEXT NOT NULL,
    search_path TEXT NOT NULL,
    settings TEXT NOT NULL,
    policies TEXT NOT NULL,
    policy TEXT NOT NULL,
    policy_version TEXT NOT NULL,
    code TEXT NOT NULL,
    reason TEXT NOT NULL,
    needed BIGINT NOT NULL,
    reviewers TEXT NOT NULL,
    shown TEXT NOT NULL,
    effect_digest TEXT,
    created_at BIGINT NOT NULL,
    changed_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    valid_ms BIGINT NOT NULL,
    approved_until BIGINT,
    decided_by TEXT,
    decided_reason TEXT,
    ended TEXT,
    sqlstate TEXT,
    row_count BIGINT
);

-- The same statement sent again asks once, and finds the one approval.
CREATE UNIQUE INDEX request_returned ON request (digest)
    WHERE wait = 'return' AND state IN ('pending', 'approved');

CREATE INDEX request_open ON request (holder, state) WHERE state IN ('pending', 'approved', 'claimed');

CREATE INDEX request_state ON request (state, id);

CREATE INDEX request_changed ON request (changed_at);

CREATE TABLE event (
    sequence BIGINT PRIMARY KEY,
    request TEXT NOT NULL,
    happened_at BIGINT NOT NULL,
    state_before TEXT,
    state TEXT NOT NULL,
    actor TEXT,
    actor_issuer TEXT,
    reason TEXT
);

CREATE INDEX event_request ON event (request, sequence);

-- Events are numbered in the order of their commits, so that a reader who has seen one has seen all before it.
CREATE TABLE feed (
    id BIGINT PRIMARY KEY,
    last BIGINT NOT NULL
);

INSERT INTO feed (id, last) VALUES (1, 0);

CREATE TABLE decision (
    request TEXT NOT NULL,
    issuer TEXT NOT NULL,
    subject TEXT NOT NULL,
    kind TEXT NOT NULL,
    reason TEXT,
    idempotency_key TEXT,
    decided_at BIGINT NOT NULL,
    PRIMARY KEY (request, issuer, subject, kind)
);

CREATE TABLE holder (
    id TEXT PRIMARY KEY,
    started_at BIGINT NOT NULL,
    seen_at BIGINT NOT NULL
);
