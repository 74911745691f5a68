-- What the inputs of each group of a county's figures are worth: a row per measure, with its grade
-- by ref_quality_grade. The city's own systems count for every county. A measure that cannot be
-- taken (no sender's time stamp, no code cells, no rows about people) has no row.
with input as (
    select
        county.county_code,
        health.figure_group,
        health.delivery_state,
        health.days_late,
        health.staged_rows,
        health.quarantined_rows,
        health.coded_cells,
        health.unmapped_cells,
        link.person_rows,
        link.review_rows + link.provisional_rows + link.unlinked_rows as uncertain_rows
    from {{ ref('county_status') }} as county
    inner join {{ ref('delivery_health') }} as health
        on health.county_code in (county.county_code, '431000')
    left join {{ ref('link_health') }} as link
        on health.kind = link.kind and health.county_code = link.county_code
),

summed as (
    select
        county_code,
        figure_group,
        count(*) filter (where delivery_state <> 'accepted')::numeric as missing_kinds,
        max(days_late)::numeric as days_late,
        round(sum(quarantined_rows) / nullif(sum(staged_rows + quarantined_rows), 0), 6)
            as quarantine_share,
        round(sum(unmapped_cells) / nullif(sum(coded_cells), 0), 6) as unmapped_share,
        round(sum(uncertain_rows) / nullif(sum(person_rows), 0), 6) as uncertain_person_share
    from input
    group by county_code, figure_group
),

member as (
    select
        county_code,
        sum(members) as members
    from {{ ref('dim_household') }}
    group by county_code
),

on_file as (
    select
        county_code,
        count(*) as persons
    from {{ ref('dim_person') }}
    group by county_code
),

measured as (
    select
        summed.county_code,
        summed.figure_group,
        item.measure,
        item.measured
    from summed
    cross join
        lateral (
            values
            ('missing_kinds', summed.missing_kinds),
            ('days_late', summed.days_late),
            ('quarantine_share', summed.quarantine_share),
            ('unmapped_share', summed.unmapped_share),
            ('uncertain_person_share', summed.uncertain_person_share)
        ) as item (measure, measured)
    where item.measured is not null
    union all
    select
        member.county_code,
        'households' as figure_group,
        'members_off_file_share' as measure,
        round(
            abs(member.members - coalesce(on_file.persons, 0))::numeric
            / nullif(member.members, 0), 6
        ) as measured
    from member
    left join on_file on member.county_code = on_file.county_code
    where member.members > 0
)

select
    measured.county_code,
    measured.figure_group,
    measured.measure,
    measured.measured,
    coalesce(min(rule.grade) filter (where measured.measured <= rule.max_value), 'D') as grade
from measured
inner join {{ ref('ref_quality_grade') }} as rule
    on measured.measure = rule.measure and {{ in_effect('rule') }}
group by measured.county_code, measured.figure_group, measured.measure, measured.measured
