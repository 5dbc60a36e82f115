-- The first schema. Column types are those SQLite and PostgreSQL share: BIGINT (integers,
-- milliseconds since 1970 where a name ends in _ms), TEXT, BLOB (BYTEA there).

-- One row, id 1: proves that the root key at hand is the one this database was made with.
CREATE TABLE root_check (
    id BIGINT NOT NULL PRIMARY KEY,
    value BLOB NOT NULL
);

-- Keys that seal values; each wrapped by the root key.
CREATE TABLE kek_ring (
    key_id BIGINT NOT NULL PRIMARY KEY,
    state TEXT NOT NULL,
    value BLOB NOT NULL,
    created_ms BIGINT NOT NULL
);

-- Counters that grow with every write to what they name. Nodes poll them.
CREATE TABLE versions (
    name TEXT NOT NULL PRIMARY KEY,
    value BIGINT NOT NULL
);
INSERT INTO versions (name, value) VALUES ('revocations', 0), ('snapshot', 1);

CREATE TABLE key_policies (
    name TEXT NOT NULL PRIMARY KEY,
    document TEXT NOT NULL,
    changed_ms BIGINT NOT NULL
);

CREATE TABLE contents (
    id TEXT NOT NULL PRIMARY KEY,
    tenant TEXT NOT NULL,
    key_policy TEXT NOT NULL REFERENCES key_policies (name),
    opens BIGINT,
    closes BIGINT,
    changed_ms BIGINT NOT NULL
);

CREATE TABLE content_keys (
    kid TEXT NOT NULL PRIMARY KEY,
    tenant TEXT NOT NULL,
    content TEXT NOT NULL REFERENCES contents (id),
    scheme TEXT NOT NULL,
    class TEXT NOT NULL,
    value BLOB NOT NULL,
    created_ms BIGINT NOT NULL,
    UNIQUE (content, scheme, class)
);

-- The different media that were encrypted under a content's keys of one scheme, counted. The
-- count is part of every IV, so that no two of them share one.
CREATE TABLE editions (
    content TEXT NOT NULL REFERENCES contents (id),
    scheme TEXT NOT NULL,
    version BLOB NOT NULL,
    edition BIGINT NOT NULL,
    PRIMARY KEY (content, scheme, version),
    UNIQUE (content, scheme, edition)
);

CREATE TABLE entitlements (
    content TEXT NOT NULL REFERENCES contents (id),
    subject TEXT NOT NULL,
    opens BIGINT,
    closes BIGINT,
    PRIMARY KEY (content, subject)
);

-- Keys that verify or sign tokens. `owner` names the key policy or edge key set.
CREATE TABLE token_keys (
    owner TEXT NOT NULL,
    purpose TEXT NOT NULL,
    position BIGINT NOT NULL,
    algorithm TEXT NOT NULL,
    kid TEXT NOT NULL,
    value BLOB NOT NULL,
    created_ms BIGINT NOT NULL,
    PRIMARY KEY (owner, purpose, position)
);

CREATE TABLE api_keys (
    id TEXT NOT NULL PRIMARY KEY,
    tenant TEXT NOT NULL,
    role TEXT NOT NULL,
    digest BLOB NOT NULL,
    expires BIGINT NOT NULL,
    created_ms BIGINT NOT NULL
);

-- How often tokens were used whose uses are counted. `digest` is keyed: it tells nobody which
-- token it is. Rows go some time after the token is over (`forget`, in seconds).
CREATE TABLE replay (
    digest BLOB NOT NULL PRIMARY KEY,
    uses BIGINT NOT NULL,
    forget BIGINT NOT NULL
);
CREATE INDEX replay_forget ON replay (forget);

-- The single uses, so that a player that asks again is not counted again, and so that one use
-- is given back once only. `holders` counts the requests that are under way with it.
CREATE TABLE replay_uses (
    id BLOB NOT NULL PRIMARY KEY,
    digest BLOB NOT NULL,
    challenge BLOB NOT NULL,
    taken_ms BIGINT NOT NULL,
    holders BIGINT NOT NULL,
    delivered BIGINT NOT NULL,
    forget BIGINT NOT NULL
);
CREATE INDEX replay_uses_digest ON replay_uses (digest, challenge);
CREATE INDEX replay_uses_forget ON replay_uses (forget);

-- What was taken back before its time. `until` is in seconds; without one, for good. Every
-- change gets the next version, so that a node loads what is new only; what is over stays for
-- a day, so that lists made from this one hear of it.
CREATE TABLE revocations (
    tenant TEXT NOT NULL,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    reason TEXT NOT NULL,
    actor TEXT NOT NULL,
    until BIGINT,
    version BIGINT NOT NULL UNIQUE,
    created_ms BIGINT NOT NULL,
    PRIMARY KEY (tenant, kind, subject)
);
CREATE INDEX revocations_until ON revocations (until);

-- Sessions whose token is a random cookie, by the SHA-256 of its value. Times are in seconds;
-- from `ends` on the row means nothing.
CREATE TABLE cookie_sessions (
    digest BLOB NOT NULL PRIMARY KEY,
    tenant TEXT NOT NULL,
    session TEXT NOT NULL,
    subject TEXT,
    acl TEXT NOT NULL,
    opened BIGINT NOT NULL,
    seen BIGINT NOT NULL,
    ends BIGINT NOT NULL
);
CREATE INDEX cookie_sessions_ends ON cookie_sessions (ends);

-- One chain per node: mac(n) covers mac(n-1) and record(n); seq has no gaps.
CREATE TABLE audit (
    node TEXT NOT NULL,
    seq BIGINT NOT NULL,
    record TEXT NOT NULL,
    mac BLOB NOT NULL,
    PRIMARY KEY (node, seq)
);

-- The key with which a node signs its checkpoints, sealed.
CREATE TABLE audit_nodes (
    node TEXT NOT NULL PRIMARY KEY,
    value BLOB NOT NULL,
    created_ms BIGINT NOT NULL
);
