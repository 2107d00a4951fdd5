"""REST for tenants: one module for each kind of thing."""
