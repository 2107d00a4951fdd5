"""What stands before the registry on the portal's own address: `/v2/`, streamed, with the portal's rules on manifests.

Pure ASGI, since Django would read a whole request body before a view sees it.
"""
