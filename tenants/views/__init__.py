"""Pages of tenants: one module for each kind of thing."""
