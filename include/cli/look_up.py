"""``look-up``: the case of a household for who works on it, members masked."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer
from rich import box
from rich.console import Console
from rich.table import Table

_STATUS = {"none": "未监测", "in_force": "监测中", "cleared": "风险已消除"}
_STATE = {"raised": "已触发", "dispatched": "已派发", "checked": "已核查", "closed": "已办结"}
_SEVERITY = {"notice": "提示", "warning": "预警", "urgent": "紧急"}
_SEX = {"male": "男", "female": "女", "1": "男", "2": "女"}


def register(app: typer.Typer) -> None:
    app.command("look-up")(look_up)


def look_up(
    subject: Annotated[
        str,
        typer.Argument(
            metavar="HOUSEHOLD|PERSON",
            help="A key as marts show it, 12 characters at least; - to be asked for a number.",
        ),
    ],
    purpose: Annotated[str, typer.Option(help="For what: a row of ref_look_purpose.")],
    reason: Annotated[str, typer.Option(help="Why this household, in words; kept on record.")],
    as_json: Annotated[
        bool, typer.Option("--json", help="Machine-readable, on standard output.")
    ] = False,
) -> None:
    """Show a household's case: members masked, alerts, measures, helpers. A look is on record."""
    from include.subject import look

    found = look.look_up(look.given(subject), purpose, reason)
    if as_json:
        print(json.dumps(found, ensure_ascii=False, indent=1))
        return
    console = Console()
    _print(console, found, look.purposes()[purpose])


def _print(console: Console, found: dict[str, Any], purpose_zh: str) -> None:
    household = found["household"]
    place = " ".join(household[part] or "" for part in ("county", "township", "village"))
    told = f"{found['period']}  查询用途：{purpose_zh}（记录 {found['record']}）"
    console.print(f"[bold]{place}[/]  {told}")
    status = _STATUS.get(household["monitor_status"], household["monitor_status"])
    income = household["net_income_pp"]
    facts = (
        ("户类型", household["household_type"]),
        ("监测对象类别", household["monitor_category"]),
        ("监测状态", status),
        ("识别时间", household["monitored_ym"]),
        ("家庭人口", household["members"]),
        ("人均纯收入（元）", None if income is None else f"{float(income):,.2f}"),
        ("监测线（元）", f"{float(household['income_line_pp']):,.0f}"),
        ("联系电话", household["phone"]),
    )
    console.print("  ".join(f"{label} {value}" for label, value in facts if value is not None))
    _table(
        console,
        "家庭成员",
        ("姓名", "证件号码", "与户主关系", "性别", "年龄段", "银行卡"),
        [
            (
                m["name"],
                m["id"],
                m["relation"],
                _SEX.get(str(m["sex"]), ""),
                m["age"],
                m["bank"],
            )
            for m in found["members"]
        ],
    )
    _table(
        console,
        "风险预警",
        ("月份", "预警编号", "规则", "程度", "状态", "说明"),
        [
            (
                a["period"], a["alert_no"], a["rule_name_zh"],
                _SEVERITY.get(a["severity"], a["severity"]), _STATE.get(a["state"], a["state"]),
                a["explanation_zh"],
            )
            for a in found["alerts"]
        ],
    )  # fmt: skip
    _table(
        console,
        "帮扶措施",
        ("措施", "开始时间", "实施情况"),
        [(m["measure"], m["started"], m["state"]) for m in found["measures"]],
    )
    _table(
        console,
        "帮扶责任人",
        ("姓名", "单位", "职务", "电话", "结对开始", "结对结束"),
        [
            (h["name"], h["unit"], h["position"], h["phone"], h["since"], h["until"])
            for h in found["helpers"]
        ],
    )


def _table(console: Console, title: str, headings: tuple[str, ...], rows: list[Any]) -> None:
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in headings:
        table.add_column(heading, overflow="fold")
    for row in rows:
        table.add_row(*("" if cell is None else str(cell) for cell in row))
    console.print(table if rows else f"{title}：无")
