"""Settings of what leaves the portal: mail (none without PKS_MAIL_HOST) and webhooks. A part of the settings."""

from urllib.parse import urlsplit

from pks_portal import env, paths

paths.load_environment()

EMAIL_BACKEND = "tenants.notices.mail.Backend"
EMAIL_HOST = env.text("PKS_MAIL_HOST", "")
EMAIL_PORT = env.integer("PKS_MAIL_PORT", 587)
MAIL_TLS = env.choice("PKS_MAIL_TLS", "starttls", ("starttls", "tls", "none"))
EMAIL_USE_TLS, EMAIL_USE_SSL = MAIL_TLS == "starttls", MAIL_TLS == "tls"
EMAIL_HOST_USER = env.text("PKS_MAIL_USER", "")
EMAIL_HOST_PASSWORD = env.text("PKS_MAIL_PASSWORD", "")
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = env.text(
    "PKS_MAIL_FROM", f"pks-portal@{urlsplit(env.text('PKS_PUBLIC_URL', '')).hostname or 'localhost'}"
)
PKS_MAIL = bool(EMAIL_HOST) and not env.flag("PKS_DEMO", default=False)  # demo addresses are nobody's
PKS_MAIL_CA = env.text("PKS_MAIL_CA", "")  # besides the machine's own authorities

PKS_WEBHOOK_ALLOW = env.destinations("PKS_WEBHOOK_ALLOW")  # inside networks that webhooks may reach
PKS_WEBHOOK_PORTS = [int(port) for port in env.items("PKS_WEBHOOK_PORTS", "443,8443")]
PKS_WEBHOOK_CA = env.text("PKS_WEBHOOK_CA", "")
PKS_WEBHOOK_DAYS = env.integer("PKS_WEBHOOK_DAYS", 3)  # of failing, after which a webhook is turned off
PKS_NOTICE_DAYS = env.integer("PKS_NOTICE_DAYS", 90)  # for how long notices are kept
PKS_DELIVERY_DAYS = env.integer("PKS_DELIVERY_DAYS", 30)
