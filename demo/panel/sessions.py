"""Logged-in browsers and what they were asked at the door: sessions with an end on the server's side, captchas, SMS."""

import secrets
import threading
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from demo.panel.records import Session

SESSION_LIFETIME = timedelta(hours=1)
# Captchas that nobody answers must not pile up.
QUESTIONS_KEPT = 100


class Sessions:
    """All sessions of one panel; safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: dict[str, Session] = {}
        self._answers: dict[str, str] = {}

    def open(self, account: str, *, now: datetime, stage: str = "in") -> Session:
        with self._lock:
            session = Session(secrets.token_urlsafe(24), account, stage, now + SESSION_LIFETIME)
            self._open[session.sid] = session
            return session

    def touch(self, sid: str, *, now: datetime, allowed_requests: int) -> Session | None:
        """The live session with one request more on its count; None when it is unknown, over, or used up (0: never)."""
        with self._lock:
            session = self._open.get(sid)
            if session is None:
                return None
            session = replace(session, requests=session.requests + 1)
            if session.expires_at <= now or (allowed_requests and session.requests > allowed_requests):
                del self._open[sid]
                return None
            self._open[sid] = session
            return session

    def change(self, sid: str, **changes: Any) -> None:
        """Replace some fields of a session; nothing happens when it has ended meanwhile."""
        with self._lock:
            if sid in self._open:
                self._open[sid] = replace(self._open[sid], **changes)

    def close(self, sid: str) -> None:
        with self._lock:
            self._open.pop(sid, None)

    def expire_all(self) -> int:
        """End every session; the cookies stay in the browsers. Returns how many ended."""
        with self._lock:
            ended = len(self._open)
            self._open.clear()
            return ended

    def put_answer(self, question: str, answer: str) -> None:
        """Remember the right answer to a captcha, or the text of the SMS that was "sent"."""
        with self._lock:
            self._answers[question] = answer
            if len(self._answers) > QUESTIONS_KEPT:
                del self._answers[next(iter(self._answers))]

    def answer(self, question: str) -> str | None:
        with self._lock:
            return self._answers.get(question)

    def take_answer(self, question: str) -> str | None:
        """The right answer, once: whoever tries again needs a new question."""
        with self._lock:
            return self._answers.pop(question, None)
