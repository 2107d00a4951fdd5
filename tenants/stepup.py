"""Step-up: what is sensitive asks for the password (or second factor) again, unless that was just now."""

from allauth.account.decorators import reauthentication_required

step_up = reauthentication_required
"""Decorates a page that issues a secret or changes rights; put it under login_required."""
