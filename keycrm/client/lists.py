"""Lists that come in pages, and rows that are added once: what the methods of the client have in common."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from keycrm.client.calling import Caller
from keycrm.errors import CrmError, NotConfigured, NotFound, OutcomeUnknown
from keycrm.payloads import Page

T = TypeVar("T")
MAX_PAGE = 50  # the CRM cuts anything bigger
MAX_PAGES = 200  # of a dictionary, or of one person's buyers: a list that never ends is an error, not a loop


class Lists:
    """See the module."""

    def __init__(self, caller: Caller, *, sleep: Callable[[float], None]) -> None:
        self._caller = caller
        self._sleep = sleep

    def page(
        self,
        path: str,
        read: Callable[[Any, str], T],
        params: Sequence[tuple[str, str]],
        *,
        page: int,
        limit: int = MAX_PAGE,
        is_lenient: bool = False,
    ) -> Page[T]:
        """One page. Where `is_lenient`, rows that cannot be understood are named in it instead of raising."""
        asked = [*params, ("page", str(page)), ("limit", str(max(1, min(limit, MAX_PAGE))))]
        try:
            answer = self._caller.call("GET", path, params=asked)
            return Page.from_json(answer, read, path.strip("/"), is_lenient=is_lenient)
        except NotFound as error:
            # A list is always there, so it is the address that is wrong; nobody may take it for "this order is gone".
            raise NotConfigured(f"the address has no {path}: is KEYCRM_BASE_URL right?", status=404) from error

    def every(self, path: str, read: Callable[[Any, str], T], params: Sequence[tuple[str, str]]) -> Iterator[T]:
        """All rows, page by page. Raises NotConfigured for a list that never ends."""
        for number in range(1, MAX_PAGES + 1):
            page = self.page(path, read, params, page=number)
            yield from page
            if not page.has_next or not page.items:
                return
        raise NotConfigured(f"the list {path} does not end")

    def post(self, path: str, body: Mapping[str, Any], read: Callable[[Any], T], look: Callable[[], T | None]) -> T:
        """POST; if what came of it is unknown, look, and repeat once only when nothing is there. Raises OutcomeUnknown when that stays so."""
        try:
            return read(self._caller.call("POST", path, body=body))
        except OutcomeUnknown as doubt:
            self._sleep(1.0)  # it may still be at work
            try:
                found = look()
            except CrmError as error:
                raise doubt from error
            if found is not None:
                return found
        return read(self._caller.call("POST", path, body=body))
