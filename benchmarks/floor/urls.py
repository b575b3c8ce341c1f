"""One view: a token's user (one query), one row (one query), its bytes as they are."""

from django.core.wsgi import get_wsgi_application
from django.db import connection
from django.http import HttpResponse
from django.urls import path
from rest_framework.authentication import TokenAuthentication
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.views import APIView


class Answer(APIView):
    authentication_classes = [TokenAuthentication]
    permission_classes = [IsAuthenticated]

    def post(self, request: Request) -> HttpResponse:
        with connection.cursor() as cursor:
            cursor.execute("SELECT body FROM answer WHERE id = 1")
            (body,) = cursor.fetchone()
        return HttpResponse(body, content_type="application/json")


urlpatterns = [path("answer", Answer.as_view())]
application = get_wsgi_application()
