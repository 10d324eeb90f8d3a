-- Statements that ran without waiting for reviewers: why, and who has looked at them since.
ALTER TABLE request ADD COLUMN break_glass TEXT;

ALTER TABLE request ADD COLUMN reviewed_at BIGINT;

ALTER TABLE request ADD COLUMN reviewed_by TEXT;

CREATE INDEX request_to_review ON request (id) WHERE break_glass IS NOT NULL AND reviewed_at IS NULL;
