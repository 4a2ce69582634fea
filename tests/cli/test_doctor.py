"""What ``dance-now doctor`` prints."""

import dance_now.app.diagnostics
from dance_now.app.diagnostics import Finding


def test_parts_findings_and_advice(run, monkeypatch):
    findings = [
        Finding("versions", "Python", "3.11"),
        Finding("extras", "onnx", "not installed", 'pip install "dance-now[onnx]"'),
        Finding("extras", "quality", "not installed"),
    ]
    monkeypatch.setattr(dance_now.app.diagnostics, "examine", lambda: iter(findings))
    outcome = run("doctor")
    assert outcome.code == 0
    assert outcome.out.splitlines() == [
        "versions",
        "  Python: 3.11",
        "extras",
        "  onnx: not installed",
        '      -> pip install "dance-now[onnx]"',
        "  quality: not installed",
    ]
