"""The token service (Docker registry v2 authentication): who signs in, what they may do, and the signed answer."""
