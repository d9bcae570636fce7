"""Tests of the catalogue; a package, because they share the toy images."""
