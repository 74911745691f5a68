-- Looking at a person: only through these functions, for a stated purpose, and never without a row
-- of the audit chain that is there for good before the answer is given. What is answered is masked.
create schema if not exists person;

-- Tables of raw, seeds and marts are made later, by the loader, dbt and the publisher.
set local check_function_bodies = off;

-- 张* and 欧阳*: the family name, whatever follows.
create function person.masked_name(name text) returns text
language sql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$
    select case
        when t = '' then null
        when length(t) > 2 and left(t, 2) in (
            '欧阳', '太史', '端木', '上官', '司马', '东方', '独孤', '南宫', '万俟', '闻人', '夏侯', '诸葛',
            '尉迟', '公羊', '赫连', '澹台', '皇甫', '宗政', '濮阳', '公冶', '太叔', '申屠', '公孙', '慕容',
            '仲孙', '钟离', '长孙', '宇文', '司徒', '鲜于', '司空', '闾丘', '子车', '亓官', '司寇', '令狐',
            '呼延', '轩辕', '西门', '百里', '淳于', '单于', '第五'
        ) then left(t, 2) || '*'
        else left(t, 1) || '*'
    end
    from (select btrim(normalize(name, nfkc), E' \t\r\n''`’') as t) as trimmed
$$;

-- The first six and the last four of what is long enough for a resident ID; of others nothing.
create function person.masked_id(number text) returns text
language sql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$
    select case
        when t = '' then null
        when length(t) >= 15 then left(t, 6) || repeat('*', length(t) - 10) || right(t, 4)
        else '****'
    end
    from (select regexp_replace(upper(normalize(number, nfkc)), '[\s''`’]', '', 'g') as t) as bare
$$;

create function person.masked_phone(number text) returns text
language sql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$
    select case
        when t = '' then null
        when length(t) = 11 then left(t, 3) || '****' || right(t, 4)
        else '****'
    end
    from (select regexp_replace(normalize(number, nfkc), '[^0-9]', '', 'g') as t) as digits
$$;

create function person.masked_bank(number text) returns text
language sql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$
    select case when t = '' then null when length(t) >= 8 then '****' || right(t, 4) else '****' end
    from (select regexp_replace(normalize(number, nfkc), '[^0-9A-Za-z]', '', 'g') as t) as bare
$$;

-- As whom the session works: the account, or the role it took on.
create function person.who() returns text
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select coalesce(nullif(current_setting('role', true), 'none'), session_user::text)
$$;

-- Whether the session may see persons of a county: those whose marts it may read.
create function person.may_see(county text) returns boolean
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
    select coalesce(bool_or(pg_has_role(person.who()::name, r.oid, 'member')), false)
    from pg_roles as r
    where r.rolname in ('bi_city', 'privacy_officer', 'bi_county_' || county)
$$;

-- A person or household by its key, at least 12 characters of it, or its number; none: two nulls.
create function person.found(wanted text, out kind text, out key text)
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
    select min(known.kind), min(known.key)
    from (
        select i.kind, i.key from vault.identifier as i
        where
            (i.kind = 'person' and i.value = vault.normalise_resident_id(wanted))
            or (i.kind = 'household' and i.value = btrim(wanted))
            or (wanted ~ '^[0-9a-f]{12,64}$' and starts_with(i.key, wanted))
        union
        select 'person', m.person_key from marts.person_month as m
        where wanted ~ '^[0-9a-f]{12,64}$' and starts_with(m.person_key, wanted)
    ) as known
    having count(distinct known.key) = 1
$$;

-- The household as it was published last: (month, household, county); nulls where it never was.
create function person.case_of(
    kind text, wanted text, out period text, out household_key text, out county_code text
)
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    if kind = 'person' then
        select m.period, m.household_key, m.county_code into period, household_key, county_code
        from marts.person_month as m where m.person_key = wanted order by m.period desc limit 1;
    else
        select m.period, m.household_key, m.county_code into period, household_key, county_code
        from marts.household_month as m
        where m.household_key = wanted order by m.period desc, m.county_code limit 1;
    end if;
end
$$;

-- Until the transaction ends no rotation of the person keys begins. While one is at work, or was
-- interrupted, nobody is looked at: a key leads only to the months of its own version then, and a
-- case would be an old one, or none. (431024 is the rotation's lock, include/vault/rotating.py.)
create function person.demand_settled_keys() returns void
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    if not pg_try_advisory_xact_lock_shared(431024) or exists (select from ops.open_rotation()) then
        raise exception 'the person keys are being rotated'
        using
            errcode = 'object_not_in_prerequisite_state',
            hint = 'see ./warehouse rotate-key status; one that was interrupted has to be resumed.';
    end if;
end
$$;

-- Step one: who wants to see whom and why goes on record; the number of the record. Nothing of the
-- person is told. A purpose that is not listed, and an empty reason, are refused; somebody unknown,
-- and somebody of another county, are on record as that.
create function person.ask(wanted text, purpose text, reason text) returns bigint
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
    kind text;
    key text;
    county text;
    outcome text;
begin
    perform person.demand_settled_keys();
    if coalesce(btrim(reason), '') = '' then
        raise exception 'the reason is empty' using errcode = 'invalid_parameter_value';
    end if;
    if not exists (select from seeds.ref_look_purpose as p where p.purpose = purpose) then
        raise exception 'the purpose is not one of ref_look_purpose'
        using errcode = 'invalid_parameter_value';
    end if;
    select f.kind, f.key into kind, key from person.found(wanted) as f;
    select c.county_code into county from person.case_of(kind, key) as c;
    outcome := case
        when key is null then 'unknown'
        when county is null then 'unpublished'
        when not person.may_see(county) then 'other_county'
        else 'shown'
    end;
    return audit.record(
        'look_up', kind, key, purpose, btrim(reason), jsonb_build_object('outcome', outcome)
    );
end
$$;

-- Step two, in a later transaction: what was asked for. Whoever could take the record back together
-- with the transaction in which he has read the answer would have looked without a record; so the
-- record has to be committed, which shows by the lock that its writer holds until then.
create function person.answer(asked bigint) returns jsonb
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
    told audit.event;
    kind text;
    key text;
    month text;
    household text;
    county text;
begin
    perform person.demand_settled_keys();
    if exists (
        select from pg_locks as l
        where
            l.locktype = 'advisory' and l.pid = pg_backend_pid() and l.objid = 431025
            and l.classid = 0
    ) then
        raise exception 'the look is not on record yet: commit first'
        using errcode = 'object_not_in_prerequisite_state';
    end if;
    select e.* into told from audit.event as e
    where
        e.seq = asked and e.action = 'look_up' and e.account = audit.account()
        and e.at > clock_timestamp() - interval '10 minutes';
    if not found then
        raise exception 'there is no such look of yours within the last ten minutes'
        using errcode = 'no_data_found';
    end if;
    select s.kind, s.key into kind, key from audit.subject as s where s.subject = told.subject;
    select c.period, c.household_key, c.county_code into month, household, county
    from person.case_of(kind, key) as c;
    if told.detail ->> 'outcome' <> 'shown' or not person.may_see(county) then
        return jsonb_build_object('outcome', told.detail ->> 'outcome', 'record', asked);
    end if;
    return jsonb_build_object(
        'outcome', 'shown',
        'record', asked,
        'period', month,
        'household', person.household_shown(month, household, county),
        'members', person.members_shown(month, household, county),
        'alerts', person.alerts_shown(household, county),
        'measures', person.measures_shown(household, county),
        'helpers', person.helpers_shown(household, county)
    );
end
$$;

-- Both steps: CALL person.look_up(…, null), outside of a transaction of one's own.
create procedure person.look_up(wanted text, purpose text, reason text, inout told jsonb)
language plpgsql
as $$
declare
    asked bigint := person.ask(wanted, purpose, reason);
begin
    commit;
    told := person.answer(asked);
end
$$;

-- The accepted file of a kind that a county sent last.
create function person.last_file(of_kind text, of_county text) returns bigint
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
    select a.delivery_id from ops.accepted_delivery as a
    where a.kind = of_kind and a.county_code = of_county
    order by a.period desc, a.arrival_id desc limit 1
$$;

create function person.numbers(of_household text) returns setof text
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
    select i.value from vault.identifier as i where i.kind = 'household' and i.key = of_household
$$;

create function person.area(code text) returns text
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
    select a.name_zh from seeds.ref_area as a where a.area_code = rpad(code, 12, '0')
$$;

create function person.household_shown(of_month text, of_household text, of_county text)
returns jsonb
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
    select jsonb_build_object(
        'household_key', m.household_key,
        'county', person.area(m.county_code),
        'township', person.area(m.township_code),
        'village', person.area(m.village_code),
        'household_type', (
            select min(t.label) from seeds.ref_household_type as t
            where t.household_type = m.household_type
        ),
        'monitor_category', (
            select min(c.name_zh) from seeds.ref_monitor_category as c
            where c.monitor_category = m.monitor_category
        ),
        'monitor_status', m.monitor_status,
        'monitored_ym', m.monitored_ym,
        'members', m.members,
        'net_income_pp', m.net_income_pp,
        'income_line_pp', m.income_line_pp,
        'phone', (
            select person.masked_phone(r.phone) from raw.county_household as r
            where
                r._delivery_id = person.last_file('county_household', of_county)
                and parse.text(r.household_no) in (select person.numbers(of_household))
            order by r._row_no limit 1
        )
    )
    from marts.household_month as m
    where m.period = of_month and m.household_key = of_household
$$;

create function person.members_shown(of_month text, of_household text, of_county text) returns jsonb
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
    select coalesce(jsonb_agg(jsonb_build_object(
        'person_key', i.key,
        'name', person.masked_name(r.name),
        'id', person.masked_id(r.cert_no),
        'relation', coalesce((
            select min(c.label_zh) from seeds.ref_code as c
            where (c.code_system, c.source, c.code) = ('relation', 'county', parse.text(r.relation))
        ), parse.text(r.relation)),
        'sex', p.sex,
        'age', (select b.label_zh from seeds.ref_age_band as b where b.age_band = p.age_band),
        'bank', (
            select person.masked_bank(d.bank_no) from raw.mz_dibao_family as d
            where vault.normalise_resident_id(d.head_id) = i.value and d.bank_no is not null
            order by d._delivery_id desc, d._row_no desc limit 1
        )
    ) order by r._row_no), '[]')
    from raw.county_person as r
    left join vault.identifier as i
        on i.kind = 'person' and i.value = vault.normalise_resident_id(r.cert_no)
    left join marts.person_month as p on p.period = of_month and p.person_key = i.key
    where
        r._delivery_id = person.last_file('county_person', of_county)
        and parse.text(r.household_no) in (select person.numbers(of_household))
$$;

create function person.alerts_shown(of_household text, of_county text) returns jsonb
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
    select coalesce(jsonb_agg(to_jsonb(shown) order by shown.period desc, shown.alert_no), '[]')
    from (
        select
            a.period, a.alert_no, a.rule_name_zh, a.severity, a.explanation_zh,
            coalesce((
                select e.state from ops.alert_event as e
                where e.alert_key = a.alert_key order by e.alert_event_id desc limit 1
            ), a.state) as state
        from marts.risk_alert as a
        where a.household_key = of_household and a.county_code = of_county
        order by a.period desc, a.alert_no
        limit 30
    ) as shown
$$;

create function person.measures_shown(of_household text, of_county text) returns jsonb
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
    select coalesce(jsonb_agg(jsonb_build_object(
        'measure', parse.text(r.measure_type),
        'started', parse.month(r.started_ym),
        'state', parse.text(r.implementation)
    ) order by r._row_no), '[]')
    from raw.county_measure as r
    where
        r._delivery_id = person.last_file('county_measure', of_county)
        and parse.text(r.household_no) in (select person.numbers(of_household))
$$;

create function person.helpers_shown(of_household text, of_county text) returns jsonb
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
    select coalesce(jsonb_agg(jsonb_build_object(
        'name', person.masked_name(r.helper_name),
        'unit', parse.text(r.helper_unit),
        'position', parse.text(r.position),
        'phone', person.masked_phone(r.helper_phone),
        'since', parse.day(r.started_on),
        'until', parse.day(r.ended_on)
    ) order by r._row_no), '[]')
    from raw.county_helper as r
    where
        r._delivery_id = person.last_file('county_helper', of_county)
        and parse.text(r.household_no) in (select person.numbers(of_household))
$$;

revoke all on schema person from public;
revoke all on all functions in schema person from public;
revoke all on all procedures in schema person from public;
