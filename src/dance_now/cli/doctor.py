"""``dance-now doctor``: checks the installation, the hardware and its speed."""

from __future__ import annotations

from dance_now.cli.options import say


def doctor() -> None:
    """Check the installation, hardware and speed; suggest fixes."""
    from dance_now.app.diagnostics import examine

    part = ""
    for finding in examine():
        if finding.part != part:
            part = finding.part
            say(part)
        say(f"  {finding.subject}: {finding.text}")
        if finding.advice:
            say(f"      -> {finding.advice}")
