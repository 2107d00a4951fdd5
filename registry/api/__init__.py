"""REST: `/api/v1/registry/`."""
