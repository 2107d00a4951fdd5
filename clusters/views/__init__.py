"""Pages for clusters; htmx and the feed ask the same URLs for fragments."""
