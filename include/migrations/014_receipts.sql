-- Where a delivery's columns stood in the sender's own file, so that what is wrong can be named as
-- the sender sees it: {column: {"title": heading as written, "position": from 1}}. No cell's value.
create table ops.delivery_layout (
    delivery_id bigint primary key references ops.delivery deferrable initially deferred,
    sheet text,
    header_row integer not null,
    headings jsonb not null
);

-- The figures a delivery was judged by: counts, shares and medians. What is usual for a county
-- comes from here.
create table ops.delivery_profile (
    delivery_id bigint primary key references ops.delivery,
    figures jsonb not null
);

-- Receipts written, and given back to the sender where a place for that is set.
create table ops.receipt (
    delivery_id bigint primary key references ops.delivery,
    written_at timestamptz not null default clock_timestamp(),
    returned_to text,
    returned_at timestamptz
);

create type quality.usual as (months integer, middle numeric, spread numeric);

-- Median and median absolute deviation (as a standard deviation) of the known figures of earlier
-- months: one odd month moves neither.
create function quality.usual(figures numeric[]) returns quality.usual
language sql immutable parallel safe
as $$
    with known as (
        select figure from unnest(figures) as figure where figure is not null
    ),

    middle as (
        select
            count(*) as months,
            percentile_cont(0.5) within group (order by figure::double precision) as value
        from known
    )

    select
        middle.months::integer,
        middle.value::numeric,
        (
            select 1.4826 * percentile_cont(0.5) within group (
                order by abs(known.figure::double precision - middle.value)
            )
            from known
        )::numeric
    from middle
$$;
