-- Ids are random and carry nothing of a patient. Times are UTC, ISO 8601.
CREATE TABLE users (
    name TEXT PRIMARY KEY,
    role TEXT NOT NULL CHECK (role IN ('clinician', 'technician', 'viewer', 'admin')),
    password_hash TEXT NOT NULL,
    created_at TEXT NOT NULL,
    disabled_at TEXT
) STRICT;

CREATE TABLE sessions (
    token_hash TEXT PRIMARY KEY,
    user TEXT NOT NULL REFERENCES users (name),
    csrf TEXT NOT NULL,
    created_at TEXT NOT NULL,
    seen_at TEXT NOT NULL
) STRICT;

CREATE TABLE studies (
    id TEXT PRIMARY KEY,
    patient TEXT NOT NULL,              -- pseudonym, the same for every study of one person
    study_date TEXT,                    -- day of the scan, where known
    source TEXT NOT NULL CHECK (source IN ('nifti', 'dicom', 'phantom')),
    state TEXT NOT NULL CHECK (state IN ('draft', 'queued', 'running', 'done', 'failed', 'signed', 'rejected')),
    reason TEXT NOT NULL DEFAULT '',    -- why it failed or was rejected
    created_by TEXT NOT NULL,
    created_at TEXT NOT NULL,
    changed_at TEXT NOT NULL
) STRICT;
CREATE INDEX studies_of_a_patient ON studies (patient, study_date);

CREATE TABLE images (
    study TEXT NOT NULL REFERENCES studies (id) ON DELETE CASCADE,
    file TEXT NOT NULL,                 -- within the study's folder
    label TEXT NOT NULL,                -- what the sender called it; shown inside the room only
    sequence TEXT CHECK (sequence IN ('t1', 't1c', 't2', 'flair')),  -- NULL: not used
    recognized_by TEXT NOT NULL,        -- name, header, content or a user
    sha256 TEXT NOT NULL,
    dicom INTEGER,                      -- number of its series in the study's folder dicom; NULL: was no DICOM
    PRIMARY KEY (study, file)
) STRICT;
CREATE UNIQUE INDEX one_image_per_sequence ON images (study, sequence) WHERE sequence IS NOT NULL;

-- One row per reading that was asked for: the queue, and afterwards its history.
CREATE TABLE jobs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    study TEXT NOT NULL REFERENCES studies (id) ON DELETE CASCADE,
    state TEXT NOT NULL CHECK (state IN ('queued', 'running', 'done', 'failed')),
    worker TEXT,                        -- who reads it now
    beat_at TEXT,                       -- last sign of life of that worker
    attempts INTEGER NOT NULL DEFAULT 0,
    done_steps INTEGER NOT NULL DEFAULT 0,
    total_steps INTEGER NOT NULL DEFAULT 0,
    step TEXT NOT NULL DEFAULT '',
    queued_at TEXT NOT NULL,
    ended_at TEXT
) STRICT;
CREATE UNIQUE INDEX one_open_job_per_study ON jobs (study) WHERE state IN ('queued', 'running');

-- What the model or a clinician said of a study; the newest revision counts, none is ever changed.
CREATE TABLE revisions (
    study TEXT NOT NULL REFERENCES studies (id) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    author TEXT NOT NULL,               -- 'model' or a user
    model_id TEXT NOT NULL,
    folder TEXT NOT NULL,               -- within the study's folder of revisions
    sha256 TEXT NOT NULL,               -- of the findings file in it
    created_at TEXT NOT NULL,
    PRIMARY KEY (study, number)
) STRICT;

CREATE TABLE decisions (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    study TEXT NOT NULL REFERENCES studies (id) ON DELETE CASCADE,
    revision INTEGER NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('signed', 'rejected', 'withdrawn', 'released')),
    user TEXT NOT NULL REFERENCES users (name),
    note TEXT NOT NULL DEFAULT '',
    at TEXT NOT NULL,
    FOREIGN KEY (study, revision) REFERENCES revisions (study, number)
) STRICT;

-- What the pathologist reported; the newest entry of a marker counts, '' takes the one before back.
CREATE TABLE pathology (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    study TEXT NOT NULL REFERENCES studies (id) ON DELETE CASCADE,
    marker TEXT NOT NULL,
    value TEXT NOT NULL,
    user TEXT NOT NULL REFERENCES users (name),
    at TEXT NOT NULL
) STRICT;
CREATE INDEX pathology_of_a_study ON pathology (study, marker);

CREATE TABLE audit (
    line INTEGER PRIMARY KEY AUTOINCREMENT,
    at TEXT NOT NULL,
    user TEXT NOT NULL,
    action TEXT NOT NULL,
    study TEXT NOT NULL DEFAULT '',
    details TEXT NOT NULL,              -- JSON
    previous TEXT NOT NULL,             -- sha256 of the line before
    sha256 TEXT NOT NULL
) STRICT;
