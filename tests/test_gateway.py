from __future__ import annotations

import sys
from types import ModuleType

import pytest
from django.test import override_settings
from django.urls import set_script_prefix
from django.utils import translation

from django_goffline import gateway
from django_goffline.exceptions import ConsentRequestError
from django_goffline.models import OAuthClient
from django_goffline.protocol.endpoints import GOOGLE
from django_goffline.protocol.transport import Transport


def goffline(**settings):
    return override_settings(GOFFLINE={"BASE_URL": "https://example.com", **settings})


def test_endpoints_are_google_unless_settings_say_otherwise():
    with goffline():
        assert gateway.endpoints() is GOOGLE
        assert "accounts.google.com" in gateway.issuers()
    with goffline(ENDPOINTS="http://127.0.0.1:8800/"):
        assert gateway.endpoints().token == "http://127.0.0.1:8800/token"
    with goffline(ENDPOINTS={"token": "https://proxy.example/token", "issuer_aliases": ["x"]}):
        assert gateway.endpoints().token == "https://proxy.example/token"
        assert gateway.endpoints().revocation == GOOGLE.revocation
        assert gateway.endpoints().issuer_aliases == ("x",)


def test_the_transport_is_one_a_process_and_follows_the_settings(monkeypatch):
    with goffline():
        first = gateway.transport()
        assert gateway.transport() is first
        monkeypatch.setattr(gateway.os, "getpid", lambda: -1)
        assert gateway.transport() is not first
    with goffline(ENDPOINTS="http://127.0.0.1:8800"):
        assert gateway.transport() is not first


def test_a_transport_can_be_put_in_its_place():
    replacement = Transport()
    with gateway.use_transport(replacement):
        assert gateway.transport() is replacement
    assert gateway.transport() is not replacement
    assert gateway.adapter() is None


def test_credentials_show_no_secret():
    found = gateway.credentials(OAuthClient(client_id="an-id", client_secret="GOCSPX-secret"))
    assert (found.client_id, found.client_secret) == ("an-id", "GOCSPX-secret")
    assert "GOCSPX" not in repr(found)


def test_the_redirect_uri_is_the_rows_or_below_the_base_url():
    own = OAuthClient(redirect_uri="http://localhost:1234/x")
    with goffline():
        assert gateway.redirect_uri(own) == "http://localhost:1234/x"
        assert gateway.redirect_uri(OAuthClient()) == "https://example.com/goffline/callback/"
    with goffline(BASE_URL="https://example.com/sub/"):
        assert gateway.redirect_uri(OAuthClient()) == "https://example.com/sub/goffline/callback/"


def test_the_redirect_uri_is_the_same_in_every_context():
    with goffline():
        set_script_prefix("/elsewhere/")
        try:
            with translation.override("de"):
                assert gateway.redirect_uri(OAuthClient()).endswith(".com/goffline/callback/")
        finally:
            set_script_prefix("/")


def test_without_an_address_it_says_what_to_set():
    with goffline(BASE_URL=""), pytest.raises(ConsentRequestError, match="BASE_URL"):
        gateway.redirect_uri(OAuthClient())


def test_without_our_urls_it_says_what_to_include(monkeypatch):
    urls = ModuleType("tests.urls_without_ours")
    urls.urlpatterns = []
    monkeypatch.setitem(sys.modules, urls.__name__, urls)
    elsewhere = override_settings(ROOT_URLCONF=urls.__name__)
    with goffline(), elsewhere, pytest.raises(ConsentRequestError, match=r"django_goffline\.urls"):
        gateway.redirect_uri(OAuthClient())
