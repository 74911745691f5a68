{{ staged('base_county_fund_project', [
    'fund_level',
    'project_no',
    'project_name',
    'project_type',
    'state',
    'started_on',
    'completed_on',
    'fund_year',
    'benefit_households',
    'budget_amt',
    'paid_amt',
]) }}
