"""``dance-now doctor``: what is installed, what runs where, and how fast."""

from __future__ import annotations

from dance_now.cli.options import say


def doctor() -> None:
    """Tell what is installed, what runs where and how fast, and what to type where something is missing."""
    from dance_now.app.diagnostics import examine

    part = ""
    for finding in examine():
        if finding.part != part:
            part = finding.part
            say(part)
        say(f"  {finding.subject}: {finding.text}")
        if finding.advice:
            say(f"      -> {finding.advice}")
