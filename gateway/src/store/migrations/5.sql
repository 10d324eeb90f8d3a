-- The message of a chat that shows a request or an access grant: what becomes of it is shown there, too.
CREATE TABLE post (
    webhook TEXT NOT NULL,
    request TEXT NOT NULL,
    channel TEXT NOT NULL,
    message TEXT NOT NULL,
    PRIMARY KEY (webhook, request)
);

CREATE INDEX post_request ON post (request);
