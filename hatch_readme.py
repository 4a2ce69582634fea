"""The metadata hook: the README as package indexes show it, with links that lead to the repository."""

import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

PICTURE = re.compile(r"(!\[[^\]]*\]\()(?!https?:)([^)\s]+)")
LINK = re.compile(r"(?<!!)(\[[^\]]*\]\()(?!https?:|#)([^)\s]+)")


def absolute_links(text: str, repository: str) -> str:
    """Markdown whose relative links start at the repository's main branch."""
    text = PICTURE.sub(rf"\1{repository}/raw/main/\2", text)
    return LINK.sub(rf"\1{repository}/blob/main/\2", text)


class ReadmeHook(MetadataHookInterface):
    """Sets the project's readme."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Called by hatchling with pyproject.toml's project table."""
        text = (Path(self.root) / "README.md").read_text(encoding="utf-8")
        repository = metadata["urls"]["Homepage"]
        metadata["readme"] = {"content-type": "text/markdown", "text": absolute_links(text, repository)}
