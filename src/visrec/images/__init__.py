"""Picture files in, upright RGB pictures out; contact sheets."""
