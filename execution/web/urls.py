from django.urls import path

from execution.web import health, metrics, monitoring
from execution.web.api import audit, executions, exports, imports, openapi, packs, reconciliations, settings, tokens
from execution.web.pages import audit as audit_page
from execution.web.pages import imports as imports_page
from execution.web.pages import log_in, own_exports, own_tokens, pattern, portfolio_list, reconciliation, second_factor

urlpatterns = [
    path("v1/execute", executions.Execute.as_view(), name="execute"),
    path("v1/executions/<uuid:execution_id>", executions.StoredExecution.as_view(), name="execution"),
    path("v1/exports", exports.Exports.as_view(), name="exports"),
    path("v1/exports/<uuid:export_id>", exports.Export.as_view(), name="export"),
    path("v1/exports/<uuid:export_id>/file", exports.ExportFile.as_view(), name="export-file"),
    path("exports/", own_exports.page, name="exports-page"),
    path("exports/verify_bundle.html", own_exports.verifier, name="bundle-verifier"),
    path(".well-known/tieout-keys.json", exports.signing_keys, name="signing-keys"),
    path("v1/packs", packs.Packs.as_view(), name="packs"),
    path("v1/packs/<str:pack_id>", packs.Pack.as_view(), name="pack"),
    path(
        "v1/portfolios/<uuid:portfolio_id>/reconciliations",
        reconciliations.Reconciliations.as_view(),
        name="reconciliations",
    ),
    path("v1/portfolios/<uuid:portfolio_id>/audit", audit.PortfolioAudit.as_view(), name="portfolio-audit"),
    path("v1/portfolios/<uuid:portfolio_id>/imports", imports.Imports.as_view(), name="imports"),
    path("v1/portfolios/<uuid:portfolio_id>/imports/<str:import_id>", imports.Import.as_view(), name="import"),
    path("v1/portfolios/<uuid:portfolio_id>/settings", settings.Settings.as_view(), name="settings"),
    path("v1/token", tokens.Token.as_view(), name="token"),
    path("v1/token/refresh", tokens.RefreshedToken.as_view(), name="token-refresh"),
    path("v1/token/revoke", tokens.RevokedToken.as_view(), name="token-revoke"),
    path("v1/schema", openapi.Schema.as_view(), name="schema"),
    path("health/pack", monitoring.behind_token(health.Pack.as_view()), name="health-pack"),
    path("health/live", health.live, name="health-live"),
    path("health/ready", health.ready, name="health-ready"),
    path("metrics", monitoring.behind_token(metrics.metrics), name="metrics"),
    path("login/", log_in.LogIn.as_view(), name="login"),
    path("admin/login/", log_in.LogIn.as_view(), name="admin-login"),
    path("account/tokens/", own_tokens.page, name="personal-tokens"),
    path("account/second-factor/", second_factor.page, name="second-factor"),
    path("", portfolio_list.page, name="portfolios"),
    path("portfolios/<slug:slug>/reconciliation/", reconciliation.page, name="reconciliation"),
    path("portfolios/<slug:slug>/audit/", audit_page.page, name="audit"),
    path("portfolios/<slug:slug>/imports/", imports_page.page, name="portfolio-imports"),
    path("portfolios/<slug:slug>/<slug:pattern_id>/", pattern.page, name="pattern"),
]
