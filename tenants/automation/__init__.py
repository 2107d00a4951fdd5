"""Programs that use the portal: service accounts, tokens that live for days, rate limits, requests that come twice."""
