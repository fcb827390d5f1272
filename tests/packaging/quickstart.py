"""Takes the quickstart's own lines from its page."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

PAGE = Path(__file__).resolve().parents[2] / "docs" / "quickstart.md"
BLOCK = re.compile(r"^```(?P<language>\w+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Quickstart:
    """The page, with the ports that the test uses in place of the page's."""

    text: str

    @classmethod
    def read(cls, *, site_port: int, google_port: int) -> Quickstart:
        """The page as it is, but for the two port numbers."""
        text = PAGE.read_text().replace("localhost:8000", f"127.0.0.1:{site_port}")
        text = text.replace("localhost:8800", f"127.0.0.1:{google_port}")
        text = text.replace("--port 8800", f"--port {google_port}")
        return cls(text=text.replace("manage.py runserver", f"manage.py runserver {site_port}"))

    def file_after(self, words: str) -> str:
        """The first Python block after ``words``."""
        start = self.text.index(words)
        return next(
            match["text"]
            for match in BLOCK.finditer(self.text, start)
            if match["language"] == "python"
        )

    def last_code(self) -> str:
        """The page's last Python block: how one's own code reads the mirror."""
        blocks = [match for match in BLOCK.finditer(self.text) if match["language"] == "python"]
        return blocks[-1]["text"]

    def commands(self) -> list[str]:
        """Every line that the page types at a shell, in order."""
        return [
            line.removeprefix("$ ")
            for match in BLOCK.finditer(self.text)
            if match["language"] == "console"
            for line in match["text"].splitlines()
            if line.startswith("$ ")
        ]
