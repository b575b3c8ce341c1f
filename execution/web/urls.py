from django.urls import path
from drf_spectacular.views import SpectacularAPIView

from execution.web import api, health, imports_api, packs_api, reconciliations_api, settings_api
from execution.web.pages import imports_page, views

urlpatterns = [
    path("v1/execute", api.Execute.as_view(), name="execute"),
    path("v1/executions/<uuid:execution_id>", api.Executed.as_view(), name="execution"),
    path("v1/packs", packs_api.Packs.as_view(), name="packs"),
    path("v1/packs/<str:pack_id>", packs_api.Pack.as_view(), name="pack"),
    path(
        "v1/portfolios/<uuid:portfolio_id>/reconciliations",
        reconciliations_api.Reconciliations.as_view(),
        name="reconciliations",
    ),
    path("v1/portfolios/<uuid:portfolio_id>/imports", imports_api.Imports.as_view(), name="imports"),
    path("v1/portfolios/<uuid:portfolio_id>/imports/<str:import_id>", imports_api.Import.as_view(), name="import"),
    path("v1/portfolios/<uuid:portfolio_id>/settings", settings_api.Settings.as_view(), name="settings"),
    path("v1/token", api.Token.as_view(), name="token"),
    path("v1/token/refresh", api.RefreshedToken.as_view(), name="token-refresh"),
    path("v1/schema", SpectacularAPIView.as_view(), name="schema"),
    path("health/pack", health.Pack.as_view(), name="health-pack"),
    path("health/live", health.live, name="health-live"),
    path("health/ready", health.ready, name="health-ready"),
    path("metrics", health.metrics, name="metrics"),
    path("", views.portfolios, name="portfolios"),
    path("portfolios/<slug:slug>/reconciliation/", reconciliations_api.page, name="reconciliation"),
    path("portfolios/<slug:slug>/imports/", imports_page.page, name="portfolio-imports"),
    path("portfolios/<slug:slug>/<slug:pattern_id>/", views.pattern, name="pattern"),
]
