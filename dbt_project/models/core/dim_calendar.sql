-- Days with a running number of working days: the working days that pass from one day to another
-- are the difference of their numbers (the first day does not count, the last does).
select
    calendar.day,
    calendar.is_workday,
    calendar.verified,
    (sum(calendar.is_workday::integer) over (order by calendar.day))::integer as workday_no
from {{ ref('ref_calendar') }} as calendar
