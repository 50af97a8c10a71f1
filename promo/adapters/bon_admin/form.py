"""The form that creates one code: fill it, check what it holds, send it, and read what came back.

A form that comes back is a refusal; the grid is a success as far as the panel says. Whether the code exists is known only after reading
the grid again, which is the caller's part.
"""

from __future__ import annotations

from typing import Any

from playwright.async_api import Frame

from bonusportal.masking import mask_code
from promo.adapters.bon_admin.grid import GridScreen
from promo.adapters.bon_admin.page_scripts import CHOOSE_ALL, READ_FORM
from promo.adapters.bon_admin.recording import Recorder
from promo.adapters.bon_admin.sighting import Seen, Sight, Watch
from promo.adapters.bon_admin.tab import browser_faults
from promo.errors import CodeRefused, OutcomeUnknown, PanelReason, PanelTemporary
from promo.ports import NewCode

_MARK = "sent"


class CreateScreen:
    def __init__(self, watch: Watch, grid: GridScreen, steps: Recorder) -> None:
        self._watch = watch
        self._grid = grid
        self._steps = steps
        self._form = watch.profile.form
        self._waits = watch.profile.waits
        self._arguments = {
            "code": self._form.code,
            "kind": self._form.kind,
            "amount": self._form.amount,
            "validUntil": self._form.valid_until,
            "active": self._form.active,
            "save": self._form.save,
            "lists": list(self._form.choose_all),
            "none": list(self._form.none_values),
            "errors": watch.errors,
        }

    async def open(self) -> Frame:
        """The empty form on the screen. Raises PanelTemporary(LAYOUT) when a field of the profile is missing."""
        frame = (await self._grid.open()).frame
        with browser_faults("opening the form"):
            add = frame.locator(self._watch.profile.grid.add).locator("visible=true").first
            if not await add.count():
                raise PanelTemporary(PanelReason.LAYOUT, "there is no button that adds a code")
            await add.click(timeout=self._seconds(self._waits.form_seconds) * 1000, no_wait_after=True)
        # The grid stays on the screen until the form has come.
        seen = await self._watch.wait_for(
            Sight.FORM,
            seconds=self._waits.form_seconds,
            doing="opening the form",
            unless=lambda seen: seen.sight is Sight.GRID,
        )
        return seen.frame

    async def check(self) -> dict[str, Any]:
        """Open the form, report what of it is recognised, leave without saving. Raises PanelTemporary(LAYOUT) when a field is missing."""
        async with self._steps.step("form_checked") as detail:
            frame = await self.open()
            held = await self._held(frame)
            detail["recognised"] = {
                name: value is not None
                for name, value in held.items()
                if name not in ("lists", "kinds", "save", "errors")
            }
            detail["lists"] = held["lists"]
            self._raise_for_missing(held)
        await self._grid.reload()
        return detail

    async def create(self, new: NewCode) -> None:
        """Type and save one code. Raises CodeRefused(REFUSED | DUPLICATE), OutcomeUnknown once it was sent, PanelTemporary before that."""
        masked = mask_code(new.code, amount_uah=new.amount_uah)
        async with self._steps.step(
            "code_typed", masked=masked, amount_uah=new.amount_uah, valid_until=new.valid_until.isoformat()
        ):
            frame = await self.open()
            await self._fill(frame, new)
        async with self._steps.step("code_saved", masked=masked, amount_uah=new.amount_uah):
            await self._save(frame)

    async def _fill(self, frame: Frame, new: NewCode) -> None:
        day = new.valid_until.strftime(self._form.date_format)
        held = await self._held(frame)
        self._raise_for_missing(held)
        wait = self._seconds(self._waits.form_seconds) * 1000
        with browser_faults("filling the form"):
            await frame.locator(self._form.code).first.fill(new.code, timeout=wait)
            await frame.locator(self._form.kind).first.select_option(self._form.kind_value, timeout=wait)
            await frame.locator(self._form.amount).first.fill(str(new.amount_uah), timeout=wait)
            await frame.locator(self._form.valid_until).first.fill(day, timeout=wait)
            await frame.locator(self._form.active).first.check(timeout=wait)
            await frame.evaluate(CHOOSE_ALL, self._arguments)
        held = await self._held(frame)
        wanted = {
            "code": new.code,
            "kind": self._form.kind_value,
            "amount": str(new.amount_uah),
            "validUntil": day,
            "active": True,
        }
        wrong = [name for name, value in wanted.items() if held[name] != value]
        wrong += [
            selector
            for selector, one in zip(self._form.choose_all, held["lists"], strict=True)
            if one["chosen"] != one["options"] or one["none"]
        ]
        if wrong:
            # A mask or a script changed what was typed. Saved like this it would be another code than the one that is planned.
            raise PanelTemporary(
                PanelReason.LAYOUT,
                f"the form does not hold what was typed: {', '.join(wrong)}",
                expected={name: value for name, value in wanted.items() if name != "code"},
                seen={name: held[name] for name in wanted if name != "code"},
            )

    async def _held(self, frame: Frame, *, mark: str = "") -> dict[str, Any]:
        with browser_faults("reading the form"):
            return dict(await frame.evaluate(READ_FORM, self._arguments | {"mark": mark}))

    def _raise_for_missing(self, held: dict[str, Any]) -> None:
        missing = [name for name in ("code", "kind", "amount", "validUntil", "active") if held[name] is None]
        missing += [selector for selector, one in zip(self._form.choose_all, held["lists"], strict=True) if one is None]
        if not held["save"]:
            missing.append("save")
        if held["kind"] is not None and self._form.kind_value not in held["kinds"]:
            missing.append(f"kind {self._form.kind_value!r}")
        if missing:
            looked_for = {
                "code": self._form.code,
                "kind": f"{self._form.kind} with {self._form.kind_value}",
                "amount": self._form.amount,
                "validUntil": self._form.valid_until,
                "active": self._form.active,
                "save": self._form.save,
            } | dict.fromkeys(self._form.choose_all, "a list")
            lost = {name.split(" ")[0] for name in missing}
            raise PanelTemporary(
                PanelReason.LAYOUT,
                f"the form has no {', '.join(missing)}",
                expected=looked_for,
                seen={name: "not there" if name in lost else selector for name, selector in looked_for.items()},
            )

    async def _save(self, frame: Frame) -> None:
        tab = self._watch.tab
        said_before = len(tab.dialogs)
        with browser_faults("saving the code"):
            errors_before = set((await self._held(frame, mark=_MARK))["errors"])
            button = frame.locator(self._form.save).locator("visible=true").first
            await button.wait_for(timeout=self._seconds(self._waits.form_seconds) * 1000)

        def is_unanswered(seen: Seen) -> bool:
            if seen.sight is not Sight.FORM or seen.mark != _MARK or len(tab.dialogs) > said_before:
                return False
            told = set(seen.errors) - errors_before or seen.page.get("invalid")
            return not (tab.is_quiet and told)

        try:
            with browser_faults("saving the code"):
                await button.click(timeout=self._seconds(self._waits.form_seconds) * 1000, no_wait_after=True)
            seen = await self._watch.wait_for(
                Sight.GRID, Sight.FORM, seconds=self._waits.save_seconds, doing="saving the code", unless=is_unanswered
            )
        except PanelTemporary as error:
            # From the click on, nothing but reading back tells whether the code exists.
            raise OutcomeUnknown(error.reason, f"{error.detail}; the code may exist or not") from None
        if seen.sight is Sight.FORM:
            self._raise_refusal([*tab.dialogs[said_before:], *seen.errors, *(seen.page.get("invalid") or ())])

    def _raise_refusal(self, said: list[str]) -> None:
        text = " · ".join(dict.fromkeys(said))[:300]
        words = self._watch.profile.words.duplicate
        reason = (
            PanelReason.DUPLICATE if any(word.casefold() in text.casefold() for word in words) else PanelReason.REFUSED
        )
        raise CodeRefused(reason, self._steps.clean(text) or "the form came back without saying why")

    def _seconds(self, wanted: float) -> float:
        return self._watch.seconds(wanted)
