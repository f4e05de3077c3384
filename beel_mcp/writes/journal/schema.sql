-- The journal. What stands in `operations` and `chunks` names no person; whatever does stands in
-- `private` and goes once it is no longer needed, at the latest after 24 hours.

CREATE TABLE operations (
    operation_id    TEXT PRIMARY KEY,
    kind            TEXT NOT NULL,     -- the tool
    caller          TEXT NOT NULL,     -- whose call it was: "local", or a token's owner
    subject         TEXT NOT NULL,     -- the one decision it carries out: a batch or a plan
    payload_digest  TEXT NOT NULL,     -- SHA-256 of what is sent, to tell the same rows again
    environment     TEXT NOT NULL,
    company_id      TEXT,
    key_fingerprint TEXT NOT NULL,     -- of the API key; not the key, nor any part of it
    ledger_id       TEXT NOT NULL,     -- environment and company: what no other may touch
    plan_id         TEXT UNIQUE,       -- the plan that was spent on it; null: it adds only
    confirmed_by    TEXT CHECK (confirmed_by IN ('form', 'page', 'statement')),
    terms           TEXT NOT NULL,     -- JSON: what the change meant for every record
    total           INTEGER NOT NULL,  -- records that the call was about
    owner           TEXT NOT NULL,     -- the lock file that its process holds while it lives
    started_at      REAL NOT NULL,     -- seconds since 1970
    checked_at      REAL NOT NULL,     -- when the list was last held against BeeL
    known_upto      INTEGER NOT NULL,  -- the last of `identifiers` then: a clock may be put back
    ended_at        REAL,
    saved_as        TEXT,              -- the file with the records as they were before
    UNIQUE (kind, caller, subject)
) STRICT;

CREATE TABLE chunks (
    operation_id       TEXT NOT NULL REFERENCES operations ON DELETE CASCADE,
    chunk              INTEGER NOT NULL,
    count              INTEGER NOT NULL,
    idempotency_key    TEXT NOT NULL UNIQUE,
    state              TEXT NOT NULL CHECK (
        state IN ('READY', 'PENDING', 'COMMITTED', 'REJECTED', 'UNKNOWN', 'NOT_DONE')
    ),
    attempts           INTEGER NOT NULL DEFAULT 0,
    done               INTEGER NOT NULL DEFAULT 0,  -- of `count`, where BeeL decides one by one
    failed             INTEGER NOT NULL DEFAULT 0,
    sent_at            REAL,
    settled_at         REAL,
    processing_time_ms INTEGER NOT NULL DEFAULT 0,  -- of the dry run before it
    code               TEXT,                        -- BeeL's, or ours
    request_id         TEXT,
    PRIMARY KEY (operation_id, chunk)
) STRICT;

CREATE TABLE observations (
    operation_id TEXT NOT NULL REFERENCES operations ON DELETE CASCADE,
    chunk        INTEGER NOT NULL,
    attempt      INTEGER NOT NULL,     -- the sending whose effect was looked for
    at           REAL NOT NULL,
    finding      TEXT NOT NULL CHECK (finding IN ('all', 'none', 'mixed', 'unclear'))
) STRICT;

CREATE TABLE private (
    operation_id TEXT NOT NULL REFERENCES operations ON DELETE CASCADE,
    chunk        INTEGER NOT NULL,
    purpose      TEXT NOT NULL CHECK (purpose IN ('payload', 'record')),
    content      TEXT NOT NULL,
    kept_until   REAL,          -- null: until it is settled
    PRIMARY KEY (operation_id, chunk, purpose)
) STRICT;

-- Which identifiers were created when, as keyed digests that nobody can turn back into a NIF
-- without the secret beside them; they go after 24 hours.
CREATE TABLE identifiers (
    number       INTEGER PRIMARY KEY AUTOINCREMENT,  -- their order, whatever clocks say
    operation_id TEXT NOT NULL REFERENCES operations ON DELETE CASCADE,
    digest       BLOB NOT NULL,
    created_at   REAL NOT NULL
) STRICT;

-- What was shown and waits for a yes. Every row is an open plan: taking it deletes it in the same
-- transaction that records the operation, whose subject it is from then on.
CREATE TABLE plans (
    plan_id         TEXT PRIMARY KEY,
    kind            TEXT NOT NULL,
    caller          TEXT NOT NULL,
    shown_as        TEXT NOT NULL CHECK (shown_as IN ('form', 'page', 'plan')),
    request         TEXT NOT NULL,     -- SHA-256 of the canonical arguments
    digest          TEXT NOT NULL,     -- SHA-256 of the state that was shown
    environment     TEXT NOT NULL,
    company_id      TEXT,
    key_fingerprint TEXT NOT NULL,
    created_at      REAL NOT NULL,
    asked           INTEGER NOT NULL DEFAULT 0,  -- how often the person was asked
    wrong           INTEGER NOT NULL DEFAULT 0,  -- how often another sentence came back
    content         TEXT NOT NULL      -- arguments, sentence, records: names people, goes with it
) STRICT;

CREATE TABLE questions (caller TEXT NOT NULL, at REAL NOT NULL) STRICT;

-- Which call reads a list again that was read from a file, for whoever comes back to its batch after
-- a restart. It may name people in its corrections; it goes after 24 hours.
CREATE TABLE origins (
    batch_id  TEXT PRIMARY KEY,
    caller    TEXT NOT NULL,
    arguments TEXT NOT NULL,     -- JSON: of validate_customers
    is_whole  INTEGER NOT NULL,  -- 0: the corrections were too long to keep
    kept_at   REAL NOT NULL
) STRICT;

CREATE TABLE secret (value BLOB NOT NULL) STRICT;

CREATE INDEX same_identifier ON identifiers (digest);
CREATE INDEX unsettled ON chunks (state);
CREATE INDEX same_payload ON operations (payload_digest);
