"""HTTP: a workspace as an API and a page. Thin: what is answered is decided in `visrec.workspace`."""
