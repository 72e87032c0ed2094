"""One file per part of the findings: what it holds, as facts."""
