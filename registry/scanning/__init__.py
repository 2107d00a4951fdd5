"""Looking into images: what they consist of, and which known vulnerabilities that has."""
