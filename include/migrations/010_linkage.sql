-- Rows whose identifier leads to nobody by itself, and whom they were found to be about. Names and
-- identifiers are compared in the linking process; what is kept here are keys, scores and codes.

-- Rows without a valid resident ID in a column that should hold one: a function of the delivery,
-- written when it is loaded.
create table vault.unkeyed (
    delivery_id bigint not null,
    row_no bigint not null,
    column_name text not null,
    primary key (delivery_id, row_no, column_name)
);

-- Whom those rows are about, as the last build whose scope held the delivery found it.
create table vault.person_link (
    delivery_id bigint not null,
    row_no bigint not null,
    column_name text not null,
    kind text not null,
    subject_key text not null,
    person_key text not null,
    method text not null check (method in ('splink', 'decision', 'review', 'provisional')),
    score numeric(7, 6),
    evidence text not null,
    sex text,
    birth_date date,
    primary key (delivery_id, row_no, column_name)
);

-- Pairs that a person has to judge; rows of one subject share a line.
create table vault.link_review (
    subject_key text not null,
    candidate_key text not null,
    kind text not null,
    delivery_id bigint not null,
    row_no bigint not null,
    column_name text not null,
    score numeric(7, 6) not null,
    evidence text not null,
    primary key (delivery_id, row_no, column_name, candidate_key)
);

-- Judgements by hand; never deleted. An undone one counts for builds that know less.
create table vault.link_decision (
    decision_id bigint generated always as identity primary key,
    subject_key text not null,
    candidate_key text not null,
    verdict text not null check (verdict in ('same', 'different')),
    decided_by text not null,
    reason text not null,
    decided_at timestamptz not null default clock_timestamp(),
    undone_by text,
    undone_at timestamptz
);

-- Two keys that are one person (a corrected or doubly issued number), by hand; never deleted.
create table vault.person_alias (
    alias_id bigint generated always as identity primary key,
    alias_key text not null,
    person_key text not null check (person_key <> alias_key),
    decided_by text not null,
    reason text not null,
    decided_at timestamptz not null default clock_timestamp(),
    undone_by text,
    undone_at timestamptz
);
create unique index person_alias_in_force on vault.person_alias (alias_key) where undone_at is null;
