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
    def progress(self) -> Path:
        """What happens meanwhile, for those who watch; may be torn or missing, nothing depends on it."""
        return self.path / "progress.jsonl"

    @property
    def orders(self) -> Path:
        """What commands ask of the running coordinator, one file each."""
        return self.path / "orders"

    @property
    def spool(self) -> Path:
        """Updates of the round being played, until they are combined."""
        return self.path / "spool"

    @property
    def checkpoints(self) -> Path:
        """Global weights after each round."""
        return self.path / "checkpoints"

    @property
    def model(self) -> Path:
        """The candidate's model folder; a release is a signed copy of it."""
        return self.path / "model"

    @property
    def releases(self) -> Path:
        """Earlier and later releases of the model, by name."""
        return self.path / "releases"

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
