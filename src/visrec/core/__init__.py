"""Types, protocols, errors, settings and artifacts: what every other package speaks in."""
