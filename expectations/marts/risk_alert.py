"""candidate.risk_alert: one row per rule, person or household that meets it, and month."""

from __future__ import annotations

from datetime import datetime

from expectations.check import Check, no_rows
from expectations.marts.scope import published_counties
from expectations.marts.shared import identity, key, keys_are_hashes, no_identifiers, one_period

TABLE = "candidate.risk_alert"
ROW_KEY = "alert_key"

_EX_POOR = "coalesce(left(h.household_type, 7) = 'ex_poor', false)"
_LOOK = "correct models/core/risk_rule.sql or risk_hit.sql and build the month again."


def _rules(period: str) -> str:
    """SQL: the seed's rules on the month's last day, with thresholds worked out from the seeds."""
    end = f"(to_date('{period}', 'YYYY-MM') + interval '1 month - 1 day')::date"
    return (
        "select r.*, case r.basis when 'fixed' then r.threshold"
        " when 'share_of_income_line' then r.threshold * (select l.yuan_pp"
        " from seeds.ref_income_line as l where l.area_code = '431000'"
        f" and l.year = {period[:4]})"
        " when 'share_of_prev_yr_rural_income' then r.threshold * (select i.yuan_pp"
        " from seeds.ref_rural_income as i where i.area_code = '431000'"
        f" and i.year = {period[:4]} - 1) end as bound"
        " from seeds.ref_risk_rule as r"
        f" where r.effective_from <= {end} and (r.effective_to is null or r.effective_to >= {end})"
    )


def suite(period: str, known_at: datetime) -> tuple[Check, ...]:
    """The expectations on the month ``period`` as known at ``known_at``.

    A month may be without alerts: no expectation asks for rows.
    """
    rules = _rules(period)
    return (
        *key("alert_key"),
        one_period(period),
        identity(
            "alert_key_recomputes",
            "alert_key <> encode(sha256(convert_to(rule_code || '/' || subject || '/'"
            " || coalesce(person_key, household_key) || '/' || period, 'UTF8')), 'hex')",
            description="alert_key is the hash of rule, subject and month and of nothing else",
            label_zh="预警编号可重算",
            reason="an alert with another key would be raised, and checked at the door, twice.",
        ),
        identity(
            "alert_no_recomputes",
            "alert_no is distinct from 'YJ' || replace(period, '-', '')"
            " || upper(substr(alert_key, 1, 12))",
            description="alert_no is the month and the beginning of alert_key",
            label_zh="预警编号与主键一致",
            reason="a county's answer would be given to another alert, or to none.",
        ),
        no_rows(
            "alert_no_unique",
            "select min(row_key) as row_key from judged group by alert_no having count(*) > 1",
            description="no two alerts have one number",
            label_zh="预警编号唯一",
            reason="an answer to one would count for both.",
            remedy="let alert_no carry more digits of the key (macros/alerts.sql).",
        ),
        no_rows(
            "one_alert_per_subject_and_rule",
            "select min(row_key) as row_key from judged"
            " group by rule_code, coalesce(person_key, household_key) having count(*) > 1",
            description="no rule raises two alerts about one person or household",
            label_zh="同一对象同一规则只预警一次",
            reason="each alert sends somebody to a household.",
            remedy=_LOOK,
        ),
        identity(
            "subject_is_keyed",
            "(subject = 'person') is distinct from (person_key is not null)"
            " or household_key is null or subject not in ('person', 'household')",
            description="a person's alert has a person_key, a household's none; all a household's",
            label_zh="预警对象完整",
            reason="an alert about nobody can not be checked.",
        ),
        no_rows(
            "rule_in_force",
            "select j.row_key from judged as j where not exists (select from"
            f" ({rules}) as r where r.rule_code = j.rule_code and r.metric = j.metric"
            " and r.subject = j.subject and r.severity = j.severity)",
            description="every alert's rule is in the seed, in force at month-end, and as stated",
            label_zh="规则存在且有效",
            reason="an alert without its rule can not be explained or disputed.",
            remedy=_LOOK,
        ),
        no_rows(
            "threshold_as_in_the_seeds",
            f"select j.row_key from judged as j inner join ({rules}) as r"
            " on r.rule_code = j.rule_code where r.bound is distinct from j.threshold"
            " or r.operator is distinct from j.operator or r.basis is distinct from j.basis",
            description="threshold and operator recompute from the seeds",
            label_zh="阈值可由规则表重算",
            reason="the threshold is the bureau's decision, not the model's.",
            remedy=_LOOK,
        ),
        no_rows(
            "value_meets_the_rule",
            f"select j.row_key from judged as j inner join ({rules}) as r"
            " on r.rule_code = j.rule_code where not coalesce(case r.operator"
            " when '>=' then j.value >= r.bound when '>' then j.value > r.bound"
            " when '<=' then j.value <= r.bound when '<' then j.value < r.bound"
            " when '=' then j.value = r.bound end, false)",
            description="the value is on the rule's side of the threshold",
            label_zh="指标值确已触发规则",
            reason="a household would be visited for nothing.",
            remedy=_LOOK,
        ),
        no_rows(
            "household_on_file",
            "select j.row_key from judged as j left join candidate.household_month as h"
            " on h.period = j.period and h.household_key = j.household_key"
            " where h.household_key is null or h.county_code <> j.county_code"
            " or j.is_monitored is distinct from (h.monitor_status = 'in_force')",
            description="the household is in household_month, in the same county and state",
            label_zh="预警户在户表中",
            reason="an alert about a household that no other table knows leads nowhere.",
            remedy="restrict the metric model to dim_person or dim_household.",
        ),
        no_rows(
            "population_as_in_the_seed",
            f"select j.row_key from judged as j inner join ({rules}) as r"
            " on r.rule_code = j.rule_code inner join candidate.household_month as h"
            " on h.period = j.period and h.household_key = j.household_key"
            " where not case r.population when 'all_rural' then true"
            f" when 'ex_poor' then {_EX_POOR}"
            " when 'monitored' then h.monitor_status = 'in_force'"
            f" when 'ex_poor_or_monitored' then {_EX_POOR} or h.monitor_status = 'in_force'"
            f" when 'other_rural' then not {_EX_POOR} and h.monitor_status <> 'in_force'"
            " else false end",
            description="the household belongs to the population the rule is about",
            label_zh="对象属于规则适用人群",
            reason="thresholds differ by population: the wrong one is another rule.",
            remedy=_LOOK,
        ),
        no_rows(
            "only_published_counties",
            "select row_key from judged where county_code is null"
            f" or county_code not in ({published_counties(period, known_at)})",
            description="alerts are only of counties whose files were accepted",
            label_zh="仅含已接收县的数据",
            reason="a county with a rejected file is held back and shows nothing.",
            remedy="leave the county out of the month's build.",
        ),
        identity(
            "explained",
            "coalesce(explanation_zh, '') = '' or explanation_zh ~ '[{{}}]'",
            description="the explanation is a finished sentence",
            label_zh="说明已填写",
            reason="the township reads the sentence, not the columns.",
            remedy="correct explanation_zh in ref_risk_rule: {{value}} and {{threshold}} alone.",
        ),
        identity(
            "explanation_without_long_numbers",
            r"explanation_zh ~ '\d{{15}}'",
            description="no number of fifteen digits or more is in an explanation",
            label_zh="说明中无证件号",
            reason="that would be an ID or an account, and no amount.",
            remedy="correct explanation_zh in ref_risk_rule.",
        ),
        identity(
            "rests_on_source_rows",
            "coalesce(cardinality(source_rows), 0) not between 1 and 10"
            " or array_to_string(source_rows, ' ', '?')"
            " !~ '^[a-z_]+/[0-9]+/[0-9]+( [a-z_]+/[0-9]+/[0-9]+)*$'",
            description="one to ten rows of deliveries are named as evidence",
            label_zh="依据记录完整",
            reason="who disputes an alert must be shown the row it came from.",
            remedy="correct source_rows in the metric model.",
        ),
        identity(
            "life_cycle_is_consistent",
            "coalesce(state, '') not in ('raised', 'dispatched', 'checked', 'closed')"
            " or (result is not null) is distinct from (state in ('checked', 'closed'))"
            " or (result_reason is not null) is distinct from (result is not distinct from"
            " 'not_included') or (state_on is null) is distinct from (state = 'raised')",
            description="a result is there once checked, a reason where not included",
            label_zh="办理状态一致",
            reason="open alerts are counted by their state.",
            remedy="see ops.alert_event for the alert.",
        ),
        keys_are_hashes("household_key", "person_key"),
        *no_identifiers("risk_alert"),
    )
