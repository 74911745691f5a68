-- Filled code cells of the month's files, and how many of them no code list knows: a free text, or
-- a code that a new version of the list brought. Such a cell is kept and counted, never guessed.
{{ config(materialized='table') }}
{%- set coded = [
    ('relation', 'relation'),
    ('education', 'education'),
    ('health', 'health'),
    ('labour', 'labour'),
    ('school_status', 'school_status'),
] %}
with cell as (
    {%- for column, code_system in coded %}
    select
        county_code,
        '{{ column }}' as column_name,
        '{{ code_system }}' as code_system,
        {{ column }} as cell_text,
        count(*) as cells
    from {{ ref('stg_county_person') }}
    where period = {{ period() }} and {{ column }} is not null
    group by county_code, {{ column }}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

known as (
    select
        code_system,
        code as cell_text
    from {{ ref('ref_code') }}
    where
        source = 'county'
        and coalesce(effective_from, '-infinity'::date) <= {{ month_end() }}
        and coalesce(effective_to, 'infinity'::date) >= {{ month_end() }}
    group by code_system, code
)

select
    'county_person' as kind,
    cell.county_code,
    cell.column_name,
    cell.code_system,
    sum(cell.cells)::bigint as filled_cells,
    coalesce(sum(cell.cells) filter (where known.cell_text is null), 0)::bigint as unmapped_cells
from cell
left join known
    on cell.code_system = known.code_system and cell.cell_text = known.cell_text
group by cell.county_code, cell.column_name, cell.code_system
