-- A group of figures is as good as its worst measure; a county held back has no grade but that.
select
    status.county_code,
    quality.figure_group,
    case when status.is_published then max(quality.grade) else 'held_back' end as grade,
    case
        when status.is_published
            then string_agg(
                    quality.measure, ' ' order by quality.measure
                ) filter (where quality.grade > 'A')
    end as lowered_by
from {{ ref('county_status') }} as status
inner join {{ ref('county_quality') }} as quality on status.county_code = quality.county_code
group by status.county_code, status.is_published, quality.figure_group
