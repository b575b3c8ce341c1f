"""Keys of the market data providers (for the SEC: an address), and of the model that may write texts. Without one it is off."""

from config import env

PROVIDER_KEYS = {
    "fmp": env.text("FMP_API_KEY", default=""),
    "fred": env.text("FRED_API_KEY", default=""),
    "newsapi": env.text("NEWSAPI_KEY", default=""),
    "polygon": env.text("POLYGON_API_KEY", default=""),
    "tiingo": env.text("TIINGO_API_KEY", default=""),
    "sec-edgar": env.text("SEC_EDGAR_EMAIL", default=""),
}
ANTHROPIC_API_KEY = env.text("ANTHROPIC_API_KEY", default="")
ANTHROPIC_MODEL = env.text("ANTHROPIC_MODEL", default="claude-sonnet-4-5")
