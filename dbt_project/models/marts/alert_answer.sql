-- What counties have answered to alerts, in the clue registers delivered for the month. An alert is
-- raised when its month is over, so its answers come with later months: they are shown in the month
-- that brought them, and no month that is published changes for what came after it. Joined with
-- risk_alert by number and household; the latest month says where an alert stands.
select
    {{ period() }}::text as period,
    standing.alert_no,
    standing.household_key,
    standing.county_code,
    substr(standing.alert_no, 3, 4) || '-' || substr(standing.alert_no, 7, 2) as alert_period,
    standing.state,
    standing.state_on,
    standing.said_by,
    standing.result,
    standing.reason as result_reason,
    standing.source_rows
from {{ ref('alert_standing') }} as standing
inner join {{ ref('county_status') }} as status
    on standing.county_code = status.county_code and status.is_published
