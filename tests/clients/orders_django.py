"""An API as Django makes one, with its defaults: /v1/orders is redirected to /v1/orders/. For gunicorn."""

import os

import django
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponseRedirect, JsonResponse
from django.urls import path

settings.configure(
    SECRET_KEY="of a test",
    ROOT_URLCONF=__name__,
    ALLOWED_HOSTS=os.environ["HOSTS"].split(),
    USE_X_FORWARDED_HOST=os.environ.get("BY_FORWARDED") == "yes",
    MIDDLEWARE=["django.middleware.common.CommonMiddleware"],
)
django.setup()


def orders(request):
    response = JsonResponse({"orders": [], "url": request.build_absolute_uri()})
    response.set_cookie("csrftoken", "a")
    return response


def absolute(request):
    return HttpResponseRedirect(request.build_absolute_uri("/v1/orders/"))


urlpatterns = [path("v1/orders/", orders), path("v1/absolute", absolute)]
application = get_wsgi_application()
