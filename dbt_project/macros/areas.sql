{#-
    What of a village's name does not change with how its committee is called, as stem() in
    include/areas/history.py has it (a test compares the two): without the township's name in front,
    the words for a committee, and 村 or 社区 at the end.
-#}
{% macro area_stem(name, township) -%}
    {%- set bare -%}
        case
            when
                starts_with({{ name }}, {{ township }})
                and length({{ name }}) > length({{ township }}) + 2
                then substr({{ name }}, length({{ township }}) + 1)
            else {{ name }}
        end
    {%- endset -%}
    regexp_replace(
        regexp_replace(
            regexp_replace(
                {{ bare }}, '(社区)?(居民委员会|居委会)$|(村民委员会|村委会|村会)$', ''
            ),
            '村([瑶畲]族村)', '\1', 'g'
        ),
        '^(.+)社区$|^(.*[^村])村+$', '\1\2'
    )
{%- endmacro %}
