-- Figures that left the bureau (include/release/). What an extract hides was chosen once for each
-- publication and all of its extracts together, and stays: ``release_cell`` has every figure and
-- whether it was hidden, which later months and versions must not undo.
create table ops.release (
    publication_id bigint primary key references ops.publication,
    period text not null check (period ~ '^\d{4}-(0[1-9]|1[0-2])$'),
    -- The rows of ref_small_cell that held.
    limits jsonb not null,
    hidden_small integer not null,
    hidden_besides integer not null,
    released_at timestamptz not null default clock_timestamp()
);

create table ops.release_cell (
    publication_id bigint not null references ops.release,
    area_code text not null,
    category text not null,
    amount bigint not null,
    is_hidden boolean not null,
    -- Of a small figure: up to where, and how widely, it must stay uncertain; null of one that is
    -- hidden for others' sake.
    reach bigint,
    width bigint,
    primary key (publication_id, area_code, category),
    check (num_nulls(reach, width) in (0, 2)),
    check (is_hidden or reach is null)
);

-- Each time that somebody took an extract: who, why, and the bytes he got.
create table ops.extract (
    extract_id bigint generated always as identity primary key,
    publication_id bigint not null references ops.publication,
    name text not null,
    reason text not null check (length(trim(reason)) > 0),
    requested_by text not null,
    -- {file name: sha256}
    files jsonb not null,
    extracted_at timestamptz not null default clock_timestamp()
);
