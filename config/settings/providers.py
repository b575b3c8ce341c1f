"""Keys of the market data providers. One without a key is off."""

from config import env

PROVIDER_KEYS = {
    "fmp": env.text("FMP_API_KEY", default=""),
    "fred": env.text("FRED_API_KEY", default=""),
    "newsapi": env.text("NEWSAPI_KEY", default=""),
    "polygon": env.text("POLYGON_API_KEY", default=""),
}
