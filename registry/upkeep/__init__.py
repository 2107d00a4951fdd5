"""The life of what lies in the registry: drift is repaired, old images go, bytes are freed, images are copied."""
