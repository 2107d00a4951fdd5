"""The `pks` command: the portal's REST interface for people at a terminal and for scripts."""
