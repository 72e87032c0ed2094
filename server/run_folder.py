"""Where the files of one run lie; the only place that knows their names."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class RunFolder:
    """`runs/<run>/`: everything a run leaves behind, enough to resume, report and release it."""

    path: Path

    @property
    def config(self) -> Path:
        """Resolved configuration."""
        return self.path / "config.yaml"

    @property
    def ledger(self) -> Path:
        """Hash-chained record of everything decided."""
        return self.path / "ledger.jsonl"

    @property
    def checkpoints(self) -> Path:
        """Global weights after each round."""
        return self.path / "checkpoints"

    @property
    def model(self) -> Path:
        """The released model folder."""
        return self.path / "model"

    @property
    def report_json(self) -> Path:
        """Numbers of the report."""
        return self.path / "report.json"

    @property
    def report_html(self) -> Path:
        """The report a person reads; self-contained."""
        return self.path / "report.html"

    @property
    def events(self) -> Path:
        """TensorBoard event files."""
        return self.path / "events"
