"""PKS Portal: Kubernetes clusters on demand for business lines."""

__version__ = "0.1.0"
