"""Every door of the house."""

from django.contrib import admin
from django.contrib.auth import views as auth
from django.urls import include, path

urlpatterns = [
    path("logout/", auth.LogoutView.as_view(), name="logout"),
    path("", include("execution.web.urls")),  # first, since its log-in is the admin's, too
    path("admin/", admin.site.urls),
]

handler400 = "execution.web.problems.handlers.bad_request"
handler403 = "execution.web.problems.handlers.permission_denied"
handler404 = "execution.web.problems.handlers.not_found"
handler500 = "execution.web.problems.handlers.server_error"
