"""Who may sign the audit log."""

from config import env

from .base import VAR

AUDIT_KEY = env.secret_or_own("AUDIT_KEY", minimum=50, own_file=VAR / "audit_key")
"""Signs the seals of the audit log. Whoever has only the database can't make one."""
AUDIT_KEY_FALLBACKS = env.secrets_of("AUDIT_KEY_FALLBACKS", minimum=50)
"""Keys of before, the newest first: they sign nothing any more, and what they signed verifies."""
