-- Webhooks. The events are their outbox: each is written with the state change that it tells of.
-- Up to which event a webhook has taken over what happened.
CREATE TABLE webhook (
    name TEXT PRIMARY KEY,
    seen BIGINT NOT NULL,
    used_at BIGINT NOT NULL
);

-- What a webhook has taken over and not delivered yet. A gateway that delivers it holds it until a time.
CREATE TABLE delivery (
    webhook TEXT NOT NULL,
    sequence BIGINT NOT NULL,
    request TEXT NOT NULL,
    happened_at BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    due_at BIGINT NOT NULL,
    holder TEXT,
    held_until BIGINT NOT NULL,
    PRIMARY KEY (webhook, sequence)
);

CREATE INDEX delivery_request ON delivery (request, webhook, sequence);
