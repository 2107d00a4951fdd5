"""Django settings; every deployment choice is an environment variable read through env."""

import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.utils.translation import gettext_lazy as _

from pks_portal import env, logs, paths, sso
from pks_portal.outgoing import *  # noqa: F403

BASE_DIR = Path(__file__).resolve().parent.parent
paths.load_environment()

PUBLIC_URL = env.text("PKS_PUBLIC_URL", "http://localhost:8000").rstrip("/")
SECURE = PUBLIC_URL.startswith("https://")
PUBLIC_HOST = urlsplit(PUBLIC_URL).hostname or "localhost"
PUBLIC_PORT = urlsplit(PUBLIC_URL).port or (443 if SECURE else 80)

SECRET_KEY = env.secret("SECRET_KEY")
DEBUG = env.flag("DEBUG", default=False)
ALLOWED_HOSTS = list(dict.fromkeys([*env.items("ALLOWED_HOSTS"), PUBLIC_HOST, "localhost", "127.0.0.1"]))
WEBSOCKET_ORIGINS = (
    [PUBLIC_URL] if SECURE else [PUBLIC_URL, *(f"http://{host}:{PUBLIC_PORT}" for host in ("localhost", "127.0.0.1"))]
)
CSRF_TRUSTED_ORIGINS = [*env.items("CSRF_TRUSTED_ORIGINS"), PUBLIC_URL]
DEMO = env.flag("PKS_DEMO", default=False)

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.usersessions",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "rest_framework",
    "drf_spectacular",
    "django_filters",
    "channels",
    "csp",
    "tenants",
    "pks_portal.operations",
    "pks_portal.directories",
    "pks_portal.upkeep",
    "clusters",
    "registry",
]
MIDDLEWARE = [
    "pks_portal.middleware.OriginMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "pks_portal.middleware.LanguageMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "tenants.middleware.SessionMiddleware",
    "tenants.middleware.RightsMiddleware",
    "tenants.middleware.SecondFactorMiddleware",
    "pks_portal.middleware.SignInAgainMiddleware",
    "pks_portal.errors.PortalErrorMiddleware",
    "tenants.api.limits.LimitsMiddleware",
    "tenants.api.idempotency.IdempotencyMiddleware",
]
ROOT_URLCONF = "pks_portal.urls"
ASGI_APPLICATION = "pks_portal.asgi.application"
TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "pks_portal.shell.shell",
            ],
        },
    }
]

# Database: SQLite by default; DATABASE_URL=postgresql://user:password@host/name for many workers.
DATABASES: dict[str, dict[str, Any]] = {"default": paths.database(env.text("DATABASE_URL", ""))}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Redis: broker, channel layer and cache; the URL holds the password, so it comes from a file.
REDIS_URL = env.text("REDIS_URL", "")
CHANNEL_LAYERS: dict[str, dict[str, Any]] = {
    "default": {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        # redis-py 8 would end a quiet socket after 5 s and refuse the 101st watcher
        "CONFIG": {"hosts": [{"address": REDIS_URL, "socket_timeout": None, "max_connections": 20000}]},
    }
    if REDIS_URL
    else {"BACKEND": "channels.layers.InMemoryChannelLayer"}
}
CACHES: dict[str, dict[str, Any]] = {
    "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL}
    if REDIS_URL
    else {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
}
CELERY_BROKER_URL = REDIS_URL or "memory://"
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_BROKER_TRANSPORT_OPTIONS = {"socket_timeout": 5, "socket_connect_timeout": 2, "retry_on_timeout": True}
CELERY_TASK_IGNORE_RESULT = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BEAT_SCHEDULE: dict[str, Any] = {
    "sweep": {"task": "pks_portal.operations.tasks.sweep", "schedule": 2.0, "options": {"expires": 2}},
    "stock": {"task": "clusters.tasks.stock", "schedule": 5.0, "options": {"expires": 5}},
    "audit.seal": {"task": "tenants.audit.tasks.seal", "schedule": 2.0, "options": {"expires": 2}},
    "audit.verify": {"task": "tenants.audit.tasks.verify", "schedule": 86400.0, "options": {"expires": 3600}},
    "audit.purge": {"task": "tenants.audit.tasks.purge", "schedule": 86400.0, "options": {"expires": 3600}},
    "quotas": {"task": "tenants.quota_tasks.end_grants", "schedule": 5.0, "options": {"expires": 5}},
    "held": {"task": "clusters.starting.sweep_held", "schedule": 2.0, "options": {"expires": 2}},
    "notices": {"task": "tenants.notices.tasks.sweep", "schedule": 5.0, "options": {"expires": 5}},
    "notices.purge": {"task": "tenants.notices.tasks.purge", "schedule": 86400.0, "options": {"expires": 3600}},
    "follow": {"task": "clusters.tasks.follow", "schedule": 15.0, "options": {"expires": 15}},
    "kubeconfigs": {"task": "clusters.tasks.warn", "schedule": 3600.0, "options": {"expires": 3600}},
    "watch": {"task": "clusters.tasks.watch", "schedule": 3.0, "options": {"expires": 3}},
    "directories": {
        "task": "pks_portal.directories.tasks.look",
        "schedule": 60.0 * env.integer("PKS_DIRECTORY_SYNC_MINUTES", 10),
        "options": {"expires": 60},
    },
    "projects": {"task": "registry.tasks.provide", "schedule": 30.0, "options": {"expires": 30}},
    "rejudge": {"task": "registry.tasks.rejudge", "schedule": 86400.0, "options": {"expires": 3600}},
    "pushes": {"task": "registry.tasks.settle", "schedule": 30.0, "options": {"expires": 30}},
    "pulls": {"task": "registry.tasks.write_pulls", "schedule": 300.0, "options": {"expires": 60}},
    "sboms": {"task": "registry.tasks.read_attached", "schedule": 300.0, "options": {"expires": 60}},
    "remind": {"task": "registry.tasks.remind", "schedule": 3600.0, "options": {"expires": 3600}},
    "storage": {"task": "registry.tasks.watch_storage", "schedule": 60.0, "options": {"expires": 60}},
    "reconcile": {"task": "registry.tasks.reconcile", "schedule": 86400.0, "options": {"expires": 3600}},
    "retain": {"task": "registry.tasks.retain", "schedule": 86400.0, "options": {"expires": 3600}},
    "issuer": {"task": "tenants.issuer.tasks.keep_fresh", "schedule": 86400.0, "options": {"expires": 3600}},
    "forget": {"task": "tenants.automation.tasks.forget", "schedule": 3600.0, "options": {"expires": 3600}},
    "warn": {"task": "tenants.automation.tasks.warn", "schedule": 3600.0, "options": {"expires": 3600}},
}

# People
AUTH_USER_MODEL = "tenants.User"
AUTHENTICATION_BACKENDS = [
    "tenants.directory.backend.DirectoryBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
LOGIN_URL = "/accounts/login/"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_ADAPTER = "tenants.adapter.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_LOGOUT_REDIRECT_URL = "/accounts/login/"
ACCOUNT_SESSION_REMEMBER = None
# "key" is a person: fewer attempts than after which the directory itself would lock them out
ACCOUNT_RATE_LIMITS = {"login_failed": env.text("PKS_SIGN_IN_LIMITS", "20/m/ip,3/5m/key")}
ACCOUNT_USER_MODEL_EMAIL_FIELD = None  # addresses are the directory's: allauth keeps, checks and compares none
ACCOUNT_REAUTHENTICATION_TIMEOUT = STEP_UP_SECONDS = 60 * min(env.integer("PKS_STEP_UP_MINUTES", 10), 15)
MFA_ADAPTER = "tenants.mfa.MFAAdapter"
MFA_FORMS = {"activate_totp": "tenants.mfa_forms.AddAppForm", "authenticate": "tenants.mfa_forms.CodeForm"}
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_RECOVERY_CODES_SHOW_ONCE = True
MFA_TOTP_TOLERANCE = 1
# roles that need a second factor, and "local": accounts whose password is kept here, always outside the demo
MFA_REQUIRED = {*env.items("PKS_MFA_REQUIRED", "" if DEMO else "platform-admin"), *([] if DEMO else ["local"])}
SSO = sso.configuration()
SOCIALACCOUNT_ADAPTER = "tenants.sso.SocialAccountAdapter"
SOCIALACCOUNT_PROVIDERS = {"openid_connect": {"APPS": [SSO["app"]] if SSO else [], "OAUTH_PKCE_ENABLED": True}}
ALLAUTH_TRUSTED_PROXY_COUNT = env.integer("PKS_PROXIES", 0)
DIRECTORY: dict[str, Any] = {
    "uris": env.items("PKS_DIRECTORY_URI"),
    "ca_file": env.text("PKS_DIRECTORY_CA", ""),
    "bind_dn": env.text("PKS_DIRECTORY_BIND_DN", ""),
    "bind_password": env.text("PKS_DIRECTORY_PASSWORD", ""),
    "user_base": env.text("PKS_DIRECTORY_USER_BASE", ""),
    "user_filter": env.text("PKS_DIRECTORY_USER_FILTER", ""),
    "group_base": env.text("PKS_DIRECTORY_GROUP_BASE", ""),
    "group_filter": env.text("PKS_DIRECTORY_GROUP_FILTER", ""),
    "kind": env.text("PKS_DIRECTORY_KIND", "openldap"),
    "start_tls": env.flag("PKS_DIRECTORY_START_TLS", default=True),
    "domain": env.text("PKS_DIRECTORY_DOMAIN", ""),
    "suffixes": env.items("PKS_DIRECTORY_SUFFIXES"),
}
PKS_DIRECTORY_PORTS = [389, 636, 3268, 3269, *map(int, env.items("PKS_DIRECTORY_PORTS"))]  # those one may type
PKS_DIRECTORY_SYNC_MINUTES = env.integer("PKS_DIRECTORY_SYNC_MINUTES", 10)
PKS_DIRECTORY_BRAKE = env.integer("PKS_DIRECTORY_BRAKE", 20)  # per cent of people or memberships that one sync may take
SESSION_COOKIE_AGE = 3600 * env.integer("PKS_SESSION_HOURS", 8)
SESSION_IDLE_SECONDS = 60 * env.integer("PKS_SESSION_IDLE_MINUTES", 30)
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE
SESSION_COOKIE_NAME = "__Host-session" if SECURE else "pks_session"
CSRF_COOKIE_NAME = "__Host-csrf" if SECURE else "pks_csrf"
CSRF_FAILURE_VIEW = "pks_portal.errors.csrf_failed"
SECURE_SSL_REDIRECT = SECURE
SECURE_HSTS_SECONDS = 31536000 if SECURE else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = SECURE
SECURE_REFERRER_POLICY = "same-origin"
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if ALLAUTH_TRUSTED_PROXY_COUNT else None
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "font-src": ["'self'"],
        "connect-src": ["'self'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
        "base-uri": ["'none'"],
        "manifest-src": ["'self'"],
    }
}

# Languages and time
USE_TZ = True
TIME_ZONE = env.text("PKS_TIME_ZONE", "UTC")
LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("zh-hans", _("Simplified Chinese"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
LANGUAGE_COOKIE_NAME = "pks_language"
LANGUAGE_COOKIE_AGE = 365 * 86400

# Static files: hashed names, cached for ever, served by the portal itself
STATIC_URL = "/static/"
STATIC_ROOT = paths.data() / "run" / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "pks_portal.storage.StaticStorage"},
}

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "tenants.tokens.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated", "tenants.stepup.Fresh"],
    "DEFAULT_THROTTLE_CLASSES": ["tenants.api.limits.Limits"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["tenants.http.SoundJSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_PAGINATION_CLASS": "pks_portal.pages.CursorPages",
    "DEFAULT_FILTER_BACKENDS": ["pks_portal.pages.ListFilters"],
    "EXCEPTION_HANDLER": "pks_portal.errors.problem_response",
    "NON_FIELD_ERRORS_KEY": "__all__",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "PKS Portal",
    "DESCRIPTION": "Kubernetes clusters on demand for business lines.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "SERVE_INCLUDE_SCHEMA": False,
    "COMPONENT_SPLIT_REQUEST": True,
    "ENFORCE_NON_BLANK_FIELDS": True,
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "pks_portal.schema.declare_refusals",
    ],
    "ENUM_NAME_OVERRIDES": {
        "TaskStatus": "pks_portal.operations.models.Operation.Status",
        "ClusterStatus": "clusters.models.Cluster.Status",
        "EventLevel": "pks_portal.operations.models.OperationEvent.Level",
        "KubeconfigLevel": "clusters.models.Kubeconfig.Level",
        "KubeconfigKind": "clusters.models.Kubeconfig.Kind",
        "TenantRole": "tenants.models.Role",
        "QuotaKind": "tenants.models.QuotaKind",
        "ArtifactKind": "registry.models.Artifact.Kind",
        "LabelColour": "registry.models.Label.Colour",
        "ScanState": "registry.models.Artifact.ScanState",
        "DirectoryKind": "tenants.models.DirectorySource.Kind",
    },
}

# The portal as issuer for its clusters, which take https only
ISSUER_PORT = env.integer("PKS_ISSUER_PORT", 8443)
ISSUER_URL = env.text("PKS_ISSUER_URL", f"https://localhost:{ISSUER_PORT}").rstrip("/")
ISSUER_IS_ELSEWHERE = bool(env.text("PKS_ISSUER_URL", ""))
ISSUER_CA_FILE = env.text("PKS_ISSUER_CA", str(paths.data() / "issuer" / "ca.pem"))
ISSUER_TOKEN_SECONDS = min(300, max(10, env.integer("PKS_ISSUER_TOKEN_SECONDS", 300)))  # whoever left is out after it
# by API servers; a new key waits three times as long
ISSUER_KEYS_KEPT_SECONDS = max(5, env.integer("PKS_ISSUER_KEYS_KEPT_SECONDS", 300))
ISSUER_KEY_DAYS = env.integer("PKS_ISSUER_KEY_DAYS", 90)

# Automation: 0 requests a minute means no limit
TOKEN_MAX_DAYS = env.integer("PKS_TOKEN_MAX_DAYS", 90)
API_READS_PER_MINUTE = env.integer("PKS_API_READS_PER_MINUTE", 3000)
API_CHANGES_PER_MINUTE = env.integer("PKS_API_CHANGES_PER_MINUTE", 600)
API_PER_ADDRESS_PER_MINUTE = env.integer("PKS_API_PER_ADDRESS_PER_MINUTE", 12000)

# Clusters
PKS_WARM_POOL = env.integer("PKS_WARM_POOL", 0)  # control planes kept ready, for each offered version
PKS_AUDIT_DAYS = env.integer("PKS_AUDIT_DAYS", 0)  # for how long the audit trail is kept; 0: for ever
PKS_STRICT = DEBUG  # a deed or fact that nobody declared is an error, instead of being left out and logged
PKS_KUBECONFIG_MAX_HOURS = env.integer("PKS_KUBECONFIG_MAX_HOURS", 720)
PKS_KUBECONFIG_MAX_HOURS_ADMIN = env.integer("PKS_KUBECONFIG_MAX_HOURS_ADMIN", 24)

# Registry: where the one that holds the bytes listens; people reach it through the portal only
REGISTRY_URL = env.text("PKS_REGISTRY_URL", "http://127.0.0.1:5001").rstrip("/")
REGISTRY_SECRET = env.text("PKS_REGISTRY_SECRET", "")
REGISTRY_STORAGE = env.text("PKS_REGISTRY_STORAGE", "")
# its configuration file on the worker's host, with which its own garbage collection runs
REGISTRY_CONFIG = env.text("PKS_REGISTRY_CONFIG", str(paths.data() / "run" / "registry.yml"))

TRIVY = env.text("PKS_TRIVY", "")  # the scanner's program; without it the one that bootstrap fetched
TRIVY_SHA256 = env.text("PKS_TRIVY_SHA256", "")  # of a program of one's own: it is run by its checksum
SCAN_SECONDS = env.integer("PKS_SCAN_SECONDS", 900)
SCAN_MEMORY_MIB = env.integer("PKS_SCAN_MEMORY_MIB", 4096)
SCAN_DISK_MIB = env.integer("PKS_SCAN_DISK_MIB", 16384)
ROBOT_MAX_DAYS = env.integer("PKS_ROBOT_MAX_DAYS", 365)

LOGGING = logs.configuration(env.text("PKS_LOG_LEVEL", "INFO"), human=DEBUG or sys.stderr.isatty())
