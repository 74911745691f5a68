"""Great Expectations' rendered content on a page of our own, which loads nothing."""

from __future__ import annotations

from typing import Any

from great_expectations.render.view import DefaultJinjaPageView
from jinja2 import ChoiceLoader, FileSystemLoader

from expectations.data_docs import TEMPLATES


class PageView(DefaultJinjaPageView):
    """The page view with ``pages/page.j2`` in place of the page that comes from elsewhere."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.env.loader = ChoiceLoader([FileSystemLoader(TEMPLATES), self.env.loader])
