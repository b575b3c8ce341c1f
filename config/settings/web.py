"""The street door."""

from datetime import timedelta

from csp.constants import NONE, SELF

from config import env

from .base import BASE_DIR, DEVELOPMENT, RELEASE, VAR

SECRET_KEY = env.secret_or_own("SECRET_KEY", minimum=50, own_file=VAR / "secret_key")
RESULT_KEY = env.secret_or_own("RESULT_KEY", minimum=50, own_file=VAR / "result_key")
"""Makes the digests that stored results, published patterns and what is cached are proved by."""
RESULT_KEY_FALLBACKS = env.secrets_of("RESULT_KEY_FALLBACKS", minimum=50)
"""Keys of before, the newest first: they make no digest any more, and those that they made hold."""

ALLOWED_HOSTS = env.items("ALLOWED_HOSTS", default=("localhost", "127.0.0.1", "[::1]") if DEVELOPMENT else ())
if not DEVELOPMENT and not ALLOWED_HOSTS:
    raise env.SettingInvalid("ALLOWED_HOSTS", "is not set: name the hosts that the site is reached by")
if not DEVELOPMENT and "*" in ALLOWED_HOSTS:
    raise env.SettingInvalid("ALLOWED_HOSTS", "must name the hosts that the site is reached by, * would be any")
CSRF_TRUSTED_ORIGINS = env.items("CSRF_TRUSTED_ORIGINS")
MONITORING_TOKEN = env.secret("MONITORING_TOKEN", minimum=16) if env.is_set("MONITORING_TOKEN") else ""
"""Asked for at /metrics and /health/pack; empty, they are open."""

RIGHTS_SECOND_PERSON = env.flag("RIGHTS_SECOND_PERSON", default=False)
"""Whether a version of the rights decides only once somebody else than its author has published it."""
PATTERNS_SECOND_PERSON = env.flag("PATTERNS_SECOND_PERSON", default=False)
"""Whether a draft of a pattern becomes a version only once somebody else than who proposed it has published it."""
RIGHTS_ENVIRONMENT = env.text("RIGHTS_ENVIRONMENT", default="development" if DEVELOPMENT else "production")
"""Which environment this is, for licences that are good for one only."""

MIDDLEWARE = [
    "config.telemetry.http_metrics.BeforeMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "execution.web.request_id.RequestIdMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django_otp.middleware.OTPMiddleware",
    "config.log_in.middleware.SecondFactorMiddleware",
    "config.scope.ScopeMiddleware",
    "execution.web.pages.display.DisplayMiddleware",
    "execution.web.pages.unsent_forms.UnsentFormMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "csp.middleware.CSPMiddleware",
    "config.telemetry.http_metrics.AfterMiddleware",
]

MIDDLEWARE_BEFORE_SPAN = MIDDLEWARE.index("execution.web.request_id.RequestIdMiddleware") + 1
"""A traced request's span begins after so many of them: the request has its id by then."""

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "portfolios"
LOGOUT_REDIRECT_URL = "login"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "execution.web.pages.display.context",
                "execution.web.pages.navigation.context",
            ],
            "builtins": ["execution.web.pages.form_owner"],
            "libraries": {"panels": "execution.web.pages.panels", "board": "execution.admin.board"},
        },
    }
]

STATIC_URL = "static/"
STATIC_ROOT = VAR / "static"
STATICFILES_DIRS = [BASE_DIR / "templates" / "static"]
WHITENOISE_USE_FINDERS = WHITENOISE_AUTOREFRESH = DEVELOPMENT
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEVELOPMENT
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}

AUTHENTICATION_BACKENDS = ["config.log_in.backend.Backend"]
OTP_TOTP_ISSUER = "Tieout"
# All tries are counted in one place, config.log_in.tries.
OTP_TOTP_THROTTLE_FACTOR = OTP_STATIC_THROTTLE_FACTOR = 0
OTP_ADMIN_HIDE_SENSITIVE_DATA = True
PASSWORD_HASHERS = [
    "config.log_in.hashing.BoundedArgon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]

SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = not DEVELOPMENT
CSRF_FAILURE_VIEW = "execution.web.pages.unsent_forms.csrf_failure"
SECURE_REDIRECT_EXEMPT = [r"^metrics$"]  # Prometheus asks each process inside, where nobody ends TLS
SECURE_HSTS_SECONDS = 0 if DEVELOPMENT else 365 * 24 * 3600
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = not DEVELOPMENT
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if env.flag("BEHIND_PROXY", default=False) else None
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "img-src": [SELF, "data:"],
        "object-src": [NONE],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "form-action": [SELF],
    }
}

DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "execution.web.authentication.OwnToken",
        "execution.web.authentication.BearerToken",
        "execution.web.authentication.Session",
    ],
    "DEFAULT_PERMISSION_CLASSES": [
        "rest_framework.permissions.IsAuthenticated",
        "execution.web.authentication.WithinScope",
    ],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["execution.web.api.body.StrictJson"],
    "URL_FORMAT_OVERRIDE": None,  # a parameter that every address would have
    "EXCEPTION_HANDLER": "execution.web.problems.handlers.answer",
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
}
SIMPLE_JWT = {
    "ACCESS_TOKEN_LIFETIME": timedelta(hours=1),
    "REFRESH_TOKEN_LIFETIME": timedelta(days=1),
    "SIGNING_KEY": SECRET_KEY,
    "UPDATE_LAST_LOGIN": False,
    "CHECK_REVOKE_TOKEN": True,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Tieout",
    "DESCRIPTION": "Portfolio analytics in which every number ties out.",
    "VERSION": RELEASE,
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SCHEMA_PATH_PREFIX": "/v1",
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "execution.web.api.openapi.complete",
    ],
    "ENUM_NAME_OVERRIDES": {
        "ExecutionStatus": "execution.models.ExecutionStatus",
        "RevisionStatus": "portfolio.models.RevisionStatus",
        "PackStatus": "pricing.models.PackStatus",
        "AccessRole": "portfolio.models.AccessRole",
    },
}
